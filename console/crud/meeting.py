"""Two people at one row: a page carries a mark of the row as it showed it; who writes later is told what the other one changed.

A mark is a few digits per column, keyed, so that it tells nothing of a value and a page stays small. It protects people from each other
by mistake, not from a forger, who may overwrite what they may overwrite anyway.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import RelationshipProperty, Session, class_mapper

from console.crud import columns
from console.secrecy import keyed_hash

FIELD = "seen"  # the hidden field of a form that holds the mark
_VERSION = "#version"


def mark(row: Any, names: Iterable[str]) -> str:
    """What these columns of a row say now, and its version where the model counts one."""
    return ";".join(f"{name}={digits}" for name, digits in _digits(row, names).items())


def digits(values: Mapping[str, Any]) -> dict[str, str]:
    """What a mark would say of a row with these values."""
    return {name: _digit(name, value) for name, value in values.items()}


def short(row: Any, names: Iterable[str]) -> str:
    """The same in a few digits, for a row of many on one page."""
    return keyed_hash(mark(row, names), "mark")[:12]


def read(words: str | None) -> Mapping[str, str]:
    """A mark that a page sent back; what cannot be read is missing, and missing is different."""
    parts = (part.partition("=") for part in (words or "")[:8_000].split(";"))
    return {name: digits for name, _equals, digits in parts}


def changed(row: Any, names: Sequence[str], seen: str | None) -> list[str]:
    """The columns that say something else than when the mark was made; `#version` when only the count has moved."""
    then, now = read(seen), _digits(row, names)
    found = [name for name in names if name in now and now[name] != then.get(name)]
    return found or [name for name in now if name == _VERSION and now[name] != then.get(name)]


def lock(session: Session, model: type[Any], where: Any) -> None:
    """Hold the rows until the transaction ends, as far as this login may hold them at all: who comes second waits and then compares."""
    if session.scalar(select(func.has_any_column_privilege(model.__tablename__, "UPDATE"))):
        keys = mapped(model).primary_key
        session.execute(select(*keys).where(where).order_by(*keys).with_for_update(of=model)).all()


@dataclass(frozen=True)
class Difference:
    """One field that somebody else changed, both ways in words. `both`: I changed it as well."""

    name: str
    label: str
    theirs: Any
    mine: Any
    both: bool


def differences(view: Any, row: Any, form: Any, names: Sequence[str], seen: str | None) -> list[Difference]:
    """What somebody else has changed, and what I wrote there; fields that only they changed are set to theirs in the form."""
    then, now, mine = read(seen), _digits(row, names), _typed(form, type(row), names)
    found = []
    for name in changed(row, names, seen):
        if name == _VERSION:
            continue
        theirs, both = view.cell(row, name), name not in then or mine[name] != then[name]
        if both and mine[name] == now[name]:
            continue  # both of us wrote the same
        written = view.words_of(row, name, form[name].data) if both else ""
        if not both:
            form[name].process(None, getattr(row, name))
            form[name].raw_data = None
        found.append(Difference(name, str(view.label_columns[name]), theirs, written, both))
    return found


def untouched(form: Any, row: Any, names: Sequence[str]) -> set[str]:
    """The fields that say what the row says: an instant shown by the minute must not lose its seconds by being saved."""
    now, mine = _digits(row, names), _typed(form, type(row), names)
    return {name for name in names if mine[name] == now.get(name)}


def _typed(form: Any, model: type[Any], names: Iterable[str]) -> dict[str, str]:
    typed = SimpleNamespace(**dict.fromkeys(names))
    for name in names:
        form[name].populate_obj(typed, name)
    return {name: _digit(name, getattr(typed, name)) for name in names}


def _digits(row: Any, names: Iterable[str]) -> dict[str, str]:
    mapper = class_mapper(type(row))
    found: dict[str, str] = {}
    if mapper.version_id_col is not None:
        found[_VERSION] = _digit(_VERSION, getattr(row, mapper.get_property_by_column(mapper.version_id_col).key))
    for name in names:
        first = name.split(".")[0]  # of a related row, which one it is: what that says of itself is its own
        prop = columns.prop(type(row), first)
        if isinstance(prop, RelationshipProperty):
            if prop.direction.name != "MANYTOONE":
                continue
            key = mapper.get_property_by_column(next(iter(prop.local_columns))).key
            found[name] = _digit(name, getattr(row, key))
        elif prop is not None:
            found[name] = _digit(name, getattr(row, first))
    return found


def _digit(name: str, value: Any) -> str:
    return keyed_hash(f"{name}={_text(value)}", "mark")[:10]


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    state = mapped(value, raiseerr=False)
    if state is not None and hasattr(state, "identity"):
        return str(state.identity[0]) if state.identity else ""
    return str(value).replace("\r\n", "\n")
