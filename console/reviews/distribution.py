"""Who holds which file: taking one, putting it back, and handing work out.

Holding is no right: the grants decide who may review. A holder only keeps two officers from doing the same work twice. Whoever must
keep out of a file neither holds it nor hands it out: to whom one's own file goes is a decision too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Integer, column, func, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from console import audit
from console.accounts.models import StaffAccount
from console.applications import duties
from console.applications.models import Admission
from console.errors import NotAllowed, StepMovedOn
from console.reviews import people, queries
from console.reviews.errors import CannotHold, HeldByAnother, IsAway, NobodyPresent, NobodyToHold
from console.reviews.services import REASON_LEAST, level_of
from console.roles import Act
from console.scope import Principal, Staff, may, require
from console.visibility import ReasonNeeded


def take(session: Session, admission: Admission, *, actor: Principal) -> Admission:
    """Make a file one's own that nobody holds, or whose holder is away and named the actor; taking one's own again changes nothing."""
    level = level_of(admission)
    require(actor, level.act, admission)
    if not isinstance(actor, Staff):
        raise NotAllowed()
    duties.require_free(session, [admission], staff_id=actor.id, act=level.act)
    if admission.holder_id != actor.id:
        gone = people.away(session, [admission.holder_id]).get(admission.holder_id or 0)
        if admission.holder_id is not None and (gone is None or gone.delegate_id != actor.id):
            names = people.staff_names(session, [admission.holder_id])
            raise HeldByAnother(number=admission.number, holder=names.get(admission.holder_id, ""))
        give(session, [(admission, actor.id)], "file.taken", reason=standing_in(gone) if gone is not None else None)
    return admission


def release(session: Session, admission: Admission, *, actor: Principal) -> Admission:
    """Put a file back among the unassigned: the holder's own, or anybody's by a coordinator."""
    level_of(admission)
    own = isinstance(actor, Staff) and admission.holder_id == actor.id
    if not own:
        _may_hand_out(session, [admission], actor)
    if admission.holder_id is not None:
        give(session, [(admission, None)], "file.released")
    return admission


def assign_to(session: Session, admissions: Sequence[Admission], staff_id: int, *, actor: Principal) -> int:
    """Give these files to one officer, who must hold the right grant over each; returns how many changed hands."""
    _may_hand_out(session, admissions, actor)
    able = people.able_to_review(session, admissions)
    for admission in admissions:
        if all(person.id != staff_id for person in able[admission.id]):
            raise CannotHold(name=people.staff_names(session, [staff_id]).get(staff_id, "—"), number=admission.number)
    _require_present(session, staff_id)
    changing = [admission for admission in admissions if admission.holder_id != staff_id]
    give(session, [(admission, staff_id) for admission in changing], "file.distributed")
    return len(changing)


@dataclass(frozen=True)
class Shared:
    """Officer → number of files received, and who was passed over because they are away."""

    received: dict[int, int]
    away: tuple[int, ...] = ()


def distribute_evenly(session: Session, admissions: Sequence[Admission], *, actor: Principal) -> Shared:
    """Hand out the unheld ones of the set, most urgent first, each to whoever is there and has the least in hand.

    Files that somebody holds stay where they are. NobodyToHold, NobodyPresent for the first file with nobody left.
    """
    load = Counter(people.loads(session))
    waiting = [admission for admission in admissions if admission.holder_id is None]
    _may_hand_out(session, waiting, actor)
    persons = people.able_to_review(session, waiting)
    gone = people.away(session, {person.id for able in persons.values() for person in able})
    far = max((a.due_at for a in waiting if a.due_at), default=None)
    given: list[tuple[Admission, int | None]] = []
    received: Counter[int] = Counter()
    for admission in sorted(waiting, key=lambda a: (a.due_at or far, a.id) if far else (a.id,)):
        able = [person.id for person in persons[admission.id]]
        if not able:
            raise NobodyToHold(number=admission.number)
        there = [staff_id for staff_id in able if staff_id not in gone]
        if not there:
            raise NobodyPresent(number=admission.number)
        least = min(there, key=lambda staff_id: (load[staff_id], staff_id))
        given.append((admission, least))
        load[least] += 1
        received[least] += 1
    give(session, given, "file.distributed")
    return Shared(dict(received), tuple(sorted(gone)))


@dataclass(frozen=True)
class HandedOver:
    """What became of one officer's files: how many went to the other, and which are among the unassigned again."""

    given: int
    put_back: tuple[str, ...]


def hand_over(
    session: Session, from_id: int, to_id: int | None, *, actor: Principal, reason: str, ordered_by: int | None = None
) -> HandedOver:
    """Give everything one officer has in hand (also what waits for its applicant) to another, or put it back among the unassigned.

    Of the files within the actor's reach; those the other may not hold (no grant for the step, or what keeps them out of it),
    and those whose next holder the actor (or whoever ordered it, `ordered_by`) may not choose, are put back too, and named.
    """
    if len(reason.strip()) < REASON_LEAST:
        raise ReasonNeeded()
    require(actor, Act.DISTRIBUTE)
    if to_id is not None:
        _require_present(session, to_id)
    held = queries.held_by(session, from_id)
    theirs = [admission for admission in held if may(actor, Act.DISTRIBUTE, admission)]
    able = people.able_to_review(session, theirs) if to_id is not None and to_id != from_id else {}
    chooser = actor.id if isinstance(actor, Staff) else ordered_by
    kept_out = duties.hindrances(session, theirs, staff_id=chooser, act=Act.DISTRIBUTE) if chooser is not None else {}
    changing: list[tuple[Admission, int | None]] = []
    for admission in theirs:
        fits = admission.id not in kept_out and any(person.id == to_id for person in able.get(admission.id, ()))
        changing.append((admission, to_id if fits else None))
    give(session, changing, "file.handed_over", reason=reason.strip())
    put_back = tuple(admission.number for admission, to in changing if to is None)
    return HandedOver(len(changing) - len(put_back), put_back)


def hand_over_of(session: Session, staff_id: int, *, actor: Principal) -> HandedOver:
    """What follows when somebody left: their files go to whoever is named on the account, or, where that person is away, back among the unassigned.
    A second time nothing is left to pass on; for somebody who is back meanwhile nothing happens."""
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == staff_id)).one_or_none()
    if account is None or account.left_at is None:
        return HandedOver(0, ())
    to_id = None if people.away(session, [account.handed_to_id]) else account.handed_to_id
    return hand_over(
        session, staff_id, to_id, actor=actor, reason=account.left_reason or "",
        ordered_by=duties.staff_of(account.left_by),
    )  # fmt: skip


def standing_in(gone: people.Away) -> str:
    """Why a file changed hands, as the audit keeps it."""
    return f"缺勤代办：{gone.from_on} 至 {gone.to_on}"


def _require_present(session: Session, staff_id: int) -> None:
    if gone := people.away(session, [staff_id]).get(staff_id):
        raise IsAway(name=people.staff_names(session, [staff_id]).get(staff_id, "—"), first=gone.from_on, last=gone.to_on)


def _may_hand_out(session: Session, admissions: Sequence[Admission], actor: Principal) -> None:
    for admission in admissions:
        require(actor, Act.DISTRIBUTE, admission)
        level_of(admission)
    if isinstance(actor, Staff):
        duties.require_free(session, admissions, staff_id=actor.id, act=Act.DISTRIBUTE)


def give(
    session: Session, given: Sequence[tuple[Admission, int | None]], action: str, *, reason: str | None = None
) -> None:
    """Change who holds these files, each with its entry, asking nobody: who may was asked before.

    Compare and set the whole set in one statement: StepMovedOn when one of them has another holder or version by now."""
    if not given:
        return
    columns = (
        [admission.id for admission, _ in given],
        [admission.version for admission, _ in given],
        [admission.holder_id for admission, _ in given],
        [holder for _, holder in given],
    )
    wanted = func.unnest(*(literal(values, ARRAY(Integer)) for values in columns)).table_valued(
        *(column(name, Integer) for name in ("id", "version", "was", "holder"))
    ).render_derived(name="wanted")
    done = set(
        session.scalars(
            update(Admission)
            .where(
                Admission.id == wanted.c.id,
                Admission.version == wanted.c.version,
                Admission.holder_id.is_not_distinct_from(wanted.c.was),
            )
            .values(holder_id=wanted.c.holder)
            .returning(Admission.id)
            .execution_options(synchronize_session=False)
        )
    )
    for admission, holder in given:
        if admission.id not in done:
            raise StepMovedOn(number=admission.number, found=admission.step)
        session.add(
            audit.entry(
                session, action, f"admission:{admission.id}", division_code=admission.division_code, reason=reason,
                changes={"holder": [admission.holder_id, holder]},
            )
        )  # fmt: skip
        set_committed_value(admission, "holder_id", holder)
    session.flush()
