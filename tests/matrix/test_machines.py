"""Every screen as machines see it, in a database with a row of every class: as described, and as on the page."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from console.crud.base import ScreenView
from tests.console.crud.test_openapi import operations_of, problems_of
from tests.matrix.places import Officer


def _schema_of(document: dict[str, Any], operation: dict[str, Any], status: int) -> Any:
    """A validator of this operation's answer, references resolved inside the document."""
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def _region(role: str) -> Officer:
    return Officer(role, "region", "all")


@pytest.mark.parametrize("role", ["supervisor", "platform_admin"])
def test_every_answer_of_every_screen_is_what_the_description_says(console_app, matrix, role):
    """Lists, each row's own address, its past and its look-ups, in a database with a row of every class."""
    _database, world = matrix
    client = console_app.test_client(use_cookies=False)
    headers = {"Cookie": f"ruku_console={world.tokens[_region(role)]}", "Accept-Language": "zh"}

    def get(path: str) -> Any:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:400])
        return answer.json

    document = get("/api/v1/openapi.json")
    assert problems_of(document) == []
    wrong, empty = [], []
    for path, method, operation in operations_of(document):
        if method != "get" or "{key}" in path:
            continue
        found = get(f"/api/v1{path}{'?size=100' if operation['operationId'].startswith('list_') else ''}")
        wrong += [f"{path}: {error.json_path}: {error.message[:200]}" for error in _schema_of(document, operation, 200).iter_errors(found)]
        if not operation["operationId"].startswith("list_"):
            continue
        if not found["items"]:
            empty.append(path)
        for row in found["items"][:3]:
            for below in ("", "/history"):
                described = document["paths"][f"{path}/{{key}}{below}"]["get"]
                one = get(f"{row['_url']}{below}")
                wrong += [f"{path}/…{below}: {error.json_path}: {error.message[:200]}" for error in _schema_of(document, described, 200).iter_errors(one)]
    assert wrong == []
    registers = {f"/{name}" for name, view in console_app.extensions["screens"].items() if view.screen.model.__tablename__.startswith("register_")}
    assert set(empty) <= registers  # a schema that was held against nothing proves nothing; rows of registers are the trial register's
    assert {tag["name"] for tag in document["tags"]} <= set(console_app.extensions["screens"])


def test_every_list_is_its_pages_list(console_app, matrix, monkeypatch):
    """The same rows in the same order, in every order a screen offers, as an officer of one league."""
    _database, world = matrix
    client = console_app.test_client(use_cookies=False)
    headers = {"Cookie": f"ruku_console={world.tokens[Officer('supervisor', 'league', 'all')]}"}
    shown: list[str] = []
    monkeypatch.setattr(ScreenView, "render_template", lambda self, template, **page: shown.extend(key for key, *_rest in page["rows"]) or "")
    wrong, compared = [], 0
    for name, view in console_app.extensions["screens"].items():
        for order in ("", *(sign + column for column in view.order_columns for sign in ("", "-"))):
            shown.clear()
            assert client.get(f"/screens/{name}/?order={order}", headers=headers).status_code == 200
            answer = client.get(f"/api/v1/{name}?size={view.screen.page_size}&order={order}", headers=headers)
            keys = [row["_key"] for row in answer.json["items"]]
            compared += len(keys)
            if keys != shown:
                wrong.append((name, order, keys[:5], shown[:5]))
    assert wrong == [] and compared > 500
