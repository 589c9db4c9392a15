"""The work of an officer's offices in numbers, for the first page of the day. Every row comes through the principal's scope."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import and_, column, func, or_, select, table
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission, StepEntry
from console.reviews.levels import REVIEW_STEPS
from console.reviews.queries import substituted
from console.scope import Principal, Staff
from rules.pipeline import OPEN_STEPS


@dataclass(frozen=True)
class StepCount:
    """How many open files lie at a step, how many of them are mine, nobody's, late, and of those for whom I stand in."""

    step: str
    count: int
    mine: int
    unassigned: int
    overdue: int
    standing_in: int = 0


def counts_by_step(session: Session, actor: Principal) -> list[StepCount]:
    """The open files within scope, one row per step that has any, in the order of the walk; one statement."""
    me = actor.id if isinstance(actor, Staff) else 0
    waiting = Admission.step.in_(REVIEW_STEPS)
    rows = session.execute(
        select(
            Admission.step,
            func.count(),
            func.count().filter(and_(waiting, Admission.holder_id == me)),
            func.count().filter(and_(waiting, Admission.holder_id.is_(None))),
            func.count().filter(and_(waiting, Admission.due_at <= clock.now(session))),
            func.count().filter(and_(waiting, Admission.holder_id.in_(substituted(session, actor)))),
        )
        .where(Admission.step.in_([str(step) for step in OPEN_STEPS]))
        .group_by(Admission.step)
    )
    order = {str(step): at for at, step in enumerate(OPEN_STEPS)}
    return sorted((StepCount(*row) for row in rows), key=lambda row: order[row.step])


@dataclass(frozen=True)
class Week:
    """A week, named by its Monday: files that came to review and files that left it."""

    monday: dt.date
    came: int
    left: int


def weeks(session: Session, *, count: int = 12) -> list[Week]:
    """The last weeks of review within scope, oldest first, empty weeks included."""
    today = clock.today(session)
    first = today - dt.timedelta(days=today.weekday() + 7 * (count - 1))
    monday = func.date_trunc("week", func.timezone(clock.ZONE.key, StepEntry.at))
    came = StepEntry.to_step.in_(REVIEW_STEPS)
    left = StepEntry.from_step.in_(REVIEW_STEPS)
    rows = session.execute(
        select(monday, func.count().filter(came), func.count().filter(left))
        .where(StepEntry.at >= clock.at_midnight(first), or_(came, left))
        .group_by(monday)
    )
    found = {at.date(): (in_, out) for at, in_, out in rows}
    days = (first + dt.timedelta(weeks=n) for n in range(count))
    return [Week(day, *found.get(day, (0, 0))) for day in days]


@dataclass(frozen=True)
class EndingNotice:
    """A public notice of these offices whose window closes soon."""

    id: int
    number: str
    title: str
    people: int
    first_day: dt.date
    last_day: dt.date
    calendar_version: int | None
    is_provisional: bool
    office_id: int


def ending_notices(session: Session, *, most: int = 4) -> list[EndingNotice]:
    """Open notices within scope, the one that closes first on top.

    Asked of the tables themselves, so that this room need not know the room that opens notices; the wall narrows them.
    """
    notice = table(
        "notice", *(column(n) for n in ("id", "number", "title", "first_day", "last_day", "calendar_version", "is_provisional", "office_id", "closed_at", "due_at", "published_at"))
    )
    item = table("notice_item", column("notice_id"))
    people = select(func.count()).where(item.c.notice_id == notice.c.id).scalar_subquery()
    rows = session.execute(
        select(notice.c.id, notice.c.number, notice.c.title, people, notice.c.first_day, notice.c.last_day, notice.c.calendar_version, notice.c.is_provisional, notice.c.office_id)
        .where(notice.c.closed_at.is_(None), notice.c.published_at.is_not(None), notice.c.due_at > clock.now(session))
        .order_by(notice.c.due_at, notice.c.id)
        .limit(most)
    )
    return [EndingNotice(*row) for row in rows]


@dataclass(frozen=True)
class StaffMessage:
    """A message to an office: known events are said in the reader's language, others as they were written."""

    event: str
    text: str
    written_at: dt.datetime
    admission_id: int | None
    number: str | None
    register: str | None = None
    row_id: int | None = None


def staff_messages(session: Session, *, most: int = 5) -> list[StaffMessage]:
    """The latest messages to these offices (站内信) of the last fourteen days; asked of the table itself, see above."""
    message = table(
        "staff_message", *(column(n) for n in ("id", "office_id", "admission_id", "event", "text", "written_at", "register", "row_id"))
    )
    since = clock.now(session) - dt.timedelta(days=14)
    rows = session.execute(
        select(message.c.event, message.c.text, message.c.written_at, Admission.id, Admission.number, message.c.register, message.c.row_id)
        .select_from(message)
        .outerjoin(Admission, Admission.id == message.c.admission_id)
        .where(message.c.written_at > since)
        .order_by(message.c.id.desc())
        .limit(most)
    )
    return [StaffMessage(*row) for row in rows]
