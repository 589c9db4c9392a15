"""A year of the calendar as it is drawn: twelve months of weeks, and what each month has that is not as its weekdays say."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from console.departments.calendars import Calendars
from rules.decrees import COUNTRY, DaySaid, wider_divisions

_DAY = dt.timedelta(days=1)
OFF, WORKED, WEEKEND, PLAIN = "off", "worked", "weekend", "plain"


@dataclass(frozen=True)
class Cell:
    """A day: off or worked against its weekday, a weekend, or plain; `said` is what the calendar says of it."""

    day: dt.date
    kind: str
    said: DaySaid | None
    is_today: bool


@dataclass(frozen=True)
class Run:
    """Days in a row with the same name and kind."""

    first: dt.date
    last: dt.date
    said: DaySaid


@dataclass(frozen=True)
class Month:
    first: dt.date
    weeks: list[list[Cell | None]]
    runs: list[Run]


@dataclass(frozen=True)
class Year:
    """`is_decreed`: else only the fixed holidays are known, and every deadline over it is provisional."""

    year: int
    is_decreed: bool
    months: list[Month]
    workdays: int
    off: int
    worked: int


def year_of(found: Calendars, year: int, *, division: str, today: dt.date) -> Year:
    """The year as an office of the division counts it."""
    working, levels = found.of(division), [*(wider_divisions(division) if division else []), division]
    said = {day: found.said[day, level] for level in levels for day in _days_of(year) if (day, level) in found.said}

    def cell(day: dt.date) -> Cell:
        works, one = working.is_workday(day), said.get(day)
        if one is None and not works and day.weekday() < 5:
            one = DaySaid(day, COUNTRY, "holiday", "")  # a fixed holiday of a year that is not decreed
        kind = WORKED if one is not None and works else OFF if one is not None else PLAIN if works else WEEKEND
        return Cell(day, kind, one, day == today)

    cells = {day: cell(day) for day in _days_of(year)}
    months = []
    for number in range(1, 13):
        weeks = [[cells[day] if day.month == number and day.year == year else None for day in week] for week in calendar.Calendar().monthdatescalendar(year, number)]
        months.append(Month(dt.date(year, number, 1), weeks, list(_runs(one for day, one in cells.items() if day.month == number))))
    kinds = [one.kind for one in cells.values()]
    works = sum(working.is_workday(day) for day in cells)
    return Year(year, year in found.years, months, works, kinds.count(OFF), kinds.count(WORKED))


def _days_of(year: int) -> list[dt.date]:
    first = dt.date(year, 1, 1)
    return [first + dt.timedelta(days=at) for at in range(366) if (first + dt.timedelta(days=at)).year == year]


def _runs(cells: Iterator[Cell]) -> Iterator[Run]:
    run: Run | None = None
    for one in cells:
        if one.said is None:
            continue
        same = run is not None and run.last + _DAY == one.day and (run.said.name, run.said.kind, run.said.division) == (one.said.name, one.said.kind, one.said.division)
        if run is not None and not same:
            yield run
        run = Run(run.first, one.day, run.said) if same and run is not None else Run(one.day, one.day, one.said)
    if run is not None:
        yield run
