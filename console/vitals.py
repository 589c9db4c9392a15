"""What was measured of the house: how much is due, waits or was given up, and since when. Counts and instants, nobody's data.

Rows of files are behind the wall, so neither a page of the desk nor a scrape can count them. `console/measuring.py` does, as System, every few
seconds, and writes it here. An instant stays true while nobody measures: what it says of a lag grows by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from console.db import Base

MOST = 10_000  # more than this is not counted
SWEEP, LATER, NEXT = "sweep", "later", "next"  # rows due now; due within a day; the first that is not due yet
WAITING, RETRYING, GIVEN_UP, SENT = "waiting", "retrying", "given_up", "sent"  # of deliveries: label is table and channel
STEP, UNSEALED, ANCHORED = "step", "unsealed", "anchored"
UNREACHABLE = "unreachable"  # people whose address on a channel does not work


class Vital(Base):
    """One measurement: what of, how many, since when."""

    __tablename__ = "vital"
    __table_args__ = {"comment": "运行指标"}

    name: Mapped[str] = mapped_column(String(20), primary_key=True, comment="指标")
    label: Mapped[str] = mapped_column(String(120), primary_key=True, comment="对象")
    count: Mapped[int] = mapped_column(comment="数量")
    since: Mapped[dt.datetime | None] = mapped_column(comment="最早一件")
    at: Mapped[dt.datetime] = mapped_column(comment="测得时间")  # real time, as heartbeats are


@dataclass(frozen=True)
class Measured:
    """One measurement as it is read; `at` is real time."""

    count: int
    since: dt.datetime | None
    at: dt.datetime


def read(session: Session) -> dict[tuple[str, str], Measured]:
    """Everything that was measured last, by (name, label)."""
    rows = session.execute(select(Vital.name, Vital.label, Vital.count, Vital.since, Vital.at))
    return {(name, label): Measured(count, since, at) for name, label, count, since, at in rows}


def write(session: Session, found: Mapping[tuple[str, str], tuple[int, dt.datetime | None]]) -> None:
    """Replace what was measured before; nothing of it is kept."""
    at = session.scalar(select(func.clock_timestamp()))
    rows: list[dict[str, Any]] = [
        {"name": name, "label": label, "count": count, "since": since, "at": at} for (name, label), (count, since) in sorted(found.items())
    ]
    if rows:
        statement = insert(Vital)
        changed = {name: statement.excluded[name] for name in ("count", "since", "at")}
        session.execute(statement.values(rows).on_conflict_do_update(index_elements=["name", "label"], set_=changed))
    session.execute(delete(Vital).where(Vital.at < at))
