"""Who runs out of time is graded with what was saved."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, func, literal, select

from console.applications.models import Admission, Applicant
from console.automatic.declaring import Rule
from console.db import transaction
from console.errors import N_
from console.exams import services
from console.exams.models import Attempt
from console.jobs import Sweep, gate, job
from console.roles import Role
from console.scope import System, become

EXAM_TIME = "exam_time"  # the name of the brake


@job("exams.finish_due", automatic=EXAM_TIME)
def finish_due(attempt_ids: list[int]) -> int:
    """Grade the attempts whose time is over; returns how many. Running it again changes nothing."""
    with become(System("exam time over")) as actor, transaction() as session:
        stopped = gate(session, EXAM_TIME)
        if None in stopped:
            return 0
        free = session.scalars(
            select(Attempt.id).join(Admission, Admission.id == Attempt.admission_id).where(Attempt.id.in_(attempt_ids), Admission.department_id.not_in(stopped))
        ).all()
        return len(services.finish_due(session, free, actor=actor))


def _over() -> Any:
    return Attempt.finished_at.is_(None) & (Attempt.ends_at <= func.ruku_now() - services.GRACE)


def _department() -> Any:
    return select(Admission.department_id).where(Admission.id == Attempt.admission_id).scalar_subquery()


def _would(until: dt.datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Attempt.id, Admission.department_id, Attempt.ends_at.label("due_at"), Applicant.name.label("who"), Admission.number,
            Admission.id.label("admission_id"), literal(1).label("many"),
        )
        .join(Admission, Admission.id == Attempt.admission_id)
        .join(Applicant, Applicant.id == Admission.applicant_id)
        .where(Attempt.finished_at.is_(None), Attempt.ends_at <= until)
    )  # fmt: skip


AUTOMATIC = (
    Rule(
        EXAM_TIME,
        title=N_("考试到时收卷判分"),
        does=N_("答卷时间到了还没有交的，用已经保存的答案收卷、判分，及格的往下走，不及格又没有次数的即办结。"),
        owner=Role.COORDINATOR,
        would=_would,
        comes_to=N_("会收卷判分"),
    ),
)


SWEEPS = (Sweep(finish_due, Attempt, Attempt.ends_at, _over, department=_department),)
