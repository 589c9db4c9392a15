"""How a delivery fared, in words; pages and lists share them."""

from __future__ import annotations

import datetime as dt

from flask_babel import gettext as _
from markupsafe import Markup

from console.doors.dates import instant
from console.errors import N_
from console.post import trying
from console.post.registry import channels

STATES = {
    trying.WAITING: N_("等待送出"),
    trying.AGAIN: N_("没有送成，等着再试"),
    trying.SENT: N_("已送出"),
    trying.ARRIVED: N_("已送达"),
    trying.BOUNCED: N_("被退回"),
    trying.GIVEN_UP: N_("没有送到，转人工"),
    trying.NOWHERE: N_("没有收件地址"),
}
KINDS = {
    trying.WAITING: "wait", trying.AGAIN: "hold", trying.SENT: "done", trying.ARRIVED: "done", trying.BOUNCED: "no", trying.GIVEN_UP: "no", trying.NOWHERE: "wait",
}  # fmt: skip


def channel_words(channel: str) -> str:
    known = channels().get(channel)
    return _(known.title) if known is not None else channel


def state_words(state: str) -> str:
    return _(STATES.get(state, state))


def state_kind(state: str) -> str:
    """Which mark goes with it."""
    return KINDS.get(state, "wait")


def state_mark(state: str) -> Markup:
    return Markup('<span class="status status-{}">{}</span>').format(state_kind(state), state_words(state))


def resent(count: int, *, left: int) -> str:
    """What is said to whoever had some sent again."""
    return _("已交后台重发 %(n)s 件。", n=count) + (_("另有 %(n)s 件已经送出或还在排队，没有重发。", n=left) if left else "")


def since(row: trying.Resent) -> str:
    """When it came to be so, or what comes next and when."""
    at: dt.datetime | None = row.bounced_at or row.gave_up_at or row.confirmed_at or row.sent_at
    if at is not None:
        return instant(at)
    return _("%(at)s 送出", at=instant(row.due_at)) if row.due_at is not None else ""


def tried(row: trying.Resent) -> str:
    """How often, where that is worth saying."""
    return _("试过 %(n)s 次", n=row.attempts) if row.attempts > 1 else ""
