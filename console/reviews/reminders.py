"""The clock over reviews: a word to the office before the deadline, a louder one after it. Silence never approves anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, column, select, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import audit, clock
from console.applications.models import Admission
from console.applications.queries import term_of
from console.departments.calendars import Reckoning
from console.departments.models import Office
from console.reviews.levels import REVIEW_STEPS
from rules.deadline_words import deadline_words

# the table of messages to staff; a plain one keeps its room out of this one
_messages = table("staff_message", *map(column, ("key", "office_id", "admission_id", "event", "text", "written_at")))


def warned_about() -> Any:
    """Reviews with a warning still to be given."""
    return and_(Admission.step.in_(REVIEW_STEPS), Admission.warn_at.is_not(None))


def untold() -> Any:
    """Reviews whose lateness nobody was told of yet."""
    return and_(Admission.step.in_(REVIEW_STEPS), Admission.due_at.is_not(None), Admission.overdue_told_at.is_(None))


def warn(session: Session, admission_ids: Sequence[int]) -> int:
    """Tell the offices that these reviews fall due soon, each once; returns how many were told."""
    now, reckoning = clock.now(session), Reckoning(session)
    told = []
    for admission in _locked(session, admission_ids, and_(warned_about(), Admission.warn_at <= now)):
        admission.warn_at = None
        if admission.due_at is not None and admission.due_at > now:
            text = f"{admission.number} 的审核快到期了：{limit(reckoning, admission)}。"
            told.append(message(admission, admission.office_id, "review_due_soon", text, now))
    tell(session, told)
    return len(told)


def escalate(session: Session, admission_ids: Sequence[int]) -> int:
    """Tell office and coordinating unit that these reviews are late, once per stay at the step; nothing else changes."""
    now = clock.now(session)
    late = _locked(session, admission_ids, and_(untold(), Admission.due_at <= now))
    units, reckoning = coordinating(session, {admission.department_id for admission in late}), Reckoning(session)
    told = []
    for admission in late:
        admission.overdue_told_at = now
        text = f"{admission.number} 的审核已过期限：{limit(reckoning, admission)}。请尽快办理；超期不等于通过。"
        for office_id in dict.fromkeys([admission.office_id, units.get(admission.department_id, admission.office_id)]):
            told.append(message(admission, office_id, "review_overdue", text, now))
        audit.record(
            session,
            "review.overdue",
            f"admission:{admission.id}",
            division_code=admission.division_code,
            step=admission.step,
            holder=admission.holder_id,
        )
    tell(session, told)
    return len(late)


def _locked(session: Session, ids: Sequence[int], condition: Any) -> Sequence[Admission]:
    statement = select(Admission).where(Admission.id.in_(ids), condition).order_by(Admission.id)
    return session.scalars(statement.with_for_update(skip_locked=True)).all()


def coordinating(session: Session, departments: set[int]) -> dict[int, int]:
    """Department → its coordinating office (审核协调机构)."""
    rows = session.execute(
        select(Office.department_id, Office.id).where(Office.department_id.in_(departments), Office.is_coordinating)
    )
    return dict(rows.all())


def limit(reckoning: Reckoning, admission: Admission) -> str:
    """A file's deadline as it is said everywhere."""
    term = term_of(reckoning, admission)
    return deadline_words(term.last, term.days, provisional=term.provisional) if term is not None else ""


def message(admission: Admission, office_id: int, event: str, text: str, now: dt.datetime, *, about: str = "") -> dict[str, Any]:
    """A word to an office about a file, once for each stay at a step (and each thing it is `about`)."""
    return {
        "key": f"{event}{about}:{admission.id}:{admission.version}:{office_id}",
        "office_id": office_id,
        "admission_id": admission.id,
        "event": event,
        "text": text,
        "written_at": now,
    }


def tell(session: Session, rows: list[dict[str, Any]]) -> None:
    """Put messages before their offices; one that was told already is not told again."""
    if rows:
        session.execute(insert(_messages).values(rows).on_conflict_do_nothing(index_elements=["key"]))
