"""Letters on their way: how many wait by channel, and those that were tried without success, with nobody in them.

The deliveries themselves belong to files the operator may not read; the database function answers for them, without the letter,
the person or the file, and cron counts the rest.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask_admin import BaseView, expose
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from console import clock, vitals
from console.db import transaction
from console.errors import N_
from console.ops.access import Behind
from console.ops.wording import ago, carriage_title, channel_title

SHOWN = 200


@dataclass(frozen=True)
class Undelivered:
    """A delivery that failed at least once: waiting for another try, or given up. `kind` is the table's name among the carriages."""

    kind: str
    id: int
    channel: str
    office: str
    office_en: str
    due_at: dt.datetime
    attempts: int
    gave_up_at: dt.datetime | None
    last_error: str | None


def latest(session: Session, *, limit: int = SHOWN) -> list[Undelivered]:
    """What was given up first, then what is tried again; of each the newest."""
    rows = session.execute(text("SELECT * FROM ruku_undelivered() ORDER BY gave_up_at IS NULL, due_at DESC, id DESC LIMIT :limit"), {"limit": limit})
    return [Undelivered(**row._mapping) for row in rows]


def given_up(session: Session, *, limit: int) -> list[Undelivered]:
    rows = session.execute(text("SELECT * FROM ruku_undelivered() WHERE gave_up_at IS NOT NULL ORDER BY gave_up_at DESC, id DESC LIMIT :limit"), {"limit": limit})
    return [Undelivered(**row._mapping) for row in rows]


@dataclass(frozen=True)
class Way:
    """One kind of letter by one channel, counted."""

    kind: str
    channel: str
    waiting: int
    retrying: int
    given_up: int
    sent: str


def ways(session: Session) -> list[Way]:
    """As cron measured it last."""
    measured, now = vitals.read(session), clock.now(session)
    kinds = (vitals.WAITING, vitals.RETRYING, vitals.GIVEN_UP, vitals.SENT)
    found = []
    for label in sorted({label for name, label in measured if name in kinds}):
        kind, _slash, channel = label.partition("/")
        waiting, retrying, lost = (measured[name, label].count if (name, label) in measured else 0 for name in kinds[:3])
        sent = measured.get((vitals.SENT, label))
        found.append(Way(carriage_title(kind), channel_title(channel), waiting, retrying, lost, ago(sent.since, now) if sent and sent.since else "—"))
    return found


def unreachable(session: Session) -> list[tuple[str, int, str]]:
    """(channel, how many people's address there does not work, since when), as cron counted them last; who they are is for their offices."""
    measured, now = vitals.read(session), clock.now(session)
    found = ((label, one) for (name, label), one in sorted(measured.items()) if name == vitals.UNREACHABLE and one.count)
    return [(channel_title(label), one.count, ago(one.since, now) if one.since else "—") for label, one in found]


class Deliveries(Behind, BaseView):
    """投递"""

    title, icon = N_("投递"), "alert"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_delivery", url="/ops/delivery")

    @expose("/")
    def index_view(self) -> Any:
        with transaction() as session:
            return self.render(
                "ops/deliveries.html", title=_(self.title), ways=ways(session), rows=latest(session), shown=SHOWN, unreachable=unreachable(session),
                channel_title=channel_title, carriage_title=carriage_title,
            )  # fmt: skip
