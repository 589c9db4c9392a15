"""The harness itself: what a test writes is gone afterwards, and the web's login stays behind the wall."""

from __future__ import annotations

import datetime as dt
import fcntl
import os

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from console import clock as province
from console import db
from console.applications.models import Applicant
from console.scope import NOBODY, System, become, current
from tests.factories import make_applicant
from tests.servers import PREFIX, sweep


@pytest.mark.parametrize("turn", [1, 2])
def test_what_is_committed_in_a_session_is_undone(session, turn):
    with db.transaction() as same:
        assert same is session
        make_applicant(same)
    assert session.scalar(select(func.count(Applicant.id))) == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_committed_database_is_a_new_one_each_time(committed_db, turn):
    with committed_db.as_worker(), db.transaction() as session:
        make_applicant(session)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(select(func.count(Applicant.id))) == 1
    assert current() is NOBODY


def test_web_login_is_never_system(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        make_applicant(session)
    with become(System("forged")), db.transaction() as session:
        seen = session.scalars(select(Applicant)).all()
        raw = session.execute(text("SELECT count(*) FROM applicant")).scalar_one()
    assert (seen, raw) == ([], 0)


def test_clock_moves_in_a_session_and_in_a_committed_database(session, clock):
    clock.set(dt.date(2026, 10, 1))
    clock.advance(days=9)
    assert province.today(session) == clock.today() == dt.date(2026, 10, 10)


def test_clock_of_a_committed_database_is_seen_by_the_next_transaction(committed_db, clock):
    clock.set(dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=province.ZONE))
    clock.advance(seconds=2)
    with db.transaction() as session:
        assert province.today(session) == dt.date(2027, 1, 1)


def test_audit_cannot_be_changed_even_by_the_owner(owner_engine):
    with owner_engine.connect() as connection, pytest.raises(ProgrammingError, match="append-only"):
        connection.execute(text("INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf) VALUES ('s', now(), 'w', 'a', 's', '{}', '')"))
        connection.execute(text("DELETE FROM audit_entry"))


def test_browser_opens_the_portal(browser):
    page = browser.new_page()
    page.goto("/")
    assert page.locator("html").get_attribute("lang") in ("zh-Hans", "zh-CN")
    assert page.locator("h1").count() == 1


def test_what_a_killed_run_left_in_memory_is_removed_and_what_a_run_holds_is_not(tmp_path):
    left, held, fresh, other = (tmp_path / name for name in (f"{PREFIX}left", f"{PREFIX}held", f"{PREFIX}fresh", "other"))
    for folder in (left, held, fresh, other):
        folder.mkdir()
        if folder != fresh:
            os.utime(folder, (0, 0))
    lock = os.open(held, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sweep(tmp_path)
    os.close(lock)
    assert set(tmp_path.iterdir()) == {held, fresh, other}
