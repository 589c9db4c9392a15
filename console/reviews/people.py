"""Officers: their names, who of them may hold a file, and how much each has in hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import String, column, func, select, table, text
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission, StepEntry
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


_REVIEWERS = text("""
    SELECT DISTINCT o.id AS office_id, g.role, u.id AS staff_id, concat(u.last_name, u.first_name) AS name
    FROM staff_grant g
    JOIN ab_user u ON u.id = g.staff_id AND u.active
    JOIN division d ON d.code = g.division_code
    JOIN office o ON o.id = ANY(:offices) AND (g.department_id IS NULL OR g.department_id = o.department_id)
                 AND starts_with(o.division_code, left(d.code, d.level * 2))
    WHERE g.role = ANY(:roles) AND g.ended_at IS NULL AND g.valid_from <= :now AND (g.valid_to IS NULL OR g.valid_to > :now)
    ORDER BY name, staff_id
""")


def able_to_review(session: Session, admissions: Sequence[Admission]) -> dict[int, list[Person]]:
    """Who may hold each file: a valid grant over its office for its step, and no decision at another step of it."""
    if not admissions:
        return {}
    rows = session.execute(
        _REVIEWERS,
        {
            "offices": sorted({a.office_id for a in admissions}),
            "roles": sorted({str(level.role) for level in LEVELS.values()}),
            "now": clock.now(session),
        },
    ).all()
    acted = set(
        session.execute(
            select(StepEntry.admission_id, StepEntry.from_step, StepEntry.who).where(
                StepEntry.admission_id.in_([a.id for a in admissions]), StepEntry.from_step.in_(REVIEW_STEPS)
            )
        )
    )
    able: dict[int, list[Person]] = {}
    for admission in admissions:
        role = str(LEVELS[admission.step].role) if admission.step in LEVELS else ""
        elsewhere = {who for row_id, step, who in acted if row_id == admission.id and step != admission.step}
        able[admission.id] = [
            Person(row.staff_id, row.name)
            for row in rows
            if row.office_id == admission.office_id and row.role == role and f"staff:{row.staff_id}" not in elsewhere
        ]
    return able


def reviewers_for(session: Session, admission: Admission) -> list[Person]:
    return able_to_review(session, [admission])[admission.id]


def loads(session: Session) -> dict[int, int]:
    """Officer → files in hand at a review step, within scope."""
    rows = session.execute(
        select(Admission.holder_id, func.count()).where(Admission.step.in_(REVIEW_STEPS)).group_by(Admission.holder_id)
    )
    return {holder: count for holder, count in rows if holder is not None}
