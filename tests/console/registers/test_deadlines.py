"""Rows of registers when the calendar changes: due later, said once to their office, found by the preview; never earlier."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from console import clock, db
from console.audit import AuditEntry
from console.departments import calendar_drafts, jobs
from console.departments.calendars import calendars
from console.departments.models import CalendarDraft
from console.notifications.models import Message
from console.registers import loading
from console.scope import System
from rules.decrees import DaySaid, Line
from tests.console.portal.test_registers import COMPLAINT, enter

SENT_IN = {name: value for name, value in COMPLAINT.items() if name != "consent"}
MONDAY = dt.date(2026, 3, 2)  # a complaint is accepted within three working days: until Thursday the 5th


@pytest.fixture
def rows(committed_db: Any) -> list[int]:
    with committed_db.as_worker():
        with db.transaction() as session:
            clock.set_to(session, dt.datetime.combine(MONDAY, dt.time(9), tzinfo=clock.ZONE))
        return [enter("complaints", SENT_IN) for _ in range(2)]


def _due(committed_db: Any, numbers: list[int]) -> list[dt.date]:
    one = loading.register("centre-complaints")
    with committed_db.as_worker(), db.transaction() as session:
        return [clock.day_of(session.get_one(one.rows, number).due_at) - dt.timedelta(days=1) for number in numbers]


def _propose(session: Any, day: dt.date, kind: str) -> int:
    line = Line(1, DaySaid(day, "", kind, "电力检修"))
    return calendar_drafts.propose(session, [line], source="自治区通知", whole_years=False, actor=System("test")).id


def test_rows_are_due_later_as_the_preview_said_and_never_earlier(committed_db: Any, rows: list[int]) -> None:
    assert _due(committed_db, rows) == [dt.date(2026, 3, 5)] * 2
    with committed_db.as_worker("test"):
        with db.transaction() as session:
            draft_id = _propose(session, dt.date(2026, 3, 4), "holiday")
        jobs.preview_calendar.run([draft_id])
        with db.transaction() as session:
            draft = session.get_one(CalendarDraft, draft_id)
            room = next(room for room in draft.report["rooms"] if room["keeper"] == "registers")
            assert (room["open"], room["later"], [(move["from"], move["to"], move["count"]) for move in room["moves"]]) == (2, 2, [("2026-03-05", "2026-03-06", 2)])
            calendar_drafts.confirm(session, draft, reason="电力检修", actor=System("test"))
        jobs.recount.run([2])
        jobs.recount.run([2])
    assert _due(committed_db, rows) == [dt.date(2026, 3, 6)] * 2

    with committed_db.as_worker(), db.transaction() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "register.deadline_moved")).all()) == 2
        message = session.scalars(select(Message).where(Message.event == "register_deadlines_moved")).one()
        assert (message.register, "第 2 版" in message.text) == ("centre-complaints", True)
    with committed_db.as_worker("test"):
        with db.transaction() as session:
            draft_id = _propose(session, dt.date(2026, 3, 4), "ordinary")
        jobs.preview_calendar.run([draft_id])
        with db.transaction() as session:
            calendar_drafts.confirm(session, session.get_one(CalendarDraft, draft_id), reason="检修取消", actor=System("test"))
        jobs.recount.run([3])
        with db.transaction() as session:
            assert calendars(session).version == 3
    assert _due(committed_db, rows) == [dt.date(2026, 3, 6)] * 2
