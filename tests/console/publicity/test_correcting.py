"""A notice that is wrong: corrected, withdrawn or issued again, and what was published stays what it was."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from console import audit_verifier
from console.applications.models import Admission
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed
from console.outbox import OutboxMessage
from console.publicity import closing, queries, services
from console.publicity.errors import (
    NothingToCorrect,
    NoticeMovedOn,
    NotRecognisable,
    PersonSettled,
    UnderObjection,
)
from console.publicity.models import Notice, NoticeCorrection, NoticeItem
from console.roles import Role
from console.scope import Public, System
from rules.pipeline import Step
from tests import factories
from tests.console.publicity.people import item_of, make_coordinator, make_person, object_to, open_for, outcomes

SWEEP = System("sweep")
OPENED = dt.date(2026, 11, 18)
NEXT = dt.date(2026, 11, 20)
REASON = "申报表上是“娃”，录入时写成了“蛙”。"
EMPLOYER = "草原公路工程监理有限公司"


@pytest.fixture
def shown(session, clock):
    """Two people on a notice that runs until 25 November, and its coordinator; today is the 20th."""
    clock.set(OPENED)
    coordinator = make_coordinator(session)
    people = [make_person(session, "高蛙"), make_person(session, "敖登")]
    notice = open_for(session, people, coordinator=coordinator)
    clock.set(NEXT)
    return notice, *people, coordinator


def test_a_correction_is_a_document_of_its_own_beside_the_original(session, as_, shown):
    notice, person, other, coordinator = shown
    before = (notice.content, notice.content_hash, notice.due_at)

    made = services.correct(session, item_of(session, notice, person), ("高娃", EMPLOYER), actor=coordinator, reason=REASON)

    assert (notice.content, notice.content_hash, notice.due_at) == before
    assert made.number == f"{notice.number}-G1" and made.content_hash == hashlib.sha256(made.content.encode()).hexdigest()
    said = json.loads(made.content)
    assert said["corrects"] == {"number": notice.number, "sha256": notice.content_hash, "position": 1}
    assert (said["from"]["name"], said["to"]["name"], said["reason"]) == ("高蛙", "高娃", REASON)
    with as_(Public()):
        page = queries.notice_page(session, notice.number)
        assert [(p.name, p.now_name, len(p.corrections)) for p in page.people] == [("高蛙", "高娃", 1), ("敖登", "敖登", 0)]
        assert page.is_intact
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "notice.corrected")).one().facts
    assert entry["content_hash"] == made.content_hash and "高娃" not in str(entry["number"])
    assert outcomes(session, person, other) == [(Step.PUBLICITY, None)] * 2


def test_a_correction_can_be_corrected_and_none_is_rewritten(session, shown):
    notice, person, _other, coordinator = shown
    item = item_of(session, notice, person)
    services.correct(session, item, ("高哇", EMPLOYER), actor=coordinator, reason=REASON)
    second = services.correct(session, item, ("高娃", EMPLOYER), actor=coordinator, reason=REASON)

    assert second.number.endswith("-G2") and json.loads(second.content)["from"]["name"] == "高哇"
    for statement in ("UPDATE notice_correction SET name = 'x'", "DELETE FROM notice_correction"):
        with pytest.raises(ProgrammingError), session.begin_nested():
            session.execute(text(statement))
    assert len(session.scalars(select(NoticeCorrection)).all()) == 2


@pytest.mark.parametrize(
    ("printed", "reason", "error"),
    [
        (("高蛙", EMPLOYER), REASON, NothingToCorrect),
        (("高蛙 ", f" {EMPLOYER}"), REASON, NothingToCorrect),
        (("高娃", "别的公司"), REASON, NotRecognisable),
        (("", EMPLOYER), REASON, InvalidAnswers),
        (("高" * 61, EMPLOYER), REASON, InvalidAnswers),
        (("高娃", "司" * 121), REASON, InvalidAnswers),
        (("高娃", EMPLOYER), "错", InvalidAnswers),
        (("高娃", EMPLOYER), "字" * 1_001, InvalidAnswers),
    ],
)  # fmt: skip
def test_what_is_no_correction_is_refused_and_nothing_is_written(session, shown, printed, reason, error):
    notice, person, _other, coordinator = shown
    with pytest.raises(error):
        services.correct(session, item_of(session, notice, person), printed, actor=coordinator, reason=reason)
    assert session.scalars(select(NoticeCorrection)).all() == []


def test_two_corrections_cannot_together_make_another_person(session, shown):
    notice, person, _other, coordinator = shown
    item = item_of(session, notice, person)
    services.correct(session, item, ("高娃", EMPLOYER), actor=coordinator, reason=REASON)
    with pytest.raises(NotRecognisable):
        services.correct(session, item, ("高娃", "别的公司"), actor=coordinator, reason=REASON)


@pytest.mark.parametrize(
    ("role", "department"), [(Role.COORDINATOR, "water"), (Role.SUPERVISOR, None), (Role.FIRST_REVIEWER, "transport")]
)
def test_only_the_departments_coordinator_corrects_or_issues_again(session, shown, role, department):
    notice, person, _other, _coordinator = shown
    officer = factories.make_staff(session, role, department_code=department)
    item = item_of(session, notice, person)
    with pytest.raises(NotAllowed):
        services.correct(session, item, ("高娃", EMPLOYER), actor=officer, reason=REASON)
    with pytest.raises(NotAllowed):
        services.reissue(session, notice, [item.id], actor=officer, reason=REASON)


def test_issuing_one_person_again_restarts_that_window_only(session, clock, as_, shown):
    notice, person, other, coordinator = shown
    item = item_of(session, notice, person)
    frozen = notice.content_hash

    made = services.reissue(session, notice, [item.id], actor=coordinator, reason=REASON, printed={item.id: ("高娃", "草原监理公司")})

    assert (made.first_day, made.last_day, made.replaces_id) == (dt.date(2026, 11, 23), dt.date(2026, 11, 27), notice.id)
    assert json.loads(made.content)["replaces"] == {"number": notice.number, "sha256": frozen, "reason": REASON}
    with as_(Public()):
        old, new = (queries.notice_page(session, n.number) for n in (notice, made))
        assert [(p.name, p.state) for p in old.people] == [("高蛙", "reissued"), ("敖登", "shown")]
        assert [(p.name, p.employer, p.state) for p in new.people] == [("高娃", "草原监理公司", "shown")]
        assert ([n.number for n in old.followed_by], new.follows.number, old.is_intact) == ([made.number], notice.number, True)
    assert session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "notice.opened")).all() == [[notice.id], [made.id]]
    # the old notice ends for the other, the new one later for this person
    clock.set(dt.date(2026, 11, 26))
    assert closing.close_due(session, [notice.id, made.id], actor=SWEEP).admitted == [other.id]
    clock.set(dt.date(2026, 11, 28))
    assert closing.close_due(session, [made.id], actor=SWEEP).admitted == [person.id]
    assert session.get_one(Admission, person.id).step == Step.ROSTER


def test_a_whole_notice_issued_again_keeps_what_was_corrected(session, as_, shown):
    notice, person, other, coordinator = shown
    services.correct(session, item_of(session, notice, person), ("高娃", EMPLOYER), actor=coordinator, reason=REASON)

    made = services.reissue(session, notice, None, actor=coordinator, reason="单位名称整批导错，重新公示。")

    assert (notice.closed_at is None, notice.withdrawn_reason) == (False, "单位名称整批导错，重新公示。")
    with as_(Public()):
        old, new = (queries.notice_page(session, n.number) for n in (notice, made))
        assert [p.state for p in old.people] == ["reissued", "reissued"] and not old.is_open
        assert [p.name for p in new.people] == ["高娃", "敖登"]
        board = queries.notices_on_board(session, NEXT)
        assert [[line.number for line in part] for part in (board.in_force, board.recent)] == [[made.number], [notice.number]]
    assert sorted(session.scalars(select(NoticeItem.admission_id).where(NoticeItem.notice_id == made.id))) == sorted([person.id, other.id])


def test_a_running_notice_is_withdrawn_and_its_people_wait(session, clock, shown):
    notice, person, other, coordinator = shown
    services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=True)

    waiting = [c.admission.id for c in queries.waiting(session, person.department) if c.obstacle is None]
    assert sorted(waiting) == sorted([person.id, other.id])
    assert queries.notice_of(session, person) is None
    clock.set(dt.date(2026, 12, 20))
    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []


def test_a_closed_notice_runs_no_more_even_when_the_clock_is_set_back(session, clock, as_, shown):
    notice, person, other, _coordinator = shown
    clock.set(dt.date(2026, 11, 26))
    assert sorted(closing.close_due(session, [notice.id], actor=SWEEP).admitted) == sorted([person.id, other.id])
    clock.set(NEXT)

    with as_(Public()):
        page, board = queries.notice_page(session, notice.number), queries.notices_on_board(session, NEXT)

    assert (page.is_open, board.in_force, [line.number for line in board.recent]) == (False, [], [notice.number])


def test_who_is_settled_or_under_objection_is_not_moved(session, clock, shown):
    notice, person, other, coordinator = shown
    objection = object_to(session, notice, other)
    for act in (
        lambda: services.reissue(session, notice, None, actor=coordinator, reason=REASON),
        lambda: services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=True),
        lambda: services.reissue(session, notice, [item_of(session, notice, other).id], actor=coordinator, reason=REASON),
    ):
        with pytest.raises(UnderObjection) as error:
            act()
        assert error.value.names == "敖登"
    services.rule_on(session, objection, actor=coordinator, upheld=False, ruling="经核实，情况不属实。")
    clock.set(dt.date(2026, 11, 26))
    closing.close_due(session, [notice.id], actor=SWEEP)
    with pytest.raises(NoticeMovedOn):
        services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=True)
    with pytest.raises(NoticeMovedOn):
        services.correct(session, item_of(session, notice, person), ("高娃", EMPLOYER), actor=coordinator, reason=REASON)


def test_nobody_is_issued_again_twice(session, shown):
    notice, person, _other, coordinator = shown
    item = item_of(session, notice, person)
    services.reissue(session, notice, [item.id], actor=coordinator, reason=REASON)
    with pytest.raises(PersonSettled):
        services.reissue(session, notice, [item.id], actor=coordinator, reason=REASON)
    assert len(session.scalars(select(Notice)).all()) == 2


def test_an_objection_to_what_was_printed_is_answered_by_issuing_again(session, clock, as_, shown):
    notice, person, _other, coordinator = shown
    objection = object_to(session, notice, person)
    clock.set(dt.date(2026, 11, 26))  # the window is over; the person waits for the ruling only

    services.rule_on(
        session, objection, actor=coordinator, upheld=True, ruling="经核对申报表，公示的姓名印错，重新公示。", reissue=("高娃", EMPLOYER)
    )

    made = session.scalars(select(Notice).where(Notice.replaces_id == notice.id)).one()
    assert (made.first_day, session.get_one(Admission, person.id).step) == (dt.date(2026, 11, 27), Step.PUBLICITY)
    with as_(Public()):
        state = queries.objection_by_code(session, objection.code)
        assert (state.state, state.ruling) == ("upheld", objection.ruling)
        assert [p.state for p in queries.notice_page(session, made.number).people] == ["shown"]
    clock.set(dt.date(2026, 12, 4))
    assert closing.close_due(session, [made.id], actor=SWEEP).admitted == [person.id]


def test_issuing_again_with_another_objection_open_waits_for_it(session, shown):
    notice, person, _other, coordinator = shown
    first, _second = object_to(session, notice, person), object_to(session, notice, person)
    with pytest.raises(UnderObjection), session.begin_nested():
        services.rule_on(session, first, actor=coordinator, upheld=True, ruling="经核对，公示内容有误。", reissue=("高娃", EMPLOYER))
    session.refresh(first)
    assert first.ruled_at is None


def test_the_verifier_still_finds_the_notice_by_which_somebody_was_admitted(session, clock, shown):
    notice, person, _other, coordinator = shown
    item = item_of(session, notice, person)
    made = services.reissue(session, notice, [item.id], actor=coordinator, reason=REASON)
    clock.set(made.due_at)
    closing.close_due(session, [made.id], actor=SWEEP)
    question = next(sql for sentence, sql in audit_verifier.MEANING if sentence.startswith("roster specialty {} of"))
    wrong = [row for row in session.connection().exec_driver_sql(question).all() if row[1] == person.id and "notice" in row[2]]
    assert wrong == []
