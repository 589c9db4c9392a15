"""The columns a screen takes: how a text becomes a value, and what is said of one that cannot.

A value travels in three shapes: the text of the file, the value that a form would have, and the text the database casts to the column's
type (`staged`), which is also how two rows are compared.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    Numeric,
    SmallInteger,
    String,
    inspect,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import RelationshipProperty, Session
from wtforms.validators import StopValidation, ValidationError

from console import clock
from console.crud import columns
from console.crud.screen import Screen

_DIALECT = postgresql.dialect()
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?")
_TIME = re.compile(r"[ T]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_YES, _NO = {"是", "yes", "true", "1", "y", "对", "√"}, {"否", "no", "false", "0", "n", "错", "×"}
_KNOWN_BY = ("name", "name_en", "short_name", "title", "title_en", "number", "code", "username")


def label(screen: Screen, name: str) -> str:
    """What a column is called on the page and in files."""
    return str(_(screen.labels.get(name) or columns.label(screen.model, name)))  # a declaration's label knows both languages by itself


class Wrong(Exception):
    """A value that cannot be taken; the sentence says what to do."""


@dataclass(frozen=True)
class Incoming:
    """One column of the screen's files."""

    name: str
    heading: str
    column: Column[Any]
    is_required: bool
    parse: Callable[[str], Any]
    model: type[Any] | None = None  # of a relation, found by name
    known: dict[str, Any] = field(default_factory=dict)  # text → key, or a Wrong

    def value(self, text: str) -> Any:
        """What a form would have; None for nothing. Wrong says why not."""
        text = text.strip(" \t\r\n\u3000\ufeff\u00a0")
        if not text:
            if self.is_required:
                raise Wrong(_("这一列必须填。"))
            return _default(self.column)
        return self.parse(text)

    def staged(self, value: Any) -> str | None:
        """As the database will read it."""
        if value is None:
            return None
        kind = self.column.type
        bind = kind.dialect_impl(_DIALECT).bind_processor(_DIALECT) if _is_encrypted(self.column) else None
        if bind is not None:
            return str(bind(value))
        if isinstance(kind, ARRAY):
            return "{" + ",".join(json.dumps(item, ensure_ascii=False) for item in value) + "}"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).isoformat()
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return str(value)

    def loaded(self, text: str | None) -> Any:
        """Back from its staged text, for a room that enters rows by itself."""
        kind = self.column.type
        if text is None:
            return None
        if _is_encrypted(self.column):
            result = kind.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
            return result(text) if result else text
        if isinstance(kind, ARRAY):
            return json.loads(f"[{text[1:-1]}]")
        if isinstance(kind, Boolean):
            return text == "true"
        if isinstance(kind, Integer):
            return int(text)
        if isinstance(kind, Numeric):
            return Decimal(text)
        if isinstance(kind, DateTime):
            return dt.datetime.fromisoformat(text)
        return dt.date.fromisoformat(text) if isinstance(kind, Date) else text


def _is_encrypted(column: Column[Any]) -> bool:
    return type(column.type).__name__ == "Encrypted"


def _default(column: Column[Any]) -> Any:
    if column.nullable:
        return None
    if column.default is not None and getattr(column.default, "is_scalar", False):
        return column.default.arg  # type: ignore[attr-defined]
    return "" if isinstance(column.type, String) else None


def incoming(screen: Screen) -> list[Incoming]:
    """The declared columns, in order. ValueError for one that no file can bring, when the screen is first used."""
    return [_one(screen, name) for name in screen.importable]


def _one(screen: Screen, name: str) -> Incoming:
    found = columns.prop(screen.model, name)
    column = columns.column(screen.model, name)
    if found is None or column is None or "." in name:
        raise ValueError(f"screen {screen.name!r} imports {name!r}, which is not a column of its own")
    given = column.default is not None or column.server_default is not None
    is_required = not column.nullable and not given
    if isinstance(found, RelationshipProperty):
        model = found.mapper.class_
        return Incoming(name, label(screen, name), column, is_required, str, model)
    checks = [*_validators(screen, name)]
    parse = _parser(screen, name, column)

    def checked(text: str) -> Any:
        value = parse(text)
        for check in checks:
            check(value)
        return value

    return Incoming(name, label(screen, name), column, is_required, checked if checks else parse)


# ── one text ─────────────────────────────────────────────────────────────────────────────────────────────────


def _parser(screen: Screen, name: str, column: Column[Any]) -> Callable[[str], Any]:
    kind = column.type
    if name in screen.choices:
        return _choice(screen, name, whole=isinstance(kind, Integer))
    if isinstance(kind, Boolean):
        return _truth
    if isinstance(kind, Integer):
        bits = 15 if isinstance(kind, SmallInteger) else 63 if "BIG" in str(kind).upper() else 31
        return lambda text: _whole(text, 2**bits)
    if isinstance(kind, Numeric):
        return lambda text: _decimal(text, kind.precision, kind.scale)
    if isinstance(kind, DateTime):
        return _instant
    if isinstance(kind, Date):
        return _day
    if isinstance(kind, ARRAY):
        return lambda text: [_line(part.strip(), None) for part in re.split("[、,，;；]", text) if part.strip()]
    if isinstance(kind, String) or _is_encrypted(column):
        most = getattr(kind, "length", None)
        return (lambda text: _text(text)) if columns.is_long(screen.model, name) else lambda text: _line(text, most)
    raise ValueError(f"screen {screen.name!r} imports {name!r}: no file can bring a {kind!r}")


def _plain(text: str) -> str:
    """Wide digits and signs as narrow ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _text(text: str) -> str:
    if _CONTROL.search(text):
        raise Wrong(_("里面有看不见的控制字符，请重新输入这一格。"))
    return text


def _line(text: str, most: int | None) -> str:
    if most is not None and len(text) > most:
        raise Wrong(_("最多 %(most)s 个字，这里有 %(seen)s 个，请缩短。", most=most, seen=len(text)))
    return _text(text)


def _number(text: str) -> Decimal:
    plain = _plain(text)
    percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain) or not plain.isascii():
        raise Wrong(_("不是数字。请只填数字，例如 1200 或 1,200.50。"))
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise Wrong(_("不是数字。请只填数字，例如 1200 或 1,200.50。")) from None
    return value / 100 if percent else value


def _whole(text: str, most: int) -> int:
    value = _number(text)
    if value != value.to_integral_value():
        raise Wrong(_("要填整数，不带小数。"))
    if not -most <= value < most:
        raise Wrong(_("数字太大，请核对。"))
    return int(value)


def _decimal(text: str, precision: int | None, scale: int | None) -> Decimal:
    value = _number(text)
    if scale is not None and value != round(value, scale):
        raise Wrong(_("最多 %(places)s 位小数。", places=scale))
    if abs(value) >= Decimal(10) ** ((precision - (scale or 0)) if precision else 30):
        raise Wrong(_("数字太大，请核对。"))
    return value


def _truth(text: str) -> bool:
    said = _plain(text).casefold()
    if said in _YES or said in _NO:
        return said in _YES
    raise Wrong(_("请填“是”或“否”。"))


def _day(text: str) -> dt.date:
    plain = _plain(text)
    found = _DAY.match(plain)
    rest = plain[found.end() :] if found else ""
    if found and (not rest or _TIME.fullmatch(rest)):
        try:
            return dt.date(*map(int, found.groups()))
        except ValueError:
            raise Wrong(_("日历上没有这一天，请核对。")) from None
    if (serial := _serial(plain)) is not None:
        return serial.date()
    raise Wrong(_("日期请写成 2026-01-02、2026/1/2 或 2026年1月2日。"))


def _instant(text: str) -> dt.datetime:
    plain = _plain(text)
    if (serial := _serial(plain)) is not None:
        return serial
    day = _day(plain)
    found = _DAY.match(plain)
    rest = plain[found.end() :] if found else ""
    hour, minute, second = (int(part or 0) for part in match.groups()) if rest and (match := _TIME.fullmatch(rest)) else (0, 0, 0)
    try:
        return dt.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=clock.ZONE)
    except ValueError:
        raise Wrong(_("没有这个时刻，请核对。")) from None


def _serial(plain: str) -> dt.datetime | None:
    """A day as Excel counts them, from 1954 to 2119: smaller and greater numbers are more likely a slip."""
    if not re.fullmatch(r"\d{5}(\.\d+)?", plain) or not 19_750 <= float(plain) < 80_000:
        return None
    return dt.datetime(1899, 12, 30, tzinfo=clock.ZONE) + dt.timedelta(seconds=round(float(plain) * 86_400))


def _choice(screen: Screen, name: str, *, whole: bool) -> Callable[[str], Any]:
    offered = [(str(value), str(words)) for value, words in screen.choices[name]()]
    by_text = {words.casefold(): value for value, words in offered} | {value.casefold(): value for value, words in offered}

    def parse(text: str) -> Any:
        value = by_text.get(text.casefold())
        if value is None:
            some = _("、").join(words for _value, words in offered[:12])
            raise Wrong(_("没有这个选项。可以填：%(options)s。", options=some))
        return int(value) if whole else value

    return parse


class _Field:
    """What a form's validator asks of a field."""

    def __init__(self, value: Any) -> None:
        self.data = value
        self.raw_data = [value]
        self.errors: list[str] = []
        self.object_data = None

    def gettext(self, text: str) -> str:
        return _(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return _(one if count == 1 else many)


def _validators(screen: Screen, name: str) -> Iterator[Callable[[Any], None]]:
    """The validators an extension gives the screen's forms, where they look at the value alone."""
    for validator in (getattr(screen.extend, "validators_columns", None) or {}).get(name, ()):

        def check(value: Any, validator: Any = validator) -> None:
            try:
                validator(None, _Field(value))
            except (ValidationError, StopValidation) as error:
                raise Wrong(str(error)) from None

        yield check


# ── relations, found by name for a whole batch ───────────────────────────────────────────────────────────────


def resolve(session: Session, incoming: Incoming, texts: Iterable[str]) -> None:
    """Find what these texts name, among what the session's principal sees, in one statement; each gets its key or what is wrong with it."""
    model = incoming.model
    assert model is not None
    new = sorted({text for text in texts if text and text not in incoming.known})
    if not new:
        return
    mapper = inspect(model)
    key: Column[Any] = next(iter(incoming.column.foreign_keys)).column  # what a row of ours holds: often the number, sometimes the code
    names = [mapper.attrs[name].class_attribute for name in _KNOWN_BY if name in mapper.column_attrs]
    if isinstance(key.type, String) and not any(name.property.columns[0] is key for name in names):
        names.append(mapper.get_property_by_column(key).class_attribute)
    found: dict[str, set[Any]] = {text: set() for text in new}
    named = mapper.get_property_by_column(key).class_attribute
    for row in session.execute(select(named, *names).where(or_(*(name.in_(new) for name in names)))):
        for said in row[1:]:
            if said in found:
                found[said].add(row[0])
    for text, keys in found.items():
        incoming.known[text] = next(iter(keys)) if len(keys) == 1 else Wrong(_not_one(incoming, len(keys)))


def _not_one(incoming: Incoming, count: int) -> str:
    if count:
        return _("有 %(count)s 项都叫这个名字，请改填代码或编号。", count=count)
    return _("没有这一项，或者它不在您的范围内。请填它的全称或代码。")


# ── the heading ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Heading:
    """Which cell of a line belongs to which column; `ignored` are headings that no column has."""

    at: Mapping[str, int]
    ignored: tuple[str, ...]
    twice: tuple[str, ...]


def heading(cells: list[str], names: Mapping[str, str]) -> Heading:
    """Sort a file's first line; `names` are all words a column may be called by, in any language, folded → the column."""
    at: dict[str, int] = {}
    ignored, twice = [], []
    for number, cell in enumerate(cells):
        name = names.get(folded(cell))
        if name is None:
            if cell.strip():
                ignored.append(cell.strip()[:60])
        elif name in at:
            twice.append(cell.strip())
        else:
            at[name] = number
    return Heading(at, tuple(ignored), tuple(twice))


def folded(text: str) -> str:
    return _plain(text).strip("*＊ \t\ufeff").casefold()
