"""Quiet hours put off: never to before, never for more than a day, and never into quiet hours again."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.quiet_hours import QuietHours

ZONES = st.sampled_from([ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")])
HOURS = st.tuples(st.times(), st.times()).map(lambda pair: tuple(t.replace(second=0, microsecond=0) for t in pair)).filter(lambda p: p[0] != p[1])
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
MOMENTS = st.builds(lambda day, time: dt.datetime.combine(day, time, tzinfo=dt.UTC), DAYS, st.times())


@given(HOURS, MOMENTS, ZONES)
def test_put_off_is_never_early_never_in_quiet_hours_and_within_a_day(hours, moment, zone):
    quiet = QuietHours(*hours)
    at = moment.astimezone(zone)

    due = quiet.over(at)

    late = due.astimezone(dt.UTC) - moment
    assert dt.timedelta(0) <= late <= dt.timedelta(hours=25)  # the longest day has an hour more
    assert due not in quiet or late > dt.timedelta(0)
    if zone.key == "Asia/Shanghai":
        assert due not in quiet and late < dt.timedelta(days=1)
    assert (late == dt.timedelta(0)) == (at not in quiet or due.astimezone(dt.UTC) == moment)
    assert quiet.over(due) == due or zone.key != "Asia/Shanghai"


@pytest.mark.parametrize(
    ("at", "due"),
    [("2026-03-02 21:59", "2026-03-02 21:59"), ("2026-03-02 22:00", "2026-03-03 07:00"), ("2026-03-03 00:00", "2026-03-03 07:00"),
     ("2026-03-03 06:59", "2026-03-03 07:00"), ("2026-03-03 07:00", "2026-03-03 07:00"), ("2026-12-31 23:30", "2027-01-01 07:00")],
)  # fmt: skip
def test_a_night_over_midnight(at, due):
    zone = ZoneInfo("Asia/Shanghai")
    said = QuietHours.read("22:00-07:00").over(dt.datetime.fromisoformat(at).replace(tzinfo=zone))
    assert said == dt.datetime.fromisoformat(due).replace(tzinfo=zone)


def test_hours_within_a_day():
    quiet, zone = QuietHours.read("12:00-14:30"), ZoneInfo("Asia/Shanghai")
    assert quiet.over(dt.datetime(2026, 3, 2, 13, 0, tzinfo=zone)) == dt.datetime(2026, 3, 2, 14, 30, tzinfo=zone)
    assert quiet.over(dt.datetime(2026, 3, 2, 23, 0, tzinfo=zone)) == dt.datetime(2026, 3, 2, 23, 0, tzinfo=zone)
    assert str(quiet) == "12:00-14:30"


@pytest.mark.parametrize("text", ["", "22-07", "22:00", "22:00-22:00", "24:00-07:00", "22:60-07:00", " 22:00-07:00", "22:00-07:00\n", "２２:00-07:00"])
def test_what_is_no_pair_of_times_is_refused(text):
    with pytest.raises(ValueError):
        QuietHours.read(text)
