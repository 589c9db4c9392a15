"""Who holds which file: taking one, putting it back, and handing work out.

Holding is no right: the grants decide who may review. A holder only keeps two officers from doing the same work twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from console import audit
from console.accounts.models import StaffAccount
from console.applications.models import Admission
from console.applications.pipeline import SeparatedDuty, separated
from console.errors import NotAllowed, StepMovedOn
from console.reviews import people
from console.reviews.errors import CannotHold, HeldByAnother, NobodyToHold
from console.reviews.levels import REVIEW_STEPS
from console.reviews.services import REASON_LEAST, level_of
from console.roles import Act
from console.scope import Principal, Staff, may, require
from console.visibility import ReasonNeeded
from rules.pipeline import Step


def take(session: Session, admission: Admission, *, actor: Principal) -> Admission:
    """Make an unheld file one's own; taking one's own again changes nothing."""
    level = level_of(admission)
    require(actor, level.act, admission)
    if not isinstance(actor, Staff):
        raise NotAllowed()
    if separated(session, [admission], actor.who):
        raise SeparatedDuty(number=admission.number)
    if admission.holder_id != actor.id:
        if admission.holder_id is not None:
            names = people.staff_names(session, [admission.holder_id])
            raise HeldByAnother(number=admission.number, holder=names.get(admission.holder_id, ""))
        _set_holder(session, admission, actor.id, "file.taken")
    return admission


def release(session: Session, admission: Admission, *, actor: Principal) -> Admission:
    """Put a file back among the unassigned: the holder's own, or anybody's by a coordinator."""
    level_of(admission)
    own = isinstance(actor, Staff) and admission.holder_id == actor.id
    if not own:
        require(actor, Act.DISTRIBUTE, admission)
    if admission.holder_id is not None:
        _set_holder(session, admission, None, "file.released")
    return admission


def assign_to(session: Session, admissions: Sequence[Admission], staff_id: int, *, actor: Principal) -> int:
    """Give these files to one officer, who must hold the right grant over each; returns how many changed hands."""
    changed = 0
    able = people.able_to_review(session, admissions)
    for admission in admissions:
        require(actor, Act.DISTRIBUTE, admission)
        level_of(admission)
        if all(person.id != staff_id for person in able[admission.id]):
            raise CannotHold(name=people.staff_names(session, [staff_id]).get(staff_id, "—"), number=admission.number)
        if admission.holder_id != staff_id:
            _set_holder(session, admission, staff_id, "file.distributed")
            changed += 1
    return changed


def distribute_evenly(session: Session, admissions: Sequence[Admission], *, actor: Principal) -> dict[int, int]:
    """Hand out the unheld ones of the set, most urgent first, each to whoever has the least in hand.

    Returns officer → number of files received. Files that somebody holds stay where they are.
    """
    load = Counter(people.loads(session))
    given: Counter[int] = Counter()
    waiting = [admission for admission in admissions if admission.holder_id is None]
    persons = people.able_to_review(session, waiting)
    far = max((a.due_at for a in waiting if a.due_at), default=None)
    for admission in sorted(waiting, key=lambda a: (a.due_at or far, a.id) if far else (a.id,)):
        require(actor, Act.DISTRIBUTE, admission)
        level_of(admission)
        able = [person.id for person in persons[admission.id]]
        if not able:
            raise NobodyToHold(number=admission.number)
        least = min(able, key=lambda staff_id: (load[staff_id], staff_id))
        _set_holder(session, admission, least, "file.distributed")
        load[least] += 1
        given[least] += 1
    return dict(given)


@dataclass(frozen=True)
class HandedOver:
    """What became of one officer's files: how many went to the other, and which are among the unassigned again."""

    given: int
    put_back: tuple[str, ...]


def hand_over(session: Session, from_id: int, to_id: int | None, *, actor: Principal, reason: str) -> HandedOver:
    """Give everything one officer has in hand (also what waits for its applicant) to another, or put it back among the unassigned.

    Of the files within the actor's reach; those the other may not hold (no grant for the step, or the other half of a separated duty)
    are put back too, and named.
    """
    if len(reason.strip()) < REASON_LEAST:
        raise ReasonNeeded()
    require(actor, Act.DISTRIBUTE)
    held = session.scalars(
        select(Admission)
        .where(Admission.holder_id == from_id, Admission.step.in_([*REVIEW_STEPS, str(Step.CORRECTION)]))
        .order_by(Admission.id)
    ).all()
    theirs = [admission for admission in held if may(actor, Act.DISTRIBUTE, admission)]
    able = people.able_to_review(session, theirs) if to_id is not None and to_id != from_id else {}
    given, put_back = 0, []
    for admission in theirs:
        to = to_id if any(person.id == to_id for person in able.get(admission.id, ())) else None
        _set_holder(session, admission, to, "file.handed_over", reason=reason.strip())
        given += to is not None
        if to is None:
            put_back.append(admission.number)
    return HandedOver(given, tuple(put_back))


def hand_over_of(session: Session, staff_id: int, *, actor: Principal) -> HandedOver:
    """What follows when somebody left: their files go to whoever is named on the account. A second time nothing is left to pass on;
    for somebody who is back meanwhile nothing happens."""
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == staff_id)).one_or_none()
    if account is None or account.left_at is None:
        return HandedOver(0, ())
    return hand_over(session, staff_id, account.handed_to_id, actor=actor, reason=account.left_reason or "")


def _set_holder(
    session: Session, admission: Admission, holder_id: int | None, action: str, *, reason: str | None = None
) -> None:
    was = admission.holder_id
    done = session.execute(
        update(Admission)
        .where(
            Admission.id == admission.id,
            Admission.version == admission.version,
            Admission.holder_id.is_not_distinct_from(was),
        )
        .values(holder_id=holder_id)
        .returning(Admission.id)
    ).scalar_one_or_none()
    if done is None:
        raise StepMovedOn(number=admission.number, found=admission.step)
    set_committed_value(admission, "holder_id", holder_id)
    audit.record(
        session,
        action,
        f"admission:{admission.id}",
        division_code=admission.division_code,
        reason=reason,
        changes={"holder": [was, holder_id]},
    )
