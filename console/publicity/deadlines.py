"""The windows of running notices, for when the calendar changes. A window only ever becomes longer: what was published stays as it was
published, and a window that was extended keeps its extension, because its working days are counted from the day it ends on.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.departments.calendars import calendars
from console.departments.recounting import Judged, Keeper, Running
from console.errors import N_
from console.publicity.models import Notice

MOVED, AT_OFFICES = "notice.deadline_moved", "deadline.moved_at_offices"
_DAY = dt.timedelta(days=1)


def running(session: Session, after: int, limit: int) -> list[Running]:
    """Public notices whose window is not over, by number; of one that waits for its time nobody was told an end."""
    n = Notice
    newest = calendars(session).version
    rows = session.execute(
        select(n.id, n.number, n.office_id, n.published_at, n.due_at, n.calendar_version, n.is_provisional)
        .where(n.id > after, n.due_at > clock.now(session), n.closed_at.is_(None), n.published_at.is_not(None))
        .order_by(n.id)
        .limit(limit)
    )
    return [
        Running(row.id, row.number, row.office_id, clock.day_of(row.published_at), clock.day_of(row.due_at) - _DAY, row.calendar_version or newest, row.is_provisional)
        for row in rows
    ]


def move(session: Session, judged: Sequence[Judged], *, actor: Any) -> int:
    """Write the windows that end later (or are certain now); one that was extended meanwhile is left for the next time."""
    groups: dict[tuple[Any, ...], list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.told_at, one.due_at, one.recount.last_day, one.recount.provisional, one.computed_from].append(one)
    done: set[int] = set()
    for (told, due_at, last_day, provisional, version), same in groups.items():
        still = (Notice.id.in_([one.running.id for one in same]), Notice.due_at == told, Notice.due_at <= due_at, Notice.closed_at.is_(None))
        values = {"due_at": due_at, "last_day": last_day, "is_provisional": provisional, "calendar_version": version}
        statement = update(Notice).where(*still).values(**values).returning(Notice.id)
        done |= set(session.scalars(statement.execution_options(synchronize_session=False)))
    session.expire_all()
    later = [one for one in judged if one.is_later and one.running.id in done]
    for one in later:
        audit.record(
            session, "notice.deadline_moved", f"notice:{one.running.id}", number=one.running.name, calendar=one.version,
            changes={"last_day": [one.running.told.isoformat(), one.recount.last_day.isoformat()]},
        )  # fmt: skip
    outbox.publish(session, MOVED, [one.running.id for one in later])
    return len(done)


def tell_offices(session: Session, office_ids: Sequence[int]) -> None:
    outbox.publish(session, AT_OFFICES, sorted(office_ids))


def readable(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these notices the reader sees."""
    return set(session.scalars(select(Notice.id).where(Notice.id.in_(ids))))


KEEPERS = (Keeper("notices", N_("公示"), running, move, tell_offices, readable, lambda number, name: ("Notices.show", {"number": name})),)
