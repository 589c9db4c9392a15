"""The columns of an outgoing file: what each is called and how a row's value is written, decided once and not for every row.

A value is what the page says, without its markup: text, or a number, a day or an instant as such, for a worksheet to reckon with. Of a
secret nobody gets more than the mask, also who may see it in full on the page: a file travels.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select
from sqlalchemy.orm import RelationshipProperty

from console import clock, visibility
from console.crud import columns, filters, paging
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.crud.views import make_view
from console.doors.look import step_label
from console.doors.preferences import language
from console.exchange.incoming import label
from console.scope import current

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # what no worksheet may hold


@dataclass(frozen=True)
class Field:
    heading: str
    read: Callable[[Any], Any]


def reader(screen: Screen) -> ScreenView:
    """The screen's view for reading alone: its statement and its words, without pages and without an app."""
    cls = make_view(screen)
    return cls.__new__(cls)


def statement(view: ScreenView, names: tuple[str, ...], query: dict[str, str]) -> Select[Any]:
    """The list's rows as it was narrowed and ordered, all of them."""
    order = paging.order_of(view, query.get("order", ""))
    return filters.narrow(view.statement(names), view.screen, query).order_by(*order.clauses())


def fields(view: ScreenView, names: tuple[str, ...]) -> list[Field]:
    return [Field(label(view.screen, name), _reader(view, name)) for name in names]


def sensitive(screen: Screen, names: tuple[str, ...]) -> list[str]:
    """The columns that say who somebody is."""
    return [name for name in names if columns.is_personal(screen.model, name)]


def _reader(view: ScreenView, name: str) -> Callable[[Any], Any]:
    screen = view.screen
    get = _getter(name)
    if columns.is_secret(screen.model, name):
        return _masked(columns.secret_name(screen.model, name), get)
    if type(view).cell is not ScreenView.cell:  # the room has words of its own
        return lambda row: _text(view.cell(row, name))
    if (said := screen.formats.get(name)) is not None:
        return lambda row: _text(said(get(row)))
    if name in screen.choices:
        words = dict(screen.choices[name]())
        return lambda row: words.get(str(value), plain(value)) if (value := get(row)) is not None else ""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "step":
        return lambda row: step_label(value) if (value := get(row)) else ""
    if leaf == "due_at":
        return lambda row: _last_day(get(row))
    if language() != "en" and isinstance(columns.prop(screen.model, name), RelationshipProperty):
        return lambda row: _UNWRITABLE.sub("", str(value)) if (value := get(row)) is not None else ""
    if language() == "en" and hasattr(screen.model, f"{name}_en"):
        return lambda row: columns.in_language(row, (name,)) or plain(get(row))
    yes, no = _("是"), _("否")
    return lambda row: plain(get(row), yes, no)


def _getter(name: str) -> Callable[[Any], Any]:
    if "." not in name:
        return lambda row: getattr(row, name)
    return lambda row: columns.value_at(row, name)


def _masked(secret: str, get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    hidden = _("不公开")
    mask = visibility.SECRETS[secret].mask if secret in visibility.SECRETS else (lambda value: hidden)

    def read(row: Any) -> str:
        if visibility.seen(current(), secret, row) is visibility.Seen.HIDDEN:
            return hidden
        value = get(row)
        return "" if value in (None, "") else mask(str(value))

    return read


def _last_day(value: Any) -> Any:
    """People are told the last day of a deadline, which ends at 00:00 of the next."""
    if isinstance(value, dt.datetime):
        local = value.astimezone(clock.ZONE)
        if local.time() == dt.time():
            return local.date() - dt.timedelta(days=1)
    return plain(value)


def plain(value: Any, yes: str = "", no: str = "") -> Any:
    """A value as a cell: None is empty, instants stand in the province's time without a zone."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _UNWRITABLE.sub("", value)
    if isinstance(value, bool):
        return (yes or _("是")) if value else (no or _("否"))
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(clock.ZONE).replace(tzinfo=None, microsecond=0)
    if isinstance(value, dt.date):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _UNWRITABLE.sub("", "、".join(value))
    if isinstance(value, dict | list):
        return _UNWRITABLE.sub("", json.dumps(value, ensure_ascii=False, default=str))
    return _UNWRITABLE.sub("", columns.in_language(value, ("name", "title")) or str(value))


def _text(said: Any) -> Any:
    """What a page shows, as a cell."""
    if isinstance(said, int | float | Decimal | dt.date) and not isinstance(said, bool):
        return plain(said)
    if said is None or said == "—":
        return ""
    text = said.striptags() if isinstance(said, Markup) else str(said)
    return "" if text == "—" else _UNWRITABLE.sub("", text)


def in_words(view: ScreenView, query: dict[str, str]) -> list[str]:
    """What the list was narrowed to, one sentence a condition."""
    screen = view.screen
    titles = {name: label(screen, name) for name in screen.filters}
    said = [_("查找：%(words)s", words=query["q"])] if query.get("q") else []
    chips = filters.chips(screen, query, titles=titles, options_url=lambda name: "")
    return said + [f"{chip.title}{_('：')}{chip.said}" for chip in chips if chip.on]
