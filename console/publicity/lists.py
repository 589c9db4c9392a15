"""What officers find on their lists: notices, objections, and who waits for a notice; and what they may do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, column, func, select, table
from sqlalchemy.orm import Session, joinedload, selectinload

from console import clock
from console.applications import duties
from console.applications.models import Admission
from console.departments import queries as departments
from console.departments.models import Department, Office
from console.errors import NotFound
from console.publicity.errors import ON_ANOTHER_NOTICE, Obstacle, kept_out
from console.publicity.models import Notice, NoticeExtension, NoticeItem, Objection
from console.publicity.persons import open_objection, restricted_people, shown_elsewhere
from console.roles import Act
from console.scope import Principal, Staff, current, may
from rules.bundle import Bundle
from rules.pipeline import Step


@dataclass(frozen=True)
class DeskLine:
    """A notice as the officers' desk lists it. `longer_by`: working days it runs longer because its page was not there."""

    notice: Notice
    people: int
    held: int
    settled: int
    longer_by: int


def notices_on_desk(session: Session, *, limit: int = 100) -> tuple[list[DeskLine], list[DeskLine]]:
    """(not closed yet, the soonest end first; closed, the newest first) within the officer's offices, in one statement."""
    mine = NoticeItem.notice_id == Notice.id
    people = select(func.count(NoticeItem.id)).where(mine).scalar_subquery()
    settled = select(func.count(NoticeItem.id)).where(mine, NoticeItem.settled_at.is_not(None)).scalar_subquery()
    held = (
        select(func.count(NoticeItem.id))
        .where(mine, NoticeItem.settled_at.is_(None), open_objection(NoticeItem.id))
        .scalar_subquery()
    )
    longer_by = select(func.coalesce(func.sum(NoticeExtension.days), 0)).where(NoticeExtension.notice_id == Notice.id).scalar_subquery()
    rows = session.execute(
        select(Notice, people, held, settled, longer_by)
        .options(joinedload(Notice.department))
        .order_by(Notice.closed_at.desc().nulls_first(), Notice.due_at, Notice.id)
        .limit(limit)
    )
    lines = [DeskLine(*row) for row in rows]
    return [line for line in lines if line.notice.closed_at is None], [line for line in lines if line.notice.closed_at]

OBJECTION_VIEWS = ("waiting", "mine", "unassigned", "overdue", "over")


def waiting_objections(session: Session, *, view: str = "waiting") -> list[ColumnElement[bool]]:
    """What a list of those nobody has ruled on asks of an objection: all, the asker's, nobody's, those whose answer is late, and `over`,
    whose notice has ended, so that only the ruling is waited for."""
    asker, now = current(), clock.now(session)
    narrower: dict[str, ColumnElement[bool]] = {
        "mine": Objection.holder_id == (asker.id if isinstance(asker, Staff) else None),
        "unassigned": Objection.holder_id.is_(None),
        "overdue": Objection.rule_by <= now,
        "over": Objection.notice_item_id.in_(select(NoticeItem.id).join(Notice, Notice.id == NoticeItem.notice_id).where(Notice.due_at <= now)),
    }
    return [Objection.ruled_at.is_(None), *([narrower[view]] if view in narrower else [])]


def open_objections(session: Session, *, notice: Notice | None = None, view: str = "waiting") -> Sequence[Objection]:
    """Those nobody has ruled on, within the officer's offices, the first to be answered first."""
    statement = select(Objection).where(*waiting_objections(session, view=view))
    return session.scalars(_on(statement, notice).order_by(Objection.rule_by.nulls_first(), Objection.made_at, Objection.id)).all()


def count_objections(session: Session) -> dict[str, int]:
    """View → how many objections it lists, in one statement."""
    counts = [func.count().filter(*waiting_objections(session, view=view)).label(view) for view in OBJECTION_VIEWS]
    return dict(session.execute(select(*counts).select_from(Objection).where(Objection.ruled_at.is_(None))).mappings().one())


def ruled_objections(session: Session, *, notice: Notice | None = None, limit: int = 50) -> Sequence[Objection]:
    """Those already ruled on, the newest first."""
    statement = select(Objection).where(Objection.ruled_at.is_not(None))
    return session.scalars(_on(statement, notice).order_by(Objection.ruled_at.desc()).limit(limit)).all()


def _on(statement: Any, notice: Notice | None) -> Any:
    if notice is not None:
        statement = statement.where(
            Objection.notice_item_id.in_(select(NoticeItem.id).where(NoticeItem.notice_id == notice.id))
        )
    return statement.options(
        joinedload(Objection.item).joinedload(NoticeItem.notice).joinedload(Notice.department)
    )


def objection(session: Session, objection_id: int) -> Objection:
    found = session.scalar(_on(select(Objection).where(Objection.id == objection_id), None))
    if found is None:
        raise NotFound()
    return found


def asker_undeclared(session: Session) -> bool:
    """Whether the asking officer must declare their recusals before opening anything."""
    asker = current()
    return isinstance(asker, Staff) and duties.is_undeclared(session, asker.id)


def hindrance_to_rule(session: Session, objection: Objection) -> duties.Hindrance | None:
    """Why the asking officer may not rule on this objection though a grant allows it."""
    asker, about = current(), session.get(Admission, objection.admission_id)
    if not isinstance(asker, Staff) or about is None:
        return None
    return duties.hindrances(session, [about], staff_id=asker.id, act=Act.RULE_ON_OBJECTION).get(about.id)


def bundle_of(session: Session, objection: Objection) -> Bundle:
    """The department's bundle as the person's release has it: the grounds an upheld objection may name are in its review form."""
    release_id = session.scalars(select(Admission.release_id).where(Admission.id == objection.admission_id)).one()
    return departments.bundle_of(session, release_id)


@dataclass(frozen=True)
class Candidate:
    """Somebody at the publicity step. `obstacle`: why they cannot join a notice now; `restricted`: they are on the joint list,
    and would be refused when the notice ends."""

    admission: Admission
    obstacle: Obstacle | None = None
    restricted: bool = False


def notice_days(session: Session, releases: Iterable[int]) -> int:
    """The longest window any of these releases gives: nobody gets less than the rules the file met."""
    settings = [departments.bundle_of(session, release).manifest.pipeline for release in releases]
    return max(found.notice_days.value for found in settings if found is not None)


def window_if_opened(session: Session, candidates: Sequence[Candidate]) -> tuple[dt.date, dt.date, int] | None:
    """(first day, last day, working days) of a notice that were opened now with these people; None without people."""
    releases = {c.admission.release_id for c in candidates if c.obstacle is None}
    if not releases:
        return None
    days = notice_days(session, releases)
    office_id = next(c.admission.office_id for c in candidates if c.obstacle is None)  # at this step a file lies with the office that opens the notice
    calendar, _version = departments.working_calendar(session, office_id=office_id)
    today = clock.today(session)
    return calendar.due_date(today, 1).last_day, calendar.due_date(today, days).last_day, days


def waiting(session: Session, department: Department, *, limit: int = 500) -> list[Candidate]:
    """Everybody of this department at the publicity step: who can join a notice before who cannot and why, the longest waiting first.

    Whom the asking officer has reviewed, or must keep out of, cannot join a notice of theirs.
    """
    admissions = session.scalars(
        select(Admission)
        .where(Admission.department_id == department.id, Admission.step == Step.PUBLICITY)
        .options(joinedload(Admission.applicant), selectinload(Admission.specialties))
        .order_by(Admission.since, Admission.id)
        .limit(limit)
    ).all()
    elsewhere = shown_elsewhere(session, [admission.id for admission in admissions])
    restricted = restricted_people(session, [admission.applicant_id for admission in admissions], clock.today(session))
    asker = current()
    barred = duties.hindrances(session, admissions, staff_id=asker.id, act=Act.OPEN_NOTICE) if isinstance(asker, Staff) else {}

    def obstacle(admission: Admission) -> Obstacle | None:
        if admission.id in elsewhere:
            return Obstacle(admission, ON_ANOTHER_NOTICE, {"number": elsewhere[admission.id]})
        hindrance = barred.get(admission.id)
        # a missing declaration is no matter of this person's: the page says it once
        return kept_out(admission, hindrance) if hindrance is not None and hindrance.kind != duties.Kind.UNDECLARED else None

    found = [Candidate(a, obstacle(a), a.applicant_id in restricted) for a in admissions]
    return sorted(found, key=lambda candidate: candidate.obstacle is not None)


@dataclass(frozen=True)
class _Place:
    office_id: int


def offices_to_open(session: Session, actor: Principal) -> list[Office]:
    """The coordinating offices for which this officer may open notices."""
    offices = session.scalars(
        select(Office)
        .join(Department, Department.id == Office.department_id)
        .where(Office.is_coordinating, Department.is_centre.is_(False))
        .order_by(Office.department_id)
    )
    return [office for office in offices if may(actor, Act.OPEN_NOTICE, _Place(office.id))]


def coordinating_office(session: Session, department: Department) -> Office:
    """The department's one office that opens notices and rules on objections."""
    return session.scalars(
        select(Office).where(Office.department_id == department.id).order_by(Office.is_coordinating.desc(), Office.level).limit(1)
    ).one()


def officer_names(session: Session, whos: Iterable[str | None]) -> dict[str, str]:
    """`staff:12` → the officer's name, for those among `whos` that are officers; for pages that say who did it."""
    user = table("ab_user", column("id"), column("first_name"), column("last_name"))
    ids = {int(who[6:]): who for who in whos if who and who.startswith("staff:") and who[6:].isdecimal()}
    rows = session.execute(select(user.c.id, user.c.last_name, user.c.first_name).where(user.c.id.in_(ids)))
    return {ids[staff_id]: f"{last}{first}" for staff_id, last, first in rows}
