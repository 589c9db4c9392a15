"""Letters that did not arrive: counts and rows with nobody in them.

The deliveries themselves belong to files the operator may not read; the database function answers for them, without the letter,
the person or the file.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask_admin import BaseView, expose
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from console.db import transaction
from console.errors import N_
from console.notifications.screens import channel_words
from console.ops.access import Behind

SHOWN = 200


@dataclass(frozen=True)
class Failure:
    """A delivery that failed at least once: waiting for another try, or given up."""

    kind: str
    id: int
    channel: str
    office: str
    office_en: str
    due_at: dt.datetime
    attempts: int
    gave_up_at: dt.datetime | None
    last_error: str | None


def counts(session: Session) -> tuple[int, int]:
    """(waiting for another try, given up)."""
    row = session.execute(
        text("SELECT count(*) FILTER (WHERE gave_up_at IS NULL), count(gave_up_at) FROM ruku_undelivered()")
    ).one()
    return row[0], row[1]


def latest(session: Session, *, limit: int = SHOWN) -> list[Failure]:
    rows = session.execute(text("SELECT * FROM ruku_undelivered() ORDER BY id DESC LIMIT :limit"), {"limit": limit})
    return [Failure(**row._mapping) for row in rows]


class Failures(Behind, BaseView):
    """投递失败"""

    title, icon = N_("投递失败"), "alert"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_delivery", url="/ops/delivery")

    @expose("/")
    def index_view(self) -> Any:
        with transaction() as session:
            waiting, given_up = counts(session)
            return self.render(
                "ops/failures.html",
                title=_(self.title),
                rows=latest(session),
                waiting=waiting,
                given_up=given_up,
                shown=SHOWN,
                channel_words=channel_words,
            )
