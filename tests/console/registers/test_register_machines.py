"""A register's rows for programs: entered, changed and moved by the room's services, and described as they are."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from console import db
from console.accounts import access_tokens
from console.roles import Role
from tests.officers import make_account


@pytest.fixture
def person(committed_db):
    return make_account(committed_db, Role.COORDINATOR, department="transport")[0]


@pytest.fixture
def ask(console_app, committed_db, person):
    with committed_db.as_worker("test"), db.transaction() as session:
        _row, words = access_tokens.make(session, person, title="督办系统", writes=True, days=1, screens=(), allowed=(), second_step=True)
    client = console_app.test_client(use_cookies=False)

    def send(method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {words}", "Accept-Language": "zh"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return client.open(f"/api/v1/{path}", method=method, headers=headers, json=body)

    return send


def _task(person, **more):
    department = "transport"
    return {
        "title": "核查业绩材料", "urgency": "urgent", "lead": person, "lead_department": department, "begins_on": "2026-03-02", "deadline": "2026-03-20",
        "progress": [{"noted_on": "2026-01-05", "note": "已布置"}],
    } | more  # fmt: skip


def test_a_row_is_entered_changed_and_moved(ask, person):
    added = ask("POST", "centre-tasks", _task(person))
    assert added.status_code == 201, added.get_data(as_text=True)
    address = added.headers["Location"].partition("/api/v1/")[2]
    row = ask("GET", address).json
    assert (row["title"], row["urgency_words"], row["deadline"], row["state"]) == ("核查业绩材料", "急", "2026-03-20", "open")
    assert row["lead"]["name"] and row["state_words"] == "未开始"

    changed = ask("PATCH", address, {"result": "全部核对完毕"}, If_Match=added.headers["ETag"])
    assert changed.status_code == 200 and changed.json["title"] == "核查业绩材料"
    assert ask("PATCH", address, {"result": "另一个结果"}, If_Match=added.headers["ETag"]).status_code == 412
    assert ask("POST", f"{address}/actions/move_finish", {}).status_code == 200
    assert ask("GET", address).json["state"] == "done"
    assert ask("POST", f"{address}/actions/move_begin", {}).status_code == 409  # no move from here
    assert len(ask("GET", f"{address}/history").json["items"]) >= 2


@pytest.mark.parametrize(
    ("change", "field"),
    [({"urgency": "later"}, "urgency"), ({"lead": 999_999}, "lead"), ({"deadline": "2026-02-30"}, "deadline"), ({"title": ""}, "title"),
     ({"state": "confirmed"}, "state"), ({"entered_by": "x"}, "entered_by"), ({"papers": []}, "papers"),
     ({"deadline": "2026-03-01"}, "check:ends-after-begin")],
)  # fmt: skip
def test_what_the_declaration_refuses_is_told_at_its_field(ask, person, change, field):
    answer = ask("POST", "centre-tasks", _task(person, **change))

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), answer.get_data(as_text=True)
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert ask("GET", "centre-tasks").json["items"] == []


def test_the_description_holds_what_the_declaration_says(ask, person):
    document = ask("GET", "openapi.json").json
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    new = document["components"]["schemas"]["centre-tasks.new"]
    assert new["properties"]["urgency"]["enum"] == ["normal", "urgent"] and "papers" not in new["properties"]
    assert {"title", "lead", "deadline"} <= set(new["required"]) and "result" not in new["required"]

    ask("POST", "centre-tasks", _task(person))
    listed = ask("GET", "centre-tasks").json
    schema = document["paths"]["/centre-tasks"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [error.message for error in Draft202012Validator({**schema, "components": document["components"]}).iter_errors(listed)] == []
    detail = ask("GET", f"centre-tasks/{listed['items'][0]['_key']}").json
    assert [error.message for error in Draft202012Validator({"$ref": "#/components/schemas/centre-tasks", "components": document["components"]}).iter_errors(detail)] == []
