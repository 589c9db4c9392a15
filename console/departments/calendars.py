"""The official calendar as it stands and as it stood: which days are working days, in the country and in a division, by which version.

A deadline is counted by the calendar of the office that has the matter: a day off of a league counts for the league's offices and
those below it, not for the region's. An old deadline is explained by the version it was computed from, which stays readable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from console.departments.models import CalendarDay, CalendarVersion, Office
from rules.decrees import COUNTRY, ORDINARY, DaySaid, Key, wider_divisions, years_of
from rules.working_days import Calendar, Term

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Calendars:
    """One version of the calendar: what it says about single days, which years are decreed, and the calendar of each division."""

    version: int
    said: Mapping[Key, DaySaid]
    years: frozenset[int]
    _of: dict[str, Calendar] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def divisions(self) -> frozenset[str]:
        """The divisions that have days of their own."""
        return frozenset(division for _day, division in self.said if division != COUNTRY)

    @property
    def country(self) -> Calendar:
        return self.of(COUNTRY)

    def of(self, division: str) -> Calendar:
        """The calendar of a division: its own days over those of the divisions above, over the country's."""
        levels = [one for one in (*wider_divisions(division), division) if one in self.divisions] if division else []
        name = levels[-1] if levels else COUNTRY
        if name not in self._of:
            by_level: dict[str, dict[dt.date, bool]] = {level: {} for level in (COUNTRY, *levels)}
            for (day, where), one in self.said.items():
                if where in by_level:
                    by_level[where][day] = one.is_workday
            overrides = {day: works for level in (COUNTRY, *levels) for day, works in by_level[level].items()}
            self._of[name] = Calendar(overrides, self.years)
        return self._of[name]


_known: WeakKeyDictionary[Engine, dict[tuple[int, int], Calendars]] = WeakKeyDictionary()
_offices: WeakKeyDictionary[Engine, dict[int, str]] = WeakKeyDictionary()
EMPTY = Calendars(0, {}, frozenset())


def calendars(session: Session, version: int | None = None) -> Calendars:
    """A version of the calendar, the newest unless another is named; read once per process. Version 0 where nothing was loaded."""
    newest = select(func.coalesce(func.max(CalendarDay.id), 0)).scalar_subquery()
    asked = select(CalendarVersion.version, CalendarVersion.years, newest).order_by(CalendarVersion.version.desc()).limit(1)
    if version is not None:
        asked = asked.where(CalendarVersion.version <= version)
    found = session.execute(asked).first()
    if found is None:
        return EMPTY
    number, years, last_day = found
    known = _known.setdefault(session.get_bind().engine, {})
    key = (number, last_day)  # numbers of days are never given twice, so a version that was rolled back is not mistaken for the one that came instead
    if key not in known:
        known[key] = Calendars(number, _said(session, number), years_of(years))
    return known[key]


def _said(session: Session, version: int) -> dict[Key, DaySaid]:
    """What is said last about each day, up to this version."""
    c = CalendarDay
    rows = session.execute(
        select(c.day, c.division_code, c.kind, c.name).where(c.version <= version).order_by(c.version, c.id)
    ).all()  # fmt: skip
    said = {(day, division or COUNTRY): DaySaid(day, division or COUNTRY, kind, name) for day, division, kind, name in rows}
    return {key: one for key, one in said.items() if one.kind != ORDINARY}


def working_calendar(session: Session, *, office_id: int | None = None, version: int | None = None) -> tuple[Calendar, int]:
    """The calendar and its version: the country's, or the one that an office counts by; the newest version, or an older one."""
    found = calendars(session, version)
    if office_id is None or not found.divisions:
        return found.country, found.version
    return found.of(division_of(session, office_id)), found.version


def division_of(session: Session, office_id: int) -> str:
    """Where an office is; an office never moves, so a process asks once."""
    known = _offices.setdefault(session.get_bind().engine, {})
    if office_id not in known:
        known.update((number, code) for number, code in session.execute(select(Office.id, Office.division_code)))
    return known.get(office_id, COUNTRY)


class Reckoning:
    """The calendar for many matters at once: read once, asked by office; and how many days a deadline was given, by the version of then."""

    def __init__(self, session: Session) -> None:
        self.session, self.newest = session, calendars(session)
        self._versions = {self.newest.version: self.newest}

    def calendar(self, office_id: int, version: int | None = None) -> Calendar:
        """What an office counts by; by an older version where one is named."""
        found = self.newest if version is None else self._version(version)
        return found.of(division_of(self.session, office_id)) if found.divisions else found.country

    def days(self, start: dt.date, last: dt.date, *, version: int | None, office_id: int) -> int:
        """The working days from the day after `start` to `last`, by the version the deadline was computed from."""
        return self.calendar(office_id, version).between(start, last)

    def term(
        self, start: dt.date, last: dt.date, *, version: int | None, office_id: int, provisional: bool = False, days: int | None = None
    ) -> Term:
        """A running deadline for whoever says or draws it: day 0, the last day, and the version it was computed from, unless `days` are known."""
        given = days if days is not None else self.days(start, last, version=version, office_id=office_id)
        return Term(start + _DAY, last, given, self.calendar(office_id), provisional)

    def term_of_notice(self, notice: Any) -> Term:
        """The window of a public notice (first and last day, calendar version, office, provisional or not), from its first working day."""
        return self.term(
            notice.first_day - _DAY, notice.last_day, version=notice.calendar_version, office_id=notice.office_id, provisional=notice.is_provisional
        )

    def _version(self, number: int) -> Calendars:
        if number not in self._versions:
            self._versions[number] = calendars(self.session, number)
        return self._versions[number]
