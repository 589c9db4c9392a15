"""Automatic admission: at the right instant, once, for the right people, through two workers, a poisoned file and a brake."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from console import db, setbacks
from console.applications import services as applications
from console.applications.models import Application, Finding
from console.automatic import brakes
from console.automatic.declaring import RULES, counted, failures, lines
from console.errors import NotAllowed, NotFound
from console.jobs import Brake
from console.outbox import OutboxMessage
from console.publicity import closing, jobs, queries, services, troubled
from console.publicity.errors import WindowClosed
from console.publicity.models import Notice, NoticeItem, Objection
from console.publicity.recheck import Outcome
from console.roles import Role
from console.roster.models import RosterEntry, RosterEvent, RosterSpecialty
from console.scope import Applicant, Public, System, become
from console.setbacks import Setback
from tests import factories
from tests.console.publicity.people import (
    WORDS,
    bar,
    item_of,
    make_coordinator,
    make_person,
    object_to,
    open_for,
    outcomes,
)

SWEEP = System("sweep")
OPENED = dt.date(2026, 11, 18)


def close(session, *notices):
    return closing.close_due(session, [notice.id for notice in notices], actor=SWEEP)


def test_nobody_is_admitted_before_the_instant(session, clock):
    clock.set(OPENED)
    person = make_person(session)
    notice = open_for(session, [person])
    clock.set(notice.due_at - dt.timedelta(seconds=1))
    assert close(session, notice) == closing.Closing()
    clock.set(notice.due_at)

    result = close(session, notice)

    assert result == closing.Closing(admitted=[person.id], closed=[notice.id])
    assert outcomes(session, person) == [("roster", "admitted")]
    finding = session.scalars(select(Finding).where(Finding.admission_id == person.id)).one()
    assert (finding.moment, finding.decision, finding.evaluated_on) == ("decided", "pass", dt.date(2026, 11, 26))
    assert "id_number" not in finding.facts
    told = session.execute(select(OutboxMessage.topic, OutboxMessage.ids).where(OutboxMessage.topic.like("%roster")))
    assert told.all() == [("admission.entered_roster", [person.id])]


def test_the_last_re_check_refuses_who_was_restricted_meanwhile(session, clock):
    clock.set(OPENED)
    barred, other = make_person(session, "何文涛"), make_person(session, "敖登")
    notice = open_for(session, [barred, other])
    clock.set(notice.due_at)
    bar(session, barred, since=dt.date(2026, 11, 25))

    result = close(session, notice)

    assert (result.admitted, result.refused, result.closed) == ([other.id], [barred.id], [notice.id])
    assert outcomes(session, barred, other) == [("refused", "refused"), ("roster", "admitted")]
    last = barred.entries[-1]
    assert "not_blacklisted" in [item["criterion"] for item in last.items]
    assert all(item["basis"] for item in last.items)
    assert session.scalars(select(RosterEntry.applicant_id)).all() == [other.applicant_id]


def test_a_birthday_within_the_window_refuses_with_the_article(session, clock):
    clock.set(OPENED)
    limit = dt.date(2026, 11, 24)  # turns 70 on the last day but one
    number = factories.id_number(7, born=limit.replace(year=limit.year - 70))
    person = make_person(session, applicant=factories.make_applicant(session, id_number=number))
    notice = open_for(session, [person])
    clock.set(notice.due_at)

    assert close(session, notice).refused == [person.id]
    assert [item["criterion"] for item in person.entries[-1].items] == ["age"]


def expired_registration(session):
    """A housing expert whose registration ends while the notice runs: the criteria say an officer must look."""
    own = {"registrations": [{"registration_until": "2026-11-20"}]}
    return make_person(session, "陈立新", department_code="housing", answers={"housing": own})


def test_what_only_an_officer_can_judge_becomes_an_objection(session, clock):
    clock.set(OPENED)
    doubtful, other = expired_registration(session), make_person(session, "敖登", department_code="housing")
    notice = open_for(session, [doubtful, other])
    clock.set(notice.due_at)

    result = close(session, notice)

    assert (result.admitted, result.left, result.closed) == ([other.id], [doubtful.id], [])
    doubt = session.scalars(select(Objection)).one()
    assert (doubt.is_recheck, doubt.admission_id, doubt.objector) == (True, doubtful.id, "期满复核")
    assert close(session, notice) == closing.Closing()  # held: nothing more, and no second doubt

    services.rule_on(session, doubt, actor=make_coordinator(session, "housing"), upheld=False, ruling="已延续注册，证书已核。")
    result = close(session, notice)

    assert (result.admitted, result.closed) == ([doubtful.id], [notice.id])
    assert len(session.scalars(select(Objection)).all()) == 1


def test_a_poisoned_file_is_listed_and_the_others_go_on(session, clock):
    clock.set(OPENED)
    people = [make_person(session, name) for name in "甲乙丙丁戊"]
    notice = open_for(session, people)
    sick = people[2]
    sick.application.answers = {"name": {"sealed": "gone.AAAA"}}  # sealed with a key nobody has any more
    session.flush()
    clock.set(notice.due_at)

    result = close(session, notice)

    well = [person.id for person in people if person is not sick]
    assert (result.admitted, result.closed, list(result.failed)) == (well, [], [sick.id])
    assert "UnknownKey" in result.failed[sick.id]
    assert outcomes(session, sick) == [("publicity", None)]
    assert (swept(session), close(session, notice)) == ([], closing.Closing())  # not again at once
    sick.application.answers = {"name": "丙", "transport": {"admin_penalty": False}}
    session.flush()
    clock.advance(seconds=11)
    assert swept(session) == [notice.id]
    assert close(session, notice).admitted == [sick.id]
    assert session.scalars(select(Setback)).all() == []


def test_who_cannot_be_settled_waits_for_a_person_after_some_tries(session, clock, as_):
    """The list says who and why; eight tries later nobody is tried any more, until the coordinator has put the file right."""
    clock.set(OPENED)
    sick, well = make_person(session, "丙"), make_person(session, "敖登")
    notice = open_for(session, [sick, well])
    sick.application.answers = {"name": {"sealed": "gone.AAAA"}}
    session.flush()
    clock.set(notice.due_at)
    rule, application_id, notice_id, sick_id = RULES[closing.RULE], sick.application_id, notice.id, sick.id

    results = []
    for _ in range(setbacks.MOST_ATTEMPTS + 1):
        results.append(close(session, notice))
        tonight = clock.advance(hours=2)

    assert [bool(result.failed) for result in results] == [True] * setbacks.MOST_ATTEMPTS + [False]
    assert swept(session) == []
    (found,) = failures(session, rule)
    assert (found.who, found.attempts, found.admission_id) == ("丙", setbacks.MOST_ATTEMPTS, sick_id)
    assert found.gave_up_at is not None and "UnknownKey" in found.last_error
    assert counted(session, rule, until=tonight) == {}

    coordinator, stranger = make_coordinator(session), make_coordinator(session, "water")
    with as_(stranger), pytest.raises(NotFound):
        brakes.ask_again(session, closing.RULE, found.id, actor=stranger)
    session.get_one(Application, application_id).answers = {"name": "丙", "transport": {"admin_penalty": False}}
    session.flush()
    with as_(coordinator):
        brakes.ask_again(session, closing.RULE, found.id, actor=coordinator)
        brakes.ask_again(session, closing.RULE, found.id, actor=coordinator)
    assert swept(session) == [notice_id]
    assert closing.close_due(session, [notice_id], actor=SWEEP).admitted == [sick_id]
    assert failures(session, rule) == []


@pytest.mark.parametrize("leave", ["withdrawn", "taken off", "upheld"])
def test_who_leaves_the_notice_otherwise_is_tried_no_more(session, clock, leave):
    clock.set(OPENED)
    sick = make_person(session, "丙")
    notice = open_for(session, [sick, make_person(session, "敖登")])
    objection = object_to(session, notice, sick) if leave == "upheld" else None
    session.add(Setback(job=troubled.PERSON, subject_id=item_of(session, notice, sick).id, attempts=8, first_at=notice.due_at, due_at=notice.due_at, last_error="KeyError"))
    session.flush()
    if leave == "withdrawn":
        applications.withdraw(session, sick, actor=Applicant(sick.applicant_id), reason="")
        services.settle_withdrawn(session, [sick.id], actor=SWEEP)
    elif leave == "taken off":
        services.withdraw(session, notice, actor=make_coordinator(session), reason="材料须复查，先撤下来。", was_public=True)
    else:
        services.rule_on(session, objection, actor=make_coordinator(session), upheld=True, ruling="业绩材料系借用。", grounds=["papers_false"])

    assert session.scalars(select(Setback)).all() == []


def test_tonight_is_asked_with_what_the_re_check_says_today(session, clock):
    clock.set(OPENED)
    barred, other = make_person(session, "何文涛"), make_person(session, "敖登")
    notice = open_for(session, [barred, other])
    bar(session, barred, since=OPENED)
    clock.set(notice.due_at - dt.timedelta(hours=4))
    rule, before = RULES[closing.RULE], snapshot(session)

    assert lines(session, rule, until=notice.due_at - dt.timedelta(hours=4)) == []
    tonight = lines(session, rule, until=brakes.tonight(session))

    assert [(line.row.who, line.outcome.words) for line in tonight] == [("何文涛", "会不予通过"), ("敖登", "会入库")]
    assert "限制名单" in tonight[0].outcome.because
    assert [line.row.who for line in lines(session, rule, until=brakes.tonight(session), offset=1, limit=1)] == ["敖登"]
    assert snapshot(session) == before


def test_who_withdraws_is_marked_on_the_notice(session, clock, as_):
    clock.set(OPENED)
    gone, other = make_person(session), make_person(session, "敖登")
    notice = open_for(session, [gone, other])
    actor = Applicant(gone.applicant_id)
    applications.withdraw(session, gone, actor=actor, reason="另有安排")

    assert services.settle_withdrawn(session, [gone.id], actor=SWEEP) == 1
    assert services.settle_withdrawn(session, [gone.id], actor=SWEEP) == 0
    clock.set(notice.due_at)

    assert close(session, notice).admitted == [other.id]
    assert outcomes(session, gone, other) == [("withdrawn", "withdrawn"), ("roster", "admitted")]


def test_a_withdrawal_nobody_was_told_of_does_not_stop_the_notice(session, clock):
    clock.set(OPENED)
    gone = make_person(session)
    notice = open_for(session, [gone])
    applications.withdraw(session, gone, actor=Applicant(gone.applicant_id), reason="")
    clock.set(notice.due_at)

    result = close(session, notice)

    assert (result.admitted, result.withdrawn, result.closed) == ([], [gone.id], [notice.id])
    assert outcomes(session, gone) == [("withdrawn", "withdrawn")]


def test_only_the_clock_closes(session):
    with pytest.raises(NotAllowed):
        closing.close_due(session, [1], actor=make_coordinator(session))


# ── the brake ────────────────────────────────────────────────────────────────────────────────────────────────


def swept(session):
    """The notices that the relay would claim now."""
    sweep = jobs.SWEEPS[0]
    now = session.info["now"]
    return session.scalars(select(Notice.id).where(sweep.due <= now, sweep.where(), sweep.runs()).order_by(Notice.id)).all()


def test_the_brake_stops_one_department_and_lets_it_go_on_without_double_effect(session, clock):
    clock.set(OPENED)
    mine, theirs = make_person(session), make_person(session, "孟和", department_code="water")
    barred = make_person(session, "何文涛")
    notice, other = open_for(session, [mine, barred]), open_for(session, [theirs])
    coordinator = make_coordinator(session)
    brake = brakes.pull(session, closing.RULE, "transport", reason="材料须复查，先停一停", actor=coordinator)
    clock.set(notice.due_at)
    bar(session, barred, since=OPENED)

    assert swept(session) == [other.id]
    result = close(session, notice, other)
    assert (result.admitted, result.closed) == ([theirs.id], [other.id])
    would = services.would_admit(session)
    assert [(w.item.admission_id, w.outcome) for w in would] == [(mine.id, Outcome.ADMIT), (barred.id, Outcome.REFUSE)]
    assert outcomes(session, mine, barred) == [("publicity", None), ("publicity", None)]

    brakes.release(session, brake.id, actor=coordinator)
    assert swept(session) == [notice.id]
    result = close(session, notice, other)
    assert (result.admitted, result.refused, result.closed) == ([mine.id], [barred.id], [notice.id])
    assert close(session, notice, other) == closing.Closing()
    assert swept(session) == services.would_admit(session) == []
    assert len(session.scalars(select(RosterSpecialty)).all()) == 2


def test_a_brake_for_all_stops_everybody(session, clock):
    clock.set(OPENED)
    notice = open_for(session, [make_person(session)])
    operator = factories.make_staff(session, Role.OPERATOR, department_code="centre")
    brakes.pull(session, closing.RULE, None, reason="夜间检修，暂停入库", actor=operator)
    clock.set(notice.due_at)

    assert close(session, notice) == closing.Closing()
    assert swept(session) == []


def test_a_coordinator_stops_only_their_own_department_and_says_why(session):
    coordinator = make_coordinator(session)
    for code in ("water", None):
        with pytest.raises(NotAllowed):
            brakes.pull(session, closing.RULE, code, reason="材料须复查，先停一停", actor=coordinator)
    assert [d.code for d in brakes.choices(session, RULES[closing.RULE], coordinator)] == ["transport"]
    assert session.scalars(select(Brake)).all() == []


def test_a_notice_that_waits_for_a_ruling_gives_the_sweep_no_work(session, clock):
    clock.set(OPENED)
    held = make_person(session)
    notice = open_for(session, [held])
    objection = object_to(session, notice, held)
    clock.set(notice.due_at)
    assert swept(session) == []

    services.rule_on(session, objection, actor=make_coordinator(session), upheld=True, ruling="业绩材料系借用。", grounds=["papers_false"])
    assert swept(session) == [notice.id]  # everybody is settled, the notice is not closed yet


# ── twice, and at once ───────────────────────────────────────────────────────────────────────────────────────

PEOPLE = st.lists(st.sampled_from(["plain", "objected", "barred", "withdrawn", "doubtful"]), min_size=1, max_size=5)


@given(kinds=PEOPLE)
def test_closing_twice_is_closing_once(session, clock, kinds):
    with session.begin_nested() as example:
        clock.set(OPENED)
        people = [
            expired_registration(session) if kind == "doubtful" else make_person(session, department_code="housing")
            for kind in kinds
        ]
        notice = open_for(session, people)
        for kind, person in zip(kinds, people, strict=True):
            if kind == "objected":
                object_to(session, notice, person)
            if kind == "barred":
                bar(session, person, since=OPENED)
            if kind == "withdrawn":
                applications.withdraw(session, person, actor=Applicant(person.applicant_id), reason="")
        clock.set(notice.due_at)

        result = close(session, notice)
        once = snapshot(session)
        again = close(session, notice)

        assert again == closing.Closing()
        assert snapshot(session) == once
        wanted = {"plain": "roster", "objected": "publicity", "barred": "refused", "withdrawn": "withdrawn", "doubtful": "publicity"}
        assert [step for step, _ in outcomes(session, *people)] == [wanted[kind] for kind in kinds]
        waits = {"objected", "doubtful"}
        assert bool(result.closed) == waits.isdisjoint(kinds)
        example.rollback()
    session.expunge_all()


def snapshot(session):
    """Everything that closing writes, as rows."""
    session.flush()
    tables = ("admission", "notice", "notice_item", "objection", "step_entry", "finding", "roster_entry", "roster_specialty",
              "roster_event", "outbox", "letter", "audit_entry")  # fmt: skip
    connection = session.connection()
    return {t: connection.exec_driver_sql(f"SELECT t::text FROM {t} t ORDER BY 1").all() for t in tables}


@pytest.fixture
def due_notice(committed_db, clock):
    """Thirty people on a notice whose window has just ended, committed."""
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        notice = open_for(session, [make_person(session, f"专家{n}") for n in range(30)])
        notice_id, due_at = notice.id, notice.due_at
    clock.set(due_at)
    return notice_id


def test_two_closers_at_once_admit_everybody_once(committed_db, due_notice):
    start, errors = threading.Barrier(2), []

    def run():
        try:
            start.wait()
            for _ in range(3):
                jobs.close_due([due_notice])
        except BaseException as error:
            errors.append(error)
        finally:
            db.Session.remove()

    with committed_db.as_worker():
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with db.transaction() as session:
            assert errors == []
            assert len(session.scalars(select(RosterEntry)).all()) == 30
            assert len(session.scalars(select(RosterSpecialty)).all()) == 30
            assert len(session.scalars(select(RosterEvent)).all()) == 30
            assert set(session.scalars(select(NoticeItem.outcome))) == {"admitted"}
            assert session.scalars(select(Notice)).one().closed_at is not None
            entered = session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "admission.entered_roster")).all()
            assert sorted(i for ids in entered for i in ids) == sorted(session.scalars(select(NoticeItem.admission_id)))


def test_an_objection_in_flight_and_a_closer_do_not_miss_each_other(committed_db, clock):
    """The objection was begun before the window ended and is committed after a closer came by: it holds."""
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        notice = open_for(session, [make_person(session), make_person(session, "敖登")])
        notice_id, due_at = notice.id, notice.due_at
    clock.set(due_at - dt.timedelta(minutes=1))
    written, go_on = threading.Event(), threading.Event()

    def object_slowly():
        with db.transaction() as session:
            item = session.scalars(select(NoticeItem).order_by(NoticeItem.id)).first()
            services.object_to(session, item, actor=Public(), **WORDS)
            written.set()
            go_on.wait(20)
        db.Session.remove()

    with committed_db.as_worker():

        def slow():
            with become(System("test")):
                object_slowly()

        thread = threading.Thread(target=slow)
        thread.start()
        assert written.wait(20)
        with db.transaction() as session:
            factories.clock.set_to(session, due_at)
        jobs.close_due([notice_id])
        with db.transaction() as session:
            assert [o for (o,) in session.execute(select(NoticeItem.outcome).order_by(NoticeItem.id))] == [None, "admitted"]
        go_on.set()
        thread.join()
        jobs.close_due([notice_id])
        with db.transaction() as session:
            assert [o for (o,) in session.execute(select(NoticeItem.outcome).order_by(NoticeItem.id))] == [None, "admitted"]
            assert len(queries.open_objections(session)) == 1


def test_an_objection_that_waited_for_the_closer_comes_too_late(committed_db, clock):
    """Its transaction began inside the window, but the person was settled before it could be written."""
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        notice = open_for(session, [make_person(session)])
        notice_id, due_at = notice.id, notice.due_at
    clock.set(due_at - dt.timedelta(minutes=1))
    begun, go_on, told = threading.Event(), threading.Event(), []

    def object_late():
        with become(System("test")):
            try:
                with db.transaction() as session:
                    item = session.scalars(select(NoticeItem)).one()
                    begun.set()
                    assert go_on.wait(20)
                    services.object_to(session, item, actor=Public(), **WORDS)
            except WindowClosed as error:
                told.append(error)
            finally:
                db.Session.remove()

    with committed_db.as_worker():
        thread = threading.Thread(target=object_late)
        thread.start()
        assert begun.wait(20)
        clock.set(due_at)
    with committed_db.as_worker():
        with db.transaction() as session:
            closing.close_due(session, [notice_id], actor=SWEEP)
            go_on.set()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while not session.connection().exec_driver_sql(waiting).scalar_one():
                assert thread.is_alive()
        thread.join()
        with db.transaction() as session:
            assert len(told) == 1
            assert session.scalars(select(Objection)).all() == []
            assert session.scalars(select(NoticeItem.outcome)).all() == ["admitted"]
