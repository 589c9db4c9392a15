"""What the public asks of the board: which notices are on it, and what became of an objection whose code one keeps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.errors import NotFound
from console.publicity.models import Notice, NoticeItem

RECENT_DAYS = 30  # how long a closed notice stays on the board's front page; its own address works for good


@dataclass(frozen=True)
class BoardLine:
    """A notice as the board lists it."""

    notice: Notice
    people: int

    @property
    def number(self) -> str:
        return self.notice.number


@dataclass(frozen=True)
class Board:
    """`in_force`: the window is open on that day, the soonest end first; `recent`: ended within the last month, newest first."""

    in_force: list[BoardLine]
    recent: list[BoardLine]


def notices_on_board(session: Session, on: dt.date) -> Board:
    """Every notice a visitor should find on this day. Works for everyone, officers see those of their offices."""
    people = (
        select(NoticeItem.notice_id, func.count().label("people")).group_by(NoticeItem.notice_id).subquery("people_shown")
    )
    rows = session.execute(
        select(Notice, people.c.people)
        .join(people, people.c.notice_id == Notice.id)
        .where(Notice.published_at.is_not(None), Notice.last_day >= on - dt.timedelta(days=RECENT_DAYS))
        .options(joinedload(Notice.department))
        .order_by(Notice.last_day, Notice.id)
    )
    lines = [BoardLine(notice, count) for notice, count in rows]
    ended = [line for line in lines if line.notice.last_day < on or line.notice.closed_at]  # also when the last person left early, or the clock was set back
    return Board([line for line in lines if line not in ended], ended[::-1])


@dataclass(frozen=True)
class ObjectionState:
    """What the holder of the code may know: `state` is `open`, `upheld`, `dismissed` or `withdrawn`; `rule_by` is 00:00 after the last day
    on which an answer is due."""

    state: str
    made_at: dt.datetime
    ruled_at: dt.datetime | None
    ruling: str | None
    notice: str
    rule_by: dt.datetime | None

    @property
    def answer_day(self) -> dt.date | None:
        return clock.day_of(self.rule_by) - dt.timedelta(days=1) if self.rule_by else None


def objection_by_code(session: Session, code: str) -> ObjectionState:
    """The answer to an objector who kept the code; works for anyone, and shows nothing but the state and the ruling."""
    row = session.execute(
        text("SELECT state, made_at, ruled_at, ruling, notice, rule_by FROM ruku_objection_state(:code)"),
        {"code": code.strip().upper()[:20]},
    ).first()
    if row is None:
        raise NotFound()
    return ObjectionState(*row)
