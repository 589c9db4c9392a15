"""What a column is called and how its value reads: labels from the schema's comments, values in words."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Hashable
from decimal import Decimal
from functools import cache
from typing import Any, cast

from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import Boolean, Column, DateTime, Enum, Integer, String, Text
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty, class_mapper

from console import clock, visibility
from console.doors import dates
from console.doors.look import step_kind, step_label
from console.doors.preferences import language
from console.scope import current
from console.secrecy import Encrypted


def prop(model: type[Any], path: str) -> ColumnProperty[Any] | RelationshipProperty[Any] | None:
    """The mapped property at the end of a dotted path; None for a plain Python property."""
    return _prop(cast(Hashable, model), path)


@cache
def _prop(model: Any, path: str) -> ColumnProperty[Any] | RelationshipProperty[Any] | None:
    mapper: Mapper[Any] = class_mapper(model)
    *relations, leaf = path.split(".")
    for name in relations:
        mapper = mapper.get_property(name).mapper  # type: ignore[attr-defined]
    found = mapper.attrs.get(leaf)
    return found if isinstance(found, ColumnProperty | RelationshipProperty) else None


def column(model: type[Any], path: str) -> Column[Any] | None:
    """The column behind a path; for a relation, its foreign key."""
    return _column(cast(Hashable, model), path)


@cache
def _column(model: Any, path: str) -> Column[Any] | None:
    found = prop(model, path)
    if isinstance(found, ColumnProperty):
        return found.columns[0] if isinstance(found.columns[0], Column) else None
    if isinstance(found, RelationshipProperty):
        key = next(iter(found.local_columns))
        return key if isinstance(key, Column) else None
    return None


def is_there(model: type[Any], path: str) -> bool:
    """Whether a name, perhaps of an older version, is a property of this model."""
    first = path.split(".")[0]
    return "." not in path and first in class_mapper(model).attrs


def label(model: type[Any], path: str) -> str:
    """The official term of a column, not yet translated: its comment; for `office.name`, the relation's."""
    *relations, leaf = path.split(".")
    if relations and leaf in {"name", "title", "code", "number"}:
        path = ".".join(relations)
    found = column(model, path)
    return (found.comment if found is not None and found.comment else "") or leaf


def relations(model: type[Any], paths: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The chains of many-to-one relations that showing these paths needs, to be joined in the same statement."""
    chains: set[tuple[str, ...]] = set()
    for path in paths:
        parts = path.split(".")
        chain = tuple(parts[:-1])
        if isinstance(prop(model, path), RelationshipProperty):
            chain = tuple(parts)
        if chain:
            chains.add(chain)
    return sorted(chains)


def value_at(row: Any, path: str) -> Any:
    for name in path.split("."):
        if row is None:
            return None
        row = getattr(row, name)
    return row


def in_language(row: Any, names: tuple[str, ...]) -> str:
    """For an English reader, the row's own English of one of these columns (`name_en` of `name`), where it has one."""
    if language() != "en":
        return ""
    return next((said for name in names if isinstance(said := getattr(row, f"{name}_en", None), str) and said), "")


def has_english(model: type[Any], path: str) -> bool:
    """Whether a row may have words of its own for an English reader: in a second column, or in the row it points at."""
    return hasattr(model, f"{path}_en") or isinstance(prop(model, path), RelationshipProperty)


def is_secret(model: type[Any], path: str) -> bool:
    found = column(model, path)
    return found is not None and isinstance(found.type, Encrypted)


def is_personal(model: type[Any], path: str) -> bool:
    """Whose value says who somebody is: encrypted, or marked so on the model. The audit keeps its fingerprint only."""
    found = column(model, path)
    return found is not None and (isinstance(found.type, Encrypted) or found.info.get("personal", False))


def is_text(model: type[Any], path: str) -> bool:
    found = column(model, path)
    return found is not None and isinstance(found.type, String) and not isinstance(found.type, Enum)


def is_long(model: type[Any], path: str) -> bool:
    found = column(model, path)
    return found is not None and isinstance(found.type, Text)


def secret_name(model: type[Any], path: str) -> str:
    """The line of `console.visibility` for an encrypted column."""
    found = column(model, path)
    return f"{found.table.name}.{found.name}" if found is not None else path


def secret(model: type[Any], path: str, value: Any, row: Any | None) -> Markup:
    """An encrypted value as the person of this request may see it on this row."""
    said = visibility.shown(current(), secret_name(model, path), value, row)
    if said is None:
        return Markup('<span class="secret quiet">{}</span>').format(_("不公开"))
    return Markup('<span class="secret">{}</span>').format(said or "—")


def sealed(model: type[Any], paths: tuple[str, ...], chain: tuple[str, ...]) -> list[Any]:
    """The encrypted columns of this class that none of these paths (from where the chain began) asks for."""
    asked = {path.rsplit(".", 1)[-1] for path in paths if tuple(path.split(".")[:-1]) == chain}
    mapper: Mapper[Any] = class_mapper(model)
    return [one.class_attribute for one in mapper.column_attrs if isinstance(one.columns[0].type, Encrypted) and one.key not in asked]


def wording(model: type[Any], path: str) -> Callable[[Any, Any], str]:
    """`words()` of one column for many rows, as HTML."""
    found = column(model, path)
    leaf = path.rsplit(".", 1)[-1]
    if isinstance(prop(model, path), RelationshipProperty):
        return lambda value, row: "—" if value is None else escape(str(value))
    kind = None if found is None or leaf in ("step", "due_at") else found.type
    if isinstance(kind, String):
        return lambda value, row: escape(value) if value else "—"
    if isinstance(kind, Integer) and not isinstance(kind, Boolean):
        return lambda value, row: "—" if value is None else str(value)
    if isinstance(kind, DateTime):
        return lambda value, row: "—" if value is None else f'<time datetime="{value.isoformat()}">{dates.instant(value)}</time>'
    return lambda value, row: escape(words(model, path, value, row))


def words(model: type[Any], path: str, value: Any, row: Any | None = None) -> Markup | str:
    """A value as the screen shows it; `row` is where it stands, which decides about secrets."""
    if is_secret(model, path):
        return secret(model, path, value, row)
    if value is None or value == "":
        return "—"
    leaf = path.rsplit(".", 1)[-1]
    if value is True:
        return _("是")
    if value is False:
        return _("否")
    if leaf == "step":
        return Markup('<span class="status status-{}">{}</span>').format(step_kind(value), step_label(value))
    if isinstance(value, dt.datetime):
        if leaf == "due_at" and (local := value.astimezone(clock.ZONE)).time() == dt.time():
            return (local.date() - dt.timedelta(days=1)).isoformat()  # 00:00 after the last day: people are told the last day
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), dates.instant(value))
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:,}"
    if isinstance(value, (dict, list)):
        return Markup('<pre class="json">{}</pre>').format(json.dumps(value, ensure_ascii=False, indent=2, default=str))
    return escape(in_language(value, ("name", "title")) or str(value))
