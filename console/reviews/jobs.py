"""Reviews that fall due, and those that are late. Running a job twice changes nothing."""

from __future__ import annotations

from console.applications.models import Admission
from console.db import transaction
from console.jobs import Sweep, job
from console.reviews import reminders
from console.scope import System, become


@job("reviews.warn")
def warn(admission_ids: list[int]) -> int:
    """Tell the offices that these reviews fall due soon."""
    with become(System("review_warning")), transaction() as session:
        return reminders.warn(session, admission_ids)


@job("reviews.escalate")
def escalate(admission_ids: list[int]) -> int:
    """Tell offices and coordinating units that these reviews are late."""
    with become(System("review_overdue")), transaction() as session:
        return reminders.escalate(session, admission_ids)


SWEEPS = (
    Sweep(warn, Admission, Admission.warn_at, reminders.warned_about),
    Sweep(escalate, Admission, Admission.due_at, reminders.untold),
)
