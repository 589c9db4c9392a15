"""What happens to files by itself before the notice: they lapse, are refused by the criteria alone, or are asked by new rules again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, and_, any_, column, exists, literal, select, table

from console.applications import checking
from console.applications.models import Admission, Applicant
from console.applications.rescreening import RULES_CHANGED
from console.automatic.declaring import Rule
from console.errors import N_
from console.outbox import OutboxMessage
from console.roles import Role
from rules.pipeline import APPLICANT_STEPS, Step

_attempt = table("attempt", column("admission_id"), column("finished_at"))  # a plain table keeps the trunk below the exam room


def waits() -> Any:
    """Files at their applicant's turn; one whose applicant is sitting the exam is first graded, whatever the hour."""
    sitting = exists().where(_attempt.c.admission_id == Admission.id, _attempt.c.finished_at.is_(None))
    return and_(
        Admission.step.in_([str(step) for step in APPLICANT_STEPS]),
        Admission.due_at.is_not(None),
        ~sitting.correlate(Admission),
    )


def files(due_at: Any) -> Select[*tuple[Any, ...]]:
    """Files as a rule's `would` tells them, due at that column."""
    return select(
        Admission.id, Admission.department_id, due_at.label("due_at"), Applicant.name.label("who"), Admission.number, Admission.id.label("admission_id"),
        literal(1).label("many"),
    ).join(Applicant, Applicant.id == Admission.applicant_id)  # fmt: skip


def asked_by_message(*topics: str) -> Any:
    """A rule's `would` for work that comes by message: the files of messages that are not done."""
    def would(until: dt.datetime) -> Select[*tuple[Any, ...]]:
        return (
            files(OutboxMessage.due_at)
            .join(OutboxMessage, Admission.id == any_(OutboxMessage.ids))
            .where(OutboxMessage.topic.in_(topics), OutboxMessage.done_at.is_(None), OutboxMessage.due_at <= until)
        )

    return would


LAPSE = Rule(
    "lapse",
    title=N_("逾期失效"),
    does=N_("补正、培训或考试的期限到了而申报人没有办，这份申报即失效，并写信告知多久以后可以再报。正在答卷的先判卷。"),
    owner=Role.COORDINATOR,
    would=lambda until: files(Admission.due_at).where(waits(), Admission.due_at <= until),
    comes_to=N_("会失效"),
)
SCREENING = Rule(
    checking.SCREENING,
    title=N_("提交时按条件不予通过"),
    does=N_("申报一提交就核对条件，不符合的当场按条款不予通过。停住以后不再由电脑定，这样的件转初审员人工看；松开以后，已转人工的仍由人工办完。"),
    owner=Role.RULE_PUBLISHER,
    would=lambda until: files(Admission.since).where(
        Admission.verdict == "reject", Admission.step.in_([str(Step.FIRST_REVIEW), str(Step.SECOND_REVIEW)])
    ),
    comes_to=N_("本会不予通过，已转人工"),
)
RESCREEN = Rule(
    "rescreen",
    title=N_("新规则施行后重新核对"),
    does=N_("新发布的规则在过渡安排里写明的，施行之日起对还在补正、没有机构受理过的申报重新核对条件。"),
    owner=Role.RULE_PUBLISHER,
    would=asked_by_message(RULES_CHANGED),
    comes_to=N_("会重新核对"),
)
