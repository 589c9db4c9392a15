"""One try of one delivery, and what it leaves on the row that stands for it: sent, another try later, or given up for a person.

The row is held while the other side is spoken to, and keeps one idempotency key for all its tries: at least once to the gateway,
exactly one record here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol

from console import clock
from console.errors import N_, Conflict, InvalidAnswers
from console.post.channels import NoSuchAddress, NotSent, OutgoingMessage, Undeliverable
from console.post.registry import Lines, channels
from rules.quiet_hours import QuietHours

GIVE_UP_AFTER = 8  # tries, over some four hours
LONGEST_REASON = 500
WAITING, AGAIN, SENT, ARRIVED, BOUNCED, GIVEN_UP, NOWHERE = "waiting", "again", "sent", "arrived", "bounced", "given_up", "nowhere"


class Carried(Protocol):
    """What a row keeps about its delivery."""

    @property
    def channel(self) -> str: ...

    due_at: Any  # a time; a row that goes nowhere has none, and is never tried
    claimed_until: dt.datetime | None
    attempts: int
    sent_at: dt.datetime | None
    gave_up_at: dt.datetime | None
    last_error: str | None


class Resent(Carried, Protocol):
    """And about its coming back, and being sent once more."""

    confirmed_at: dt.datetime | None
    bounced_at: dt.datetime | None
    round: int | None


def wait_before(attempt: int) -> dt.timedelta:
    """1, 2, 4 … minutes, at most two hours."""
    return dt.timedelta(minutes=min(2 ** (attempt - 1), 120))


def put_off(channel: str, at: dt.datetime, quiet: QuietHours | None) -> dt.datetime:
    """When a message on this channel may go: at once, or after quiet hours."""
    if quiet is None or not channels()[channel].keeps_quiet:
        return at
    return quiet.over(at.astimezone(clock.ZONE))


def carry(row: Carried, message: Callable[[], OutgoingMessage], *, now: dt.datetime, lines: Lines, quiet: QuietHours | None) -> bool:
    """Try once; a failure is noted on the row, never raised. `message` is asked only now, because it says the address.

    Whatever brings a row here in quiet hours, a retry or a worker that was down, nothing rings: it waits for their end and no try is counted.
    True when the other side says that there is no such address.
    """
    row.claimed_until = None
    later = put_off(row.channel, now, quiet)
    if later > now:
        row.due_at = later
        return False
    row.attempts += 1
    try:
        lines.line(row.channel)(message())
    except Undeliverable as error:
        row.gave_up_at, row.last_error = now, str(error)
        return isinstance(error, NoSuchAddress)
    except NotSent as error:
        row.last_error = str(error)
        if row.attempts >= GIVE_UP_AFTER:
            row.gave_up_at, row.last_error = now, f"{error}试了 {row.attempts} 次，不再自动重试。"
        else:
            row.due_at = put_off(row.channel, now + wait_before(row.attempts), quiet)
    else:
        row.sent_at, row.last_error = now, None
    return False


class NothingToResend(Conflict):
    """None of these is in a state to be sent again."""

    message = N_("这些投递有的已经送出，有的还在排队，没有要重发的。")


def reason_for(text: str) -> str:
    """Why somebody has something sent again; InvalidAnswers without words, or with too many."""
    reason = " ".join(text.split())
    if not reason:
        raise InvalidAnswers({"reason": N_("请写明为什么重发。")})
    if len(reason) > LONGEST_REASON:
        raise InvalidAnswers({"reason": N_("理由太长，请写在 500 字以内。")})
    return reason


def may_go_again(row: Resent) -> bool:
    """Whether a person may have it sent once more: it was given up, or came back."""
    return row.gave_up_at is not None or row.bounced_at is not None


def again(row: Resent, *, now: dt.datetime, quiet: QuietHours | None) -> None:
    """Put a row that was given up or came back in the queue, with all its tries. What nobody took keeps its key, so that it is not taken twice;
    what came back gets another one, or whoever honours keys would do nothing."""
    if row.sent_at is not None:
        row.round = (row.round or 0) + 1
    row.sent_at = row.gave_up_at = row.bounced_at = row.confirmed_at = None
    row.attempts, row.due_at, row.claimed_until = 0, put_off(row.channel, now, quiet), None


def criteria_of(model: Any, state: str) -> list[Any]:
    """The same word asked of rows; a word that is none asks nothing."""
    sent, arrived, back, given_up = (model.sent_at, model.confirmed_at, model.bounced_at, model.gave_up_at)
    open_ = [sent.is_(None), given_up.is_(None), model.due_at.is_not(None)]
    asked: dict[str, list[Any]] = {
        BOUNCED: [back.is_not(None)],
        GIVEN_UP: [given_up.is_not(None), back.is_(None)],
        ARRIVED: [arrived.is_not(None), back.is_(None), given_up.is_(None)],
        SENT: [sent.is_not(None), arrived.is_(None), back.is_(None), given_up.is_(None)],
        AGAIN: [*open_, model.attempts > 0],
        WAITING: [*open_, model.attempts == 0],
    }
    return asked.get(state, [])


def state_of(row: Resent) -> str:
    """Where it stands, as one word."""
    if row.bounced_at is not None:
        return BOUNCED
    if row.gave_up_at is not None:
        return GIVEN_UP
    if row.confirmed_at is not None:
        return ARRIVED
    if row.sent_at is not None:
        return SENT
    if row.due_at is None:
        return NOWHERE
    return AGAIN if row.attempts else WAITING
