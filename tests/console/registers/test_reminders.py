"""Rows that fall due are announced to the office that holds them: a warning, then that they are late, once each; set-wise, twice without harm."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import select, update

from console import clock, db
from console.notifications.models import Message
from console.registers import jobs, loading, reminders, services
from console.roles import Role
from console.scope import Staff, System
from tests.console.portal.test_registers import COMPLAINT, enter
from tests.factories import make_staff
from tests.officers import begin_session, make_account

SENT_IN = {name: value for name, value in COMPLAINT.items() if name != "consent"}
MONDAY = dt.date(2026, 3, 2)


@pytest.fixture
def on(committed_db: Any) -> Any:
    """`on(day)`: that morning, after the daily job; how many rows it announced."""

    def at(day: dt.date) -> int:
        with committed_db.as_worker():
            _set(day)
            return jobs.remind()

    with committed_db.as_worker():
        _set(MONDAY)
    return at


def _set(day: dt.date) -> None:
    with db.transaction() as session:
        clock.set_to(session, dt.datetime.combine(day, dt.time(9), tzinfo=clock.ZONE))


def _messages(committed_db: Any) -> list[tuple[str, str, int | None]]:
    with committed_db.as_worker(), db.transaction() as session:
        return [(one.event, one.text, one.row_id) for one in session.scalars(select(Message).order_by(Message.id))]


def _move(number: int, name: str) -> None:
    one = loading.register("centre-complaints")
    with db.transaction() as session:
        row = session.scalars(select(one.rows).where(one.rows.id == number)).unique().one()
        services.move(session, one, [row], name, actor=System("test"))


def test_a_row_is_warned_about_in_time_then_told_late_and_once_each(committed_db: Any, on: Any) -> None:
    with committed_db.as_worker():
        number = enter("complaints", SENT_IN)  # three working days, the warning after two
    days = [MONDAY + dt.timedelta(days=n) for n in range(1, 7)]

    assert [on(day) for day in days] == [0, 0, 1, 1, 0, 0]  # two working days are over on Thursday, three on Friday
    assert [on(day) for day in days[-1:]] == [0]

    what = f"投诉举报第 {number} 号（已收到，待受理）"
    assert _messages(committed_db) == [
        ("register_due_soon", f"{what}快到期了：3 个工作日，至 3 月 5 日（周四）。请及时办理。", number),
        ("register_overdue", f"{what}已过办理期限：3 个工作日，至 3 月 5 日（周四）。请尽快办理。", number),
    ]


def test_another_state_is_announced_anew_and_one_that_was_left_is_not(committed_db: Any, on: Any) -> None:
    with committed_db.as_worker():
        moved, left = enter("complaints", SENT_IN), enter("complaints", SENT_IN)
    assert on(MONDAY + dt.timedelta(days=3)) == 2
    with committed_db.as_worker():
        _move(moved, "accept")
        _move(left, "accept")
        one = loading.register("centre-complaints")
        with db.transaction() as session:
            row = session.scalars(select(one.rows).where(one.rows.id == left)).unique().one()
            services.change(session, one, row, {"competent": "housing"}, actor=System("test"), version=None)
        _move(left, "transfer")
    assert on(MONDAY + dt.timedelta(days=8)) == 1
    assert _messages(committed_db)[-1] == ("register_due_soon", f"投诉举报第 {moved} 号（已受理，待转办）快到期了：3 个工作日，至 3 月 10 日（周二）。请及时办理。", moved)


def test_many_rows_are_announced_in_batches_and_their_versions_stay(committed_db: Any, on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 3)
    with committed_db.as_worker():
        numbers = [enter("complaints", SENT_IN) for _ in range(7)]
        one = loading.register("centre-complaints")
        with db.transaction() as session:
            before = dict(session.execute(select(one.rows.id, one.rows.version)).all())
    assert on(MONDAY + dt.timedelta(days=4)) == 7
    assert [row for event, _text, row in _messages(committed_db) if event == "register_overdue"] == numbers
    with committed_db.as_worker(), db.transaction() as session:
        assert dict(session.execute(select(one.rows.id, one.rows.version)).all()) == before


def test_a_row_that_is_held_is_left_for_the_next_time(committed_db: Any, on: Any) -> None:
    with committed_db.as_worker():
        enter("complaints", SENT_IN)
        _set(MONDAY + dt.timedelta(days=4))
        one = loading.register("centre-complaints")
        with db.transaction() as session:
            services.locked(session, one, [session.scalar(select(one.rows.id))])
            with db.factory.begin() as other:
                other.connection()
                assert reminders.announce(other, one) == 0
        assert (jobs.remind(), jobs.remind()) == (1, 0)


def test_the_office_that_holds_the_row_reads_it_and_whoever_reads_no_registers_does_not(committed_db: Any, on: Any) -> None:
    with committed_db.as_worker():
        enter("complaints", SENT_IN)
    on(MONDAY + dt.timedelta(days=4))
    with committed_db.as_worker(), db.transaction() as session:
        people: dict[str, Staff] = {
            "coordinator": make_staff(session, Role.COORDINATOR, department_code="centre"),
            "admin": make_staff(session, Role.DEPARTMENT_ADMIN, department_code="centre"),
            "operator": make_staff(session, Role.OPERATOR, department_code="centre"),
            "elsewhere": make_staff(session, Role.COORDINATOR, department_code="water"),
        }
    seen = {}
    for who, staff in people.items():
        with committed_db.committing(committed_db.web, staff), db.transaction() as session:
            seen[who] = len(session.scalars(select(Message)).all())
    assert seen == {"coordinator": 1, "admin": 1, "operator": 0, "elsewhere": 0}


def test_the_first_page_of_the_day_leads_to_the_row(committed_db: Any, on: Any, console_app: Any) -> None:
    with committed_db.as_worker():
        number = enter("complaints", SENT_IN)
    on(MONDAY + dt.timedelta(days=4))
    client = begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre")[0])

    page = client.get("/today/").get_data(as_text=True)

    assert re.findall(r'<a href="([^"]*)">查看记录</a>', page) == [f"/screens/centre-complaints/{number}"]
    assert f"投诉举报第 {number} 号（已收到，待受理）已过办理期限" in page


# ── a day of the row's own ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def task(committed_db: Any) -> int:
    """A task under way whose deadline is Monday a week later, 9 March."""
    with committed_db.as_worker():
        _set(MONDAY)
        with db.transaction() as session:
            lead = make_staff(session, Role.COORDINATOR)
        said = {"title": "清理规则", "urgency": "normal", "lead": lead.id, "lead_department": "transport", "begins_on": "2026-03-02", "deadline": "2026-03-09"}
        number = enter("tasks", said)
        one = loading.register("centre-tasks")
        with db.transaction() as session:
            services.move(session, one, [session.get_one(one.rows, number)], "begin", actor=System("test"))
        return number


def _of_tasks(committed_db: Any) -> list[tuple[str, str]]:
    with committed_db.as_worker(), db.transaction() as session:
        asked = select(Message.event, Message.text).where(Message.register == "centre-tasks").order_by(Message.id)
        return [(event, text) for event, text in session.execute(asked)]


def _due(number: int) -> dt.datetime | None:
    one = loading.register("centre-tasks")
    with db.transaction() as session:
        return session.scalars(select(one.rows.due_at).where(one.rows.id == number)).one()


def _put_off(number: int, until: str) -> None:
    one = loading.register("centre-tasks")
    with db.transaction() as session:
        services.change(session, one, session.get_one(one.rows, number), {"deadline": until}, actor=System("test"), version=None)


def test_a_task_is_due_when_its_own_last_day_is_over(committed_db: Any, on: Any, task: int) -> None:
    with committed_db.as_worker():
        assert _due(task) == clock.at_midnight(dt.date(2026, 3, 10))
    days = [dt.date(2026, 3, day) for day in (3, 4, 5, 9, 10, 11)]

    assert [on(day) for day in days] == [0, 1, 0, 0, 1, 0]  # three working days before Monday the 9th is Wednesday the 4th

    assert [event for event, _text in _of_tasks(committed_db)] == ["register_due_soon", "register_overdue"]


def test_a_task_that_is_put_off_is_due_later_and_announced_anew(committed_db: Any, on: Any, task: int) -> None:
    assert on(dt.date(2026, 3, 4)) == 1
    with committed_db.as_worker():
        _put_off(task, "2026-03-16")
        assert _due(task) == clock.at_midnight(dt.date(2026, 3, 17))

    assert [on(dt.date(2026, 3, day)) for day in (5, 10, 11, 17)] == [0, 0, 1, 1]
    assert [event for event, _text in _of_tasks(committed_db)] == ["register_due_soon", "register_due_soon", "register_overdue"]


def test_a_change_of_something_else_leaves_what_was_announced(committed_db: Any, on: Any, task: int) -> None:
    assert on(dt.date(2026, 3, 4)) == 1
    one = loading.register("centre-tasks")
    with committed_db.as_worker(), db.transaction() as session:
        services.change(session, one, session.get_one(one.rows, task), {"source": "厅务会"}, actor=System("test"), version=None)
    assert on(dt.date(2026, 3, 5)) == 0


def test_rows_from_before_the_declaration_named_the_day_are_taken_up(committed_db: Any, on: Any, task: int) -> None:
    one = loading.register("centre-tasks")
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(one.rows).where(one.rows.id == task).values(due_at=None))

    assert on(dt.date(2026, 3, 10)) == 1
    with committed_db.as_worker():
        assert _due(task) == clock.at_midnight(dt.date(2026, 3, 10))


def test_the_list_marks_a_task_that_is_late(committed_db: Any, on: Any, task: int, console_app: Any) -> None:
    client = begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre")[0])
    seen = []
    for day in (dt.date(2026, 3, 9), dt.date(2026, 3, 10)):
        with committed_db.as_worker():
            _set(day)
        seen.append('class="late-mark"' in client.get("/screens/centre-tasks/").get_data(as_text=True))
    assert seen == [False, True]
