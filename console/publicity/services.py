"""Everything that is written about notices: opening, objecting, ruling. What happens when a window ends is in `closing`."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from console import audit, clock, codes, outbox, visibility
from console.applications import duties
from console.applications.answers import unseal
from console.applications.grounds import chosen
from console.applications.models import Admission, Applicant, Application, ApplicationSpecialty
from console.applications.pipeline import advance
from console.departments import queries as departments
from console.departments.models import Division, Office
from console.errors import N_, InvalidAnswers, NotAllowed
from console.publicity import queries
from console.publicity.closing import Closing, close_due, try_again
from console.publicity.errors import (
    NOT_AT_PUBLICITY,
    OF_ANOTHER_DEPARTMENT,
    ON_ANOTHER_NOTICE,
    AlreadyRuled,
    NobodyChosen,
    NotReady,
    Obstacle,
    WindowClosed,
    kept_out,
)
from console.publicity.foreseeing import would_admit
from console.publicity.models import Notice, NoticeItem, Objection, objection_ids
from console.publicity.queries import waiting
from console.roles import Act
from console.scope import Principal, Public, Staff, System, require
from rules.documents import canonical
from rules.pipeline import Action, Step

__all__ = ["Closing", "close_due", "object_to", "open_notice", "rule_on", "try_again", "waiting", "would_admit"]

LONGEST_GROUND = 4_000
SECRETS = ("objector", "contact")
_NUMBERING_LOCK = 7_402_621


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────


def open_notice(
    session: Session, office: Office, admissions: Sequence[Admission], *, actor: Principal, title: str | None = None
) -> Notice:
    """Put people on public display from the next working day, for as many working days as their releases say (第十二条).

    `office` is the department's coordinating office (`queries.coordinating_office`). Names, employers, places and
    specialties are copied into the notice as canonical text with its hash: a later correction of a file does not alter what was
    published. Members who met different releases get the longest of their windows.
    Raises NobodyChosen, NotDeclared, or NotReady with everybody who cannot join and why, those among them whom the opener has reviewed
    or must keep out of; then nothing is written.
    """
    if not admissions:
        raise NobodyChosen()
    now, today = clock.now(session), clock.today(session)
    notice = Notice(office_id=office.id, department_id=office.department_id, title="", opened_by=actor.who, opened_at=now)
    require(actor, Act.OPEN_NOTICE, notice)
    members = _lock_members(session, office, [admission.id for admission in admissions], actor)
    calendar, version = departments.working_calendar(session, office_id=office.id)
    days = queries.notice_days(session, {admission.release_id for admission in members})
    deadline = calendar.due_date(today, days)
    notice.number, batch = _number(session, office, today)
    notice.title = (title or "").strip() or f"关于 {today.year} 年第 {batch} 批拟入库评标专家的公示（{office.department.short_name}）"
    notice.opened_by_name = actor.name if isinstance(actor, Staff) else office.name
    notice.first_day = calendar.due_date(today, 1).last_day
    notice.last_day, notice.days = deadline.last_day, days
    notice.due_at = clock.at_midnight(deadline.due_on)
    notice.is_provisional, notice.calendar_version = deadline.provisional, version
    people = _people(session, members)
    notice.content = canonical(_content(notice, office, people))
    notice.content_hash = hashlib.sha256(notice.content.encode()).hexdigest()
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
        "notice.opened",
        f"notice:{notice.id}",
        division_code=office.division_code,
        number=notice.number,
        content_hash=notice.content_hash,
        admissions=[admission.id for admission in members],
        first_day=notice.first_day,
        last_day=notice.last_day,
    )
    outbox.publish(session, "notice.opened", [notice.id])
    return notice


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


def _people(session: Session, members: Sequence[Admission]) -> list[dict[str, Any]]:
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
    return [
        {
            "position": position,
            "name": names[member.applicant_id],
            "employer": str(unseal(filled[member.application_id]).get("employer") or "")[:120],
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


def _content(notice: Notice, office: Office, people: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "number": notice.number,
        "title": notice.title,
        "department": office.department.name,
        "office": office.name,
        "phone": office.phone,
        "opened_at": notice.opened_at.isoformat(),
        "first_day": notice.first_day.isoformat(),
        "last_day": notice.last_day.isoformat(),
        "days": notice.days,
        "people": people,
    }


# ── objecting ────────────────────────────────────────────────────────────────────────────────────────────────


def object_to(
    session: Session, item: NoticeItem, *, actor: Principal, objector: str, contact: str, ground: str
) -> Objection:
    """Say, with a name, that this person should not be admitted; holds this person only. The objection's `code` is for the objector.

    Anyone may, while the notice runs. The portal calls it as `Public()` even when somebody is signed in: who objects is not
    tied to an account. The row is written without being read back, because the public may not read objections.
    Raises InvalidAnswers (fields `objector`, `contact`, `ground`) or WindowClosed.
    """
    if not isinstance(actor, Public | System):
        require(actor, Act.RULE_ON_OBJECTION, item)  # an officer writes down what somebody says at the desk
    given = {"objector": objector.strip(), "contact": contact.strip(), "ground": ground.strip()}
    _check_words(given)
    notice = session.get_one(Notice, item.notice_id)
    now = clock.now(session)
    if now >= notice.due_at or notice.closed_at is not None:
        raise WindowClosed()
    made = Objection(
        id=session.scalar(objection_ids),
        code=codes.receipt(),
        notice_item_id=item.id,
        admission_id=item.admission_id,
        applicant_id=item.applicant_id,
        office_id=item.office_id,
        made_at=now,
        **given,
    )
    session.add(made)
    session.flush()
    # the foreign key waited for a closer at work on this item; what it did is visible now
    if session.scalar(select(NoticeItem.settled_at).where(NoticeItem.id == item.id)) is not None:
        raise WindowClosed()
    audit.record(session, "objection.made", f"objection:{made.id}", notice=notice.number, item=item.id)
    outbox.publish(session, "objection.received", [made.id])
    return made


def reveal(session: Session, objection: Objection, name: str, *, actor: Principal, reason: str) -> str:
    """Who objected, or how to reach them, for whoever may look behind the mask and says why; audited."""
    division = session.scalar(select(Admission.division_code).where(Admission.id == objection.admission_id))
    return visibility.unmask(
        session, f"objection.{name}", getattr(objection, name), actor=actor, row=objection, of=f"objection:{objection.id}",
        reason=reason, division_code=division, action="objection.revealed", admission=objection.admission_id,
    )  # fmt: skip


def _check_words(given: dict[str, str]) -> None:
    problems = {}
    if not 2 <= len(given["objector"]) <= 120:
        problems["objector"] = N_("请写明异议人的姓名或者单位名称，2 到 120 个字。")
    if not 5 <= len(given["contact"]) <= 120:
        problems["contact"] = N_("请留下能联系到您的电话或者邮箱。")
    if not 10 <= len(given["ground"]) <= LONGEST_GROUND:
        problems["ground"] = N_("请写明异议的事实和理由，10 到 4000 个字。")
    if problems:
        raise InvalidAnswers(problems)


def rule_on(
    session: Session, objection: Objection, *, actor: Principal, upheld: bool, ruling: str, grounds: Sequence[str] = ()
) -> Objection:
    """Decide an objection. Upheld: the person is refused with the ruling as the reason, on `grounds` of the department's
    `review.yaml`, at least one. Dismissed: the person goes on, and is admitted by the next sweep when the window is already over
    and nothing else is open.

    Not by whoever reviewed the file or must keep out of it. Raises AlreadyRuled, NotAllowed, what `duties` raises, InvalidAnswers
    (fields `ruling`, `grounds`).
    """
    require(actor, Act.RULE_ON_OBJECTION, objection)
    if isinstance(actor, Staff):
        about = session.get_one(Admission, objection.admission_id)
        duties.require_free(session, [about], staff_id=actor.id, act=Act.RULE_ON_OBJECTION)
    ruling, items = ruling.strip(), chosen(queries.bundle_of(session, objection), grounds) if upheld else []
    problems = {}
    if not 5 <= len(ruling) <= LONGEST_GROUND:
        problems["ruling"] = N_("请写明处理意见和依据，5 到 4000 个字。")
    if upheld and not items:
        problems["grounds"] = N_("异议成立的，请选出不予通过的依据，至少一条。")
    if problems:
        raise InvalidAnswers(problems)
    # the item first, as the closer does: whoever holds it decides about the person
    item = session.scalars(
        select(NoticeItem).where(NoticeItem.id == objection.notice_item_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    ruled_at = session.scalars(select(Objection.ruled_at).where(Objection.id == objection.id).with_for_update()).one()
    if ruled_at is not None:
        raise AlreadyRuled()
    now = clock.now(session)
    objection.upheld, objection.ruling = upheld, ruling
    objection.ruled_by, objection.ruled_at = actor.who, now
    session.flush()
    audit.record(
        session,
        "objection.upheld" if upheld else "objection.dismissed",
        f"objection:{objection.id}",
        reason=ruling,
        admission=objection.admission_id,
    )
    admission = session.get_one(Admission, objection.admission_id, populate_existing=True)
    if upheld and item.settled_at is None and admission.step == Step.PUBLICITY:
        advance(session, [admission], Action.REFUSE, actor=actor, reason=ruling, items=items)
        item.outcome, item.settled_at = queries.REFUSED, now
    if not upheld and not objection.is_recheck:  # nobody was told of a doubt of the re-check
        outbox.publish(session, "objection.dismissed", [objection.id])
    # a lease would only delay what the ruling has made possible
    session.execute(update(Notice).where(Notice.id == item.notice_id).values(claimed_until=None))
    session.flush()
    return objection


# ── people who leave a notice by themselves ──────────────────────────────────────────────────────────────────


def settle_withdrawn(session: Session, admission_ids: Sequence[int], *, actor: Principal) -> int:
    """Note on their notices that these people have withdrawn; returns how many were. Safe to run twice."""
    if not isinstance(actor, System):
        raise NotAllowed()
    gone = select(Admission.id).where(Admission.id.in_(admission_ids), Admission.step == Step.WITHDRAWN)
    settled = session.execute(
        update(NoticeItem)
        .where(NoticeItem.admission_id.in_(gone), NoticeItem.settled_at.is_(None))
        .values(outcome=queries.WITHDRAWN, settled_at=clock.now(session))
        .returning(NoticeItem.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(settled)
