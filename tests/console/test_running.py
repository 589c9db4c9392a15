"""Messages in batches, rows that come due, what fails, what takes too long, and what a killed process leaves behind."""

from __future__ import annotations

import datetime as dt
import threading
import time
from contextlib import suppress

import pytest
from sqlalchemy import func, select, text, true, update
from sqlalchemy.exc import OperationalError

from console import assembly, db, outbox, queueing, relay, running, setbacks, worker
from console.applications.models import Admission
from console.jobs import REGISTRY, Brake, DailyRun, Heartbeat, JobRun, Sweep, job, pull_brake
from console.outbox import OutboxMessage
from console.scope import System
from console.setbacks import Setback
from tests.factories import make_admission

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def calls(monkeypatch):
    """Jobs of this test's own, and what they were called with. What stands in `calls.bad` fails."""
    worker.prepare()
    jobs = dict(REGISTRY)

    class Calls(list):
        bad: frozenset[int] = frozenset()

    made = Calls()

    def note(ids: list[int]) -> str:
        made.append(list(ids))
        if made.bad & set(ids):
            raise ValueError("bad")
        return f"{len(ids)} done"

    def swallow(ids: list[int]) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with suppress(Exception):  # what a careless job would do
                time.sleep(0.02)

    monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.set", [job("test.set")(note)])
    monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.order", [job("test.order", together=False)(note)])
    monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.long", [job("test.long")(swallow)])
    monkeypatch.setattr(assembly, "SWEEPS", [Sweep(job("test.sweep", automatic="test.rule")(note), Admission, Admission.due_at, true)])
    yield made
    REGISTRY.clear()
    REGISTRY.update(jobs)


def publish(topic: str, *sets: list[int], due_at: dt.datetime | None = None) -> list[int]:
    with db.transaction() as session:
        before = session.scalar(select(func.coalesce(func.max(OutboxMessage.id), 0)))
        for ids in sets:
            outbox.publish(session, topic, ids, due_at=due_at)
        session.flush()
        return list(session.scalars(select(OutboxMessage.id).where(OutboxMessage.id > before).order_by(OutboxMessage.id)))


def states() -> list[tuple[int, bool]]:
    """(attempts, done) of all messages in their order."""
    with db.transaction() as session:
        rows = session.execute(select(OutboxMessage.attempts, OutboxMessage.done_at.is_not(None)).order_by(OutboxMessage.id))
        return [tuple(row) for row in rows]


def due_files(count: int) -> list[int]:
    with db.transaction() as session:
        return sorted(make_admission(session, due_at=PAST).id for _ in range(count))


# ── together and alone ───────────────────────────────────────────────────────────────────────────────────────


def test_messages_of_one_topic_are_done_in_one_call(committed_db, calls):
    with committed_db.as_worker():
        publish("test.set", [1, 2], [2, 3], [4])
        ran = relay.settle(committed_db.settings)
        with db.transaction() as session:
            runs = session.execute(select(JobRun.job, JobRun.subject_count, JobRun.result, JobRun.error, JobRun.finished_at.is_not(None))).all()
        found = states()

    assert (ran, calls) == (1, [[1, 2, 3, 4]])
    assert found == [(0, True)] * 3
    assert [tuple(run) for run in runs] == [("test.set", 4, "4 done", None, True)]


def test_only_the_culprits_message_waits_and_then_travels_alone(committed_db, calls, clock):
    calls.bad = frozenset({3})
    with committed_db.as_worker():
        publish("test.set", [1, 2], [3], [4])
        relay.settle(committed_db.settings)
        first = states()
        clock.advance(seconds=11)
        calls.clear()
        publish("test.set", [5])
        relay.settle(committed_db.settings)

    assert first == [(0, True), (1, False), (0, True)]
    assert sorted(calls) == [[3], [5]]


def test_an_order_is_neither_split_nor_put_together(committed_db, calls):
    """[file, department, operator]: half of it would be another order."""
    calls.bad = frozenset({7})
    with committed_db.as_worker():
        publish("test.order", [7, 8, 9], [1, 2, 3])
        relay.settle(committed_db.settings)
        found = states()

    assert sorted(calls) == [[1, 2, 3], [7, 8, 9]]
    assert found == [(1, False), (0, True)]


def test_an_assignment_that_fails_is_one_order():
    worker.prepare()
    assert [name for name in sorted(REGISTRY) if not REGISTRY[name].together] == [
        "applications.carry_out_assignment", "exchange.check", "exchange.enter", "exchange.export", "retention.count", "reviews.hand_over",
        "studio.replay",
    ]  # fmt: skip


def test_a_topic_of_which_there_is_no_job_any_more_waits_for_a_person(committed_db, calls):
    with committed_db.as_worker():
        publish("daily.test.gone", [1])
        publish("test.nobody_listens", [1])
        relay.settle(committed_db.settings)
        found = states()

    assert found == [(1, False), (0, True)]


# ── only what is due, whatever the queue says ────────────────────────────────────────────────────────────────


def test_messages_that_are_not_due_or_over_are_left_alone_when_they_are_asked_for(committed_db, calls, clock):
    with committed_db.as_worker():
        later = publish("test.set", [1], due_at=clock.now() + dt.timedelta(days=1))
        over = publish("test.set", [2], [3])
        with db.transaction() as session:
            session.get_one(OutboxMessage, over[0]).done_at = PAST
            session.get_one(OutboxMessage, over[1]).gave_up_at = PAST
        worker.run(queueing.DELIVER, [*later, *over, 99_999])

    assert calls == []


def test_rows_that_are_not_due_or_gone_are_left_alone_when_they_are_asked_for(committed_db, calls):
    with committed_db.as_worker():
        with db.transaction() as session:
            later = make_admission(session).id
        worker.run("test.sweep", [later, 99_999])

    assert calls == []


def test_a_sweep_that_waits_in_the_queue_sees_the_brake(committed_db, calls, redis):
    with committed_db.as_worker():
        due_files(1)
        relay.tick(queueing.queue(redis))
        with db.transaction() as session:
            pull_brake(session, "test.rule", department_id=None, reason="核查", actor=System("test"))
        ran = worker.burst(committed_db.settings)
        with db.transaction() as session:
            session.execute(update(Brake).values(released_at=func.now()))
            session.execute(update(Admission).values(claimed_until=None))
        relay.tick(queueing.queue(redis))
        held = list(calls)
        worker.burst(committed_db.settings)

    assert (ran, held, len(calls)) == (1, [], 1)


def test_a_clock_that_jumps_neither_frees_a_lease_nor_makes_anything_early(committed_db, calls, clock, redis):
    with committed_db.as_worker():
        with db.transaction() as session:
            file = make_admission(session, due_at=clock.now() + dt.timedelta(hours=2)).id
        publish("test.set", [1], due_at=clock.now() + dt.timedelta(hours=2))
        seen = [worker_calls(committed_db, calls)]
        clock.advance(hours=3)
        relay.tick(queueing.queue(redis))
        clock.advance(hours=-3)  # the orders are in the queue, and nothing is due any more
        seen.append(worker_calls(committed_db, calls))
        clock.advance(days=30)
        relay.tick(queueing.queue(redis))
        seen.append(worker_calls(committed_db, calls))  # leased for two real minutes, whatever the clock says
        with db.transaction() as session:
            session.execute(update(OutboxMessage).values(claimed_until=None))
            session.execute(update(Admission).values(claimed_until=None))
        relay.tick(queueing.queue(redis))
        seen.append(worker_calls(committed_db, calls))

    assert seen == [[], [], [], [[1], [file]]]


def worker_calls(committed_db, calls) -> list[list[int]]:
    worker.burst(committed_db.settings)
    return sorted(calls)


# ── rows that cannot be done ─────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_cannot_be_done_waits_longer_each_time_and_then_for_a_person(committed_db, calls, clock):
    with committed_db.as_worker():
        good, bad, other = due_files(3)
        calls.bad = frozenset({bad})
        waits = []
        for _ in range(setbacks.MOST_ATTEMPTS):
            sweep_once(committed_db)
            with db.transaction() as session:
                row = session.scalars(select(Setback)).one()
            waits.append((row.due_at - clock.now()).total_seconds())
            clock.advance(hours=2)
        tries = calls.count([bad])
        sweep_once(committed_db)

    assert calls[0] == [good, bad, other]
    assert (row.subject_id, row.attempts, row.gave_up_at is not None) == (bad, setbacks.MOST_ATTEMPTS, True)
    assert row.last_error == "ValueError: bad"
    assert [round(wait, -1) for wait in waits] == [10, 40, 160, 640, 2560, 3600, 3600, 3600]
    assert calls.count([bad]) == tries == setbacks.MOST_ATTEMPTS


def test_a_row_that_is_asked_for_again_and_done_has_no_setback(committed_db, calls):
    with committed_db.as_worker():
        (bad,) = due_files(1)
        calls.bad = frozenset({bad})
        sweep_once(committed_db)
        calls.bad = frozenset()
        with db.transaction() as session:
            waiting = setbacks.among(session, "test.sweep", [bad])
            setbacks.forget(session, "test.sweep", [bad])
        sweep_once(committed_db)
        with db.transaction() as session:
            left = session.scalars(select(Setback)).all()

    assert (waiting, left, calls) == ({bad}, [], [[bad], [bad]])


def sweep_once(committed_db) -> None:
    """One round, as when the leases have run out."""
    with db.transaction() as session:
        session.execute(update(Admission).values(claimed_until=None))
    connection = queueing.connect(committed_db.settings.redis_url)
    relay.tick(queueing.queue(connection))
    connection.close()
    worker.burst(committed_db.settings)


# ── too long, killed, without a database ─────────────────────────────────────────────────────────────────────


def test_a_job_that_takes_too_long_is_ended_though_it_swallows_every_exception(committed_db, calls, monkeypatch):
    monkeypatch.setattr(queueing, "TIMEOUT", 1)
    with committed_db.as_worker():
        publish("test.long", [1])
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            error = session.scalar(select(OutboxMessage.last_error))
            run = session.execute(select(JobRun.error, JobRun.finished_at.is_not(None))).one()
        found = states()

    assert (found, error) == ([(1, False)], "超过 1 秒，已中止")
    assert tuple(run) == ("1 failed (1: 超过 1 秒，已中止)", True)


def test_runs_of_a_killed_process_are_closed_and_those_of_a_living_one_are_not(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        old = func.now() - running.SILENT - dt.timedelta(seconds=1)
        session.add_all([Heartbeat(name="worker@a:1-aa", kind="worker", at=old), Heartbeat(name="worker@a:1-bb", kind="worker", at=func.now())])
        session.add_all([JobRun(job=name, process=f"worker@a:1-{name}", started_at=PAST) for name in ("aa", "bb")])
        session.flush()
        closed = running.bury(session)
        runs = session.execute(select(JobRun.job, JobRun.error, JobRun.finished_at.is_not(None)).order_by(JobRun.job)).all()
        beats = session.scalars(select(Heartbeat.name)).all()

    assert closed == 1
    assert [tuple(run) for run in runs] == [("aa", running.KILLED, True), ("bb", None, False)]
    assert beats == ["worker@a:1-bb"]


def test_a_database_that_goes_away_is_no_jobs_fault(committed_db, calls, monkeypatch):
    """The lease runs out and the message comes again, as often as the database likes to go; the run is closed when it is back."""
    with committed_db.as_worker():
        publish("test.set", [1])

        def cut(ids: list[int]) -> None:
            with db.transaction() as session:
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.set", [job("test.cut")(cut)])
        with pytest.raises(OperationalError):
            worker.run(queueing.DELIVER, [message.id for message in waiting()])
        found = states()
        with db.engine().begin() as connection:
            running.close_left_open(connection)
        with db.transaction() as session:
            run = session.execute(select(JobRun.error, JobRun.finished_at.is_not(None))).one()

    assert found == [(0, False)]
    assert tuple(run) == (running.AWAY, True)


def waiting() -> list[OutboxMessage]:
    with db.transaction() as session:
        return list(session.scalars(select(OutboxMessage)))


# ── two at once ──────────────────────────────────────────────────────────────────────────────────────────────


def test_two_relays_at_once_ask_for_each_row_once(committed_db, calls, monkeypatch):
    monkeypatch.setattr(relay, "CLAIM", 2)
    (own,) = assembly.SWEEPS
    small = Sweep(own.job, own.model, own.due, own.where, batch=2)
    with committed_db.as_worker():
        files = due_files(3)
        messages = publish("test.set", [1], [2], [3])
        with db.factory() as first, db.factory() as second:  # both inside their transactions
            taken = [[sorted(message.id for message in relay.claim_messages(session)), relay.claim_due(session, small)] for session in (first, second)]
            first.commit()
            second.commit()
        with db.transaction() as session:
            left = [relay.claim_messages(session), relay.claim_due(session, small)]

    assert taken == [[messages[:2], files[:2]], [messages[2:], files[2:]]]
    assert left == [[], []]


def test_two_crons_at_once_order_each_daily_job_once(committed_db, calls):
    ordered: list[int] = []
    together = threading.Barrier(2)

    def order() -> None:
        together.wait(20)
        ordered.append(relay.order_daily())
        db.Session.remove()

    with committed_db.as_worker():
        crons = [threading.Thread(target=order) for _ in range(2)]
        for cron in crons:
            cron.start()
        for cron in crons:
            cron.join(20)
        with db.transaction() as session:
            jobs = session.scalars(select(DailyRun.job).order_by(DailyRun.job)).all()
            topics = session.scalars(select(OutboxMessage.topic).order_by(OutboxMessage.topic)).all()

    assert sum(ordered) == len(jobs) == len(set(jobs))
    assert topics == [f"daily.{name}" for name in jobs]
