"""Reviews that fall due, those that are late, and those whose officer has left. Running a job twice changes nothing."""

from __future__ import annotations

from console.applications.models import Admission
from console.db import transaction
from console.jobs import Sweep, job
from console.reviews import absences, distribution, reminders
from console.reviews.models import Absence
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


@job("reviews.hand_over", together=False)
def hand_over(staff_ids: list[int]) -> int:
    """Pass on what these officers held when they left."""
    with become(System("staff_left")) as actor, transaction() as session:
        return sum(distribution.hand_over_of(session, staff_id, actor=actor).given for staff_id in staff_ids)


@job("reviews.begin_absences")
def begin_absences(absence_ids: list[int]) -> int:
    """See to the files of officers whose absence begins."""
    with become(System("absence_begins")), transaction() as session:
        return absences.begin(session, absence_ids)


SUBSCRIPTIONS = {"staff.left": (hand_over,)}
SWEEPS = (
    Sweep(warn, Admission, Admission.warn_at, reminders.warned_about),
    Sweep(escalate, Admission, Admission.due_at, reminders.untold),
    Sweep(begin_absences, Absence, Absence.begins_at, absences.to_begin),
)
