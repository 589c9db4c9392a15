"""Hours in which nothing rings in anybody's pocket."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True)
class QuietHours:
    """From a time of day until another, on the same day or over midnight. The first minute is quiet, the last no more."""

    begins: dt.time
    ends: dt.time

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise ValueError("quiet hours that end when they begin")

    @classmethod
    def read(cls, text: str) -> QuietHours:
        """`22:00-07:00`; ValueError when it is not two different times of a day."""
        if _HOURS.fullmatch(text) is None:
            raise ValueError(text)
        begins, ends = text.split("-")
        return cls(dt.time.fromisoformat(begins), dt.time.fromisoformat(ends))

    def __contains__(self, at: dt.datetime) -> bool:
        now = at.time()
        if self.begins < self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends

    def over(self, at: dt.datetime) -> dt.datetime:
        """The moment itself, or the end of the quiet hours it falls in. `at` says its zone, and the hours are of that zone."""
        if at not in self:
            return at
        day = at.date() if at.time() < self.ends else at.date() + dt.timedelta(days=1)
        end = dt.datetime.combine(day, self.ends, tzinfo=at.tzinfo)
        if end.astimezone(dt.UTC) < at.astimezone(dt.UTC):  # an hour that a change of clocks repeats
            end = end.replace(fold=1)
        return end.astimezone(dt.UTC).astimezone(at.tzinfo)  # a time that a change of clocks skips becomes the one after it

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"
