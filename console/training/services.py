"""Learning: a unit is opened, and finished when its reader says so.

No timer decides. A clock on a page measures an open page, not a reader, and the exam that follows measures what was learned;
so a unit counts as complete when it was opened and its applicant then confirmed having read it, and both moments are kept.
The minutes of a unit are shown as what the department expects it to take.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.applications.models import Admission
from console.applications.pipeline import Moved, advance
from console.errors import N_, Conflict, NotAllowed, NotFound
from console.scope import Applicant, Principal
from console.training import queries
from console.training.models import CourseProgress
from rules.pipeline import Action, Step

#: from the first review on one may start; the file goes on from TRAINING only
STUDY_STEPS = (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.CORRECTION, Step.TRAINING)


class NotStudying(Conflict):
    """The file is not at a step where training makes sense."""

    message = N_("申报 %(number)s 现在不在可以培训的环节。")


class UnitNotOpened(Conflict):
    """Somebody confirms a unit that was never opened."""

    message = N_("请先打开“%(unit)s”，学完后再确认。")


def open_unit(session: Session, admission: Admission, unit_id: str, *, actor: Principal) -> CourseProgress:
    """Note that the applicant opened the unit; opening it again keeps the first moment.

    Raises NotAllowed (not theirs), NotStudying (wrong step), NotFound (no such unit in the release the file met).
    """
    _unit(session, admission, unit_id, actor=actor)
    opened = session.execute(
        insert(CourseProgress)
        .values(
            admission_id=admission.id,
            applicant_id=admission.applicant_id,
            office_id=admission.office_id,
            unit=unit_id,
            opened_at=clock.now(session),
        )
        .on_conflict_do_nothing(index_elements=["admission_id", "unit"])
        .returning(CourseProgress.id)
    ).scalar()
    if opened is not None:
        audit.record(session, "training.unit_opened", f"admission:{admission.id}", unit=unit_id)
    return _progress(session, admission, unit_id).one()


def complete_unit(session: Session, admission: Admission, unit_id: str, *, actor: Principal) -> bool:
    """Confirm that the unit was read; after the last one a file that lies at TRAINING goes on at once.

    True when the whole training is now complete. Confirming twice changes nothing. Raises what `open_unit` raises, and
    UnitNotOpened.
    """
    title = _unit(session, admission, unit_id, actor=actor)
    progress = _progress(session, admission, unit_id).one_or_none()
    if progress is None:
        raise UnitNotOpened(unit=title)
    completed = session.execute(
        update(CourseProgress)
        .where(CourseProgress.id == progress.id, CourseProgress.completed_at.is_(None))
        .values(completed_at=clock.now(session))
        .returning(CourseProgress.id)
    ).scalar()
    if completed is not None:
        audit.record(session, "training.unit_completed", f"admission:{admission.id}", unit=unit_id)
    if not queries.finished(session, [admission]):
        return False
    if admission.step == Step.TRAINING:
        advance(session, [admission], Action.PASS_STEP, actor=actor, lenient=True)
    elif completed is not None:
        # the review may be passing the file on at this very moment, and would not see this uncommitted row
        outbox.publish(session, "training.completed", [admission.id])
    return True


def pass_on(session: Session, admissions: Sequence[Admission], *, actor: Principal) -> list[Moved]:
    """Send on those of the set that lie at TRAINING and whose applicants finished early; the others stay."""
    waiting = [admission for admission in admissions if admission.step == Step.TRAINING]
    return advance(session, queries.finished(session, waiting), Action.PASS_STEP, actor=actor, lenient=True)


def _unit(session: Session, admission: Admission, unit_id: str, *, actor: Principal) -> str:
    """The unit's title, once it is certain that this actor may learn it now."""
    if not isinstance(actor, Applicant) or actor.id != admission.applicant_id:
        raise NotAllowed()
    if admission.step not in STUDY_STEPS:
        raise NotStudying(number=admission.number)
    for progress in queries.units(session, admission):
        if progress.unit.id == unit_id:
            return str(progress.unit.title)
    raise NotFound()


def _progress(session: Session, admission: Admission, unit_id: str):  # type: ignore[no-untyped-def]
    return session.scalars(
        select(CourseProgress)
        .where(CourseProgress.admission_id == admission.id, CourseProgress.unit == unit_id)
        .execution_options(populate_existing=True)
    )
