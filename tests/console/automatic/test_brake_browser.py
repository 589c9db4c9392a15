"""The brake in a real browser, while relay and worker run beside it as in production: it stops a running expiry, and what waited is done once."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from console import db, queueing
from console.logins import plain
from console.publicity.models import Notice, NoticeItem
from console.roles import Role
from console.roster.models import RosterEntry, RosterSpecialty
from tests.browsing import serious, sign_in
from tests.console.publicity.people import make_person, open_for
from tests.officers import PASSWORD, make_account

ROOT = Path(__file__).parents[3]
SHOTS = os.environ.get("SHOTS", "")
OPENED = dt.date(2026, 11, 18)
NOTICES, EACH = 30, 2  # more than one order of the relay holds (20 notices)


@contextmanager
def running(environment: dict[str, str], *names: str) -> Iterator[None]:
    """These processes, as the launcher starts them; gone afterwards."""
    started = [
        subprocess.Popen([sys.executable, "-m", "console", name], cwd=ROOT, env={**os.environ, **environment}, start_new_session=True) for name in names
    ]
    try:
        yield
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
        for one in started:
            try:
                one.wait(timeout=15)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def wait_for(true: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


@pytest.mark.timeout(300)
def test_the_brake_stops_a_running_expiry_and_resumes_without_double_effect(
    committed_db: Any, house: Any, redis: Any, browser: Any, clock: Any
) -> None:
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        notices = [open_for(session, [make_person(session, f"专家{n}{m}") for m in range(EACH)]) for n in range(NOTICES)]
        due_at = notices[0].due_at
    clock.set(due_at - dt.timedelta(hours=1))
    _, username = make_account(committed_db, Role.COORDINATOR)
    page = browser.new_page()
    sign_in(page, username, PASSWORD)

    def count(statement: Any) -> int:
        with committed_db.as_worker(), db.transaction() as session:
            return int(session.scalar(statement))

    def waits(kind: str) -> bool:
        return bool(look.execute("SELECT count(*) FROM pg_locks WHERE locktype = %s AND NOT granted", (kind,)).fetchone()[0])

    admitted = select(func.count(RosterEntry.id))
    address = plain(committed_db.settings.database_owner_url)
    with psycopg.connect(address, autocommit=True) as look, psycopg.connect(address) as hold:
        hold.execute("LOCK TABLE roster_entry IN SHARE MODE")  # the first batch gets as far as the roster and no further
        with running(house.environment(committed_db.name), "relay", "worker"):
            clock.set(due_at)
            wait_for(lambda: waits("relation"))
            page.goto("/console/brake/admission/")
            page.fill("#reason", "名单里有人材料存疑，先停下来查")
            page.click("form[aria-labelledby=pull] button", no_wait_after=True)
            wait_for(lambda: waits("advisory"))  # it does not say that it holds while the batch is being written
            hold.rollback()
            page.wait_for_selector(".brake-on")

            first = count(admitted)
            assert 0 < first < NOTICES * EACH
            # the other orders, which lay in the queue, have come to the worker and found the brake
            wait_for(lambda: not redis.llen(f"rq:queue:{queueing.NAME}") and not redis.zcard(f"rq:wip:{queueing.NAME}"))
            assert count(admitted) == first
            page.reload()
            assert f"现在该办 {NOTICES * EACH - first}" in " ".join(page.inner_text(".nav-tabs").split())
            assert page.locator("tbody tr").count() == min(50, NOTICES * EACH - first)
            looked_at(page, "stopped")

            release(page)
            wait_for(lambda: count(select(func.count(NoticeItem.id)).where(NoticeItem.settled_at.is_(None))) == 0)
            wait_for(lambda: count(select(func.count(Notice.id)).where(Notice.closed_at.is_(None))) == 0)
    assert (count(admitted), count(select(func.count(RosterSpecialty.id)))) == (NOTICES * EACH, NOTICES * EACH)


def release(page: Any) -> None:
    """Press, read what it will do, and confirm."""
    page.click(".brake-on form button")
    with page.expect_navigation():
        page.click("dialog[open] .btn-danger, dialog[open] .btn-primary")


def looked_at(page: Any, name: str) -> None:
    """Narrow and wide, light and dark, in both languages: nothing stands out sideways, and axe finds nothing serious."""
    for language in ("zh", "en"):
        page.context.add_cookies([{"name": "ruku_lang", "value": language, "url": page.url}])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (360, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                page.reload()
                if SHOTS:
                    page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}-{language}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, (name, width, language)
            assert serious(page) == [], (name, scheme, language)
    page.context.add_cookies([{"name": "ruku_lang", "value": "zh", "url": page.url}])
    page.emulate_media(color_scheme="light")
    page.reload()


def test_the_list_of_rules_fits_and_is_read_aloud(committed_db: Any, browser: Any) -> None:
    _, username = make_account(committed_db, Role.OPERATOR, department="centre")
    page = browser.new_page()
    sign_in(page, username, PASSWORD)
    page.goto("/console/brake/")
    looked_at(page, "rules")
    page.goto("/console/brake/retention/")
    looked_at(page, "retention")
