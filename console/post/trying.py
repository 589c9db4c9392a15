"""One try of one delivery, and what it leaves on the row that stands for it: sent, another try later, or given up for a person.

The row is held while the other side is spoken to, and keeps one idempotency key for all its tries: at least once to the gateway,
exactly one record here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol

from console.post.channels import NotSent, OutgoingMessage, Undeliverable
from console.post.registry import Lines

GIVE_UP_AFTER = 8  # tries, over some four hours


class Carried(Protocol):
    """What a row keeps about its delivery."""

    channel: str
    due_at: Any  # a time; a row that goes nowhere has none, and is never tried
    claimed_until: dt.datetime | None
    attempts: int
    sent_at: dt.datetime | None
    gave_up_at: dt.datetime | None
    last_error: str | None


def wait_before(attempt: int) -> dt.timedelta:
    """1, 2, 4 … minutes, at most two hours."""
    return dt.timedelta(minutes=min(2 ** (attempt - 1), 120))


def carry(row: Carried, message: Callable[[], OutgoingMessage], *, now: dt.datetime, lines: Lines) -> None:
    """Try once; a failure is noted on the row, never raised. `message` is asked only now, because it says the address."""
    row.attempts += 1
    row.claimed_until = None
    try:
        lines.line(row.channel)(message())
    except Undeliverable as error:
        row.gave_up_at, row.last_error = now, str(error)
    except NotSent as error:
        row.last_error = str(error)
        if row.attempts >= GIVE_UP_AFTER:
            row.gave_up_at = now
        else:
            row.due_at = now + wait_before(row.attempts)
    else:
        row.sent_at, row.last_error = now, None


def again(row: Carried, *, now: dt.datetime) -> None:
    """Put a row that was given up back in the queue, with all its tries."""
    row.gave_up_at, row.attempts, row.due_at = None, 0, now
