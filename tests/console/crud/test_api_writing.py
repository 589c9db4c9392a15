"""What machines write: the page's own form and audit behind strict JSON, an access token in front of it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from console import db
from console.accounts import access_tokens
from console.accounts.models import StaffGrant
from console.audit import AuditEntry
from console.roles import Role
from tests.console.crud.trial import DONE
from tests.officers import make_account, token

ROW = {
    "staff_id": 1, "role": "operator", "department": "2", "division": {"_key": "150100", "name": "呼和浩特市"}, "valid_from": "2026-01-01T08:30:00+08:00",
    "reason": "因公", "granted_by": "test", "granted_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def ask(app, admin, committed_db):
    """A machine with a token of the admin, who may do everything with the two screens."""
    with committed_db.as_worker("test"), db.transaction() as session:
        person = session.scalars(select(StaffGrant.staff_id).order_by(StaffGrant.id.desc())).first()
        _row, words = access_tokens.make(session, person, title="报数程序", writes=True, days=1, screens=(), allowed=(), second_step=True)
    client = app.test_client(use_cookies=False)

    def send(method, path, body=None, **headers):
        kind = headers.pop("Content_Type", "application/json")
        sent = {"data": body, "content_type": kind} if isinstance(body, str | bytes) else {"json": body} if body is not None else {}
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.open(f"/api/v1/{path}", method=method, headers={"Authorization": f"Bearer {words}", "Accept-Language": "zh"} | headers, **sent)

    return send


def _grants(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(StaffGrant).order_by(StaffGrant.id)).all()


def _acts(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("t-grants")).order_by(AuditEntry.id)).all()
        return [(entry.action.removeprefix("t-grants."), entry.who.split(":")[0], entry.facts.get("changes")) for entry in found]


def _wrong(answer):
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    return answer.status_code, {error["field"]: error["message"] for error in answer.json.get("errors", ())}


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_added_as_by_the_form(ask, committed_db):
    answer = ask("POST", "t-grants", ROW)

    assert answer.status_code == 201, answer.get_data(as_text=True)
    assert ask("GET", answer.headers["Location"].partition("/api/v1/")[2]).json == answer.json
    assert (answer.json["role"], answer.json["role_words"], answer.json["department"]["_key"]) == ("operator", "运维员", "2")
    assert answer.json["valid_from"] == "2026-01-01T08:30:00+08:00" and answer.json["granted_at"] == "2026-01-01T08:00:00+08:00"
    new = _grants(committed_db)[-1]
    assert (new.staff_id, new.division_code, new.reason, new.valid_to) == (1, "150100", "因公", None)
    assert [act[:2] for act in _acts(committed_db)] == [("added", "staff")]


def _without(name):
    return {key: value for key, value in ROW.items() if key != name}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"staff_id", "role", "division", "valid_from", "reason", "granted_by", "granted_at"}),
        (_without("reason"), {"reason"}),
        (ROW | {"reason": ""}, {"reason"}),
        (ROW | {"reason": None}, {"reason"}),
        (ROW | {"reason": ["因公"]}, {"reason"}),
        (ROW | {"staff_id": "1"}, {"staff_id"}),
        (ROW | {"staff_id": True}, {"staff_id"}),
        (ROW | {"staff_id": 1.5}, {"staff_id"}),
        (ROW | {"role": "platform_admin"}, {"role"}),
        (ROW | {"department": "999"}, {"department"}),
        (ROW | {"department": {"name": "x"}}, {"department"}),
        (ROW | {"department": [2]}, {"department"}),
        (ROW | {"valid_from": "2026-01-01T08:30:00"}, {"valid_from"}),
        (ROW | {"valid_from": "soon", "granted_at": 5}, {"valid_from", "granted_at"}),
        (ROW | {"granted_by": "x" * 200}, {"granted_by"}),
    ],
)  # fmt: skip
def test_what_the_form_would_refuse_is_refused_at_its_field(ask, committed_db, body, fields):
    before = len(_grants(committed_db))
    status, errors = _wrong(ask("POST", "t-grants", body))

    assert (status, set(errors)) == (422, fields)
    assert all(errors.values()) and len(_grants(committed_db)) == before and _acts(committed_db) == []


@pytest.mark.parametrize("extra", ["id", "_key", "valid_to", "under_grant_id", "ended_at", "office_id", "__class__", "csrf_token", "metadata"])
def test_no_column_is_written_that_the_screen_does_not_offer(ask, committed_db, extra):
    status, errors = _wrong(ask("POST", "t-grants", ROW | {extra: "1"}))

    assert (status, list(errors)) == (422, [extra])
    assert len(_grants(committed_db)) == 1


def test_a_wrong_name_is_told_with_the_nearest(ask):
    assert _wrong(ask("POST", "t-grants", _without("reason") | {"reson": "因公"})) == (422, {"reson": "没有“reson”这一项。您是不是要写“reason”？"})


def test_what_a_hook_refuses_is_told(ask, committed_db):
    answer = ask("POST", "t-grants", ROW | {"reason": "refuse"})

    assert _wrong(answer)[0] == 409 and answer.json["detail"] == "测试：refuse 不能保存。"
    assert len(_grants(committed_db)) == 1


def test_what_the_database_refuses_stands_at_its_field(ask, committed_db):
    status, errors = _wrong(ask("POST", "t-grants", ROW | {"staff_id": 999_999}))

    assert status in (409, 422) and (status == 409 or set(errors) == {"staff_id"})
    assert len(_grants(committed_db)) == 1


HOSTILE = {
    "empty": ("", 415), "not json": ("{", 400), "list": ("[]", 400), "text": ('"x"', 400), "number": ("1", 400), "null": ("null", 400),
    "twice": ('{"reason": "a", "reason": "b"}', 400), "NaN": ('{"staff_id": NaN}', 400), "infinity": ('{"staff_id": -Infinity}', 400),
    "deep": ('{"a":' * 2_000 + "1" + "}" * 2_000, 400), "deep lists": ("[" * 100_000, 400), "long number": ('{"staff_id": ' + "9" * 5_000 + "}", 400),
    "latin": (json.dumps({"reason": "é"}, ensure_ascii=False).encode("latin-1"), 415), "gb": ('{"reason": "因公"}'.encode("gb18030"), 415),
    "big": ('{"reason": "' + "x" * (2 * 1024 * 1024) + '"}', 413), "trailing": ("{} {}", 400), "nul": ('{"reason": "\\u0000"}', 422),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_cannot_be_read_is_told_and_nothing_is_done(ask, committed_db, name):
    body, status = HOSTILE[name]
    if name == "empty":
        answer = ask("POST", "t-grants")
    elif name == "nul":
        answer = ask("POST", "t-grants", json.dumps(ROW | {"reason": "\0"}))
    else:
        answer = ask("POST", "t-grants", body)

    assert _wrong(answer)[0] == status, answer.get_data(as_text=True)
    assert len(_grants(committed_db)) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=gbk", ""])
def test_another_kind_of_body_is_refused(ask, committed_db, kind):
    answer = ask("POST", "t-grants", json.dumps(ROW), Content_Type=kind)

    assert _wrong(answer)[0] == 415 and len(_grants(committed_db)) == 1


# ── changing and deleting ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def row(ask):
    """(address, ETag) of a row just added."""
    answer = ask("POST", "t-grants", ROW)
    return answer.headers["Location"].partition("/api/v1/")[2], answer.headers["ETag"]


def test_only_the_sent_field_changes(ask, row, committed_db):
    address, etag = row
    before = _grants(committed_db)[-1]
    answer = ask("PATCH", address, {"reason": "换岗"}, If_Match=etag)

    assert answer.status_code == 200 and answer.json["reason"] == "换岗" and answer.headers["ETag"] != etag
    after = _grants(committed_db)[-1]
    assert (after.department_id, after.valid_from, after.role) == (before.department_id, before.valid_from, before.role)
    assert _acts(committed_db)[-1] == ("changed", "staff", {"reason": ["因公", "换岗"]})


def test_a_relation_is_emptied_and_set_by_its_key(ask, row, committed_db):
    address, etag = row
    answer = ask("PATCH", address, {"department": None}, If_Match=etag)
    assert (answer.status_code, answer.json["department"]) == (200, None)
    answer = ask("PATCH", address, {"department": 3}, If_Match=answer.headers["ETag"])
    assert answer.json["department"]["_key"] == "3"


def test_without_the_state_one_has_seen_nothing_is_changed(ask, row, committed_db):
    address, _etag = row
    for method, body in (("PATCH", {"reason": "换岗"}), ("DELETE", None)):
        for headers in ({}, {"If_Match": "*"}, {"If_Match": ""}):
            assert _wrong(ask(method, address, body, **headers))[0] == 428, (method, headers)
        assert _wrong(ask(method, address, body, If_Match='"0123456789ab"'))[0] == 412
    assert _grants(committed_db)[-1].reason == "因公"


def test_whoever_comes_second_is_told_so(ask, admin, row):
    address, etag = row
    page = admin.get(f"/screens/{address}/edit")
    assert ask("PATCH", address, {"reason": "第一个"}, If_Match=etag).status_code == 200

    assert _wrong(ask("PATCH", address, {"reason": "第二个"}, If_Match=etag))[0] == 412
    assert ask("GET", address).json["reason"] == "第一个"
    late = admin.post(f"/screens/{address}/edit", data={"csrf_token": token(page), "reason": "页面上的", "department": "2"})
    assert late.status_code == 409  # and so is a page that was opened before


@pytest.mark.parametrize("body", [{"staff_id": 2}, {"id": 5}, {"valid_to": None}, {"reason": "x", "role": "operator"}])
def test_a_field_that_may_only_be_given_once_is_refused(ask, row, committed_db, body):
    address, etag = row
    assert _wrong(ask("PATCH", address, body, If_Match=etag))[0] == 422
    assert _grants(committed_db)[-1].reason == "因公"


def test_a_row_is_deleted_as_it_was_read(ask, row, committed_db):
    address, etag = row
    refused = ask("DELETE", address, If_Match=etag)  # the database has not given the right
    assert _wrong(refused)[0] == 403 and len(_grants(committed_db)) == 2
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql("GRANT DELETE ON staff_grant TO ruku_app")
        connection.exec_driver_sql("CREATE POLICY scope_delete ON staff_grant FOR DELETE TO ruku_app USING (true)")
    assert ask("DELETE", address, If_Match=etag).status_code == 204
    assert ask("GET", address).status_code == 404
    assert _acts(committed_db)[-1][:2] == ("deleted", "staff") and len(_grants(committed_db)) == 1


def test_a_row_that_is_not_there_is_not_changed(ask):
    for method, body in (("PATCH", {"reason": "x"}), ("DELETE", None)):
        for key in ("999999", "x", "1~2", "-1"):
            assert _wrong(ask(method, f"t-grants/{key}", body, If_Match='"x"'))[0] == 404


# ── actions, and what is not declared ────────────────────────────────────────────────────────────────────────


def test_an_action_is_done_by_its_service_with_its_answers(ask, row):
    address, etag = row
    DONE.clear()
    assert _wrong(ask("POST", f"{address}/actions/mark", {}))[1].keys() == {"why"}
    assert _wrong(ask("POST", f"{address}/actions/mark", {"why": " "}))[0] == 422
    assert _wrong(ask("POST", f"{address}/actions/mark", {"why": "因此", "sure": "yes"}))[0] == 422
    assert _wrong(ask("POST", f"{address}/actions/mark", {"why": "因此"}, If_Match='"x"'))[0] == 412
    assert _wrong(ask("POST", f"{address}/actions/nothing", {"why": "因此"}))[0] == 404
    assert DONE == []

    answer = ask("POST", f"{address}/actions/mark", {"why": "因此"}, If_Match=etag)
    assert (answer.status_code, answer.json) == (200, {"done": "标好了"}) and len(DONE) == 1
    past = ask("GET", f"{address}/history").json
    assert [one["act"] for one in past["items"]] == ["新增"] and past["next"] is None


def test_a_screen_that_declares_no_form_has_no_method_that_writes(ask):
    for method, path in (("POST", "t-offices"), ("PATCH", "t-offices/1"), ("DELETE", "t-offices/1"), ("PUT", "t-offices/1"), ("DELETE", "t-offices")):
        answer = ask(method, path, {})
        assert _wrong(answer)[0] == 405 and "GET" in answer.headers["Allow"], (method, path)


def test_a_browser_needs_its_form_token(admin, committed_db):
    csrf = token(admin.get("/screens/t-grants/add"))
    refused = admin.post("/api/v1/t-grants", json=ROW)
    assert _wrong(refused)[0] == 400 and "X-CSRFToken" in refused.json["detail"]

    assert admin.post("/api/v1/t-grants", json=ROW, headers={"X-CSRFToken": csrf}).status_code == 201
    assert len(_grants(committed_db)) == 2


def test_a_form_of_another_site_writes_nothing(admin, committed_db):
    answer = admin.post("/api/v1/t-grants", data={"csrf_token": "x", **{name: str(value) for name, value in ROW.items()}})
    assert _wrong(answer)[0] == 400 and len(_grants(committed_db)) == 1


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


def test_reading_and_writing_stay_small(ask, row, committed_db, statements):
    address, etag = row
    for _ in range(3):
        make_account(committed_db, Role.OPERATOR, department="water")
    counts = {}
    for name, call in {
        "list": lambda: ask("GET", "t-grants"), "detail": lambda: ask("GET", address), "options": lambda: ask("GET", "t-grants/options/department"),
        "change": lambda: ask("PATCH", address, {"reason": "换岗"}, If_Match=etag), "history": lambda: ask("GET", f"{address}/history"),
    }.items():  # fmt: skip
        statements.clear()
        assert call().status_code == 200
        counts[name] = len(statements)

    assert counts["list"] <= 4 and counts["detail"] <= 4 and counts["options"] <= 4 and counts["history"] <= 5, counts
    assert counts["change"] <= 9, statements
