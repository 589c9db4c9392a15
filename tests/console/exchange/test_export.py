"""A list leaves as a file: what is in it, who gets it, until when, and what is left when it is stopped."""

from __future__ import annotations

import csv
import io
import re

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from console import assembly, db, files
from console import clock as house_clock
from console.accounts import grants
from console.accounts.models import StaffAccount, StaffGrant
from console.accounts.queries import grants_of
from console.audit import AuditEntry, fingerprint
from console.crud import known
from console.crud.screen import Screen
from console.departments.models import Division
from console.errors import NotAllowed
from console.exchange import exports, jobs, sheets, writing
from console.exchange.models import DataExport
from console.exchange.voice import speaking
from console.retention.models import LegalHold
from console.roles import Role
from console.scope import Staff, System, become
from tests.console.exchange.conftest import MARK
from tests.officers import begin_session, make_account, officer, post
from tests.walled import fill


@pytest.fixture
def person(committed_db):
    return make_account(committed_db, Role.PLATFORM_ADMIN, department=None)[0]


@pytest.fixture
def client(console_app, committed_db, person):
    return begin_session(console_app, person)


def order(client, screen="divisions", **form):
    answer = post(client, f"/screens/{screen}/export", **{"format": "csv", **form})
    assert answer.status_code == 303, answer.get_data(as_text=True)[:400]


def work(database):
    with database.as_worker(), db.transaction() as session:
        ids = list(session.scalars(select(DataExport.id).where(DataExport.state == "waiting")))
    with database.as_worker("exchange.export"):
        jobs.export(ids)


def rows_of(database):
    with database.as_worker(), db.transaction() as session:
        return list(session.scalars(select(DataExport).order_by(DataExport.id)))


def link(client):
    page = client.get("/exports/").get_data(as_text=True)
    found = re.search(r'href="(?:/console)?(/exports/\d+/file\?key=[^"]+)"', page)
    return found.group(1) if found else ""


def acts(database):
    with database.as_worker(), db.transaction() as session:
        return [(e.action, e.facts) for e in session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("export."), AuditEntry.id > MARK[0]).order_by(AuditEntry.id))]


def test_a_list_leaves_as_csv_with_its_conditions_and_order(client, committed_db):
    order(client, level="2", order="-code", column=["code", "name"])
    work(committed_db)
    answer = client.get(link(client))

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    content = answer.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    about, (head, *body) = [line for line in lines if line[0].startswith("#")], [line for line in lines if not line[0].startswith("#")]
    assert [line[0] for line in about][:2] == ["# 名单：行政区划", "# 条件：层级：盟市"]
    assert head == ["区划代码", "名称"]
    assert body[0][0] > body[-1][0]
    assert len(body) == 12
    made = acts(committed_db)
    assert [action for action, _ in made] == ["export.asked", "export.made", "export.fetched"]
    assert made[1][1]["rows"] == 12
    assert made[1][1]["grants"]


def _content(client):
    answer = client.get(link(client))
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    return answer.get_data()


def _body(content):
    return _lines(content)[1:]


def _lines(content):
    return [line for line in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if not line[0].startswith(sheets.COMMENT)]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠x", "  =1", "\n=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_csv_and_comes_back_as_it_was(text):
    assert sheets.neutral(text) == f"'{text}"
    assert sheets.unneutral(sheets.neutral(text)) == text


@pytest.mark.parametrize("text", ["", "'", "'quoted'", "2026-01-02", "a=b", "1-2", "　"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert sheets.neutral(text) == text
    assert sheets.unneutral(text) == text


def _holds(database, *reasons):
    with database.as_worker(), db.transaction() as session:
        now = house_clock.now(session)
        session.add_all(LegalHold(reason=reason, basis="依据", placed_by="test", placed_at=now) for reason in reasons)


def test_formula_cells_are_text_in_both_formats(client, committed_db):
    _holds(committed_db, "=cmd|' /C calc'!A0", "#N/A", "\u0001坏字符")
    order(client, "legal-holds", format="xlsx", column=["reason", "placed_at"])
    work(committed_db)
    book = load_workbook(io.BytesIO(_content(client)))

    sheet, about = book.worksheets
    cells = [(row[0].value, row[0].data_type, row[1].data_type) for row in sheet.iter_rows(min_row=2)]
    assert sorted(cells) == [("#N/A", "s", "d"), ("=cmd|' /C calc'!A0", "s", "d"), ("坏字符", "s", "d")]
    assert about["A1"].value == "名单：封存"

    order(client, "legal-holds", column=["reason"])
    work(committed_db)
    assert sorted(line[0] for line in _body(_content(client))) == ["#N/A", "'=cmd|' /C calc'!A0", "坏字符"]


def test_nobody_else_gets_it(client, committed_db, console_app):
    order(client)
    work(committed_db)
    address = link(client)
    other = officer(console_app, committed_db, Role.PLATFORM_ADMIN, department=None)

    assert other.get(address).status_code == 404
    assert "行政区划" not in re.sub(r"<nav.*?</nav>", "", other.get("/exports/list").get_data(as_text=True), flags=re.S)
    assert client.get(address.partition("?")[0]).status_code == 404  # an address that was guessed
    assert post(other, address.partition("/file")[0] + "/cancel").status_code == 404


def test_it_is_gone_when_its_time_is_over(client, committed_db, clock):
    order(client)
    work(committed_db)
    address, place = link(client), rows_of(committed_db)[0].place
    clock.advance(hours=25)

    answer = client.get(address)
    assert (answer.status_code, "已过下载期限" in answer.get_data(as_text=True)) == (410, True)
    assert not link(client)
    with committed_db.as_worker("cron"):
        jobs.forget()
    with pytest.raises(files.NotFound):
        files.opened(place)
    assert client.get(address).status_code == 410


def test_a_grant_that_has_ended_takes_the_file_along(client, committed_db, person, console_app):
    order(client)
    work(committed_db)
    address = link(client)
    with committed_db.as_worker("seed"), db.transaction() as session:
        grant = session.scalars(select(StaffGrant).where(StaffGrant.staff_id == person)).one()
        grants.give_grant(session, person, role=Role.SUPERVISOR, department_id=None, division_code="150000", reason="测试", actor=System("seed"))
        grants.end_grant(session, grant, reason="测试", actor=System("seed"))

    answer = begin_session(console_app, person).get(address)  # the end of a grant ends the session
    assert (answer.status_code, "授权已经结束" in answer.get_data(as_text=True)) == (403, True)


def test_the_job_reads_with_the_grants_of_now(client, committed_db, person):
    order(client, "legal-holds")
    with committed_db.as_worker("seed"), db.transaction() as session:
        grants.end_grant(session, session.scalars(select(StaffGrant).where(StaffGrant.staff_id == person)).one(), reason="测试", actor=System("seed"))
    work(committed_db)

    (export,) = rows_of(committed_db)
    assert (export.state, export.place, export.error) == ("failed", None, NotAllowed.message)


def test_the_file_has_the_rows_its_asker_sees(committed_db, console_app):
    for division in ("150100", "150200"):
        make_account(committed_db, Role.FIRST_REVIEWER, division=division)
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division="150100")
    order(admin, "staff")
    work(committed_db)

    with committed_db.as_worker(), db.transaction() as session:
        everybody = session.scalar(select(func.count()).select_from(StaffAccount))
        (export,) = session.scalars(select(DataExport))
    assert 0 < export.rows == len(_body(_content(admin))) < everybody


@pytest.fixture
def secrets(monkeypatch):
    """A list of secrets that its reader may see masked, and of one that nobody sees."""
    screen = Screen("t-secrets", StaffAccount, title="测试", menu=None, columns=("staff_id", "phone", "totp_secret"), read=frozenset({Role.PLATFORM_ADMIN}))
    monkeypatch.setattr(known, "SOURCES", [lambda: [screen], *known.SOURCES])
    return screen


def test_secrets_leave_masked_or_not_at_all(committed_db, person, client, secrets):
    with committed_db.as_worker(), db.transaction() as session:
        account = session.get_one(StaffAccount, person)
        account.phone, account.totp_secret = "13900001234", "JBSWY3DPEHPK3PXP"
        who = Staff(person, "", grants_of(session, person))
    with become(who), db.transaction() as session:
        exports.ask(session, secrets, actor=who, query={}, kind="csv", language="zh")
    work(committed_db)

    text = _content(client).decode("utf-8-sig")
    assert "139****1234" in text
    assert "不公开" in text
    assert not {"13900001234", "JBSWY3DPEHPK3PXP"} & set(re.findall(r"\w+", text))
    assert acts(committed_db)[1][1]["sensitive"] == ["phone", "totp_secret"]


def test_a_stopped_export_leaves_nothing(client, committed_db, monkeypatch):
    order(client, "divisions")
    stopped = post(client, f"/exports/{rows_of(committed_db)[0].id}/cancel")
    work(committed_db)
    assert (stopped.status_code, rows_of(committed_db)[0].state) == (303, "cancelled")

    order(client, "divisions")
    monkeypatch.setattr(jobs, "BATCH", 5)
    monkeypatch.setattr(jobs, "NOTE_EVERY", 0)
    begin = exports.begin

    def begin_and_be_stopped(session, export_id, held):
        begin(session, export_id, held)
        session.get_one(DataExport, export_id).cancel_asked_at = house_clock.now(session)

    monkeypatch.setattr(exports, "begin", begin_and_be_stopped)
    work(committed_db)
    export = rows_of(committed_db)[1]
    assert (export.state, export.place, export.rows) == ("cancelled", None, 5)


def test_an_order_whose_worker_died_is_taken_up_again(client, committed_db, monkeypatch):
    order(client, "divisions")

    def die(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files, "keep_as", die)
        work(committed_db)
    assert rows_of(committed_db)[0].state == "running"
    with committed_db.as_worker("exchange.export"):
        jobs.export([rows_of(committed_db)[0].id])
    assert rows_of(committed_db)[0].state == "done"


def test_two_workers_do_not_write_one_file_twice(client, committed_db):
    order(client, "divisions")
    (export,) = rows_of(committed_db)
    with committed_db.as_worker("other"), db.factory() as other:
        other.scalar(select(func.pg_advisory_xact_lock(jobs.LOCKS, export.id)))
        jobs.export([export.id])
        assert rows_of(committed_db)[0].state == "waiting"
    work(committed_db)
    assert [action for action, _ in acts(committed_db)] == ["export.asked", "export.made"]


def test_headings_are_in_the_language_of_whoever_asks(client, committed_db):
    client.set_cookie("ruku_lang", "en")
    order(client, "divisions", level="1", column=["code", "name"])
    work(committed_db)

    assert _lines(_content(client)) == [["Division code", "Name"], ["150000", "Inner Mongolia Autonomous Region"]]


def test_the_audit_does_not_keep_the_words_somebody_looked_for(client, committed_db, clock):
    order(client, "divisions", q="呼和浩特", level="2", order="-code")
    work(committed_db)
    told = [facts["query"] for action, facts in acts(committed_db)]
    assert told == [{"level": "2", "order": "-code", "q": fingerprint("呼和浩特")}] * 2
    clock.advance(hours=25)
    with committed_db.as_worker("cron"):
        jobs.forget()
    assert rows_of(committed_db)[0].query == {}


def test_what_is_no_column_or_condition_of_the_screen_is_left_out(client, committed_db):
    order(client, "divisions", column=["aliases", "__class__", "code"], format="exe", totp_secret="x", order="-aliases")
    (export,) = rows_of(committed_db)
    assert (export.columns, export.format, export.query) == (["code"], "xlsx", {"order": "-aliases"})
    work(committed_db)
    assert rows_of(committed_db)[0].state == "done"


def test_six_at_a_time_are_too_many(client, committed_db):
    for _ in range(6):
        order(client)
    assert len(rows_of(committed_db)) == exports.MOST_WAITING
    assert "没有做完" in client.get("/exports/").get_data(as_text=True)


def test_a_list_of_any_length_is_one_batch_in_memory(committed_db, person, client, monkeypatch):
    """Not a figure (bench/exporting.py measures): that no more rows are loaded than a batch has."""
    most = []
    batch = 40
    write = sheets.CsvSheet.write

    def count(sheet, values):
        most.append(len(db.Session().identity_map))
        write(sheet, values)

    monkeypatch.setattr(jobs, "BATCH", batch)
    monkeypatch.setattr(sheets.CsvSheet, "write", count)
    order(client, "divisions")
    work(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        there = session.scalar(select(func.count()).select_from(Division))
    assert rows_of(committed_db)[0].rows == there > 2 * batch
    assert max(most) <= batch + 5


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_declared_screen_leaves_as_a_file_with_a_row_of_every_table(session, tmp_path, language):
    fill(session, division="150100")
    rows = {}
    with speaking(language):
        for screen in assembly.screens():
            path = tmp_path / f"{screen.name}.csv"
            query = {"q": "", "order": screen.order} | dict.fromkeys(screen.filters, "")
            *_, rows[screen.name] = writing.write(session, screen, path, query=query, names=screen.exported, kind="csv", batch=500)
            content = path.read_bytes()
            assert len(_lines(content)[0]) == len(screen.exported)
            assert b"<" not in content, screen.name  # words, no markup
    assert {name for name, count in rows.items() if not count and not name.startswith("centre-")} <= {"legal-holds", "retention-runs", "retention-rules", "regulations"}
