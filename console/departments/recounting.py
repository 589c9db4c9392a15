"""Deadlines that follow the calendar: counted again when it changes, later or not at all, and looked at before it does.

What a room keeps deadlines of it says in its `deadlines.py` as `KEEPERS`, joined by `console/assembly.py`; this module knows no room. For each
running deadline a keeper says where it began, the last day people were told and the version it was computed from: how many working
days were given follows from these, so nothing else has to be kept. What is over stays over.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from console import clock
from console.departments.calendar_drafts import days_of
from console.departments.calendars import Calendars, Reckoning, calendars, division_of
from console.departments.models import CalendarDraft
from rules import decrees
from rules.working_days import Calendar, Recount

BATCH = 1_000
MOST_MOVES, MOST_NAMED = 50, 5


@dataclass(frozen=True, slots=True)
class Running:
    """One deadline that is not over. `start` is day 0; `told` the last day; `days` where the room knows better than the version how many there are."""

    id: int
    name: str
    office_id: int
    start: dt.date
    told: dt.date
    version: int
    provisional: bool = False
    since: dt.datetime | None = None
    warn_on: dt.date | None = None  # the last day before the warning
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A running deadline and what another calendar makes of it; `warn_on` moves along with the deadline."""

    running: Running
    recount: Recount
    version: int
    warn_on: dt.date | None

    @property
    def is_later(self) -> bool:
        return self.recount.last_day > self.running.told

    @property
    def is_settled(self) -> bool:
        """The day stays, and is no longer (or only now) provisional."""
        return not self.is_later and self.recount.provisional != self.running.provisional

    @property
    def due_at(self) -> dt.datetime:
        return clock.at_midnight(self.recount.due_on)

    @property
    def told_at(self) -> dt.datetime:
        return clock.at_midnight(self.running.told + dt.timedelta(days=1))

    @property
    def computed_from(self) -> int:
        """The version the day that holds was computed from: it still gives the number of days."""
        return self.running.version if self.recount.is_kept else self.version


@dataclass(frozen=True)
class Keeper:
    """What a room keeps deadlines of.

    `running(session, after, limit)` reads those with a larger number, in order; `move(session, judged, actor)` writes those that moved or settled, tells
    whom it concerns, and returns how many it found as they were read; `tell_offices(session, office_ids)` says it once to each office, in the same
    transaction; `readable(session, ids)` says which of these the reader may open; `link(id, name)` is the page: its name and arguments.
    """

    name: str
    title: str
    running: Callable[[Session, int, int], list[Running]]
    move: Callable[..., int]
    tell_offices: Callable[[Session, Sequence[int]], None]
    readable: Callable[[Session, Sequence[int]], set[int]]
    link: Callable[[int, str], tuple[str, dict[str, Any]]]


KEEPERS: list[Keeper] = []


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────


class Judge:
    """Counts deadlines again by `new`; what was counted once is remembered, because many deadlines are the same."""

    def __init__(self, session: Session, new: Calendars) -> None:
        self.session, self.new, self.reckoning = session, new, Reckoning(session)
        self._known: dict[Any, tuple[Recount, dt.date | None]] = {}

    def __call__(self, running: Running) -> Judged:
        old = self.reckoning.calendar(running.office_id, running.version)
        new = self.new.of(division_of(self.session, running.office_id)) if self.new.divisions else self.new.country
        key = (id(old), id(new), running.start, running.told, running.warn_on, running.days)
        if key not in self._known:
            self._known[key] = _count(running, old, new)
        recount, warn_on = self._known[key]
        return Judged(running, recount, self.new.version, warn_on)


def _count(one: Running, old: Calendar, new: Calendar) -> tuple[Recount, dt.date | None]:
    days = one.days if one.days is not None else old.between(one.start, one.told)
    recount = new.recount(one.start, days, told=one.told)
    if one.warn_on is None or recount.last_day == one.told:
        return recount, one.warn_on
    return recount, new.recount(one.start, old.between(one.start, one.warn_on), told=one.warn_on).last_day


# ── doing it ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Recounted:
    """What one batch came to; `last` is the number to go on from, None at the end."""

    last: int | None = None
    looked_at: int = 0
    moved: int = 0


def recount_batch(session: Session, keeper: Keeper, *, after: int, actor: Any, limit: int = BATCH) -> Recounted:
    """Count the next running deadlines of a room again by the newest version and write those that move; doing it again changes nothing."""
    rows = keeper.running(session, after, limit)
    if not rows:
        return Recounted()
    judge = Judge(session, calendars(session))
    judged = [judge(row) for row in rows]
    changed = [one for one in judged if one.is_later or one.is_settled]
    moved = keeper.move(session, changed, actor=actor) if changed else 0
    if offices := {one.running.office_id for one in changed if one.is_later}:
        keeper.tell_offices(session, sorted(offices))
    return Recounted(rows[-1].id if len(rows) == limit else None, len(rows), moved)


# ── looking before ───────────────────────────────────────────────────────────────────────────────────────────


def preview(session: Session, draft: CalendarDraft) -> dict[str, Any]:
    """What the draft would move, room by room, as plain data: what the page shows and what then happens are made by the same judge."""
    base = calendars(session, draft.base_version)
    said = decrees.applied(base.said, days_of(draft))
    new = Calendars(draft.base_version + 1, said, decrees.years_of(draft.years))
    judge = Judge(session, new)
    return {"rooms": [_room(session, keeper, judge) for keeper in KEEPERS]}


def _room(session: Session, keeper: Keeper, judge: Judge) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    moves: Counter[tuple[dt.date, dt.date]] = Counter()
    named: dict[tuple[dt.date, dt.date], list[dict[str, Any]]] = defaultdict(list)
    after: int | None = 0
    while after is not None:
        rows = keeper.running(session, after, BATCH)
        for row in rows:
            one = judge(row)
            counts["open"] += 1
            counts["kept"] += one.recount.is_kept
            counts["settled"] += one.is_settled
            counts["provisional"] += one.recount.provisional
            if one.is_later:
                counts["later"] += 1
                move = (row.told, one.recount.last_day)
                moves[move] += 1
                if len(named[move]) < MOST_NAMED:
                    named[move].append({"id": row.id, "name": row.name})
        after = rows[-1].id if len(rows) == BATCH else None
    ordered = sorted(moves)
    return {
        "keeper": keeper.name,
        **{name: counts[name] for name in ("open", "later", "kept", "settled", "provisional")},
        "moves": [{"from": a.isoformat(), "to": b.isoformat(), "count": moves[a, b], "named": named[a, b]} for a, b in ordered[:MOST_MOVES]],
        "more": sum(moves[move] for move in ordered[MOST_MOVES:]),
    }


def keeper_of(name: str) -> Keeper | None:
    """A room's keeper by name; None when the room is no more."""
    return next((keeper for keeper in KEEPERS if keeper.name == name), None)

