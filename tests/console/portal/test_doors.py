"""Who may open what; what every page says about itself; in both languages, without anything from elsewhere."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event, select, text

from console import audit, db
from console.portal.door import PUBLIC
from console.scope import System, become
from rules.pipeline import Step
from tests.console.audited import seal_all
from tests.console.portal.conftest import register
from tests.factories import make_admission

OPEN_PAGES = ["/", "/eligibility", "/eligibility?department=transport", "/privacy", "/accessibility", "/audit", "/notices",
              "/verify", "/sign-in", "/register", "/reset", "/objections", "/specialties?q=A0403"]  # fmt: skip
OWN_PAGES = ["/file", "/account", "/training", "/certificate"]


def closed_routes(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and rule.endpoint not in PUBLIC:
            yield rule


def address_of(rule) -> str:
    """Its address with a 1 wherever a part is open, and the first word where one of some is asked for."""
    return re.sub(r"<any\((\w+)[^>]*>|<[^>]+>", lambda part: part[1] or "1", rule.rule)


def clean(html: str) -> list[str]:
    """What a page of ours may not contain: addresses of others, inline style or script."""
    foreign = [url for url in re.findall(r'(?:src|href|action)="([^"]+)"', html) if re.match(r"(https?:)?//", url)]
    inline = re.findall(r'\sstyle="|\son\w+="|<style', html)
    scripts = [tag for tag in re.findall(r"<script[^>]*>", html) if "nonce=" not in tag or "src=" not in tag]
    return [*foreign, *inline, *scripts]


@pytest.mark.parametrize("path", OPEN_PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_anyone_may_open_the_public_pages_in_both_languages(path, language, portal):
    portal.set_cookie("ruku_lang", language)

    answer = portal.get(path)

    assert answer.status_code == 200
    assert clean(answer.get_data(as_text=True)) == []
    assert "style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    if language == "en" and answer.mimetype == "text/html":
        shown = re.sub(r"<script.*?</script>|<option.*?</option>|<[^>]+>|\(?[A-Z]\w*\d+\)?", " ", answer.get_data(as_text=True), flags=re.S)
        chinese = {w for w in re.findall(r"[\u4e00-\u9fff]{2,}", shown)}
        # the articles of regulations are cited as they are written; the other language calls itself by its name
        assert not {w for w in chinese if w != "中文" and "条" not in w and "eligibility" not in path}, chinese


def test_every_other_page_sends_a_visitor_to_sign_in_and_back(portal, portal_app):
    rules = list(closed_routes(portal_app))
    assert len(rules) > 30
    for rule in rules:
        if "GET" in rule.methods:
            answer = portal.get(address_of(rule))
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/sign-in"), rule.rule
    assert portal.get("/applications/1/review").location == "/sign-in?next=/applications/1/review"


def test_nothing_is_written_without_the_forms_token(portal, portal_app):
    for rule in portal_app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and "POST" in rule.methods:
            assert portal.post(address_of(rule)).status_code in (400, 303), rule.rule


def test_the_public_list_names_only_pages_that_exist(portal_app):
    assert set(portal_app.view_functions) >= PUBLIC


@pytest.mark.parametrize("path", OWN_PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_my_pages_open(path, language, citizen):
    citizen.client.set_cookie("ruku_lang", language)

    page = citizen.get(path)

    assert clean(page.html) == []


def test_what_is_somebody_elses_is_not_found(citizen, committed_db, portal_app):
    """Every address with a number in it, with the number of a stranger's row."""
    with committed_db.as_worker(), db.transaction() as session:
        admission = make_admission(session, step=Step.CORRECTION)
        numbers = {"application_id": admission.application_id, "admission_id": admission.id}
        for table, column in (("letter", "letter_id"), ("attachment", "attachment_id"), ("attempt", "attempt_id")):
            numbers[column] = 1 + (session.scalar(text(f"SELECT coalesce(max(id), 0) FROM {table}")) or 0)
    seen = []
    for rule in closed_routes(portal_app):
        if not rule.arguments:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(numbers.get(m[1], 1)), rule.rule)
        if "GET" in rule.methods:
            citizen.get(path, status=404)
        if "POST" in rule.methods:
            citizen.get("/account")
            answer = citizen.post(path, {"path": "name", "name": "x", "reason": "y", "do": "next"})
            assert answer.status_code == 404, path
        seen.append(rule.rule)
    assert len(seen) > 20
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT step FROM admission WHERE id = :id"), {"id": admission.id}) == Step.CORRECTION


def test_opening_a_page_writes_nothing(citizen, draft, portal_app, committed_db):
    written: list[str] = []

    def note(conn, cursor, statement, *rest):
        if re.match(r"\s*(INSERT|UPDATE|DELETE)", statement) and "web_session" not in statement:
            written.append(statement)

    event.listen(committed_db.web, "before_cursor_execute", note)
    for rule in portal_app.url_map.iter_rules():
        if rule.endpoint.startswith("portal.") and "GET" in rule.methods:
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: {"application_id": str(draft), "key": "identity"}.get(m[1], "1"), rule.rule)
            citizen.client.get(path)
    event.remove(committed_db.web, "before_cursor_execute", note)

    assert written == []


@pytest.mark.parametrize("status", [404, 405])
def test_errors_are_pages_in_the_portals_look(status, portal):
    answer = portal.get("/nowhere" if status == 404 else "/sign-out")

    assert answer.status_code == status
    assert "masthead" in answer.get_data(as_text=True) and "入库" in answer.get_data(as_text=True)


def test_the_front_page_offers_to_carry_on_with_a_draft(citizen, draft):
    page = citizen.get("/")

    assert "接着填" in page.text and f"/applications/{draft}/sections/identity" in page.html


def test_two_people_do_not_see_each_other(citizen, draft, portal_app):
    other = register(name="敖登", phone="13900009999")
    with become(other), db.transaction() as session:
        from console.applications.models import Application

        assert session.scalars(select(Application)).all() == []
    with become(System("nothing in particular")), db.transaction() as session:
        assert session.scalars(select(Application)).all() == []  # System is not honoured for the web's login


def test_the_page_of_audit_roots_names_the_place_of_every_chain(portal, committed_db):
    with committed_db.as_worker(), become(System("test")), db.transaction() as session:
        for code in ("150000", "150100", "150102"):
            audit.record(session, "test.told", "test:1", division_code=code)
    seal_all(committed_db)
    with committed_db.as_worker(), become(System("test")), db.transaction() as session:
        audit.anchor(session)

    heads = re.findall(r"<h2[^>]*>([^<]+)</h2>", portal.get("/audit").get_data(as_text=True))

    assert {"内蒙古自治区", "呼和浩特市", "全系统"} <= set(heads)
    assert not [head for head in heads if head.strip().isdigit()]
