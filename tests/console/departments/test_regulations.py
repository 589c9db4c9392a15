"""Paragraphs with versions, and everything that cites one whose text has changed, with its owner."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from console import clock as console_clock
from console import db
from console.audit import AuditEntry
from console.departments import queries, regulations
from console.departments.models import RegulationParagraph, Release, ReleaseEvent
from console.departments.regulations import CHANGED, REPEALED, UNRECORDED, Paragraph
from console.errors import InvalidAnswers, NotAllowed
from console.roles import Role
from console.scope import System, become
from rules.documents import canonical, content_hash
from seed import base
from tests.factories import make_staff

pytestmark = pytest.mark.usefixtures("a_working_day")
CLERK = System("test")
KEY = ("TBL-2017", "第三十七条")
NEW = Paragraph(*KEY, summary="评标专家须在相关领域工作满十年并有高级职称。", in_force_from=dt.date(2040, 12, 1))


@pytest.fixture
def owner(owner_engine: Engine) -> Iterator[Session]:
    """A session of the owner's login; everything is undone."""
    with owner_engine.connect() as connection, become(System("test")):
        transaction = connection.begin()
        with db.factory(bind=connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@pytest.fixture
def a_working_day(clock: Any) -> None:
    clock.set(dt.date(2040, 11, 18))  # later than whatever the template database was made on


def today(session: Session) -> dt.date:
    return console_clock.today(session)


def owners(places: list[regulations.Stale]) -> set[str]:
    return {one.department.code for one in places}


def test_every_paragraph_the_shipped_bundles_cite_is_on_file(session: Session) -> None:
    assert regulations.stale(session, today(session)) == []


def test_another_text_is_another_version_and_lists_what_cites_it_from_the_day_it_holds(session: Session) -> None:
    before = regulations.latest(session)[KEY]
    row = regulations.record(session, NEW, actor=CLERK, reason="全国人大常委会公布修正")

    assert (row.version, before.version, row.text_hash != before.text_hash, row.recorded_by) == (2, 1, True, CLERK.who)
    assert regulations.stale(session, dt.date(2040, 11, 30)) == []  # the old text still holds
    places = regulations.stale(session, dt.date(2040, 12, 1))
    assert {(one.reg, one.article, one.kind, one.since) for one in places} == {(*KEY, CHANGED, dt.date(2040, 12, 1))}
    assert {"criteria.yaml", "review.yaml", "questions.csv"} <= {one.file for one in places}
    assert {"transport", "housing", "centre"} <= owners(places)
    assert ("criteria.yaml", "criteria.title.basis.0") in {(one.file, one.key) for one in places if one.department.code == "transport"}
    transport = queries.department_by_code(session, "transport")
    assert transport is not None
    assert owners(regulations.stale(session, dt.date(2040, 12, 1), department_id=transport.id)) == {"transport"}
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "regulation.recorded")).one()
    assert entry.subject == f"regulation_paragraph:{row.id}"


def test_the_same_text_with_another_mark_is_nobodys_concern(session: Session) -> None:
    last = regulations.latest(session)[KEY]
    same = Paragraph(*KEY, summary=last.summary, in_force_from=last.in_force_from, verified=not last.verified)
    regulations.record(session, same, actor=CLERK, reason="与正式文本核对")
    assert regulations.stale(session, today(session)) == []


def test_a_repealed_paragraph_is_listed_from_the_day_after(session: Session) -> None:
    last = regulations.latest(session)[KEY]
    ended = Paragraph(*KEY, summary=last.summary, in_force_from=last.in_force_from, in_force_to=dt.date(2040, 12, 31), verified=True)
    regulations.record(session, ended, actor=CLERK, reason="新法施行，旧法废止")
    assert regulations.stale(session, dt.date(2040, 12, 31)) == []
    places = regulations.stale(session, dt.date(2041, 1, 1))
    assert {(one.kind, one.since) for one in places} == {(REPEALED, dt.date(2041, 1, 1))}


def release_of(session: Session, code: str, change: Any) -> Release:
    department = queries.department_by_code(session, code)
    assert department is not None
    latest = queries.release_in_force(session, department.id, today(session))
    assert latest is not None
    data = json.loads(latest.content)
    change(data)
    now = console_clock.now(session)
    made = Release(department_id=department.id, version=latest.version + 1, base_id=latest.id, content=canonical(data),
                   content_hash=content_hash(data), author="system:test", created_at=now)  # fmt: skip
    session.add(made)
    session.flush()
    session.add(ReleaseEvent(release_id=made.id, state="published", actor="system:test", at=now, effective_on=today(session)))
    session.flush()
    return made


def test_a_release_made_after_the_change_knows_it_and_an_unchanged_question_does_not(session: Session, clock: Any) -> None:
    regulations.record(session, dataclasses.replace(NEW, in_force_from=dt.date(2040, 11, 18)), actor=CLERK, reason="人大公布修正")
    clock.set(dt.date(2040, 11, 20))

    def read_again(data: dict[str, Any]) -> None:
        row = next(one for one in data["questions.csv"] if one["article"] == "招标投标法第三十七条")
        row["explanation"] = "已按新文本核对。"  # written anew, after the change
        looked_at.append(row["qid"])

    looked_at: list[str] = []

    release_of(session, "transport", lambda data: None)
    assert "transport" not in owners(regulations.stale(session, today(session)))
    release_of(session, "centre", read_again)
    places = [one for one in regulations.stale(session, today(session)) if one.department.code == "centre"]
    assert places and {one.file for one in places} == {"questions.csv"}
    assert not any(one.key.endswith(looked_at[0]) for one in places)


def test_a_clause_that_is_not_on_file_is_listed_too(session: Session) -> None:
    def cite(data: dict[str, Any]) -> None:
        data["criteria.yaml"]["criteria"][0]["basis"] = [{"reg": "TBL-2017", "article": "第九百条"}]
        data["questions.csv"][0]["article"] = "没有这部法第一条"

    release_of(session, "transport", cite)
    places = regulations.stale(session, today(session))
    assert [(one.kind, one.reg, one.article, one.file) for one in places] == [
        (UNRECORDED, "TBL-2017", "第九百条", "criteria.yaml"),
        (UNRECORDED, "", "没有这部法第一条", "questions.csv"),
    ]


def test_who_looks_beforehand_sees_what_recording_then_lists(session: Session) -> None:
    on = dt.date(2040, 12, 1)
    would = regulations.stale(session, on, as_if=[NEW])
    regulations.record(session, NEW, actor=CLERK, reason="人大公布修正")
    are = regulations.stale(session, on)
    assert [(one.file, one.key, one.department.code) for one in would] == [(one.file, one.key, one.department.code) for one in are]


@pytest.mark.parametrize(("change", "field"), [
    ({"regulation_id": "NO-SUCH"}, "regulation_id"), ({"article": " "}, "article"), ({"summary": "短"}, "summary"),
    ({"in_force_to": dt.date(2040, 11, 30)}, "in_force_to"), ({"in_force_from": None}, "in_force_from"),
    ({"in_force_from": dt.date(2000, 1, 1)}, "in_force_from"), ({"title": "长" * 81}, "title"),
])  # fmt: skip
def test_what_cannot_be_recorded_is_named_by_field_and_nothing_is_written(session: Session, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidAnswers) as error:
        regulations.record(session, dataclasses.replace(NEW, **change), actor=CLERK, reason="人大公布修正")
    assert list(error.value.problems) == [field]
    assert regulations.latest(session)[KEY].version == 1


def test_recording_the_same_again_or_without_a_reason_is_refused(session: Session) -> None:
    regulations.record(session, NEW, actor=CLERK, reason="人大公布修正")
    for again, reason, field in ((NEW, "人大公布修正", "summary"), (dataclasses.replace(NEW, summary="又改成十二年了。"), " ", "reason")):
        with pytest.raises(InvalidAnswers) as error:
            regulations.record(session, again, actor=CLERK, reason=reason)
        assert list(error.value.problems) == [field]


@pytest.mark.parametrize(("role", "department", "allowed"), [
    (Role.RULE_PUBLISHER, "centre", True), (Role.PLATFORM_ADMIN, None, True), (Role.RULE_PUBLISHER, "transport", False),
    (Role.RULE_EDITOR, "centre", False), (Role.SUPERVISOR, None, False), (Role.DEPARTMENT_ADMIN, "centre", False),
])  # fmt: skip
def test_only_the_centres_publisher_and_platform_admins_record(
    session: Session, role: Role, department: str | None, allowed: bool
) -> None:
    officer = make_staff(session, role, department_code=department)
    with become(officer):
        if allowed:
            assert regulations.record(session, NEW, actor=officer, reason="人大公布修正").version == 2
        else:
            with pytest.raises(NotAllowed):
                regulations.record(session, NEW, actor=officer, reason="人大公布修正")


def test_the_application_may_add_versions_and_change_none(session: Session) -> None:
    row = regulations.record(session, NEW, actor=CLERK, reason="人大公布修正")
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        row.summary = "另一种说法，悄悄改的。"
        session.flush()


def test_seeding_again_leaves_what_people_recorded_and_makes_a_version_of_a_later_text(owner: Session, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(base.DATA, tmp_path / "data"))
    regulations.record(owner, NEW, actor=CLERK, reason="人大公布修正")
    file = folder / "regulation_paragraphs.csv"
    text = file.read_text(encoding="utf-8")
    old = "依法必须招标的项目，从开始发出招标文件到投标截止，至少二十日。,1,2017-12-28,"
    assert old in text
    file.write_text(text.replace(old, "至少三十日。,1,2026-12-01,"), encoding="utf-8")
    base.load(owner, folder=folder)
    versions = {
        key: [row.version for row in owner.scalars(select(RegulationParagraph).where(
            RegulationParagraph.regulation_id == key[0], RegulationParagraph.article == key[1]).order_by(RegulationParagraph.version))]
        for key in (KEY, ("TBL-2017", "第二十四条"))
    }  # fmt: skip
    assert versions == {KEY: [1, 2], ("TBL-2017", "第二十四条"): [1, 2]}
    assert regulations.latest(owner)[KEY].summary == NEW.summary
    assert base.load(owner, folder=folder).changes == 0


