from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.ages import age_on, anniversary, months_union, span, years_before

days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(("born", "day", "age"), [
    (date(1956, 6, 1), date(2026, 5, 31), 69), (date(1956, 6, 1), date(2026, 6, 1), 70), (date(1956, 6, 1), date(2026, 6, 2), 70),
    (date(1956, 2, 29), date(2026, 2, 28), 69), (date(1956, 2, 29), date(2026, 3, 1), 70), (date(1956, 2, 29), date(2028, 2, 28), 71),
    (date(1956, 2, 29), date(2028, 2, 29), 72), (date(2026, 6, 2), date(2026, 6, 1), None),
])
def test_age_is_completed_on_the_birthday_and_on_1_march_for_29_february(born, day, age):
    assert age_on(born, day) == age


@given(days, days, st.integers(0, 120))
def test_both_ways_of_asking_for_an_age_agree_on_every_day(born, day, years):
    limit = years_before(day, years)
    if limit is not None and born <= day:
        assert (born > limit) == (age_on(born, day) < years)
        assert (anniversary(born, years) <= day) == (age_on(born, day) >= years)


def test_periods_count_both_end_months_and_overlaps_once():
    today = date(2026, 6, 15)
    spans = [span(one, today) for one in ({"start": "2010-01", "end": "2010-12"}, {"start": "2010-06", "end": "2011-05"}, {"start": "2026-06", "end": "now"})]
    assert months_union(spans) == 17 + 1


@pytest.mark.parametrize(("period", "months"), [
    ({"start": "2026-05", "end": "2027-05"}, 2), ({"start": "2027-01", "end": "2027-05"}, 0), ({"start": "2027-01", "end": "now"}, 0),
])
def test_what_lies_in_the_future_has_not_been_worked(period, months):
    assert months_union([span(period, date(2026, 6, 1))]) == months


@pytest.mark.parametrize("period", [None, {}, {"start": "2020-13", "end": "now"}, {"start": "2020-05", "end": "2020-04"}, {"start": 202001, "end": "now"}, "2020"])
def test_what_is_not_a_period_is_unknown(period):
    assert span(period, date(2026, 6, 1)) is None


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))), max_size=8))
def test_union_counts_the_months_there_are(spans):
    assert months_union(spans) == len({month for start, end in spans for month in range(start, end + 1)})
