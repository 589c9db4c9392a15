"""Many rows of one table in one statement, whatever their number: `INSERT … SELECT` from one JSON value, and rows found by one array of numbers.

The unit of work of the ORM writes a thousand rows in a dozen statements of ten thousand parameters, and spends more on those than the database on
the rows. This sends one parameter. It is an ordinary INSERT to the database: policies, constraints, defaults and triggers see every row.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    Text,
    any_,
    cast,
    column,
    func,
    inspect,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, dialect, insert
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

from console.scope import array_of

_DIALECT = dialect()


def among(number: InstrumentedAttribute[int] | ColumnElement[int], wanted: Iterable[int]) -> ColumnElement[bool]:
    """SQL: the number is one of these; one parameter, which the planner sees, where IN would send thousands."""
    kind = BigInteger if isinstance(number.type, BigInteger) else Integer  # another room's column is named without its type
    return number == any_(array_of(wanted, kind))  # type: ignore[return-value]


def from_rows(model: type[Any], rows: Sequence[Mapping[str, Any]]) -> Insert:
    """The INSERT of these rows, which all have the same columns; for whoever adds ON CONFLICT or RETURNING. At least one row."""
    known = inspect(model).columns
    columns = [known[name] for name in rows[0]]
    sealed = {c.name: c.type for c in columns if isinstance(c.type, TypeDecorator)}
    if sealed:
        rows = [{**row, **{name: kind.process_bind_param(row[name], _DIALECT) for name, kind in sealed.items()}} for row in rows]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=str)
    kinds = [column(c.name, c.type.impl_instance if isinstance(c.type, TypeDecorator) else c.type) for c in columns]
    source = func.jsonb_to_recordset(cast(literal(text, Text()), JSONB())).table_valued(*kinds).render_derived(name="given", with_types=True)
    return insert(model).from_select([c.name for c in columns], select(*(source.c[c.name] for c in columns)))


def write(session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]], *, returning: Sequence[InstrumentedAttribute[Any]] = ()) -> Sequence[Row[Any]]:
    """Insert these rows, which all have the same columns; what the database gave them (their numbers) in `returning`, in no promised order."""
    if not rows:
        return []
    statement = from_rows(model, rows)
    if not returning:
        session.execute(statement)
        return []
    return session.execute(statement.returning(*returning)).all()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the collector of garbage, for one batch: it makes a million objects that live until its end, and looking for dead ones among them,
    again and again, took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
