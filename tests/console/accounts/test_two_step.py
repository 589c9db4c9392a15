"""The second step of signing in: a code that works once, recovery codes, who must have it, and what the state between the steps proves."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import pyotp
import pytest
from sqlalchemy import select

from config import TotpFor
from console import db
from console.accounts import two_factor
from console.accounts.models import StaffAccount
from console.audit import AuditEntry
from console.roles import Role
from tests.officers import PASSWORD, make_account, officer, post, sign_in, token

SCREEN = "/screens/offices/"


@pytest.fixture
def hands(monkeypatch):
    """Real time, moved by hand: `hands(seconds)`."""
    now = [dt.datetime(2026, 3, 2, 9, 0, 5, tzinfo=dt.UTC)]
    monkeypatch.setattr(two_factor, "real_now", lambda: now[0])

    def move(seconds: int) -> dt.datetime:
        now[0] += dt.timedelta(seconds=seconds)
        return now[0]

    return move


def code(secret: str, at: dt.datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def two_step_officer(committed_db, *roles, **where):
    """(username, secret, recovery codes) of somebody who has set it up."""
    staff_id, username = make_account(committed_db, *(roles or (Role.SUPERVISOR,)), **{"department": None, **where})
    with committed_db.as_worker(), db.transaction() as session:
        two_factor.begin(session, staff_id)
        secret = session.get_one(StaffAccount, staff_id).totp_secret
        recovery = two_factor.confirm(session, staff_id, pyotp.TOTP(secret).at(two_factor.real_now()))
    return username, secret, recovery


def acts(committed_db, begins="staff."):
    with committed_db.as_worker(), db.transaction() as session:
        return [e.action for e in session.scalars(select(AuditEntry).where(AuditEntry.action.startswith(begins)).order_by(AuditEntry.id))]


# ── the codes themselves ─────────────────────────────────────────────────────────────────────────────────────


def test_a_code_works_once_and_one_step_early_or_late(session, hands):
    from tests.console.accounts.test_grants import _staff

    staff_id = _staff(session).id
    two_factor.begin(session, staff_id)
    account = session.get_one(StaffAccount, staff_id)
    secret, now = account.totp_secret, hands(0)
    two_factor.confirm(session, staff_id, code(secret, now))

    def works(text):
        try:
            return two_factor.check(session, staff_id, text).by == "totp"
        except two_factor.WrongCode:
            return False

    assert not works(code(secret, now))  # the one that confirmed it
    assert not works(code(secret, now - dt.timedelta(seconds=30)))  # nor an older one, though it is within the skew
    assert works(code(secret, now + dt.timedelta(seconds=30)))
    assert not works(code(secret, now + dt.timedelta(seconds=30)))
    now = hands(90)
    assert [works(code(secret, now + dt.timedelta(seconds=s))) for s in (-60, 60)] == [False, False]
    first = code(secret, now)
    assert works(f" {first[:3]} {first[3:]} ") and not works("") and not works("12345") and not works("１２３４５６")


def test_recovery_codes_work_once_each_and_lie_here_as_hashes(session, hands):
    from tests.console.accounts.test_grants import _staff

    staff_id = _staff(session).id
    two_factor.begin(session, staff_id)
    account = session.get_one(StaffAccount, staff_id)
    codes = two_factor.confirm(session, staff_id, code(account.totp_secret, hands(0)))

    assert len(set(codes)) == 10 and not set(codes) & set(account.recovery_codes)
    assert two_factor.check(session, staff_id, codes[3].upper().replace("-", " ")) == two_factor.Passed("recovery", 9)
    with pytest.raises(two_factor.WrongCode):
        two_factor.check(session, staff_id, codes[3])
    renewed = two_factor.renew_recovery(session, staff_id)
    with pytest.raises(two_factor.WrongCode):
        two_factor.check(session, staff_id, codes[4])
    assert two_factor.check(session, staff_id, renewed[0]).left == 9


@pytest.mark.parametrize(("rule", "roles", "must"), [
    (TotpFor.EVERYONE, (), True), (TotpFor.NOBODY, (Role.PLATFORM_ADMIN,), False),
    (TotpFor.ADMINS, (Role.DEPARTMENT_ADMIN,), True), (TotpFor.ADMINS, (Role.PLATFORM_ADMIN, Role.SUPERVISOR), True),
    (TotpFor.ADMINS, (Role.SUPERVISOR, Role.RULE_PUBLISHER), False),
])  # fmt: skip
def test_who_must_use_it_is_a_setting(rule, roles, must):
    assert two_factor.required(rule, roles) is must


# ── at the door ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_password_alone_opens_nothing_but_the_second_step(console, committed_db, hands):
    username, secret, _ = two_step_officer(committed_db)

    answer = sign_in(console, username, next=SCREEN)

    assert (answer.status_code, answer.location) == (303, "/login/code/")
    assert console.get_cookie("ruku_console") is None
    assert console.get(SCREEN).status_code == 302
    assert console.get("/account/").status_code == 302
    answer = post(console, "/login/code/", code=code(secret, hands(30)))
    assert (answer.status_code, answer.location) == (303, SCREEN)
    assert console.get(SCREEN).status_code == 200
    assert console.get_cookie("ruku_console_guest") is None
    assert acts(committed_db)[-1] == "staff.signed_in"


def test_what_lies_between_the_steps_is_of_this_browser_this_password_and_five_minutes(console_app, committed_db, hands, monkeypatch):
    from console.accounts import doorway, session_rows, staff

    username, _, _ = two_step_officer(committed_db)
    client = console_app.test_client()
    sign_in(client, username)
    cookie = client.get_cookie("ruku_console_guest").value

    def opens(**headers):
        other = console_app.test_client()
        other.set_cookie("ruku_console_guest", cookie)
        return other.get("/login/code/", headers=headers).status_code == 200

    assert opens()
    assert not opens(**{"User-Agent": "another browser"})
    with monkeypatch.context() as later:
        now = session_rows.real_now()
        later.setattr(doorway, "real_now", lambda: now + dt.timedelta(minutes=6))
        assert not opens()
    with committed_db.as_worker(), db.transaction() as session:
        user = session.scalars(select(staff.User).where(staff.User.username == username)).one()
        staff.set_password(session, user, "another long horse")
    assert not opens()


def test_five_wrong_codes_close_the_second_step_and_are_audited(console, committed_db, hands):
    username, secret, _ = two_step_officer(committed_db)
    sign_in(console, username)

    answers = [post(console, "/login/code/", code="000000").status_code for _ in range(5)]
    assert answers == [422] * 5
    assert post(console, "/login/code/", code=code(secret, hands(30))).status_code == 429
    assert acts(committed_db)[-6:] == ["staff.sign_in_failed"] * 5 + ["staff.locked_out"]


def test_a_recovery_code_opens_and_says_how_many_are_left(console, committed_db, hands):
    username, _, recovery = two_step_officer(committed_db)
    sign_in(console, username)

    answer = post(console, "/login/code/", code=recovery[0])

    assert answer.status_code == 303
    assert "还剩 9 个" in console.get("/account/").get_data(as_text=True)


def test_who_must_and_has_not_is_led_to_set_it_up_and_can_do_nothing_else(console_app, committed_db, hands, monkeypatch):
    strict = dataclasses.replace(console_app.config["RUKU"], totp_for=TotpFor.ADMINS)
    monkeypatch.setitem(console_app.config, "RUKU", strict)
    client = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    free = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    assert free.get(SCREEN).status_code == 200

    for path in ("/", SCREEN, "/account/", "/password/"):
        assert client.get(path).location == "/account/two-step/", path
    page = client.get("/account/two-step/")
    assert "您的账号必须使用两步验证" in page.get_data(as_text=True)
    assert post(client, "/account/two-step/", act="begin").status_code == 303
    page = client.get("/account/two-step/").get_data(as_text=True)
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert "<svg" in page and client.get(SCREEN).status_code == 303
    assert post(client, "/account/two-step/", act="confirm", code="000000").status_code == 422
    page = post(client, "/account/two-step/", act="confirm", code=code(secret, hands(0)))

    assert len(re.findall(r'<li class="secret">', page.get_data(as_text=True))) == 10
    assert client.get(SCREEN).status_code == 200
    assert post(client, "/account/two-step/", act="off", password=PASSWORD).status_code == 422


def test_turning_it_on_ends_the_other_sessions_and_off_needs_the_password(console_app, committed_db, hands):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    here, there = console_app.test_client(), console_app.test_client()
    for client in (here, there):
        sign_in(client, username)
    post(here, "/account/two-step/", act="begin")
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', here.get("/account/two-step/").get_data(as_text=True))[1].replace(" ", "")
    post(here, "/account/two-step/", act="confirm", code=code(secret, hands(0)))

    assert there.get(SCREEN).status_code == 302
    assert "现在的密码不对" in post(here, "/account/two-step/", act="off", password="wrong").get_data(as_text=True)
    assert post(here, "/account/two-step/", act="off", password=PASSWORD).status_code == 303
    assert sign_in(there, username).location == "/"


# ── where one is signed in ───────────────────────────────────────────────────────────────────────────────────


def test_ones_own_sessions_are_listed_and_ended(console_app, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    other = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    agents = ("Mozilla/5.0 (Windows NT 10.0) Chrome/130", "Mozilla/5.0 (Android 15) Firefox/132", "Mozilla/5.0 (iPhone) Safari/600")
    clients = []
    for agent in agents:
        client = console_app.test_client()
        client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": "10.12.3.77"}
        sign_in(client, username)
        clients.append(client)
    page = clients[0].get("/account/").get_data(as_text=True)
    found = re.findall(r'<b>(\S+ · \w+)</b>', page)
    assert sorted(found) == ["Windows · Chrome", "iPhone · Safari", "安卓手机 · Firefox"] and found[0] == "Windows · Chrome"
    assert "10.12.3.*" in page and "10.12.3.77" not in page
    keys = re.findall(r'name="session" value="(\w{16})"', page)

    def end(client, which):
        return client.post("/account/sessions/end", data={"csrf_token": token(client.get("/account/")), "session": which}).status_code

    assert [end(other, keys[0]), end(other, ""), end(other, "%" * 16), end(clients[0], "others%")] == [404] * 4
    assert end(clients[0], keys[0]) == 303
    assert sorted(client.get(SCREEN).status_code for client in clients) == [200, 200, 302]
    assert end(clients[0], "others") == 303
    assert [client.get(SCREEN).status_code for client in (*clients, other)] == [200, 302, 302, 200]


def test_a_grant_that_ends_takes_its_holders_sessions_along(console_app, committed_db):
    from console.accounts import grants
    from console.accounts.models import StaffGrant
    from console.scope import System

    client = officer(console_app, committed_db, Role.SUPERVISOR, Role.OPERATOR, department=None)
    assert client.get(SCREEN).status_code == 200
    with committed_db.as_worker(), db.transaction() as session:
        grant = session.scalars(select(StaffGrant).where(StaffGrant.role == "operator")).one()
        grants.end_grant(session, grant, reason="调岗", actor=System("test"))

    assert client.get(SCREEN).location.startswith("/login/")
    assert "staff.sessions_ended" in acts(committed_db)


def test_signing_in_gives_a_fresh_token_whatever_the_browser_brought(console_app, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    client = console_app.test_client()
    client.set_cookie("ruku_console", "planted-by-somebody-else")
    sign_in(client, username)
    assert client.get_cookie("ruku_console").value != "planted-by-somebody-else"
    first = client.get_cookie("ruku_console").value
    client.post("/logout/", data={"csrf_token": token(client.get("/account/"))})
    sign_in(client, username)
    assert client.get_cookie("ruku_console").value != first


def test_failures_are_audited_by_a_keyed_hash_of_what_was_typed(console, committed_db):
    for _ in range(5):
        sign_in(console, "my-password-by-mistake", "x")
    assert sign_in(console, "my-password-by-mistake", "x").status_code == 429

    with committed_db.as_worker(), db.transaction() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.subject.startswith("sign_in:"))).all()
    assert [e.action for e in found] == ["staff.sign_in_failed"] * 5 + ["staff.locked_out"]
    assert len({e.subject for e in found}) == 1 and "mistake" not in "".join(e.body for e in found)
