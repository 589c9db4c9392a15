"""Everything that is written about objections: making one, taking it back, who works on it and by when, and the ruling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import and_, column, func, select, table, text, update
from sqlalchemy.orm import Session

from console import audit, clock, codes, outbox, visibility
from console.accounts.models import StaffGrant
from console.applications import duties
from console.applications.grounds import chosen
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.departments import queries as departments
from console.departments.models import Division, Office
from console.errors import N_, InvalidAnswers, NotFound
from console.publicity import correcting, queries, troubled
from console.publicity.errors import AlreadyRuled, HeldByAnother, NotAbleToRule, PersonSettled, WindowClosed
from console.publicity.models import Notice, NoticeItem, Objection, objection_ids
from console.publicity.terms import terms
from console.roles import ROLES, Act
from console.scope import Principal, Public, Staff, System, require
from rules.pipeline import Action, Step

LONGEST_GROUND = 4_000
SECRETS = ("objector", "contact")
TAKEN_BACK = "异议人已撤回异议。"


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
    if problems := wrong_words(given):
        raise InvalidAnswers(problems)
    notice = session.get_one(Notice, item.notice_id)
    now = clock.now(session)
    if notice.published_at is None or now >= notice.due_at or notice.closed_at is not None:
        raise WindowClosed()
    made = Objection(
        id=session.scalar(objection_ids),
        code=codes.receipt(),
        notice_item_id=item.id,
        admission_id=item.admission_id,
        applicant_id=item.applicant_id,
        office_id=item.office_id,
        made_at=now,
        rule_by=_rule_by(session, now, item.office_id),
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


def _rule_by(session: Session, since: dt.datetime, office_id: int) -> dt.datetime:
    """00:00 after the last day on which an objection made then is answered in time."""
    calendar, _version = departments.working_calendar(session, office_id=office_id)
    return clock.at_midnight(calendar.due_date(clock.day_of(since), terms().objection_days).due_on)


def give_limits(session: Session, objection_ids: Sequence[int], *, actor: Principal) -> None:
    """The same limit for what the last re-check found; the closer files it in the middle of a large set and leaves this to a job."""
    for objection in session.scalars(select(Objection).where(Objection.id.in_(objection_ids), Objection.rule_by.is_(None))):
        objection.rule_by = _rule_by(session, objection.made_at, objection.office_id)
    session.flush()


def take_back(session: Session, code: str) -> int:
    """The objector, by the code, takes an objection back; the person is held by it no longer. Returns the objection's number.

    The public may not write objections: a function of the database does this one thing. Raises NotFound for a code nobody has,
    AlreadyRuled when somebody was quicker.
    """
    state = queries.objection_by_code(session, code)
    given = {"code": code.strip().upper()[:20], "words": TAKEN_BACK}
    found = session.scalar(text("SELECT ruku_withdraw_objection(:code, :words)"), given)
    if found is None:
        if state.state == "open":
            raise NotFound()  # what the house's own re-check found
        raise AlreadyRuled()
    audit.record(session, "objection.withdrawn", f"objection:{found}", notice=state.notice)
    outbox.publish(session, "objection.dismissed", [found])  # the person it held is told that it holds no longer
    return int(found)


def reveal(session: Session, objection: Objection, name: str, *, actor: Principal, reason: str) -> str:
    """Who objected, or how to reach them, for whoever may look behind the mask and says why; audited."""
    division = session.scalar(select(Admission.division_code).where(Admission.id == objection.admission_id))
    return visibility.unmask(
        session, f"objection.{name}", getattr(objection, name), actor=actor, row=objection, of=f"objection:{objection.id}",
        reason=reason, division_code=division, action="objection.revealed", admission=objection.admission_id,
    )  # fmt: skip


def wrong_words(given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what somebody who objects has written, by field."""
    given = {name: words.strip() for name, words in given.items()}
    problems = {}
    if not 2 <= len(given["objector"]) <= 120:
        problems["objector"] = N_("请写明异议人的姓名或者单位名称，2 到 120 个字。")
    if not 5 <= len(given["contact"]) <= 120:
        problems["contact"] = N_("请留下能联系到您的电话或者邮箱。")
    if not 10 <= len(given["ground"]) <= LONGEST_GROUND:
        problems["ground"] = N_("请写明异议的事实和理由，10 到 4000 个字。")
    return problems


def rule_on(
    session: Session,
    objection: Objection,
    *,
    actor: Principal,
    upheld: bool,
    ruling: str,
    grounds: Sequence[str] = (),
    reissue: correcting.Printed | None = None,
) -> Objection:
    """Decide an objection. Upheld: the person is refused with the ruling as the reason, on `grounds` of the department's
    `review.yaml`, at least one; or, when what was published is wrong and the person is not, put on a new notice that says it right
    (`reissue`: name and employer). Dismissed: the person goes on, and is admitted by the next sweep when the window is already over
    and nothing else is open.

    Not by whoever reviewed the file or must keep out of it, nor past the officer who has it in hand. Raises AlreadyRuled, HeldByAnother,
    NotAllowed, what `duties` raises, InvalidAnswers (fields `ruling`, `grounds`), and of `reissue` what `correcting.reissue` raises.
    """
    require(actor, Act.RULE_ON_OBJECTION, objection)
    if isinstance(actor, Staff):
        _require_free_hands(session, objection, actor)
        about = session.get_one(Admission, objection.admission_id)
        duties.require_free(session, [about], staff_id=actor.id, act=Act.RULE_ON_OBJECTION)
    refuses = upheld and reissue is None
    ruling, items = ruling.strip(), chosen(queries.bundle_of(session, objection), grounds) if refuses else []
    problems = {}
    if not 5 <= len(ruling) <= LONGEST_GROUND:
        problems["ruling"] = N_("请写明处理意见和依据，5 到 4000 个字。")
    if refuses and not items:
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
    if reissue is not None:
        _reissue(session, item, reissue, actor=actor, ruling=ruling)
    elif upheld and item.settled_at is None and admission.step == Step.PUBLICITY:
        advance(session, [admission], Action.REFUSE, actor=actor, reason=ruling, items=items)
        item.outcome, item.settled_at = queries.REFUSED, now
        troubled.settled(session, [item.id])
    if not upheld and not objection.is_recheck:  # nobody was told of a doubt of the re-check
        outbox.publish(session, "objection.dismissed", [objection.id])
    # a lease would only delay what the ruling has made possible
    session.execute(update(Notice).where(Notice.id == item.notice_id).values(claimed_until=None))
    session.flush()
    return objection


def _reissue(session: Session, item: NoticeItem, printed: correcting.Printed, *, actor: Principal, ruling: str) -> None:
    """The person leaves this notice for a new one; what else is open against them is answered first."""
    if item.settled_at is not None:
        raise PersonSettled(name=item.name)
    correcting.reissue(session, session.get_one(Notice, item.notice_id), [item.id], actor=actor, reason=ruling, printed={item.id: printed})


# ── who has it in hand ───────────────────────────────────────────────────────────────────────────────────────


def assign(session: Session, objection: Objection, staff_id: int | None, *, actor: Principal, reason: str = "") -> Objection:
    """Give an objection to an officer who may rule on it: to oneself to take it, to a colleague to hand it over, None to put it back.

    The officer who has it, and whoever may rule there, may hand it on. Raises NotAbleToRule when that officer may not rule on it or must
    keep out, AlreadyRuled.
    """
    require(actor, Act.RULE_ON_OBJECTION, objection)
    session.scalars(select(Objection).where(Objection.id == objection.id).with_for_update().execution_options(populate_existing=True)).one()
    if objection.ruled_at is not None:
        raise AlreadyRuled()
    if staff_id == objection.holder_id:
        return objection
    names = queries.officer_names(session, [f"staff:{staff_id}"]) if staff_id is not None else {}
    if staff_id is not None and staff_id not in able_to_rule(session, objection):
        raise NotAbleToRule(name=names.get(f"staff:{staff_id}", N_("这位工作人员")))
    before, objection.holder_id = objection.holder_id, staff_id
    objection.held_since = clock.now(session) if staff_id is not None else None
    session.flush()
    audit.record(
        session, "objection.assigned", f"objection:{objection.id}", changes={"holder_id": [before, staff_id]},
        admission=objection.admission_id, **({"reason": reason.strip()} if reason.strip() else {}),
    )  # fmt: skip
    return objection


def put_back(session: Session, staff_id: int, *, actor: Principal) -> int:
    """Nobody has in hand any more what this officer had; how many."""
    held = session.scalars(select(Objection).where(Objection.holder_id == staff_id, Objection.ruled_at.is_(None)).with_for_update()).all()
    for objection in held:
        assign(session, objection, None, actor=actor)
    return len(held)


_staff = table("ab_user", column("id"), column("first_name"), column("last_name"), column("active"))
_RULERS = tuple(sorted(str(role) for role, definition in ROLES.items() if Act.RULE_ON_OBJECTION in definition.acts))


def able_to_rule(session: Session, objection: Objection) -> dict[int, str]:
    """Officer → name, of those who may rule on this objection now: a grant over its office, and nothing that keeps them out."""
    rows = session.execute(
        select(StaffGrant.staff_id, func.concat(_staff.c.last_name, _staff.c.first_name))
        .join(_staff, and_(_staff.c.id == StaffGrant.staff_id, _staff.c.active))
        .join(Division, Division.code == StaffGrant.division_code)
        .join(Office, and_(Office.id == objection.office_id, StaffGrant.reaches()))
        .where(StaffGrant.role.in_(_RULERS), StaffGrant.in_force(clock.now(session)))
        .distinct()
        .order_by(StaffGrant.staff_id)
    ).all()
    about = session.get(Admission, objection.admission_id)
    if about is None:
        return {}
    return {
        staff_id: name
        for staff_id, name in rows
        if not duties.hindrances(session, [about], staff_id=staff_id, act=Act.RULE_ON_OBJECTION)
    }


def _require_free_hands(session: Session, objection: Objection, actor: Staff) -> None:
    if objection.holder_id not in (None, actor.id):
        names = queries.officer_names(session, [f"staff:{objection.holder_id}"])
        raise HeldByAnother(name=next(iter(names.values()), "—"))
