"""The screens for machines: reading."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from console import db
from console.accounts.models import StaffAccount
from console.audit import AuditEntry
from console.crud import known
from console.roles import Role
from console.secrecy import mask_email, mask_phone
from tests.officers import make_account, officer


@pytest.fixture
def supervisor(console_app, committed_db):
    return officer(console_app, committed_db, Role.SUPERVISOR, department=None)


def _problems(answer):
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) >= {"type", "title", "status", "detail"} and answer.json["status"] == answer.status_code
    return answer.status_code, {error["field"]: error["message"] for error in answer.json.get("errors", ())}


def test_the_front_page_says_what_one_may_open_and_do(supervisor, console_app):
    told = supervisor.get("/api/v1/").json

    with console_app.app_context():
        assert {screen["name"] for screen in told["screens"]} == set(known.views())
    assert {tuple(screen["may"]) for screen in told["screens"]} == {("list", "show")}  # supervision changes nothing


def test_a_page_says_where_the_next_one_is(supervisor):
    seen, address = [], "/api/v1/divisions?size=60"
    while address:
        answer = supervisor.get(address)
        seen += [row["_key"] for row in answer.json["items"]]
        address = answer.json["next"]
        assert (f'<{address}>; rel="next"' == answer.headers.get("Link")) == bool(address)
    whole = supervisor.get("/api/v1/divisions").json
    assert len(seen) == len(set(seen)) == whole["count"] and not whole["count_is_least"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("departmnt=1", "departmnt"), ("department=x", "department"), ("order=phone_hash", "order"), ("size=101", "size"), ("size=0", "size"),
     ("size=-1", "size"), ("size=%EF%BC%91", "size"), ("is_coordinating=maybe", "is_coordinating"), ("_flt_0_phone=1", "_flt_0_phone"),
     ("fields=name,id_number", "fields"), ("level=9999999999999", "level"), ("is_coordinating=yes&x=", "x")],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_told_and_not_left_out(supervisor, query, field):
    status, errors = _problems(supervisor.get(f"/api/v1/offices?{query}"))

    assert (status, list(errors)) == (400, [field])


def test_a_typing_error_gets_the_nearest_name(supervisor):
    answer = supervisor.get("/api/v1/offices?departmnt=1", headers={"Accept-Language": "en"})
    assert _problems(answer) == (400, {"departmnt": "There is no “departmnt”. Did you mean “department”?"})
    assert "department" in supervisor.get("/api/v1/offices?departmnt=1", headers={"Accept-Language": "zh"}).json["errors"][0]["message"]


def test_only_the_asked_columns_leave_and_only_declared_ones(supervisor):
    row = supervisor.get("/api/v1/offices?size=1&fields=name,hours").json["items"][0]
    assert set(row) == {"_key", "_url", "name", "hours"}


@pytest.mark.parametrize(
    "path", ["nothing", "offices/999999", "offices/1%20OR%201=1", "offices/１", "offices/-1", "offices/1~2", "offices/options/name",
             "offices/options/phone", "codes/x", "offices/1/why", "offices/1/history/x"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(supervisor, path):
    assert _problems(supervisor.get(f"/api/v1/{path}"))[0] == 404


def test_nobody_is_asked_in_whatever_method(console_app):
    client = console_app.test_client()
    for method, path in (("GET", ""), ("GET", "offices"), ("POST", "offices"), ("PATCH", "offices/1"), ("DELETE", "offices/1"), ("GET", "nothing/at/all")):
        answer = client.open(f"/api/v1/{path}", method=method, json={} if method != "GET" else None)
        assert _problems(answer)[0] == 401 and "Bearer" in answer.headers["WWW-Authenticate"], (method, path)


def test_one_row_has_a_mark_and_is_not_sent_twice(supervisor):
    answer = supervisor.get("/api/v1/offices/1")
    again = supervisor.get("/api/v1/offices/1", headers={"If-None-Match": answer.headers["ETag"]})

    assert (again.status_code, again.get_data()) == (304, b"")


def test_reading_leaves_no_audit_of_its_own(supervisor, committed_db):
    def entries():
        with committed_db.as_worker(), db.transaction() as session:
            return session.scalar(select(func.count()).select_from(AuditEntry))

    before = entries()
    supervisor.get("/api/v1/offices?size=100")
    assert entries() == before


def test_of_a_secret_nobody_gets_more_than_the_mask(console_app, committed_db, supervisor):
    person, _username = make_account(committed_db, Role.OPERATOR, department="water")
    with committed_db.as_worker("seed"), db.transaction() as session:
        account = session.get_one(StaffAccount, person)
        account.phone, account.mail = "13912345678", "suriguga@example.cn"
    admin = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)

    told = admin.get(f"/api/v1/staff/{person}").json
    assert (told["phone"], told["mail"]) == (mask_phone("13912345678"), mask_email("suriguga@example.cn"))
    hidden = supervisor.get(f"/api/v1/staff/{person}").json
    assert "phone" not in hidden and "mail" not in hidden and hidden["username"] == told["username"]
