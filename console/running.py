"""How jobs are run: for messages of the outbox, or for rows that came due. What fails waits; the rest is done.

Everything may come twice, late, or after somebody else has done it. So it is looked at again first, and only what is due by the database
is worked on, whatever the queue says. Messages of one topic are worked on together; a call that fails is split until the culprit
is alone, and what failed before travels alone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, exists, func, select, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from console import assembly, bulk, clock, db, faults, logs, setbacks
from console.jobs import REGISTRY, Heartbeat, Job, JobRun, Sweep, braked_departments, this_process
from console.outbox import LEASE, OutboxMessage

log = logging.getLogger("ruku.worker")

DAILY = "daily."  # topics that stand for a daily job
MOST_IDS = 1_000  # of several messages in one call
_NAMED = 20  # messages that a line of the log names
WHILE_BRAKED = dt.timedelta(minutes=1)  # how long a message waits before it asks the brake again
SILENT = dt.timedelta(minutes=1)  # a process that has not beaten for so long is dead
AWAY = "没有记下结果（数据库中断或提前中止）；会再做一次"
KILLED = "进程中断，没有记下结果；会再做一次"


class TimeIsUp(BaseException):
    """A job took longer than it may. No `except Exception` of a job holds it back."""


class Message(NamedTuple):
    """What a message says, as it was read."""

    id: int
    topic: str
    ids: list[int]
    attempts: int
    request_id: str | None = None


@dataclass
class Outcome:
    """What became of a job: ids that could not be done, with the reason; what its calls returned."""

    failures: dict[int, str] = field(default_factory=dict)
    said: list[Any] = field(default_factory=list)

    @property
    def result(self) -> str | None:
        """What it says it did: a number, or a sentence of its own."""
        numbers = [one for one in self.said if type(one) is int]
        sentences = [one for one in self.said if isinstance(one, str) and one]
        words = [str(sum(numbers))] if numbers else list(dict.fromkeys(sentences))
        return faults.scrub("；".join(words))[:500] or None


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def deliver(outbox_ids: Sequence[int]) -> None:
    """Do the jobs subscribed to these messages; a message is done when all of its jobs are."""
    with db.transaction(durable=False) as session:
        sets = list(groups(_waiting(session, outbox_ids)))
        begun = _begin_messages(session, sets[0]) if sets else None
    for group, following in itertools.pairwise([*sets, []]):
        ids = [message.id for message in group]
        asked_by = {message.request_id for message in group}
        request = asked_by.pop() if len(asked_by) == 1 else None  # of several requests none is named
        with logs.about(messages=len(ids), outbox=ids[0] if len(ids) == 1 else ids if len(ids) <= _NAMED else None, request=request):
            begun = _work(begun, following)


def groups(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages that may be done in one call: one topic, a bounded number of ids, none that failed before."""
    ordered = sorted(messages, key=lambda message: (message.topic, message.id))
    for topic, of_topic in itertools.groupby(ordered, key=lambda message: message.topic):
        group: list[Message] = []
        numbers = 0
        for message in of_topic:
            if message.attempts or not travels_together(topic):
                yield [message]
                continue
            numbers += len(message.ids)
            if group and numbers > MOST_IDS:
                yield group
                group, numbers = [], len(message.ids)
            group.append(message)
        if group:
            yield group


def travels_together(topic: str) -> bool:
    """Whether several messages of this topic may be given to its jobs in one call."""
    return not topic.startswith(DAILY) and all(job.together for job in jobs_for(topic))


def jobs_for(topic: str) -> list[Job]:
    """The jobs that a topic asks for; LookupError for a daily job that there is no more."""
    if topic.startswith(DAILY):
        return [REGISTRY[topic.removeprefix(DAILY)]]
    return assembly.SUBSCRIPTIONS.get(topic, [])


def _waiting(session: Session, outbox_ids: Sequence[int]) -> list[Message]:
    """Those of the messages that are due and not done; a lease that is nearly over is made longer."""
    rows = session.execute(
        select(
            OutboxMessage.id, OutboxMessage.topic, OutboxMessage.ids, OutboxMessage.attempts, OutboxMessage.request_id,
            OutboxMessage.claimed_until < func.now() + LEASE / 2,
        )
        .where(
            bulk.among(OutboxMessage.id, outbox_ids),
            OutboxMessage.due_at <= clock.now(session),
            OutboxMessage.done_at.is_(None),
            OutboxMessage.gave_up_at.is_(None),
        )
        .order_by(OutboxMessage.id)
    ).all()  # fmt: skip
    if ending := [row[0] for row in rows if row[5] is not False]:
        _change(session, ending, claimed_until=func.now() + LEASE)
    return [Message(*row[:5]) for row in rows]


Begun = tuple[list[Message], list[Job], list[int]]  # and their runs


def _begin_messages(session: Session, messages: list[Message]) -> Begun | None:
    """Write down that these messages are worked on; None when there is nothing to do now."""
    if not messages:
        return None
    try:
        jobs = jobs_for(messages[0].topic)
    except LookupError:
        _postpone(session, {message.id: f"{message.topic}: no such job" for message in messages})
        return None
    if any(stopped(session, job) for job in jobs):
        _change(session, [message.id for message in messages], due_at=clock.now(session) + WHILE_BRAKED, claimed_until=None)
        return None
    number = messages[0].id if len(messages) == 1 else None
    return messages, jobs, [_begin(session, job, len(_subjects(messages)), outbox_id=number) for job in jobs]


def _work(begun: Begun | None, following: Sequence[Message]) -> Begun | None:
    """Do what was begun, tick it off, and begin in the same transaction what stands behind it."""
    if begun is None and not following:
        return None
    messages, jobs, runs = begun or ([], [], [])
    failures: dict[int, str] = {}
    outcomes: dict[int, Outcome] = {}
    with _kept_in_mind(runs):
        try:
            for job, run in zip(jobs, runs, strict=True):
                left = [message for message in messages if message.id not in failures]
                with _told(job, run, _subjects(left)) as outcomes[run]:
                    _do(job, left, outcomes[run])
                failures |= _of_messages(job, left, outcomes[run].failures)
        except TimeIsUp as error:
            failures |= {message.id: str(error) for message in messages if message.id not in failures}
            _end_messages(messages, failures, outcomes)
            raise
        return _end_messages(messages, failures, outcomes, following)


def _do(job: Job, messages: Sequence[Message], outcome: Outcome) -> None:
    if not messages:
        return
    daily = messages[0].topic.startswith(DAILY)
    if job.together and not daily:
        split(job, _subjects(messages), outcome)
        return
    (message,) = messages
    try:
        outcome.said.append(job() if daily else job(list(message.ids)))
    except Exception as error:  # whatever it was, it is this message's fault, and the next one is to be done
        if is_away(error):
            raise
        db.Session.remove()
        log.exception("%s failed", job.name)
        outcome.failures = dict.fromkeys(message.ids, faults.told(error))


def _subjects(messages: Sequence[Message]) -> list[int]:
    return list(dict.fromkeys(key for message in messages for key in message.ids))


def _of_messages(job: Job, messages: Sequence[Message], failures: dict[int, str]) -> dict[int, str]:
    """Ids that failed → messages that failed."""
    if not failures:
        return {}
    found = {}
    for message in messages:
        if told := [f"{key}: {failures[key]}" for key in message.ids if key in failures]:
            found[message.id] = f"{job.name}: {len(told)} failed ({'; '.join(told[:5])})"
    return found


def _end_messages(messages: Sequence[Message], failures: dict[int, str], outcomes: dict[int, Outcome], following: Sequence[Message] = ()) -> Begun | None:
    with db.transaction(durable=bool(messages)) as session:
        _end(session, outcomes)
        _change(session, [message.id for message in messages if message.id not in failures], done_at=clock.now(session), claimed_until=None)
        _postpone(session, failures)
        # what stood behind others is looked at again
        return _begin_messages(session, _waiting(session, [message.id for message in following])) if following else None


def _postpone(session: Session, failures: dict[int, str]) -> None:
    """These messages wait, longer each time, and at the end for a person."""
    if not failures:
        return
    now = clock.now(session)
    for message in session.scalars(select(OutboxMessage).where(OutboxMessage.id.in_(failures), OutboxMessage.done_at.is_(None)).with_for_update()):
        log.error("message %s (%s) failed: %s", message.id, message.topic, failures[message.id])
        message.attempts += 1
        message.last_error, message.claimed_until = failures[message.id][:2_000], None
        if message.attempts >= setbacks.MOST_ATTEMPTS:
            message.gave_up_at = now
        else:
            message.due_at = now + setbacks.wait_before(message.attempts)


def _change(session: Session, outbox_ids: list[int], **values: Any) -> None:
    if outbox_ids:
        session.execute(
            update(OutboxMessage)
            .where(bulk.among(OutboxMessage.id, outbox_ids), OutboxMessage.done_at.is_(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )


# ── rows that came due ───────────────────────────────────────────────────────────────────────────────────────


def sweep(of: Sweep, ids: Sequence[int]) -> None:
    """Do a sweep's job with those of the rows that are due; what it could not do waits as a setback."""
    with db.transaction(durable=False) as session:
        if stopped(session, of.job):
            return
        due = list(session.scalars(select(of.model.id).where(bulk.among(of.model.id, ids), of.due <= clock.now(session), of.where(), of.runs()).order_by(of.model.id)))
        if not due:
            return
        run = _begin(session, of.job, len(due))
    outcomes: dict[int, Outcome] = {}
    with _kept_in_mind([run]):
        try:
            with _told(of.job, run, due) as outcomes[run]:
                split(of.job, due, outcomes[run])
        except TimeIsUp:
            _end_sweep(of, due, outcomes)
            raise
        _end_sweep(of, due, outcomes)


def _end_sweep(of: Sweep, due: list[int], outcomes: dict[int, Outcome]) -> None:
    failures = {key: told for outcome in outcomes.values() for key, told in outcome.failures.items()}
    with db.transaction() as session:
        _end(session, outcomes)
        setbacks.forget(session, of.job.name, [key for key in due if key not in failures])
        setbacks.note(session, of.job.name, failures)


def stopped(session: Session, job: Job) -> bool:
    """A brake on everybody stops the asking; a brake on one department is the service's to see."""
    return job.automatic is not None and None in braked_departments(session, job.automatic)


# ── one call ─────────────────────────────────────────────────────────────────────────────────────────────────


def split(job: Job, ids: list[int], outcome: Outcome) -> None:
    """Call a job with a set of ids; where it fails, with each half."""
    try:
        outcome.said.append(job(ids))
        return
    except Exception as error:  # whatever it was, the others of the batch are to be done
        if is_away(error):
            raise
        db.Session.remove()
        if len(ids) == 1:
            log.exception("%s: %s could not be done", job.name, ids[0])
            outcome.failures[ids[0]] = faults.told(error)[:300]
            return
    middle = len(ids) // 2
    split(job, ids[:middle], outcome)
    split(job, ids[middle:], outcome)


@contextmanager
def _told(job: Job, run: int, ids: list[int]) -> Iterator[Outcome]:
    """Every line written inside names job and run; the last says how long it took and whether all was done."""
    outcome, began = Outcome(), time.perf_counter()
    with logs.about(job=job.name, run=run), logs.counting() as cost:
        try:
            yield outcome
        except TimeIsUp as error:
            outcome.failures |= dict.fromkeys(ids, str(error))
            raise
        finally:
            db.Session.remove()
            facts = {"subjects": len(ids), "ms": round((time.perf_counter() - began) * 1000, 1), "statements": cost.statements, "done": not outcome.failures}
            log.info("job", extra={"facts": facts})


def is_away(error: Exception) -> bool:
    """The database went away or does not answer: no job's fault, and nothing can be written down now."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or (isinstance(error, OperationalError) and (not state or state.startswith(("08", "57P"))))


# ── what was run ─────────────────────────────────────────────────────────────────────────────────────────────

_open: set[int] = set()  # runs of this process whose end could not be written


@contextmanager
def _kept_in_mind(runs: list[int]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _open.update(runs)
        raise


def _begin(session: Session, job: Job, subjects: int, *, outbox_id: int | None = None) -> int:
    row = JobRun(job=job.name, subject_count=subjects, outbox_id=outbox_id, process=this_process("worker"), started_at=clock.now(session))
    session.add(row)
    session.flush()
    return row.id


def _end(session: Session, outcomes: dict[int, Outcome]) -> None:
    now = clock.now(session)
    for run, outcome in outcomes.items():
        told = [f"{key}: {text}" for key, text in outcome.failures.items()]
        error = f"{len(told)} failed ({'; '.join(told[:5])})"[:2_000] if told else None
        session.execute(
            update(JobRun).where(JobRun.id == run).values(finished_at=now, result=outcome.result, error=error).execution_options(synchronize_session=False)
        )


def close_left_open(connection: Connection) -> None:
    """Say of runs whose end could not be written that they have none; called once the database is there again."""
    left = list(_open)
    if left:
        connection.execute(update(JobRun).where(JobRun.id.in_(left), JobRun.finished_at.is_(None)).values(finished_at=func.ruku_now(), error=AWAY))
        _open.difference_update(left)


def bury(session: Session) -> int:
    """Forget processes that have not been heard of for a while, and close what they left open; how many runs that was."""
    gone = select(Heartbeat.name).where(Heartbeat.at < func.now() - SILENT)
    alive = exists().where(Heartbeat.name == JobRun.process)
    session.execute(delete(Heartbeat).where(Heartbeat.name.in_(gone)).execution_options(synchronize_session=False))
    closed = session.scalars(
        update(JobRun)
        .where(JobRun.finished_at.is_(None), JobRun.process.is_not(None), ~alive)
        .values(finished_at=func.ruku_now(), error=KILLED)
        .returning(JobRun.id)
        .execution_options(synchronize_session=False)
    )
    return len(closed.all())
