"""One page of a list by its keys: where the last page ended is where this one begins, so that page 20,000 costs what page 1 does.

A cursor is the order's value and the key of the row it stands at. It is nobody's secret and everybody's input: what cannot be read as one of this
list's is said, and the first page is shown.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, literal, select, tuple_
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import Session as OrmSession

from console.crud import filters

COUNT_LIMIT = 1_000
SIZES = (25, 50, 100)
AFTER, BEFORE = "after", "before"


@dataclass(frozen=True)
class Page:
    """Rows in reading order. `total` counts what matches, at most COUNT_LIMIT + 1 of it; `before` and `after` are the cursors of the pages beside
    this one, empty where there is none."""

    rows: list[Any]
    total: int
    before: str
    after: str
    is_lost: bool = False  # the address asked for a place that is none of this list's

    @property
    def is_least(self) -> bool:
        return self.total > COUNT_LIMIT


@dataclass(frozen=True)
class Order:
    """What a list is ordered by: one column, or none, and then the key."""

    name: str
    descending: bool
    column: Any  # None: by the key alone
    keys: tuple[Any, ...]

    def clauses(self) -> list[Any]:
        """The whole of it at once: rows without a value come last, whichever way one reads."""
        keys = [key.desc() if self.descending else key.asc() for key in self.keys]
        if self.column is None:
            return keys
        first = self.column.desc() if self.descending else self.column.asc()
        return [first.nulls_last() if self.is_nullable else first, *keys]

    @property
    def is_nullable(self) -> bool:
        return bool(self.column is not None and self.column.property.columns[0].nullable)

    @property
    def said(self) -> str:
        return f"{'-' if self.descending else ''}{self.name}" if self.name else ""


def order_of(view: Any, wanted: str) -> Order:
    """The order an address asks for, where the list offers it; else the screen's own."""
    offered = view.order_columns or view._sortable()  # a view made for reading alone was never registered
    chosen = wanted if wanted.removeprefix("-") in offered else view.screen.order
    keys = tuple(mapped(view.screen.model).primary_key)
    name = chosen.removeprefix("-")
    return Order(name, chosen.startswith("-"), getattr(view.screen.model, name) if name else None, keys)


def page(view: Any, session: OrmSession, args: Mapping[str, str], names: tuple[str, ...], *, size: int) -> Page:
    """The page an address asks for, in one statement: rows, and how many match in all. A page on which rows without a value begin costs another."""
    screen = view.screen
    order = order_of(view, args.get("order", ""))
    backwards = bool(args.get(BEFORE))
    cursor, is_lost = _read(order, args.get(BEFORE) or args.get(AFTER) or "")
    backwards = backwards and cursor is not None
    asked = filters.criteria(screen, args)
    counted: Select[Any] = select(literal(1)).select_from(screen.model).where(*asked)
    count = select(func.count()).select_from(counted.limit(_written(COUNT_LIMIT + 1)).subquery()).scalar_subquery()
    statement = view.statement(names).where(*asked).add_columns(count).limit(_written(size + 1))
    found: list[Any] = []
    for criteria, clauses in stretches(order, cursor, backwards=backwards):
        found += session.execute(statement.where(*criteria).order_by(*clauses)).unique().all()
        if len(found) > size or (cursor is None and found and found[0][1] == len(found)):
            break
    more, rows = len(found) > size, [row[0] for row in found[:size]]
    if backwards:
        rows.reverse()
    if not rows:
        return Page([], 0, "", "", is_lost)
    first, last = _cursor(order, rows[0]), _cursor(order, rows[-1])
    has_before = more if backwards else cursor is not None
    has_after = True if backwards else more
    return Page(rows, found[0][1], first if has_before else "", last if has_after else "", is_lost)


def stretches(order: Order, cursor: list[Any] | None, *, backwards: bool) -> list[tuple[list[Any], list[Any]]]:
    """What is read one after another until a page is full, each as criteria and order: the rows that have a value, by its index whichever way it is
    read, and then those without, by the key. Read back, it is the other way round; a cursor stands in the first."""
    down = order.descending is not backwards
    keys = [key.desc() if down else key.asc() for key in order.keys]
    by_key = cursor is not None and cursor[0] is None
    past: list[Any] = []
    if cursor is not None:
        past = [_past(order.keys, cursor[1:], down=down) if by_key else _past((order.column, *order.keys), cursor, down=down)]
    if order.column is None:
        return [(past, keys)]
    whole = [order.column.desc() if down else order.column.asc(), *keys]
    if not order.is_nullable:
        return [(past, whole)]
    empty = ([order.column.is_(None), *(past if by_key else [])], keys)
    valued = ([order.column.is_not(None)] if by_key or not past else past, whole)
    if backwards:
        return [empty, valued] if by_key else [valued]
    return [empty] if by_key else [valued, empty]


def _past(columns: tuple[Any, ...], values: list[Any], *, down: bool) -> Any:
    """The rows on the other side of these values, as one comparison of the index's own columns."""
    if len(columns) == 1:
        return columns[0] < values[0] if down else columns[0] > values[0]
    ours, theirs = tuple_(*columns), tuple_(*(literal(one, column.type) for one, column in zip(values, columns, strict=True)))
    return ours < theirs if down else ours > theirs


def _written(number: int) -> Any:
    """A limit written into the statement. PostgreSQL keeps the plan of a statement it has met before only while it knows how few rows are wanted;
    with a parameter here it would plan every page anew, which takes longer than to run it."""
    return bindparam(None, number, Integer, literal_execute=True)


def size_of(text: str | None) -> int | None:
    """A page size that is offered; None for anything else."""
    return int(text) if text in {str(one) for one in SIZES} else None


def _cursor(order: Order, row: Any) -> str:
    value = None if order.column is None else getattr(row, order.name)
    told = [_plain(value), *(_plain(part) for part in mapped(row).identity)]
    return base64.urlsafe_b64encode(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _read(order: Order, text: str) -> tuple[list[Any] | None, bool]:
    """The values of a cursor, as their columns take them; and whether there was one that cannot be read."""
    if not text:
        return None, False
    try:
        told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(told, list) or len(told) != 1 + len(order.keys) or len(text) > 2_000:
            return None, True
        first = None if order.column is None else _typed(order.column.property.columns[0], told[0])
        return [first, *(_typed(key, part) for key, part in zip(order.keys, told[1:], strict=True))], False
    except (ValueError, TypeError, binascii.Error, InvalidOperation, RecursionError):
        return None, True


def _typed(column: Any, value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise ValueError
        return None
    kind = column.type.python_type
    if kind is bool or kind is int:
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, int) or (abs(value) > 2**31 - 1 and not _is_big(column)):
            raise ValueError
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    if kind is dt.datetime:
        found = dt.datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found
    return dt.date.fromisoformat(value) if kind is dt.date else Decimal(value) if kind is Decimal else value


def _is_big(column: Any) -> bool:
    return str(column.type) == "BIGINT"
