"""Deadlines of files under way, for when the calendar changes: reviews, corrections, training and exam. The review's own clock stands
still while the applicant corrects; then its days are a number (`days_left`), which no calendar changes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.applications.models import Admission
from console.departments.calendars import calendars
from console.departments.recounting import Judged, Keeper, Running
from console.errors import N_
from rules.pipeline import CLOSED_STEPS

MOVED, AT_OFFICES = "deadline.moved", "deadline.moved_at_offices"  # topics: admissions, offices
_DAY = dt.timedelta(days=1)


def running(session: Session, after: int, limit: int) -> list[Running]:
    """The files with a deadline that is not over, by number; as System only is this all of them."""
    a, now = Admission, clock.now(session)
    newest = calendars(session).version
    rows = session.execute(
        select(a.id, a.number, a.office_id, a.division_code, a.since, a.due_at, a.warn_at, a.calendar_version, a.is_provisional)
        .where(a.id > after, a.due_at > now, a.step.not_in([str(step) for step in CLOSED_STEPS]))
        .order_by(a.id)
        .limit(limit)
    )
    return [
        Running(
            row.id, row.number, row.office_id, clock.day_of(row.since), clock.day_of(row.due_at) - _DAY, row.calendar_version or newest,
            row.is_provisional, row.since, clock.day_of(row.warn_at) - _DAY if row.warn_at is not None else None,
        )
        for row in rows
    ]  # fmt: skip


def move(session: Session, judged: Sequence[Judged], *, actor: Any) -> int:
    """Write them through the database's own function, which lets no deadline become earlier; a file that moved on meanwhile is left alone."""
    rows = [
        {
            "id": one.running.id, "since": one.running.since, "told": one.told_at, "due_at": one.due_at, "is_provisional": one.recount.provisional,
            "calendar_version": one.computed_from, "warn_at": clock.at_midnight(one.warn_on + _DAY) if one.warn_on is not None else None,
        }
        for one in judged
    ]  # fmt: skip
    session.flush()
    done = set(session.scalars(select(func.ruku_recount(func.jsonb(json.dumps(rows, default=str))))))
    session.expire_all()  # the function went past the identity map
    later = [one for one in judged if one.is_later and one.running.id in done]
    divisions = dict(session.execute(select(Admission.id, Admission.division_code).where(Admission.id.in_([one.running.id for one in later]))).all())
    session.add_all(
        audit.entry(
            session, "admission.deadline_moved", f"admission:{one.running.id}", division_code=divisions[one.running.id],
            changes={"due_at": [one.told_at.isoformat(), one.due_at.isoformat()]}, calendar=one.version,
        )
        for one in later
    )  # fmt: skip
    outbox.publish(session, MOVED, [one.running.id for one in later])
    return len(done)


def tell_offices(session: Session, office_ids: Sequence[int]) -> None:
    """One message to each office, whatever the number of files."""
    outbox.publish(session, AT_OFFICES, sorted(office_ids))


def readable(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these files the reader sees."""
    return set(session.scalars(select(Admission.id).where(Admission.id.in_(ids))))


KEEPERS = (
    Keeper("files", N_("办件"), running, move, tell_offices, readable, lambda number, name: ("Desk.show", {"admission_id": number})),
)
