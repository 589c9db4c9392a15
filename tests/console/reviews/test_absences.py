"""Absence and delegation: who may enter what, what happens to files when it begins, and that nobody gets a right by it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import column, func, inspect, select, table
from sqlalchemy.orm import Session

from console import clock as clocks
from console.accounts.models import StaffGrant
from console.applications.models import Admission, StepEntry
from console.audit import AuditEntry
from console.errors import NotAllowed, NotFound
from console.reviews import absences, distribution, folder, jobs, numbers, people, queries
from console.reviews.absences import NobodyNamed, NotYourOwn, OverAlready
from console.reviews.errors import HeldByAnother, IsAway, NobodyPresent, NotEntered
from console.reviews.models import Absence
from console.roles import Role
from console.scope import Applicant, Public, Staff, System
from tests.console.retention.test_retention import run as erase
from tests.console.reviews.making import full_file
from tests.factories import GROUND, HOHHOT, make_admission, make_staff

DAY = dt.timedelta(days=1)


@pytest.fixture
def first(session: Session) -> Staff:
    return make_staff(session, Role.FIRST_REVIEWER, name="苏日娜")


@pytest.fixture
def other(session: Session) -> Staff:
    return make_staff(session, Role.FIRST_REVIEWER, name="那日苏")


@pytest.fixture
def coordinator(session: Session) -> Staff:
    return make_staff(session, Role.COORDINATOR, name="乌云")


@pytest.fixture
def enter(session: Session, as_: Any) -> Any:
    """`enter(who, actor, first, last, delegate)`: days counted from today."""

    def run(who: Staff, actor: Staff, begin: int = 0, last: int = 5, delegate: Staff | int | None = None, reason: str = "年休假") -> Absence:
        today = clocks.today(session)
        with as_(actor):
            return absences.enter(
                session, who.id, from_on=today + begin * DAY, to_on=today + last * DAY, reason=reason, actor=actor,
                delegate_id=delegate.id if isinstance(delegate, Staff) else delegate,
            )  # fmt: skip

    return run


def _begin(session: Session) -> int:
    ids = list(session.scalars(select(Absence.id).where(absences.to_begin(), Absence.begins_at <= clocks.now(session))))
    return absences.begin(session, ids)


def _holder(session: Session, admission: Admission) -> int | None:
    """Who holds it now; as everybody else here it is loaded anew once somebody became somebody."""
    return session.scalars(select(Admission.holder_id).where(Admission.id == inspect(admission).identity[0])).one()  # type: ignore[union-attr, index]


def _messages(session: Session) -> list[tuple[str, str]]:
    """What was told, once for each thing: the office and the coordinating one are told the same."""
    message = table("staff_message", column("event"), column("text"))
    return [(row.event, row.text) for row in session.execute(select(message.c.event, message.c.text).distinct())]


def _actions(session: Session, start: str = "absence.") -> list[str]:
    return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith(start)).order_by(AuditEntry.id)))


# ── entering ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_enters_their_own_and_the_reason_is_not_the_audit_s(session: Session, first: Staff, other: Staff, enter: Any) -> None:
    made = enter(first, first, 1, 3, other, "陪家人就医")

    today = clocks.today(session)
    assert (made.staff_id, made.from_on, made.to_on, made.delegate_id, made.agreed_by, made.entered_by) == (first.id, today + DAY, today + 3 * DAY, other.id, None, first.who)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "absence.entered")).one()
    assert (entry.facts["delegate"], entry.facts["agreed"], "就医" in entry.body) == (other.id, False, False)


def test_a_coordinator_enters_it_for_somebody_and_that_is_their_agreement(first: Staff, other: Staff, coordinator: Staff, enter: Any) -> None:
    made = enter(first, coordinator, delegate=other)

    assert (made.agreed_by, made.entered_by) == (coordinator.who, coordinator.who)


def test_nobody_else_enters_it(session: Session, first: Staff, other: Staff, enter: Any) -> None:
    elsewhere = make_staff(session, Role.COORDINATOR, department_code="water", name="别处")
    for actor, wrong in ((other, NotFound), (elsewhere, NotFound), (make_staff(session, Role.SUPERVISOR, department_code=None), NotAllowed)):
        with pytest.raises(wrong):
            enter(first, actor)
    editor = make_staff(session, Role.RULE_EDITOR, name="起草人")
    with pytest.raises(NotAllowed):  # who reviews nothing has nothing to be stood in for
        enter(editor, editor)


@pytest.mark.parametrize(
    ("begin", "last", "reason", "places"),
    [(-1, 3, "年休假", ["from_on"]), (3, 2, "年休假", ["to_on"]), (0, 367, "年休假", ["to_on"]), (0, 1, " ", ["reason"]), (0, 1, "x" * 201, ["reason"]),
     (-1, -2, "", ["from_on", "to_on", "reason"])],
)  # fmt: skip
def test_days_and_reason_that_cannot_be_are_all_told(first: Staff, enter: Any, begin: int, last: int, reason: str, places: list[str]) -> None:
    with pytest.raises(NotEntered) as error:
        enter(first, first, begin, last, reason=reason)

    assert [one.place for one in error.value.problems] == places


def test_no_days_at_all_are_told(session: Session, as_: Any, first: Staff) -> None:
    with as_(first), pytest.raises(NotEntered) as error:
        absences.enter(session, first.id, from_on=None, to_on=None, reason="", delegate_id=None, actor=first)

    assert [one.place for one in error.value.problems] == ["from_on", "to_on", "reason"]


@pytest.mark.parametrize(("begin", "last", "meets"), [(5, 9, True), (0, 2, True), (3, 4, True), (0, 9, True), (6, 9, False), (0, 1, False)])
def test_absences_of_one_person_do_not_overlap(first: Staff, enter: Any, begin: int, last: int, meets: bool) -> None:
    enter(first, first, 2, 5)

    if meets:
        with pytest.raises(NotEntered, match="1") as error:
            enter(first, first, begin, last)
        assert [one.place for one in error.value.problems] == ["from_on"] and "重叠" in str(error.value.problems[0])
    else:
        enter(first, first, begin, last)


def test_one_that_was_ended_makes_room(session: Session, as_: Any, first: Staff, enter: Any) -> None:
    made = enter(first, first, 2, 5)
    with as_(first):
        absences.end(session, absences.absence_of(session, made.id), actor=first)

    enter(first, first, 3, 4)


def test_only_who_reviews_the_same_can_stand_in(session: Session, as_: Any, first: Staff, other: Staff, enter: Any) -> None:
    second = make_staff(session, Role.SECOND_REVIEWER, name="巴特尔")
    league = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT, name="盟市")
    foreign = make_staff(session, Role.FIRST_REVIEWER, department_code="water", name="别的部门")
    ended = make_staff(session, Role.FIRST_REVIEWER, name="授权到期")
    for grant in session.scalars(select(StaffGrant).where(StaffGrant.staff_id == ended.id)):
        grant.ended_at = clocks.now(session)
    session.flush()

    with as_(first):
        assert {one.id for one in people.stand_ins(session, first.id)} == {other.id, league.id}  # the league's grant reaches some of what the region's does
    for wrong in (second, foreign, ended, first, 999_999):
        with pytest.raises(NotEntered) as error:
            enter(first, first, delegate=wrong)
        assert [one.place for one in error.value.problems] == ["delegate"], wrong


def test_who_is_away_too_cannot_stand_in(first: Staff, other: Staff, enter: Any) -> None:
    enter(other, other, 3, 8)

    with pytest.raises(NotEntered, match="1") as error:
        enter(first, first, 0, 3, other)
    assert "也缺勤" in str(error.value.problems[0])
    enter(first, first, 0, 2, other)


# ── while it lasts ───────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_handed_to_who_is_away(session: Session, as_: Any, first: Staff, other: Staff, coordinator: Staff, enter: Any) -> None:
    enter(first, first)
    files = [make_admission(session, due_in=n) for n in (2, 3)]
    held = make_admission(session, holder_id=other.id)

    with as_(coordinator):
        picked = queries.admissions_of(session, [one.id for one in files])
        with pytest.raises(IsAway):
            distribution.assign_to(session, picked, first.id, actor=coordinator)
        with pytest.raises(IsAway):
            distribution.hand_over(session, other.id, first.id, actor=coordinator, reason="借调半年")
        shared = distribution.distribute_evenly(session, picked, actor=coordinator)

    assert shared == distribution.Shared({other.id: 2}, (first.id,))
    assert [_holder(session, one) for one in (*files, held)] == [other.id] * 3


def test_with_everybody_away_nothing_is_handed_out(session: Session, as_: Any, first: Staff, coordinator: Staff, enter: Any) -> None:
    enter(first, first)
    one = make_admission(session)

    with as_(coordinator), pytest.raises(NobodyPresent):
        distribution.distribute_evenly(session, queries.admissions_of(session, [one.id]), actor=coordinator)


def test_the_day_before_and_the_day_after_are_days_like_others(session: Session, as_: Any, first: Staff, coordinator: Staff, enter: Any, clock: Any) -> None:
    begun = clocks.today(session)
    enter(first, first, 1, 2)
    files = [make_admission(session) for _ in range(4)]
    given = []
    for day, one in enumerate(files):
        clock.set(begun + day * DAY)
        with as_(coordinator):
            picked = queries.admissions_of(session, [one.id])
            try:
                given.append(distribution.assign_to(session, picked, first.id, actor=coordinator))
            except IsAway:
                given.append(0)
    assert given == [1, 0, 0, 1]


def test_the_delegate_sees_what_the_other_holds_and_may_take_it(session: Session, as_: Any, first: Staff, other: Staff, enter: Any) -> None:
    third = make_staff(session, Role.FIRST_REVIEWER, name="第三人")
    mine, kept = full_file(session, level=1, holder_id=first.id), make_admission(session, level=1, holder_id=first.id)
    enter(first, first, delegate=other)

    with as_(other):
        assert {line.admission.id for line in queries.queue(session, other, view="standing_in").lines} == {mine.id, kept.id}
        assert sum(row.standing_in for row in numbers.counts_by_step(session, other)) == 2
        page = folder.review_page(session, mine.id, actor=other)
        assert page.stands_in and not page.may_decide
        distribution.take(session, queries.admission_of(session, mine.id), actor=other)
        assert folder.review_page(session, mine.id, actor=other).may_decide
    with as_(third):
        assert queries.queue(session, third, view="standing_in").lines == []
        with pytest.raises(HeldByAnother):
            distribution.take(session, queries.admission_of(session, kept.id), actor=third)

    assert (_holder(session, mine), _holder(session, kept)) == (other.id, first.id)
    facts = session.scalars(select(AuditEntry).where(AuditEntry.action == "file.taken")).one().facts
    assert facts["changes"] == {"holder": [first.id, other.id]} and facts["reason"].startswith("缺勤代办")


def test_a_delegate_whose_grant_ended_takes_nothing(session: Session, as_: Any, first: Staff, other: Staff, enter: Any) -> None:
    file = make_admission(session, holder_id=first.id)
    enter(first, first, delegate=other)
    without = Staff(other.id, other.name)

    with as_(without), pytest.raises((NotFound, NotAllowed)):
        distribution.take(session, queries.admission_of(session, file.id), actor=without)
    with as_(without):
        assert queries.queue(session, without, view="standing_in").lines == []


# ── when it begins ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_falls_due_meanwhile_goes_to_a_delegate_a_coordinator_named(
    session: Session, first: Staff, other: Staff, coordinator: Staff, enter: Any
) -> None:
    inside, after = make_admission(session, holder_id=first.id, due_in=2), make_admission(session, holder_id=first.id, due_in=30)
    enter(first, coordinator, 0, 10, other)

    assert (_begin(session), _begin(session)) == (1, 0)

    assert (_holder(session, inside), _holder(session, after)) == (other.id, first.id)
    assert _messages(session) == [] and _actions(session) == ["absence.entered", "absence.begun"]
    handed = session.scalars(select(AuditEntry).where(AuditEntry.action == "file.handed_over")).one()
    assert (handed.subject, handed.who) == (f"admission:{inside.id}", "system:test")


@pytest.mark.parametrize("named", [True, False])
def test_without_a_coordinator_s_word_the_offices_are_told_and_the_file_stays(
    session: Session, as_: Any, first: Staff, other: Staff, coordinator: Staff, enter: Any, named: bool
) -> None:
    inside, after = make_admission(session, holder_id=first.id, due_in=2), make_admission(session, holder_id=first.id, due_in=30)
    made = enter(first, first, 0, 10, other if named else None)

    _begin(session)

    assert [event for event, _text in _messages(session)] == ["review_holder_away"]
    assert inside.number in _messages(session)[0][1] and after.number not in _messages(session)[0][1]
    assert _holder(session, inside) == first.id
    with as_(coordinator):
        if not named:
            with pytest.raises(NobodyNamed):
                absences.agree(session, absences.absence_of(session, made.id), actor=coordinator)
            return
        absences.agree(session, absences.absence_of(session, made.id), actor=coordinator)
    _begin(session)
    assert _holder(session, inside) == other.id and len(_messages(session)) == 1


def test_a_league_s_file_is_told_to_the_league_and_to_the_coordinating_office(session: Session, enter: Any) -> None:
    here = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT, name="盟市")
    make_admission(session, division=HOHHOT, level=2, holder_id=here.id, due_in=2)
    enter(here, here, 0, 10)

    _begin(session)

    message = table("staff_message", column("office_id"))
    assert len(set(session.scalars(select(message.c.office_id)))) == 2


def test_what_keeps_a_delegate_out_keeps_the_file_from_them(session: Session, first: Staff, other: Staff, coordinator: Staff, enter: Any) -> None:
    file = make_admission(session, holder_id=first.id, due_in=2)
    session.add(StepEntry(
        admission_id=file.id, applicant_id=file.applicant_id, office_id=file.office_id, who=other.who, action="refuse", from_step="second_review",
        to_step="refused", at=file.since, reason="材料不实", items=[GROUND],
    ))  # fmt: skip
    session.flush()
    enter(first, coordinator, 0, 10, other)

    _begin(session)

    assert _holder(session, file) == first.id and [event for event, _text in _messages(session)] == ["review_holder_away"]


def test_a_delegate_who_is_away_by_then_gets_nothing(session: Session, first: Staff, other: Staff, coordinator: Staff, enter: Any) -> None:
    file = make_admission(session, holder_id=first.id, due_in=2)
    enter(first, coordinator, 0, 10, other)
    enter(other, other, 0, 3)  # fell ill

    _begin(session)

    assert _holder(session, file) == first.id and [event for event, _text in _messages(session)] == ["review_holder_away"]


def test_one_that_was_called_off_begins_for_nobody(session: Session, as_: Any, first: Staff, coordinator: Staff, other: Staff, enter: Any, clock: Any) -> None:
    file = make_admission(session, holder_id=first.id, due_in=5)
    made = enter(first, coordinator, 1, 20, other)
    with as_(first):
        absences.end(session, absences.absence_of(session, made.id), actor=first)
        with pytest.raises(OverAlready):
            absences.end(session, absences.absence_of(session, made.id), actor=first)
    clock.advance(days=2)

    assert _begin(session) == 0 and _holder(session, file) == first.id


def test_ended_early_files_are_handed_out_again_and_what_went_stays_gone(
    session: Session, as_: Any, first: Staff, other: Staff, coordinator: Staff, enter: Any
) -> None:
    gone = make_admission(session, holder_id=first.id, due_in=2)
    made = enter(first, coordinator, 0, 10, other)
    _begin(session)
    with as_(coordinator):
        absences.end(session, absences.absence_of(session, made.id), actor=coordinator)
    one = make_admission(session)
    with as_(coordinator):
        assert distribution.assign_to(session, queries.admissions_of(session, [one.id]), first.id, actor=coordinator) == 1
    assert _holder(session, gone) == other.id
    with as_(other):
        assert queries.queue(session, other, view="standing_in").lines == []


def test_agreeing_is_another_coordinator_s(session: Session, as_: Any, enter: Any, coordinator: Staff, other: Staff, first: Staff) -> None:
    unit = make_staff(session, Role.COORDINATOR, name="另一位协调员")
    made = enter(coordinator, coordinator, delegate=unit)
    with as_(coordinator), pytest.raises(NotYourOwn):
        absences.agree(session, absences.absence_of(session, made.id), actor=coordinator)
    with as_(unit):
        absences.agree(session, absences.absence_of(session, made.id), actor=unit)
    theirs = enter(first, first, delegate=other)
    with as_(other), pytest.raises(NotAllowed):
        absences.agree(session, absences.absence_of(session, theirs.id), actor=other)
    with as_(other), pytest.raises(NotAllowed):
        absences.end(session, absences.absence_of(session, theirs.id), actor=other)


# ── the wall ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_reads_the_row_and_who_is_told_only_the_days(session: Session, as_: Any, first: Staff, other: Staff, coordinator: Staff, enter: Any) -> None:
    made = enter(first, first, delegate=other)
    peer = make_staff(session, Role.FIRST_REVIEWER, name="同事")
    foreign = make_staff(session, Role.COORDINATOR, department_code="water", name="别的部门")
    editor = make_staff(session, Role.RULE_EDITOR, name="起草人")

    seen, told = {}, {}
    for name, who in {"own": first, "delegate": other, "coordinator": coordinator, "peer": peer, "foreign": foreign, "editor": editor, "public": Public(), "applicant": Applicant(1)}.items():
        with as_(who):
            seen[name] = list(session.scalars(select(Absence.id))) == [made.id]
            told[name] = [*people.away(session, [first.id])] == [first.id]
    assert seen == {"own": True, "delegate": True, "coordinator": True, "peer": False, "foreign": False, "editor": False, "public": False, "applicant": False}
    assert told == {"own": True, "delegate": True, "coordinator": True, "peer": True, "foreign": True, "editor": False, "public": False, "applicant": False}


def test_stand_ins_are_told_to_the_officer_and_to_whoever_administers_them(session: Session, as_: Any, first: Staff, other: Staff, coordinator: Staff) -> None:
    foreign = make_staff(session, Role.COORDINATOR, department_code="water", name="别的部门")
    asked = func.ruku_stand_ins(first.id).table_valued(column("staff_id"))
    found = {}
    for name, who in {"own": first, "coordinator": coordinator, "peer": other, "foreign": foreign, "public": Public(), "system": System("test")}.items():
        with as_(who):
            found[name] = set(session.scalars(select(asked.c.staff_id)))
    assert found == {"own": {other.id}, "coordinator": {other.id}, "peer": set(), "foreign": set(), "public": set(), "system": {other.id}}


def test_an_absence_is_erased_two_years_after_its_last_day(session: Session, first: Staff, other: Staff, enter: Any, clock: Any) -> None:
    gone, kept = enter(first, first, 0, 0).id, enter(other, other, 0, 3).id
    clock.advance(days=732)

    done = erase(session)

    assert done["absences"] == 1 and list(session.scalars(select(Absence.id))) == [kept] != [gone]


def test_the_job_is_on_the_list() -> None:
    assert [sweep.job.name for sweep in jobs.SWEEPS] == ["reviews.warn", "reviews.escalate", "reviews.begin_absences"]
