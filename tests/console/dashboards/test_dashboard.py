"""工作看板: every number of every role is followed to its list, and the rows there are counted."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from console import clock, db
from console.applications.models import StepEntry
from console.reviews.models import Review
from console.roles import Role
from rules.pipeline import Step
from tests.factories import GROUND, HOHHOT, make_admission
from tests.officers import begin_session, make_account, officer

BAOTOU = "150202"
CRITERION = {"criterion": "degree", "title": "学历", "title_en": "Degree", "reason": "学历不足", "basis": [{"reg": "NM-NOTICE-2021", "article": "条件二"}]}
#: what a screen has no rows of here may stand empty, but these roles must see numbers that are not nought
READERS = [Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.SUPERVISOR]


@dataclass(frozen=True)
class Shown:
    """One number of the page."""

    board: str
    title: str
    count: int
    address: str


def numbers(page: Any) -> list[Shown]:
    """Every number the page shows, with the address it leads to."""
    assert page.status_code == 200, (page.status_code, page.location)
    found = []
    for board, body in re.findall(r'<section class="card board[^"]*" id="([^"]+)"(.*?)</section>', page.get_data(as_text=True), re.DOTALL):
        for address, title, said in re.findall(r'<a href="([^"]+)" aria-label="([^"]*)">([\d,]+)</a>', body):
            found.append(Shown(board, html.unescape(title), int(said.replace(",", "")), html.unescape(address)))
        assert len(re.findall(r"<dd>|<td class=\"num\">(?!—|\d)", body)) == len([one for one in found if one.board == board]), f"{board}: a number leads nowhere"
    return found


def rows_behind(client: FlaskClient, address: str) -> int:
    """How many rows the list at an address has, page by page."""
    count, pages = 0, 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        body = answer.get_data(as_text=True).partition('id="main"')[2]
        table = re.search(r"<tbody>(.*?)</tbody>", body, re.DOTALL)
        count += len(re.findall(r"<tr", table.group(1))) if table else 0
        further = re.search(r'<a [^>]*rel="next"[^>]*href="([^"]+)"', body)
        address = html.unescape(further.group(1)) if further else ""
        pages += 1
        assert pages < 50
    return count


@pytest.fixture
def make(committed_db: Any) -> Callable[..., Any]:
    def run(fn: Callable[[Any], Any]) -> Any:
        with committed_db.as_worker(), db.transaction() as session:
            return fn(session)

    return run


def fill(session: Any, holder: int) -> None:
    """Files at every step, in two leagues and two departments: late, due today, held and nobody's; decided reviews; refusals."""
    now = clock.now(session)
    for step in Step:
        make_admission(session, step=step)
    for index in range(30):  # more than a page of the list
        make_admission(session, holder_id=holder if index % 3 else None, due_in=1 + index % 13)
    for division, department in ((HOHHOT, "transport"), (BAOTOU, "transport"), (BAOTOU, "water")):
        for step in (Step.FIRST_REVIEW, Step.SECOND_REVIEW):
            for days in (-3, 1):
                due = clock.at_midnight(clock.today(session) + dt.timedelta(days=days))
                make_admission(session, step=step, division=division, department_code=department, holder_id=holder, due_at=due)
    decisions = ["pass", "pass", "return_for_correction", "refuse", None, "pass"]
    for index, decision in enumerate(decisions * 5):
        admission = make_admission(session, step=Step.PUBLICITY)
        for level in ("first_review", "second_review"):
            review = Review(
                admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, level=level, reviewer_id=holder,
                reviewer_name="苏日娜", decision=decision, saved_at=now, decided_at=now - dt.timedelta(days=11 * index) if decision else None,
            )  # fmt: skip
            session.add(review)
    for items in ([GROUND], [GROUND, CRITERION], [CRITERION]):
        refused = make_admission(session, step=Step.REFUSED)
        for _twice in range(2):  # refused, opened again, refused again: one file
            session.add(
                StepEntry(
                    admission_id=refused.id, applicant_id=refused.applicant_id, office_id=refused.office_id, action="refuse",
                    from_step="first_review", to_step="refused", at=now, who="staff:1", reason="材料不实", items=items,
                )
            )
    session.flush()


@pytest.fixture
def people(console_app: Any, committed_db: Any, make: Any) -> Iterator[dict[Role, FlaskClient]]:
    """One officer of each role at the region, all over the same rows; the reviewers hold some of the files."""
    made: dict[Role, int] = {}
    for role in Role:
        department = None if role in (Role.SUPERVISOR, Role.PLATFORM_ADMIN, Role.OPERATOR) else "transport"
        made[role], _ = make_account(committed_db, role, department=department)
    make(lambda session: [fill(session, made[role]) for role in (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER)])
    yield {role: begin_session(console_app, person) for role, person in made.items()}


# ── totals equal the lists ───────────────────────────────────────────────────────────────────────────────────


def test_every_number_of_every_role_is_the_rows_it_leads_to(people):
    for role, client in people.items():
        shown = numbers(client.get("/dashboard/"))
        assert [(one, rows) for one in shown if (rows := rows_behind(client, one.address)) != one.count] == [], role
        if role in READERS:
            assert {one.board for one in shown if one.count} >= {"at-work", "rate-first_review", "rate-second_review", "grounds"}, role
        if role in (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER):
            mine = [(one.title, one.count) for one in shown if one.board == "mine"]
            assert mine[:3] == [("等我办 28", 28), ("其中超期 4", 4), ("今天到期 4", 4)]


def test_a_number_is_of_ones_own_scope(people, console_app, committed_db):
    near = officer(console_app, committed_db, Role.COORDINATOR, division=HOHHOT)
    mine, all_of_them = ({one.title: one.count for one in numbers(client.get("/dashboard/")) if one.board == "at-work"} for client in (near, people[Role.COORDINATOR]))
    assert sum(mine.values()) and mine != all_of_them


def test_who_reads_no_files_is_shown_no_number_of_them(people):
    for role in (Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN, Role.OPERATOR):
        shown = {one.board for one in numbers(people[role].get("/dashboard/"))}
        assert shown & {"mine", "at-work", "last-days", "grounds", "rate-first_review"} == set(), role


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_costs_a_handful_of_statements_however_much_it_shows(people, console_app, committed_db):
    """All numbers are two statements; the rest says who offices are."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    engine = db.Session().get_bind()
    db.Session.remove()
    event.listen(engine, "before_cursor_execute", note)
    try:
        for role, client in people.items():
            client.get("/dashboard/")
            seen.clear()
            client.get("/dashboard/")
            assert len(seen) <= 8, (role, seen)
    finally:
        event.remove(engine, "before_cursor_execute", note)


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_page_says_what_to_do(console_app, committed_db):
    text = officer(console_app, committed_db, Role.FIRST_REVIEWER).get("/dashboard/").get_data(as_text=True)
    assert "没有等您办的件" in text and "view=unassigned" in text and "近六个月还没有作出决定的审核" in text


def test_the_list_says_what_a_number_narrowed_it_by(people):
    coordinator = people[Role.COORDINATOR]
    for board, said in (("overdue-by-office", "机构 "), ("last-days", "最后一天 "), ("grounds", "不予通过的依据 ")):
        address = next(one.address for one in numbers(coordinator.get("/dashboard/")) if one.board == board and "due=late" not in one.address)
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", coordinator.get(address).get_data(as_text=True)))
        assert said in text, (board, address)


def test_what_an_address_says_wrongly_narrows_nothing(people):
    coordinator = people[Role.COORDINATOR]
    whole = rows_behind(coordinator, "/files/?view=all")
    for wrong in ("office=x", "office=99999999999", "due=2026-13-01", "due=soon"):
        assert rows_behind(coordinator, f"/files/?view=all&{wrong}") == whole, wrong
    assert rows_behind(coordinator, "/files/?view=all&ground=%27%22%7B") == 0


def test_a_list_narrowed_by_a_deadline_goes_by_the_last_day_it_shows(people, make):
    """A deadline is the midnight after the last day: asked for a day, the list shows what shows that day."""
    supervisor = people[Role.SUPERVISOR]
    day = make(lambda session: clock.today(session)).isoformat()
    rows = rows_behind(supervisor, f"/screens/admissions/?due_at-from={day}&due_at-to={day}&size=100")
    assert rows == rows_behind(supervisor, f"/files/?view=all&due={day}") == 12
    page = supervisor.get(f"/screens/admissions/?due_at-from={day}&due_at-to={day}").get_data(as_text=True)
    assert page.count(day) >= 12
