"""Runs what the relay asks for. Any number of workers, on any number of machines; the database says what is still to do.

Every job may come twice, late, or after somebody else has done it: the services look again. A batch that fails is split until the
culprit is alone; the others are done. A message that keeps failing waits longer each time and then waits for a person.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from config import Settings
from console import assembly, clock, db, faults, housekeeping, logs, queueing
from console.jobs import REGISTRY, Heartbeat, Job, JobRun, braked_departments
from console.outbox import OutboxMessage
from console.queueing import DELIVER, Argument
from console.scope import System, become

log = logging.getLogger("ruku.worker")

BEAT = 5  # seconds
MOST_ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = dt.timedelta(seconds=10), dt.timedelta(hours=1)
DAILY = "daily."  # topics that stand for a daily job


class SomeFailed(Exception):
    """A batch of which these could not be done; the rest was."""

    def __init__(self, name: str, failures: dict[int, str]) -> None:
        self.failures = failures
        shown = "; ".join(f"{key}: {text}" for key, text in list(failures.items())[:5])
        super().__init__(f"{name}: {len(failures)} failed ({shown})")


def prepare() -> None:
    """Know every job, and how to run a name that comes out of Redis."""
    assembly.join()
    housekeeping.list_jobs()
    queueing.RUN[0] = run


def work(settings: Settings) -> None:
    """Run jobs until a signal asks to stop; the job at hand is finished first."""
    prepare()
    connection = queueing.connect(settings.redis_url)
    worker = _Worker([queueing.queue(connection)], connection=connection, job_class=queueing.ListedJob, serializer=JSONSerializer)
    with Beating("worker"):
        worker.work(logging_level="WARNING")


def burst(settings: Settings) -> int:
    """Run what is in the queue now and return how many jobs that was: for tests and the demo."""
    prepare()
    connection = queueing.connect(settings.redis_url)
    queue = queueing.queue(connection)
    worker = _Worker([queue], connection=connection, job_class=queueing.ListedJob, serializer=JSONSerializer)
    count = queue.count
    worker.work(burst=True, logging_level="WARNING")
    connection.close()
    return count


class _Worker(SimpleWorker):
    """RQ's loop without what it offers to whoever can write to Redis: no commands, no titles, no log of arguments."""

    log_job_description = False

    def subscribe(self) -> None:
        """No remote commands: RQ would let a message stop jobs and workers."""

    def unsubscribe(self) -> None: ...

    def _install_signal_handlers(self) -> None:
        if threading.current_thread() is threading.main_thread():
            super()._install_signal_handlers()

    def handle_job_failure(self, job: Any, queue: Any, started_job_registry: Any = None, exc_string: str = "") -> None:
        """RQ would keep the whole traceback in Redis; the row of `job_run` says what happened."""
        super().handle_job_failure(job, queue, started_job_registry, exc_string="see job_run")

    def handle_exception(self, job: Any, *exc_info: Any) -> None:
        """One line; what was asked for is named only when it is on the list."""
        kind = "refused" if isinstance(exc_info[1], queueing.NotListed) else "failed"
        log.error("job %s %s: %s", job.id, kind, faults.told(exc_info[1]), exc_info=None if kind == "refused" else exc_info)


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────


def run(name: str, arguments: list[Argument]) -> None:
    """Run one listed name as System."""
    with become(System(name)):
        if name == DELIVER:
            (ids,) = arguments
            assert isinstance(ids, list)
            for outbox_id in ids:
                with logs.about(outbox=outbox_id):
                    deliver(outbox_id)
        else:
            _run_recorded(REGISTRY[name], arguments, outbox_id=None)


def deliver(outbox_id: int) -> None:
    """Do the jobs subscribed to a message; it is done when all of them are."""
    with db.transaction() as session:
        message = session.get(OutboxMessage, outbox_id)
        if message is None or message.done_at is not None or message.gave_up_at is not None:
            return
        topic, ids = message.topic, list(message.ids)
        jobs = jobs_for(topic)
        if any(job.automatic and None in braked_departments(session, job.automatic) for job in jobs):
            message.due_at, message.claimed_until = clock.now(session) + dt.timedelta(minutes=1), None
            return
    try:
        for job in jobs:
            _run_recorded(job, [] if topic.startswith(DAILY) else [ids], outbox_id=outbox_id)
    except Exception as error:  # any fault of a job is this message's fault, and must not stop the next one
        log.error("message %s (%s) failed: %s", outbox_id, topic, faults.told(error))
        _postpone(outbox_id, error)
        return
    with db.transaction() as session:
        message = session.get_one(OutboxMessage, outbox_id)
        message.done_at, message.claimed_until = clock.now(session), None


def jobs_for(topic: str) -> list[Job]:
    """The jobs that a topic asks for."""
    if topic.startswith(DAILY):
        return [REGISTRY[topic.removeprefix(DAILY)]]
    return assembly.SUBSCRIPTIONS.get(topic, [])


def _postpone(outbox_id: int, error: Exception) -> None:
    with db.transaction() as session:
        message = session.get_one(OutboxMessage, outbox_id)
        message.attempts += 1
        message.last_error = faults.told(error)[:2_000]
        message.claimed_until = None
        if message.attempts >= MOST_ATTEMPTS:
            message.gave_up_at = clock.now(session)
        else:
            wait: dt.timedelta = min(_FIRST_WAIT * 4 ** (message.attempts - 1), _LONGEST_WAIT)
            message.due_at = clock.now(session) + wait


def _run_recorded(job: Job, arguments: list[Argument], *, outbox_id: int | None) -> None:
    """One row of `job_run` around the work: begun and ended in transactions of their own."""
    batch = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else None
    with db.transaction() as session:
        count = len(batch) if batch is not None else len(arguments)
        row = JobRun(job=job.name, subject_count=count, outbox_id=outbox_id, started_at=clock.now(session))
        session.add(row)
        session.flush()
        run_id = row.id
    error: str | None = None
    said: list[Any] = []
    began = time.perf_counter()
    with logs.about(job=job.name, run=run_id), logs.counting() as cost:
        try:
            if batch is None:
                said.append(job(*arguments))
            elif failures := _split(job, batch, said):
                raise SomeFailed(job.name, failures)
        except SomeFailed as fault:
            error = str(fault)[:2_000]  # made of what `faults` told
            raise
        except Exception as fault:
            log.exception("%s failed", job.name)
            error = faults.told(fault)[:2_000]
            raise
        finally:
            db.Session.remove()
            facts = {"subjects": count, "ms": round((time.perf_counter() - began) * 1000, 1), "statements": cost.statements, "done": error is None}
            with db.transaction() as session:
                row = session.get_one(JobRun, run_id)
                row.finished_at, row.error, row.result = clock.now(session), error, _result(said)
            log.info("job", extra={"facts": facts})


def _split(job: Job, ids: list[int], said: list[Any]) -> dict[int, str]:
    """Run a batch; where it fails, run its halves. Returns what could not be done, with the reason; what the rest came to is `said`."""
    try:
        said.append(job(ids))
        return {}
    except Exception as error:  # whatever it was, the others of the batch are to be done
        db.Session.remove()
        if len(ids) == 1:
            log.exception("%s: %s could not be done", job.name, ids[0])
            return {ids[0]: faults.told(error)[:300]}
    middle = len(ids) // 2
    return _split(job, ids[:middle], said) | _split(job, ids[middle:], said)


def _result(said: list[Any]) -> str | None:
    """What a job says it did: a number, or a sentence of its own."""
    numbers = [one for one in said if type(one) is int]
    sentences = [one for one in said if isinstance(one, str) and one]
    words = [str(sum(numbers))] if numbers else list(dict.fromkeys(sentences))
    return faults.scrub("；".join(words))[:500] or None


# ── heartbeat ────────────────────────────────────────────────────────────────────────────────────────────────


class Beating:
    """Says every few seconds that this process is alive, from a thread of its own; takes the row away at the end."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = f"{kind}@{socket.gethostname()[:40]}:{os.getpid()}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Beating:
        self._once()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(BEAT)
        self._write(lambda connection: connection.execute(delete(Heartbeat).where(Heartbeat.name == self.name)))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self._once()

    def _once(self) -> None:
        values = {"name": self.name, "kind": self.kind, "at": func.now()}  # real time, whatever the demo's clock says
        statement = insert(Heartbeat).values(**values)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"at": func.now()})
        self._write(lambda connection: connection.execute(statement))

    def _write(self, change: Callable[[Any], Any]) -> None:
        try:
            with db.engine().begin() as connection:
                change(connection)
        except Exception as error:  # the database is away: no beat is the message, and the next one tries again
            log.warning("no heartbeat: %s", faults.told(error))


def alive(session: Any, kind: str) -> bool:
    """True when a process of this kind was heard from within half a minute."""
    newest = session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == kind))
    return newest is not None and session.scalar(select(func.now())) - newest < dt.timedelta(seconds=30)


def stop_on_signals(over: threading.Event) -> None:
    """SIGINT and SIGTERM set the event: for loops that are not RQ's."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
