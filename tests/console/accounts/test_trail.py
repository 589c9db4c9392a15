"""The audit page: who reads what of it, how it is searched, and that every act has its words."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select

from console import assembly, audit, db
from console.accounts import trail
from console.accounts.trail_words import ACT_WORDS, KIND_WORDS
from console.audit import AuditEntry
from console.roles import Role
from rules.pipeline import Action
from tests.factories import make_admission, make_staff
from tests.officers import officer

CONSOLE = Path(__file__).parents[3] / "console"


def _acts() -> set[str]:
    """Every act named in a call of `audit.record()`, `audit.entry()` or `audit.line()`, as far as it is written out."""
    found = set()
    for path in CONSOLE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("record", "entry", "line"):
                if getattr(node.func.value, "id", "") == "audit" and len(node.args) > 1:
                    constants = [n.value for n in ast.walk(node.args[1]) if isinstance(n, ast.Constant)]
                    found |= {text for text in constants if isinstance(text, str) and text.count(".") == 1 and not text.endswith(".") and text[0] != "."}
    return found


def test_every_act_has_words():
    wanted = _acts() | {f"admission.{action}" for action in Action}
    assert len(wanted) > 60
    assert sorted(wanted - ACT_WORDS.keys()) == []
    assert sorted({act.partition(".")[0] for act in ACT_WORDS} - KIND_WORDS.keys()) == []


@pytest.fixture
def written(session):
    """An entry about a file in Hohhot, one about a file in Chifeng, one of the system; read back by action."""
    here, there = (make_admission(session, department_code="water", division=code) for code in ("150105", "150402"))
    for admission in (here, there):
        audit.record(session, "file.taken", f"admission:{admission.id}", division_code=admission.division_code)
    audit.record(session, "brake.pulled", "brake:999", reason="试")
    session.flush()
    return here, there


def _subjects(session, actor, **asked):
    lines, _more = trail.lines(session, trail.Asked(**asked), actor=actor)
    return {line.entry.subject for line in lines if line.entry.action in ("file.taken", "brake.pulled")}


@pytest.mark.parametrize(
    ("division", "sees"),
    [("150000", {"here", "there", "system"}), ("150100", {"here"}), ("150105", {"here"}), ("150200", set()), ("150402", {"there"})],
)
def test_a_supervisor_reads_the_chains_of_their_place(session, as_, written, division, sees):
    names = {"here": f"admission:{written[0].id}", "there": f"admission:{written[1].id}", "system": "brake:999"}
    actor = make_staff(session, Role.SUPERVISOR, department_code=None, division=division)
    with as_(actor):
        assert _subjects(session, actor) == {names[name] for name in sees}


def test_a_supervisor_of_one_department_reads_what_concerns_its_files(session, as_, written):
    road = make_admission(session, division="150105")
    audit.record(session, "file.taken", f"admission:{road.id}", division_code="150105")
    session.flush()
    actor = make_staff(session, Role.SUPERVISOR, division="150100")
    with as_(actor):
        assert _subjects(session, actor) == {f"admission:{road.id}"}


def test_it_is_found_by_file_person_kind_and_day(session, as_, written):
    here = written[0]
    actor = make_staff(session, Role.SUPERVISOR, department_code=None)
    today = session.scalar(select(AuditEntry.at).limit(1)).date()
    with as_(actor):
        assert _subjects(session, actor, subject=here.number) == {f"admission:{here.id}"}
        assert _subjects(session, actor, subject="brake:999") == {"brake:999"}
        assert _subjects(session, actor, kind="brake") == {"brake:999"}
        assert _subjects(session, actor, who="system:test", kind="brake") == {"brake:999"}
        assert _subjects(session, actor, who="没有这个人") == set()
        assert _subjects(session, actor, until=today - dt.timedelta(days=2)) == set()


def test_it_is_read_page_by_page(session, as_):
    for number in range(trail.PAGE + 3):
        audit.record(session, "outbox.asked_again", f"outbox:{number}")
    session.flush()
    actor = make_staff(session, Role.SUPERVISOR, department_code=None)
    with as_(actor):
        first, more = trail.lines(session, trail.Asked(kind="outbox"), actor=actor)
        rest, end = trail.lines(session, trail.Asked(kind="outbox", before=first[-1].entry.id), actor=actor)
    assert (len(first), more, len(rest), end) == (trail.PAGE, True, 3, False)


def test_looking_something_up_is_noted_and_bad_words_do_not_break_it(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    page = client.get("/audit-trail/?since=2026-13-40&before=-1&kind=x%27&who=%27&subject=staff:1")

    assert page.status_code == 200 and "登录" not in page.get_data(as_text=True).split("<h1>")[0]
    with committed_db.as_worker(), db.transaction() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "audit.read")).one()
    assert noted.facts["asked"]["subject"] == "staff:1"
    assert "新建账号" in client.get("/audit-trail/?kind=staff").get_data(as_text=True)
    assert assembly.ROOMS  # the page is a room's
