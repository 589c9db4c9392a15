"""A deadline as people read it: a sentence, how much is left, and one tick per working day.

Pure: the caller brings today, the days and the calendar. Wording is done here because a sentence is translated whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from console.doors.dates import day_words

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
        day = day_words(self.until)
        if self.provisional:
            return _("至 %(day)s，暂定，只会延后", day=day)
        if self.total:
            return _("%(days)s 个工作日，至 %(day)s", days=self.total, day=day)
        return _("至 %(day)s", day=day)


def window(
    starts: dt.date,
    until: dt.date,
    *,
    today: dt.date,
    is_working_day: Callable[[dt.date], bool],
    paused: bool = False,
    provisional: bool = False,
    stood_still: Iterable[dt.date] = (),
) -> Deadline:
    """Draw the window `starts`..`until` (both inclusive). Days off become one gap each run; windows over 40 working days
    keep their sentence and lose their ticks."""
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
    return Deadline(until, left, working, paused, provisional, tuple(ticks) if working <= 40 else ())
