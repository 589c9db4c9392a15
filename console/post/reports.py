"""What the other side says later about a message it took: arrived, or not, and why, as the codes of RFC 3463 (2.0.0, 4.4.7, 5.1.1).

A report travels through the outbox as one whole number, like everything else that goes there; what it may do to a row is decided here for all rooms.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol


class Reported(Protocol):
    """What a row keeps of it."""

    round: int | None
    sent_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    bounced_at: dt.datetime | None
    last_error: str | None


_FIRST = (2, 4, 5)  # arrived, not yet, refused (RFC 3463)


@dataclass(frozen=True)
class Report:
    """`status` has three parts, the first of which is 2 (arrived), 4 or 5 (came back)."""

    id: int
    round: int
    status: tuple[int, int, int]

    def __post_init__(self) -> None:
        first, second, third = self.status
        if first not in _FIRST or not (0 <= second < 16 and 0 <= third < 1024 and 0 <= self.round < 1000):
            raise ValueError(self.status)

    @property
    def came_back(self) -> bool:
        return self.status[0] != 2

    @property
    def no_such_address(self) -> bool:
        """The address is at fault, and nothing else will arrive there either: no such mailbox or domain, or one that was switched off."""
        return self.status[0] == 5 and (self.status[1] == 1 or self.status[1:] == (2, 1))

    @property
    def code(self) -> str:
        return ".".join(map(str, self.status))

    def packed(self) -> int:
        """One whole number below 2⁶³ that says all of it."""
        first, second, third = self.status
        return ((self.id * 1000 + self.round) * 10 + first) * 16 * 1024 + second * 1024 + third

    @classmethod
    def unpacked(cls, number: int) -> Report | None:
        """What `packed` made; None for a number that it never makes."""
        rest, codes = divmod(number, 16 * 1024)
        rest, first = divmod(rest, 10)
        row_id, round_ = divmod(rest, 1000)
        return cls(row_id, round_, (first, *divmod(codes, 1024))) if first in _FIRST else None


def note(row: Reported, report: Report, *, now: dt.datetime) -> bool:
    """Write a report on the row it is about; False when it says nothing new: about an earlier round, or after another report.

    The first word holds: a gateway that says today “arrived” and tomorrow “came back” is not believed twice.
    """
    if row.sent_at is None or (row.round or 0) != report.round or row.confirmed_at or row.bounced_at:
        return False
    if report.came_back:
        row.bounced_at, row.last_error = now, f"被退回，代码 {report.code}"
    else:
        row.confirmed_at = now
    return True
