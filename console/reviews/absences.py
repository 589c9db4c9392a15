"""Absence and delegation (缺勤、代办): entered by the officer or a coordinator, agreed to by a coordinator, begun by the clock, ended early by either.

An absence takes nobody's rights and gives none: while it lasts no file is handed to the officer, what they hold is shown as standing still, and the delegate
may take it if their own grants and duties allow. When it begins, what falls due before it ends must not lie: to a delegate whom a coordinator named or
agreed to, those files go at once, because handing out work is a coordinator's act and theirs alone; whatever cannot go is told to the office and to the
coordinating one. A delegate whom the officer named alone is only offered the files: who decides a file is not chosen by one reviewer alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts.models import StaffAccount
from console.applications import duties
from console.applications.models import Admission
from console.departments.calendars import Reckoning
from console.errors import N_, Conflict, NotAllowed, NotFound
from console.reviews import distribution, people, queries, reminders
from console.reviews.errors import NotEntered, Problem
from console.reviews.levels import LEVELS, REVIEW_STEPS
from console.reviews.models import Absence
from console.roles import ROLES, Act
from console.scope import Principal, Staff, may, require

LOCK = 7_402_650  # advisory lock class: of two absences of one person entered at once, the second is compared with the first
LONGEST = 366  # days ahead
REASON_LEAST, REASON_MOST = 2, 200
PAST = 60  # days for which an absence that is over is still listed
MOST = 200


class OverAlready(Conflict):
    message = N_("这段缺勤已经结束了。")


class NobodyNamed(Conflict):
    message = N_("这段缺勤没有写代办人，不用同意。要指定代办人，请结束它，另填一段。")


class NotYourOwn(NotAllowed):
    message = N_("自己的代办须由另一位统筹协调员同意。")


# ── entering ─────────────────────────────────────────────────────────────────────────────────────────────────


def enter(
    session: Session, staff_id: int, *, from_on: dt.date | None, to_on: dt.date | None, reason: str, delegate_id: int | None, actor: Principal
) -> Absence:
    """The officer's own, or by a coordinator of their office: NotEntered by field, NotFound for an account out of sight, NotAllowed."""
    account = account_of(session, staff_id, actor=actor)
    session.execute(select(func.pg_advisory_xact_lock(LOCK, staff_id)))
    today = clock.today(session)
    problems = _dates_problems(from_on, to_on, today)
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        problems.append(Problem("reason", N_("请写缺勤事由，2 到 200 个字，例如“年休假”“出差”。不必写病情。")))
    if delegate_id is not None and all(person.id != delegate_id for person in people.stand_ins(session, staff_id)):
        problems.append(Problem("delegate", N_("这个人不能代办：没有相同环节、相同机构的审核授权，或者账号已停用。")))
    elif from_on is not None and to_on is not None:
        gone = people.away(session, [staff_id, delegate_id], days=(from_on, to_on))
        if staff_id in gone:
            problems.append(Problem("from_on", N_("与已经填过的 %(first)s 至 %(last)s 重叠。请改日期，或者先结束那一段。"), _days(gone[staff_id])))
        if delegate_id in gone:
            problems.append(Problem("delegate", N_("代办人在 %(first)s 至 %(last)s 也缺勤，请另选一人。"), _days(gone[delegate_id])))
    if problems or from_on is None or to_on is None:
        raise NotEntered(problems)
    is_own = isinstance(actor, Staff) and actor.id == staff_id
    made = Absence(
        staff_id=staff_id, office_id=account.office_id, from_on=from_on, to_on=to_on, reason=reason, delegate_id=delegate_id, entered_by=actor.who,
        entered_at=clock.now(session), begins_at=clock.at_midnight(from_on), agreed_by=actor.who if delegate_id is not None and not is_own else None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    # why somebody is away is not the audit's to keep for good
    _told(session, "absence.entered", made, days=[str(from_on), str(to_on)], delegate=delegate_id, agreed=made.agreed_by is not None)
    return made


def _dates_problems(from_on: dt.date | None, to_on: dt.date | None, today: dt.date) -> list[Problem]:
    problems = []
    if from_on is None:
        problems.append(Problem("from_on", N_("请填从哪天起。")))
    elif from_on < today:
        problems.append(Problem("from_on", N_("这一天已经过去。已经开始的缺勤，从今天填起。")))
    if to_on is None:
        problems.append(Problem("to_on", N_("请填到哪天为止，含这一天。")))
    elif from_on is not None and to_on < from_on:
        problems.append(Problem("to_on", N_("到哪天为止不能早于从哪天起。")))
    elif to_on > today + dt.timedelta(days=LONGEST):
        problems.append(Problem("to_on", N_("最多填到一年以后。更久的，请办理离岗。")))
    return problems


def _days(gone: people.Away) -> dict[str, str]:
    return {"first": gone.from_on.isoformat(), "last": gone.to_on.isoformat()}


def account_of(session: Session, staff_id: int, *, actor: Principal) -> StaffAccount:
    """The account an absence is entered for: one's own as a reviewer, or one of an office whose work one hands out."""
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == staff_id, StaffAccount.left_at.is_(None))).one_or_none()
    if account is None:
        raise NotFound()
    if isinstance(actor, Staff) and actor.id == staff_id:
        if not any(may(actor, level.act) for level in LEVELS.values()):
            raise NotAllowed(act="absence")
    else:
        require(actor, Act.DISTRIBUTE, account)
    return account


# ── agreeing and ending ──────────────────────────────────────────────────────────────────────────────────────


def agree(session: Session, absence: Absence, *, actor: Principal) -> None:
    """A coordinator, not the officer, makes the delegation theirs: files that fall due meanwhile go to the delegate, at once where it has begun."""
    require(actor, Act.DISTRIBUTE, absence)
    if isinstance(actor, Staff) and actor.id == absence.staff_id:
        raise NotYourOwn()
    _require_standing(session, absence)
    if absence.delegate_id is None:
        raise NobodyNamed()
    if absence.agreed_by is None:
        absence.agreed_by, absence.begun_at = actor.who, None
        session.flush()
        _told(session, "absence.agreed", absence, delegate=absence.delegate_id)


def end(session: Session, absence: Absence, *, actor: Principal) -> None:
    """Back before the time, or not gone at all; files that went to the delegate stay there."""
    if not (isinstance(actor, Staff) and actor.id == absence.staff_id):
        require(actor, Act.DISTRIBUTE, absence)
    _require_standing(session, absence)
    absence.ended_at, absence.ended_by = clock.now(session), actor.who
    session.flush()
    _told(session, "absence.ended", absence)


def may_agree(actor: Principal, absence: Absence) -> bool:
    """Whether agreeing is this person's to do, as far as a page need know."""
    own = isinstance(actor, Staff) and actor.id == absence.staff_id
    return absence.delegate_id is not None and absence.agreed_by is None and not own and may(actor, Act.DISTRIBUTE, absence)


def may_end(actor: Principal, absence: Absence) -> bool:
    """The officer's own, or a coordinator's of their office."""
    return (isinstance(actor, Staff) and actor.id == absence.staff_id) or may(actor, Act.DISTRIBUTE, absence)


def is_over(session: Session, absence: Absence) -> bool:
    return absence.ended_at is not None or absence.to_on < clock.today(session)


def _require_standing(session: Session, absence: Absence) -> None:
    if is_over(session, absence):
        raise OverAlready()


def _told(session: Session, action: str, absence: Absence, **facts: object) -> None:
    audit.record(session, action, f"absence:{absence.id}", staff=absence.staff_id, **facts)


# ── when it begins ───────────────────────────────────────────────────────────────────────────────────────────


def to_begin() -> ColumnElement[bool]:
    """Absences whose files were not looked through yet."""
    return and_(Absence.begun_at.is_(None), Absence.ended_at.is_(None))


def begin(session: Session, absence_ids: Sequence[int]) -> int:
    """Look through what these officers hold, once: what falls due before they are back goes to the delegate, or is told to the offices."""
    now = clock.now(session)
    asked = select(Absence).where(Absence.id.in_(absence_ids), to_begin(), Absence.begins_at <= now).order_by(Absence.id)
    begun = session.scalars(asked.with_for_update(skip_locked=True)).all()
    for absence in begun:
        absence.begun_at = now
        if absence.to_on >= clock.today(session):
            _arrange(session, absence, now)
    session.flush()
    return len(begun)


def _arrange(session: Session, absence: Absence, now: dt.datetime) -> None:
    back = clock.at_midnight(absence.to_on + dt.timedelta(days=1))
    falling = [one for one in queries.held_by(session, absence.staff_id) if one.step in REVIEW_STEPS and one.due_at is not None and one.due_at <= back]
    going = _fit_for_the_delegate(session, absence, falling)
    gone = people.Away(absence.staff_id, absence.from_on, absence.to_on, absence.delegate_id)
    distribution.give(session, [(one, absence.delegate_id) for one in going], "file.handed_over", reason=distribution.standing_in(gone))
    left = [one for one in falling if one not in going]
    units = reminders.coordinating(session, {one.department_id for one in left})
    name = people.staff_names(session, [absence.staff_id]).get(absence.staff_id, "")
    told, reckoning = [], Reckoning(session)
    for one in left:
        text = f"{one.number} 的承办人{name} {absence.from_on} 至 {absence.to_on} 缺勤，审核期限在此期间：{reminders.limit(reckoning, one)}。请改派。"
        for office_id in dict.fromkeys([one.office_id, units.get(one.department_id, one.office_id)]):
            told.append(reminders.message(one, office_id, "review_holder_away", text, now, about=f":{absence.id}"))
    reminders.tell(session, told)
    _told(session, "absence.begun", absence, handed=[one.number for one in going] or None, told=[one.number for one in left] or None)


def _fit_for_the_delegate(session: Session, absence: Absence, files: list[Admission]) -> list[Admission]:
    """Those the delegate may hold and whoever agreed may choose a holder for; none while nobody agreed, or while the delegate is away too."""
    agreed, delegate = duties.staff_of(absence.agreed_by), absence.delegate_id
    if not files or agreed is None or delegate is None or people.away(session, [delegate]):
        return []
    able = people.able_to_review(session, files)
    kept_out = duties.hindrances(session, files, staff_id=agreed, act=Act.DISTRIBUTE)
    return [one for one in files if one.id not in kept_out and any(person.id == delegate for person in able[one.id])]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def absence_of(session: Session, absence_id: int) -> Absence:
    """One absence, through scope."""
    found = session.scalars(select(Absence).where(Absence.id == absence_id)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def listed(session: Session) -> list[Absence]:
    """Absences the reader sees that last, are to come, or were over not long ago; the latest first."""
    since = clock.today(session) - dt.timedelta(days=PAST)
    return list(session.scalars(select(Absence).where(Absence.to_on >= since).order_by(Absence.from_on.desc(), Absence.id.desc()).limit(MOST)))


def colleagues(session: Session, actor: Principal) -> list[people.Person]:
    """For whom the actor may enter an absence besides themselves: who works at the offices whose work they hand out."""
    if not isinstance(actor, Staff):
        return []
    offices = {office for grant in actor.grants if Act.DISTRIBUTE in ROLES[grant.role].acts for office in grant.offices}
    rows = session.execute(
        select(StaffAccount.staff_id, StaffAccount.name)
        .where(StaffAccount.office_id.in_(sorted(offices)), StaffAccount.left_at.is_(None), StaffAccount.staff_id != actor.id)
        .order_by(StaffAccount.name, StaffAccount.staff_id)
        .limit(500)
    )
    return [people.Person(*row) for row in rows]
