"""周岁, anniversaries and spans of months: the one written policy, for every place that counts years.

* A person turns N on the N-th anniversary of the birthday. Born on 29 February, in a common year that is 1 March: the Civil
  Code (第二百零二条) ends a span of years, where the matching day is missing, with the last day of the month, so the year is
  complete when 28 February is over.
* `years_before(day, n)` answers the latest birthday of somebody who has completed n years on that day. Therefore
  "born after years_before(day, n)" and "younger than n on that day" agree on every day of the calendar.
* Work is counted in whole months, both end months included; months worked twice count once. Years are months / 12, exactly.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

OPEN = "now"


def years_before(day: date, years: int) -> date | None:
    """The same calendar day `years` earlier; 29 February becomes the 28th. None before the first year there is."""
    year = day.year - years
    if not 1 <= year <= 9999:
        return None
    if day.month == 2 and day.day == 29 and not _leap(year):
        return date(year, 2, 28)
    return date(year, day.month, day.day)


def age_on(born: date, day: date) -> int | None:
    """Completed years of life on that day; None for somebody not yet born."""
    if born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def anniversary(born: date, years: int) -> date | None:
    """The day on which that age is reached."""
    year = born.year + years
    if not 1 <= year <= 9999:
        return None
    if born.month == 2 and born.day == 29 and not _leap(year):
        return date(year, 3, 1)
    return date(year, born.month, born.day)


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later; the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_number(raw: object) -> int | None:
    """`2026-01` as a count of months, None for anything else."""
    return _month_number(raw) if isinstance(raw, str) and len(raw) == 7 else None


@lru_cache(maxsize=4096)                                  # the same few hundred months in every file
def _month_number(raw: str) -> int | None:
    if raw[4] == "-" and raw.isascii() and raw[:4].isdigit() and raw[5:].isdigit():
        year, month = int(raw[:4]), int(raw[5:])
        if year and 1 <= month <= 12:
            return year * 12 + month - 1
    return None


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def span(period: object, today: date) -> tuple[int, int] | None:
    """First and last month of a period as it stands on `today`; None when it is not a period.

    A period that lasts until now ends with the month of `today`. What lies after `today` has not been worked and is cut
    off; a period wholly in the future is empty: (start, start - 1).
    """
    if not isinstance(period, dict):
        return None
    start, here = month_number(period.get("start")), month_of(today)
    end = here if period.get("end") == OPEN else month_number(period.get("end"))
    if start is None or end is None or (end < start and period.get("end") != OPEN):
        return None
    return start, max(min(end, here), start - 1)


def months_union(spans: Iterable[tuple[int, int]]) -> int:
    """Months covered by at least one of the spans, both ends counted."""
    total, reached = 0, -1
    for start, end in sorted(spans):
        start = max(start, reached + 1)
        if end >= start:
            total += end - start + 1
            reached = end
    return total
