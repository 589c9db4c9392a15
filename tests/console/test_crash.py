"""kill -9 in the middle of relaying and working: nothing is lost, and what was done is done once."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import pytest
from sqlalchemy import func, select, update

from console import assembly, audit, db, outbox, relay, worker
from console.audit import AuditEntry
from console.jobs import REGISTRY, job
from console.outbox import OutboxMessage
from console.scope import System, become

MESSAGES, IDS = 12, 4


@pytest.fixture
def effect():
    """A job with an effect that can be counted, safe to run twice as every job must be."""
    worker.prepare()

    def leave_a_mark(ids: list[int]) -> None:
        for number in ids:
            with db.transaction() as session:
                subject = f"test:{number}"
                if session.scalar(select(AuditEntry.id).where(AuditEntry.subject == subject)) is None:
                    audit.record(session, "test.marked", subject)

    assembly.SUBSCRIPTIONS["test.crash"] = [job("test.mark")(leave_a_mark)]
    yield
    del assembly.SUBSCRIPTIONS["test.crash"], REGISTRY["test.mark"]


def crash_after(seconds: float, committed_db) -> None:
    """A process that relays and works, killed without warning."""
    child = os.fork()
    if child == 0:
        try:
            with committed_db.as_worker():
                relay.settle(committed_db.settings)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def walk(committed_db, kills: int, dice: random.Random) -> None:
    with committed_db.as_worker():
        with become(System("test")), db.transaction() as session:
            for start in range(0, MESSAGES * IDS, IDS):
                outbox.publish(session, "test.crash", list(range(start, start + IDS)))
        for _ in range(kills):
            crash_after(dice.uniform(0.01, 0.25), committed_db)
            with db.transaction() as session:  # leases that would run out by themselves in two minutes
                session.execute(update(OutboxMessage).values(claimed_until=None))
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            marks = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "test.marked")).all()
            waiting = session.scalar(select(func.count()).where(OutboxMessage.done_at.is_(None)))
            faults = audit.verify(session)

    assert sorted(marks) == sorted(f"test:{number}" for number in range(MESSAGES * IDS))
    assert (waiting, faults) == (0, [])


def test_killed_worker_loses_nothing(committed_db, effect):
    walk(committed_db, kills=3, dice=random.Random(20261120))


@pytest.mark.crash
@pytest.mark.timeout(3_600)
def test_killed_worker_loses_nothing_many_times(committed_db, effect):
    seed = int(os.environ.get("SEED") or time.time())
    print(f"SEED={seed} repeats this run", file=sys.stderr)
    walk(committed_db, kills=300, dice=random.Random(seed))
