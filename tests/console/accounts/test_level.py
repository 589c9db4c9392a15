"""The level admin's page and the matrix page: numbers within reach, and nothing of files."""

from __future__ import annotations

import csv
import io
import re

import pytest

from console import db
from console.accounts import level, matrix_views
from console.accounts.matrix_views import PERMISSION_WORDS
from console.accounts.models import StaffAccount
from console.apps import sources
from console.ops.access import DESK
from console.roles import ROLES, Act, Role, Subject
from rules.pipeline import Step
from tests.factories import HOHHOT, REGION, make_admission, make_applicant, make_staff
from tests.officers import officer


def _text(answer) -> str:
    assert answer.status_code == 200, (answer.status_code, answer.location)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).partition('id="main"')[2]))


def test_a_level_counts_what_its_offices_have_and_nothing_of_others(session, as_):
    admin = make_staff(session, Role.DEPARTMENT_ADMIN, division=HOHHOT)
    first = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT, name="巴特尔")
    session.get_one(StaffAccount, first.id).declared_at = None
    make_staff(session, Role.FIRST_REVIEWER, division="150200", name="外地人")
    make_staff(session, Role.FIRST_REVIEWER, department_code="water", division=HOHHOT, name="水利人")
    make_admission(session, holder_id=first.id, due_in=1)
    make_admission(session)
    make_admission(session, step=Step.CORRECTION, level=2)
    make_admission(session, step=Step.ROSTER, level=2)
    for elsewhere in ({"division": "150202"}, {"department_code": "water"}):
        make_admission(session, **elsewhere)
    with as_(admin):
        found = level.overview(session, days=180)

    assert [(queue.office.division_code, dict(queue.steps), queue.unassigned, queue.overdue) for queue in found.queues] == [
        (HOHHOT, {"first_review": 2, "correction": 1}, 1, 0)
    ]
    assert [(worker.account.name, worker.in_hand) for worker in found.workers] == [("巴特尔", 1)]
    assert (found.open, found.unassigned, found.due_total, found.ending_total) == (3, 1, 0, 0)
    assert found.undeclared_total == 1 and found.one_step_total == 2
    reviewer = make_staff(session, Role.FIRST_REVIEWER, division=HOHHOT)
    with as_(reviewer):
        blind = level.overview(session, days=180)
        assert (blind.queues, blind.open, [w.account.staff_id for w in blind.workers]) == ([], 0, [reviewer.id])


def test_a_league_admin_begins_here_and_reads_no_names_of_applicants(console_app, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        make_admission(session, applicant=make_applicant(session, name="乌日根"))
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division=HOHHOT)
    assert admin.get("/").location == "/level/"

    said = _text(admin.get("/level/"))

    assert "各机构在办" in said and "移交由统筹协调员办" in said and "乌日根" not in said
    coordinator = officer(console_app, committed_db, Role.COORDINATOR, division=HOHHOT)
    assert coordinator.get("/").location == "/today/" and coordinator.get("/level/").status_code == 200
    assert officer(console_app, committed_db, Role.FIRST_REVIEWER).get("/level/").status_code == 403


# ── the matrix page ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def supervisor(console_app, committed_db):
    return officer(console_app, committed_db, Role.SUPERVISOR, department=None, division=REGION)


def test_the_matrix_says_what_is_enforced(supervisor):
    text = supervisor.get("/access-matrix/csv").get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    roles = list(Role)
    marks = {(table, what, detail): {role for role, mark in zip(roles, cells, strict=True) if mark} for table, what, detail, *cells in rows[1:]}

    assert len(rows) > 100
    assert len([row for row in rows if row[0] == "看得到哪一类"]) == len(Subject) and len([row for row in rows if row[0] == "能办什么"]) == len(Act)
    assert marks["看得到哪一类", "申报与办件", ""] == {role for role, found in ROLES.items() if Subject.FILES in found.reads}
    assert marks["谁能授予谁", "部门管理员", ""] == {Role.PLATFORM_ADMIN, Role.DEPARTMENT_ADMIN}
    assert marks["能打开哪些页面", "授权", "给出、改动、收回、复核"] == {Role.PLATFORM_ADMIN, Role.DEPARTMENT_ADMIN}
    assert marks["能打开哪些页面", "权限总表", "打开"] == {Role.PLATFORM_ADMIN, Role.DEPARTMENT_ADMIN, Role.SUPERVISOR}


def test_the_matrix_is_searched_and_narrowed_to_one_role(supervisor, console_app, committed_db):
    found = _text(supervisor.get("/access-matrix/?q=异议&role=coordinator"))

    assert "处理异议" in found and "初审：通过" not in found
    assert "没有这一项" in _text(supervisor.get("/access-matrix/?q=没有这样的东西"))
    assert officer(console_app, committed_db, Role.COORDINATOR).get("/access-matrix/").status_code == 403


def test_every_permission_has_words():
    screens, pages = sources()
    named = {name for source in [*screens, *pages, DESK] for name in source.permissions}
    acts = {f"can_{action.name}" for screen in screens for action in screen.actions}

    assert sorted(named - acts - set(PERMISSION_WORDS)) == []
    assert matrix_views.AccessMatrix.name == "access-matrix"
