"""Files that wait for their applicant end by themselves; an assignment named by the operator is carried out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, column, exists, select, table

from console import clock
from console.applications import rescreening, services
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.db import transaction
from console.departments.models import Department
from console.jobs import Sweep, job
from console.scope import System, become, current
from rules.pipeline import APPLICANT_STEPS, Action


@job("applications.lapse", automatic="lapse")
def lapse(admission_ids: list[int]) -> None:
    """End the files whose applicant let the time pass (逾期失效); running it again changes nothing."""
    with become(System("lapse")), transaction() as session:
        due = session.scalars(
            select(Admission)
            .where(Admission.id.in_(admission_ids), _waits(), Admission.due_at <= clock.now(session))
            .with_for_update(skip_locked=True)
        ).all()
        advance(session, due, Action.LAPSE, actor=current(), reason="期限内没有办理", lenient=True)


# a plain table keeps the trunk below the exam room
_attempt = table("attempt", column("admission_id"), column("finished_at"))


def _waits() -> Any:
    """Files at their applicant's turn; one whose applicant is sitting the exam is first graded, whatever the hour."""
    sitting = exists().where(_attempt.c.admission_id == Admission.id, _attempt.c.finished_at.is_(None))
    return and_(
        Admission.step.in_([str(step) for step in APPLICANT_STEPS]),
        Admission.due_at.is_not(None),
        ~sitting.correlate(Admission),
    )


@job("applications.carry_out_assignment", together=False)
def carry_out_assignment(ids: list[int]) -> None:
    """Hand an unclaimed file to the department the operator named; `ids` is [admission, department, operator]."""
    admission_id, department_id, *operator = ids
    with become(System("assign")), transaction() as session:
        admission = session.get(Admission, admission_id, with_for_update=True)
        department = session.get(Department, department_id)
        if admission is None or department is None:
            return
        services.carry_out_assignment(
            session, admission, department, actor=current(), ordered_by=operator[0] if operator else None
        )


@job("applications.rescreen")
def rescreen(admission_ids: list[int]) -> None:
    """Ask the new rules about files their transitional clause names; one by one, so that one fault holds nobody else."""
    for admission_id in admission_ids:
        with become(System("rescreen")), transaction() as session:
            admission = session.get(Admission, admission_id, with_for_update={"of": Admission})
            if admission is not None:
                rescreening.rescreen(session, admission, actor=current())


SUBSCRIPTIONS = {"admission.assignment_named": (carry_out_assignment,), rescreening.RULES_CHANGED: (rescreen,)}
SWEEPS = (Sweep(lapse, Admission, Admission.due_at, _waits),)
