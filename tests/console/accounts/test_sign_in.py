"""Signing in and out of the console: what a session is, and when it is over."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select, update

from console import db
from console.accounts import staff
from console.accounts.models import StaffGrant, WebSession
from console.accounts.sessions import real_now, token_hash
from console.roles import Role
from tests.officers import PASSWORD, make_account, officer, post, sign_in, token

SCREEN = "/screens/offices/"


def _cookie(client):
    return client.get_cookie("ruku_console")


def _sessions(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(WebSession).order_by(WebSession.created_at)).all()


def test_nobody_is_sent_to_the_sign_in_page_and_back(console, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)

    answer = console.get(SCREEN + "?q=x")
    assert (answer.status_code, answer.location) == (302, "/login/?next=/screens/offices/?q%3Dx")

    answer = sign_in(console, username, next="/screens/offices/?q=x")
    assert (answer.status_code, answer.location) == (303, "/screens/offices/?q=x")
    assert console.get(SCREEN).status_code == 200


def test_a_visitor_leaves_no_row(console, committed_db):
    console.get("/login/")

    assert _sessions(committed_db) == []


def test_the_cookie_holds_a_token_and_the_row_its_hash(console, committed_db):
    staff_id, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    sign_in(console, username)

    (row,) = _sessions(committed_db)
    assert (row.token_hash, row.door, row.person_id, row.ended_at) == (
        token_hash(_cookie(console).value), "console", staff_id, None,
    )  # fmt: skip
    assert _cookie(console).http_only
    assert console.get_cookie("ruku_console_guest") is None


def test_next_stays_on_this_site(console_app, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)

    for target in ("https://evil.example/x", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "x"):
        assert sign_in(console_app.test_client(), username, next=target).location == "/", target


def test_wrong_name_wrong_password_and_closed_account_get_the_same_answer(console, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR)
    _, closed = make_account(committed_db, Role.SUPERVISOR)
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(staff.User).where(staff.User.username == closed).values(active=False))

    answers = [sign_in(console, "nobody"), sign_in(console, username, "wrong"), sign_in(console, closed)]

    assert [a.status_code for a in answers] == [401, 401, 401]
    assert all("用户名或密码不对。" in a.get_data(as_text=True) for a in answers)
    assert _sessions(committed_db) == []


def test_five_wrong_passwords_close_the_account_for_a_while_even_to_the_right_one(console, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR)
    for _ in range(5):
        sign_in(console, username, "wrong")

    answer = sign_in(console, username)

    assert answer.status_code == 429
    assert "尝试次数过多" in answer.get_data(as_text=True)


def test_a_success_forgets_the_failures_of_the_account(console, committed_db, console_app):
    _, username = make_account(committed_db, Role.SUPERVISOR)
    for _ in range(4):
        sign_in(console, username, "wrong")
    assert sign_in(console, username).status_code == 303
    for _ in range(4):
        assert sign_in(console_app.test_client(), username, "wrong").status_code == 401


def test_sign_in_needs_the_form_token(console, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR)

    assert console.post("/login/", data={"username": username, "password": PASSWORD}).status_code == 400


def test_signing_out_is_a_post_and_kills_a_stolen_cookie(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    thief = console_app.test_client()
    thief.set_cookie("ruku_console", _cookie(client).value)
    assert thief.get(SCREEN).status_code == 200
    assert client.get("/logout/").status_code == 405

    client.post("/logout/", data={"csrf_token": token(client.get(SCREEN))})

    assert client.get(SCREEN).status_code == 302
    assert thief.get(SCREEN).status_code == 302
    assert [row.ended_at is not None for row in _sessions(committed_db)] == [True]


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(console_app, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    here, elsewhere = console_app.test_client(), console_app.test_client()
    sign_in(here, username)
    sign_in(elsewhere, username)

    answer = post(here, "/password/", old=PASSWORD, new="another-horse-8")

    assert answer.status_code == 303
    assert here.get(SCREEN).status_code == 200
    assert elsewhere.get(SCREEN).status_code == 302
    assert sign_in(elsewhere, username).status_code == 401
    assert sign_in(elsewhere, username, "another-horse-8").status_code == 303


def test_a_bad_change_of_password_changes_nothing(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    for old, new, words in (("no", "another-horse-8", "现在的密码不对"), (PASSWORD, "1234567890", "至少 12 个字符")):
        answer = post(client, "/password/", old=old, new=new)
        assert answer.status_code == 422
        assert words in answer.get_data(as_text=True)


def test_a_session_ends_by_itself(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    now = real_now()
    for seen, expires, status in ((-60, 60, 200), (-3 * 3600, 60, 302), (-60, -1, 302)):
        values = {"seen_at": now + dt.timedelta(seconds=seen), "expires_at": now + dt.timedelta(seconds=expires)}
        with committed_db.as_worker(), db.transaction() as session:
            session.execute(update(WebSession).values(**values))
        assert client.get(SCREEN).status_code == status


def test_a_closed_account_is_out_at_once(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(staff.User).values(active=False))

    assert client.get(SCREEN).status_code == 302


def test_a_withdrawn_grant_is_gone_at_the_next_request(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    assert client.get(SCREEN).status_code == 200
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(StaffGrant).values(ended_at=func.ruku_now()))

    assert client.get(SCREEN).status_code == 403


def test_a_grant_of_tomorrow_gives_nothing_today(console_app, committed_db, clock):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    with committed_db.owner.begin() as connection:  # when a grant begins is nobody's to change but the owner's
        connection.execute(update(StaffGrant).values(valid_from=func.ruku_now() + dt.timedelta(days=1)))
    assert client.get(SCREEN).status_code == 403

    clock.advance(days=2)

    assert client.get(SCREEN).status_code == 200


def test_an_unknown_host_is_refused(console):
    assert console.get("/login/", headers={"Host": "evil.example"}).status_code == 400
