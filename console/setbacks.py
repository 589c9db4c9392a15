"""What a sweep could not do with a row: how often it tried, why not, when again, and when a person has to look.

A message that fails keeps this on itself; a row that comes due has no place for it. It is only a throttle: whoever does the row looks
again whether it is due. A row that is done loses its setback, and so does one that somebody asks for again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, String, Text, delete, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column
from sqlalchemy.sql import ColumnElement

from console import bulk, clock
from console.db import Base

MOST_ATTEMPTS = 8
BESIDE: set[str] = set()  # what stands in `job` beside names of jobs
_FIRST_WAIT, _LONGEST_WAIT = dt.timedelta(seconds=10), dt.timedelta(hours=1)


class Setback(Base):
    """A row that a sweep's job could not do; `gave_up_at` says that it waits for a person."""

    __tablename__ = "setback"
    __table_args__ = {"comment": "没办成的对象"}

    job: Mapped[str] = mapped_column(String(80), primary_key=True, comment="作业")  # or a name of `BESIDE`
    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="对象编号")
    attempts: Mapped[int] = mapped_column(comment="尝试次数")
    first_at: Mapped[dt.datetime] = mapped_column(comment="第一次失败")
    due_at: Mapped[dt.datetime] = mapped_column(comment="再试时间")
    last_error: Mapped[str] = mapped_column(Text, comment="最近一次失败原因")
    gave_up_at: Mapped[dt.datetime | None] = mapped_column(comment="转人工时间")


def beside(name: str) -> str:
    """A name for what a job settles one by one inside its own transaction, and notes itself; not a job that anybody may ask for."""
    BESIDE.add(name)
    return name


def wait_before(attempt: int) -> dt.timedelta:
    """10 s, 40 s, 160 s … at most an hour: for messages and for rows."""
    return min(_FIRST_WAIT * 4 ** (attempt - 1), _LONGEST_WAIT)


def note(session: Session, job: str, failures: dict[int, str]) -> None:
    """These rows could not be done: each waits longer than the last time, and at the end for a person."""
    if not failures:
        return
    now = clock.now(session)
    known = {row.subject_id: row for row in session.scalars(_of(job, failures).with_for_update())}
    for subject_id, error in sorted(failures.items()):
        row = known.get(subject_id)
        if row is None:
            row = Setback(job=job, subject_id=subject_id, attempts=0, first_at=now)
            session.add(row)
        row.attempts += 1
        row.last_error, row.due_at = error[:2_000], now + wait_before(row.attempts)
        row.gave_up_at = now if row.attempts >= MOST_ATTEMPTS else None


def forget(session: Session, job: str, subject_ids: Iterable[int]) -> None:
    """These rows were done after all, or are to be tried again at once."""
    if gone := list(subject_ids):
        session.execute(delete(Setback).where(Setback.job == job, bulk.among(Setback.subject_id, gone)))


def among(session: Session, job: str, subject_ids: Iterable[int]) -> set[int]:
    """Those of the rows that failed before: each is tried alone, so that it takes no other with it."""
    return {row.subject_id for row in session.scalars(_of(job, subject_ids))}


def holds(job: str, subject_id: InstrumentedAttribute[int], *, now: dt.datetime | ColumnElement[dt.datetime]) -> ColumnElement[bool]:
    """SQL: the row's time to be tried again has not come, or it waits for a person."""
    later = or_(Setback.gave_up_at.is_not(None), Setback.due_at > now)
    return exists().where(Setback.job == job, Setback.subject_id == subject_id, later)


def _of(job: str, subject_ids: Iterable[int]) -> Any:
    return select(Setback).where(Setback.job == job, bulk.among(Setback.subject_id, subject_ids))
