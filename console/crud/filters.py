"""The chips above a list: declared columns, one readable parameter each, applied to one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Boolean, ColumnElement, Date, DateTime, Integer, Select
from sqlalchemy.orm import RelationshipProperty

from console import clock
from console.crud import columns, searching
from console.crud.forms import fetch, key_of
from console.crud.screen import Screen
from console.db import Session
from console.doors.look import STEP_WORDS, step_label

TEXT, CHOICE, TRUTH, DAYS, NUMBER, RELATION = "text", "choice", "truth", "days", "number", "relation"


@dataclass(frozen=True)
class Chip:
    """One filter as the page draws it; `said` is its value in words, empty when it is not set."""

    name: str
    title: str
    kind: str
    values: Mapping[str, str]
    said: str = ""
    options: tuple[tuple[str, str], ...] = ()
    options_url: str = ""

    @property
    def on(self) -> bool:
        return bool(self.said)


@lru_cache(maxsize=2_000)
def kind_of(screen: Screen, name: str) -> str:
    """How a column is asked for."""
    if isinstance(columns.prop(screen.model, name), RelationshipProperty):
        return RELATION
    if name in screen.choices or name.rsplit(".", 1)[-1] == "step":
        return CHOICE
    found = columns.column(screen.model, name)
    if found is None:
        raise ValueError(f"screen {screen.name!r} filters by {name!r}, which is not a column")
    if isinstance(found.type, Boolean):
        return TRUTH
    if isinstance(found.type, (Date, DateTime)):
        return DAYS
    return NUMBER if isinstance(found.type, Integer) else TEXT


def choices(screen: Screen, name: str) -> tuple[tuple[str, str], ...]:
    if name in screen.choices:
        return tuple(screen.choices[name]())
    return tuple((str(step), step_label(step)) for step in STEP_WORDS)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def criteria(screen: Screen, args: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """What the search box and every chip that is set ask of a row; what cannot be read asks nothing, as an unset chip would.

    A search may cost a statement: whoever narrows two statements alike asks once.
    """
    words = args.get("q", "").strip()[:100]
    asked = [searching.criterion(screen, words)] if words and screen.search else []
    return asked + [one for name in screen.filters for one in _criteria(screen, name, args)]


def narrow(statement: Select[Any], screen: Screen, args: Mapping[str, str]) -> Select[Any]:
    """The statement with what `criteria()` asks."""
    return statement.where(*criteria(screen, args))


def _criteria(screen: Screen, name: str, args: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """What one chip asks; nothing when it is not set or cannot be read."""
    kind = kind_of(screen, name)
    if kind == DAYS:
        return _days(screen, name, args)
    value = args.get(name, "").strip()[:100]
    if not value:
        return []
    if name in screen.asking:
        return list(screen.asking[name](value))
    local = columns.column(screen.model, name)
    if kind == RELATION:
        assert local is not None
        return _equal(local, value, digits=18) if isinstance(local.type, Integer) else [local == value]
    attribute = searching.attribute(screen.model, name)
    if kind == TRUTH:
        return [attribute.is_(value == "yes")] if value in {"yes", "no"} else []
    if kind == NUMBER or (kind == CHOICE and local is not None and isinstance(local.type, Integer)):
        return _equal(attribute, value, digits=9)
    return [attribute == value] if kind == CHOICE else [attribute.icontains(value, autoescape=True)]


def _equal(column: Any, value: str, *, digits: int) -> list[ColumnElement[bool]]:
    return [column == int(value)] if value.isascii() and value.isdecimal() and len(value) <= digits else []


def _days(screen: Screen, name: str, args: Mapping[str, str]) -> list[ColumnElement[bool]]:
    attribute = searching.attribute(screen.model, name)
    found = columns.column(screen.model, name)
    instants = found is not None and isinstance(found.type, DateTime)
    start, end = _day(args.get(f"{name}-from", "")), _day(args.get(f"{name}-to", ""))
    asked: list[ColumnElement[bool]] = []
    if instants and name.rsplit(".", 1)[-1] == "due_at":  # 00:00 after the last day, which is the day people are told and ask for
        asked += [attribute > clock.at_midnight(start)] if start else []
        asked += [attribute <= clock.at_midnight(end + dt.timedelta(days=1))] if end else []
        return asked
    if start:
        asked.append(attribute >= (clock.at_midnight(start) if instants else start))
    if end:
        after = end + dt.timedelta(days=1)
        asked.append(attribute < (clock.at_midnight(after) if instants else after))
    return asked


def chips(screen: Screen, args: Mapping[str, str], *, titles: Mapping[str, str], options_url: Any) -> list[Chip]:
    """The chips of this page. A relation that is set costs one statement, to say its name."""
    drawn = []
    for name in screen.filters:
        kind = kind_of(screen, name)
        if kind == DAYS:
            values = {part: args.get(f"{name}-{part}", "") for part in ("from", "to")}
            start, end = values["from"], values["to"]
            said = ""
            if start and end:
                said = _("%(start)s 至 %(end)s", start=start, end=end)
            elif start or end:
                said = _("%(start)s 起", start=start) if start else _("至 %(end)s", end=end)
            drawn.append(Chip(name, titles[name], kind, values, said))
            continue
        value = args.get(name, "")
        options: tuple[tuple[str, str], ...] = ()
        said = value
        if kind == CHOICE:
            options = choices(screen, name)
            said = dict(options).get(value, "")
        elif kind == TRUTH:
            options = (("yes", _("是")), ("no", _("否")))
            said = dict(options).get(value, "")
        elif kind == RELATION and value:
            model = columns.prop(screen.model, name).mapper.class_  # type: ignore[union-attr]
            row = fetch(Session(), model, value)
            said = str(row) if row is not None else ""
        drawn.append(
            Chip(name, titles[name], kind, {"value": value}, said, options, options_url(name) if kind == RELATION else "")
        )
    return drawn


#: where in a list one is, not what it shows
PLACES = frozenset({"after", "before"})


@lru_cache(maxsize=200)
def parameters(screen: Screen) -> frozenset[str]:
    """Every address parameter a list of this screen understands."""
    known = {"q", "order", "columns", "size", *PLACES}
    for name in screen.filters:
        known |= {f"{name}-from", f"{name}-to"} if kind_of(screen, name) == DAYS else {name}
    return frozenset(known)


def unread(screen: Screen, args: Mapping[str, str]) -> list[str]:
    """The parameters that are set and narrow nothing, because their value cannot be read: a page shows the chip unset, a machine is told."""
    found = []
    for name in screen.filters:
        parts = (f"{name}-from", f"{name}-to") if kind_of(screen, name) == DAYS else (name,)
        for part in parts:
            value = args.get(part, "").strip()
            if value and not _criteria(screen, name, {part: value}):
                found.append(part)
    return found


def lost(screen: Screen, args: Mapping[str, str]) -> list[str]:
    """The parameters that this list would not follow: unknown ones, and those it cannot read. For whoever makes addresses."""
    known = parameters(screen)
    return [*(name for name in args if name not in known), *unread(screen, args)]


__all__ = ["Chip", "chips", "criteria", "key_of", "lost", "narrow", "parameters", "unread"]
