"""When a release says `submitted: new`: files that lie with their applicant, before any office accepted them, meet the new rules.

The criteria are asked again on the new release; what its form asks besides is added to what the applicant has to complete. Files that
an office has accepted keep their release.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.applications import services
from console.applications.models import Admission, Application, ApplicationRelease
from console.applications.pipeline import advance
from console.departments import queries as departments
from console.departments.models import Department
from console.scope import Principal
from rules.pipeline import Action, Step

RULES_CHANGED = "admission.rules_changed"


def waiting(session: Session, department_id: int, *, before: dt.date) -> list[int]:
    """Admissions of a department submitted before that day and returned by the check of criteria, not by an officer."""
    return list(
        session.scalars(
            select(Admission.id)
            .join(Application, Application.id == Admission.application_id)
            .where(
                Admission.department_id == department_id,
                Admission.step == str(Step.CORRECTION),
                Admission.resumes_at == str(Step.SCREENING),
                Application.applied_on < before,
            )
            .order_by(Admission.id)
        )
    )


def rescreen(session: Session, admission: Admission, *, actor: Principal) -> bool:
    """Ask the department's release in force about a file that waits for its applicant. Safe to run twice; False: nothing to do."""
    today = clock.today(session)
    department = session.get_one(Department, admission.department_id)
    release = departments.release_in_force(session, department.id, today)
    if release is None or release.id == admission.release_id or admission.step != Step.CORRECTION:
        return False
    if admission.resumes_at != Step.SCREENING:
        return False
    application = session.get_one(Application, admission.application_id)
    screened = services.screen(session, application, admission, department, today=today)
    advance(
        session, [admission], Action.RESCREEN, actor=actor, release_id=release.id,
        reason=f"规则第 {release.version} 版自今日施行，按过渡安排重新核对条件",
        flags={admission.id: (screened.flags, screened.decision)},
    )  # fmt: skip
    session.add(
        ApplicationRelease(
            application_id=application.id, applicant_id=application.applicant_id, department_id=department.id,
            occasion="rescreened", release_id=release.id, at=clock.now(session),
        )
    )  # fmt: skip
    session.add(services.finding(admission, screened, moment="submitted", on=application.applied_on or today, at=clock.now(session)))
    advance(session, [admission], screened.action, actor=actor, reason=screened.reason, items=screened.items)
    return True
