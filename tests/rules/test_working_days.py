from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.working_days import Calendar, Deadline

ROWS = Path(__file__).parents[2] / "seed" / "data"


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    file = ROWS / "workdays.csv"
    with file.open(encoding="utf-8") as lines:
        overrides = {date.fromisoformat(row["day"]): row["is_workday"] == "1" for row in csv.DictReader(lines)}
    return Calendar(overrides, range(2004, 2027))


def test_seven_working_days_over_the_national_day_of_2026(calendar):
    assert calendar.due_date(date(2026, 9, 28), 7) == Deadline(date(2026, 10, 13), date(2026, 10, 14), False)
    assert calendar.is_workday(date(2026, 10, 10)) and not calendar.is_workday(date(2026, 10, 11))


def test_a_working_sunday_and_the_whole_year(calendar):
    assert calendar.is_workday(date(2026, 9, 20))
    assert sum(calendar.is_workday(date(2026, 1, 1) + timedelta(days=at)) for at in range(365)) == 248


def test_an_undecreed_year_is_counted_and_marked(calendar):
    assert calendar.due_date(date(2026, 12, 28), 7) == Deadline(date(2027, 1, 7), date(2027, 1, 8), True)
    assert not calendar.is_workday(date(2027, 5, 1)) and not calendar.is_workday(date(2027, 10, 1))
    assert calendar.due_date(date(2026, 12, 28), 2).provisional is False


def test_days_list_numbers_the_working_days_after_day_0(calendar):
    days = calendar.days_list(date(2026, 9, 30), date(2026, 10, 10))
    assert [(one.day.day, one.is_workday, one.number) for one in days] == [
        (30, True, 0), *((day, False, 0) for day in range(1, 8)), (8, True, 1), (9, True, 2), (10, True, 3)]


@given(st.dates(date(2004, 1, 1), date(2028, 12, 31)), st.integers(0, 60))
def test_the_deadline_is_the_nth_working_day(start, n):
    calendar = Calendar({date(2026, 10, 10): True, date(2026, 10, 1): False}, {2026})
    deadline = calendar.due_date(start, n)
    assert calendar.between(start, deadline.last_day) == n
    assert deadline.due_on - deadline.last_day == timedelta(days=1)
    assert n == 0 or calendar.is_workday(deadline.last_day)


def test_a_negative_deadline_is_refused():
    with pytest.raises(ValueError, match="past"):
        Calendar({}, ()).due_date(date(2026, 1, 1), -1)
