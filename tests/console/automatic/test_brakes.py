"""Everything that acts by itself can be seen and stopped: at once, for one department or all, and goes on without doing anything twice."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import func, select, text

from console import assembly, db, jobs, outbox
from console.applications import jobs as applications
from console.applications import services as filing
from console.applications.models import Admission, StepEntry
from console.automatic import brakes
from console.automatic.declaring import RULES, counted, lines
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.publicity import closing
from console.publicity import jobs as publicity
from console.publicity.models import Notice, NoticeItem
from console.roles import Role
from console.roster.models import RosterEntry
from console.scope import Public, System, become
from console.training import jobs as training
from rules.pipeline import Step
from tests import factories
from tests.console.applications.filing import draft, newcomer
from tests.console.publicity.people import make_coordinator, make_person, open_for

assembly.join()  # the rules are enumerated while tests are collected
OPENED = dt.date(2026, 11, 18)
WHY = "材料须复查，先停一停"


# ── declared by enumeration ──────────────────────────────────────────────────────────────────────────────────


def test_every_job_that_acts_by_itself_has_a_rule_and_every_rule_a_brake_somebody_asks():
    named = {job.automatic for job in jobs.REGISTRY.values() if job.automatic}
    assert named <= set(RULES)
    assert set(RULES) - named == {"screening"}  # decided where somebody submits, by `unless_stopped`


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_says_what_it_would_do(session, name):
    rule = RULES[name]
    until = brakes.tonight(session)

    assert rule.title and rule.does and rule.comes_to
    assert lines(session, rule, until=until) == []
    assert counted(session, rule, until=until) == {}


def fill(session):
    """Something due for each rule, in two departments."""
    now = dt.datetime.now(dt.UTC)
    open_for(session, [make_person(session), make_person(session, "敖登")])
    for code in ("transport", "water"):
        late = factories.make_admission(session, step=Step.CORRECTION, department_code=code, due_at=now - dt.timedelta(days=90), resumes_at="screening")
        outbox.publish(session, "admission.rules_changed", [late.id])
        ready = factories.make_admission(session, step=Step.TRAINING, department_code=code)
        outbox.publish(session, "training.completed", [ready.id])
        factories.make_admission(session, step=Step.FIRST_REVIEW, department_code=code, verdict="reject")
    session.execute(text("INSERT INTO retention_outlook (kind, at, due) VALUES ('draft', now(), 7)"))
    session.execute(
        text("INSERT INTO register_draw (register, period, rate, pool, commitment, committed_at) VALUES ('r', '2026Q4', '0.1', '{1}', '-', now())")
    )
    session.flush()


def test_the_numbers_officers_are_given_are_those_of_the_rules_themselves(session, clock):
    clock.set(OPENED)
    fill(session)
    clock.set(dt.date(2026, 12, 3))
    until = brakes.tonight(session)

    found = brakes.counts(session, until)

    asked = {name: counted(session, rule, until=until) for name, rule in RULES.items()}
    assert {name: found[name] for name in RULES} == asked
    assert {name for name, count in asked.items() if count} == {*RULES} - {"exam_time"}


def test_a_citizen_is_given_no_numbers(session, clock, as_):
    clock.set(OPENED)
    fill(session)
    with as_(Public()):
        assert not any(brakes.counts(session, brakes.tonight(session)).values())


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_may_stop_what(session):
    league = make_coordinator(session, division="150100")
    region = make_coordinator(session)
    operator = factories.make_staff(session, Role.OPERATOR, department_code="centre")
    mine, other = (factories.department(session, code).id for code in ("transport", "water"))

    def may(actor, rule):
        return [brakes.may_pull(actor, RULES[rule], scope) for scope in (mine, other, None)]

    assert may(league, "lapse") == [False, False, False]
    assert may(region, "lapse") == [True, False, False]
    assert may(operator, "lapse") == [True, True, True]
    assert may(region, "retention") == [False, False, False]  # there is no department to stop it for
    assert may(operator, "retention") == [False, False, True]


def test_a_brake_says_why_and_is_of_a_rule_that_there_is(session):
    operator = factories.make_staff(session, Role.OPERATOR, department_code="centre")
    with pytest.raises(InvalidAnswers):
        brakes.pull(session, "lapse", None, reason="停", actor=operator)
    with pytest.raises(NotFound):
        brakes.pull(session, "nothing", None, reason=WHY, actor=operator)
    with pytest.raises(NotFound):
        brakes.pull(session, "retention", "transport", reason=WHY, actor=operator)
    with pytest.raises(NotAllowed):
        brakes.pull(session, "lapse", None, reason=WHY, actor=make_coordinator(session))
    brakes.pull(session, "lapse", None, reason=WHY, actor=operator)
    with pytest.raises(brakes.AlreadyStopped):
        brakes.pull(session, "lapse", None, reason=WHY, actor=operator)


# ── each rule stops, for a department, and goes on ───────────────────────────────────────────────────────────


@pytest.fixture
def stopped(session):
    """Pull the brake of a rule for one department; returns how it is released."""

    def pull(name: str, code: str | None = "transport"):
        brake = brakes.pull(session, name, code, reason=WHY, actor=System("test"))
        return lambda: brakes.release(session, brake.id, actor=System("test"))

    return pull


def steps(session, *admissions):
    session.expire_all()
    return [session.get_one(Admission, admission.id).step for admission in admissions]


def test_files_do_not_lapse_where_that_is_stopped(session, stopped):
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    held, free = (factories.make_admission(session, step=Step.EXAM, department_code=code, due_at=past) for code in ("transport", "water"))
    go_on = stopped("lapse")
    sweep = applications.SWEEPS[0]

    assert session.scalars(select(Admission.id).where(sweep.due <= past, sweep.where(), sweep.runs())).all() == [free.id]
    applications.lapse([held.id, free.id])
    assert steps(session, held, free) == ["exam", "lapsed"]
    go_on()
    applications.lapse([held.id, free.id])
    applications.lapse([held.id, free.id])
    assert steps(session, held, free) == ["lapsed", "lapsed"]
    trail = session.scalars(select(StepEntry.action).where(StepEntry.admission_id == held.id)).all()
    assert trail == ["lapse"]


def test_who_has_learned_everything_waits_where_that_is_stopped(session, stopped):
    held = factories.make_admission(session, step=Step.TRAINING)
    go_on = stopped("training")

    training.pass_on([held.id])

    again = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == training.COMPLETED)).all()
    assert [message.ids for message in again] == [[held.id]]
    assert again[0].due_at == again[0].created_at + dt.timedelta(minutes=1)
    go_on()
    training.pass_on([held.id])
    assert session.scalar(select(func.count()).where(OutboxMessage.topic == training.COMPLETED)) == 1


def test_nobody_is_refused_by_the_criteria_alone_where_that_is_stopped(session, stopped, as_):
    def submitted(serial: int) -> Admission:
        with as_(System("test")):
            person = newcomer(session, serial, changes={"citizen_capacity": False})
        with as_(person.me):
            application = draft(session, person, "transport")
            (admission,) = filing.submit(session, application, actor=person.me)
        return admission

    assert submitted(1).step == "refused"
    go_on = stopped("screening")
    held = submitted(2)
    assert (held.step, held.verdict) == ("first_review", "reject")
    assert [line.row.id for line in lines(session, RULES["screening"], until=brakes.tonight(session))] == [held.id]
    go_on()
    assert submitted(3).step == "refused"
    assert steps(session, held) == ["first_review"]  # a person has it, and finishes it


# ── at once ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def due(committed_db, clock):
    """Twenty people on two notices whose windows have just ended, committed."""
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        people = [make_person(session, f"专家{n}") for n in range(20)]
        notices = [open_for(session, people[:10]), open_for(session, people[10:])]
        ids, due_at = [notice.id for notice in notices], notices[0].due_at
    clock.set(due_at)
    return ids


def admitted():
    with db.transaction() as session:
        return session.scalar(select(func.count(RosterEntry.id)))


def test_whoever_pulls_the_brake_waits_for_the_batch_and_then_nothing_more_is_done(committed_db, due):
    """A batch of five is under way; the brake waits for it, a second worker waits for the brake and then does nothing."""
    half, go_on, pulled = threading.Event(), threading.Event(), threading.Event()
    seen, errors = [], []

    def in_thread(work):
        def run():
            try:
                with become(System("test")):
                    work()
            except BaseException as error:
                errors.append(error)
            finally:
                db.Session.remove()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def first_batch():
        with db.transaction() as session:
            closing.close_due(session, due, actor=System("test"), most=5)
            half.set()
            assert go_on.wait(20)

    def pull():
        with db.transaction() as session:
            brakes.pull(session, closing.RULE, None, reason=WHY, actor=System("test"))
        seen.append(admitted())
        pulled.set()

    with committed_db.as_worker():
        threads = [in_thread(first_batch)]
        assert half.wait(20)
        threads.append(in_thread(pull))
        with db.transaction() as session:
            while not jobs.is_wanted(session, closing.RULE):
                assert not errors
        assert not pulled.is_set()  # it does not say that it holds while somebody is still being admitted
        threads.append(in_thread(lambda: publicity.close_due(due)))
        go_on.set()
        for thread in threads:
            thread.join()
        assert errors == []
        assert seen == [5]  # what was under way, and it is there when the brake holds
        assert admitted() == 5

        publicity.close_due(due)
        assert admitted() == 5
        with db.transaction() as session:
            brake = session.scalars(select(jobs.Brake.id)).one()
            brakes.release(session, brake, actor=System("test"))
        publicity.close_due(due)
        publicity.close_due(due)
        assert admitted() == 20
        with db.transaction() as session:
            assert session.scalars(select(NoticeItem.outcome)).all() == ["admitted"] * 20
            assert session.scalar(select(func.count(Notice.id)).where(Notice.closed_at.is_(None))) == 0


def test_looking_for_a_culprit_ends_when_somebody_wants_to_stop(committed_db, due, monkeypatch):
    """Half the people are poisoned, so the batch is halved again and again; the brake does not wait for the end of that."""
    with committed_db.as_worker():
        with db.transaction() as session:
            session.execute(text("""UPDATE application SET answers = '{"name": {"sealed": "gone.AAAA"}}' WHERE id % 2 = 0"""))
        monkeypatch.setattr(closing, "is_wanted", lambda session, rule: True)  # somebody has been waiting since the first failure
        with db.transaction() as session:
            result = closing.close_due(session, due, actor=System("test"))
        assert (result.interrupted, result.more, result.admitted) == (True, False, [])


def test_a_released_brake_ends_the_claims(committed_db, due):
    assert assembly.SUBSCRIPTIONS[brakes.RELEASED] == [publicity.wake]
    with committed_db.as_worker():
        with db.transaction() as session:
            session.execute(text("UPDATE notice SET claimed_until = now() + interval '2 minutes'"))
        publicity.wake([1])
        with db.transaction() as session:
            assert session.scalars(select(Notice.claimed_until)).all() == [None, None]
