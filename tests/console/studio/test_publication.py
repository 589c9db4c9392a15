"""From a draft to a release in force: asked for with everything beside it, published by a second person, effective on its day."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from console.audit import AuditEntry
from console.departments import queries as departments
from console.departments import transfers
from console.departments.models import Release, ReleaseEvent
from console.errors import InvalidAnswers, NotAllowed
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import System
from console.studio import drafts, examination, publication, rollback
from console.studio.errors import (
    BaseMoved,
    DateNotPossible,
    DraftFrozen,
    NothingToRollBack,
    NotReady,
    NotScheduled,
    NotWaiting,
    OwnDraft,
    ScheduledAhead,
)
from console.studio.models import DraftState
from tests.console.studio.findings import make_finding
from tests.console.studio.making import (
    REASON,
    asked_for,
    change_age,
    editor,
    make_draft,
    make_replay,
    publisher,
)
from tests.factories import department, make_admission, make_staff

TODAY, NEXT_MONTH = dt.date(2026, 11, 20), dt.date(2026, 12, 1)
CLOCK = System("take_effect")


@pytest.fixture(autouse=True)
def on_the_day(clock):
    clock.set(TODAY)


def states(session, release):
    return session.scalars(select(ReleaseEvent.state).where(ReleaseEvent.release_id == release.id).order_by(ReleaseEvent.id)).all()


def obstacles(session, draft):
    return [one.code for one in examination.examine(session, draft).obstacles]


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_is_listed_together(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    assert obstacles(session, draft) == ["nothing", "replay"]
    change_age(session, draft, actor, start="2026-01-01", limit=40)  # so low that cases fail
    assert obstacles(session, draft) == ["checks", "cases", "replay"]  # C204: a value added into the past
    drafts.revise(session, draft, {"criteria.yaml": b"criteria: 1\n"}, expected=2, actor=actor)
    assert obstacles(session, draft) == ["problems"]
    publication.plan(session, draft, effective_on=NEXT_MONTH, actor=actor)
    with pytest.raises(NotReady) as wrong:
        publication.request(session, draft, expected=3, reason=REASON, actor=actor)
    assert [one.code for one in wrong.value.obstacles] == ["problems"]


def test_a_replay_of_another_text_or_another_day_does_not_count(session):
    actor = editor(session)
    draft = make_draft(session, actor)
    change_age(session, draft, actor)
    publication.plan(session, draft, effective_on=NEXT_MONTH, actor=actor)
    make_replay(session, draft, as_if=TODAY)
    assert obstacles(session, draft) == ["replay_day"]
    make_replay(session, draft)
    assert obstacles(session, draft) == []
    change_age(session, draft, actor, start="2027-01-01", limit=58)
    assert obstacles(session, draft) == ["replay"]


def test_a_request_freezes_what_the_publisher_looks_at(session):
    actor = editor(session)
    draft = asked_for(session, actor, effective_on=NEXT_MONTH)
    release = session.get_one(Release, draft.release_id)

    assert (draft.state, release.content_hash, release.base_id) == (DraftState.READY, drafts.head(session, draft).content_hash, draft.base_id)
    assert release.sources["criteria.yaml"] == drafts.head(session, draft).sources["criteria.yaml"]
    assert release.transition == {"begun": "new", "submitted": "old", "accepted": "old"}
    assert states(session, release) == ["drafted", "ready"]
    ready = session.scalars(select(ReleaseEvent).where(ReleaseEvent.release_id == release.id, ReleaseEvent.state == "ready")).one()
    assert ready.report["replay"]["as_if"] == NEXT_MONTH.isoformat() and ready.report["cases"] > 12 and ready.report["warnings"]["C307"] > 0
    with pytest.raises(DraftFrozen):
        change_age(session, draft, actor, start="2027-01-01", limit=58)
    assert departments.release_in_force(session, draft.department_id, NEXT_MONTH).id == draft.base_id


@pytest.mark.parametrize("statement", ["UPDATE release SET content = '{}' WHERE id = :id", "DELETE FROM release WHERE id = :id",
                                       "UPDATE release_event SET state = 'published' WHERE release_id = :id"])
def test_postgresql_itself_refuses_to_change_a_release(session, statement):
    release = departments.release_in_force(session, department(session, "transport").id, TODAY)
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"), session.begin_nested():
        session.execute(text(statement), {"id": release.id})


def test_a_day_in_the_past_is_refused(session, clock):
    actor, second = editor(session), publisher(session)
    draft = make_draft(session, actor)
    with pytest.raises(DateNotPossible):
        publication.plan(session, draft, effective_on=TODAY - dt.timedelta(days=1), actor=actor)
    waiting = asked_for(session, actor, effective_on=NEXT_MONTH)
    clock.set(NEXT_MONTH + dt.timedelta(days=1))
    with pytest.raises(DateNotPossible):
        publication.publish(session, waiting, reason=REASON, actor=second)
    assert states(session, session.get_one(Release, waiting.release_id)) == ["drafted", "ready"]


def test_sent_back_it_can_be_changed_and_asked_for_again(session):
    actor, second = editor(session), publisher(session)
    draft = asked_for(session, actor, effective_on=NEXT_MONTH)
    refused = session.get_one(Release, draft.release_id)
    with pytest.raises(InvalidAnswers):
        publication.refuse(session, draft, reason=" ", actor=second)
    publication.refuse(session, draft, reason="依据还没有写明条号", actor=second)

    assert (draft.state, draft.release_id, states(session, refused)[-1]) == (DraftState.OPEN, None, "refused")
    change_age(session, draft, actor, start="2027-01-01", limit=58)
    make_replay(session, draft)
    again = publication.request(session, draft, expected=draft.revision, reason=REASON, actor=actor)
    assert again.version == refused.version + 1
    publication.take_back(session, draft, reason="再想一想吧", actor=actor)
    with pytest.raises(NotWaiting):
        publication.publish(session, draft, reason=REASON, actor=second)


# ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_person_publishes_and_the_day_puts_it_into_force(session, clock):
    actor, second = editor(session), publisher(session)
    draft = asked_for(session, actor, effective_on=NEXT_MONTH)
    base = session.get_one(Release, draft.base_id)
    release = publication.publish(session, draft, reason=REASON, actor=second)

    assert (draft.state, states(session, release)) == (DraftState.PUBLISHED, ["drafted", "ready", "published"])
    due = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == publication.SCHEDULED)).one()
    assert (due.ids, due.due_at.astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat()) == ([release.id], "2026-12-01T00:00:00+08:00")
    assert publication.take_effect(session, release.id, actor=CLOCK) is False  # not yet: the day decides
    assert departments.release_in_force(session, base.department_id, TODAY).id == base.id
    clock.set(NEXT_MONTH)
    assert departments.release_in_force(session, base.department_id, NEXT_MONTH).id == release.id  # whatever the job does
    assert publication.take_effect(session, release.id, actor=CLOCK) is True
    assert publication.take_effect(session, release.id, actor=CLOCK) is False
    assert (states(session, release)[-1], states(session, base)[-1]) == ("effective", "retired")
    assert departments.release_in_force(session, base.department_id, TODAY).id == base.id  # yesterday stays yesterday's
    bundle = departments.bundle_of(session, release.id)
    assert [bundle.criteria.values_on(day)["age_limit"] for day in (TODAY, NEXT_MONTH)] == [65, 60]
    acts = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"release:{release.id}").order_by(AuditEntry.id)).all()
    assert acts == ["release.drafted", "release.ready", "release.published", "release.effective"]


def test_nobody_publishes_what_they_wrote_in(session):
    first = make_staff(session, Role.RULE_PUBLISHER, name="乌兰", staff=editor(session, "乌兰"))  # both roles on one person
    helper = make_staff(session, Role.RULE_PUBLISHER, name="高娃", staff=editor(session, "高娃"))
    draft = make_draft(session, first)
    change_age(session, draft, helper)
    publication.plan(session, draft, effective_on=NEXT_MONTH, actor=first)
    make_replay(session, draft)
    publication.request(session, draft, expected=2, reason=REASON, actor=first)
    for writer in (first, helper):
        with pytest.raises(OwnDraft):
            publication.publish(session, draft, reason=REASON, actor=writer)
    assert publication.publish(session, draft, reason=REASON, actor=publisher(session)).id == draft.release_id


def test_only_the_departments_publishers_publish(session):
    draft = asked_for(session, editor(session), effective_on=NEXT_MONTH)
    for actor in (editor(session, "乌兰"), publisher(session, code="water"), make_staff(session, Role.SUPERVISOR, department_code=None)):
        with pytest.raises(NotAllowed):
            publication.publish(session, draft, reason=REASON, actor=actor)


def test_over_a_base_that_moved_nothing_is_published(session):
    first, second, other = editor(session), publisher(session), editor(session, "乌兰")
    slow = make_draft(session, other)
    change_age(session, slow, other, start="2027-02-01", limit=62)
    waiting = asked_for(session, other, effective_on=NEXT_MONTH, limit=63)
    fast = asked_for(session, first, effective_on=NEXT_MONTH)
    new = publication.publish(session, fast, reason=REASON, actor=second)

    assert [o.code for o in examination.examine(session, slow).obstacles] == ["moved", "replay"]
    with pytest.raises(BaseMoved) as moved:
        publication.publish(session, waiting, reason=REASON, actor=second)
    assert moved.value.version == new.version


def test_taking_over_a_moved_base_keeps_what_both_changed_for_a_person_to_look_at(session):
    first, second, other = editor(session), publisher(session), editor(session, "乌兰")
    mine = make_draft(session, other)
    letters = drafts.head(session, mine).sources["letters.yaml"] + "# ours\n"
    drafts.revise(session, mine, {"letters.yaml": letters.encode()}, expected=1, actor=other)
    both = make_draft(session, other)
    change_age(session, both, other, start="2027-02-01", limit=62)
    new = publication.publish(session, asked_for(session, first, effective_on=NEXT_MONTH), reason=REASON, actor=second)

    assert drafts.take_over(session, mine, expected=2, actor=other) == drafts.Taken(("cases.yaml", "criteria.yaml"), ())
    assert (mine.base_id, drafts.head(session, mine).sources["letters.yaml"]) == (new.id, letters)
    assert drafts.take_over(session, both, expected=2, actor=other) == drafts.Taken((), ("criteria.yaml",))
    assert "value: 62" in drafts.head(session, both).sources["criteria.yaml"]


# ── specialties ──────────────────────────────────────────────────────────────────────────────────────────────


def claim_of_another(session, actor):
    """Water's draft claims a prefix that transport holds."""
    draft = make_draft(session, actor, code="water", title="接管航道")
    sources = drafts.head(session, draft).sources
    changed = sources["bundle.yaml"].replace("A0408", "A0403, A0408", 1)
    assert changed != sources["bundle.yaml"]
    drafts.revise(session, draft, {"bundle.yaml": changed.encode()}, expected=1, actor=actor)
    return draft


def test_a_claim_another_release_holds_waits_for_the_centres_record(session, clock):
    water = editor(session, code="water")
    draft = claim_of_another(session, water)
    publication.plan(session, draft, effective_on=NEXT_MONTH, actor=water)
    make_replay(session, draft)
    found = examination.examine(session, draft).obstacles
    assert [(o.code, o.facts["prefix"]) for o in found] == [("claim", "A0403")]

    to = department(session, "water")
    about = {"standard": "316-2018", "prefix": "a0403 ", "to": to, "basis": "职责调整方案第二条", "reason": "职责划转到水利厅"}
    for nobody in (make_staff(session, Role.COORDINATOR), make_staff(session, Role.OPERATOR, department_code="centre"), water):
        with pytest.raises(NotAllowed):
            transfers.record_transfer(session, **about, actor=nobody)
    coordinator = make_staff(session, Role.COORDINATOR, department_code="centre")
    with pytest.raises(InvalidAnswers) as wrong:
        transfers.record_transfer(session, **about | {"prefix": "A9999", "basis": " "}, actor=coordinator)
    assert sorted(wrong.value.problems) == ["basis", "prefix"]
    recorded = transfers.record_transfer(session, **about, actor=coordinator)

    assert (recorded.giver.code, recorded.taker.code, recorded.prefix) == ("transport", "water", "A0403")
    assert examination.examine(session, draft).obstacles == ()
    publication.request(session, draft, expected=2, reason=REASON, actor=water)
    publication.publish(session, draft, reason=REASON, actor=publisher(session, code="water"))
    owners = []
    for day in (TODAY, NEXT_MONTH):
        bundles, _, _ = departments.bundles_in_force(session, day)
        owners.append(departments.competent(session, bundles, "316-2018", "A040302"))
    assert owners == [department(session, "transport").id, to.id]


# ── rolling back ─────────────────────────────────────────────────────────────────────────────────────────────


def test_rolling_back_is_one_step_forward_and_lists_what_was_decided_meanwhile(session, clock):
    actor, second = editor(session), publisher(session)
    base = drafts.newest_published(session, department(session, "transport").id)
    bad = publication.publish(session, asked_for(session, actor, effective_on=NEXT_MONTH), reason=REASON, actor=second)
    clock.set(NEXT_MONTH)
    publication.take_effect(session, bad.id, actor=CLOCK)
    admission = make_admission(session)
    make_finding(session, admission, release=bad)

    with pytest.raises(NotAllowed):
        rollback.roll_back(session, base.department, reason=REASON, actor=actor)
    decided = rollback.decisions_under(session, bad)
    back = rollback.roll_back(session, base.department, reason="新上限误伤在审的人", actor=second)

    assert [one.number for one in decided] == [admission.number]
    assert (back.version, back.base_id, back.content_hash) == (bad.version + 1, bad.id, base.content_hash)
    assert departments.release_in_force(session, base.department_id, NEXT_MONTH).id == back.id
    assert publication.take_effect(session, back.id, actor=CLOCK) is True
    assert (states(session, bad)[-1], states(session, back)) == ("retired", ["drafted", "published", "effective"])
    published = session.scalars(select(ReleaseEvent).where(ReleaseEvent.release_id == back.id, ReleaseEvent.state == "published")).one()
    assert published.report == {"rolled_back": bad.version, "returned_to": base.version, "decisions": 1}
    assert admission.release_id != back.id  # what was decided stands


def test_the_first_release_has_nothing_before_it(session):
    with pytest.raises(NothingToRollBack):
        rollback.roll_back(session, department(session, "transport"), reason=REASON, actor=publisher(session))


# ── a release that waits for its day ─────────────────────────────────────────────────────────────────────────


def test_nothing_comes_into_force_before_what_it_builds_on(session, clock):
    actor, second = editor(session), publisher(session)
    later = publication.publish(session, asked_for(session, actor, effective_on=dt.date(2027, 3, 1), start="2027-03-01"), reason=REASON, actor=second)
    draft = make_draft(session, actor)
    assert draft.base_id == later.id
    change_age(session, draft, actor, start="2027-06-01", limit=58)
    publication.plan(session, draft, effective_on=NEXT_MONTH, actor=actor)
    make_replay(session, draft)
    found = examination.examine(session, draft).obstacles
    assert [(o.code, o.facts["day"]) for o in found] == [("too_early", "2027-03-01")]
    publication.plan(session, draft, effective_on=dt.date(2027, 3, 1), actor=actor)
    make_replay(session, draft)
    assert obstacles(session, draft) == []


def test_a_release_taken_back_before_its_day_never_takes_effect(session, clock):
    actor, second = editor(session), publisher(session)
    base = drafts.newest_published(session, department(session, "transport").id)
    release = publication.publish(session, asked_for(session, actor, effective_on=NEXT_MONTH), reason=REASON, actor=second)
    with pytest.raises(ScheduledAhead):
        rollback.roll_back(session, base.department, reason=REASON, actor=second)
    with pytest.raises(NotAllowed):
        publication.withdraw(session, release, reason=REASON, actor=actor)
    with pytest.raises(InvalidAnswers):
        publication.withdraw(session, release, reason=" ", actor=second)
    publication.withdraw(session, release, reason="依据文件推迟施行", actor=second)

    assert states(session, release) == ["drafted", "ready", "published", "retired"]
    assert drafts.newest_published(session, base.department_id).id == base.id
    clock.set(NEXT_MONTH)
    assert publication.take_effect(session, release.id, actor=CLOCK) is False
    assert departments.release_in_force(session, base.department_id, NEXT_MONTH).id == base.id
    with pytest.raises(NotScheduled):
        publication.withdraw(session, release, reason=REASON, actor=second)
    with pytest.raises(NothingToRollBack):  # what never was in force is nothing to go back to
        rollback.roll_back(session, base.department, reason=REASON, actor=second)


def test_a_centres_release_that_waits_for_its_publisher_is_nobodys_form(session, clock):
    """A department's release is read beside the form in force when it was made, not beside one that was only asked for."""
    centre = editor(session, code="centre")
    waiting = make_draft(session, centre, code="centre", title="新表单")
    form = drafts.head(session, waiting).sources["application.yaml"]
    changed = form.replace("  - id: identity\n", "  - id: hobby\n    title: {zh: 爱好, en: Hobby}\n    fields:\n      - {id: hobby, kind: text, label: {zh: 爱好, en: Hobby}, required: false}\n  - id: identity\n", 1)
    assert changed != form
    drafts.revise(session, waiting, {"application.yaml": changed.encode()}, expected=1, actor=centre)
    publication.plan(session, waiting, effective_on=dt.date(2027, 3, 1), actor=centre)
    publication.request(session, waiting, expected=2, reason=REASON, actor=centre)
    release = publication.publish(session, asked_for(session, editor(session), effective_on=NEXT_MONTH), reason=REASON, actor=publisher(session))

    assert waiting.release_id < release.id
    assert departments.bundle_of(session, release.id).centre.form.find("hobby") is None
