"""Access tokens: what a machine may with one, and everything that ends it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select

from console import db
from console.accounts import (
    access_tokens,
    access_tokens_door,
    gate,
    grants,
    leaving,
    links,
    my_account,
    session_rows,
    staff,
    two_factor,
)
from console.accounts.attempts import Limit
from console.accounts.models import AccessToken, StaffAccount, StaffGrant
from console.audit import AuditEntry
from console.roles import Role
from console.scope import System
from tests.officers import PASSWORD, begin_session, make_account, officer, token

HOHHOT = "150100"


def _make(client, **form):
    page = client.get("/account/tokens/")
    answer = client.post("/account/tokens/", data={"csrf_token": token(page), "title": "每日对账", "access": "read", "days": "30"} | form)
    return answer, re.search(r'id="token">(ruku_[^<]+)<', answer.get_data(as_text=True))


def _token(client, **form):
    answer, found = _make(client, **form)
    assert found, (answer.status_code, answer.get_data(as_text=True)[-1500:])
    return found.group(1)


class Machine:
    """A program with a token and no cookies."""

    def __init__(self, app, words):
        self.client, self.words = app.test_client(use_cookies=False), words

    def __call__(self, path, method="GET", **more):
        headers = {"Authorization": f"Bearer {self.words}", "Accept-Language": "zh-CN"} | more.pop("headers", {})
        return self.client.open(f"/api/v1/{path}", method=method, headers=headers, **more)


@pytest.fixture
def account(committed_db):
    return make_account(committed_db, Role.SUPERVISOR, department="transport", division=HOHHOT)


@pytest.fixture
def client(console_app, account):
    return begin_session(console_app, account[0])


@pytest.fixture
def machine(console_app, client):
    return Machine(console_app, _token(client))


@pytest.fixture
def statements(committed_db) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, many):
        seen.append(statement)

    event.listen(committed_db.web, "before_cursor_execute", note)
    yield seen
    event.remove(committed_db.web, "before_cursor_execute", note)


def _rows(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(AccessToken).order_by(AccessToken.id)).all()


def _acts(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("token.")).order_by(AuditEntry.id))
        return [(entry.action, entry.who, entry.facts.get("reason")) for entry in found]


# ── making and showing ───────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_shown_once_and_kept_as_a_fingerprint(client, machine, committed_db):
    (row,) = _rows(committed_db)

    assert row.token_hash == access_tokens.fingerprint(machine.words) and machine.words not in str(vars(row))
    page = client.get("/account/tokens/").get_data(as_text=True)
    assert "每日对账" in page and "还没有用过" in page and machine.words not in page


def test_making_first_use_and_revoking_are_audited_and_shown(client, machine, committed_db, account):
    assert [machine("offices").status_code for _ in range(2)] == [200, 200]
    page = client.get("/account/tokens/")
    assert "最近使用" in page.get_data(as_text=True) and "127.0.0.*" in page.get_data(as_text=True)
    (row,) = _rows(committed_db)
    assert client.post(f"/account/tokens/{row.id}/revoke", data={"csrf_token": token(page)}).status_code == 303

    assert machine("offices").status_code == 401
    who = f"staff:{account[0]}"
    assert _acts(committed_db) == [("token.made", who, None), ("token.first_used", who, None), ("token.ended", who, "own_wish")]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [({"title": " x "}, "请写明这个令牌给谁用"), ({"days": "91"}, "有效期是 1 到 90 天"), ({"days": "0"}, "有效期"), ({"days": "-1"}, "有效期"),
     ({"days": "9" * 30}, "有效期"), ({"only": "y", "screens": "recusals-of-all"}, "没有这些表")],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_made(client, committed_db, form, sentence):
    answer, found = _make(client, **form)

    assert (answer.status_code, found, _rows(committed_db)) == (422, None, [])
    assert sentence in answer.get_data(as_text=True)


def test_some_time_after_signing_in_the_password_is_asked(console_app, committed_db, account, monkeypatch):
    monkeypatch.setattr(my_account, "FRESH", dt.timedelta(0))
    client = begin_session(console_app, account[0])

    wrong, none = _make(client, password="wrong-horse-9")
    assert none is None and wrong.status_code in (400, 403, 422) and _rows(committed_db) == []
    assert _token(client, password=PASSWORD)


def test_nobody_revokes_anothers(console_app, machine, committed_db):
    (row,) = _rows(committed_db)
    other = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    page = other.get("/account/tokens/")

    assert other.post(f"/account/tokens/{row.id}/revoke", data={"csrf_token": token(page)}).status_code == 404
    assert machine("offices").status_code == 200


# ── what it may ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_sees_what_its_owner_sees(machine, client):
    for screen in ("offices", "staff", "grants"):
        assert machine(screen).json["items"] == client.get(f"/api/v1/{screen}").json["items"], screen


def test_a_token_opens_no_page_and_no_cookie_helps_it(machine, client, console_app):
    alone = console_app.test_client(use_cookies=False)
    for path in ("/screens/offices/", "/account/", "/account/tokens/", "/api/v1/docs", "/ops/"):
        assert alone.get(path, headers={"Authorization": f"Bearer {machine.words}"}).status_code in (302, 303), path
    # with a good cookie beside it, a bad token is a bad token
    assert client.get("/api/v1/offices", headers={"Authorization": "Bearer ruku_" + "x" * 43}).status_code == 401
    assert client.get("/api/v1/offices", headers={"Authorization": "Basic eDp5"}).status_code == 401


@pytest.mark.parametrize("words", ["", "x", "ruku_", "ruku_" + "é" * 43, "ruku_" + "a" * 43, "ruku_" + "a" * 5000, "%00" * 43])
def test_what_is_no_token_of_ours_is_answered_like_none(console_app, committed_db, words):
    answer = Machine(console_app, words)("offices", headers={"Authorization": f"Bearer {words}".encode().decode("latin-1")})

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_for_some_screens_opens_no_other(console_app, client):
    machine = Machine(console_app, _token(client, only="y", screens="offices"))

    assert [machine(path).status_code for path in ("offices", "offices/1", "divisions", "staff")] == [200, 200, 403, 403]
    assert [screen["name"] for screen in machine("").json["screens"]] == ["offices"]
    assert {tag["name"] for tag in machine("openapi.json").json["tags"]} == {"offices"}


def test_a_reading_token_writes_nothing(console_app, committed_db):
    holder = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    reading, writing = (Machine(console_app, _token(holder, access=access)) for access in ("read", "write"))
    (grant_id,) = [row["_key"] for row in reading("grants").json["items"]][:1]

    answer = reading(f"grants/{grant_id}/actions/end_grant", "POST", json={"reason": "调离原岗位"})
    assert (answer.status_code, answer.json["detail"][:8]) == (403, "这个令牌只能读。")
    assert writing(f"grants/{grant_id}/actions/end_grant", "POST", json={}).status_code == 422  # it got as far as the question


def test_the_rate_is_counted_for_each_token(console_app, client, monkeypatch, redis):
    monkeypatch.setattr(access_tokens_door, "PACE", Limit(times=2, seconds=60))
    one, other = (Machine(console_app, _token(client, title=f"程序 {n}")) for n in (1, 2))

    assert [one("offices?size=1").status_code for _ in range(3)] == [200, 200, 429]
    assert 0 < int(one("offices").headers["Retry-After"]) <= 60
    assert other("offices?size=1").status_code == 200


# ── what ends it ─────────────────────────────────────────────────────────────────────────────────────────────



def _leave(session, staff_id):
    leaving.leave(session, session.get_one(StaffAccount, staff_id), reason="调离原岗位", successor_id=None, actor=System("test"))


def _reset_password(session, staff_id):
    links.make(session, staff_id, links.Purpose.RESET)


def _own_password(session, staff_id):
    staff.change_password(session, staff_id, old=PASSWORD, new="another-horse-9")
    session_rows.end_of(session, staff_id, why="password_changed")


def _reset_second_step(session, staff_id):
    account = session.get_one(StaffAccount, staff_id)
    account.totp_confirmed_at, account.totp_secret = session_rows.real_now(), "JBSWY3DPEHPK3PXP"
    two_factor.reset(session, account, reason="手机丢失")


@pytest.mark.parametrize("end", [_leave, _reset_password, _own_password, _reset_second_step])
def test_a_token_ends_with_the_certainty_whose_it_is(machine, committed_db, account, end):
    assert machine("offices").status_code == 200
    with committed_db.as_worker("test"), db.transaction() as session:
        end(session, account[0])

    assert machine("offices").status_code == 401
    (row,) = _rows(committed_db)
    assert row.ended_at is not None and row.ended_why in session_rows.ENDS_TOKENS


def test_a_token_that_ran_out_is_over(machine, committed_db, account):
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE access_token SET created_at = created_at - interval '31 days', expires_at = expires_at - interval '31 days'")

    assert machine("offices").status_code == 401


def test_a_token_of_somebody_without_grants_opens_nothing(machine, committed_db, account):
    with committed_db.as_worker("test"), db.transaction() as session:
        (grant,) = session.scalars(select(StaffGrant).where(StaffGrant.staff_id == account[0]))
        grants.end_grant(session, grant, reason="调离原岗位", actor=System("test"))

    assert [machine(path).status_code for path in ("offices", "staff/1")] == [403, 403]
    assert machine("").json["screens"] == []


def test_whoever_must_use_a_second_step_made_their_token_behind_one(console_app, committed_db, monkeypatch):
    admin = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    machine = Machine(console_app, _token(admin))
    assert machine("offices").status_code == 200
    monkeypatch.setattr(gate.two_factor, "required", lambda rule, roles: True)

    answer = machine("offices")
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json") and "两步验证" in answer.json["detail"]
    assert admin.get("/account/tokens/").status_code == 303


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_costs_no_more_than_a_session(machine, client, statements):
    machine("offices")  # the first use is written down
    counts = {}
    for who, ask in (("machine", lambda path: machine(path)), ("session", lambda path: client.get(f"/api/v1/{path}"))):
        for path in ("offices", "offices/1"):
            ask(path)
            statements.clear()
            assert ask(path).status_code == 200
            counts[who, path] = len(statements)

    assert counts["machine", "offices"] == counts["session", "offices"] <= 4
    assert counts["machine", "offices/1"] == counts["session", "offices/1"] <= 4
