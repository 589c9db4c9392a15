"""Turns what is due, and what happened, into jobs; chains the audit entries. The only process that looks at the clock by itself.

One relay leads (an advisory lock of its connection), others stand by. It wakes on NOTIFY and at the latest after a second, claims rows
in one short transaction, commits, and only then asks the queue. A claim is a lease: when Redis loses the order, the lease runs out
and the row is asked for again. `cron` writes the daily orders into the outbox, so they are as safe as everything else.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
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
from console import (
    assembly,
    audit,
    clock,
    db,
    housekeeping,
    logins,
    maintenance,
    measuring,
    outbox,
    process,
    queueing,
    running,
    setbacks,
    worker,
)
from console.jobs import DailyRun, Sweep
from console.outbox import LEASE, OutboxMessage
from console.queueing import DELIVER
from console.running import Message
from console.scope import System, become

log = logging.getLogger("ruku.relay")

CLAIM = 2_000  # messages at once
TOGETHER = 500  # messages in one order
ENOUGH = 500  # orders waiting in the queue: claim no more, or leases run out while they wait
BURY_EVERY = 15.0  # seconds
RELAY_LOCK, CRON_LOCK = 7_402_603, 7_402_604

Order = tuple[str, list[int]]


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
        buried, watch = -BURY_EVERY, maintenance.Watch(settings.redis_url, process.REVISION)
        while not over.is_set():
            if watch.stands_still():
                over.wait(1)
                continue
            if time.monotonic() - buried > BURY_EVERY:
                _bury()
                buried = time.monotonic()
            try:
                busy = tick(queue)
            except RedisError as error:
                log.warning("Redis is away, trying again: %s", error)
                busy = False
            if not busy:
                for _ in line.notifies(timeout=1, stop_after=1):
                    pass


def _bury() -> None:
    with become(System("relay")), db.transaction() as session:
        if closed := running.bury(session):
            log.warning("%s runs of processes that were killed are closed", closed)


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
        try:
            more = _ask(queue)
        finally:  # Redis may be away: the chains need none
            with db.transaction() as session:
                sealed = audit.seal(session)
        return more or sealed == audit.SEAL


def _ask(queue: Queue) -> bool:
    if queue.count >= ENOUGH:
        return False
    with db.transaction() as session:
        messages = claim_messages(session)
        due = [(sweep, claim_due(session, sweep)) for sweep in assembly.SWEEPS if not running.stopped(session, sweep.job)]
        orders = [*_deliveries(messages), *(order for sweep, ids in due for order in _of_sweep(session, sweep, ids))]
    try:
        queueing.ask(queue, orders)
    except RedisError:
        _give_back(messages, due)
        raise
    if orders:
        facts = {"messages": len(messages), "rows": {sweep.job.name: len(ids) for sweep, ids in due if ids}}
        log.info("asked", extra={"facts": facts})
    return len(messages) == CLAIM or any(len(ids) == sweep.batch for sweep, ids in due)


def claim_messages(session: Session) -> list[Message]:
    """Lease messages that are due."""
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
        .returning(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.ids, OutboxMessage.attempts)
        .execution_options(synchronize_session=False)
    )
    return [Message(*row) for row in claimed]


def claim_due(session: Session, sweep: Sweep) -> list[int]:
    """Lease rows of a sweep that are due and not waiting for another try."""
    model, now = sweep.model, clock.now(session)
    waiting = (
        select(model.id)
        .where(sweep.due <= now, sweep.where(), sweep.runs(), _free(model), ~setbacks.holds(sweep.job.name, model.id, now=now))
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


def _deliveries(messages: list[Message]) -> Iterator[Order]:
    """Messages of one topic travel together, so that a slow topic does not hold the others; what takes long or failed travels alone."""
    ordered = sorted(messages, key=lambda message: (message.topic, message.id))
    for topic, of_topic in itertools.groupby(ordered, key=lambda message: message.topic):
        together: list[int] = []
        alone: list[int] = []
        for message in of_topic:
            (together if running.travels_together(topic) and not message.attempts else alone).append(message.id)
        yield from ((DELIVER, together[start : start + TOGETHER]) for start in range(0, len(together), TOGETHER))
        yield from ((DELIVER, [key]) for key in alone)


def _of_sweep(session: Session, sweep: Sweep, ids: list[int]) -> Iterator[Order]:
    """Rows that come due together; each that failed before alone."""
    alone = setbacks.among(session, sweep.job.name, ids) if ids else set()
    if together := [key for key in ids if key not in alone]:
        yield sweep.job.name, together
    yield from ((sweep.job.name, [key]) for key in sorted(alone))


def _give_back(messages: list[Message], due: list[tuple[Sweep, list[int]]]) -> None:
    """Redis did not take the orders: nobody has them, so the leases end now."""
    leased: list[tuple[type[Any], list[int]]] = [(OutboxMessage, [message.id for message in messages])]
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
                watch = maintenance.Watch(settings.redis_url, process.REVISION)
                with _leadership(settings, CRON_LOCK, over), _watching(settings):
                    while not over.is_set():
                        if watch.stands_still():
                            over.wait(1)
                            continue
                        order_daily()
                        housekeeping.anchor_audit(settings.anchor_every)
                        measuring.measure_when_due()
                        over.wait(5)
            except (psycopg.Error, SQLAlchemyError) as error:
                log.warning("PostgreSQL is away, trying again: %s", str(error).splitlines()[0])
                over.wait(2)


@contextmanager
def _watching(settings: Settings) -> Iterator[None]:
    """The rooms' watches beside the leader, each in a thread; they are over before another leads."""
    enough = threading.Event()
    threads = [threading.Thread(target=watch, args=(settings, enough), name=watch.__module__, daemon=True) for watch in assembly.WATCHES]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join(timeout=15)


def order_daily() -> int:
    """Order today's daily jobs that nobody has ordered yet; how many. The key of `daily_run` makes it once."""
    with become(System("cron")), db.transaction() as session:
        today = clock.today(session)
        ordered = 0
        for daily in [*assembly.DAILY, *housekeeping.list_jobs()]:
            statement = insert(DailyRun).values(job=daily.name, day=today).on_conflict_do_nothing()
            if session.scalar(statement.returning(DailyRun.job)) is not None:
                outbox.publish(session, f"{running.DAILY}{daily.name}", [today.toordinal()])
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
