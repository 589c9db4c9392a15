"""What a file for a screen must have, in words: for the page that asks for one."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ARRAY, Boolean, Date, DateTime, Integer, Numeric

from console.crud.screen import Screen
from console.exchange.incoming import Incoming, incoming

_MOST_OPTIONS = 12


@dataclass(frozen=True)
class Guide:
    heading: str
    is_required: bool
    is_key: bool
    hint: str
    help: str


def columns(screen: Screen) -> list[Guide]:
    return [
        Guide(column.heading, column.is_required or column.name in screen.required, column.name in screen.key, _hint(screen, column), _(words) if (words := screen.help.get(column.name)) else "")
        for column in incoming(screen)
    ]


def key_words(screen: Screen) -> str:
    """The columns rows are found again by; empty when a file only adds."""
    return _("、").join(column.heading for column in incoming(screen) if column.name in screen.key)


def sample(screen: Screen) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([column.heading for column in incoming(screen)])
    return text.getvalue().encode("utf-8-sig")


def _hint(screen: Screen, column: Incoming) -> str:
    kind = column.column.type
    if column.name in screen.cells:
        return _(screen.cells[column.name])
    if column.model is not None:
        return _("全称或代码")
    if column.name in screen.choices:
        options = [str(words) for _value, words in screen.choices[column.name]()]
        more = _("等") if len(options) > _MOST_OPTIONS else ""
        return _("其中之一：%(options)s", options=_("、").join(options[:_MOST_OPTIONS]) + more)
    if isinstance(kind, Boolean):
        return _("“是”或“否”")
    if isinstance(kind, DateTime):
        return _("日期和时刻，例如 2026-01-02 09:30")
    if isinstance(kind, Date):
        return _("日期，例如 2026-01-02 或 2026年1月2日")
    if isinstance(kind, Integer):
        return _("整数")
    if isinstance(kind, Numeric):
        return _("数字，例如 1,200.50")
    if isinstance(kind, ARRAY):
        return _("几项之间用顿号隔开")
    most = getattr(kind, "length", None)
    return _("文字，最多 %(most)s 个字", most=most) if most else _("文字")
