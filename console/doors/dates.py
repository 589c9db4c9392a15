"""Dates, instants and money in the words of the reader's language."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask_babel import gettext as _

from console import clock
from console.doors.preferences import language
from rules import deadline_words


def _day(value: dt.date | dt.datetime) -> dt.date:
    return clock.day_of(value) if isinstance(value, dt.datetime) else value


def day_words(value: dt.date | dt.datetime | None, *, weekday: bool = True, year: bool = False) -> str:
    """“11 月 25 日（周三）”, “Wednesday 25 November”; instants are read in the province's zone."""
    return deadline_words.day_words(_day(value), lang=language(), weekday=weekday, year=year) if value is not None else "—"


def long_day(value: dt.date | dt.datetime | None) -> str:
    """“2026 年 11 月 25 日”, “25 November 2026”: for documents and anything kept."""
    return day_words(value, weekday=False, year=True)


def short_day(value: dt.date | dt.datetime | None) -> str:
    """“2026-11-25”: tables."""
    return _day(value).isoformat() if value is not None else "—"


def instant(value: dt.datetime | None) -> str:
    """“2026-11-20 14:32”, in the province's zone."""
    return value.astimezone(clock.ZONE).strftime("%Y-%m-%d %H:%M") if value is not None else "—"


def moment(value: dt.datetime | None) -> str:
    """“14:32:08”: beside what was just saved."""
    return value.astimezone(clock.ZONE).strftime("%H:%M:%S") if value is not None else "—"


def money(value: Decimal | int | float | None) -> str:
    """Yuan with two places and thousands separated."""
    return "—" if value is None else _("%(amount)s 元", amount=f"{Decimal(str(value)):,.2f}")
