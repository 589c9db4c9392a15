"""Load the base data with the owner login: one statement per table, and a second time nothing changes.

Rows that left a file stay in the database, because files of applicants may cite them. Columns that officers edit on
screens (an office's telephone) are filled when the row is new and never overwritten. The calendar is founded once; later a
year that is not decreed so far comes as a new version, and a year that is stays as it was recorded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, column, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from console import clock
from console.departments.calendar_drafts import record
from console.departments.calendars import calendars
from console.departments.models import SEEDED, Department, RegulationParagraph, SpecialtyVersion
from rules.decrees import COUNTRY, DaySaid, check_year
from seed import tables
from seed.rows import Problem, Row, SeedProblems, read_files

DATA = Path(__file__).parent / "data"
CALENDAR_SOURCE = "国务院办公厅历年节假日安排，经 chinesecalendar 1.11.0 整理"

__all__ = ["DATA", "LoadReport", "Problem", "SeedProblems", "TableLoad", "load"]


@dataclass(frozen=True)
class TableLoad:
    """What happened to one table."""

    table: str
    rows: int
    added: int
    changed: int


@dataclass(frozen=True)
class LoadReport:
    """What a load did, table by table, in the order of loading."""

    tables: tuple[TableLoad, ...]

    @property
    def changes(self) -> int:
        """0 when everything was there already."""
        return sum(done.added + done.changed for done in self.tables)

    def __str__(self) -> str:
        return "\n".join(
            f"{done.table:<22}{done.rows:>6} 行，新增 {done.added}，更新 {done.changed}" for done in self.tables
        )


def load(session: Session, *, folder: Path = DATA) -> LoadReport:
    """Fill the reference tables from `folder`; SeedProblems, before anything is written, when a cell is broken."""
    read = read_files(folder, tables.FILES)
    content = _contents(read)
    loaded = {*session.scalars(select(SpecialtyVersion.standard))}  # by people: the file beside us is an older edition
    content["specialty"] = [row for row in content["specialty"] if row["standard"] not in loaded]
    done = []
    for target in tables.TARGETS:
        rows = content[target.model.__tablename__]
        if not rows:
            done.append(TableLoad(target.model.__tablename__, 0, 0, 0))
            continue
        if target.model.__tablename__ == "office":
            rows = _with_department_ids(session, rows)
        if target.model is RegulationParagraph:
            rows = _with_versions(session, rows)
        done.append(_load_table(session, target, rows))
    done.append(_load_calendar(session, read["workdays.csv"]))
    session.expire_all()  # the statements went past the identity map
    return LoadReport(tuple(done))


def _contents(read: dict[str, list[Row]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table, from the rows of the files."""
    plain = {name: [dict(row.values) for row in rows] for name, rows in read.items()}
    levels = {row["code"]: row["level"] for row in plain["divisions.csv"]}
    aliases: dict[str, list[str]] = {}
    for row in plain["division_aliases.csv"]:
        aliases.setdefault(row["division_code"], []).append(row["name"])
    specialties = [row for file in tables.SPECIALTIES for row in plain[file.name]]
    return {
        "division": [row | {"aliases": "、".join(aliases.get(row["code"], []))} for row in plain["divisions.csv"]],
        "department": plain["departments.csv"],
        "office": [row | {"level": levels[row["division_code"]]} for row in plain["offices.csv"]],
        "specialty": [row | {"is_leaf": row.pop("selectable")} for row in specialties],
        "code_list": plain["code_lists.csv"],
        "regulation": plain["regulations.csv"],
        "regulation_paragraph": [
            row | {"text_hash": hashlib.sha256(row["summary"].encode()).hexdigest()}
            for row in plain["regulation_paragraphs.csv"]
        ],
        "retention_rule": plain["retention.csv"],
    }


def _with_department_ids(session: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {row.code: row.id for row in session.execute(select(Department.code, Department.id))}
    return [row | {"department_id": ids[row.pop("department")]} for row in rows]


def _with_versions(session: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Another text in force from another day is another version; everything else is the same version, written better."""
    known: dict[tuple[str, str], RegulationParagraph] = {}
    for paragraph in session.scalars(select(RegulationParagraph).order_by(RegulationParagraph.version)):
        known[paragraph.regulation_id, paragraph.article] = paragraph
    found = []
    for row in rows:
        last, version = known.get((row["regulation_id"], row["article"])), 1
        if last is not None:
            changed = last.text_hash != row["text_hash"] and last.in_force_from != row["in_force_from"]
            version = last.version + 1 if changed and last.recorded_by == SEEDED else last.version
        found.append(row | {"version": version, "recorded_at": clock.now(session), "recorded_by": SEEDED})
    return found


def _load_table(session: Session, target: tables.Target, rows: list[dict[str, Any]]) -> TableLoad:
    """One INSERT … ON CONFLICT DO UPDATE … WHERE something differs; the rows travel as one JSON value."""
    table: Any = target.model.__table__
    names = list(rows[0])
    columns: list[Column[Any]] = [table.c[name] for name in names]
    source = (
        func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
        .table_valued(*(column(found.name, found.type) for found in columns))
        .render_derived("source", with_types=True)
    )
    statement = insert(table).from_select(names, select(*(source.c[name] for name in names)))
    compared = [name for name in names if name not in (*target.key, *target.keeps)]
    if compared:
        there = tuple_(*(table.c[name] for name in compared))
        given = tuple_(*(statement.excluded[name] for name in compared))
        statement = statement.on_conflict_do_update(
            index_elements=target.key,
            set_={name: statement.excluded[name] for name in compared},
            where=there.is_distinct_from(given) & (table.c.recorded_by == target.recorded_by)
            if target.recorded_by
            else there.is_distinct_from(given),
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=target.key)
    # xmax is 0 in a row that this statement inserted, and not in one that it updated.
    is_new: ColumnElement[bool] = literal_column("(xmax = 0)")
    values = [
        {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in row.items()} for row in rows
    ]
    written = session.scalars(statement.returning(is_new), {"rows": values}).all()
    return TableLoad(table.name, len(rows), sum(written), len(written) - sum(written))


def _load_calendar(session: Session, rows: list[Row]) -> TableLoad:
    """A new version with the years that are not decreed so far; what was recorded about the others is not touched. SeedProblems for half a year."""
    known = calendars(session)
    said = [DaySaid(row.values["day"], COUNTRY, row.values["kind"], row.values["name"]) for row in rows]
    years = {one.day.year for one in said} - known.years
    # the New Year's bridge of a new year may lie in the December before
    bridge = {(year - 1, 12) for year in years if year - 1 in known.years}
    new = [one for one in said if (one.day.year in years or (one.day.year, one.day.month) in bridge) and known.said.get(one.key) is None]
    problems = [Problem("workdays.csv", 0, "", found.zh) for year in sorted(years) for found in check_year(year, said, "workdays.csv")]
    if problems:
        raise SeedProblems(problems)
    if years:
        record(session, new, years=known.years | years, source=CALENDAR_SOURCE, recorded_by=SEEDED)
    return TableLoad("calendar_day", len(said), len(new) if years else 0, 0)
