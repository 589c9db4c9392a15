"""Opening a notice: who joins, what is frozen, and the window, which is counted from the day on which it is published."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.applications import duties
from console.applications.answers import unseal
from console.applications.models import Admission, Applicant, Application, ApplicationSpecialty
from console.departments import queries as departments
from console.departments.models import Division, Office
from console.errors import NotAllowed
from console.publicity import queries
from console.publicity.errors import (
    NOT_AT_PUBLICITY,
    OF_ANOTHER_DEPARTMENT,
    ON_ANOTHER_NOTICE,
    NobodyChosen,
    NotInTime,
    NotReady,
    Obstacle,
    kept_out,
)
from console.publicity.models import Notice, NoticeItem
from console.roles import Act
from console.scope import Principal, Staff, System, require
from rules.documents import canonical
from rules.pipeline import Step

ALL_LEFT = "公布以前，名单上的人都已撤回申报"
FARTHEST = dt.timedelta(days=60)  # a date further ahead is a slip of the pen
_NUMBERING_LOCK = 7_402_621


def open_notice(
    session: Session,
    office: Office,
    admissions: Sequence[Admission],
    *,
    actor: Principal,
    title: str | None = None,
    publish_at: dt.datetime | None = None,
    replaces: Replaced | None = None,
) -> Notice:
    """Freeze a list of people and put it on public display, for as many working days as their releases say (第十二条): now, or at
    `publish_at`. Until then nobody outside sees it and it can be withdrawn; the window begins the working day after it is public.

    `office` is the department's coordinating office (`queries.coordinating_office`). Names, employers, places and
    specialties are copied into the notice as canonical text with its hash: a later correction of a file does not alter what was
    published. Members who met different releases get the longest of their windows.
    Raises NobodyChosen, NotInTime, NotDeclared, or NotReady with everybody who cannot join and why, those among them whom the opener has
    reviewed or must keep out of; then nothing is written.
    """
    if not admissions:
        raise NobodyChosen()
    now = clock.now(session)
    if publish_at is not None and not now < publish_at <= now + FARTHEST:
        raise NotInTime(days=FARTHEST.days)
    notice = Notice(
        office_id=office.id, department_id=office.department_id, title="", opened_by=actor.who, opened_at=now, publish_at=publish_at
    )
    require(actor, Act.OPEN_NOTICE, notice)
    members = _lock_members(session, office, [admission.id for admission in admissions], actor)
    notice.days = queries.notice_days(session, {admission.release_id for admission in members})
    day = clock.day_of(publish_at or now)
    _count_window(session, notice, day)
    notice.number, batch = _number(session, office, day)
    notice.title = (title or "").strip() or f"关于 {day.year} 年第 {batch} 批拟入库评标专家的公示（{office.department.short_name}）"
    notice.opened_by_name = actor.name if isinstance(actor, Staff) else office.name
    notice.replaces_id = replaces.notice.id if replaces else None
    people = _people(session, members, replaces.printed if replaces else {})
    notice.content = canonical(_content(notice, office, people, replaces))
    notice.content_hash = hashlib.sha256(notice.content.encode()).hexdigest()
    if publish_at is None:
        _make_public(session, notice)
    session.add(notice)
    session.flush()
    session.add_all(
        NoticeItem(
            notice_id=notice.id,
            admission_id=admission.id,
            applicant_id=admission.applicant_id,
            office_id=office.id,
            position=person["position"],
            name=person["name"],
            employer=person["employer"],
            specialties=person["specialties"],
        )
        for admission, person in zip(members, people, strict=True)
    )
    session.flush()
    audit.record(
        session,
        "notice.scheduled" if publish_at else "notice.opened",
        f"notice:{notice.id}",
        division_code=office.division_code,
        number=notice.number,
        content_hash=notice.content_hash,
        admissions=[admission.id for admission in members],
        **({"publish_at": publish_at.isoformat()} if publish_at else {"first_day": notice.first_day, "last_day": notice.last_day}),
        **({"replaces": replaces.notice.number} if replaces else {}),
    )
    if publish_at is None:
        outbox.publish(session, "notice.opened", [notice.id])
    return notice


@dataclass(frozen=True)
class Replaced:
    """The notice whose people a new one takes over, why, and how some of them are printed now: admission id → name, employer."""

    notice: Notice
    reason: str
    printed: Mapping[int, tuple[str, str]] = field(default_factory=dict)


def _count_window(session: Session, notice: Notice, day: dt.date) -> None:
    """The window of a notice that is published on this day."""
    calendar, version = departments.working_calendar(session, office_id=notice.office_id)
    deadline = calendar.due_date(day, notice.days)
    notice.first_day, notice.last_day = calendar.due_date(day, 1).last_day, deadline.last_day
    notice.due_at = clock.at_midnight(deadline.due_on)
    notice.is_provisional, notice.calendar_version = deadline.provisional, version


def _make_public(session: Session, notice: Notice) -> None:
    notice.published_at = clock.now(session)
    notice.is_probed = not clock.is_simulated(session)  # a clock that jumps has no five minutes to look in
    notice.claimed_until = None


# ── when the time has come ───────────────────────────────────────────────────────────────────────────────────


def is_to_publish() -> ColumnElement[bool]:
    """SQL on Notice, for the sweep: it waits for its time."""
    return Notice.published_at.is_(None) & Notice.closed_at.is_(None)


def publish_due(session: Session, notice_ids: Sequence[int], *, actor: Principal) -> list[Notice]:
    """Make those of these notices public whose time has come; each once, however often and by however many it is run.

    The window is counted from today, later than planned when the house stood still. Who has left meanwhile is not put on the board any more:
    their line is taken out, which is no rewriting, because nobody has seen it; a notice on which nobody is left is withdrawn.
    """
    if not isinstance(actor, System):
        raise NotAllowed()
    now = clock.now(session)
    notices = session.scalars(
        select(Notice)
        .where(Notice.id.in_(notice_ids), Notice.publish_at <= now, is_to_publish())
        .order_by(Notice.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    published = []
    for notice in notices:
        before, stay = notice.content_hash, _take_out_who_left(session, notice, now)
        if not stay:
            notice.withdrawn_at, notice.withdrawn_by, notice.withdrawn_reason = now, actor.who, ALL_LEFT
            notice.closed_at, notice.claimed_until = now, None
            audit.record(session, "notice.withdrawn", f"notice:{notice.id}", reason=ALL_LEFT, number=notice.number)
            continue
        _count_window(session, notice, clock.day_of(now))
        _make_public(session, notice)
        audit.record(
            session,
            "notice.published",
            f"notice:{notice.id}",
            division_code=session.scalar(select(Office.division_code).where(Office.id == notice.office_id)),
            number=notice.number,
            content_hash=notice.content_hash,
            first_day=notice.first_day,
            last_day=notice.last_day,
            **({"frozen_as": before} if before != notice.content_hash else {}),
        )
        published.append(notice)
    session.flush()
    outbox.publish(session, "notice.opened", [notice.id for notice in published])
    return published


def _take_out_who_left(session: Session, notice: Notice, now: dt.datetime) -> int:
    """How many people are still to be shown."""
    rows = session.execute(
        select(NoticeItem, Admission.step)
        .join(Admission, Admission.id == NoticeItem.admission_id)
        .where(NoticeItem.notice_id == notice.id)
        .with_for_update(of=NoticeItem)
    ).all()
    gone = [item for item, step in rows if step != Step.PUBLICITY or item.settled_at is not None]
    if gone:
        left = {item.position for item in gone}
        content = json.loads(notice.content)
        content["people"] = [person for person in content["people"] if person["position"] not in left]
        notice.content = canonical(content)
        notice.content_hash = hashlib.sha256(notice.content.encode()).hexdigest()
        for item in gone:
            item.outcome, item.settled_at = item.outcome or queries.WITHDRAWN, item.settled_at or now
    return len(rows) - len(gone)


def _lock_members(session: Session, office: Office, admission_ids: list[int], actor: Principal) -> list[Admission]:
    """The files, locked so that nobody else puts them on a notice meanwhile; NotReady unless every one may join."""
    members = session.scalars(
        select(Admission)
        .where(Admission.id.in_(admission_ids))
        .order_by(Admission.id)
        .with_for_update(of=Admission)
        .execution_options(populate_existing=True)
    ).all()
    elsewhere = queries.shown_elsewhere(session, [member.id for member in members])
    barred = duties.hindrances(session, members, staff_id=actor.id, act=Act.OPEN_NOTICE) if isinstance(actor, Staff) else {}
    if (late := next((h for h in barred.values() if h.kind == duties.Kind.UNDECLARED), None)) is not None:
        raise duties.error_of(late)
    obstacles = []
    for member in members:
        if member.department_id != office.department_id:
            obstacles.append(Obstacle(member, OF_ANOTHER_DEPARTMENT))
        elif member.step != Step.PUBLICITY:
            obstacles.append(Obstacle(member, NOT_AT_PUBLICITY))
        elif member.id in elsewhere:
            obstacles.append(Obstacle(member, ON_ANOTHER_NOTICE, {"number": elsewhere[member.id]}))
        elif member.id in barred:
            obstacles.append(kept_out(member, barred[member.id]))
    if obstacles:
        raise NotReady(obstacles)
    if len(members) < len(set(admission_ids)):
        raise NotAllowed()  # some are not this officer's to see
    return list(members)


def _number(session: Session, office: Office, today: dt.date) -> tuple[str, int]:
    """A number from the sequence, and which batch of its department this is in the year."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(:lock, :department)"),
        {"lock": _NUMBERING_LOCK, "department": office.department_id},
    )
    earlier = session.scalar(
        select(func.count(Notice.id)).where(
            Notice.department_id == office.department_id,
            Notice.opened_at >= clock.at_midnight(dt.date(today.year, 1, 1)),
        )
    )
    return f"GS{today.year}-{session.scalar(func.nextval('notice_number_seq')):05d}", 1 + (earlier or 0)


def _people(session: Session, members: Sequence[Admission], printed: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """What is shown of each person, in the order of their names' positions. No identity number, phone or address."""
    names = dict(
        session.execute(select(Applicant.id, Applicant.name).where(Applicant.id.in_([m.applicant_id for m in members]))).all()
    )
    filled: dict[int, dict[str, Any]] = dict(
        session.execute(
            select(Application.id, Application.answers).where(Application.id.in_([m.application_id for m in members]))
        ).all()
    )
    chosen: dict[int, list[dict[str, str]]] = {m.id: [] for m in members}
    for row in session.scalars(
        select(ApplicationSpecialty)
        .where(ApplicationSpecialty.admission_id.in_(chosen))
        .order_by(ApplicationSpecialty.standard, ApplicationSpecialty.code)
    ):
        chosen[row.admission_id].append({"standard": row.standard, "code": row.code, "name": row.specialty.name})
    places = _places(session, {member.division_code for member in members})
    file = {m.id: (names[m.applicant_id], str(unseal(filled[m.application_id]).get("employer") or "")[:120]) for m in members} | dict(printed)
    return [
        {
            "position": position,
            "name": file[member.id][0],
            "employer": file[member.id][1],
            "division": places[member.division_code],
            "specialties": chosen[member.id],
        }
        for position, member in enumerate(members, start=1)
    ]


def _places(session: Session, codes: set[str]) -> dict[str, str]:
    """Code → “呼和浩特市赛罕区”: the league in front of the banner."""
    wanted = codes | {code[:4] + "00" for code in codes}
    names = dict(session.execute(select(Division.code, Division.name).where(Division.code.in_(wanted))).all())
    leagues = {code: names.get(code[:4] + "00", "") for code in codes}
    return {code: names[code] if names[code] == leagues[code] else leagues[code] + names[code] for code in codes}


def _content(notice: Notice, office: Office, people: list[dict[str, Any]], replaces: Replaced | None) -> dict[str, Any]:
    """What is frozen. A notice that waits does not know its window yet: it says when it is to be public, and for how many working days."""
    days: dict[str, Any] = {"first_day": notice.first_day.isoformat(), "last_day": notice.last_day.isoformat()}
    if notice.publish_at is not None:
        days = {"publish_at": notice.publish_at.isoformat()}
    if replaces is not None:
        days["replaces"] = {"number": replaces.notice.number, "sha256": replaces.notice.content_hash, "reason": replaces.reason}
    return days | {
        "number": notice.number,
        "title": notice.title,
        "department": office.department.name,
        "office": office.name,
        "phone": office.phone,
        "opened_at": notice.opened_at.isoformat(),
        "days": notice.days,
        "people": people,
    }


