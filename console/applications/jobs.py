"""Files that wait for their applicant end by themselves; an assignment named by the operator is carried out."""

from __future__ import annotations

from sqlalchemy import select

from console import clock
from console.applications import foreseeing, rescreening, services
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.db import transaction
from console.departments.models import Department
from console.jobs import Sweep, gate, job
from console.outbox import come_again
from console.scope import System, become, current
from rules.pipeline import Action


@job("applications.lapse", automatic=foreseeing.LAPSE.name)
def lapse(admission_ids: list[int]) -> None:
    """End the files whose applicant let the time pass (逾期失效); running it again changes nothing."""
    with become(System("lapse")), transaction() as session:
        stopped = gate(session, foreseeing.LAPSE.name)
        if None in stopped:
            return
        due = session.scalars(
            select(Admission)
            .where(
                Admission.id.in_(admission_ids), foreseeing.waits(), Admission.due_at <= clock.now(session), Admission.department_id.not_in(stopped)
            )
            .with_for_update(skip_locked=True)
        ).all()
        advance(session, due, Action.LAPSE, actor=current(), reason="期限内没有办理", lenient=True)


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


@job("applications.rescreen", automatic=foreseeing.RESCREEN.name)
def rescreen(admission_ids: list[int]) -> None:
    """Ask the new rules about files their transitional clause names; one by one, so that one fault holds nobody else.

    Those of a department whose brake is pulled come again a minute later.
    """
    for admission_id in admission_ids:
        with become(System("rescreen")), transaction() as session:
            stopped = gate(session, foreseeing.RESCREEN.name)
            admission = session.get(Admission, admission_id, with_for_update={"of": Admission})
            if admission is None:
                continue
            if {None, admission.department_id} & stopped:
                come_again(session, rescreening.RULES_CHANGED, [admission_id])
            else:
                rescreening.rescreen(session, admission, actor=current())


AUTOMATIC = (foreseeing.LAPSE, foreseeing.SCREENING, foreseeing.RESCREEN)
SUBSCRIPTIONS = {"admission.assignment_named": (carry_out_assignment,), rescreening.RULES_CHANGED: (rescreen,)}
SWEEPS = (Sweep(lapse, Admission, Admission.due_at, foreseeing.waits, department=lambda: Admission.department_id),)
