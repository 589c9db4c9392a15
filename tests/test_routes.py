"""Every route of both apps: what it is made of, what it costs, what it says about itself. Who may come in is `tests/matrix`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_appbuilder import BaseView
from flask_appbuilder.views import ModelView
from sqlalchemy import event

from console import apps as assembled
from console import db
from console.accounts.views import SignIn
from console.crud.pages import Page
from console.crud.views import ScreenView, view_name
from console.ops.access import Behind
from console.roles import Role
from tests.officers import officer

ROOT = Path(__file__).parent.parent
def _screens() -> list[Any]:
    return assembled.sources()[0]


# ── what a page is made of ───────────────────────────────────────────────────────────────────────────────────


def test_every_view_comes_from_a_base_of_ours(console_app):
    views = console_app.extensions["appbuilder"].baseviews
    assert [type(view).__name__ for view in views if not isinstance(view, ScreenView | Page | SignIn)] == []
    assert all(isinstance(view, BaseView) for view in views)
    desk = console_app.extensions["admin"][0]._views
    assert [type(view).__name__ for view in desk if not isinstance(view, Behind)] == []


def test_no_stock_route_is_left(console_app):
    stock = {
        "action", "action_post", "download", "api", "api_read", "api_readvalues", "api_get", "api_create", "api_update", "api_delete",
        "api_column_add", "api_column_edit", "info", "list_refresh", "muldelete",
    }  # fmt: skip
    for view in console_app.extensions["appbuilder"].baseviews:
        if isinstance(view, ModelView):
            assert not stock & view.include_route_methods, view
    ends = {rule.endpoint.rpartition(".")[2] for rule in console_app.url_map.iter_rules() if rule.endpoint.startswith("screen_")}
    assert ends and not ends & stock
    rules = {rule.rule for rule in console_app.url_map.iter_rules()}
    assert [rule for rule in rules if rule.endswith(("/_info", "/action_post", "/list_refresh"))] == []
    assert [rule for rule in rules if rule.startswith("/api") and not rule.startswith("/api/v1")] == []
    assert [rule for rule in rules if rule.startswith(("/users", "/roles", "/resetpassword", "/swagger", "/back"))] == []


def test_every_screen_says_its_columns(console_app):
    for view in console_app.extensions["appbuilder"].baseviews:
        if isinstance(view, ScreenView):
            assert view.list_columns and view.show_columns, view.screen.name
            assert set(view.add_columns) == set(view.screen.add) and set(view.edit_columns) == set(view.screen.edit)
            unlabelled = [name for name, words in view.label_columns.items() if str(words) == name.rsplit(".", 1)[-1]]
            assert unlabelled == [], view.screen.name


def test_names_that_roles_are_granted_on_are_spelled_once():
    table = assembled.role_table()
    screens, pages = assembled.sources()
    assert set(table) == {*(s.name for s in screens), *(p.name for p in pages), "ops-desk"}


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def statements(committed_db) -> Iterator[list[str]]:
    """Every SQL statement of the web's login while the test runs."""
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, many):
        seen.append(statement)

    event.listen(committed_db.web, "before_cursor_execute", note)
    yield seen
    event.remove(committed_db.web, "before_cursor_execute", note)


def test_every_screen_opens_and_stays_small(console_app, committed_db, statements):
    """Lists and details of every declared screen, for somebody who may read it: at most four statements each."""
    everyone = officer(console_app, committed_db, *Role, department=None)
    everyone.get("/access/")  # the role table is read once by a process
    too_many = {}
    for screen in _screens():
        for query in ("", "?q=的", "?order=-nothing"):
            statements.clear()
            answer = everyone.get(f"/screens/{screen.name}/{query}")
            assert answer.status_code == 200, (screen.name, query, answer.status_code)
            if len(statements) > 4:
                too_many[screen.name, query] = len(statements)
        first = re.search(rf'href="(/screens/{screen.name}/[^"/?]+)"', answer.get_data(as_text=True))
        if first and not first[1].endswith("/add"):
            statements.clear()
            assert everyone.get(first[1]).status_code == 200, first[1]
            if len(statements) > 4:
                too_many[first[1]] = len(statements)
    assert too_many == {}


def test_a_web_process_starts_with_few_statements(committed_db, statements):
    assembled.create_console(committed_db.settings)

    assert len(statements) <= 25
    assert statements == []


# ── what it says about itself ────────────────────────────────────────────────────────────────────────────────


def test_every_page_has_a_strict_policy_and_keeps_it(console_app, committed_db):
    admin = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)
    _strict(console_app.test_client(), "/login/")
    for path in ("/nothing", "/screens/offices/", "/rules/", "/specialty-transfers/", "/ops/", "/ops/outbox/", "/ops/mailbox/", "/password/", "/account/", "/account/two-step/"):
        _strict(admin, path)


def _strict(client: Any, path: str) -> None:
    answer = client.get(path)
    page = answer.get_data(as_text=True)

    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)';", policy)[1]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    assert [tag for tag in re.findall(r"<script[^>]*>", page) if f'nonce="{nonce}"' not in tag] == []
    assert re.findall(r"<[^>]+\son\w+=", page) == [] and "javascript:" not in page and "<style" not in page
    assert {name: answer.headers[name] for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control")} == {
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
    }  # fmt: skip
    assert client.get(path).headers["Content-Security-Policy"] != policy  # a nonce is used once


def test_the_portal_allows_no_inline_style(portal):
    answer = portal.get("/")

    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert re.findall(r"<[^>]+\sstyle=", answer.get_data(as_text=True)) == []


def test_an_attribute_written_by_a_template_keeps_its_quotes():
    """Jinja escapes a constant like any other value: `{{ ' class="x"' if here }}` would make the quotes a part of the class."""
    constant = re.compile(r"""\{\{-? ?(['"]) [a-z-]+=(?:(?!\1).)*\1(?!\|safe)""")
    found = [f"{path.name}: {hit[0]}" for path in ROOT.glob("console/**/templates/**/*.html") for hit in constant.finditer(path.read_text(encoding="utf-8"))]
    assert found == []


def test_no_file_of_ours_asks_another_site():
    """Namespaces and licences aside, no address in templates, styles and scripts leaves the house."""
    found = []
    for path in [*ROOT.glob("console/**/templates/**/*.html"), *ROOT.glob("console/static/**/*")]:
        if path.is_file() and "vendor" not in path.parts and path.suffix in {".html", ".css", ".js", ".svg"}:
            text = path.read_text()
            found += [(path.name, a) for a in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}[^\s\"')]*", text) if "www.w3.org" not in a]
    assert found == []


def test_static_files_are_kept_by_their_fingerprint(console):
    page = console.get("/login/").get_data(as_text=True)
    address = re.search(r'href="(/static/css/tokens\.css\?v=\w+)"', page)[1]

    assert console.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert console.get("/static/css/tokens.css").headers["Cache-Control"] == "no-cache"


def test_health_needs_nobody_and_readiness_says_what_is_missing(console, portal):
    for client in (console, portal):
        assert client.get("/healthz").get_json() == {"ok": True}
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert {name: check["ok"] for name, check in answer.get_json()["checks"].items()} == {
            "database": True, "redis": True, "worker": False, "relay": False,
        }  # fmt: skip


def test_readiness_is_given_by_fresh_heartbeats(console, committed_db):
    from console.accounts.sessions import real_now
    from console.jobs import Heartbeat

    with committed_db.as_worker(), db.transaction() as session:
        session.add_all([Heartbeat(name=f"{kind} 1", kind=kind, at=real_now()) for kind in ("worker", "relay")])

    assert console.get("/readyz").status_code == 200


def test_addresses_are_the_screens_names(console_app):
    with console_app.test_request_context():
        from flask import url_for

        assert {url_for(f"{view_name(s.name)}.list") for s in _screens()} == {f"/screens/{s.name}/" for s in _screens()}


@pytest.mark.parametrize("address", ["/login/?next=%00", "/login/?x=a%00b", "/%00"])
def test_a_nul_in_an_address_is_refused_at_both_doors(console, portal, address):
    for door in (console, portal):
        assert door.get(address).status_code == 400
