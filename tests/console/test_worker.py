"""What Redis may ask for, what happens to work that fails, and that every row that is due is done."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
import time
import zlib

import pytest
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import DefaultSerializer
from sqlalchemy import func, select

from console import assembly, audit, db, outbox, queueing, relay, running, setbacks, worker
from console.audit import AuditEntry, AuditLink
from console.jobs import REGISTRY, DailyRun, Heartbeat, JobRun, job, pull_brake
from console.outbox import OutboxMessage
from console.queueing import NotListed, read
from console.scope import System, current


@pytest.fixture
def listed():
    """Jobs of this test's own; what they were called with is kept in a list."""
    worker.prepare()
    jobs = dict(REGISTRY)
    calls: list[tuple] = []

    @job("test.note")
    def note(ids: list[int]) -> None:
        calls.append(("note", *ids, str(current())))

    @job("test.poison", automatic="test.rule")
    def poison(ids: list[int]) -> None:
        if 13 in ids:
            raise ValueError("thirteen")
        calls.append(("poison", *ids))

    assembly.SUBSCRIPTIONS["test.happened"] = [note]
    assembly.SUBSCRIPTIONS["test.poisoned"] = [poison]
    yield calls
    del assembly.SUBSCRIPTIONS["test.happened"], assembly.SUBSCRIPTIONS["test.poisoned"]
    REGISTRY.clear()
    REGISTRY.update(jobs)


def publish(topic: str, ids: list[int]) -> None:
    with db.transaction() as session:
        outbox.publish(session, topic, ids)


def only_message() -> OutboxMessage:
    with db.transaction() as session:
        return session.scalars(select(OutboxMessage)).one()


def test_message_is_delivered_once_as_system(committed_db, listed):
    with committed_db.as_worker():
        publish("test.happened", [1, 2])
        ran = relay.settle(committed_db.settings)
        again = relay.settle(committed_db.settings)
        with db.transaction() as session:
            runs = session.execute(select(JobRun.job, JobRun.subject_count, JobRun.error)).all()
        message = only_message()

    assert (ran, again) == (1, 0)
    assert listed == [("note", 1, 2, str(System("outbox.deliver")))]
    assert [tuple(run) for run in runs] == [("test.note", 2, None)]
    assert (message.attempts, message.last_error, message.done_at is not None) == (0, None, True)


def test_failing_batch_is_split_until_the_culprit_is_alone_and_waits_longer_each_time(committed_db, listed, clock):
    with committed_db.as_worker():
        publish("test.poisoned", [11, 12, 13, 14])
        relay.settle(committed_db.settings)
        first = only_message()
        waits = []
        for _ in range(setbacks.MOST_ATTEMPTS):
            message = only_message()
            if message.gave_up_at is None:
                waits.append(round((message.due_at - clock.now()).total_seconds()))
                clock.advance(hours=1)
                relay.settle(committed_db.settings)
        last = only_message()

    assert listed == [("poison", 11, 12), ("poison", 14)] * setbacks.MOST_ATTEMPTS
    assert first.attempts == 1
    assert "13: ValueError: thirteen" in first.last_error
    assert waits == sorted(waits) and waits[-1] == 3600
    assert (last.attempts, last.gave_up_at is not None, last.done_at) == (setbacks.MOST_ATTEMPTS, True, None)


def test_lost_order_is_asked_for_again_when_its_lease_ends(committed_db, listed, redis):
    with committed_db.as_worker():
        publish("test.happened", [1])
        relay.tick(queueing.queue(redis))
        redis.flushdb()
        nothing = relay.settle(committed_db.settings)
        with db.transaction() as session:
            session.scalars(select(OutboxMessage)).one().claimed_until = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        ran = relay.settle(committed_db.settings)

    assert (nothing, ran, len(listed)) == (0, 1, 1)


def test_brake_on_everybody_holds_the_message_back(committed_db, listed, clock):
    with committed_db.as_worker():
        with db.transaction() as session:
            pull_brake(session, "test.rule", department_id=None, reason="核查", actor=System("test"))
        publish("test.poisoned", [1])
        relay.settle(committed_db.settings)
        message = only_message()

    assert listed == []
    assert (message.attempts, message.done_at) == (0, None)


@pytest.mark.parametrize(
    ("data", "meta"),
    [
        (["os.mkdir", None, ["forged"], {}], {}),
        (["test.note", None, [[1]], {}], {}),
        (["outbox.deliver", None, [["x"]], {}], {}),
        (["outbox.deliver", None, [[1], [2]], {}], {}),
        (["outbox.deliver", None, [1], {}], {}),
        (["outbox.deliver", None, [[10**30]], {}], {}),
        (["outbox.deliver", None, [list(range(10_001))], {}], {}),
        (["outbox.deliver", None, [], {}], {}),
        (["test.note", None, [[True]], {}], {}),
        (["test.note", None, [[1]], {"shell": 1}], {}),
        (["test.note", "console.db", [[1]], {}], {}),
        (["console.audit.seal", None, [], {}], {}),
        (["outbox.deliver", None, [[int("9" * 18)] * 20_000], {}], {}),
        ("not a job", {}),
    ],
)
def test_forged_job_is_refused_and_never_executed(committed_db, listed, redis, caplog, monkeypatch, tmp_path, data, meta):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "deliver", lambda ids: listed.append(("deliver", len(ids))))
    forge(redis, json.dumps(data).encode(), **meta)

    with committed_db.as_worker():
        worker.burst(committed_db.settings)

    assert (listed, list(tmp_path.iterdir())) == ([], [])
    assert queueing.queue(redis).count == 0


def test_an_order_that_unpacks_to_gigabytes_is_not_unpacked(monkeypatch, redis):
    """Ten kilobytes of Redis would be ten megabytes of the worker, and so on."""
    bomb = zlib.compress(b"[" + b" " * 10_000_000 + b"]")
    job = queueing.ListedJob("forged", connection=redis, serializer=queueing.JSONSerializer)
    job.restore({b"data": bomb, b"created_at": b"2026-01-01T00:00:00Z", b"result": bomb})

    assert len(job.data) < 1_000_000
    with pytest.raises(DeserializationError):
        job.func_name  # noqa: B018 - reading it unpacks


def test_an_order_under_another_jobs_number_is_done_once(committed_db, listed, redis):
    """The order of one message is written over with that of another, which stands in the queue already."""
    with committed_db.as_worker():
        publish("test.happened", [7])
        message = only_message().id
        relay.tick(queueing.queue(redis))
        (number,) = queueing.queue(redis).job_ids
        forge(redis, json.dumps([queueing.DELIVER, None, [[message, message]], {}]).encode(), number=number)
        forge(redis, json.dumps([queueing.DELIVER, None, [[message]], {}]).encode(), number="again")
        worker.burst(committed_db.settings)

    assert listed == [("note", 7, str(System("outbox.deliver")))]


def test_a_forged_order_for_what_the_brake_holds_does_nothing(committed_db, listed, redis):
    with committed_db.as_worker():
        publish("test.poisoned", [1])
        message = only_message().id
        with db.transaction() as session:
            pull_brake(session, "test.rule", department_id=None, reason="核查", actor=System("test"))
        forge(redis, json.dumps([queueing.DELIVER, None, [[message]], {}]).encode())
        worker.burst(committed_db.settings)

    assert (listed, only_message().attempts) == ([], 0)


def test_pickled_job_is_not_unpickled(committed_db, listed, redis, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "exploded"),))

    forge(redis, DefaultSerializer.dumps(("test.note", None, (Bomb(),), {})))
    with committed_db.as_worker():
        worker.burst(committed_db.settings)

    assert (listed, list(tmp_path.iterdir())) == ([], [])


def test_callbacks_and_addresses_of_a_listed_job_are_dropped(committed_db, listed, redis):
    with committed_db.as_worker():
        publish("test.happened", [7])
        message = only_message().id
    forge(
        redis,
        json.dumps([queueing.DELIVER, None, [[message]], {}]).encode(),
        success_callback_name="os.getcwd",
        failure_callback_name="os.getcwd",
        webhooks=json.dumps([{"url": "http://127.0.0.1:9/x", "statuses": ["finished"]}]),
        repeats_left="5",
        repeat_intervals="[0]",
        timeout="86400",
    )
    stored = queueing.ListedJob.fetch("forged", connection=redis, serializer=queueing.JSONSerializer)
    with committed_db.as_worker():
        worker.burst(committed_db.settings)

    named = (stored._success_callback_name, stored._failure_callback_name, stored.webhooks, stored.repeats_left, stored.timeout)
    assert named == (None, None, [], None, queueing.TIMEOUT)
    assert listed == [("note", 7, str(System("outbox.deliver")))]
    assert redis.exists("rq:job:forged") == 0


def forge(redis, data: bytes, *, number: str = "forged", **fields: str) -> None:
    redis.hset(f"rq:job:{number}", mapping={"data": data, "created_at": "2026-01-01T00:00:00Z", "origin": queueing.NAME, **fields})
    redis.rpush(f"rq:queue:{queueing.NAME}", number)
    redis.sadd("rq:queues", f"rq:queue:{queueing.NAME}")


def test_only_listed_names_and_whole_numbers_are_read():
    worker.prepare()
    assert read(queueing.DELIVER, [[1, 2]], {}, None) == (queueing.DELIVER, [1, 2])
    with pytest.raises(NotListed):
        read(queueing.DELIVER, [[1.0]], {}, None)
    with pytest.raises(NotListed):
        read(Job.func, [], {}, None)


def test_daily_jobs_are_ordered_once_a_day(committed_db, clock):
    worker.prepare()
    with committed_db.as_worker():
        clock.set(dt.date(2026, 10, 1))
        first, second = relay.order_daily(), relay.order_daily()
        relay.settle(committed_db.settings)
        clock.set(dt.date(2026, 10, 2))
        next_day = relay.order_daily()
        with db.transaction() as session:
            days = session.execute(select(DailyRun.day, func.count()).group_by(DailyRun.day).order_by(DailyRun.day)).all()
            waiting = session.scalar(select(func.count()).where(OutboxMessage.done_at.is_(None)))

    assert (first >= 2, second, next_day) == (True, 0, first)
    assert [tuple(day) for day in days] == [(dt.date(2026, 10, 1), first), (dt.date(2026, 10, 2), first)]
    assert waiting == first


def test_tick_seals_the_audit_chain(committed_db, redis):
    with committed_db.as_worker():
        with db.transaction() as session:
            audit.record(session, "test.done", "test:1")
            audit.record(session, "test.done", "test:2")
        with db.transaction() as session:
            entries = session.scalar(select(func.count(AuditEntry.id)))
        sealed, until = 0, time.monotonic() + 60
        while sealed < entries and time.monotonic() < until:  # another test's open transaction holds the horizon of the whole server
            relay.tick(queueing.queue(redis))
            with db.transaction() as session:
                sealed, faults = session.scalar(select(func.count(AuditLink.seq))), audit.verify(session)
    assert (sealed, faults) == (entries, [])


def test_heartbeat_comes_and_goes(committed_db, clock):
    with committed_db.as_worker():
        with worker.Beating("worker"), db.transaction() as session:
            alive = worker.alive(session, "worker")
        with db.transaction() as session:
            left = session.scalars(select(Heartbeat)).all()
    assert (alive, left) == (True, [])


def test_two_relays_one_leads(committed_db):
    over = threading.Event()
    # of this database: another test's relay leads in another
    leading = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database()"""
    with relay._leadership(committed_db.settings, relay.RELAY_LOCK, over) as first:
        held = first.execute(leading).fetchone()
        over.set()  # the second would wait; it gives up when it is asked to stop
        with relay._leadership(committed_db.settings, relay.RELAY_LOCK, over) as second:
            still = second.execute(leading).fetchone()
    assert (held, still) == ((1,), (1,))
