"""The registers in force, read from the database once in a process, and mapped. The files of a department are not asked: they may be ahead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from console import db
from console.errors import NotFound
from console.registers.models import RegisterDefinition
from console.registers.tables import Declared, declare, mapped
from rules.fields import ReferenceField


@dataclass(frozen=True)
class Loaded:
    """A register in force and the class of its rows."""

    declared: Declared
    rows: type[Any]


_loaded: tuple[Loaded, ...] | None = None
_DEFINITIONS = select(
    RegisterDefinition.id, RegisterDefinition.department_code, RegisterDefinition.register_id, RegisterDefinition.table_name, RegisterDefinition.document,
    RegisterDefinition.hidden,
)


def registers() -> tuple[Loaded, ...]:
    """Every register in force, those first that others point at. The first call reads them: one statement."""
    global _loaded
    if _loaded is None:
        _loaded = load(stored())
    return _loaded


def register(name: str) -> Loaded:
    """One by the name of its screen (`centre-agencies`); NotFound."""
    found = next((one for one in registers() if one.declared.name == name), None)
    if found is None:
        raise NotFound()
    return found


def of_table(table: str, *, among: Iterable[Loaded] | None = None) -> Loaded | None:
    """One by its table, of those in force or of these."""
    return next((one for one in (registers() if among is None else among) if one.declared.table == table), None)


def refresh() -> tuple[Loaded, ...]:
    """Read again: what has been applied since is in, what is no more is out."""
    global _loaded
    _loaded = None  # what has not changed keeps its class
    return registers()


def current() -> tuple[Loaded, ...]:
    """As `registers()`, after a look whether something has been applied since: for pages whose addresses do not wait for a restart."""
    global _loaded
    with db.engine().connect() as connection:
        now = {(row.table_name, row.content_hash) for row in connection.execute(select(RegisterDefinition.table_name, RegisterDefinition.content_hash))}
    if now != {(one.declared.table, one.declared.content_hash) for one in registers()}:
        _loaded = load(stored())  # what has not changed keeps its class
    return registers()


def applied() -> str:
    """Which declarations this process was made for, in the words of the statement that finds an officer's session."""
    return " ".join(one.declared.content_hash for one in sorted(registers(), key=lambda one: one.declared.table))


def load(stored: Sequence[Declared]) -> tuple[Loaded, ...]:
    return tuple(Loaded(one, mapped(one)) for one in in_order(stored))


def in_order(stored: Iterable[Declared]) -> list[Declared]:
    """Those first that others point at; within that by name. Required references never come back to themselves, optional ones may."""
    left = {one.table: one for one in sorted(stored, key=lambda one: one.table)}
    ordered: list[Declared] = []

    def take(one: Declared) -> None:
        left.pop(one.table, None)
        for field in one.document.fields:
            if isinstance(field, ReferenceField) and (other := left.get(one.shapes[field.id].points_at.partition(".")[0])) is not None:
                take(other)
        ordered.append(one)

    while left:
        take(next(iter(left.values())))
    return ordered


def stored() -> list[Declared]:
    """What is applied, as the database has it now; what this process has made of it stays as it is."""
    with db.engine().connect() as connection:
        try:
            rows = connection.execute(_DEFINITIONS).all()
        except ProgrammingError:
            return []  # a database that has not been migrated so far
    names = {(row.department_code, row.register_id): row.table_name for row in rows}
    return [declare(row.department_code, row.document, hidden=row.hidden, number=row.id, tables=tables_for(row.department_code, names)) for row in rows]


def tables_for(department: str, names: dict[tuple[str, str], str]) -> dict[str, str]:
    """Register id → table as this department's registers mean it: its own, else the centre's."""
    found = {register: table for (owner, register), table in names.items() if owner == "centre"}
    return found | {register: table for (owner, register), table in names.items() if owner == department}
