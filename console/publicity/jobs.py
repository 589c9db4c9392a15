"""The doorway of the clock into this room: notices whose time has come, windows that end, people who withdraw while they are shown."""

from __future__ import annotations

from console.db import transaction
from console.jobs import Sweep, job
from console.publicity import closing, foreseeing, opening, probing, proof, services
from console.publicity.models import Notice
from console.scope import System, become


@job("publicity.publish_due")
def publish_due(notice_ids: list[int]) -> str:
    """Make notices public at the time that was set; running it again changes nothing."""
    with become(System("publish notices")) as actor, transaction() as session:
        return f"公布 {len(services.publish_due(session, notice_ids, actor=actor))}"


@job("publicity.weigh")
def weigh(notice_ids: list[int]) -> str:
    """Look through windows that have ended, before anybody is admitted: those that could not be seen run on."""
    with become(System("prove notices")) as actor, transaction() as session:
        return f"顺延 {len(services.weigh(session, notice_ids, actor=actor))}"


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


@job("publicity.give_limits")
def give_limits(objection_ids: list[int]) -> None:
    """Say by when what the re-check found is to be answered."""
    with become(System("objections")) as actor, transaction() as session:
        services.give_limits(session, objection_ids, actor=actor)


@job("publicity.put_back")
def put_back(staff_ids: list[int]) -> None:
    """Put back what officers who have left had in hand."""
    with become(System("objections")) as actor, transaction() as session:
        for staff_id in staff_ids:
            services.put_back(session, staff_id, actor=actor)


@job("publicity.sum_up_probes")
def sum_up_probes() -> int:
    """Once a day: the looks at pages of notices that closed long ago become sums by day; how many notices. Running it again finds none."""
    notices = 0
    while True:
        with become(System("prove notices")) as actor, transaction() as session:
            done = services.sum_up(session, actor=actor)
        if not done:
            return notices
        notices += len(done)


AUTOMATIC = (foreseeing.ADMISSION,)
SUBSCRIPTIONS = {
    "admission.entered_withdrawn": (settle_withdrawn,),
    "notice.person_left": (give_limits,),
    "staff.left": (put_back,),
    "brake.released": (wake,),
}
SWEEPS = (
    # a few notices an order, so that all workers have some
    Sweep(close_due, Notice, Notice.due_at, closing.has_work, batch=20, department=lambda: Notice.department_id),
    Sweep(weigh, Notice, Notice.due_at, proof.is_unproved),  # what it has not looked through gives the sweep above no work
    Sweep(publish_due, Notice, Notice.publish_at, opening.is_to_publish),
)
DAILY = (sum_up_probes,)
WATCHES = (probing.watch,)
