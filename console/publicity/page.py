"""One notice as anyone may see it: its people from the frozen text, its clock, and the proof that nobody changed it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from console import clock
from console.departments.calendars import Reckoning
from console.departments.models import Office
from console.errors import NotFound
from console.publicity.models import HELD, SHOWN, Notice, NoticeCorrection, NoticeItem
from console.publicity.proof import Proof, original_last_day, proof_of
from rules.working_days import Term


@dataclass(frozen=True)
class Person:
    """One person as the frozen content says, what has become of them (`state`), and what was corrected since, the latest last."""

    item: NoticeItem
    position: int
    name: str
    employer: str
    division: str
    specialties: list[dict[str, str]]
    state: str
    corrections: tuple[NoticeCorrection, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in (SHOWN, HELD)

    @property
    def now_name(self) -> str:
        """With what was corrected."""
        return self.corrections[-1].name if self.corrections else self.name

    @property
    def now_employer(self) -> str:
        return self.corrections[-1].employer if self.corrections else self.employer


@dataclass(frozen=True)
class WindowDay:
    """A day of the window, for drawing it as a calendar. `state`: past, today, ahead, or off; `is_longer`: the window did not reach it at first."""

    day: dt.date
    state: str
    is_longer: bool


@dataclass(frozen=True)
class NoticePage:
    """A notice with its people, its clock and the proof that nobody changed it.

    A door draws the clock with `templates/notice_clock.html`, the deadline by `console.doors.deadlines.drawn(page.term, today=page.today)`.
    """

    notice: Notice
    office: Office
    people: tuple[Person, ...]
    sha256: str
    sm3: str
    now: dt.datetime
    today: dt.date
    is_open: bool
    term: Term
    proof: Proof
    follows: Notice | None = None
    followed_by: tuple[Notice, ...] = ()

    @property
    def announced_last_day(self) -> dt.date:
        """As it was when the notice was published; `last_day` is later when the window was extended."""
        return original_last_day(self.notice, self.proof.extensions)

    @property
    def window_days(self) -> tuple[WindowDay, ...]:
        """Every day from the first to the last."""
        days = [self.first_day + dt.timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        return tuple(WindowDay(day, self._state(day), day > self.announced_last_day) for day in days)

    def _state(self, day: dt.date) -> str:
        if not self.term.calendar.is_workday(day):
            return "off"
        return "past" if day < self.today else "today" if day == self.today else "ahead"

    @property
    def days_gone(self) -> int:
        """Working days that are over."""
        return sum(day.state == "past" for day in self.window_days)

    @property
    def days_left(self) -> int:
        """Working days that are not over, today among them."""
        return sum(day.state in ("today", "ahead") for day in self.window_days)

    @property
    def corrections(self) -> list[NoticeCorrection]:
        return sorted((one for person in self.people for one in person.corrections), key=lambda one: one.id)

    @property
    def first_day(self) -> dt.date:
        return self.notice.first_day

    @property
    def last_day(self) -> dt.date:
        return self.notice.last_day

    @property
    def is_intact(self) -> bool:
        """The text still has the fingerprint it was published with."""
        return self.sha256 == self.notice.content_hash

    def count(self, *states: str) -> int:
        return sum(person.state in states for person in self.people)


def notice_page(session: Session, number: str) -> NoticePage:
    """A notice by its public number, as anyone may see it; NotFound when there is none (or not for this officer).

    Names and specialties are read from the frozen text, never from the file; that somebody is held is public, why is not.
    """
    notice = session.scalar(
        select(Notice)
        .where(Notice.number == number)
        .options(joinedload(Notice.department), joinedload(Notice.office), selectinload(Notice.items))
    )
    if notice is None:
        raise NotFound()
    held = held_items(session, notice)
    frozen = frozen_people(notice)
    corrected = corrections_of(session, notice)
    people = []
    for item in notice.items:
        if (row := frozen.get(item.position)) is None:
            continue  # left before anybody saw the notice
        state = item.outcome or (HELD if item.id in held else SHOWN)
        people.append(
            Person(
                item, item.position, row["name"], row["employer"], row["division"], row["specialties"], state, tuple(corrected.get(item.id, ()))
            )
        )  # fmt: skip
    now = clock.now(session)
    return NoticePage(
        notice=notice,
        office=notice.office,
        people=tuple(people),
        sha256=hashlib.sha256(notice.content.encode()).hexdigest(),
        sm3=hashlib.new("sm3", notice.content.encode()).hexdigest(),
        now=now,
        today=clock.day_of(now),
        is_open=notice.published_at is not None and notice.closed_at is None and now < notice.due_at,
        term=Reckoning(session).term_of_notice(notice),
        proof=proof_of(session, notice),
        follows=session.scalar(select(Notice).where(Notice.id == notice.replaces_id)) if notice.replaces_id else None,
        followed_by=tuple(session.scalars(select(Notice).where(Notice.replaces_id == notice.id).order_by(Notice.id))),
    )


def held_items(session: Session, notice: Notice) -> set[int]:
    """Who of this notice is held by an objection; that they are is public."""
    return set(session.scalars(text("SELECT ruku_held_items(:notice)"), {"notice": notice.id}))


def frozen_people(notice: Notice) -> dict[int, dict[str, Any]]:
    """Position → the person as published."""
    return {row["position"]: row for row in json.loads(notice.content)["people"]}


def corrections_of(session: Session, notice: Notice) -> dict[int, list[NoticeCorrection]]:
    """Item id → what was corrected of that person, in order."""
    found: dict[int, list[NoticeCorrection]] = {}
    for made in session.scalars(select(NoticeCorrection).where(NoticeCorrection.notice_id == notice.id).order_by(NoticeCorrection.id)):
        found.setdefault(made.notice_item_id, []).append(made)
    return found


def printed(session: Session, notice: Notice) -> dict[int, tuple[str, str]]:
    """Item id → name and employer as they stand now: published, or corrected since."""
    lines = select(NoticeItem.id, NoticeItem.name, NoticeItem.employer).where(NoticeItem.notice_id == notice.id)
    as_published = {item_id: (name, employer) for item_id, name, employer in session.execute(lines)}
    return as_published | {item_id: (made[-1].name, made[-1].employer) for item_id, made in corrections_of(session, notice).items()}
