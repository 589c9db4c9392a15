"""A register that was declared in YAML alone takes files, through its own service: its checks, its states, its trail."""

from __future__ import annotations

from sqlalchemy import select

from console import db
from console.accounts.queries import grants_of
from console.crud import known
from console.exchange import imports, jobs
from console.exchange.models import DataImport
from console.registers import loading
from console.roles import Role
from console.scope import Staff, become
from tests.officers import make_account

HEAD = "文件名称,文号,制定机关,负责清理的部门,效力级别,发布日期,施行日期,公开属性\n"
GOOD = HEAD + "招标投标法,主席令第21号,全国人大常委会,内蒙古自治区交通运输厅,法律,1999年8月30日,2000-01-01,主动公开\n"


def test_a_register_s_rows_come_from_a_file(committed_db, tmp_path):
    person = make_account(committed_db, Role.COORDINATOR)[0]
    with committed_db.as_worker(), db.transaction() as session:
        who = Staff(person, "", grants_of(session, person))
    screen = known.find("centre-documents")
    rows = loading.register("centre-documents").rows

    wrong = _check(committed_db, screen, who, tmp_path, GOOD + "甲办法,一号,某厅,交通运输厅,法律,2026-01-02,2020-01-01,主动公开\n")
    assert (wrong.fresh, wrong.wrong) == (1, 1), (wrong.error, wrong.problems)
    assert [(p["line"], p["say"]) for p in wrong.problems][-1] == (3, "施行日期早于发布日期，请核对。")

    _write(committed_db, screen, who, _check(committed_db, screen, who, tmp_path, GOOD))
    with committed_db.as_worker(), db.transaction() as session:
        row = session.scalars(select(rows)).one()
        assert (row.title, row.level, row.version, row.entered_by) == ("招标投标法", "law", 1, f"staff:{person}")

    changed = _check(committed_db, screen, who, tmp_path, "文件名称,文号,公开属性\n招标投标法,主席令第21号,依申请公开\n")
    assert (changed.fresh, changed.changed, changed.wrong) == (0, 1, 0), changed.problems
    _write(committed_db, screen, who, changed)
    with committed_db.as_worker(), db.transaction() as session:
        row = session.scalars(select(rows)).one()
        assert (row.disclosure, row.level, row.version) == ("on_request", "law", 2)


def _check(database, screen, who, folder, text):
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    with become(who), db.transaction() as session:
        number = imports.bring(session, screen, path, "documents.csv", actor=who, language="zh").id
    with database.as_worker("exchange.check"):
        jobs.check([number])
    with become(who), db.transaction() as session:
        return session.get_one(DataImport, number)


def _write(database, screen, who, order):
    assert order.error is None, order.error
    with become(who), db.transaction() as session:
        imports.confirm(session, session.get_one(DataImport, order.id), screen, actor=who, content_hash=order.content_hash, leave_wrong=False)
    with database.as_worker("exchange.enter"):
        jobs.enter([order.id])
    with become(who), db.transaction() as session:
        done = session.get_one(DataImport, order.id)
        assert (done.state, done.error) == ("done", None)
