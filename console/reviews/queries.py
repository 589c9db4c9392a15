"""What officers look at: their queue page by page, and the past of one file.

Every row comes through the principal's scope; nothing here narrows by office itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, selectinload

from console import clock
from console.applications.models import Admission, Applicant, ApplicationSpecialty, Attachment, StepEntry
from console.departments.models import Division
from console.errors import NotFound
from console.reviews import people
from console.reviews.levels import REVIEW_STEPS
from console.reviews.models import Absence, Review
from console.scope import Principal, Staff
from rules.pipeline import CLOSED_STEPS, OPEN_STEPS, Action, Step

PAGE = 25
VIEWS = ("mine", "standing_in", "unassigned", "overdue", "office", "returned", "closed", "all")


@dataclass(frozen=True)
class Line:
    """One file in a list."""

    admission: Admission
    name: str
    place: str
    place_en: str
    holder: str | None

    @property
    def specialties(self) -> list[Any]:
        return [chosen.specialty for chosen in self.admission.specialties]


@dataclass(frozen=True)
class QueuePage:
    """A page of the queue; `previous` and `following` are cursors, None at the ends."""

    lines: list[Line]
    previous: str | None
    following: str | None


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────


def queue(
    session: Session,
    actor: Principal,
    *,
    view: str = "mine",
    step: str = "",
    words: str = "",
    division: str = "",
    condition: str = "",
    office: str = "",
    due: str = "",
    ground: str = "",
    after: str = "",
    before: str = "",
    size: int = PAGE,
) -> QueuePage:
    """Files of one view, most urgent first; closed ones latest first. `after` and `before` are cursors of another page."""
    statement = _lines().where(
        *criteria(session, actor, view=view, step=step, division=division, condition=condition, office=office, due=due, ground=ground)
    )
    if words.strip():
        statement = statement.where(_matches(words.strip()[:60]))
    key = Admission.since if view == "closed" else Admission.due_at
    newest_first = view == "closed"
    backwards = bool(before) and not after
    if cursor := _cursor(after or before):
        statement = statement.where(_beyond(key, cursor, newest_first=newest_first, backwards=backwards))
    statement = statement.order_by(*_order(key, newest_first=newest_first, backwards=backwards)).limit(size + 1)
    rows = [Line(*row) for row in session.execute(statement)]
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    there = bool(_cursor(after or before))
    return QueuePage(
        rows,
        previous=_mark(rows[0].admission, key.key) if rows and (more if backwards else there) else None,
        following=_mark(rows[-1].admission, key.key) if rows and (there if backwards else more) else None,
    )


def criteria(
    session: Session,
    actor: Principal,
    *,
    view: str,
    step: str = "",
    division: str = "",
    condition: str = "",
    office: str = "",
    due: str = "",
    ground: str = "",
) -> list[ColumnElement[bool]]:
    """What a view and its filters ask of a file: the list and the numbers that lead to it are of the same files. What cannot be read asks nothing.

    `due` is the last day, as people are told it, or `late`; `ground` names what a refusal stands on, by its id in the release.
    """
    asked = [_of_view(session, actor, view)]
    if step:
        asked.append(Admission.step == step)
    if division:
        asked.append(Admission.division_code.startswith(division.rstrip("0"), autoescape=True))
    if condition in _CONDITIONS:
        asked.append(_CONDITIONS[condition])
    if is_number(office):
        asked.append(Admission.office_id == int(office))
    if due == LATE:
        asked.append(Admission.due_at <= clock.now(session))
    elif day := day_of(due):
        asked += [Admission.due_at > clock.at_midnight(day), Admission.due_at <= clock.at_midnight(day + dt.timedelta(days=1))]
    if ground:
        named = or_(*(StepEntry.items.contains([{kind: ground}]) for kind in GROUND_KINDS))
        refused = select(StepEntry.admission_id).where(StepEntry.to_step == Step.REFUSED, named)
        asked.append(Admission.id.in_(refused.correlate(None)))
    return asked


#: by which word an item of a refusal names what it stands on (`applications.grounds`)
GROUND_KINDS = ("ground", "criterion")
LATE = "late"


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def day_of(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(Admission, Applicant.name, Division.name, Division.name_en, people.full_name.label("holder"))
        .join(Applicant, Applicant.id == Admission.applicant_id)
        .join(Division, Division.code == Admission.division_code)
        .outerjoin(people.staff, people.staff.c.id == Admission.holder_id)
        .options(selectinload(Admission.specialties))
    )


def _of_view(session: Session, actor: Principal, view: str) -> Any:
    in_review = Admission.step.in_(REVIEW_STEPS)
    if view == "mine":
        return and_(in_review, Admission.holder_id == (actor.id if isinstance(actor, Staff) else 0))
    if view == "standing_in":
        return and_(in_review, Admission.holder_id.in_(substituted(session, actor)))
    if view == "unassigned":
        return and_(in_review, Admission.holder_id.is_(None))
    if view == "overdue":
        return and_(in_review, Admission.due_at <= clock.now(session))
    if view == "returned":
        return Admission.step == Step.CORRECTION
    if view == "closed":
        return Admission.step.in_([str(step) for step in CLOSED_STEPS])
    if view == "all":
        return true()
    return Admission.step.in_([str(step) for step in OPEN_STEPS])


def substituted(session: Session, actor: Principal) -> Select[Any]:
    """Whose work the actor does today: the officers who named them and are away."""
    today, me = clock.today(session), actor.id if isinstance(actor, Staff) else 0
    return select(Absence.staff_id).where(Absence.delegate_id == me, Absence.ended_at.is_(None), Absence.from_on <= today, Absence.to_on >= today)


_CONDITIONS: dict[str, Any] = {
    "pass": and_(Admission.verdict == "pass", func.cardinality(Admission.flags) == 0),
    "refer": Admission.verdict == "refer",
    "flagged": func.cardinality(Admission.flags) > 0,
}


def _matches(words: str) -> Any:
    chosen = (
        select(ApplicationSpecialty.admission_id)
        .where(ApplicationSpecialty.code.startswith(words.upper(), autoescape=True))
        .correlate(None)
    )
    return or_(
        Admission.number.icontains(words, autoescape=True),
        Applicant.name.icontains(words, autoescape=True),
        Admission.id.in_(chosen),
    )


def _order(key: Any, *, newest_first: bool, backwards: bool) -> tuple[Any, Any]:
    if newest_first != backwards:
        return key.desc().nulls_first() if backwards else key.desc().nulls_last(), Admission.id.desc()
    return key.asc().nulls_last(), Admission.id.asc()


def _beyond(key: Any, cursor: tuple[dt.datetime | None, int], *, newest_first: bool, backwards: bool) -> Any:
    """Rows strictly further on in reading order; a missing deadline comes after every deadline."""
    at, row_id = cursor
    ids = Admission.id < row_id if newest_first != backwards else Admission.id > row_id
    if at is None:
        same = and_(key.is_(None), ids)
        return or_(same, key.is_not(None)) if backwards else same
    same = and_(key == at, ids)
    if newest_first:
        return or_(same, key > at if backwards else key < at)
    return or_(same, key < at) if backwards else or_(same, key > at, key.is_(None))


def _mark(admission: Admission, key: str) -> str:
    at = getattr(admission, key)
    return f"{at.isoformat() if at else ''}~{admission.id}"


def _cursor(text_: str) -> tuple[dt.datetime | None, int] | None:
    at, _, row_id = text_.partition("~")
    if not (row_id.isascii() and row_id.isdecimal() and len(row_id) < 10):
        return None
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+")) if at else None
    except ValueError:
        return None
    return (moment, int(row_id)) if moment is None or moment.tzinfo else None


# ── one file ─────────────────────────────────────────────────────────────────────────────────────────────────


def admission_of(session: Session, admission_id: int) -> Admission:
    """The file, through scope; NotFound for one that is not there and for one that is another office's."""
    found = session.scalars(select(Admission).where(Admission.id == admission_id)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def admissions_of(session: Session, ids: Iterable[int]) -> list[Admission]:
    """Those of the ids that are visible."""
    return list(session.scalars(select(Admission).where(Admission.id.in_(list(ids))).order_by(Admission.id)))


def held_by(session: Session, staff_id: int) -> list[Admission]:
    """What one officer has in hand, also what waits for its applicant, within scope; most urgent first."""
    steps = [*REVIEW_STEPS, str(Step.CORRECTION)]
    statement = select(Admission).where(Admission.holder_id == staff_id, Admission.step.in_(steps))
    return list(session.scalars(statement.order_by(Admission.due_at.nulls_last(), Admission.id)))


def draft_of(session: Session, admission: Admission, level: str) -> Review | None:
    """The review under way at this level."""
    return session.scalars(
        select(Review).where(Review.admission_id == admission.id, Review.level == level, Review.decision.is_(None))
    ).one_or_none()


def decided_reviews(session: Session, admission: Admission) -> list[Review]:
    """Every decided review, oldest first."""
    return list(
        session.scalars(
            select(Review).where(Review.admission_id == admission.id, Review.decision.is_not(None)).order_by(Review.id)
        )
    )


def last_refusal(session: Session, admission: Admission) -> StepEntry | None:
    return session.scalars(
        select(StepEntry)
        .where(StepEntry.admission_id == admission.id, StepEntry.action == Action.REFUSE)
        .order_by(StepEntry.id.desc())
        .limit(1)
    ).one_or_none()


def paper_names(session: Session, admission: Admission, fields: Collection[str]) -> list[str]:
    """The names of what was handed in under these fields of the form, or inside them, in the order of upload."""
    if not fields:
        return []
    rows = session.execute(
        select(Attachment.field, Attachment.name)
        .where(Attachment.application_id == admission.application_id, Attachment.removed_at.is_(None))
        .order_by(Attachment.id)
    )
    return list(dict.fromkeys(name for path, name in rows if not set(path.split(".")).isdisjoint(fields)))


def siblings(session: Session, admission: Admission) -> list[Admission]:
    """Other files of the same person that this principal may see, newest first."""
    return list(
        session.scalars(
            select(Admission)
            .where(Admission.applicant_id == admission.applicant_id, Admission.id != admission.id)
            .options(selectinload(Admission.department), selectinload(Admission.specialties))
            .order_by(Admission.id.desc())
            .limit(20)
        )
    )


# ── the centre ───────────────────────────────────────────────────────────────────────────────────────────────


MOST_UNCLAIMED = 100


def no_department_claims() -> list[ColumnElement[bool]]:
    return [Admission.step == Step.ASSIGNMENT]


def unclaimed(session: Session, *, most: int = MOST_UNCLAIMED) -> list[Line]:
    """Files no department claims, oldest first: the centre names one."""
    statement = _lines().where(*no_department_claims()).order_by(Admission.id).limit(most)
    return [Line(*row) for row in session.execute(statement)]
