"""The doorway of the clock into this room: windows that end, people who withdraw while they are shown."""

from __future__ import annotations

from console.db import transaction
from console.jobs import Sweep, job
from console.publicity import closing, foreseeing, services
from console.publicity.models import Notice
from console.scope import System, become


@job("publicity.close_due", automatic=closing.RULE)
def close_due(notice_ids: list[int]) -> str:
    """Settle the people of notices whose window has ended; running it again changes nothing."""
    said = []
    while True:
        with become(System("close notices")) as actor, transaction() as session:
            result = closing.close_due(session, notice_ids, actor=actor)
        said.append(str(result))
        if not result.more:
            return "；".join(said)


@job("publicity.settle_withdrawn")
def settle_withdrawn(admission_ids: list[int]) -> None:
    """A person who withdraws while shown is marked on the notice the same minute."""
    with become(System("settle withdrawn")) as actor, transaction() as session:
        services.settle_withdrawn(session, admission_ids, actor=actor)


@job("publicity.wake")
def wake(brake_ids: list[int]) -> None:
    """A brake was released: notices that a worker had claimed before are looked at now and not when the claim ends."""
    with become(System("close notices")), transaction() as session:
        closing.wake(session)


AUTOMATIC = (foreseeing.ADMISSION,)
SUBSCRIPTIONS = {"admission.entered_withdrawn": (settle_withdrawn,), "brake.released": (wake,)}
SWEEPS = (Sweep(close_due, Notice, Notice.due_at, closing.has_work, batch=20, department=lambda: Notice.department_id),)  # a few notices an order, so that all workers have some
