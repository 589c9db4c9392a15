"""Signing in at the authority's own provider, against one that really answers and really signs."""

from __future__ import annotations

import dataclasses
import time

import pytest
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select

from console import db
from console.accounts import oidc, staff
from console.accounts.models import StaffAccount
from console.roles import Role
from tests.console.accounts.provider import CLIENT, SECRET, LocalProvider
from tests.console.accounts.test_two_step import two_step_officer
from tests.officers import PASSWORD, make_account, officer, post, sign_in

SCREEN = "/screens/offices/"


@pytest.fixture(scope="module")
def running():
    provider = LocalProvider()
    with provider.open():
        yield provider


@pytest.fixture
def provider(running, console_app, committed_db, monkeypatch):
    """The provider as this test finds it: honest, and known to the console."""
    running.claims, running.algorithm, running.person = {}, "RS256", "officer-77"
    running.key, running.known = running.known[0], running.known[:1]
    settings = dataclasses.replace(
        console_app.config["RUKU"], oidc_issuer=running.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_name="内网认证"
    )
    monkeypatch.setitem(console_app.config, "RUKU", settings)
    monkeypatch.setitem(console_app.extensions, "provider", oidc.from_settings(settings))
    return running


def bound(committed_db, subject="officer-77", username=None):
    """Bind somebody to a subject; their user name."""
    if username is None:
        _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    with committed_db.as_worker(), db.transaction() as session:
        user = session.scalars(select(staff.User).where(staff.User.username == username)).one()
        session.get_one(StaffAccount, user.id).oidc_subject = subject
    return username


def come(client, provider, target=SCREEN, change=lambda path: path):
    """Go to the provider and come back; the last answer."""
    answer = client.get(f"/login/provider/?next={target}")
    assert answer.status_code == 303 and answer.location.startswith(provider.issuer)
    return client.get(change(provider.visit(answer.location)))


def test_a_bound_person_comes_in_and_back_to_where_they_wanted(console, provider, committed_db):
    bound(committed_db)
    assert "用“内网认证”登录" in console.get("/login/").get_data(as_text=True)

    answer = come(console, provider)

    assert (answer.status_code, answer.location) == (303, SCREEN)
    assert console.get(SCREEN).status_code == 200
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        console.delete_cookie("ruku_console")
        assert come(console, provider, target).location == "/"


def test_somebody_unknown_here_gets_a_clear_page_and_no_account(console, provider, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        before = session.scalars(select(staff.User.id)).all()

    answer = come(console, provider)

    assert answer.status_code == 403 and "没有与之绑定的账号" in answer.get_data(as_text=True)
    assert console.get(SCREEN).status_code == 302
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(staff.User.id)).all() == before


def test_every_lie_is_refused(console_app, provider, committed_db):
    bound(committed_db)
    forged, symmetric = RSAKey.generate_key(2048, {"kid": "k1"}), OctKey.import_key(SECRET * 2, {"kid": "k1"})
    now = int(time.time())
    lies = {
        "wrong signature": {"key": forged}, "our secret as key": {"key": symmetric, "algorithm": "HS256"},
        "wrong nonce": {"claims": {"nonce": "another"}}, "no nonce": {"claims": {"nonce": None}},
        "wrong audience": {"claims": {"aud": "somebody-else"}}, "for several": {"claims": {"aud": [CLIENT, "other"]}},
        "foreign issuer": {"claims": {"iss": "https://evil.example"}}, "no issuer": {"claims": {"iss": None}},
        "expired": {"claims": {"exp": now - 120}}, "no end": {"claims": {"exp": None}}, "of tomorrow": {"claims": {"iat": now + 86_400}},
        "nobody": {"claims": {"sub": ""}}, "no subject": {"claims": {"sub": None}}, "a number": {"claims": {"sub": 77}},
    }  # fmt: skip
    let_in = []
    for lie, changed in lies.items():
        provider.key, provider.claims, provider.algorithm = provider.known[0], {}, "RS256"
        for name, value in changed.items():
            setattr(provider, name, value)
        client = console_app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"10.0.0.{len(let_in)}"
        answer = come(client, provider)
        if answer.status_code != 401 or client.get(SCREEN).status_code != 302:
            let_in.append((lie, answer.status_code))
    assert let_in == []
    provider.key, provider.claims, provider.algorithm = provider.known[0], {"aud": [CLIENT, "other"], "azp": CLIENT}, "RS256"
    assert come(console_app.test_client(), provider).status_code == 303


def test_an_answer_works_once_in_the_browser_that_asked(console_app, provider, committed_db):
    bound(committed_db)
    mine, thief = console_app.test_client(), console_app.test_client()
    path = provider.visit(mine.get("/login/provider/").location)
    kept = mine.get_cookie("ruku_console_guest").value

    assert thief.get(path).status_code == 401  # another browser: no state
    assert come(thief, provider, change=lambda own: path).status_code == 401  # another's answer for one's own state
    assert mine.get(path.replace("iss=", "iss=x")).status_code == 401  # an issuer mixed up; and the state is used up by it
    assert mine.get(path).status_code == 401
    again = console_app.test_client()
    assert come(again, provider).status_code == 303
    path = provider.visit(thief.get("/login/provider/").location)
    kept = thief.get_cookie("ruku_console_guest").value
    assert thief.get(path).status_code == 303
    replay = console_app.test_client()
    replay.set_cookie("ruku_console_guest", kept)
    assert replay.get(path).status_code == 401  # the provider takes no code twice


def test_changed_keys_are_read_again_and_a_provider_that_is_away_says_so(console_app, provider, committed_db, monkeypatch):
    bound(committed_db)
    assert come(console_app.test_client(), provider).status_code == 303
    provider.known.append(RSAKey.generate_key(2048, {"kid": "k2"}))
    provider.key = provider.known[1]
    assert come(console_app.test_client(), provider).status_code == 401  # read a moment ago: nobody makes us ask again and again
    console_app.extensions["provider"]._keys_at -= 100
    assert come(console_app.test_client(), provider).status_code == 303

    gone = LocalProvider()
    gone.server.server_close()
    settings = dataclasses.replace(console_app.config["RUKU"], oidc_issuer=gone.issuer)
    monkeypatch.setitem(console_app.extensions, "provider", oidc.from_settings(settings))
    answer = console_app.test_client().get("/login/provider/")
    assert answer.status_code == 503 and "用用户名和密码登录" in answer.get_data(as_text=True)


def test_our_second_step_is_asked_unless_the_provider_had_one(console_app, provider, committed_db):
    username, _, _ = two_step_officer(committed_db)
    bound(committed_db, username=username)

    assert come(console_app.test_client(), provider).location == "/login/code/"
    provider.claims = {"amr": ["pwd", "mfa"]}
    assert come(console_app.test_client(), provider).location == SCREEN


def test_one_binds_ones_own_account_after_the_password(console_app, provider, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    assert come(client, provider).location == "/login/provider/bind"
    assert "officer-77" in client.get("/login/provider/bind").get_data(as_text=True)
    assert post(client, "/login/provider/bind", act="bind", password="wrong").status_code == 422
    assert post(client, "/login/provider/bind", act="bind", password=PASSWORD).status_code == 303
    assert come(console_app.test_client(), provider).status_code == 303
    other = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    come(other, provider)
    assert post(other, "/login/provider/bind", act="bind", password=PASSWORD).status_code == 409
    assert post(client, "/login/provider/bind", act="free", password=PASSWORD).status_code == 303
    assert come(console_app.test_client(), provider).status_code == 403


def test_an_administrator_binds_somebody_and_their_sessions_end(console_app, provider, committed_db):
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN)
    staff_id, username = make_account(committed_db, Role.FIRST_REVIEWER)
    client = console_app.test_client()
    sign_in(client, username)

    assert post(admin, f"/people/{staff_id}/identity", subject="officer-77", reason="人事处提供").status_code == 303

    assert client.get("/account/").status_code == 302
    assert come(client, provider, "/account/").location == "/account/"


def test_without_a_provider_there_is_no_such_page(console, committed_db):
    assert [console.get(path).status_code for path in ("/login/provider/", "/login/provider/back?state=x&code=y")] == [404, 404]
