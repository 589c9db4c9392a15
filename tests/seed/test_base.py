"""The base data loads with the owner's login, twice without a change, and leaves alone what officers edit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event, func, select, update
from sqlalchemy.orm import Session

from console import db
from console.departments.calendar_drafts import record
from console.departments.calendars import calendars
from console.departments.models import (
    CalendarVersion,
    CodeItem,
    Department,
    Division,
    Office,
    Regulation,
    RegulationParagraph,
    Specialty,
)
from console.outbox import OutboxMessage
from console.scope import System, become
from rules.decrees import DaySaid
from seed import base
from seed.rows import SeedProblems
from tests.rules.test_decrees import YEAR_2027


@pytest.fixture
def owner(owner_engine: Engine) -> Iterator[Session]:
    """A session of the owner's login; everything is undone."""
    with owner_engine.connect() as connection, become(System("test")):
        transaction = connection.begin()
        with db.factory(bind=connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


def test_loading_twice_changes_nothing(owner):
    base.load(owner)

    again = base.load(owner)

    assert again.changes == 0
    assert {done.table: done.rows for done in again.tables} == {
        "division": 116,
        "department": 6,
        "office": 696,
        "specialty": 2140 + 4304,
        "retention_rule": 12,
        "calendar_day": 771,
        "code_list": 116,
        "regulation": owner.scalar(select(func.count()).select_from(Regulation)),
        "regulation_paragraph": owner.scalar(select(func.count()).select_from(RegulationParagraph)),
    }


def test_loading_takes_a_statement_or_two_per_table_however_many_rows(owner, owner_engine):
    base.load(owner)
    statements = []

    def note(connection, cursor, statement, *rest):
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            statements.append(statement)

    event.listen(owner_engine, "before_cursor_execute", note)
    try:
        base.load(owner)
    finally:
        event.remove(owner_engine, "before_cursor_execute", note)

    assert len(statements) <= len(base.tables.TARGETS) + 4  # and which standards people have loaded


def test_a_changed_or_lost_row_is_put_right_and_counted(owner):
    base.load(owner)
    owner.execute(update(Division).where(Division.code == "150102").values(name="旧名"))
    owner.execute(delete(CodeItem).where(CodeItem.list == "sex", CodeItem.code == "9"))

    report = base.load(owner)

    assert {done.table: (done.added, done.changed) for done in report.tables if done.added or done.changed} == {
        "division": (0, 1),
        "code_list": (1, 0),
    }
    assert owner.get_one(Division, "150102").name == "新城区"


def test_what_officers_edit_is_left_alone(owner):
    base.load(owner)
    office = owner.scalars(
        select(Office).join(Department).where(Department.code == "transport", Office.division_code == "150100")
    ).one()
    office.phone, office.hours = "0471-000-9999", "工作日全天"
    owner.flush()

    assert base.load(owner).changes == 0

    assert (office.phone, office.hours) == ("0471-000-9999", "工作日全天")


def test_a_new_year_in_the_calendar_is_a_new_version_and_what_officers_recorded_stays(owner, tmp_path):
    base.load(owner)
    record(owner, [DaySaid(date(2026, 12, 31), "", "holiday", "停电")], years=range(2004, 2027), source="通知", recorded_by="staff:1")
    folder = Path(shutil.copytree(base.DATA, tmp_path / "data"))
    with (folder / "workdays.csv").open("a", encoding="utf-8") as file:
        file.write(YEAR_2027.partition("\n")[2] + "2026-12-30,0,holiday_in_lieu,元旦\n2026-12-31,0,holiday_in_lieu,元旦\n")

    report = base.load(owner, folder=folder)

    assert {done.table: done.added for done in report.tables if done.added} == {"calendar_day": YEAR_2027.count("\n")}
    versions = owner.execute(select(CalendarVersion.version, CalendarVersion.years, CalendarVersion.recorded_by).order_by(CalendarVersion.version))
    assert versions.all() == [(1, "2004-2026", "system:seed"), (2, "2004-2026", "staff:1"), (3, "2004-2027", "system:seed")]
    said = calendars(owner).said
    assert (said[date(2026, 12, 30), ""].name, said[date(2026, 12, 31), ""].name) == ("元旦", "停电")
    assert owner.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "calendar.changed").order_by(OutboxMessage.id)).all() == [[2], [3]]
    assert base.load(owner, folder=folder).changes == 0


def test_half_a_year_is_not_loaded(owner, tmp_path):
    base.load(owner)
    folder = Path(shutil.copytree(base.DATA, tmp_path / "data"))
    with (folder / "workdays.csv").open("a", encoding="utf-8") as file:
        file.write("2027-01-01,0,holiday,元旦\n")

    with pytest.raises(SeedProblems, match="2027 年只载入了一半"):
        base.load(owner, folder=folder)

    assert calendars(owner).version == 1


def test_a_broken_file_writes_nothing(owner, tmp_path):
    base.load(owner)
    folder = Path(shutil.copytree(base.DATA, tmp_path / "data"))
    divisions = folder / "divisions.csv"
    divisions.write_text(
        divisions.read_text(encoding="utf-8").replace("新城区", "新城").replace("150104,150100,3,", "150104,150100,x,"),
        encoding="utf-8",
    )

    with pytest.raises(SeedProblems) as error:
        base.load(owner, folder=folder)

    assert [str(problem) for problem in error.value.problems] == ["divisions.csv:6:level: “x”应是 1 到 3 的整数。"]
    assert owner.get_one(Division, "150102").name == "新城区"


def test_a_specialty_can_be_applied_for_unless_it_is_a_heading_or_too_fine(owner):
    """316: the childless codes, whatever their level; procurement items: the second and third level below the letter."""
    base.load(owner)
    rows = owner.execute(select(Specialty.standard, Specialty.code, Specialty.is_leaf))
    choosable = {(standard, code) for standard, code, is_leaf in rows if is_leaf}

    def among(standard: str, *codes: str) -> list[str]:
        return [code for code in codes if (standard, code) in choosable]

    assert among("316-2018", "A", "A05", "A0503", "A050302", "A0516") == ["A050302", "A0516"]
    assert among("mof-2022", "A", "A02000000", "A02010000", "A02010100", "A02010101") == ["A02010000", "A02010100"]
