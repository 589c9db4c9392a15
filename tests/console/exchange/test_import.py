"""A file comes in as rows: what is read, what is refused and how it is said, and that it comes in whole or not at all."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import os
import re
import signal
from dataclasses import replace
from decimal import Decimal

import pytest
from openpyxl import Workbook
from sqlalchemy import delete, select, text, update

from console import db, files
from console.audit import AuditEntry
from console.exchange import entering, imports, jobs
from console.exchange.models import DataExport, DataImport, StagedRow
from console.roles import Role
from tests.console.exchange.conftest import MARK
from tests.officers import begin_session, make_account, token
from tests.venues import Venue

OFFICE = "呼和浩特市交通运输局"
HEAD = "办理机构,考场编号,名称,座位数,启用日期,费用,是否启用,种类,备注\n"


def bring(client, content, name="v.csv"):
    page = client.get("/screens/t-venues/import")
    content = content.encode() if isinstance(content, str) else content
    return client.post(
        "/screens/t-venues/import", data={"csrf_token": token(page), "file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )


def brought(database, number=-1):
    with database.as_worker(), db.transaction() as session:
        return list(session.scalars(select(DataImport).order_by(DataImport.id)))[number]


def check(client, database, content, name="v.csv"):
    answer = bring(client, content, name)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", "", answer.get_data(as_text=True))[-600:]
    with database.as_worker("exchange.check"):
        jobs.check([brought(database).id])
    return brought(database)


def say_yes(client, database, **form):
    order = brought(database)
    page = client.get(f"/imports/{order.id}")
    answer = client.post(f"/imports/{order.id}/confirm", data={"csrf_token": token(page), "hash": order.content_hash, **form})
    assert answer.status_code == 303
    with database.as_worker("exchange.enter"):
        jobs.enter([order.id])
    return brought(database)


def venues_of(database):
    with database.as_worker(), db.transaction() as session:
        return list(session.scalars(select(Venue).order_by(Venue.code)))


def counts(order):
    return order.fresh, order.changed, order.same, order.wrong


def test_a_file_is_looked_at_confirmed_and_written(admin, committed_db):
    order = check(admin, committed_db, HEAD + f"{OFFICE},001,第一考场,1,2026年1月2日,\"1,200.50\",是,礼堂,=1+1\n{OFFICE},002,第二考场,３０,46024,12%,否,room,\n")
    assert (order.state, counts(order), order.error) == ("checked", (2, 0, 0, 0), None)
    assert venues_of(committed_db) == []

    order = say_yes(admin, committed_db)

    assert (order.state, order.error) == ("done", None)
    first, second = venues_of(committed_db)
    assert (first.code, first.name, first.seats, first.opened, first.fee, first.is_open, first.kind, first.note, first.version) == (
        "001", "第一考场", 1, dt.date(2026, 1, 2), Decimal("1200.50"), True, "hall", "=1+1", 1,
    )  # fmt: skip
    assert (second.seats, second.opened, second.fee, second.is_open, second.kind, second.note) == (30, dt.date(2026, 1, 2), Decimal("0.12"), False, "room", None)
    assert first.entered_by == f"staff:{order.staff_id}"


def lines(number, **changed):
    """`number` good rows; `changed` replaces the row with that number."""
    rows = [f"{OFFICE},{at:04d},考场{at},{at},2026-01-02,,,,备注{at}\n" for at in range(1, number + 1)]
    for at, row in changed.items():
        rows[int(at[1:]) - 1] = row
    return HEAD + "".join(rows)


def test_rows_with_errors_say_where_what_and_what_to_do(admin, committed_db):
    order = check(admin, committed_db, lines(
        8, _2="没有这个局,0002,考场2,二,2026-02-30,,,,\n", _4=f"{OFFICE},0001,考场4,4,,,,,\n", _5=f"{OFFICE},,考场5,5,,,,,\n", _6=f"{OFFICE},0006,考场6,6,,,,,太吵！！\n",
        _7=f"{OFFICE},0007,考场3,7,2026-01-02,,,,\n",
    ))  # fmt: skip
    assert counts(order) == (3, 0, 0, 5)
    assert [(p["line"], p["column"], p["seen"]) for p in order.problems] == [
        (3, "办理机构", "没有这个局"), (3, "座位数", "二"), (3, "启用日期", "2026-02-30"), (5, "考场编号", "0001"), (6, "考场编号", ""), (7, "备注", "太吵！！"),
        (8, "名称、启用日期", "考场3 2026-01-02"),
    ]  # fmt: skip
    assert order.problems[3]["say"] == "和第 2 行重复，请只留一行。"
    page = admin.get(f"/imports/{order.id}").get_data(as_text=True)
    assert "有 5 行有误" in page and "和第 2 行重复" in page and "略过 5 行，只导入好的 3 行" in page


def test_wrong_rows_stop_the_whole_unless_they_are_left_out_on_purpose(admin, committed_db):
    check(admin, committed_db, lines(3, _2=f"{OFFICE},0002,考场2,二,,,,,\n"))
    order = say_yes(admin, committed_db)
    assert (order.state, venues_of(committed_db)) == ("checked", [])

    order = say_yes(admin, committed_db, leave_wrong="yes")
    assert (order.state, [row.code for row in venues_of(committed_db)]) == ("done", ["0001", "0003"])

    kept = admin.get(f"/imports/{order.id}/wrong.csv").get_data().decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(kept)))[1] == ["3", "座位数：不是数字。请只填数字，例如 1200 或 1,200.50。", OFFICE, "0002", "考场2", "二", "", "", "", "", ""]
    again = check(admin, committed_db, kept.replace("二", "2"))  # as it is, put right
    assert (counts(again), again.notes) == ((1, 0, 0, 0), [])


def test_rows_are_found_again_by_their_key(admin, committed_db):
    check(admin, committed_db, lines(3))
    say_yes(admin, committed_db)
    order = check(admin, committed_db, "考场编号,座位数\n0001,1\n0002,20\n0009,9\n")

    assert counts(order) == (0, 1, 1, 1)
    assert {p["say"] for p in order.problems} == {"这是新的一条，而文件里没有这一列。"}
    say_yes(admin, committed_db, leave_wrong="yes")
    assert [(row.seats, row.version, row.note) for row in venues_of(committed_db)] == [(1, 1, "备注1"), (20, 2, "备注2"), (3, 1, "备注3")]


def test_each_row_s_history_names_the_import(admin, committed_db):
    check(admin, committed_db, lines(2))
    first = say_yes(admin, committed_db)
    check(admin, committed_db, "考场编号,座位数\n0002,20\n")
    second = say_yes(admin, committed_db)

    with committed_db.as_worker(), db.transaction() as session:
        ids = [row.id for row in venues_of(committed_db)]
        entries = list(session.scalars(select(AuditEntry).where(AuditEntry.id > MARK[0], AuditEntry.action.startswith("t-venues.") | (AuditEntry.action == "import.made")).order_by(AuditEntry.id)))
    told = [(e.who, e.action, e.subject, e.facts.get("import"), e.facts.get("changes")) for e in entries]
    who = f"staff:{first.staff_id}"
    assert told == [
        (who, "t-venues.added", f"t_venue:{ids[0]}", first.id, None), (who, "t-venues.added", f"t_venue:{ids[1]}", first.id, None),
        (who, "import.made", f"data_import:{first.id}", None, None),
        (who, "t-venues.changed", f"t_venue:{ids[1]}", second.id, {"seats": [2, 20]}), (who, "import.made", f"data_import:{second.id}", None, None),
    ]  # fmt: skip
    assert (entries[2].facts["added"], entries[2].facts["file"]) == (2, first.content_hash)
    assert all(e.leaf == hashlib.sha256(e.body.encode()).hexdigest() and e.facts["subject"] == e.subject for e in entries)


def test_what_somebody_changed_meanwhile_is_reported_and_not_overwritten(admin, committed_db):
    check(admin, committed_db, lines(3))
    say_yes(admin, committed_db)
    check(admin, committed_db, "考场编号,座位数\n0001,10\n0002,20\n0003,30\n")
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(Venue).where(Venue.code == "0002").values(note="我改的"))
    order = say_yes(admin, committed_db)

    assert (order.state, order.error) == ("failed", imports.MovedOn.message % {"lines": "3"})
    assert [row.seats for row in venues_of(committed_db)] == [1, 2, 3]


def test_what_somebody_added_or_removed_meanwhile_is_reported(admin, committed_db):
    check(admin, committed_db, lines(3))
    with committed_db.as_worker(), db.transaction() as session:
        there = session.scalars(select(DataImport)).one()
        session.execute(text("INSERT INTO t_venue (office_id, code, name, version) SELECT id, '0002', '抢先', 1 FROM office WHERE name = :n"), {"n": OFFICE})
    order = say_yes(admin, committed_db)
    assert (order.id, order.state, order.error) == (there.id, "failed", imports.MovedOn.message % {"lines": "3"})

    check(admin, committed_db, "考场编号,座位数\n0002,20\n")
    with committed_db.owner.begin() as connection:
        connection.execute(delete(Venue))
    assert say_yes(admin, committed_db).state == "failed"
    assert venues_of(committed_db) == []


def test_two_files_at_once_do_not_both_enter_a_row(admin, committed_db):
    check(admin, committed_db, lines(3))
    first = brought(committed_db)
    check(admin, committed_db, lines(2))
    second = say_yes(admin, committed_db)
    page = admin.get(f"/imports/{first.id}")
    admin.post(f"/imports/{first.id}/confirm", data={"csrf_token": token(page), "hash": first.content_hash})
    with committed_db.as_worker("exchange.enter"):
        jobs.enter([first.id])

    assert (second.state, brought(committed_db, 0).state) == ("done", "failed")
    assert [row.code for row in venues_of(committed_db)] == ["0001", "0002"]


def test_the_yes_is_for_the_file_that_was_shown(admin, committed_db):
    check(admin, committed_db, lines(2))
    order = say_yes(admin, committed_db, hash="0" * 64)
    assert (order.state, venues_of(committed_db)) == ("checked", [])


def test_rows_of_a_foreign_office_cannot_be_named(admin, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(text("INSERT INTO t_venue (office_id, code, name, version) SELECT id, '0001', '别人的', 1 FROM office WHERE name = '包头市交通运输局'"))
    order = check(admin, committed_db, lines(1))
    assert counts(order) == (1, 0, 0, 0)  # not told that it is there
    order = say_yes(admin, committed_db)
    assert (order.state, order.error) == ("failed", entering.Refuses.message)

    check(admin, committed_db, HEAD + "包头市交通运输局,0005,考场,1,,,,,\n")
    order = say_yes(admin, committed_db)
    assert (order.state, order.error) == ("failed", imports.NotLet.message % {"count": 1})
    assert [row.name for row in venues_of(committed_db)] == ["别人的"]


def test_a_failing_last_row_leaves_nothing(admin, committed_db):
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE t_venue ADD CHECK (seats <> 50)")
    check(admin, committed_db, lines(50))
    order = say_yes(admin, committed_db)
    assert (order.state, venues_of(committed_db)) == ("failed", [])
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(AuditEntry.id).where(AuditEntry.id > MARK[0], AuditEntry.action == "t-venues.added")).all() == []


def test_a_cancelled_file_is_dropped(admin, committed_db):
    order = check(admin, committed_db, lines(2))
    page = admin.get(f"/imports/{order.id}")
    admin.post(f"/imports/{order.id}/cancel", data={"csrf_token": token(page)})
    assert (say_yes_anyway(admin, committed_db).state, venues_of(committed_db)) == ("cancelled", [])


def say_yes_anyway(client, database):
    order = brought(database)
    page = client.get("/screens/t-venues/import")
    client.post(f"/imports/{order.id}/confirm", data={"csrf_token": token(page), "hash": order.content_hash})
    with database.as_worker("exchange.enter"):
        jobs.enter([order.id])
    return brought(database)


def test_what_waits_too_long_is_erased(admin, committed_db, clock):
    order = check(admin, committed_db, lines(2, _2=f"{OFFICE},0002,考场2,二,,,,,\n"))
    clock.advance(hours=25)
    assert say_yes_anyway(admin, committed_db).state == "checked"
    with committed_db.as_worker("cron"):
        jobs.forget()
    order = brought(committed_db)
    assert (order.state, order.place, order.problems_place, order.problems) == ("cancelled", None, None, [])
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(StagedRow.line)).all() == []


def test_a_screen_that_enters_by_itself_is_given_the_values(admin, committed_db, venues, monkeypatch):
    given = []

    def enter(session, rows, *, actor):
        given.extend((row.line, row.values["seats"], row.values["opened"], row.values["kind"]) for row in rows)

    monkeypatch.setattr(jobs.known, "find", lambda name: replace(venues, enter_rows=enter))
    check(admin, committed_db, lines(1, _1=f"{OFFICE},0001,考场,１２,2026年1月2日,,,礼堂,\n"))
    order = say_yes(admin, committed_db)
    assert (order.state, given) == ("done", [(2, 12, dt.date(2026, 1, 2), "hall")])


@pytest.mark.parametrize(
    ("content", "name", "status", "said"),
    [(b"", "v.csv", 422, "没有收到文件"), (b"x" * 31_000_000, "v.csv", 413, "超过 30 MB"), (b"x" * 45_000_000, "v.csv", 413, "超过了上限")],
    ids=["nothing", "31 MB", "45 MB"],
)
def test_a_file_of_no_or_too_great_size_is_not_taken_in(admin, committed_db, content, name, status, said):
    answer = bring(admin, content, name)
    assert (answer.status_code, said in answer.get_data(as_text=True)) == (status, True)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(DataImport.id)).all() == []


def test_a_file_that_cannot_be_read_says_so_on_its_page(admin, committed_db):
    order = check(admin, committed_db, "名称,备注\n甲,乙\n")
    assert (order.state, "缺少“考场编号”" in order.error) == ("failed", True)
    assert "缺少“考场编号”" in admin.get(f"/imports/{order.id}").get_data(as_text=True)
    assert "没有认出任何一列" in check(admin, committed_db, "a,b\n1,2\n").error
    assert "出现了两次" in check(admin, committed_db, "code,考场编号\n1,2\n").error


def test_a_workbook_comes_in_like_a_text(admin, committed_db):
    book = Workbook()
    book.active.append(["考场编号", "名称", "办理机构", "启用日期", "备注"])
    book.active.append(["007", "礼堂", OFFICE, dt.date(2026, 1, 2), "=1+1"])
    content = io.BytesIO()
    book.save(content)
    check(admin, committed_db, content.getvalue(), "v.xlsx")
    say_yes(admin, committed_db)
    (row,) = venues_of(committed_db)
    assert (row.code, row.opened, row.note) == ("007", dt.date(2026, 1, 2), "=1+1")


def test_nobody_else_sees_a_file_or_says_yes_to_it(admin, committed_db, venue_app):
    order = check(admin, committed_db, lines(2))
    other = begin_session(venue_app, make_account(committed_db, Role.DEPARTMENT_ADMIN, division="150100")[0])
    assert [other.get(f"/imports/{order.id}{path}").status_code for path in ("", "/part", "/wrong.csv")] == [404, 404, 404]
    page = other.get("/screens/t-venues/import")
    assert other.post(f"/imports/{order.id}/confirm", data={"csrf_token": token(page), "hash": order.content_hash}).status_code == 404
    assert "v.csv" not in other.get("/imports/").get_data(as_text=True)


def test_what_was_exported_comes_back_unchanged(admin, committed_db):
    check(admin, committed_db, lines(3, _1=f"{OFFICE},0001,=考场,1,2026-01-02,0.50,是,礼堂,\"+1, 两\n行\"\n"))
    say_yes(admin, committed_db)
    for kind in ("csv", "xlsx"):
        page = admin.get("/screens/t-venues/")
        admin.post("/screens/t-venues/export", data={"csrf_token": token(page), "format": kind})
        with committed_db.as_worker(), db.transaction() as session:
            export = list(session.scalars(select(DataExport).order_by(DataExport.id)))[-1].id
        with committed_db.as_worker("exchange.export"):
            jobs.export([export])
        with committed_db.as_worker(), db.transaction() as session:
            content = files.opened(session.get_one(DataExport, export).place).read()
        order = check(admin, committed_db, content, f"v.{kind}")
        assert (order.state, counts(order), order.problems) == ("done", (0, 0, 3, 0), [])


@pytest.mark.parametrize("where", ["enter", "change", "finish"])
def test_a_worker_killed_in_the_middle_leaves_nothing_half_and_the_next_one_does_it_all(admin, committed_db, where):
    check(admin, committed_db, lines(5))
    say_yes(admin, committed_db)
    order = check(admin, committed_db, lines(60, _1=f"{OFFICE},0001,改名,1,2026-01-02,,,,\n"))
    assert counts(order) == (55, 1, 4, 0)
    page = admin.get(f"/imports/{order.id}")
    admin.post(f"/imports/{order.id}/confirm", data={"csrf_token": token(page), "hash": order.content_hash})

    with committed_db.as_worker("exchange.enter"):
        child = os.fork()
        if child == 0:  # dies with its statement done and its transaction open
            try:
                owner = imports if where == "finish" else entering.staging
                real = getattr(owner, where)
                setattr(owner, where, lambda *given, **named: (real(*given, **named), os.kill(os.getpid(), signal.SIGKILL)))
                jobs.enter([order.id])
            finally:
                os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert [len(venues_of(committed_db)), brought(committed_db).state] == [5, "writing"]

    with committed_db.as_worker("exchange.enter"):
        jobs.enter([order.id])
    assert [len(venues_of(committed_db)), venues_of(committed_db)[0].name, brought(committed_db).state] == [60, "改名", "done"]
