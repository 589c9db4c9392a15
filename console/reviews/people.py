"""Officers: their names, who of them may hold a file, who is away, and how much each has in hand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Date, Integer, String, and_, column, func, literal, select, table
from sqlalchemy.orm import Session

from console import clock
from console.accounts.models import StaffGrant
from console.applications import duties
from console.applications.models import Admission
from console.departments.models import Division, Office
from console.reviews.levels import LEVELS, REVIEW_STEPS

# Flask-AppBuilder's table of people; a plain table keeps its package out of the rooms
staff = table("ab_user", column("id"), column("first_name"), column("last_name"), column("active"))
full_name = func.concat(staff.c.last_name, staff.c.first_name, type_=String)


@dataclass(frozen=True)
class Person:
    id: int
    name: str


def staff_names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Names by id."""
    wanted = {staff_id for staff_id in ids if staff_id is not None}
    if not wanted:
        return {}
    return dict(session.execute(select(staff.c.id, full_name).where(staff.c.id.in_(wanted))).all())


def _reviewers(session: Session, offices: list[int]) -> Sequence[Any]:
    """(office, role, officer) of every grant that reaches one of these offices and is valid now, as far as the asker reads people."""
    now = clock.now(session)
    return session.execute(
        select(Office.id.label("office_id"), StaffGrant.role, StaffGrant.staff_id, full_name.label("name"))
        .join(staff, and_(staff.c.id == StaffGrant.staff_id, staff.c.active))
        .join(Division, Division.code == StaffGrant.division_code)
        .join(Office, and_(Office.id.in_(offices), StaffGrant.reaches()))
        .where(
            StaffGrant.role.in_(sorted({str(level.role) for level in LEVELS.values()})),
            StaffGrant.in_force(now),
        )
        .distinct()
        .order_by("name", StaffGrant.staff_id)
    ).all()


def able_to_review(session: Session, admissions: Sequence[Admission]) -> dict[int, list[Person]]:
    """Who may hold each file: a valid grant over its office for its step, and nothing that keeps them out of it; two statements."""
    if not admissions:
        return {}
    at: dict[tuple[int, str], list[Person]] = defaultdict(list)
    for row in _reviewers(session, sorted({a.office_id for a in admissions})):
        at[row.office_id, row.role].append(Person(row.staff_id, row.name))
    everybody = {person.id for persons in at.values() for person in persons}
    out = duties.kept_out(session, admissions, staff_ids=everybody)
    able: dict[int, list[Person]] = {}
    for admission in admissions:
        level = LEVELS.get(duties.review_step(admission))
        here = at.get((admission.office_id, str(level.role)), []) if level is not None else []
        without = out.get(admission.id, set())
        able[admission.id] = [person for person in here if person.id not in without] if without else here
    return able


def reviewers_for(session: Session, admission: Admission) -> list[Person]:
    return able_to_review(session, [admission])[admission.id]


@dataclass(frozen=True)
class Away:
    """The days somebody is away, the last included, and who stands in."""

    staff_id: int
    from_on: dt.date
    to_on: dt.date
    delegate_id: int | None


def away(session: Session, staff_ids: Iterable[int | None], *, days: tuple[dt.date, dt.date] | None = None) -> dict[int, Away]:
    """Those of these officers who are away today, or on any of `days`; one statement, none for nobody."""
    wanted = sorted({staff_id for staff_id in staff_ids if staff_id is not None})
    if not wanted:
        return {}
    first, last = days or (clock.today(session),) * 2
    columns = (column("staff_id", Integer), column("from_on", Date), column("to_on", Date), column("delegate_id", Integer))
    found = func.ruku_away(literal(wanted, ARRAY(Integer)), first, last).table_valued(*columns)
    rows = [Away(*row) for row in session.execute(select(*found.c))]
    return {one.staff_id: one for one in reversed(rows)}  # of several, the first


def stand_ins(session: Session, staff_id: int) -> list[Person]:
    """Who reviews at the same steps, over an office both reach: told to the officer and to whoever administers them; two statements."""
    found = func.ruku_stand_ins(staff_id).table_valued(column("staff_id", Integer))
    names = staff_names(session, session.scalars(select(found.c.staff_id)))
    return sorted((Person(*one) for one in names.items()), key=lambda person: (person.name, person.id))


def loads(session: Session) -> dict[int, int]:
    """Officer → files in hand at a review step, within scope."""
    rows = session.execute(
        select(Admission.holder_id, func.count()).where(Admission.step.in_(REVIEW_STEPS)).group_by(Admission.holder_id)
    )
    return {holder: count for holder, count in rows if holder is not None}
