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
from sqlalchemy.orm import Session

from console import clock, db, passwords
from console.applications.models import StepEntry
from console.publicity.models import Notice, NoticeItem, Objection
from console.reviews.models import Review
from console.roles import Role
from console.roster.models import RosterEntry, RosterSpecialty
from console.roster.views import PAGE as SHORT_PAGE
from console.scope import NOBODY
from rules.pipeline import Step
from tests.conftest import CHEAP, Database, _open, _worker_id
from tests.console.reviews.making import unclaimed_file
from tests.factories import GROUND, HOHHOT, department, make_admission
from tests.officers import begin_session, make_account, officer
from tests.servers import House

BAOTOU = "150202"
CRITERION = {"criterion": "degree", "title": "学历", "title_en": "Degree", "reason": "学历不足", "basis": [{"reg": "NM-NOTICE-2021", "article": "条件二"}]}
#: what a screen has no rows of here may stand empty, but these roles must see numbers that are not nought
OVERSEEING = [Role.COORDINATOR, Role.SUPERVISOR]
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


def short_behind(client: FlaskClient, address: str, count: int) -> int:
    """The same for the list of shortages, which may be hundreds of pages: the last page, and all before it full."""
    last = max(1, -(-count // SHORT_PAGE))
    body = client.get(f"{address}{'&' if '?' in address else '?'}page={last}").get_data(as_text=True)
    assert 'rel="next"' not in body
    table = re.search(r"<tbody>(.*?)</tbody>", body, re.DOTALL)
    return (last - 1) * SHORT_PAGE + (len(re.findall(r"<tr", table.group(1))) if table else 0)


def rows_behind(client: FlaskClient, address: str) -> int:
    """How many rows the list at an address has, page by page."""
    count, pages = 0, 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        body = answer.get_data(as_text=True).partition('id="main"')[2]
        table = re.search(r"<tbody>(.*?)</tbody>", body, re.DOTALL)
        count += len(re.findall(r"<tr", table.group(1))) if table else body.count('name="admission"')  # a list of forms
        further = re.search(r'<a [^>]*rel="next"[^>]*href="([^"]+)"', body)
        address = html.unescape(further.group(1)) if further else ""
        pages += 1
        assert pages < 50
    return count


def behind(client: FlaskClient, one: Shown) -> int:
    return short_behind(client, one.address, one.count) if one.address.startswith("/shortage/") else rows_behind(client, one.address)


@pytest.fixture
def make(full: tuple[Database, dict[Role, int]]) -> Callable[..., Any]:
    return lambda fn: _made(full[0], fn)


def _made(database: Database, fn: Callable[[Any], Any]) -> Any:
    with database.as_worker(), db.transaction() as session:
        return fn(session)


def fill(session: Any, holder: int) -> None:
    """Files at every step, in two leagues and two departments: late, due today, held and nobody's; decided reviews; refusals."""
    now = clock.now(session)
    for step in Step:
        make_admission(session, step=step)
    for index in range(30):  # more than a page of the list
        make_admission(session, holder_id=holder if index % 3 else None, due_in=1 + index % 13)
    for division, whose in ((HOHHOT, "transport"), (BAOTOU, "transport"), (BAOTOU, "water")):
        for step in (Step.FIRST_REVIEW, Step.SECOND_REVIEW):
            for days in (-3, 1):
                due = clock.at_midnight(clock.today(session) + dt.timedelta(days=days))
                make_admission(session, step=step, division=division, department_code=whose, holder_id=holder, due_at=due)
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


def fill_roster(session: Session) -> None:
    """People in three leagues: enough in one specialty of one league, too few elsewhere, some suspended, ended, past their term; objections."""
    today, transport = clock.today(session), department(session, "transport")
    terms = {"active": 400, "ending": 20, "over": -1, "suspended": 400, "ended": 400}
    for index, (division, standing) in enumerate([*[(HOHHOT, "active")] * 4, *((BAOTOU, name) for name in terms), ("150303", "ending")]):
        admission = make_admission(session, step=Step.ROSTER, division=division)
        own = {"applicant_id": admission.applicant_id, "office_id": admission.office_id}
        entry = RosterEntry(
            **own, number=f"1500000001{index:07d}", code=f"ZS{index}", name="高娃", employer="某公司", division_code=division, entered_at=clock.now(session)
        )
        session.add(entry)
        session.flush()
        session.add(
            RosterSpecialty(
                **own, entry_id=entry.id, admission_id=admission.id, standard="316-2018", code="A050302", department_id=transport.id, responsible="测试",
                term_from=today - dt.timedelta(days=900), term_to=today + dt.timedelta(days=terms[standing]),
                standing=standing if standing in ("suspended", "ended") else "active",
            )
        )
    for index, ends in enumerate((-2, 3)):
        admission = make_admission(session, step=Step.PUBLICITY)
        part = {"applicant_id": admission.applicant_id, "admission_id": admission.id}
        notice = Notice(
            office_id=admission.office_id, number=f"GS-{index}", department_id=transport.id, title="公示", opened_by="staff:1", opened_by_name="某人",
            opened_at=clock.now(session), first_day=today, last_day=today, days=3, due_at=clock.at_midnight(today + dt.timedelta(days=ends)), content="",
            content_hash="",
        )  # fmt: skip
        session.add(notice)
        session.flush()
        item = NoticeItem(**part, office_id=admission.office_id, notice_id=notice.id, position=1, name="高娃", employer="某公司", specialties=[])
        session.add(item)
        session.flush()
        session.add(Objection(**part, office_id=admission.office_id, code=f"YY-{index}", notice_item_id=item.id, objector="某人", contact="0471", ground="不实", made_at=clock.now(session)))
    unclaimed_file(session)
    session.flush()


@pytest.fixture(scope="module")
def full(house: House, request: pytest.FixtureRequest) -> Iterator[tuple[Database, dict[Role, int]]]:
    """A clone with these rows and one officer of each role at the region, for tests that only look; the reviewers hold some of the files."""
    name = f"ruku_{_worker_id(request)}_full"
    house.clone(name)
    database = _open(house, name)
    made: dict[Role, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", CHEAP)
        for role in Role:
            department = None if role in (Role.SUPERVISOR, Role.PLATFORM_ADMIN, Role.OPERATOR) else "transport"
            made[role], _ = make_account(database, role, department=department)
    _made(database, lambda session: [fill(session, made[role]) for role in (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER)])
    _made(database, fill_roster)
    yield database, made
    database.dispose()
    house.drop(name)


@pytest.fixture
def people(console_app: Any, full: tuple[Database, dict[Role, int]], redis: Any, cheap_passwords: None) -> Iterator[dict[Role, FlaskClient]]:
    """The officers of `full`, signed in, all over the same rows."""
    database, made = full
    with database.committing(database.web, NOBODY):
        yield {role: begin_session(console_app, person) for role, person in made.items()}


# ── totals equal the lists ───────────────────────────────────────────────────────────────────────────────────


def test_every_number_of_every_role_is_the_rows_it_leads_to(people):
    for role, client in people.items():
        shown = numbers(client.get("/dashboard/"))
        assert [(one, rows) for one in shown if (rows := behind(client, one)) != one.count] == [], role
        if role in OVERSEEING:
            assert {one.board for one in shown if one.count} >= {"roster", "objections", "short-by-league", "short-by-class", "overdue-by-office", "last-days"}, role
        if role in (Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN, Role.SUPERVISOR):
            assert [one.count for one in shown if one.board == "grants"][2:], role
        if role == Role.OPERATOR:
            assert [one.count for one in shown if one.board == "unclaimed"] == [3]
        if role in READERS:
            assert {one.board for one in shown if one.count} >= {"at-work", "rate-first_review", "rate-second_review", "grounds"}, role
        if role in (Role.FIRST_REVIEWER, Role.SECOND_REVIEWER):
            mine = [(one.title, one.count) for one in shown if one.board == "mine"]
            assert mine[:3] == [("等我办 28", 28), ("其中超期 4", 4), ("今天到期 4", 4)]


def test_a_shortage_is_counted_by_specialty_and_league(people, full, console_app):
    """Four in office in one league are enough for three; where somebody is missing the list says how many there are, and opens them."""
    shown = {one.title.partition(" ")[0]: one.count for one in numbers(people[Role.COORDINATOR].get("/dashboard/")) if one.board == "short-by-league"}
    assert shown["呼和浩特市"] == shown["包头市"] - 1 == shown["乌海市"] - 1
    body = people[Role.COORDINATOR].get("/shortage/?league=150200").get_data(as_text=True)
    pages = [body, *(people[Role.COORDINATOR].get(f"/shortage/?league=150200&page={page}").get_data(as_text=True) for page in (2, 3, 4))]
    [(address, have)] = [found for page in pages for found in re.findall(r'<a href="([^"]+)" aria-label="A050302 [^"]*">(\d+)</a>', page)]
    assert int(have) == 2 == rows_behind(people[Role.COORDINATOR], html.unescape(address))  # the suspended, the ended and the expired are not in office
    part = officer(console_app, full[0], Role.COORDINATOR, division=HOHHOT)
    assert "short-by-league" not in part.get("/dashboard/").get_data(as_text=True)
    assert "您的授权只到一部分" in part.get("/shortage/").get_data(as_text=True)


def test_a_number_is_of_ones_own_scope(people, full, console_app):
    near = officer(console_app, full[0], Role.COORDINATOR, division=HOHHOT)
    mine, all_of_them = ({one.title: one.count for one in numbers(client.get("/dashboard/")) if one.board == "at-work"} for client in (near, people[Role.COORDINATOR]))
    assert sum(mine.values()) and mine != all_of_them


def test_who_reads_no_files_is_shown_no_number_of_them(people):
    for role in (Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN, Role.OPERATOR):
        shown = {one.board for one in numbers(people[role].get("/dashboard/"))}
        assert shown & {"mine", "at-work", "last-days", "grounds", "rate-first_review"} == set(), role


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_costs_a_handful_of_statements_however_much_it_shows(people):
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
            # those told of shortages also read the rules in force, the tree of specialties and the roster by league
            assert len(seen) <= (11 if role in OVERSEEING else 6), (role, len(seen), [one[:90] for one in seen])
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
