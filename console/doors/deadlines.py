"""A deadline as people read it: a sentence, how much is left, and one tick per working day.

Pure: the caller brings today, the days and the calendar. Wording is done here because a sentence is translated whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from console.doors.preferences import language
from rules.deadline_words import deadline_words
from rules.working_days import Term

#: the kinds `components.css` draws
PAST, TODAY, STILL, OFF, AHEAD = "past", "today", "still", "off", "ahead"


@dataclass(frozen=True)
class Tick:
    """One day of a window: gone by, today, still (the clock stands), a gap (off), or ahead."""

    day: dt.date
    kind: str


@dataclass(frozen=True)
class Deadline:
    """`until` is the last day on which the thing can be done; `left` counts the working days after today, negative when late."""

    until: dt.date
    left: int
    total: int | None = None
    paused: bool = False
    provisional: bool = False
    ticks: tuple[Tick, ...] = ()

    @property
    def urgency(self) -> str:
        """`over`, `soon` or empty; a stopped clock is never urgent."""
        if self.paused:
            return ""
        return "over" if self.left < 0 else "soon" if self.left <= 1 else ""

    @property
    def left_words(self) -> str:
        if self.left < 0:
            return ngettext("超期 %(num)s 天", "超期 %(num)s 天", -self.left)
        if self.left == 0:
            return _("今天到期")
        return ngettext("剩 %(num)s 天", "剩 %(num)s 天", self.left)

    @property
    def sentence(self) -> str:
        """“7 个工作日，至 11 月 25 日（周三）”; what is left stands beside it."""
        return deadline_words(self.until, self.total, lang=language(), provisional=self.provisional)

    @property
    def kept_sentence(self) -> str:
        """The same with the year, for what is kept: the text of a notice."""
        return deadline_words(self.until, self.total, lang=language(), provisional=self.provisional, year=True)


def sentence(last_day: dt.date, days: int | None = None, *, provisional: bool = False) -> str:
    """“7 个工作日，至 11 月 25 日（周三）” in the reader's language, where nothing is drawn."""
    return deadline_words(last_day, days, lang=language(), provisional=provisional)


def drawn(term: Term, *, today: dt.date, paused: bool = False) -> Deadline:
    """A running deadline as the pages show it."""
    return window(
        term.first, term.last, today=today, is_working_day=term.calendar.is_workday, paused=paused, provisional=term.provisional, total=term.days
    )


def window(
    starts: dt.date,
    until: dt.date,
    *,
    today: dt.date,
    is_working_day: Callable[[dt.date], bool],
    paused: bool = False,
    provisional: bool = False,
    stood_still: Iterable[dt.date] = (),
    total: int | None = None,
) -> Deadline:
    """Draw the window `starts`..`until` (both inclusive). Days off become one gap each run; windows over 40 working days
    keep their sentence and lose their ticks. `total`: the working days that were given, where the calendar has changed since."""
    still = set(stood_still)
    ticks: list[Tick] = []
    working = 0
    left = 0
    day = starts
    while day <= until:
        if is_working_day(day):
            working += 1
            left += day > today
            if day in still or (paused and day >= today):
                kind = STILL
            else:
                kind = PAST if day < today else TODAY if day == today else AHEAD
            ticks.append(Tick(day, kind))
        elif ticks and ticks[-1].kind != OFF:
            ticks.append(Tick(day, OFF))
        day += dt.timedelta(days=1)
    if today > until:
        late, day = 0, until + dt.timedelta(days=1)
        while day <= today:
            late += is_working_day(day)
            day += dt.timedelta(days=1)
        left = -max(late, 1)
    if ticks and ticks[-1].kind == OFF:
        ticks.pop()
    return Deadline(until, left, total or working, paused, provisional, tuple(ticks) if working <= 40 else ())
