"""The desk in a real browser: it keeps up and pauses, fits a phone, is read aloud, and does again what was given up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from console import clock, db, measuring
from console.accounts.sessions import real_now
from console.jobs import Heartbeat
from console.outbox import OutboxMessage
from console.roles import Role
from tests.browsing import press, serious, sign_in
from tests.officers import PASSWORD, make_account


@pytest.fixture
def given_up(committed_db: Any) -> int:
    with committed_db.as_worker(), db.transaction() as session:
        now = clock.now(session)
        row = OutboxMessage(topic="notice.opened", ids=[1], created_at=now, due_at=now, attempts=8, gave_up_at=now, last_error="notifications.tell_notice_opened: 1 failed (1: TimeoutError: 太久)")
        session.add_all([row, *(Heartbeat(name=f"{kind} 1", kind=kind, at=real_now()) for kind in ("worker", "relay", "cron"))])
        session.flush()
        key = row.id
    with committed_db.as_worker():
        measuring.measure()
    return key


def test_the_desk_keeps_up_pauses_and_does_again(committed_db: Any, browser: Any, live_server: str, given_up: int) -> None:
    _, username = make_account(committed_db, Role.OPERATOR, department="centre")
    page, wrong = browser.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(live_server) else None)
    page.clock.install()
    sign_in(page, username, PASSWORD)
    page.goto("/console/ops/")
    assert page.inner_text(".live [role=status]") == "每 30 秒更新"
    assert "太久" in page.inner_text("#groups")

    # ── somebody else puts it away: the page shows it by itself, unless it is paused
    with committed_db.as_worker(), db.transaction() as session:
        session.get_one(OutboxMessage, given_up).done_at = clock.now(session)
    page.click(".live button")
    assert page.inner_text(".live [role=status]") == "已暂停更新"
    page.clock.fast_forward(65_000)
    assert "太久" in page.inner_text("#groups")
    page.click(".live button")
    page.locator("#groups", has_text="没有转人工的事").wait_for()
    page.clock.fast_forward(11 * 60_000)
    page.locator(".live [role=status]", has_text="已暂停更新").wait_for()  # an empty chair

    # ── on a phone every page fits, and is read aloud
    with committed_db.as_worker(), db.transaction() as session:
        session.get_one(OutboxMessage, given_up).done_at = None
    for path in ("", "waiting/", "jobs/", "schedule/", "delivery/", "outbox/", "tables/", "setback/"):
        page.goto(f"/console/ops/{path}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert serious(page) == [], path

    # ── done again, with a reason
    page.goto("/console/ops/waiting/")
    page.fill("input[name=reason]", "数据库已恢复")
    press(page, "button[value=again]")
    assert re.search("1 件已放回去重做", page.inner_text("main"))
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(OutboxMessage.gave_up_at).where(OutboxMessage.id == given_up)).one() is None
    assert wrong == []
    page.close()
