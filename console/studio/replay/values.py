"""Reading one fact out of JSON in SQL, as `rules.evaluation` reads it in Python: what is not of its kind is NULL, which is unknown.

Every reader is an expression that cannot fail, whatever JSON it meets. Names and constants travel as bound values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    Double,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

from rules.ages import years_before as years_before_in_python

Sql = ColumnElement[Any]
Truth = ColumnElement[bool]

_NUMBER = r"^[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?$"
_COMMON_DAY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])$"
_LATE_DAY = (  # the 29th, 30th and 31st, with the leap years
    r"^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:29|30|31)|(?:0[469]|11)-(?:29|30))"
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)$"
)
_MONTH = r"^[0-9]{4}-(?:0[1-9]|1[0-2])$"
_LIMIT = Decimal(10**18)
FIRST_MONTH = 12  # January of the year 1, as `rules.ages` counts months

TEXTS = ARRAY(Text())
TYPES: dict[str, TypeEngine[Any]] = {
    "text": Text(), "choice": Text(), "specialty": Text(), "number": Numeric(), "date": Date(), "boolean": Boolean(),
    "choices": JSONB(), "period": JSONB(), "group": JSONB(), "files": JSONB(),
}  # fmt: skip


def at(holder: Sql, key: str) -> Sql:
    """What lies under the key: JSON, NULL where there is nothing."""
    return holder.op("->", return_type=JSONB())(literal(key, Text()))


def text_at(holder: Sql, key: str) -> Sql:
    """The same as text; of what is no string, its JSON."""
    return holder.op("->>", return_type=Text())(literal(key, Text()))


def _is(raw: Sql, kind: str) -> Truth:
    return func.jsonb_typeof(raw, type_=Text()) == literal(kind, Text())


def matches(value: Sql, pattern: str) -> Truth:
    return value.op("~", return_type=Boolean())(literal(pattern, Text()))


def _text(holder: Sql, key: str) -> Sql:
    return case((_is(at(holder, key), "string"), text_at(holder, key)))


def _boolean(holder: Sql, key: str) -> Sql:
    return case((_is(at(holder, key), "boolean"), text_at(holder, key) == literal("true", Text())))


def _number(holder: Sql, key: str) -> Sql:
    raw, written = at(holder, key), text_at(holder, key)
    number = cast(raw, Numeric())
    # a number with a fraction is a float to Python: more digits than it holds are not compared
    rounded = case(
        (
            and_(func.scale(number) > 0, func.length(written) > 16, func.abs(number) > Decimal("1e-300")),
            cast(cast(cast(number, Double()), Text()), Numeric()),
        ),
        else_=number,
    )  # fmt: skip
    return case(
        (_is(raw, "number"), case((and_(number > -_LIMIT, number < _LIMIT), rounded))),
        (and_(_is(raw, "string"), matches(written, _NUMBER)), cast(written, Numeric())),
    )


def _date(holder: Sql, key: str) -> Sql:
    written = text_at(holder, key)
    real = and_(written >= literal("0001", Text()).collate("C"), or_(matches(written, _COMMON_DAY), matches(written, _LATE_DAY)))
    return case((real, cast(written, Date())))


def _code(holder: Sql, key: str) -> Sql:
    return _text(at(holder, key), "code")


def _list(holder: Sql, key: str) -> Sql:
    raw = at(holder, key)
    return case((_is(raw, "array"), raw))


def _files(holder: Sql, key: str) -> Sql:
    raw = at(holder, key)
    return case((and_(_is(raw, "array"), raw != cast(literal("[]", Text()), JSONB())), raw))


def _object(holder: Sql, key: str) -> Sql:
    raw = at(holder, key)
    return case((_is(raw, "object"), raw))


_READ: dict[str, Callable[[Sql, str], Sql]] = {
    "text": _text, "choice": _text, "specialty": _code, "number": _number, "date": _date, "boolean": _boolean,
    "choices": _list, "group": _list, "files": _files, "period": _object,
}  # fmt: skip


def read(kind: str, holder: Sql, key: str) -> Sql:
    """The fact as the engine compares it; NULL when it is missing or not of its kind."""
    return _READ[kind](holder, key)


def constant(value: Any, kind: str) -> Sql:
    """A value known when the statement is made."""
    return literal(Decimal(value) if kind == "number" else value, TYPES[kind])


def constants(values: list[Any], kind: str) -> Sql:
    """A list of them, as one array."""
    return literal([Decimal(one) if kind == "number" else one for one in values], ARRAY(TYPES[kind]))


def month_number(written: Sql) -> Sql:
    """`2026-01` as a count of months, NULL for anything else; the year 0 comes out below `FIRST_MONTH`."""
    year, month = (cast(func.substr(written, start, length), Integer()) for start, length in ((1, 4), (6, 2)))
    return case((matches(written, _MONTH), year * 12 + month - 1))


def month_of(day: Sql) -> Sql:
    return cast(func.date_part("year", day) * 12 + func.date_part("month", day) - 1, Integer())


def years_before(day: Sql, years: Sql) -> Sql:
    """The same calendar day so many years earlier; 29 February becomes the 28th, which is also what PostgreSQL answers."""
    year = func.date_part("year", day) - years
    real = and_(years == func.trunc(years), func.abs(years) < 10_000, year.between(1, 9999))
    return case((real, cast(day - func.make_interval(cast(years, Integer()), type_=Interval()), Date())))


def years_before_some(day: Sql, years: int) -> Sql:
    """The same for a number of years known beforehand."""
    first, last = max(years + 1, 1), min(9999 + years, 9999)
    if first > last:
        return cast(null(), Date())
    real = day.between(literal(dt.date(first, 1, 1), Date()), literal(dt.date(last, 12, 31), Date()))
    return case((real, cast(day - func.make_interval(years, type_=Interval()), Date())))


def years_before_known(day: Any, years: Any) -> dt.date | None:
    """The same where both are known beforehand."""
    if type(day) is not dt.date or years is None or years != int(years):
        return None
    return years_before_in_python(day, int(years)) if -10_000 < years < 10_000 else None
