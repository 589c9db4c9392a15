"""Files that reach training after their applicants finished it go on by themselves.

From the outbox rather than inside the reviewer's move: the reviewer may no longer see a file that just left for another office.
"""

from __future__ import annotations

from sqlalchemy import select

from console.applications import foreseeing
from console.applications.models import Admission
from console.automatic.declaring import Rule
from console.db import transaction
from console.errors import N_
from console.jobs import gate, job
from console.outbox import come_again
from console.roles import Role
from console.scope import System, become
from console.training import services

TRAINING, ENTERED, COMPLETED = "training", "admission.entered_training", "training.completed"  # the name of the brake, and topics


@job("training.pass_on", automatic=TRAINING)
def pass_on(admission_ids: list[int]) -> int:
    """Send on who already finished; returns how many went. Running it again changes nothing.

    Those of a department whose brake is pulled come again a minute later.
    """
    with become(System("training completed")) as actor, transaction() as session:
        stopped = gate(session, TRAINING)
        admissions = session.scalars(select(Admission).where(Admission.id.in_(admission_ids))).all()
        held = [admission.id for admission in admissions if {None, admission.department_id} & stopped]
        come_again(session, COMPLETED, held)
        return len(services.pass_on(session, [admission for admission in admissions if admission.id not in held], actor=actor))


AUTOMATIC = (
    Rule(
        TRAINING,
        title=N_("学完自动进入下一环节"),
        does=N_("培训单元都学完的申报，到了培训环节即进入考试（或下一环节），不用人来推。"),
        owner=Role.COORDINATOR,
        would=foreseeing.asked_by_message(ENTERED, COMPLETED),
        comes_to=N_("学完的会进入下一环节"),
    ),
)
SUBSCRIPTIONS = {ENTERED: (pass_on,), COMPLETED: (pass_on,)}
