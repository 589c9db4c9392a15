"""How an answer to each kind of field lies in a table: its column, what the column points at, and how a value goes in and out.

A stored value is what `rules.fields` parsed. What points at another row lies as that row's key, under the field's own name with `_id` or `_code`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Integer, Numeric, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from console import secrecy
from console.secrecy import Encrypted
from rules.fields import (
    BaseField,
    BooleanField,
    ChoiceField,
    ChoicesField,
    DateField,
    DecimalField,
    DepartmentField,
    DivisionField,
    FileField,
    GroupField,
    IntegerField,
    LongTextField,
    PeriodField,
    ReferenceField,
    SpecialtyField,
    StaffField,
)

LONG = 200  # a text of more characters than these is TEXT and is not shown in lists


@dataclass(frozen=True)
class Shape:
    """One column. `sql` is its type as the migration writes it; `points_at` is table.column; `relation` the name of the row it leads to."""

    column: str
    type: TypeEngine[Any]
    sql: str
    points_at: str = ""
    relation: str = ""

    @property
    def is_array(self) -> bool:
        return isinstance(self.type, ARRAY)


def is_secret(field: BaseField) -> bool:
    """Encrypted where it lies: what the declaration marks, and what a kind is by itself."""
    return field.fact_type.secret


def shape(field: BaseField, department: str, known: dict[str, str] | None = None) -> Shape:
    """The column of a field. `known` are the tables of registers by id, for references; without it the table's name is reckoned."""
    name = field.id
    if is_secret(field):
        return Shape(name, Encrypted(), "sa.String()")
    match field:
        case ReferenceField():
            table = (known or {}).get(field.to) or table_name(department, field.to)
            return Shape(f"{name}_id", Integer(), "sa.Integer()", f"{table}.id", name)
        case StaffField():
            return Shape(f"{name}_id", Integer(), "sa.Integer()", "ab_user.id", name)
        case DepartmentField():
            return Shape(f"{name}_code", String(40), "sa.String(length=40)", "department.code", name)
        case DivisionField():
            return Shape(f"{name}_code", String(6), "sa.String(length=6)", "division.code", name)
        case IntegerField():
            return Shape(name, BigInteger(), "sa.BigInteger()")
        case DecimalField():
            return Shape(name, Numeric(), "sa.Numeric()")
        case DateField():
            return Shape(name, Date(), "sa.Date()")
        case BooleanField():
            return Shape(name, Boolean(), "sa.Boolean()")
        case ChoicesField():
            return Shape(name, ARRAY(String()), "postgresql.ARRAY(sa.String())")
        case ChoiceField():
            return Shape(name, String(100), "sa.String(length=100)")
        case PeriodField() | SpecialtyField() | GroupField() | FileField():
            return Shape(name, JSONB(none_as_null=True), "postgresql.JSONB()")
        case LongTextField():
            return Shape(name, Text(), "sa.Text()")
    longest = getattr(field, "max_length", None) or LONG
    return Shape(name, String(longest), f"sa.String(length={longest})") if longest <= LONG else Shape(name, Text(), "sa.Text()")


def table_name(department: str, register: str) -> str:
    return f"register_{department}_{register}"


def needs_hash(field: BaseField, unique: tuple[tuple[str, ...], ...]) -> bool:
    """An encrypted value that may lie in one row only is recognised by its keyed hash."""
    return is_secret(field) and any(field.id in together for together in unique)


def hashed(table: str, field: BaseField, value: Any) -> str | None:
    return None if value is None else secrecy.keyed_hash(str(value), f"{table}.{field.id}")


def stored(field: BaseField, value: Any) -> Any:
    """A parsed answer as its column takes it."""
    if value is None:
        return None
    if is_secret(field):
        return str(value)
    match field:
        case DateField():
            return dt.date.fromisoformat(value) if isinstance(value, str) else value
        case DecimalField():
            return Decimal(str(value))
    return value


def answer(field: BaseField, value: Any) -> Any:
    """The column's value as the rules know it: JSON."""
    match value:
        case dt.date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() and isinstance(field, IntegerField) else str(value)
    return value
