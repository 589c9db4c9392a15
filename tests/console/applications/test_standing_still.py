"""The clock of a review stands still while the applicant corrects: whatever the days, the office has its seven working days, no more and no fewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from console import clock as console_clock
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.departments import queries as departments
from console.roles import Role
from console.scope import Applicant, Principal, System
from rules.pipeline import Action, Step
from tests.factories import make_admission, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]
DAYS = 7
stints = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), min_size=1, max_size=3)


def slow_count(works: Callable[[dt.date], bool], start: dt.date, end: dt.date) -> int:
    """Working days after `start` up to `end`, a day at a time."""
    return sum(works(start + dt.timedelta(days=at)) for at in range(1, (end - start).days + 1))


@settings(max_examples=12)
@given(begins=st.dates(dt.date(2026, 11, 30), dt.date(2026, 12, 31)), times=stints)
def test_the_days_at_the_office_add_up_to_what_the_rules_give(session: Session, as_: As, clock: Any, begins: dt.date, times: list[tuple[int, int]]) -> None:
    with session.begin_nested() as undone:
        clock.set(begins)
        admission = make_admission(session, step=Step.FIRST_REVIEW, due_in=DAYS)
        officer, number, applicant = make_staff(session, Role.FIRST_REVIEWER), admission.id, Applicant(admission.applicant_id)
        calendar, _version = departments.working_calendar(session)
        left, since = DAYS, begins
        for at_office, at_applicant in times:
            returned_on = since + dt.timedelta(days=at_office)
            clock.set(returned_on)
            with as_(officer):
                advance(session, [session.get_one(Admission, number)], Action.RETURN_FOR_CORRECTION, actor=officer, items=[{"path": "title_paper"}])
            left = max(0, left - slow_count(calendar.is_workday, since, returned_on))
            with as_(System("check")):
                waiting = session.get_one(Admission, number)
                assert (waiting.step, waiting.days_left) == ("correction", left)
            since = returned_on + dt.timedelta(days=at_applicant)
            clock.set(since)
            with as_(applicant):
                advance(session, [session.get_one(Admission, number)], Action.RESUBMIT, actor=applicant)
            left = max(1, left)  # whoever decides gets a day at least
            with as_(System("check")):
                back = session.get_one(Admission, number)
                last = console_clock.day_of(back.due_at) - dt.timedelta(days=1)
                assert (back.step, back.days_left, slow_count(calendar.is_workday, since, last)) == ("first_review", None, left)
                assert calendar.is_workday(last)
        undone.rollback()
