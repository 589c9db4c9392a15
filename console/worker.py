"""Runs what the relay asks for. Any number of workers, on any number of machines; the database says what is still to do.

The loop is RQ's, with what it offers to whoever can write to Redis taken out. `console.running` does the work.
"""

from __future__ import annotations

import datetime as dt
import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.utils import now
from rq.worker import WorkerStatus
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from config import Settings
from console import assembly, db, faults, housekeeping, maintenance, process, queueing, running
from console.jobs import Heartbeat, this_process
from console.queueing import DELIVER, NotListed
from console.scope import System, become

log = logging.getLogger("ruku.worker")

BEAT = 5  # seconds
PAUSE = 2  # seconds until Redis is tried again
TELL_REDIS = dt.timedelta(seconds=30)  # how often RQ's own list of workers hears from this one


def prepare() -> None:
    """Know every job, and how to run a name that comes out of Redis."""
    assembly.join()
    housekeeping.list_jobs()
    queueing.RUN[0] = run


def work(settings: Settings) -> None:
    """Run jobs until a signal asks to stop; the job at hand is finished first. RQ's loop ends when Redis goes away: then another begins."""
    prepare()
    over = threading.Event()
    stop_on_signals(over)
    with Beating("worker"):
        while not over.is_set():
            try:
                with closing(queueing.connect(settings.redis_url)) as connection:
                    worker = _worker(connection, maintenance.Watch(settings.redis_url, process.REVISION))
                    worker.work(logging_level="WARNING")
                    if worker.asked_to_stop:
                        return
            except RedisError as error:
                log.warning("Redis is away, trying again: %s", error)
            over.wait(PAUSE)


def burst(settings: Settings) -> int:
    """Run what is in the queue now and return how many jobs that was: for tests and the demo."""
    prepare()
    with closing(queueing.connect(settings.redis_url)) as connection:
        count = queueing.queue(connection).count
        _worker(connection).work(burst=True, logging_level="WARNING")
        return count


def _worker(connection: Redis, watch: maintenance.Watch | None = None) -> _Worker:
    made = _Worker([queueing.queue(connection)], connection=connection, job_class=queueing.ListedJob, serializer=JSONSerializer)
    made.watch = watch
    return made


class _Deadline(UnixSignalDeathPenalty):
    """A job that takes too long is ended by what none of its `except Exception` can swallow; waiting for Redis keeps RQ's own error."""

    def handle_death_penalty(self, signum: Any, frame: Any) -> None:
        if issubclass(self._exception, JobTimeoutException):
            raise running.TimeIsUp(f"超过 {self._timeout} 秒，已中止")
        super().handle_death_penalty(signum, frame)


class _Worker(SimpleWorker):
    """RQ's loop without what it offers to whoever can write to Redis: no commands, no titles, no log of arguments."""

    log_job_description = False
    death_penalty_class = _Deadline
    asked_to_stop = False
    watch: maintenance.Watch | None = None

    def check_for_suspension(self, burst: bool) -> None:
        """While the structure changes no job is begun; the one at hand was finished first."""
        while self.watch is not None and not self._stop_requested and self.watch.stands_still():
            time.sleep(0.5)

    def subscribe(self) -> None:
        """No remote commands: RQ would let a message stop jobs and workers."""

    def unsubscribe(self) -> None: ...

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.asked_to_stop = True
        super().request_stop(signum, frame)

    def _install_signal_handlers(self) -> None:
        if threading.current_thread() is threading.main_thread():
            super()._install_signal_handlers()

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Known here, and written nowhere: the heartbeat in PostgreSQL says who lives."""
        self._state = state

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if self.last_heartbeat is None or now() - self.last_heartbeat > TELL_REDIS:
            super().heartbeat(timeout, pipeline)

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run one order and drop it. RQ's books of what was started, finished and failed are not kept: what a dead worker had in hand, PostgreSQL asks
        for again, and `job_run` says what happened."""
        self._state = WorkerStatus.BUSY  # who asks to stop now waits for the end of this one
        try:
            with self.death_penalty_class(queueing.TIMEOUT, JobTimeoutException, job_id=job.id):
                job._execute()
        except (Exception, running.TimeIsUp) as error:
            kind = "refused" if isinstance(error, NotListed) else "failed"
            log.error("job %s %s: %s", job.id, kind, faults.told(error), exc_info=None if kind == "refused" else error)
        finally:
            self._state = WorkerStatus.IDLE
        with self.connection.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.delete(job.key)
            pipeline.execute()


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────


def run(name: str, ids: list[int]) -> None:
    """Do what the queue asks for, as System: messages of the outbox, or rows of a sweep. Nothing else is asked for through Redis.

    Jobs of subscriptions and daily jobs are on the list too, but only a message leads to them: who can write to Redis cannot.
    """
    with become(System(name)):
        if name == DELIVER:
            running.deliver(ids)
            return
        for sweep in assembly.SWEEPS:
            if sweep.job.name == name:
                running.sweep(sweep, ids)
                return
    raise NotListed(f"{name} is not asked for through Redis")


# ── heartbeat ────────────────────────────────────────────────────────────────────────────────────────────────


class Beating:
    """Says every few seconds that this process is alive, from a thread of its own; takes the row away at the end."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = this_process(kind)
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
        self._write(running.close_left_open)
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
