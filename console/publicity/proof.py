"""Whether a notice could be seen while its window ran, and the working days it runs longer because it could not.

A slot of five minutes in which nobody saw the right page is five minutes down, whether the page was wrong or nobody looked. A working
day with more of that than the setting allows does not count, and the window gets another. This is weighed when the window ends and
before anybody is admitted: `Notice.is_settleable()` holds a notice back until `proved_until` has reached `due_at`. When the days added
turn out bad as well, they are added again; a window only ever becomes longer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, cast, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from console import audit, clock, outbox
from console.departments.calendars import Reckoning
from console.departments.models import Office
from console.errors import NotAllowed
from console.publicity.models import Notice, NoticeExtension, NoticeProbe, NoticeProbeDay
from console.publicity.probing import EVERY, slot_of
from console.publicity.terms import terms
from console.scope import Principal, System

KEPT = dt.timedelta(days=90)  # each look, after the notice has closed: longer than anybody may ask how it was settled
SLOT = int(EVERY.total_seconds() // 60)


# ── weighing ─────────────────────────────────────────────────────────────────────────────────────────────────


def is_unproved() -> ColumnElement[bool]:
    """SQL on Notice, for the sweep that comes before closing: public, probed, and not looked through to its present end."""
    return (
        Notice.closed_at.is_(None)
        & Notice.published_at.is_not(None)
        & Notice.is_probed
        & or_(Notice.proved_until.is_(None), Notice.proved_until < Notice.due_at)
    )


def weigh(session: Session, notice_ids: Sequence[int], *, actor: Principal) -> list[NoticeExtension]:
    """Look through the windows of these notices that have ended, and let run on by whole working days what could not be seen.

    Each working day is weighed once. Safe to run twice and by two at once. What is extended is told to the people on the notice.
    """
    if not isinstance(actor, System):
        raise NotAllowed()
    now = clock.now(session)
    notices = session.scalars(
        select(Notice)
        .where(Notice.id.in_(notice_ids), Notice.due_at <= now, is_unproved())
        .order_by(Notice.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    reckoning = Reckoning(session)
    seen = _seen(session, [notice.id for notice in notices])
    made = []
    for notice in notices:
        calendar = reckoning.calendar(notice.office_id)
        since = clock.day_of(notice.proved_until) if notice.proved_until else notice.first_day
        days = [
            Day(day, calendar.is_workday(day), _slots(day), *seen.get((notice.id, day), (0, 0)))
            for day in _days(since, notice.last_day)
        ]
        bad = [day for day in days if day.is_bad]
        notice.proved_until, notice.claimed_until = notice.due_at, None  # the lease would only delay what is proved now
        _record(session, notice, days, bad)
        if not bad:
            continue
        deadline = calendar.due_date(notice.last_day, len(bad))
        extension = NoticeExtension(
            notice_id=notice.id,
            at=now,
            days=len(bad),
            from_day=notice.last_day,
            to_day=deadline.last_day,
            due_at=clock.at_midnight(deadline.due_on),
            evidence=[{"day": day.day.isoformat(), "down": day.down} for day in bad],
            calendar_version=reckoning.newest.version,
        )
        notice.last_day, notice.due_at = extension.to_day, extension.due_at
        notice.is_provisional = notice.is_provisional or deadline.provisional
        session.add(extension)
        made.append(extension)
    session.flush()
    outbox.publish(session, "notice.extended", [extension.id for extension in made])
    return made


def _record(session: Session, notice: Notice, days: Sequence[Day], bad: Sequence[Day]) -> None:
    audit.record(
        session,
        "notice.extended" if bad else "notice.proved",
        f"notice:{notice.id}",
        division_code=session.scalar(select(Office.division_code).where(Office.id == notice.office_id)),
        until=notice.due_at.isoformat(),
        probes=sum(day.probes for day in days),
        down_minutes=sum(day.down for day in days),
        longer_by={day.day.isoformat(): day.down for day in bad},
    )


def sum_up(session: Session, *, actor: Principal, most: int = 50) -> list[int]:
    """Keep the looks at notices that closed long ago as sums by day, and let the rows go; the notices, at most `most`. Each is audited.

    The worker may not delete a look: a function of the database does this one thing, and only for what is closed.
    """
    if not isinstance(actor, System):
        raise NotAllowed()
    done = list(session.scalars(select(func.ruku_sum_up_probes(clock.now(session) - KEPT, most))))
    sums = select(NoticeProbeDay.notice_id, func.sum(NoticeProbeDay.probes), func.sum(NoticeProbeDay.seen))
    for notice_id, probes, seen in session.execute(sums.where(NoticeProbeDay.notice_id.in_(done)).group_by(NoticeProbeDay.notice_id)):
        audit.record(session, "notice.probes_summed", f"notice:{notice_id}", probes=probes, seen=seen)
    return done


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Day:
    """One day of a window: how many slots of it are over, how many were asked, in how many the page was right."""

    day: dt.date
    is_working: bool
    slots: int
    probes: int
    right: int

    @property
    def down(self) -> int:
        """Minutes in which nobody saw the right page."""
        return max(0, self.slots - self.right) * SLOT

    @property
    def is_bad(self) -> bool:
        """Does not count as a day of display."""
        return self.is_working and self.down > terms().gap_minutes


@dataclass(frozen=True)
class Proof:
    """What is known by now of a notice's page. `wrong`: what the latest look found, None when it was right."""

    is_on: bool
    days: tuple[Day, ...] = ()
    extensions: tuple[NoticeExtension, ...] = ()
    last_at: dt.datetime | None = None
    wrong: str | None = None
    slowest_ms: int | None = None

    @property
    def probes(self) -> int:
        return sum(day.probes for day in self.days)

    @property
    def down(self) -> int:
        return sum(day.down for day in self.days)

    @property
    def longer_by(self) -> int:
        return sum(extension.days for extension in self.extensions)

    @property
    def gap_minutes(self) -> int:
        return terms().gap_minutes


def proof_of(session: Session, notice: Notice) -> Proof:
    """For the notice's pages: day by day from the first of the window until now, or until it ended."""
    extensions = tuple(session.scalars(select(NoticeExtension).where(NoticeExtension.notice_id == notice.id).order_by(NoticeExtension.id)))
    if not notice.is_probed or notice.published_at is None:
        return Proof(False, extensions=extensions)
    now = clock.now(session)
    until = min(now, notice.due_at)
    calendar = Reckoning(session).calendar(notice.office_id)
    seen = _seen(session, [notice.id])
    days = [
        Day(day, calendar.is_workday(day), _slots(day, until), *seen.get((notice.id, day), (0, 0)))
        for day in _days(notice.first_day, clock.day_of(until - dt.timedelta(microseconds=1)))
    ]
    last = session.scalars(select(NoticeProbe).where(NoticeProbe.notice_id == notice.id).order_by(NoticeProbe.slot.desc()).limit(1)).first()
    slowest = session.scalar(select(func.max(NoticeProbe.latency_ms)).where(NoticeProbe.notice_id == notice.id, NoticeProbe.ok))
    slowest = slowest or session.scalar(select(func.max(NoticeProbeDay.slowest_ms)).where(NoticeProbeDay.notice_id == notice.id))
    return Proof(True, tuple(days), extensions, last.at if last else None, last.wrong if last else None, slowest)


def original_last_day(notice: Notice, extensions: Sequence[NoticeExtension]) -> dt.date:
    """The last day that was announced when the notice was published."""
    return extensions[0].from_day if extensions else notice.last_day


def _seen(session: Session, notice_ids: Sequence[int]) -> dict[tuple[int, dt.date], tuple[int, int]]:
    """(notice, day) → (slots asked, slots in which the page was right)."""
    if not notice_ids:
        return {}
    day = cast(func.timezone(clock.ZONE.key, NoticeProbe.slot), Date)
    rows: Iterable[Any] = session.execute(
        select(NoticeProbe.notice_id, day, func.count(), func.count().filter(NoticeProbe.ok))
        .where(NoticeProbe.notice_id.in_(notice_ids))
        .group_by(NoticeProbe.notice_id, day)
    )
    summed = select(NoticeProbeDay.notice_id, NoticeProbeDay.day, NoticeProbeDay.probes, NoticeProbeDay.seen)
    rows = [*rows, *session.execute(summed.where(NoticeProbeDay.notice_id.in_(notice_ids)))]
    return {(notice_id, on): (asked, right) for notice_id, on, asked, right in rows}


def _slots(day: dt.date, until: dt.datetime | None = None) -> int:
    """Slots of a day that are over, the whole day's when `until` is not given."""
    begins, ends = clock.at_midnight(day), clock.at_midnight(day + dt.timedelta(days=1))
    if until is not None:
        ends = min(ends, slot_of(until))
    return max(0, int((ends - begins) / EVERY))


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


