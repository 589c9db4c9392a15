"""What officers look at: their queue, the work of their offices in numbers, and who may hold what.

Every row comes through the principal's scope; nothing here narrows by office itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, and_, column, func, or_, select, table, text
from sqlalchemy.orm import Session, selectinload

from console import clock
from console.applications.models import Admission, Applicant, ApplicationSpecialty, StepEntry
from console.departments.models import Division
from console.errors import NotFound
from console.reviews.levels import LEVELS, REVIEW_STEPS
from console.reviews.models import Review
from console.scope import Principal, Staff
from rules.pipeline import CLOSED_STEPS, OPEN_STEPS, Action, Step

PAGE = 25
VIEWS = ("mine", "unassigned", "overdue", "office", "returned", "closed")

# Flask-AppBuilder's table of people; a plain table keeps its package out of the rooms
_staff = table("ab_user", column("id"), column("first_name"), column("last_name"), column("active"))
_full_name = func.concat(_staff.c.last_name, _staff.c.first_name, type_=String)


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
    after: str = "",
    before: str = "",
    size: int = PAGE,
) -> QueuePage:
    """Files of one view, most urgent first; closed ones latest first. `after` and `before` are cursors of another page."""
    statement = _lines().where(_of_view(session, actor, view))
    if step:
        statement = statement.where(Admission.step == step)
    if division:
        statement = statement.where(Admission.division_code.startswith(division.rstrip("0"), autoescape=True))
    if condition:
        statement = statement.where(_CONDITIONS.get(condition, Admission.id.is_not(None)))
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


def _lines() -> Select[Any]:
    return (
        select(Admission, Applicant.name, Division.name, Division.name_en, _full_name.label("holder"))
        .join(Applicant, Applicant.id == Admission.applicant_id)
        .join(Division, Division.code == Admission.division_code)
        .outerjoin(_staff, _staff.c.id == Admission.holder_id)
        .options(selectinload(Admission.specialties))
    )


def _of_view(session: Session, actor: Principal, view: str) -> Any:
    in_review = Admission.step.in_(REVIEW_STEPS)
    if view == "mine":
        return and_(in_review, Admission.holder_id == (actor.id if isinstance(actor, Staff) else 0))
    if view == "unassigned":
        return and_(in_review, Admission.holder_id.is_(None))
    if view == "overdue":
        return and_(in_review, Admission.due_at <= clock.now(session))
    if view == "returned":
        return Admission.step == Step.CORRECTION
    if view == "closed":
        return Admission.step.in_([str(step) for step in CLOSED_STEPS])
    return Admission.step.in_([str(step) for step in OPEN_STEPS])


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


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StepCount:
    """How many open files lie at a step, how many of them are mine, nobody's, and late."""

    step: str
    count: int
    mine: int
    unassigned: int
    overdue: int


def counts_by_step(session: Session, actor: Principal) -> list[StepCount]:
    """The open files within scope, one row per step that has any, in the order of the walk; one statement."""
    me = actor.id if isinstance(actor, Staff) else 0
    waiting = Admission.step.in_(REVIEW_STEPS)
    rows = session.execute(
        select(
            Admission.step,
            func.count(),
            func.count().filter(and_(waiting, Admission.holder_id == me)),
            func.count().filter(and_(waiting, Admission.holder_id.is_(None))),
            func.count().filter(and_(waiting, Admission.due_at <= clock.now(session))),
        )
        .where(Admission.step.in_([str(step) for step in OPEN_STEPS]))
        .group_by(Admission.step)
    )
    order = {str(step): at for at, step in enumerate(OPEN_STEPS)}
    return sorted((StepCount(*row) for row in rows), key=lambda row: order[row.step])


@dataclass(frozen=True)
class Week:
    """A week, named by its Monday: files that came to review and files that left it."""

    monday: dt.date
    came: int
    left: int


def weeks(session: Session, *, count: int = 12) -> list[Week]:
    """The last weeks of review within scope, oldest first, empty weeks included."""
    today = clock.today(session)
    first = today - dt.timedelta(days=today.weekday() + 7 * (count - 1))
    monday = func.date_trunc("week", func.timezone(clock.ZONE.key, StepEntry.at))
    came = StepEntry.to_step.in_(REVIEW_STEPS)
    left = StepEntry.from_step.in_(REVIEW_STEPS)
    rows = session.execute(
        select(monday, func.count().filter(came), func.count().filter(left))
        .where(StepEntry.at >= clock.at_midnight(first), or_(came, left))
        .group_by(monday)
    )
    found = {at.date(): (in_, out) for at, in_, out in rows}
    days = (first + dt.timedelta(weeks=n) for n in range(count))
    return [Week(day, *found.get(day, (0, 0))) for day in days]


@dataclass(frozen=True)
class EndingNotice:
    """A public notice of these offices whose window closes soon."""

    id: int
    number: str
    title: str
    people: int
    first_day: dt.date
    last_day: dt.date


def ending_notices(session: Session, *, most: int = 4) -> list[EndingNotice]:
    """Open notices within scope, the one that closes first on top.

    Asked of the tables themselves, so that this room need not know the room that opens notices; the wall narrows them.
    """
    notice = table("notice", *(column(n) for n in ("id", "number", "title", "first_day", "last_day", "closed_at", "due_at")))
    item = table("notice_item", column("notice_id"))
    people = select(func.count()).where(item.c.notice_id == notice.c.id).scalar_subquery()
    rows = session.execute(
        select(notice.c.id, notice.c.number, notice.c.title, people, notice.c.first_day, notice.c.last_day)
        .where(notice.c.closed_at.is_(None), notice.c.due_at > clock.now(session))
        .order_by(notice.c.due_at, notice.c.id)
        .limit(most)
    )
    return [EndingNotice(*row) for row in rows]


@dataclass(frozen=True)
class StaffMessage:
    """A message to an office: known events are said in the reader's language, others as they were written."""

    event: str
    text: str
    written_at: dt.datetime
    admission_id: int | None
    number: str | None


def staff_messages(session: Session, *, most: int = 5) -> list[StaffMessage]:
    """The latest messages to these offices (站内信) of the last fourteen days; asked of the table itself, see above."""
    message = table(
        "staff_message", *(column(n) for n in ("id", "office_id", "admission_id", "event", "text", "written_at"))
    )
    since = clock.now(session) - dt.timedelta(days=14)
    rows = session.execute(
        select(message.c.event, message.c.text, message.c.written_at, Admission.id, Admission.number)
        .select_from(message)
        .outerjoin(Admission, Admission.id == message.c.admission_id)
        .where(message.c.written_at > since)
        .order_by(message.c.id.desc())
        .limit(most)
    )
    return [StaffMessage(*row) for row in rows]


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


def draft_of(session: Session, admission: Admission, level: str) -> Review | None:
    """The review under way at this level."""
    return session.scalars(
        select(Review).where(
            Review.admission_id == admission.id, Review.level == level, Review.decision.is_(None)
        )
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


def acted_elsewhere(session: Session, admission: Admission, who: str) -> bool:
    """True when this person decided at another review step of the file."""
    return bool(
        session.scalar(
            select(func.count())
            .select_from(StepEntry)
            .where(
                StepEntry.admission_id == admission.id,
                StepEntry.who == who,
                StepEntry.from_step.in_(REVIEW_STEPS),
                StepEntry.from_step != admission.step,
            )
        )
    )


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


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    id: int
    name: str


def staff_names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Names by id."""
    wanted = {staff_id for staff_id in ids if staff_id is not None}
    if not wanted:
        return {}
    return dict(session.execute(select(_staff.c.id, _full_name).where(_staff.c.id.in_(wanted))).all())


_REVIEWERS = text("""
    SELECT DISTINCT o.id AS office_id, g.role, u.id AS staff_id, concat(u.last_name, u.first_name) AS name
    FROM staff_grant g
    JOIN ab_user u ON u.id = g.staff_id AND u.active
    JOIN division d ON d.code = g.division_code
    JOIN office o ON o.id = ANY(:offices) AND (g.department_id IS NULL OR g.department_id = o.department_id)
                 AND starts_with(o.division_code, left(d.code, d.level * 2))
    WHERE g.role = ANY(:roles) AND g.ended_at IS NULL AND g.valid_from <= :now AND (g.valid_to IS NULL OR g.valid_to > :now)
    ORDER BY name, staff_id
""")


def able_to_review(session: Session, admissions: Sequence[Admission]) -> dict[int, list[Person]]:
    """Who may hold each file: a valid grant over its office for its step, and no decision at another step of it."""
    if not admissions:
        return {}
    rows = session.execute(
        _REVIEWERS,
        {
            "offices": sorted({a.office_id for a in admissions}),
            "roles": sorted({str(level.role) for level in LEVELS.values()}),
            "now": clock.now(session),
        },
    ).all()
    acted = set(
        session.execute(
            select(StepEntry.admission_id, StepEntry.from_step, StepEntry.who).where(
                StepEntry.admission_id.in_([a.id for a in admissions]), StepEntry.from_step.in_(REVIEW_STEPS)
            )
        )
    )
    able: dict[int, list[Person]] = {}
    for admission in admissions:
        role = str(LEVELS[admission.step].role) if admission.step in LEVELS else ""
        elsewhere = {who for row_id, step, who in acted if row_id == admission.id and step != admission.step}
        able[admission.id] = [
            Person(row.staff_id, row.name)
            for row in rows
            if row.office_id == admission.office_id and row.role == role and f"staff:{row.staff_id}" not in elsewhere
        ]
    return able


def reviewers_for(session: Session, admission: Admission) -> list[Person]:
    return able_to_review(session, [admission])[admission.id]


def loads(session: Session) -> dict[int, int]:
    """Officer → files in hand at a review step, within scope."""
    return dict(
        session.execute(
            select(Admission.holder_id, func.count())
            .where(Admission.step.in_(REVIEW_STEPS), Admission.holder_id.is_not(None))
            .group_by(Admission.holder_id)
        )
        .all()
    )


# ── the centre ───────────────────────────────────────────────────────────────────────────────────────────────


def unclaimed(session: Session, *, most: int = 100) -> list[Line]:
    """Files no department claims, oldest first: the centre names one."""
    statement = _lines().where(Admission.step == Step.ASSIGNMENT).order_by(Admission.id).limit(most)
    return [Line(*row) for row in session.execute(statement)]

