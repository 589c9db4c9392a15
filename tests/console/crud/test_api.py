"""The screens for machines: reading."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from console import db
from console.audit import AuditEntry
from console.crud import known
from console.roles import Role
from tests.officers import officer


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
    "path", ["nothing", "offices/999999", "offices/1%20OR%201=1", "offices/１", "offices/-1", "offices/1~2", "grants/1/actions/nothing",
             "offices/options/name", "offices/options/phone", "codes/x", "%2e%2e/account"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(supervisor, path):
    method = "POST" if "actions" in path else "GET"
    if method == "POST":
        return  # the form token comes first; the matrix asks it
    assert _problems(supervisor.get(f"/api/v1/{path}"))[0] == 404


def test_a_method_the_screen_does_not_declare_is_not_there(console_app):
    answer = console_app.test_client().get("/api/v1/")
    assert _problems(answer)[0] == 401
    for path in ("offices", "offices/1"):
        assert console_app.test_client().open(f"/api/v1/{path}", method="PUT").status_code in (401, 405)


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


@pytest.mark.parametrize("screen", ["offices", "divisions", "specialties", "grants", "staff", "codes", "workdays"])
def test_the_list_is_the_pages_list_row_by_row(supervisor, console_app, screen):
    """The same rows in the same order, for as many as the page shows."""
    page = supervisor.get(f"/screens/{screen}/").get_data(as_text=True)
    rows = supervisor.get(f"/api/v1/{screen}?size=25").json["items"]
    places = [page.find(f"/screens/{screen}/{row['_key']}\"") for row in rows]
    if screen != "staff":  # whose lines lead to the person's own page
        assert -1 not in places and places == sorted(places)
