"""What was looked at becomes rows: all of it in one transaction, under the sender's principal, or none of it."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from console import audit
from console.crud import columns as crud_columns
from console.crud.screen import FileRow, Screen
from console.errors import N_, Conflict
from console.exchange import imports, staging
from console.exchange.incoming import Incoming, incoming
from console.exchange.models import DataImport
from console.scope import Principal

LOCK = 7_402_612  # one import at a time writes to a screen
BATCH = 500
_MOST_LINES = 20


class Refuses(Conflict):
    """The database would not have it: something the sender cannot see is in the way."""

    message = N_("有内容和您看不到的已有内容重复，或者引用的内容刚刚被删，什么都没有写入。请联系管理员核对后再试。")


def write(session: Session, screen: Screen, order: DataImport, *, actor: Principal) -> dict[str, int]:
    """Write the staged rows of an order and their trail; how many were added and changed. Raises MovedOn, Lost, NotLet, Refuses."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(screen.name))))
    by_name = {column.name: column for column in incoming(screen)}
    columns = [by_name[name] for name in order.columns]
    staged = staging.count(session, order.id)
    fresh, changed = staged.get("new", 0), staged.get("changed", 0)
    if (fresh, changed, staged.get("same", 0)) != (order.fresh, order.changed, order.same):
        raise imports.Lost()
    moved = staging.moved_on(session, screen.model, order.id) if changed else []
    if fresh and screen.key:
        moved += staging.there_by_now(session, screen.model, order.id, columns, screen.key)
    if moved:
        raise imports.MovedOn(lines=_lines(moved))
    facts = {"import": order.id, "file": order.content_hash}
    try:
        if changed:
            _change(session, screen, order, columns, actor, facts, changed)
        if fresh:
            _enter(session, screen, order, columns, actor, facts, fresh)
        session.flush()
    except IntegrityError:
        raise Refuses() from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == "42501":  # the wall: a row that is not the sender's to write
            raise imports.NotLet(count=fresh) from None
        raise
    return {"added": fresh, "changed": changed}


def _enter(
    session: Session, screen: Screen, order: DataImport, columns: list[Incoming], actor: Principal, facts: dict[str, Any], fresh: int
) -> None:
    if screen.enter_rows is not None:
        rows = (FileRow(line, values) for line, _target, values in staging.rows(session, order.id, "new", columns))
        while batch := list(islice(rows, BATCH)):
            screen.enter_rows(session, batch, actor=actor)
        return
    more = screen.entering(session, actor) if screen.entering is not None else {}
    if staging.enter(session, screen.model, order.id, columns, more=more, action=f"{screen.name}.added", **facts) != fresh:
        raise imports.Lost()


def _change(
    session: Session, screen: Screen, order: DataImport, columns: list[Incoming], actor: Principal, facts: dict[str, Any], changed: int
) -> None:
    if screen.change_rows is not None:
        rows = staging.rows(session, order.id, "changed", columns)
        while batch := list(islice(rows, BATCH)):
            known = _rows(session, screen, [str(target) for _line, target, _values in batch])
            screen.change_rows(session, [(known[str(target)], FileRow(line, values)) for line, target, values in batch], actor=actor)
        return
    before = staging.before(session, screen.model, order.id, columns)
    more = screen.changing(session, actor) if screen.changing is not None else {}
    written = staging.change(session, screen.model, order.id, columns, more=more)
    if written != changed:
        raise imports.NotLet(count=changed - written)
    staging.tell(session, _entries(session, screen, order, columns, before, facts))


def _entries(session: Session, screen: Screen, order: DataImport, columns: list[Incoming], before: dict[str, tuple[Any, ...]], facts: dict[str, Any]) -> Any:
    """From what to what, a row at a time; of who somebody is, that it changed and not what it is."""
    table = inspect(screen.model).primary_key[0].table.name
    personal = {column.name for column in columns if crud_columns.is_personal(screen.model, column.name)}
    for line, target, values in staging.rows(session, order.id, "changed", columns):
        was = dict(zip((column.name for column in columns), before[str(target)], strict=True))
        changes = {
            name: [_told(was[name], name in personal), _told(value, name in personal)] for name, value in values.items() if was[name] != value
        }
        yield audit.entry(session, f"{screen.name}.changed", f"{table}:{target}", changes=changes, line=line, **facts)


def _told(value: Any, personal: bool) -> Any:
    if personal:
        return audit.fingerprint(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _rows(session: Session, screen: Screen, targets: list[str]) -> dict[str, Any]:
    (key,) = inspect(screen.model).primary_key
    attribute = inspect(screen.model).get_property_by_column(key).class_attribute
    found = session.scalars(select(screen.model).where(attribute.in_([key.type.python_type(target) for target in targets])))
    return {str(inspect(row).identity[0]): row for row in found}


def _lines(lines: list[int]) -> str:
    shown = "、".join(map(str, sorted(set(lines))[:_MOST_LINES]))
    return f"{shown} …" if len(set(lines)) > _MOST_LINES else shown
