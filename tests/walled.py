"""One row of every guarded table, twice: in an office of one's own and in a foreign one; and a connection that can be any login.

The connection is a superuser's that calls itself the login it is asked to be (`SET SESSION AUTHORIZATION`), so that rows nobody has
committed yet can be looked at as the web's login, as the worker's, and afterwards as one who sees everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, Connection, Date, DateTime, Integer, inspect, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from console import assembly, clock, db
from console.accounts.models import StaffAccount, StaffGrant
from console.registers import applying, loading
from console.roles import Role
from console.scope import Principal, System, become, guarded_classes
from tests.factories import make_admission, make_staff

_numbers = itertools.count(1)

#: what a CHECK, or a list that shows its letters by register, asks of a column where any text will not do
VALUES: dict[str, dict[str, Any]] = {
    "register_letter": {"register": "register_centre_complaints", "event": "accept", "channel": "mail"},
    "step_entry": {"action": "submit", "to_step": "first_review"},
    "rule_draft": {"state": "open"},
    "replay": {"state": "waiting"},
    "recusal": {"kind": "file"},
    "data_export": {"state": "done"},
    "data_import": {"state": "checked"},
    "saved_view": {"department_id": None},  # one person's; who else sees a shared one is shown in tests/console/crud/test_views_kept.py
}


def guarded() -> list[type[Any]]:
    """Every class behind the wall, those first that others point at; the shipped registers are the last of them."""
    assembly.models()
    shipped = [one.rows for one in registers()]
    order = {table: place for place, table in enumerate(db.Base.metadata.sorted_tables)}
    return sorted((cls for cls in guarded_classes() if cls.__table__ in order), key=lambda cls: order[cls.__table__]) + shipped


@cache
def registers() -> tuple[loading.Loaded, ...]:
    """The registers that come with the house, as their declarations say: there is no database yet when tests are collected."""
    return loading.load(applying.wanted(applying.read()))


def key_of(row: Any) -> str:
    return "~".join(str(part) for part in inspect(row).identity)


@dataclass(frozen=True)
class Place:
    """An office's file and one row of every guarded table that hangs on it: table → row."""

    rows: dict[str, Any] = field(default_factory=dict)

    @property
    def office_id(self) -> int:
        return int(self.rows["admission"].office_id)

    @property
    def staff_id(self) -> int:
        return int(self.rows["staff_account"].staff_id)

    @property
    def applicant_id(self) -> int:
        return int(self.rows["applicant"].id)


def fill(session: Session, *, division: str) -> Place:
    """A transport file in this division, and a row of every guarded table: columns by their type, keys by what they point at."""
    admission = make_admission(session, division=division)
    application = admission.application
    staff = make_staff(session, Role.FIRST_REVIEWER, division=division)
    place = Place(
        {
            "admission": admission,
            "application": application,
            "applicant": application.applicant,
            "staff_account": session.get_one(StaffAccount, staff.id),
            "staff_grant": session.get_one(StaffGrant, staff.grants[0].id),
        }
    )
    for cls in guarded():
        name = cls.__tablename__
        if name not in place.rows:
            found = None
            if {"application_id", "applicant_id"} <= set(cls.__table__.columns.keys()):  # made with the admission
                found = session.scalars(select(cls).where(cls.application_id == application.id)).first()
            place.rows[name] = found or _make(session, cls, place)
    return place


def _make(session: Session, cls: type[Any], place: Place) -> Any:
    values = {}
    mapper = inspect(cls)
    for column in cls.__table__.columns:
        name = mapper.get_property_by_column(column).key
        if name in VALUES.get(cls.__tablename__, {}):
            values[name] = VALUES[cls.__tablename__][name]
        elif column.foreign_keys:
            values[name] = _pointed_at(column, place)
        elif name == "staff_id":  # Flask-AppBuilder's table: the key is in the migration
            values[name] = place.staff_id
        elif not (column.nullable or column.default or column.server_default or _is_given(column)):
            values[name] = _plausible(session, column)
    row = cls(**values)
    session.add(row)
    session.flush()
    return row


def _is_given(column: Column[Any]) -> bool:
    return bool(column.primary_key and isinstance(column.type, Integer) and len(column.table.primary_key) == 1)


def _pointed_at(column: Column[Any], place: Place) -> Any:
    key = next(iter(column.foreign_keys))
    table, target = key.column.table.name, key.column.name
    if table in place.rows:
        return getattr(place.rows[table], target)
    admission = place.rows["admission"]
    known = {
        "office": admission.office_id,
        "department": admission.department_id,
        "division": admission.division_code,
        "release": admission.release_id,
    }
    if table in known and (target == "id" or table == "division"):
        return known[table]
    if table == "specialty":
        return getattr(place.rows["application_specialty"], target)
    assert column.nullable, f"tests/walled.py does not know a row of {table} for {column}"
    return None


def _plausible(session: Session, column: Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, DateTime):
        return clock.now(session)
    if isinstance(kind, Date):
        return clock.today(session)
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):
        return next(_numbers)
    if isinstance(kind, JSONB):
        return {}
    if isinstance(kind, ARRAY):
        return []
    longest = getattr(kind, "length", None) or 40
    return f"w{next(_numbers)}"[:longest]


@dataclass
class Wall:
    """The two places and whose eyes they are looked at with."""

    connection: Connection
    own: Place
    foreign: Place

    @contextmanager
    def seen_by(self, login: str, principal: Principal) -> Iterator[Session]:
        """A session of this login and principal; whatever it does is undone."""
        undone = self.connection.begin_nested()
        self.connection.exec_driver_sql(f"SET SESSION AUTHORIZATION {login}")
        try:
            with become(principal), Session(self.connection, join_transaction_mode="create_savepoint") as session:
                yield session
        finally:
            undone.rollback()

    @contextmanager
    def arranged(self, *statements: tuple[str, tuple[object, ...]]) -> Iterator[None]:
        """Inside, these changes are made, by one who may do anything; afterwards they are undone."""
        undone = self.connection.begin_nested()
        for statement, values in statements:
            self.connection.exec_driver_sql(statement, values)
        try:
            yield
        finally:
            undone.rollback()

    @contextmanager
    def unveiled(self) -> Iterator[Connection]:
        """Inside `seen_by`, the connection that sees everything, for a look at what was done."""
        login = self.connection.exec_driver_sql("SELECT session_user").scalar_one()
        self.connection.exec_driver_sql("RESET SESSION AUTHORIZATION")
        yield self.connection
        self.connection.exec_driver_sql(f"SET SESSION AUTHORIZATION {login}")

    @cached_property
    def values(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(own or foreign, table) → the row as the database holds it, by column; without generated columns."""
        found = {}
        for side, place in (("own", self.own), ("foreign", self.foreign)):
            for name, row in place.rows.items():
                table = type(row).__table__
                where = [column == part for column, part in zip(table.primary_key, inspect(row).identity, strict=True)]
                written = [column for column in table.columns if column.computed is None]  # the rest nobody writes
                found[side, name] = dict(self.connection.execute(select(*written).where(*where)).mappings().one())
        return found


@contextmanager
def wall(connection: Connection, worker: str) -> Iterator[Wall]:
    """Both places, made as the worker makes rows; all of it is undone."""
    everything = connection.begin()
    connection.exec_driver_sql(f"SET SESSION AUTHORIZATION {worker}")
    with become(System("test")), Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
        own, foreign = fill(session, division="150105"), fill(session, division="150402")
        session.commit()
        session.expunge_all()
    connection.exec_driver_sql("RESET SESSION AUTHORIZATION")
    try:
        yield Wall(connection, own, foreign)
    finally:
        everything.rollback()
