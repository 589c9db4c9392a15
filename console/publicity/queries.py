"""What is on the board, who is held, what waits for the coordinator. Read by the console, by the portal's public pages and by jobs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, column, func, select, table, text
from sqlalchemy.orm import Session, joinedload, selectinload

from console import clock
from console.applications import duties
from console.applications.models import Admission, Applicant, RestrictionEntry
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.departments.models import Department, Office
from console.errors import NotFound
from console.publicity.errors import ON_ANOTHER_NOTICE, Obstacle, kept_out
from console.publicity.models import Notice, NoticeCorrection, NoticeExtension, NoticeItem, Objection
from console.publicity.proof import Proof, original_last_day, proof_of
from console.roles import Act
from console.scope import Principal, Staff, current, may
from rules.bundle import Bundle
from rules.pipeline import Step
from rules.working_days import Term

RECENT_DAYS = 30  # how long a closed notice stays on the board's front page; its own address works for good

SHOWN, HELD, ADMITTED, REFUSED, WITHDRAWN = "shown", "held", "admitted", "refused", "withdrawn"
OFF = REISSUED, TAKEN_OFF = "reissued", "taken_off"  # no longer on this notice: on another one, or waiting for one


def open_objection(item_id: Any) -> Any:
    """SQL: somebody objected to this item and nobody has ruled yet."""
    return select(Objection.id).where(Objection.notice_item_id == item_id, Objection.ruled_at.is_(None)).exists()


# ── the board ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class BoardLine:
    """A notice as the board lists it."""

    notice: Notice
    people: int

    @property
    def number(self) -> str:
        return self.notice.number


@dataclass(frozen=True)
class Board:
    """`in_force`: the window is open on that day, the soonest end first; `recent`: ended within the last month, newest first."""

    in_force: list[BoardLine]
    recent: list[BoardLine]


def notices_on_board(session: Session, on: dt.date) -> Board:
    """Every notice a visitor should find on this day. Works for everyone, officers see those of their offices."""
    people = (
        select(NoticeItem.notice_id, func.count().label("people")).group_by(NoticeItem.notice_id).subquery("people_shown")
    )
    rows = session.execute(
        select(Notice, people.c.people)
        .join(people, people.c.notice_id == Notice.id)
        .where(Notice.published_at.is_not(None), Notice.last_day >= on - dt.timedelta(days=RECENT_DAYS))
        .options(joinedload(Notice.department))
        .order_by(Notice.last_day, Notice.id)
    )
    lines = [BoardLine(notice, count) for notice, count in rows]
    ended = [line for line in lines if line.notice.last_day < on or line.notice.withdrawn_at]
    return Board([line for line in lines if line not in ended], ended[::-1])


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


# ── one notice ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    """One person as the frozen content says, what has become of them (`state`), and what was corrected since, the latest last."""

    item: NoticeItem
    position: int
    name: str
    employer: str
    division: str
    specialties: list[dict[str, str]]
    state: str
    corrections: tuple[NoticeCorrection, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in (SHOWN, HELD)

    @property
    def now_name(self) -> str:
        """With what was corrected."""
        return self.corrections[-1].name if self.corrections else self.name

    @property
    def now_employer(self) -> str:
        return self.corrections[-1].employer if self.corrections else self.employer


@dataclass(frozen=True)
class WindowDay:
    """A day of the window, for drawing it as a calendar. `state`: past, today, ahead, or off; `is_longer`: the window did not reach it at first."""

    day: dt.date
    state: str
    is_longer: bool


@dataclass(frozen=True)
class NoticePage:
    """A notice with its people, its clock and the proof that nobody changed it.

    A door draws the clock with `templates/notice_clock.html`, the deadline by `console.doors.deadlines.drawn(page.term, today=page.today)`.
    """

    notice: Notice
    office: Office
    people: tuple[Person, ...]
    sha256: str
    sm3: str
    now: dt.datetime
    today: dt.date
    is_open: bool
    term: Term
    proof: Proof
    follows: Notice | None = None
    followed_by: tuple[Notice, ...] = ()

    @property
    def announced_last_day(self) -> dt.date:
        """As it was when the notice was published; `last_day` is later when the window was extended."""
        return original_last_day(self.notice, self.proof.extensions)

    @property
    def window_days(self) -> tuple[WindowDay, ...]:
        """Every day from the first to the last."""
        days = [self.first_day + dt.timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        return tuple(WindowDay(day, self._state(day), day > self.announced_last_day) for day in days)

    def _state(self, day: dt.date) -> str:
        if not self.term.calendar.is_workday(day):
            return "off"
        return "past" if day < self.today else "today" if day == self.today else "ahead"

    @property
    def days_gone(self) -> int:
        """Working days that are over."""
        return sum(day.state == "past" for day in self.window_days)

    @property
    def days_left(self) -> int:
        """Working days that are not over, today among them."""
        return sum(day.state in ("today", "ahead") for day in self.window_days)

    @property
    def corrections(self) -> list[NoticeCorrection]:
        return sorted((one for person in self.people for one in person.corrections), key=lambda one: one.id)

    @property
    def first_day(self) -> dt.date:
        return self.notice.first_day

    @property
    def last_day(self) -> dt.date:
        return self.notice.last_day

    @property
    def is_intact(self) -> bool:
        """The text still has the fingerprint it was published with."""
        return self.sha256 == self.notice.content_hash

    def count(self, *states: str) -> int:
        return sum(person.state in states for person in self.people)


def notice_page(session: Session, number: str) -> NoticePage:
    """A notice by its public number, as anyone may see it; NotFound when there is none (or not for this officer).

    Names and specialties are read from the frozen text, never from the file; that somebody is held is public, why is not.
    """
    notice = session.scalar(
        select(Notice)
        .where(Notice.number == number)
        .options(joinedload(Notice.department), joinedload(Notice.office), selectinload(Notice.items))
    )
    if notice is None:
        raise NotFound()
    held = held_items(session, notice)
    frozen = frozen_people(notice)
    corrected = corrections_of(session, notice)
    people = []
    for item in notice.items:
        if (row := frozen.get(item.position)) is None:
            continue  # left before anybody saw the notice
        state = item.outcome or (HELD if item.id in held else SHOWN)
        people.append(
            Person(
                item, item.position, row["name"], row["employer"], row["division"], row["specialties"], state, tuple(corrected.get(item.id, ()))
            )
        )  # fmt: skip
    now = clock.now(session)
    return NoticePage(
        notice=notice,
        office=notice.office,
        people=tuple(people),
        sha256=hashlib.sha256(notice.content.encode()).hexdigest(),
        sm3=hashlib.new("sm3", notice.content.encode()).hexdigest(),
        now=now,
        today=clock.day_of(now),
        is_open=notice.published_at is not None and notice.withdrawn_at is None and now < notice.due_at,
        term=Reckoning(session).term_of_notice(notice),
        proof=proof_of(session, notice),
        follows=session.scalar(select(Notice).where(Notice.id == notice.replaces_id)) if notice.replaces_id else None,
        followed_by=tuple(session.scalars(select(Notice).where(Notice.replaces_id == notice.id).order_by(Notice.id))),
    )


def held_items(session: Session, notice: Notice) -> set[int]:
    """Who of this notice is held by an objection; that they are is public."""
    return set(session.scalars(text("SELECT ruku_held_items(:notice)"), {"notice": notice.id}))


def frozen_people(notice: Notice) -> dict[int, dict[str, Any]]:
    """Position → the person as published."""
    return {row["position"]: row for row in json.loads(notice.content)["people"]}


def corrections_of(session: Session, notice: Notice) -> dict[int, list[NoticeCorrection]]:
    """Item id → what was corrected of that person, in order."""
    found: dict[int, list[NoticeCorrection]] = {}
    for made in session.scalars(select(NoticeCorrection).where(NoticeCorrection.notice_id == notice.id).order_by(NoticeCorrection.id)):
        found.setdefault(made.notice_item_id, []).append(made)
    return found


def printed(session: Session, notice: Notice) -> dict[int, tuple[str, str]]:
    """Item id → name and employer as they stand now: published, or corrected since."""
    lines = select(NoticeItem.id, NoticeItem.name, NoticeItem.employer).where(NoticeItem.notice_id == notice.id)
    as_published = {item_id: (name, employer) for item_id, name, employer in session.execute(lines)}
    return as_published | {item_id: (made[-1].name, made[-1].employer) for item_id, made in corrections_of(session, notice).items()}


def notice_item(session: Session, item_id: int) -> NoticeItem:
    """One person on a notice, for the objection form; NotFound when there is none."""
    item = session.scalar(select(NoticeItem).where(NoticeItem.id == item_id).options(joinedload(NoticeItem.notice)))
    if item is None:
        raise NotFound()
    return item


def notice_of(session: Session, admission: Admission) -> Notice | None:
    """The notice that shows this file now, or showed it last; for the applicant's status page."""
    return session.scalar(
        select(Notice)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(NoticeItem.admission_id == admission.id, Notice.published_at.is_not(None), func.coalesce(NoticeItem.outcome, "").not_in(OFF))
        .order_by(Notice.id.desc())
        .limit(1)
    )


# ── objections ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ObjectionState:
    """What the holder of the code may know: `state` is `open`, `upheld`, `dismissed` or `withdrawn`; `rule_by` is 00:00 after the last day
    on which an answer is due."""

    state: str
    made_at: dt.datetime
    ruled_at: dt.datetime | None
    ruling: str | None
    notice: str
    rule_by: dt.datetime | None

    @property
    def answer_day(self) -> dt.date | None:
        return clock.day_of(self.rule_by) - dt.timedelta(days=1) if self.rule_by else None


def objection_by_code(session: Session, code: str) -> ObjectionState:
    """The answer to an objector who kept the code; works for anyone, and shows nothing but the state and the ruling."""
    row = session.execute(
        text("SELECT state, made_at, ruled_at, ruling, notice, rule_by FROM ruku_objection_state(:code)"),
        {"code": code.strip().upper()[:20]},
    ).first()
    if row is None:
        raise NotFound()
    return ObjectionState(*row)


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


# ── what waits for a notice ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Candidate:
    """Somebody at the publicity step. `obstacle`: why they cannot join a notice now; `restricted`: they are on the joint list,
    and would be refused when the notice ends."""

    admission: Admission
    obstacle: Obstacle | None = None
    restricted: bool = False


def shown_elsewhere(session: Session, admission_ids: Sequence[int]) -> dict[int, str]:
    """Admission id → number of the notice on which it is shown and not settled."""
    rows = session.execute(
        select(NoticeItem.admission_id, Notice.number)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(NoticeItem.admission_id.in_(admission_ids), NoticeItem.settled_at.is_(None))
    )
    return dict(rows.all())


def restricted_people(session: Session, applicants: Sequence[int], on: dt.date) -> dict[int, list[RestrictionEntry]]:
    """Applicant id → entries of the joint restriction list that hold on this day."""
    rows = session.execute(
        select(Applicant.id, RestrictionEntry)
        .join(RestrictionEntry, RestrictionEntry.id_number_hash == Applicant.id_number_hash)
        .where(
            Applicant.id.in_(applicants),
            RestrictionEntry.valid_from <= on,
            (RestrictionEntry.valid_to.is_(None)) | (RestrictionEntry.valid_to >= on),
        )
        .order_by(RestrictionEntry.id)
    )
    found: dict[int, list[RestrictionEntry]] = {}
    for applicant_id, entry in rows:
        found.setdefault(applicant_id, []).append(entry)
    return found


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
