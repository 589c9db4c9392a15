"""The clock over a register's rows: a word to the office while there is time, a louder one when there is none left. Nothing else changes.

A row's `warned_at` says when it was last announced in the state it lies in; leaving the state empties it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import DateTime, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.departments import queries as departments
from console.departments.models import Office
from console.registers import telling
from console.registers.loading import Loaded, current
from console.registers.tables import Declared
from rules.deadline_words import deadline_words
from rules.fields import division_level
from rules.manifest import LEVELS
from rules.registers import State
from rules.working_days import Calendar

BATCH = 500
LATE, SOON = "register_overdue", "register_due_soon"


def timed() -> tuple[Loaded, ...]:
    """The registers with a state that must be left in time."""
    return tuple(one for one in current() if _timed(one.declared))


def announce(session: Session, one: Loaded) -> int:
    """Tell the offices about rows that are late or soon will be, each once in its state and once more when its deadline has passed; how many, at most BATCH.

    Rows that somebody holds right now are left for the next time.
    """
    now = clock.now(session)
    calendar, _loading = departments.working_calendar(session)
    rows = one.rows
    _take_up(session, one)
    late = and_(rows.due_at <= now, or_(rows.warned_at.is_(None), rows.warned_at < rows.due_at))
    soon = [
        and_(rows.state == state.id, when, rows.warned_at.is_(None))
        for state in _timed(one.declared) if (when := _is_soon(rows, state, calendar, clock.day_of(now))) is not None
    ]  # fmt: skip
    asked = select(rows).where(rows.state.in_([state.id for state in _timed(one.declared)]), rows.due_at.is_not(None), or_(late, *soon))
    asked = asked.options(joinedload(rows.office)).order_by(rows.id).limit(BATCH).with_for_update(of=rows, skip_locked=True)
    found = session.scalars(asked).unique().all()
    if found:
        units = _coordinating(session, {row.office.department_id for row in found})
        telling.tell(session, [_said(one, row, units, now) for row in found])
        # not through the rows: their version is for those who change them
        session.execute(update(rows).where(rows.id.in_([row.id for row in found])).values(warned_at=now).execution_options(synchronize_session=False))
        session.expire_all()
    return len(found)


def _timed(declared: Declared) -> list[State]:
    return [state for state in declared.document.states.states if state.is_timed] if declared.document.states else []


def _take_up(session: Session, one: Loaded) -> None:
    """Rows that lay in a state before its declaration named the field with their last day."""
    rows = one.rows
    for state in _timed(one.declared):
        if state.until is not None:
            last_day = getattr(rows, one.declared.shapes[state.until].column)
            due_at = func.timezone(clock.ZONE.key, cast(last_day + 1, DateTime))
            session.execute(update(rows).where(rows.state == state.id, rows.due_at.is_(None), last_day.is_not(None)).values(due_at=due_at).execution_options(synchronize_session=False))


def _is_soon(rows: Any, state: State, calendar: Calendar, today: dt.date) -> Any | None:
    """SQL: the warning of a row in this state is due; None where it has none."""
    if state.warn_after is not None:
        return rows.state_since < _entered_before(calendar, today, state.warn_after.value)
    if state.warn_before is not None:
        return rows.due_at <= clock.at_midnight(calendar.due_date(today, state.warn_before.value).due_on)
    return None


def _entered_before(calendar: Calendar, today: dt.date, days: int) -> dt.datetime:
    """Whatever came into its state before this moment has been there for so many whole working days."""
    day = today
    while calendar.due_date(day, days).due_on > today:
        day -= dt.timedelta(days=1)
    return clock.at_midnight(day + dt.timedelta(days=1))


def _coordinating(session: Session, department_ids: set[int]) -> dict[int, int]:
    """Department → its coordinating office (审核协调机构)."""
    rows = session.execute(select(Office.department_id, Office.id).where(Office.department_id.in_(department_ids), Office.is_coordinating))
    return {department: office for department, office in rows}


def _said(one: Loaded, row: Any, units: dict[int, int], now: dt.datetime) -> dict[str, Any]:
    declared = one.declared
    state = next(state for state in _timed(declared) if state.id == row.state)
    last, is_late = clock.day_of(row.due_at) - dt.timedelta(days=1), row.due_at <= now
    what = f"{declared.document.title.zh}第 {row.id} 号（{state.title.zh}）"
    event, limit = LATE if is_late else SOON, deadline_words(last, state.within.value if state.within else None)
    stay = int(row.state_since.timestamp())
    return telling.message(
        declared, event, f"{what}已过办理期限：{limit}。请尽快办理。" if is_late else f"{what}快到期了：{limit}。请及时办理。",
        # a day of the row's own may be put off, and is then announced anew
        key=f"{event}:{declared.number}:{row.id}:{stay if state.until is None else f'{stay}:{last.toordinal()}'}",
        office_id=row.office_id if _may_act(declared, state, row.office) else units.get(row.office.department_id, row.office_id),
        now=now, row_id=row.id,
    )  # fmt: skip


def _may_act(declared: Declared, state: State, office: Office) -> bool:
    """Whether officers of this office's level take a row out of this state; where none do, the coordinating office is told."""
    moves: Sequence[Any] = declared.document.states.moves if declared.document.states else ()
    return any(LEVELS[division_level(office.division_code) - 1] in move.by.levels for move in moves if state.id in move.start)
