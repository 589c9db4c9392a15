"""A row as JSON: for each declared column of a screen what it is, how it is read, and its schema. Nothing else of a row ever leaves.

Values are raw, so that a machine can reckon with them: whole numbers as numbers, decimals as text, days as `2026-03-05`, instants in the
province's time with their zone, related rows as `{"_key", "name"}`. Where the raw value is a code, or the page says something else than the
value, `<name>_words` says what the page says. Text that a room puts in words of its own is given in those words alone: it may be masked
there. Of a secret nobody gets more than its mask, and whoever may not see it at all does not get the key.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from markupsafe import Markup
from sqlalchemy import ARRAY, JSON, Boolean, Date, DateTime, Integer, Numeric, String
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import ColumnProperty, RelationshipProperty

from console import clock, visibility
from console.crud import columns, filters
from console.crud.base import ScreenView
from console.scope import current

SECRET, RELATED, CODE, TRUTH, WHOLE, DECIMAL, DAY, INSTANT, DATA, TEXT, WORDS, ANY = (
    "secret", "related", "code", "truth", "whole", "decimal", "day", "instant", "data", "text", "words", "any",
)  # fmt: skip
ABSENT = object()  # a value the reader is not told of
RELATED_SCHEMA: dict[str, Any] = {
    "type": "object", "properties": {"_key": {"type": "string"}, "name": {"type": "string"}}, "required": ["_key", "name"], "additionalProperties": False,
}  # fmt: skip
_SCHEMAS: dict[str, dict[str, Any]] = {
    SECRET: {"type": "string"}, RELATED: RELATED_SCHEMA, TRUTH: {"type": "boolean"}, WHOLE: {"type": "integer"},
    DECIMAL: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, DAY: {"type": "string", "format": "date"},
    INSTANT: {"type": "string", "format": "date-time"}, DATA: {}, TEXT: {"type": "string"}, WORDS: {"type": "string"}, ANY: {},
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One declared column. `schema` is of its value when there is one; `has_words` tells of the second key."""

    name: str
    kind: str
    schema: dict[str, Any]
    nullable: bool
    has_words: bool
    read: Callable[[Any], Any] = field(repr=False)


def of(view: ScreenView, names: tuple[str, ...]) -> list[Field]:
    """The fields of these columns, decided once for all rows."""
    return [_field(view, name) for name in names]


def row(view: ScreenView, fields: list[Field], one: Any, *, url: str) -> dict[str, Any]:
    """A row with its key, its address and these fields."""
    told: dict[str, Any] = {"_key": view.key(one), "_url": url}
    for item in fields:
        value = item.read(one)
        if value is not ABSENT:
            told[item.name] = value
            if item.has_words:
                told[f"{item.name}_words"] = None if value is None else said(view, one, item.name)
    return told


def said(view: ScreenView, one: Any, name: str) -> str | None:
    """What the page says of a value, without its markup; None where it says nothing."""
    words = view.cell(one, name)
    if words is None or words == "—":
        return None
    if not isinstance(words, Markup):
        return str(words)
    text = re.sub(r"<br\s*/?>|</p>|</tr>", "\n", str(words))
    text = html.unescape(re.sub(r"<[^>]*>", "", text)).strip()
    return text if text != "—" else None


def kind_of(view: ScreenView, name: str) -> str:
    """What a column's value is."""
    screen = view.screen
    model, leaf = screen.model, name.rsplit(".", 1)[-1]
    if columns.is_secret(model, name):
        return SECRET
    found = columns.prop(model, name)
    if isinstance(found, RelationshipProperty):
        return RELATED
    kind = _kind(found)
    own_words = name in screen.formats or type(view).cell is not ScreenView.cell
    if name in screen.choices or leaf == "step":
        return CODE
    return WORDS if own_words and kind in (TEXT, DATA, ANY) else kind


def _kind(found: Any) -> str:
    if not isinstance(found, ColumnProperty):
        return ANY  # a property of the class
    kind = found.columns[0].type
    for types, name in (
        (Boolean, TRUTH), (Integer, WHOLE), (Numeric, DECIMAL), (DateTime, INSTANT), (Date, DAY), (JSON, DATA), (ARRAY, DATA), (String, TEXT),
    ):  # fmt: skip
        if isinstance(kind, types):  # type: ignore[arg-type]
            return name
    return ANY


def _field(view: ScreenView, name: str) -> Field:
    screen, kind = view.screen, kind_of(view, name)
    found = columns.column(screen.model, name)
    nullable = "." in name or found is None or bool(found.nullable) or kind in (WORDS, SECRET)
    words = kind == CODE or name.rsplit(".", 1)[-1] == "due_at" or (name in screen.formats and kind not in (WORDS, SECRET))
    raw = _kind(columns.prop(screen.model, name)) if kind == CODE else kind
    schema = dict(_SCHEMAS.get(raw, {"type": "string"}))
    if kind == CODE:
        schema["examples"] = [_typed(raw, code) for code, _words in filters.choices(screen, name)][:50]
    elif kind == TEXT and found is not None and getattr(found.type, "length", None):
        schema["maxLength"] = found.type.length  # type: ignore[attr-defined]
    return Field(name, kind, schema, nullable, words, _reader(view, name, kind))


def _typed(raw: str, code: str) -> Any:
    return int(code) if raw == WHOLE and code.lstrip("-").isdecimal() else code


def _reader(view: ScreenView, name: str, kind: str) -> Callable[[Any], Any]:
    if kind == SECRET:
        return _masked(columns.secret_name(view.screen.model, name), name)
    if kind == WORDS:
        return lambda one: said(view, one, name)
    if kind == RELATED:
        return lambda one: related(columns.value_at(one, name))
    return lambda one: plain(columns.value_at(one, name))


def _masked(secret: str, name: str) -> Callable[[Any], Any]:
    known = visibility.SECRETS.get(secret)

    def read(one: Any) -> Any:
        if known is None or visibility.seen(current(), secret, one) is visibility.Seen.HIDDEN:
            return ABSENT
        value = columns.value_at(one, name)
        return None if value in (None, "") else known.mask(str(value))

    return read


def related(other: Any) -> dict[str, str] | None:
    """A row that another one points at: its key, and what it is called."""
    if other is None:
        return None
    if isinstance(other, list | tuple):
        return [related(one) for one in other]  # type: ignore[return-value]
    return {"_key": "~".join(str(part) for part in mapped(other).identity), "name": columns.in_language(other, ("name", "title")) or str(other)}


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dt.datetime):
        return (value.astimezone(clock.ZONE) if value.tzinfo else value.replace(tzinfo=clock.ZONE)).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if mapped(value, raiseerr=False) is not None and hasattr(type(value), "__mapper__"):
        return related(value)
    return str(value)


def schema_of(item: Field, *, title: str = "") -> dict[str, Any]:
    """The JSON Schema of a field's value as it is read."""
    schema = dict(item.schema)
    if item.nullable and "type" in schema:
        schema = {**schema, "type": [schema["type"], "null"]} if isinstance(schema["type"], str) else schema
    if title:
        schema["title"] = title
    return schema

