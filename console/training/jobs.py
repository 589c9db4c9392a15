"""Files that reach training after their applicants finished it go on by themselves.

From the outbox rather than inside the reviewer's move: the reviewer may no longer see a file that just left for another office.
"""

from __future__ import annotations

from sqlalchemy import select

from console.applications.models import Admission
from console.db import transaction
from console.jobs import job
from console.scope import System, become
from console.training import services


@job("training.pass_on")
def pass_on(admission_ids: list[int]) -> int:
    """Send on who already finished; returns how many went. Running it again changes nothing."""
    with become(System("training completed")) as actor, transaction() as session:
        admissions = session.scalars(select(Admission).where(Admission.id.in_(admission_ids))).all()
        return len(services.pass_on(session, admissions, actor=actor))


SUBSCRIPTIONS = {"admission.entered_training": (pass_on,), "training.completed": (pass_on,)}
