"""Weaknesses of the libraries we build on, and of web applications in general: one row each, and the tests that show it is not ours.

The rows F1 to F27 are what Flask-AppBuilder 5.3.0 was seen to do when it was tried as it comes, A1 to A9 Flask-Admin 2.2.1, R1 and R2 RQ and
Redis, I1 to I12 other inputs; the last ones are the usual attacks. A row is shown by tests elsewhere, or by one of this file; the
table itself is tested: whoever renames a test has to say so here.
"""

from __future__ import annotations

import ast
import base64
import dataclasses
import json
import logging
import re
from functools import cache
from pathlib import Path

from flask_appbuilder.views import ModelView
from sqlalchemy import select

from console import apps as assembled
from console import db, logs
from console.accounts import sessions
from console.accounts.models import WebSession
from console.crud import columns
from console.crud.views import ScreenView
from console.doors.preferences import local_path
from console.passwords import hash_password
from console.roles import Role
from console.scope import Guarded
from tests.factories import make_applicant
from tests.officers import PASSWORD, make_account, officer, sign_in, token
from tests.test_architecture import files, tree

ROOT = Path(__file__).parent.parent.parent

ACCOUNTS = "tests/console/accounts/test_sign_in.py::"
DELEGATION = "tests/console/accounts/test_delegation.py::"
VIEWS = "tests/console/crud/test_views.py::"
SCREENS = "tests/console/crud/test_scope_of_screens.py::"
ROUTES = "tests/test_routes.py::"
DESK = "tests/console/ops/test_desk.py::"
PORTAL = "tests/console/portal/test_account.py::"
DOORS = "tests/console/portal/test_doors.py::"
FILES = "tests/console/test_files.py::"
WORKER = "tests/console/test_worker.py::"
HOSTILE = "tests/rules/test_hostile_documents.py::"
GUARD = "tests/console/test_workbook_guard.py::"
TWO_STEP = "tests/console/accounts/test_two_step.py::"
PEOPLE = "tests/console/accounts/test_people.py::"
PROVIDER = "tests/console/accounts/test_provider.py::"
HERE = "tests/console/test_known_traps.py::"

#: what was seen → the tests that show what we do instead
TRAPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "F1": ("a row outside scope is 404", (SCREENS + "test_another_offices_file_is_not_found_and_ones_own_is",)),
    "F2": ("actions fetch past every scope, by GET too", (ROUTES + "test_no_stock_route_is_left", VIEWS + "test_no_get_writes", VIEWS + "test_an_unknown_action_is_not_found")),
    "F3": ("a token does not make a foreign row one's own", ("tests/console/accounts/test_access.py::test_withdrawing_a_grant_beyond_ones_reach_is_refused_and_asks_again",)),
    "F4": ("delete, action and sign-out without a token", (HERE + "test_no_door_writes_without_its_own_form_token", ACCOUNTS + "test_signing_out_is_a_post_and_kills_a_stolen_cookie")),
    "F5": ("API exempt from the token, cookies without attributes", (HERE + "test_nothing_is_exempt_from_the_form_token", HERE + "test_cookies_and_headers_over_https")),
    "F6": ("filters and orders on columns nobody declared", (VIEWS + "test_filters_narrow_and_only_the_declared_ones", HERE + "test_no_secret_is_searched_filtered_or_ordered_by")),
    "F7": ("columns that nobody chose", (ROUTES + "test_every_screen_says_its_columns",)),
    "F8": ("related lists without a permission of their own", (HERE + "test_no_screen_has_a_stock_related_list",)),
    "F9": ("fields beyond the form are stored", (VIEWS + "test_only_declared_fields_are_written",)),
    "F10": ("an address presets a forbidden foreign key", (VIEWS + "test_an_address_presets_nothing_a_form_leaves_out", SCREENS + "test_a_row_chosen_in_a_form_is_fetched_through_scope")),
    "F11": ("an API that lists related rows", (HERE + "test_what_the_libraries_bring_is_not_there",)),
    "F12": ("any upload by its name", (HERE + "test_what_the_libraries_bring_is_not_there", "tests/console/portal/test_applying.py::test_a_file_is_shown_as_pictures_and_leaves_only_as_a_download")),
    "F13": ("passwords guessed without end", (ACCOUNTS + "test_five_wrong_passwords_close_the_account_for_a_while_even_to_the_right_one", HERE + "test_one_address_does_not_guess_its_way_through_many_accounts", HERE + "test_what_the_libraries_bring_is_not_there")),
    "F14": ("the time tells whether a name is known", ("tests/console/test_passwords.py::test_an_unknown_name_costs_what_a_wrong_password_costs",)),
    "F15": ("redirects and hosts of others", (ACCOUNTS + "test_next_stays_on_this_site", HERE + "test_no_redirect_leaves_the_site", HERE + "test_a_forged_host_is_refused_and_a_forwarded_one_ignored")),
    "F16": ("sessions that outlive sign-out, password and account", (ACCOUNTS + "test_signing_out_is_a_post_and_kills_a_stolen_cookie", ACCOUNTS + "test_a_new_password_ends_the_other_sessions_and_keeps_this_one", ACCOUNTS + "test_a_closed_account_is_out_at_once")),
    "F17": ("long-lived tokens", (HERE + "test_no_other_proof_than_the_cookie_is_taken", ACCOUNTS + "test_a_session_ends_by_itself", PEOPLE + "test_a_link_is_over_after_three_days_or_when_a_newer_one_was_made")),
    "F18": ("a session from before sign-in goes on", (HERE + "test_signing_in_begins_anew",)),
    "F19": ("roles and passwords changed through stock pages", (HERE + "test_what_the_libraries_bring_is_not_there", ROUTES + "test_every_view_comes_from_a_base_of_ours", DELEGATION + "test_grants_go_down_only", DELEGATION + "test_nobody_gives_to_themselves_not_even_past_the_service", PEOPLE + "test_an_account_is_for_whoever_could_have_given_all_it_holds", PEOPLE + "test_a_reset_ends_sessions_and_nobody_sets_anothers_password")),
    "F20": ("weak passwords", ("tests/console/test_passwords.py::test_what_is_guessed_first_is_refused", "tests/console/accounts/test_grants.py::test_a_weak_password_is_refused", ACCOUNTS + "test_a_bad_change_of_password_changes_nothing")),
    "F21": ("the stock registration form", (HERE + "test_what_the_libraries_bring_is_not_there",)),
    "F22": ("a weak secret key", ("tests/test_config.py::test_what_is_refused_and_in_which_words",)),
    "F23": ("what is open to anybody", ("tests/matrix/test_console.py::test_every_cell_comes_out_as_the_table_says", "tests/matrix/test_portal.py::test_every_cell_of_the_portal_comes_out_as_the_table_says", HERE + "test_what_the_libraries_bring_is_not_there")),
    "F24": ("a name that forges a line of the log", (HERE + "test_a_name_cannot_forge_a_line_of_the_log",)),
    "F25": ("pages of a million rows, addresses that break the reader", (HERE + "test_a_page_is_as_long_as_declared_whatever_is_asked", VIEWS + "test_nonsense_in_the_address_is_a_plain_page")),
    "F26": ("headers that are missing", (ROUTES + "test_every_page_has_a_strict_policy_and_keeps_it", HERE + "test_cookies_and_headers_over_https")),
    "F27": ("what people typed becomes markup", (VIEWS + "test_what_people_typed_is_escaped", DESK + "test_details_are_in_words_and_escaped")),
    "A1": ("open until somebody closes it", (ROUTES + "test_every_view_comes_from_a_base_of_ours", DESK + "test_a_reviewer_has_no_business_here")),
    "A2": ("writes without a token", (HERE + "test_no_door_writes_without_its_own_form_token",)),
    "A3": ("scope of the list only", (HERE + "test_the_desk_shows_no_table_behind_the_wall", DESK + "test_tables_are_read_only")),
    "A4": ("forms of every column, pages of any size", (DESK + "test_tables_are_read_only", DESK + "test_a_table_page_is_capped_whatever_is_asked_for")),
    "A5": ("formulas in exports", (HERE + "test_what_the_libraries_bring_is_not_there", "tests/console/studio/replay/test_services.py::test_names_are_read_within_the_viewers_scope_and_exported_as_text")),
    "A6": ("the file manager", (HERE + "test_dangerous_parts_are_not_imported", HERE + "test_what_the_libraries_bring_is_not_there")),
    "A7": ("the Redis console", (HERE + "test_dangerous_parts_are_not_imported", HERE + "test_what_the_libraries_bring_is_not_there")),
    "A8": ("redirects elsewhere, pages without translations", (HERE + "test_no_redirect_leaves_the_site", DESK + "test_the_desk_says_it_has_no_power_of_review")),
    "A9": ("used for more than looking", (DESK + "test_the_desk_says_it_has_no_power_of_review", DESK + "test_a_supervisor_reads_and_touches_nothing", "tests/test_architecture.py::test_only_ops_knows_flask_admin")),
    "R1": ("jobs that are code", (WORKER + "test_pickled_job_is_not_unpickled", WORKER + "test_forged_job_is_refused_and_never_executed", WORKER + "test_callbacks_and_addresses_of_a_listed_job_are_dropped")),
    "R2": ("Redis open to others, data in jobs", (WORKER + "test_only_listed_names_and_whole_numbers_are_read", "tests/test_migrations.py::test_servers_hold_only_private_sockets")),
    "I1": ("Jinja templates of others", (HERE + "test_dangerous_parts_are_not_imported", "tests/rules/test_bundle.py::test_letters_name_only_what_they_know_and_interpret_nothing_else")),
    "I2": ("sandboxed templates that run without end", (HOSTILE + "test_placeholders_that_reach_for_more_are_refused_in_letters",)),
    "I3": ("YAML that builds objects, aliases, depth", ("tests/rules/test_documents.py::test_yaml_refuses_what_is_not_plain_data_and_says_where", HERE + "test_dangerous_parts_are_not_imported")),
    "I4": ("JSON with NaN, doubled keys, depth", (HOSTILE + "test_json_that_is_not_plain_data_is_refused", "tests/rules/test_documents.py::test_json_refuses_what_a_document_may_not_be")),
    "I5": ("workbooks that unpack without end", (GUARD + "test_looking_at_a_bomb_takes_no_memory", "tests/console/studio/test_archive.py::test_a_size_that_lies_about_the_contents_is_refused")),
    "I6": ("patterns that run without end", (HOSTILE + "test_a_catastrophic_pattern_is_harmless", HOSTILE + "test_patterns_only_re2_can_bound_are_refused")),
    "I7": ("`$` before a line break, digits of other scripts", ("tests/rules/test_fields.py::test_a_pattern_matches_the_whole_answer_in_linear_time", "tests/rules/test_fields.py::test_every_id_number_with_its_check_digit_is_taken_and_no_other")),
    "I8": ("file names that lose their characters", (FILES + "test_names_are_kept_as_text_and_lose_what_could_mislead",)),
    "I9": ("uploads that are something else", (FILES + "test_what_is_refused_is_named_and_not_kept", "tests/console/applications/test_bad_input.py::test_a_file_whose_content_is_not_what_its_name_says_is_refused")),
    "I10": ("pictures that carry more", (FILES + "test_a_picture_is_written_again_without_what_it_carried",)),
    "I11": ("PDF shown as it is", (FILES + "test_pages_are_pictures", "tests/console/portal/test_applying.py::test_a_file_is_shown_as_pictures_and_leaves_only_as_a_download")),
    "I12": ("an expression language with a cost of its own", ("tests/test_architecture.py::test_rules_know_the_standard_library_pydantic_and_each_other", "tests/rules/test_settling.py::test_a_large_group_costs_no_more_than_its_bound")),
    "session fixation": ("the attacker's cookie becomes the victim's session", (TWO_STEP + "test_signing_in_gives_a_fresh_token_whatever_the_browser_brought", HERE + "test_signing_in_begins_anew",)),
    "CSRF": ("another site posts for a person", (HERE + "test_no_door_writes_without_its_own_form_token", HERE + "test_nothing_is_exempt_from_the_form_token", VIEWS + "test_no_get_writes", DOORS + "test_opening_a_page_writes_nothing")),
    "open redirect": ("a link of ours that leads elsewhere", (HERE + "test_no_redirect_leaves_the_site", ACCOUNTS + "test_next_stays_on_this_site", PORTAL + "test_signing_in_never_leads_elsewhere")),
    "header injection": ("a line break in what becomes a header", (HERE + "test_no_redirect_leaves_the_site", FILES + "test_names_are_kept_as_text_and_lose_what_could_mislead", ROUTES + "test_a_nul_in_an_address_is_refused_at_both_doors")),
    "log injection": ("a line break in what is logged", (HERE + "test_a_name_cannot_forge_a_line_of_the_log",)),
    "host forgery": ("pages that name a host of others", (HERE + "test_a_forged_host_is_refused_and_a_forwarded_one_ignored", ACCOUNTS + "test_an_unknown_host_is_refused")),
    "brute force": ("every door", (ACCOUNTS + "test_five_wrong_passwords_close_the_account_for_a_while_even_to_the_right_one", PORTAL + "test_guessing_a_password_ends_after_five_tries", TWO_STEP + "test_five_wrong_codes_close_the_second_step_and_are_audited", HERE + "test_every_secret_of_an_officer_is_tried_under_the_guard", PORTAL + "test_a_wrong_code_is_refused_and_guesses_end", "tests/console/portal/test_board.py::test_an_unknown_certificate_is_said_so_and_guessing_ends", HERE + "test_one_address_does_not_guess_its_way_through_many_accounts", HERE + "test_what_the_libraries_bring_is_not_there")),
    "forged identity": ("a token of somebody else's making, or for somebody else", (PROVIDER + "test_every_lie_is_refused", PROVIDER + "test_an_answer_works_once_in_the_browser_that_asked")),
    "stolen cookie": ("used after its owner signed out", (ACCOUNTS + "test_signing_out_is_a_post_and_kills_a_stolen_cookie", PORTAL + "test_signing_out_kills_a_copied_cookie")),
    "deactivated user": ("a token that outlives its account", (ACCOUNTS + "test_a_closed_account_is_out_at_once", HERE + "test_no_other_proof_than_the_cookie_is_taken")),
    "renamed role": ("a role or screen under another name keeps its power", (DELEGATION + "test_a_grant_of_a_role_that_is_not_known_gives_nothing", ROUTES + "test_names_that_roles_are_granted_on_are_spelled_once", "tests/console/accounts/test_grants.py::test_the_role_table_follows_its_declaration")),
}  # fmt: skip


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_known_trap_has_its_row():
    asked = [*(f"F{n}" for n in range(1, 28)), *(f"A{n}" for n in range(1, 10)), "R1", "R2", *(f"I{n}" for n in range(1, 13))]
    assert [name for name in TRAPS if re.fullmatch(r"[FARI]\d+", name)] == asked
    assert all(tests for _, tests in TRAPS.values())


def test_every_named_test_exists():
    named = {test for _, tests in TRAPS.values() for test in tests}
    assert [test for test in sorted(named) if test.partition("::")[2] not in names_in(test.partition("::")[0])] == []


@cache
def names_in(path: str) -> frozenset[str]:
    return frozenset(node.name for node in tree(ROOT / path).body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


# ── what is not there ────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_libraries_bring_is_not_there(console_app):
    """Neither by address nor by an endpoint's name."""
    there = console_app.url_map.bind("localhost")
    gone = [
        "/api/v1/security/login", "/api/v1/security/refresh", "/api/v1/security/users/", "/api/v1/_openapi", "/api/v1/menu/", "/swagger/v1",
        "/register/form", "/register/activation/x", "/users/list/", "/users/add", "/users/userinfo/", "/roles/list/", "/roles/edit/1",
        "/resetpassword/form", "/resetmypassword/form", "/userinfoeditview/form", "/userstatschartview/chart/", "/permissions/list/",
        "/viewmenus/list/", "/permissionviews/list/", "/registeruser/list/", "/back", "/screens/admissions/download/x.pdf",
        "/screens/admissions/action/x/1", "/screens/admissions/api/read",
        "/ops/fileadmin/", "/ops/files/", "/ops/rediscli/", "/ops/redis/", "/ops/outbox/export/csv/x",
    ]  # fmt: skip
    ours = "api."  # /api/v1/ finds a screen by its name, and there is none called security or menu
    found = [(path, there.match(path, method)[0]) for path in gone for method in ("GET", "POST") if there.test(path, method)]
    assert [path for path, endpoint in found if not endpoint.startswith(ours)] == []
    assert {console_app.test_client().get(path).status_code for path, _endpoint in found} <= {401}
    endpoints = {rule.endpoint for rule in console_app.url_map.iter_rules()}
    stock = re.compile(r"(User|Role|Permission|ViewMenu|Register|ResetPassword|ResetMyPassword|UserInfo|Api|OpenApi|Swagger|Group)\w*(View|Api|Model\w*)\.")
    assert [name for name in sorted(endpoints) if stock.match(name)] == []


def test_no_screen_has_a_stock_related_list(console_app):
    views = [view for view in console_app.extensions["appbuilder"].baseviews if isinstance(view, ModelView)]
    assert views and all(isinstance(view, ScreenView) for view in views)
    assert [view.screen.name for view in views if view.related_views or view._related_views] == []


def test_no_secret_is_searched_filtered_or_ordered_by():
    screens, _ = assembled.sources()
    asked = [
        f"{screen.name}: {name}"
        for screen in screens
        for name in (*screen.search, *screen.filters, *(screen.sortable or ()), screen.order.removeprefix("-"))
        if name and columns.is_secret(screen.model, name)
    ]
    assert asked == []


def test_the_desk_shows_no_table_behind_the_wall(console_app):
    views = console_app.extensions["admin"][0]._views
    models = {view.model for view in views if getattr(view, "model", None) is not None}
    assert models and not any(issubclass(model, Guarded) for model in models)
    assert not any(view.can_create or view.can_edit or view.can_delete or view.can_export for view in views if hasattr(view, "can_create"))


def test_dangerous_parts_are_not_imported():
    """Neither the parts of Flask-Admin that are shells, nor readers that build objects, nor ways to run text as code."""
    modules = re.compile(r"flask_admin\.contrib\.(fileadmin|rediscli)|pickle|marshal|shelve|yaml|jinja2\.sandbox|xml\.(etree|dom|sax)|lxml")
    hooks = "rules/hooks.py"  # derivations in a department's folder on disk; a bundle that travels never brings any
    calls = {"eval", "exec", "compile", "render_template_string", "from_string", "system", "popen", "unsafe_load"}
    found = []
    for path in files():
        for node in ast.walk(tree(path)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module), *(f"{node.module}.{a.name}" for a in node.names)] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.relative_to(ROOT)} imports {name}" for name in names if modules.fullmatch(name)]
            if isinstance(node, ast.Call) and not str(path).endswith(hooks):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                of_re = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in {"re", "re2"}
                if called in calls and not of_re:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called}()")
                if any(k.arg == "shell" and getattr(k.value, "value", None) is not False for k in node.keywords):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} opens a shell")
    assert found == []


# ── forms and tokens ─────────────────────────────────────────────────────────────────────────────────────────


def address_of(rule) -> str:
    return re.sub(r"<(?:(\w+)(?:\((\w*)[^)]*\))?:)?\w+>", lambda found: "1" if found[1] == "int" else found[2] if found[1] == "any" else "x", rule.rule)


def test_nothing_is_exempt_from_the_form_token(console_app, portal_app):
    for app in (console_app, portal_app):
        guard = app.extensions["csrf"]
        blueprints = {getattr(found, "name", found) for found in guard._exempt_blueprints}
        assert (guard._exempt_views, blueprints) == (set(), set())
        assert app.config.get("WTF_CSRF_ENABLED", True) and app.config["WTF_CSRF_METHODS"] >= {"POST", "PUT", "PATCH", "DELETE"}


def test_no_door_writes_without_its_own_form_token(console_app, portal_app, committed_db):
    """Every route that takes more than GET, signed in with every role: no token, and somebody else's."""
    everyone = officer(console_app, committed_db, *Role, department=None)
    stranger = token(console_app.test_client().get("/login/"))
    citizen = signed_in_citizen(portal_app, committed_db)
    theirs = token(portal_app.test_client().get("/sign-in"))
    passed, tried = [], 0
    for app, client, foreign in ((console_app, everyone, stranger), (portal_app, citizen, theirs)):
        for rule in app.url_map.iter_rules():
            for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
                for forged in ({}, {"csrf_token": foreign}):
                    answer = client.open(address_of(rule), method=method, data=forged)
                    tried += 1
                    if answer.status_code != 400:
                        passed.append((method, rule.rule, forged, answer.status_code))
                answer = client.open(address_of(rule), method=method, headers={"X-CSRFToken": foreign}, json={})
                if answer.status_code != 400:
                    passed.append((method, rule.rule, "header", answer.status_code))
    assert tried > 100
    assert passed == []


def signed_in_citizen(app, database, phone: str = "13800138000"):
    with database.as_worker("seed"), db.transaction() as session:
        make_applicant(session, phone=phone, password_hash=hash_password(PASSWORD))
    client = app.test_client()
    assert citizen_sign_in(client, phone).status_code == 303
    return client


def citizen_sign_in(client, phone: str, password: str = PASSWORD, **more: str):
    return client.post("/sign-in", data={"csrf_token": token(client.get("/sign-in")), "phone": phone, "password": password, **more})


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_signing_in_begins_anew(console_app, portal_app, committed_db):
    """Neither a token that somebody else chose nor what a visitor's cookie carried lives on."""
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    signed_in_citizen(portal_app, committed_db)
    officer_in = lambda client: sign_in(client, username)  # noqa: E731
    for app, enter, page in ((console_app, officer_in, "/screens/offices/"), (portal_app, lambda c: citizen_sign_in(c, "13800138000"), "/account")):
        door = app.session_interface.door
        victim, attacker = app.test_client(), app.test_client()
        for client in (victim, attacker):
            client.set_cookie(f"ruku_{door}", "chosen-by-the-attacker")
        victim.get("/login/" if door == "console" else "/sign-in")
        before = victim.get_cookie(f"ruku_{door}_guest").value
        assert enter(victim).status_code == 303
        cookie = victim.get_cookie(f"ruku_{door}").value
        assert cookie != "chosen-by-the-attacker" and len(cookie) >= 43  # 256 bits
        assert victim.get_cookie(f"ruku_{door}_guest") is None
        assert attacker.get(page).status_code == 302
        again = app.test_client()  # the form token of before is the visitor's, not the session's
        again.set_cookie(f"ruku_{door}", cookie)
        again.set_cookie(f"ruku_{door}_guest", before)
        assert again.get(page).status_code == 200
    with committed_db.as_worker(), db.transaction() as session:
        rows = session.scalars(select(WebSession)).all()
    assert all(re.fullmatch("[0-9a-f]{64}", row.token_hash) for row in rows)
    assert not any(key for row in rows for key in row.data if key not in {"csrf_token", "_flashes", "second"})


def test_no_other_proof_than_the_cookie_is_taken(console_app, committed_db):
    _, username = make_account(committed_db, Role.SUPERVISOR, department=None)
    client = console_app.test_client()
    basic = {"Authorization": "Basic " + base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()}
    for headers in (basic, {"Authorization": "Bearer x.y.z"}, {"X-Remote-User": username}, {"Remote-User": username}, {"X-API-Key": "1"}):
        assert client.get("/screens/offices/", headers=headers).status_code == 302, headers
    answer = client.get("/screens/offices/", environ_overrides={"REMOTE_USER": username})
    assert answer.status_code == 302
    assert client.get(f"/screens/offices/?token={sign_in(client, username).headers.get('Set-Cookie', '')[:60]}").status_code == 200
    fresh = console_app.test_client()
    assert fresh.get("/screens/offices/?ruku_console=" + client.get_cookie("ruku_console").value).status_code == 302


def test_cookies_and_headers_over_https(settings, committed_db):
    app = assembled.create_portal(dataclasses.replace(settings, https=True))
    client = app.test_client()
    set_ = client.get("/lang/en", base_url="https://localhost").headers.getlist("Set-Cookie")
    answer = client.get("/sign-in", base_url="https://localhost")
    assert 'lang="en"' in answer.get_data(as_text=True)
    set_ += answer.headers.getlist("Set-Cookie")
    assert sorted(value.partition("=")[0] for value in set_) == ["__Host-ruku_lang", "__Host-ruku_portal_guest"]
    assert all({"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(value.split("; ")) and "Domain" not in value for value in set_)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert sessions.WebSessions("console", secure=True).cookie == "__Host-ruku_console"
    expected = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
    assert {name: answer.headers[name] for name in expected} == expected


# ── addresses, hosts, logs ───────────────────────────────────────────────────────────────────────────────────

ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "http:evil.example",
    "https:/evil.example", "//user@evil.example", "javascript:alert(1)", "data:text/html,x", "/x\r\nSet-Cookie: a=b", "/x\nLocation: //evil.example",
    " //evil.example", "/\x00/evil.example", "%2F%2Fevil.example", "evil.example",
)  # fmt: skip


def test_no_redirect_leaves_the_site(console_app, portal_app, committed_db):
    with console_app.test_request_context():
        assert {target: local_path(target) for target in ELSEWHERE} == dict.fromkeys(ELSEWHERE, "/")
    everyone = officer(console_app, committed_db, *Role, department=None)
    citizen = signed_in_citizen(portal_app, committed_db)
    asked = [(everyone, path) for path in ("/lang/en", "/theme/dark", "/login/", "/ops/outbox/details/?id=0")]
    asked += [(citizen, "/lang/en"), (citizen, "/sign-in"), (console_app.test_client(), "/login/"), (portal_app.test_client(), "/sign-in")]
    for target in ("https://evil.example/", "/\\evil.example", "http:evil.example", "/x\r\nSet-Cookie: a=b"):
        for client, path in asked:
            parameters = {"next": target, "url": target} | ({"id": "0"} if "details" in path else {})
            answer = client.get(path.partition("?")[0], query_string=parameters, headers={"Referer": "https://evil.example/"})
            location = answer.headers.get("Location", "/")
            assert re.match(r"/(?![/\\])", location), (path, target, location)
            assert "a=b" not in str(answer.headers.getlist("Set-Cookie"))
            assert "evil.example" not in re.sub(r'next=[^"]*"|value="[^"]*"', "", answer.get_data(as_text=True)), (path, target)


def test_a_forged_host_is_refused_and_a_forwarded_one_ignored(console, portal):
    for client, path in ((console, "/login/"), (portal, "/"), (portal, "/reset"), (portal, "/nothing")):
        for host in ("evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:80"):
            answer = client.get(path, headers={"Host": host})
            assert (answer.status_code, "evil" in answer.get_data(as_text=True)) == (400, False), (path, host)
        for header in ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL"):
            value = "host=evil.example" if header == "Forwarded" else "evil.example"
            answer = client.get(path, headers={header: value})
            assert "evil" not in answer.get_data(as_text=True) + str(answer.headers), (path, header)


def test_a_name_cannot_forge_a_line_of_the_log():
    forged = 'x\r\n{"at": "2026-01-01T00:00:00Z", "level": "INFO", "message": "signed in"}\x1b[2K\u2028'
    try:
        raise ValueError(forged)
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    record = logging.LogRecord("ruku.request", logging.WARNING, __file__, 1, "%s", (forged,), raised)
    record.facts = {"who": forged, "route": forged}

    line = logs.JsonLines().format(record)

    assert "\n" not in line and "\r" not in line and "\x1b" not in line
    said = json.loads(line)
    assert (said["logger"], said["level"], said["who"]) == ("ruku.request", "WARNING", forged)


def test_a_page_is_as_long_as_declared_whatever_is_asked(console_app, committed_db):
    everyone = officer(console_app, committed_db, *Role, department=None)
    screens, _ = assembled.sources()
    long = next(screen for screen in screens if screen.name == "offices")
    for query in ("", "?psize_OfficesView=1000000", "?page_size=1000000", "?size=all&per_page=1000000&limit=1000000", "?q=!(((((" + "(" * 3000):
        answer = everyone.get(f"/screens/offices/{query}")
        assert answer.status_code == 200
        assert len(set(re.findall(r'href="/screens/offices/\d+"', answer.get_data(as_text=True)))) <= long.page_size


# ── guessing ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_address_does_not_guess_its_way_through_many_accounts(console_app, portal_app, committed_db):
    """Thirty failures of one address close every door to it, also for an account that was never tried, and a success does not open it."""
    _, username = make_account(committed_db, Role.SUPERVISOR)
    for app, purpose, enter in (
        (console_app, "console", lambda client: sign_in(client, username)),
        (portal_app, "sign_in", lambda client: citizen_sign_in(client, "13800138001")),
    ):
        attempts = app.extensions["attempts"]
        for number in range(30):
            attempts.failed(purpose, account=f"somebody{number}", address="127.0.0.1")
        attempts.forget(purpose, account=username)
        for headers in ({}, {"HTTP_X_FORWARDED_FOR": "198.51.100.7"}, {"HTTP_X_REAL_IP": "198.51.100.7"}, {"HTTP_FORWARDED": "for=198.51.100.7"}):
            client = app.test_client()
            client.environ_base.update(headers)  # nobody talks their way round the count
            assert enter(client).status_code == 429, headers
        elsewhere = app.test_client()
        elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        assert enter(elsewhere).status_code in (303, 401)


#: what compares a secret that somebody typed, or that came with an address
TRIED = {"by_password", "by_subject", "change_password", "check", "confirm", "turn_off", "open_link", "use"}


def test_every_secret_of_an_officer_is_tried_under_the_guard():
    """A new way in that nobody counts is a way to guess: in the console's pages such a call stands inside `with guarded(…)`."""
    found, counted = [], 0
    for path in sorted((ROOT / "console/accounts").glob("*.py")):
        module = tree(path)
        inside = {
            call
            for block in ast.walk(module)
            if isinstance(block, ast.With) and any("guarded(" in ast.unparse(item.context_expr) for item in block.items)
            for call in ast.walk(block)
        }
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in TRIED:
                if getattr(call.func.value, "id", "") in {"signing_in", "two_factor", "links", "oidc", "staff", "passwords"}:
                    counted += 1
                    found += [] if call in inside else [f"{path.name}:{call.lineno} {ast.unparse(call.func)}"]
    assert counted >= 4
    assert found == []
