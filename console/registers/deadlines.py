"""Deadlines of registers' rows, for when the calendar changes. How many working days a state gives is in the declaration; the day it came
into the state is in the row. A row's `id` here is the register's number and the row's own in one, so that one walk goes through all registers.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit, clock
from console.crud.views import view_name
from console.departments.calendars import calendars
from console.departments.recounting import Judged, Keeper, Running
from console.errors import N_
from console.registers import telling
from console.registers.loading import Loaded, current

_PLACES = 2**32
_DAY = dt.timedelta(days=1)


def running(session: Session, after: int, limit: int) -> list[Running]:
    """Rows with a deadline that is not over, register by register."""
    found: list[Running] = []
    for one in _timed():
        number = one.declared.number
        if number >= after // _PLACES and len(found) < limit:
            found += _running(session, one, after % _PLACES if number == after // _PLACES else 0, limit - len(found))
    return found


def _timed() -> list[Loaded]:
    return sorted((one for one in current() if one.declared.document.states), key=lambda one: one.declared.number)


def _running(session: Session, one: Loaded, after: int, limit: int) -> list[Running]:
    r, newest = one.rows, calendars(session).version
    states = one.declared.document.states
    days = {state.id: state.within.value for state in states.states if state.within is not None} if states else {}  # a day of the row's own is nobody's to count
    asked = select(r.id, r.office_id, r.state, r.state_since, r.due_at).where(r.id > after, r.due_at > clock.now(session), r.state.in_(days))
    return [
        Running(
            one.declared.number * _PLACES + row.id, f"{one.declared.document.title.zh} {row.id}", row.office_id, clock.day_of(row.state_since),
            clock.day_of(row.due_at) - _DAY, newest, days=days[row.state],
        )
        for row in session.execute(asked.order_by(r.id).limit(limit))
    ]  # fmt: skip


def move(session: Session, judged: Sequence[Judged], *, actor: Any) -> int:
    """Write the rows that are due later; not through the rows, because their version is for those who change them."""
    groups: dict[tuple[int, dt.datetime, dt.datetime], list[Judged]] = defaultdict(list)
    for one in judged:
        if one.is_later:
            groups[one.running.id // _PLACES, one.told_at, one.due_at].append(one)
    by_number, done = {one.declared.number: one for one in current()}, 0
    for (number, told, due_at), same in groups.items():
        loaded = by_number[number]
        rows, ids = loaded.rows, [one.running.id % _PLACES for one in same]
        statement = update(rows).where(rows.id.in_(ids), rows.due_at == told, rows.due_at < due_at).values(due_at=due_at).returning(rows.id)
        for row_id in session.scalars(statement.execution_options(synchronize_session=False)).all():
            done += 1
            audit.record(
                session, "register.deadline_moved", f"{loaded.declared.table}:{row_id}",
                changes={"due_at": [told.isoformat(), due_at.isoformat()]}, calendar=same[0].version,
            )  # fmt: skip
    _tell(session, [one for group in groups.values() for one in group])
    session.expire_all()
    return done


def _tell(session: Session, later: Sequence[Judged]) -> None:
    """One message for each office and register, by the calendar's version."""
    by_number, now = {one.declared.number: one.declared for one in current()}, clock.now(session)
    told = []
    for number, office_id, version in sorted({(one.running.id // _PLACES, one.running.office_id, one.version) for one in later}):
        declared = by_number[number]
        text = f"工作日历有了第 {version} 版，本机构“{declared.document.title.zh}”里有记录的办理期限往后延了，列表里已按新的日子排。"
        told.append(telling.message(declared, "register_deadlines_moved", text, key=f"calendar:{version}:{number}:{office_id}", office_id=office_id, now=now))
    telling.tell(session, told)


def tell_offices(session: Session, office_ids: Sequence[int]) -> None:
    """Said by `move` already, register by register."""


def readable(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these rows the reader sees."""
    by_number = {one.declared.number: one for one in current()}
    seen: set[int] = set()
    for number in {one // _PLACES for one in ids}:
        if (loaded := by_number.get(number)) is not None:
            asked = [one % _PLACES for one in ids if one // _PLACES == number]
            seen |= {number * _PLACES + row_id for row_id in session.scalars(select(loaded.rows.id).where(loaded.rows.id.in_(asked)))}
    return seen


def _link(number: int, name: str) -> tuple[str, dict[str, Any]]:
    declared = next((one.declared for one in current() if one.declared.number == number // _PLACES), None)
    return f"{view_name(declared.name if declared else '')}.show", {"pk": number % _PLACES}


KEEPERS = (Keeper("registers", N_("登记表"), running, move, tell_offices, readable, _link),)
