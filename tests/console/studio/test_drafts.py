"""Writing rules: nothing is lost, nothing overwritten, and only a department's own editors write."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from console.errors import InvalidAnswers, NotAllowed
from console.roles import Role
from console.studio import drafts
from console.studio.errors import DraftFrozen, DraftMovedOn, NotText, TooLarge, UnknownFile
from console.studio.models import DraftRevision, DraftState
from rules.documents import MAX_BYTES
from tests.console.studio.making import change_age, editor, lower_age, make_draft
from tests.factories import HOHHOT, department, make_staff


def test_a_draft_begins_with_the_files_of_the_newest_release(session):
    base = drafts.newest_published(session, department(session, "transport").id)
    draft = make_draft(session, editor(session))
    said = drafts.text_of(session, draft)

    assert (draft.base_id, draft.revision, draft.state) == (base.id, 1, DraftState.OPEN)
    assert said.problems == ()
    assert said.bundle.hash == base.content_hash


def test_a_saving_is_a_revision_that_nobody_changes(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    before = drafts.head(session, draft)
    change_age(session, draft, actor)
    after = drafts.head(session, draft)

    assert (before.number, after.number, draft.revision) == (1, 2, 2)
    assert after.content_hash not in (None, before.content_hash)
    assert drafts.text_of(session, draft).bundle.criteria.values_on(drafts.text_of(session, draft).bundle.manifest.effective_from)["age_limit"] == 65
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"), session.begin_nested():
        session.execute(text("UPDATE draft_revision SET note = 'changed' WHERE id = :id"), {"id": after.id})


def test_the_same_files_make_no_revision(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    same = drafts.head(session, draft).sources["criteria.yaml"].encode()

    assert drafts.revise(session, draft, {"criteria.yaml": same}, expected=1, actor=actor) is None
    assert draft.revision == 1


def test_a_draft_may_be_wrong_for_a_while_and_says_so_with_lines(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    broken = drafts.head(session, draft).sources["criteria.yaml"].replace("param: age_limit", "param: age_limt")
    revision = drafts.revise(session, draft, {"criteria.yaml": broken.encode()}, expected=1, note="试一下", actor=actor)
    said = drafts.text_of(session, draft)

    assert revision.content_hash is None and revision.sources["criteria.yaml"] == broken
    assert said.bundle is None
    found = [p for p in said.problems if p.file == "criteria.yaml" and "age_limt" in p.en]
    assert found and found[0].line > 1 and "age_limit" in found[0].en


def test_the_second_of_two_savers_is_told_who_was_first(session):
    first, second = editor(session), editor(session, "乌兰")
    draft = make_draft(session, first)
    change_age(session, draft, first)

    with pytest.raises(DraftMovedOn) as moved:
        drafts.revise(session, draft, {"letters.yaml": b"letters: {}\n"}, expected=1, actor=second)
    assert (moved.value.who, moved.value.revision, draft.revision) == (first.who, 2, 2)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("hooks.py", b"import os", UnknownFile),
        ("../bundle.yaml", b"", UnknownFile),
        ("training/../../x.md", b"", UnknownFile),
        ("criteria.yml", b"", UnknownFile),
        ("criteria.yaml", b"\xff\xfe", NotText),
        ("criteria.yaml", b"a\x00b", NotText),
        ("criteria.yaml", b"x" * (MAX_BYTES + 1), TooLarge),
    ],
)
def test_what_no_draft_can_hold_is_refused_and_the_draft_stays(session, name, content, error):
    actor = editor(session)
    draft = make_draft(session, actor)
    with pytest.raises(error):
        drafts.revise(session, draft, {name: content}, expected=1, actor=actor)
    assert session.scalars(select(DraftRevision.number).where(DraftRevision.draft_id == draft.id)).all() == [1]


@pytest.mark.parametrize(
    ("role", "code", "division"),
    [
        (Role.RULE_EDITOR, "water", "150000"),
        (Role.RULE_EDITOR, "transport", HOHHOT),  # rules are one for the region: a league's grant does not reach them
        (Role.RULE_PUBLISHER, "transport", "150000"),
        (Role.COORDINATOR, "transport", "150000"),
        (Role.SUPERVISOR, None, "150000"),
    ],
)
def test_nobody_but_the_departments_editors_writes(session, role, code, division):
    draft = make_draft(session, editor(session))
    other = make_staff(session, role, department_code=code, division=division)
    with pytest.raises(NotAllowed):
        drafts.begin(session, department(session, "transport"), title="x", actor=other)
    with pytest.raises(NotAllowed):
        drafts.revise(session, draft, {"letters.yaml": b""}, expected=1, actor=other)
    with pytest.raises(NotAllowed):
        drafts.discard(session, draft, reason="", actor=other)


def test_a_draft_without_a_title_is_not_begun(session):
    with pytest.raises(InvalidAnswers) as wrong:
        drafts.begin(session, department(session, "transport"), title="  ", actor=editor(session))
    assert list(wrong.value.problems) == ["title"]


def test_a_discarded_draft_stays_readable_and_is_closed(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    drafts.discard(session, draft, reason="不改了", actor=actor)

    assert drafts.text_of(session, draft).bundle is not None
    with pytest.raises(DraftFrozen):
        drafts.revise(session, draft, {"letters.yaml": b""}, expected=1, actor=actor)


def test_everybody_who_saved_is_a_writer(session):
    first, second = editor(session), editor(session, "乌兰")
    draft = make_draft(session, first)
    change_age(session, draft, second)
    assert drafts.writers(session, draft) == {first.who, second.who}


def test_lower_age_is_read_back(session):
    draft = make_draft(session, editor(session))
    assert "value: 60" in lower_age(drafts.head(session, draft).sources["criteria.yaml"])
