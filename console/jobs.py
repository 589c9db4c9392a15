"""Background work: the list of what may run, what was run, and the brake.

A job is a function registered under a name; Redis carries that name and whole numbers, nothing else, and the worker runs
nothing that is not on the list. Rooms declare, in their `jobs.py`:

    SUBSCRIPTIONS = {"admission.entered_training": (job, ...)}   topics of the outbox → jobs that take the ids
    SWEEPS = (Sweep(...),)                                        rows that come due → the job that takes their ids
    DAILY = (job, ...)                                            jobs without ids, once a day
    WATCHES = (watch, ...)                                        what looks at the world beside cron, in a thread of its own

and `console/assembly.py` joins them. Every job is safe to run twice. Ids are a set: those of several messages are given in one call,
and a call that fails is split until the culprit is alone. A job whose numbers belong together says `together=False`.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    exists,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from config import Settings
from console import audit, clock
from console.db import Base, WithId
from console.errors import N_, Conflict, NotAllowed
from console.roles import ROLES, Act
from console.scope import Principal, Staff, may


@dataclass(frozen=True)
class Job:
    """A function on the list. `automatic` names the brake that can stop it (None: nothing to stop).

    `together`: its ids are a set, in which each stands for itself. Otherwise the numbers of a message are one order, which is given
    alone and whole; so is what takes long.
    """

    name: str
    run: Callable[..., Any]
    automatic: str | None = None
    together: bool = True

    def __call__(self, *args: Any) -> Any:
        return self.run(*args)


REGISTRY: dict[str, Job] = {}


def job(name: str, *, automatic: str | None = None, together: bool = True) -> Callable[[Callable[..., Any]], Job]:
    """Put a function on the list of what may run; arguments are whole numbers or lists of them."""

    def register(run: Callable[..., Any]) -> Job:
        if name in REGISTRY:
            raise ValueError(f"two jobs are called {name}")
        REGISTRY[name] = Job(name, run, automatic, together)
        return REGISTRY[name]

    return register


@dataclass(frozen=True)
class Sweep:
    """Rows that come due: `model` has `claimed_until`; `due` is the column to compare with now; `where` narrows further."""

    job: Job
    model: type[Any]
    due: InstrumentedAttribute[dt.datetime | None]
    where: Callable[[], Any]
    batch: int = 1_000
    department: Callable[[], Any] | None = None  # SQL: the department of a row, where the job's brake may hold for one alone

    def runs(self) -> Any:
        """SQL: no brake stops the job for the row. What a brake holds back is due all the same, and is counted as that."""
        if self.job.automatic is None:
            return true()
        return not_braked(self.job.automatic, self.department() if self.department else None)


#: runs until the event is set, as long as this cron leads; catches what may go wrong, because nobody else would
Watch = Callable[[Settings, threading.Event], None]


# ── the brake ────────────────────────────────────────────────────────────────────────────────────────────────


class Brake(WithId, Base):
    """A stop on an automatic rule; released when `released_at` is set. Department null = all departments."""

    __tablename__ = "brake"
    __table_args__ = {"comment": "刹车"}

    rule: Mapped[str] = mapped_column(String(60), comment="自动规则")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), comment="主管部门")
    reason: Mapped[str] = mapped_column(Text, comment="理由")
    pulled_by: Mapped[str] = mapped_column(String(80), comment="拉闸人")
    pulled_at: Mapped[dt.datetime] = mapped_column(comment="拉闸时间")
    released_by: Mapped[str | None] = mapped_column(String(80), comment="松闸人")
    released_at: Mapped[dt.datetime | None] = mapped_column(comment="松闸时间")


BRAKE_LOCKS = 7_402_630  # first number of a rule's advisory lock
_WAITING = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = :locks AND objid = :number AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND NOT granted)"
)


class BrakeAlreadyReleased(Conflict):
    message = N_("这个刹车已经松开了。")


def may_brake(actor: Principal) -> bool:
    """A brake stops every office of a department at once: it takes a grant for the whole region."""
    if isinstance(actor, Staff):
        return any(Act.PULL_BRAKE in ROLES[grant.role].acts and grant.is_region_wide for grant in actor.grants)
    return may(actor, Act.PULL_BRAKE)


def _require_brake(actor: Principal) -> None:
    if not may_brake(actor):
        raise NotAllowed(act=str(Act.PULL_BRAKE))


def pull_brake(session: Session, rule: str, *, department_id: int | None, reason: str, actor: Principal) -> Brake:
    """Stop an automatic rule at once, for one department or (None) for all.

    Waits for the batch that is being written this second, if there is one; whoever comes to the gate after that finds it closed.
    """
    _require_brake(actor)
    brake = Brake(
        rule=rule, department_id=department_id, reason=reason, pulled_by=actor.who, pulled_at=clock.now(session)
    )
    session.add(brake)
    session.flush()
    audit.record(session, "brake.pulled", f"brake:{brake.id}", reason=reason, rule=rule, department=department_id)
    session.flush()
    session.execute(select(func.pg_advisory_xact_lock(BRAKE_LOCKS, _number_of(rule))))
    return brake


def release_brake(session: Session, brake: Brake, *, actor: Principal) -> None:
    _require_brake(actor)
    if brake.released_at is not None:
        raise BrakeAlreadyReleased()
    brake.released_at, brake.released_by = clock.now(session), actor.who
    audit.record(session, "brake.released", f"brake:{brake.id}", rule=brake.rule)


def braked_departments(session: Session, rule: str) -> set[int | None]:
    """Departments for which the rule is stopped; None in the set means all of them. Who acts on the answer asks `gate()`."""
    return set(session.scalars(select(Brake.department_id).where(Brake.rule == rule, Brake.released_at.is_(None))))


def gate(session: Session, rule: str) -> set[int | None]:
    """The same for whoever is about to act by the rule, in this transaction: until it ends, nobody who pulls the brake is told that it holds.

    The lock comes before the question, so an answer is never older than a brake that somebody was told of. Held for one batch, not for a whole run.
    """
    session.execute(select(func.pg_advisory_xact_lock_shared(BRAKE_LOCKS, _number_of(rule))))
    return braked_departments(session, rule)


def is_wanted(session: Session, rule: str) -> bool:
    """Whether somebody is waiting to pull the brake: a batch that takes long asks, and ends early."""
    return bool(session.scalar(_WAITING, {"locks": BRAKE_LOCKS, "number": _number_of(rule) % 2**32}))


def not_braked(rule: str, department_id: Any) -> ColumnElement[bool]:
    """SQL for a sweep: the rule is not stopped for this department, nor for all."""
    brakes = exists().where(
        Brake.rule == rule, Brake.released_at.is_(None), or_(Brake.department_id.is_(None), Brake.department_id == department_id)
    )
    return ~brakes


def _number_of(rule: str) -> int:
    """A rule's number among the advisory locks."""
    return zlib.crc32(rule.encode()) - 2**31


# ── what was run ─────────────────────────────────────────────────────────────────────────────────────────────


class JobRun(WithId, Base):
    """One execution, with its progress; long work is cancelled by setting `cancel_asked_at`.

    `outbox_id` names the message when it was a single one. What a process that was killed left open, the relay closes.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        Index("ix_job_run_open", "process", postgresql_where=text("finished_at IS NULL")),
        {"comment": "作业运行"},
    )

    job: Mapped[str] = mapped_column(String(80), index=True, comment="作业")
    subject_count: Mapped[int] = mapped_column(default=0, comment="对象数")
    outbox_id: Mapped[int | None] = mapped_column(BigInteger, comment="发件箱")
    process: Mapped[str | None] = mapped_column(String(80), comment="进程")
    started_at: Mapped[dt.datetime] = mapped_column(index=True, comment="开始")
    finished_at: Mapped[dt.datetime | None] = mapped_column(comment="结束")
    progress: Mapped[int] = mapped_column(default=0, server_default="0", comment="已办")
    total: Mapped[int | None] = mapped_column(comment="总数")
    result: Mapped[str | None] = mapped_column(Text, comment="结果")
    error: Mapped[str | None] = mapped_column(Text, comment="失败原因")
    cancel_asked_at: Mapped[dt.datetime | None] = mapped_column(comment="要求停止")


class Heartbeat(Base):
    """That a worker or relay is alive; written by itself every few seconds, read by /readyz and the ops desk."""

    __tablename__ = "heartbeat"
    __table_args__ = {"comment": "心跳"}

    name: Mapped[str] = mapped_column(String(80), primary_key=True, comment="进程")
    kind: Mapped[str] = mapped_column(String(20), comment="类别")
    at: Mapped[dt.datetime] = mapped_column(comment="时间")  # real time: a simulated clock does not make processes live


def this_process(kind: str) -> str:
    """The name under which this process beats and works; never given twice, also where every container's process has number 1."""
    return f"{kind}@{socket.gethostname()[:40]}:{os.getpid()}-{_mark(os.getpid())}"


@cache
def _mark(number: int) -> str:
    return secrets.token_hex(2)


class DailyRun(Base):
    """That a daily job was asked for on a date; the key keeps two cron leaders from asking twice."""

    __tablename__ = "daily_run"
    __table_args__ = {"comment": "每日作业"}

    job: Mapped[str] = mapped_column(String(80), primary_key=True, comment="作业")
    day: Mapped[dt.date] = mapped_column(primary_key=True, comment="日期")


def note_progress(session: Session, run_id: int, done: int, total: int | None = None) -> bool:
    """Write progress of a long job; False when somebody asked it to stop."""
    values: dict[str, Any] = {"progress": done} | ({"total": total} if total is not None else {})
    asked = session.execute(
        update(JobRun).where(JobRun.id == run_id).values(**values).returning(JobRun.cancel_asked_at)
    ).scalar_one()
    return asked is None


def names(jobs: Iterable[Job]) -> list[str]:
    return [job.name for job in jobs]
