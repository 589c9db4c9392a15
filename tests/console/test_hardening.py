"""Small promises of docs/asvs.md that no other test keeps: what we send, what we never send, and which primitives are used."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from console import passwords, secrecy
from console.accounts import attempts, links, session_rows
from console.applications import registration
from console.doors import headers
from console.roles import Role
from tests.officers import officer, token
from tests.test_architecture import files, tree

ROOT = Path(__file__).parents[2]


@cache
def sources() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(ROOT)), tree(path)) for path in files() if path.relative_to(ROOT).parts[0] in {"console", "rules"}]


@cache
def imported() -> set[tuple[str, str]]:
    """(module of ours, what it imports, written out)."""
    found = set()
    for place, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                found |= {(place, alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {(place, f"{node.module}.{alias.name}") for alias in node.names}
    return found


# ── primitives ───────────────────────────────────────────────────────────────────────────────────────────────


def test_cryptography_is_the_libraries():
    """Ciphers, signatures and password hashes come from known libraries; nothing older or smaller than what is listed."""
    primitives = {name.split(".primitives.")[1] for _, name in imported() if ".hazmat.primitives." in name and ".serialization" not in name}
    assert primitives == {"ciphers.aead.AESGCM", "asymmetric.ed25519.Ed25519PrivateKey", "asymmetric.ed25519.Ed25519PublicKey", "kdf.scrypt.Scrypt"}
    other = re.compile(r"Crypto\.|nacl\.|rsa\b|Cryptodome|ssl\._create_unverified_context|bcrypt|hashids")
    assert [(place, name) for place, name in imported() if other.match(name)] == []
    hashes = set()
    for _, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "hashlib":
                hashes.add(node.attr)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "hashlib.new":
                hashes.add(ast.unparse(node.args[0]).strip("'\""))
    assert hashes - {"new", "algorithms_available", "file_digest"} <= {"sha256", "sm3", "scrypt"}
    assert {len(key) for key in (*secrecy._current().data.values(), secrecy._current().hash)} == {32}


@pytest.fixture(autouse=True)
def keys(settings):
    """The keys of this run, which `settings` brings along."""


def test_a_changed_secret_is_not_read():
    sealed = secrecy.encrypt("150105197503021234")
    key_id, _, body = sealed.partition(".")
    changed = [f"{key_id}.{body[:at]}{'A' if body[at] != 'A' else 'B'}{body[at + 1 :]}" for at in (0, 20, len(body) - 6)]
    for value in changed:
        with pytest.raises(InvalidTag):
            secrecy.decrypt(value)
    assert sealed != secrecy.encrypt("150105197503021234")  # a nonce of its own each time


def test_secrets_come_from_the_systems_generator():
    """`random` draws what may be guessed; where it is used, nobody has to be kept from guessing."""
    assert {place for place, name in imported() if name.split(".")[0] == "random"} <= {"console/worker.py", "console/relay.py"}
    least = {"token_urlsafe": 24, "token_bytes": 16, "token_hex": 16}
    short = []
    for place, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in least:
                size = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else 0
                if size < least[node.func.attr]:
                    short.append(f"{place} {ast.unparse(node)}")
    assert sorted(short) == [
        "console/codes.py secrets.token_bytes(length)",  # a byte for each sign of a code
        "console/doors/headers.py secrets.token_urlsafe(16)",  # a nonce of 128 bits
        "console/jobs.py secrets.token_hex(2)",  # tells processes of one number apart
        "console/logs.py secrets.token_hex(8)",  # names a request in the log
        "console/notifications/services.py secrets.token_hex(12)",  # makes a key unique, keeps nobody out
    ]


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────


def test_no_answer_is_shared_with_another_site(console_app, portal_app, committed_db):
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for app, paths in ((console_app, ("/login/", "/nothing", "/healthz")), (portal_app, ("/", "/sign-in", "/nothing", "/healthz", "/notices"))):
        client = app.test_client()
        for path in paths:
            for answer in (client.get(path, headers=evil), client.options(path, headers=evil)):
                assert [name for name, _ in answer.headers if name.lower().startswith("access-control-")] == []
                if answer.get_data():
                    assert re.fullmatch(r"(text/html|text/plain|application/json)(; charset=utf-8)?", answer.content_type), (path, answer.content_type)
                    assert answer.mimetype == "application/json" or "charset=utf-8" in answer.content_type, path


def test_only_our_static_folder_is_served(console_app, portal_app, committed_db):
    hidden = ("/.git/config", "/.env", "/config.py", "/static/", "/static/../config.py", "/static/%2e%2e/config.py", "/static/..%2fconfig.py",
              "/static/css/", "/static/.htaccess", "/console/apps.py", "/wsgi.py", "/requirements.lock", "/server-status")  # fmt: skip
    for app in (console_app, portal_app):
        client = app.test_client()
        for path in hidden:
            answer = client.get(path)
            assert answer.status_code in (302, 404), (path, answer.status_code)
            assert answer.status_code == 404 or answer.location.startswith("/login/"), path
        for path in ("/", "/healthz"):
            answer = client.open(path, method="TRACE", headers={"X-Secret": "echo"})
            assert answer.status_code in (303, 405) and "echo" not in answer.get_data(as_text=True)


def test_an_error_tells_nothing_of_the_inside(portal_app, console_app, committed_db, monkeypatch):
    def broken():
        raise RuntimeError("SELECT secret FROM inside at /srv/ruku")

    for app in (portal_app, console_app):
        assert not app.debug
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        monkeypatch.setitem(app.view_functions, "health.healthz", broken)
        answer = app.test_client().get("/healthz")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 500
        assert not re.search(r"SELECT|/srv/ruku|RuntimeError|Traceback|File &quot;|werkzeug|flask", page, re.IGNORECASE)
        assert answer.headers["X-Request-Id"] in page
        assert "Server" not in answer.headers or "Python" not in answer.headers["Server"]


def test_a_parameter_given_twice_counts_once(console_app, committed_db):
    client = console_app.test_client()
    assert client.get("/lang/en?next=/a&next=https://evil.example/").location == "/a"
    assert client.get("/lang/en?next=https://evil.example/&next=/a").location == "/"


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def inputs(page: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]


def test_password_fields_hide_what_is_typed_and_take_what_is_pasted(console_app, portal_app, committed_db):
    staff = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    pages = [console_app.test_client().get("/login/"), staff.get("/password/"), portal_app.test_client().get("/sign-in")]
    fields = [field for page in pages for field in inputs(page.get_data(as_text=True)) if field.get("name") in {"password", "old", "new"}]
    assert len(fields) == 4
    assert {field["type"] for field in fields} == {"password"}
    assert {field["autocomplete"] for field in fields} <= {"current-password", "new-password"}
    assert not any("onpaste" in field or ("maxlength" in field and int(field["maxlength"]) < 64) for field in fields)
    asked = {field.get("name") for field in inputs(portal_app.test_client().get("/reset").get_data(as_text=True))}
    assert asked - {None} <= {"csrf_token", "phone", "purpose"}  # a phone and a code: no question whose answer others know


def test_every_page_of_a_person_has_a_way_out(console_app, committed_db):
    staff = officer(console_app, committed_db, *Role, department=None)
    for path in ("/screens/offices/", "/password/", "/ops/", "/nothing"):
        page = staff.get(path).get_data(as_text=True)
        assert re.search(r'<form[^>]*action="[^"]*/logout/"', page), path


def test_scripts_of_ours_write_no_markup_and_run_no_text():
    scripts = sorted((ROOT / "console/static/js").glob("*.js"))
    assert scripts
    banned = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(\s*[\"'`]|__proto__|postMessage|localStorage")
    assert [(path.name, found) for path in scripts for found in banned.findall(path.read_text(encoding="utf-8"))] == []


def test_signing_out_clears_what_the_tab_kept(console_app, portal_app, committed_db):
    staff = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    answer = staff.post("/logout/", data={"csrf_token": token(staff.get("/screens/offices/"))})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"storage"')
    assert console_app.view_functions.keys() | portal_app.view_functions.keys() >= headers.SIGNING_OUT
    assert "Clear-Site-Data" not in staff.get("/login/").headers


def test_the_page_about_ways_in_says_what_the_code_does():
    page = (ROOT / "docs/accounts.md").read_text(encoding="utf-8")
    row = {words: line for line in page.splitlines() for words in re.findall(r"^\| (\w+ \| [\w -]+?) \|", line)}
    minutes = attempts.ACCOUNT.seconds // 60
    counted = f"{attempts.ACCOUNT.times} by account, {attempts.ADDRESS.times} by address in {minutes} minutes"
    assert attempts.ADDRESS.seconds == attempts.ACCOUNT.seconds
    assert counted in row["officer | password"] and counted in row["applicant | password"]
    assert f"password, {passwords.STAFF_LEAST} characters" in row["officer | password"]
    assert f"password, {passwords.APPLICANT_LEAST} characters" in row["applicant | password"]
    assert f"{registration.LOCK_AFTER} in a row lock the account for {registration.LOCK_MINUTES} minutes" in row["applicant | password"]
    assert f"within {links.LIFE.total_seconds() / 3600:.0f} hours, once" in row["officer | one-time link"]
    code = f"within {registration.CODE_MINUTES} minutes, {registration.CODE_TRIES} tries, {registration.CODES_PER_HOUR} codes an hour"
    assert code in row["applicant | code by phone"]
    (officers, idle), (applicants, quiet) = session_rows.LIVES["console"], session_rows.LIVES["portal"]
    assert f"Officers: {officers.total_seconds() / 3600:.0f} hours in all, {idle.total_seconds() / 3600:.0f} without use" in page
    assert f"Applicants: {applicants.days} days in all, {quiet.days} without use" in page
