"""Turns what is due, and what happened, into jobs; chains the audit entries. The only process that looks at the clock by itself.

One relay leads (an advisory lock of its connection), others stand by. It wakes on NOTIFY and at the latest after a second, claims rows
in one short transaction, commits, and only then asks the queue. A claim is a lease: when Redis loses the order, the lease runs out
and the row is asked for again. `cron` writes the daily orders into the outbox, so they are as safe as everything else.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config import Settings
from console import assembly, audit, clock, db, housekeeping, logins, outbox, queueing, worker
from console.jobs import DailyRun, Sweep, braked_departments
from console.outbox import OutboxMessage
from console.queueing import DELIVER, Argument
from console.scope import System, become

log = logging.getLogger("ruku.relay")

LEASE = dt.timedelta(minutes=2)
CLAIM = 1_000  # messages at once
TOGETHER = 50  # messages in one job
ENOUGH = 500  # orders waiting in the queue: claim no more, or leases run out while they wait
RELAY_LOCK, CRON_LOCK = 7_402_603, 7_402_604

Order = tuple[str, list[Argument]]


def carry(settings: Settings) -> None:
    """Relay until a signal asks to stop."""
    worker.prepare()
    over = threading.Event()
    worker.stop_on_signals(over)
    with worker.Beating("relay"):
        while not over.is_set():
            try:
                _lead(settings, over)
            except (psycopg.Error, SQLAlchemyError) as error:
                log.warning("PostgreSQL is away, trying again: %s", str(error).splitlines()[0])
                over.wait(2)


def _lead(settings: Settings, over: threading.Event) -> None:
    queue = queueing.queue(queueing.connect(settings.redis_url))
    with _leadership(settings, RELAY_LOCK, over) as line:
        line.execute(f"LISTEN {outbox.CHANNEL}")
        while not over.is_set():
            try:
                busy = tick(queue)
            except RedisError as error:
                log.warning("Redis is away, trying again: %s", error)
                busy = False
            if not busy:
                for _ in line.notifies(timeout=1, stop_after=1):
                    pass


@contextmanager
def _leadership(settings: Settings, lock: int, over: threading.Event) -> Iterator[psycopg.Connection[Any]]:
    """A connection that holds the leader's lock; waits for it as long as another process has it."""
    address = logins.plain(settings.database_worker_url)
    with psycopg.connect(address, autocommit=True, keepalives_idle=10) as line:
        while not over.is_set():
            row = line.execute("SELECT pg_try_advisory_lock(%s)", (lock,)).fetchone()
            if row and row[0]:
                break
            over.wait(1)
        yield line


def tick(queue: Queue) -> bool:
    """One round: claim, ask, seal. True when there is certainly more to do at once."""
    with become(System("relay")):
        more = False
        if queue.count < ENOUGH:
            with db.transaction() as session:
                messages = claim_messages(session)
                due = [(sweep, claim_due(session, sweep)) for sweep in assembly.SWEEPS if not _stopped(session, sweep)]
            try:
                sweeps: list[Order] = [(sweep.job.name, [ids]) for sweep, ids in due if ids]
                queueing.ask(queue, [*_deliveries(messages), *sweeps])
            except RedisError:
                _give_back(messages, due)
                raise
            if messages or sweeps:
                facts = {"messages": len(messages), "rows": {sweep.job.name: len(ids) for sweep, ids in due if ids}}
                log.info("asked", extra={"facts": facts})
            more = len(messages) == CLAIM or any(len(ids) == sweep.batch for sweep, ids in due)
        with db.transaction() as session:
            sealed = audit.seal(session)
        return more or sealed == audit.SEAL


def claim_messages(session: Session) -> list[tuple[int, str]]:
    """Lease messages that are due: (id, topic), oldest first."""
    waiting = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.due_at <= clock.now(session),
            OutboxMessage.done_at.is_(None),
            OutboxMessage.gave_up_at.is_(None),
            _free(OutboxMessage),
        )
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(CLAIM)
        .with_for_update(skip_locked=True)
    )
    claimed = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(waiting))
        .values(claimed_until=func.now() + LEASE)
        .returning(OutboxMessage.id, OutboxMessage.topic)
        .execution_options(synchronize_session=False)
    )
    return sorted((outbox_id, topic) for outbox_id, topic in claimed)


def claim_due(session: Session, sweep: Sweep) -> list[int]:
    """Lease rows of a sweep that are due."""
    model = sweep.model
    waiting = (
        select(model.id)
        .where(sweep.due <= clock.now(session), sweep.where(), _free(model))
        .order_by(sweep.due, model.id)
        .limit(sweep.batch)
        .with_for_update(skip_locked=True, of=model)
    )
    claimed = session.scalars(
        update(model)
        .where(model.id.in_(waiting))
        .values(claimed_until=func.now() + LEASE)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(claimed)


def _free(model: type[Any]) -> Any:
    # the lease counts real seconds: a demo's clock that jumps must neither free nor freeze it
    return or_(model.claimed_until.is_(None), model.claimed_until < func.now())


def _stopped(session: Session, sweep: Sweep) -> bool:
    """A brake on everybody stops the asking; a brake on one department is the service's to see."""
    rule = sweep.job.automatic
    return rule is not None and None in braked_departments(session, rule)


def _deliveries(messages: list[tuple[int, str]]) -> Iterator[Order]:
    """Messages of one topic travel together, so that a slow topic does not hold the others."""
    by_topic = sorted(messages, key=lambda message: (message[1], message[0]))
    for _topic, group in itertools.groupby(by_topic, key=lambda message: message[1]):
        ids = [outbox_id for outbox_id, _ in group]
        for start in range(0, len(ids), TOGETHER):
            yield DELIVER, [ids[start : start + TOGETHER]]


def _give_back(messages: list[tuple[int, str]], due: list[tuple[Sweep, list[int]]]) -> None:
    """Redis did not take the orders: nobody has them, so the leases end now."""
    leased: list[tuple[type[Any], list[int]]] = [(OutboxMessage, [outbox_id for outbox_id, _ in messages])]
    leased += [(sweep.model, ids) for sweep, ids in due]
    with db.transaction() as session:
        for model, ids in leased:
            if ids:
                session.execute(
                    update(model)
                    .where(model.id.in_(ids))
                    .values(claimed_until=None)
                    .execution_options(synchronize_session=False)
                )


# ── daily work ───────────────────────────────────────────────────────────────────────────────────────────────


def ask_daily(settings: Settings) -> None:
    """Cron, until a signal asks to stop: after midnight of the province each daily job is ordered once."""
    worker.prepare()
    over = threading.Event()
    worker.stop_on_signals(over)
    with worker.Beating("cron"):
        while not over.is_set():
            try:
                with _leadership(settings, CRON_LOCK, over):
                    while not over.is_set():
                        order_daily()
                        housekeeping.anchor_audit(settings.anchor_every)
                        over.wait(5)
            except (psycopg.Error, SQLAlchemyError) as error:
                log.warning("PostgreSQL is away, trying again: %s", str(error).splitlines()[0])
                over.wait(2)


def order_daily() -> int:
    """Order today's daily jobs that nobody has ordered yet; how many. The key of `daily_run` makes it once."""
    with become(System("cron")), db.transaction() as session:
        today = clock.today(session)
        ordered = 0
        for daily in [*assembly.DAILY, *housekeeping.list_jobs()]:
            statement = insert(DailyRun).values(job=daily.name, day=today).on_conflict_do_nothing()
            if session.scalar(statement.returning(DailyRun.job)) is not None:
                outbox.publish(session, f"{worker.DAILY}{daily.name}", [today.toordinal()])
                ordered += 1
        return ordered


# ── tests and the demo ───────────────────────────────────────────────────────────────────────────────────────


def settle(settings: Settings, *, most: int = 200) -> int:
    """Relay and work in this process until nothing is due any more; how many jobs ran. `db` must be the worker's."""
    worker.prepare()
    ran = 0
    connection = queueing.connect(settings.redis_url)
    queue = queueing.queue(connection)
    try:
        for _ in range(most):
            tick(queue)
            jobs = worker.burst(settings)
            ran += jobs
            if not jobs:
                return ran
    finally:
        connection.close()
    raise RuntimeError(f"still busy after {most} rounds: a job orders itself again and again")
