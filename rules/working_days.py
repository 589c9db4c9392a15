"""Working days: from the State Council's decrees where there are any, else from what never moves, and then provisional.

Day 0 is not counted; a window of n working days ends at 24:00 of the n-th, so it is over at 00:00 of the day after.
The calendar's rows and when to recompute belong to the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
# 全国年节及纪念日放假办法 (2024-11-10): the days of the solar calendar; the lunar ones cannot be known before the decree
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


@dataclass(frozen=True, slots=True)
class Deadline:
    """`last_day` still counts; at 00:00 of `due_on` it is over. `provisional`: a year without a decree was counted."""

    last_day: date
    due_on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Recount:
    """A deadline counted again: `last_day` and `due_on` are what holds now, `counted` what the calendar alone would say."""

    last_day: date
    due_on: date
    provisional: bool
    counted: date

    @property
    def is_kept(self) -> bool:
        """The calendar gives an earlier day than people were told, so the day they were told stays."""
        return self.counted < self.last_day


@dataclass(frozen=True, slots=True)
class Term:
    """A deadline with what it takes to say and draw it: its first and last day, how many working days were given, by which calendar they go by."""

    first: date
    last: date
    days: int
    calendar: Calendar
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class CalendarDay:
    day: date
    is_workday: bool
    provisional: bool
    number: int                                            # how many working days have passed, this one included; 0 before the first


class Calendar:
    """`overrides` say yes or no for single days (holidays, make-up days, local decrees); `decreed_years` have all of theirs."""

    def __init__(self, overrides: Mapping[date, bool], decreed_years: Collection[int]):
        self._overrides, self._decreed = dict(overrides), frozenset(decreed_years)

    def is_workday(self, day: date) -> bool:
        override = self._overrides.get(day)
        if override is not None:
            return override
        if day.weekday() >= 5:
            return False
        return day.year in self._decreed or (day.month, day.day) not in FIXED_HOLIDAYS

    def is_provisional(self, day: date) -> bool:
        """Whether the answer for that day may still change with its year's decree."""
        return day.year not in self._decreed

    def due_date(self, start: date, n: int) -> Deadline:
        """The n-th working day after `start`; with n = 0 the day itself. Raises ValueError for a negative n."""
        if n < 0:
            raise ValueError(f"a deadline cannot lie {-n} working days in the past")
        day, left = start, n
        while left:
            day += _DAY
            left -= self.is_workday(day)
        provisional = any(year not in self._decreed for year in range(start.year, day.year + 1)) if n else False
        return Deadline(day, day + _DAY, provisional)

    def recount(self, start: date, n: int, *, told: date) -> Recount:
        """The same n working days by this calendar, for a deadline whose last day was told to people: it moves later or stays, never earlier."""
        counted = self.due_date(start, n)
        last = max(told, counted.last_day)
        return Recount(last, last + _DAY, counted.provisional, counted.last_day)

    def between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; 0 when `end` is not later."""
        return sum(1 for one in self._days(start + _DAY, end) if self.is_workday(one))

    def days_list(self, start: date, end: date) -> list[CalendarDay]:
        """Every day from `start` to `end`, both included, for drawing: day 0 first, working days numbered."""
        days, number = [], 0
        for day in self._days(start, end):
            works = self.is_workday(day)
            number += works and day > start
            days.append(CalendarDay(day, works, self.is_provisional(day), number))
        return days

    def _days(self, start: date, end: date) -> Iterator[date]:
        return (start + timedelta(days=at) for at in range((end - start).days + 1))
