"""Where each role lands after signing in, and the page that says what its grants allow."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from console import db
from console.accounts.access import ACT_WORDS
from console.accounts.models import StaffGrant
from console.roles import Act, Role
from tests.officers import make_account, officer, post


def test_every_act_has_words():
    assert set(ACT_WORDS) == set(Act)


@pytest.mark.parametrize(
    ("role", "department", "landing"),
    [
        (Role.FIRST_REVIEWER, "transport", "/today/"),
        (Role.COORDINATOR, "transport", "/today/"),
        (Role.SUPERVISOR, None, "/today/"),
        (Role.OPERATOR, "centre", "/unclaimed/"),
        (Role.RULE_EDITOR, "transport", "/access/"),
        (Role.RULE_PUBLISHER, "transport", "/access/"),
        (Role.DEPARTMENT_ADMIN, "transport", "/level/"),
        (Role.PLATFORM_ADMIN, None, "/level/"),
    ],
)
def test_everybody_lands_on_their_work_or_on_what_they_may_do(console_app, committed_db, role, department, landing):
    client = officer(console_app, committed_db, role, department=department)

    assert client.get("/").location == landing
    assert client.get(landing).status_code == 200


def test_the_page_says_what_a_grant_allows_where_and_what_it_opens(console_app, committed_db):
    client = officer(console_app, committed_db, Role.RULE_EDITOR)

    page = client.get("/access/").get_data(as_text=True)

    for words in ("规则起草人", "内蒙古自治区交通运输厅 · 全区", "起草本部门的规则：改文件、核对、重算往卷、申请发布", 'href="/screens/releases/"'):
        assert words in page
    assert client.get("/screens/releases/").status_code == 200


def test_a_grant_says_its_dates_who_gave_it_under_what_and_when_it_is_looked_at_again(console_app, committed_db, clock):
    clock.set(dt.date(2026, 11, 26))
    giver, _name = make_account(committed_db, Role.DEPARTMENT_ADMIN, name="斯 琴高娃")
    client = officer(console_app, committed_db, Role.RULE_EDITOR)
    with committed_db.as_worker(), db.transaction() as session:
        under = session.scalars(select(StaffGrant.id).where(StaffGrant.staff_id == giver)).one()
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE staff_grant SET granted_by = %s, under_grant_id = %s WHERE role = 'rule_editor'", (f"staff:{giver}", under))
    clock.advance(days=181)

    page = client.get("/access/").get_data(as_text=True)

    for words in ("2026-11-26 起，没有止日", f"由斯琴高娃依自己的授权单 G-{under:04d}给出。", "2027-05-25 起该由部门管理员复核是否仍需要。"):
        assert words in page


def test_in_english_too(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    client.set_cookie("ruku_lang", "en")

    page = client.get("/access/").get_data(as_text=True)

    assert "Reads only and changes nothing" in page and "All departments · whole region" in page


def test_withdrawing_a_grant_beyond_ones_reach_is_refused_and_asks_again(console_app, committed_db):
    beyond, _ = make_account(committed_db, Role.FIRST_REVIEWER)  # for the whole region: it reaches into the league
    client = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division="150100")
    with committed_db.as_worker(), db.transaction() as session:
        grant_id = session.scalars(select(StaffGrant.id).where(StaffGrant.staff_id == beyond)).one()
    address = f"/screens/grants/act/end_grant?rowid={grant_id}"

    answer = post(client, address, rowid=str(grant_id), sure="yes", reason="试一试")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "callout-bad" in page and "收回理由" in page
    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(StaffGrant, grant_id).ended_at is None


def test_a_grant_that_does_not_reach_here_is_not_there(console_app, committed_db):
    elsewhere, _ = make_account(committed_db, Role.FIRST_REVIEWER, division="150200")
    client = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division="150100")
    with committed_db.as_worker(), db.transaction() as session:
        grant_id = session.scalars(select(StaffGrant.id).where(StaffGrant.staff_id == elsewhere)).one()

    assert client.get(f"/screens/grants/{grant_id}").status_code == 404
