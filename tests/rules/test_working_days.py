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


# ── against an independent count ─────────────────────────────────────────────────────────────────────────────

SHARED = {date.fromisoformat(row["day"]): row for row in csv.DictReader((ROWS / "workdays.csv").read_text(encoding="utf-8").splitlines())}


def slow_is_workday(day: date) -> bool:
    """Read straight from the file: a make-up day works, a holiday does not, else Monday to Friday."""
    row = SHARED.get(day)
    if row is not None:
        return row["kind"] == "makeup_workday"
    return day.isoweekday() <= 5


def slow_due(start: date, n: int) -> date:
    """All days after the start in a list, the working ones of them, the n-th."""
    days = [start + timedelta(days=at) for at in range(1, 40 + 4 * n)]
    return [day for day in days if slow_is_workday(day)][n - 1]


@pytest.mark.parametrize("year", range(2004, 2027))
def test_every_day_of_every_decreed_year_is_what_the_file_says(calendar, year):
    days = [date(year, 1, 1) + timedelta(days=at) for at in range(365 + (year % 4 == 0))]
    assert [calendar.is_workday(day) for day in days] == [slow_is_workday(day) for day in days]
    assert calendar.between(days[0], days[-1]) == sum(map(slow_is_workday, days[1:]))


@given(st.dates(date(2004, 1, 1), date(2026, 8, 31)), st.integers(1, 60))
def test_the_deadline_is_what_a_slow_count_says(start, n):
    calendar = Calendar({day: row["is_workday"] == "1" for day, row in SHARED.items()}, range(2004, 2027))
    found = calendar.due_date(start, n)
    assert (found.last_day, found.due_on, found.provisional) == (slow_due(start, n), slow_due(start, n) + timedelta(days=1), False)


# ── counted again ────────────────────────────────────────────────────────────────────────────────────────────


@given(st.dates(date(2026, 12, 1), date(2027, 12, 1)), st.integers(1, 40), st.sets(st.dates(date(2027, 1, 1), date(2027, 12, 31)), max_size=20),
       st.sets(st.dates(date(2027, 1, 1), date(2027, 12, 31)), max_size=20))  # fmt: skip
def test_a_provisional_deadline_is_never_shortened_by_its_decree(start, n, off, made_up):
    file = {day: row["is_workday"] == "1" for day, row in SHARED.items()}
    told = Calendar(file, range(2004, 2027)).due_date(start, n)
    decreed = Calendar(file | dict.fromkeys(off, False) | dict.fromkeys(made_up - off, True), range(2004, 2028))
    again = decreed.recount(start, n, told=told.last_day)

    assert again.last_day == max(told.last_day, decreed.due_date(start, n).last_day)
    assert again.due_on == again.last_day + timedelta(days=1)
    assert again.is_kept == (decreed.due_date(start, n).last_day < told.last_day)
    assert decreed.recount(start, n, told=again.last_day) == again, "counting again changes nothing"
    assert again.provisional == (decreed.due_date(start, n).provisional)


def test_a_decree_moves_a_deadline_over_the_new_year_later_and_makes_it_certain(calendar):
    told = calendar.due_date(date(2026, 12, 28), 7)
    assert told == Deadline(date(2027, 1, 7), date(2027, 1, 8), True)
    file = {day: row["is_workday"] == "1" for day, row in SHARED.items()}
    decreed = Calendar(file | {date(2027, 1, 1): False, date(2027, 1, 4): False, date(2027, 1, 9): True}, range(2004, 2028))
    again = decreed.recount(date(2026, 12, 28), 7, told=told.last_day)
    assert (again.last_day, again.due_on, again.provisional, again.is_kept) == (date(2027, 1, 8), date(2027, 1, 9), False, False)
