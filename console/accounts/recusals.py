"""What an officer keeps out of, declared by themselves: who they are, their relatives, their former employers, one file.

Asked before anybody decides, and again every year; that there is nothing to declare is said too. What was declared is withdrawn, never
changed, and a file one stepped aside from is let go for good. Who may then not do what is answered by `console.applications.duties`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from console import audit, clock
from console.accounts.models import Recusal, StaffAccount, StaffGrant
from console.applications import duties
from console.applications.models import Admission
from console.departments.models import Office
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, NotFound
from console.roles import ROLES, Act
from console.scope import Principal, Staff, may
from console.secrecy import keyed_hash
from rules.fields import IdNumberField, UsccField
from rules.fields.base import Around, FieldError
from rules.pipeline import OPEN_STEPS

RELATIVE, FORMER_EMPLOYER, FILE = "relative", "former_employer", "file"
RELATIONS: dict[str, str] = {
    "spouse": N_("配偶"),
    "lineal": N_("直系血亲"),
    "collateral": N_("三代以内旁系血亲"),
    "in_law": N_("近姻亲"),
    "other": N_("其他可能影响公正的关系"),
}
MOST = 100  # of one kind; who has more steps aside file by file
REASON_LEAST, REASON_MOST = 4, 500

_ID_NUMBER = IdNumberField.model_validate({"id": "id_number", "kind": "id_number", "label": {"zh": "身份证号"}})
_USCC = UsccField.model_validate({"id": "uscc", "kind": "uscc", "label": {"zh": "统一社会信用代码"}})
_WRONG_NUMBER = N_("身份证号不对，请逐位核对：18 位，末位可以是 X。")


class DeclaredAlready(Conflict):
    message = N_("这一项您已经申报过了。")


class TooManyDeclared(Conflict):
    message = N_("最多申报 %(most)s 项。再遇到要回避的，请在那份办件的页面上申请回避。")


class NotOpenAnyMore(Conflict):
    message = N_("办件 %(number)s 已经办结，不用再申请回避。")


class ForGood(Conflict):
    message = N_("申请回避一份办件后不能撤销。")


# ── declaring ────────────────────────────────────────────────────────────────────────────────────────────────


def identify(session: Session, *, actor: Principal, id_number: str) -> None:
    """Say who one is, once: by this number one's own file is recognised."""
    account = own_account(session, actor)
    number = _number(session, id_number)
    hashed = keyed_hash(number, "id_number")
    if account.id_number_hash == hashed:
        return
    if account.id_number_hash is not None:
        raise InvalidAnswers({"id_number": N_("您已经登记过身份证号，不能自己改。登错了请联系管理员。")})
    try:
        with session.begin_nested():
            account.id_number, account.id_number_hash = number, hashed
            session.flush()
    except IntegrityError:  # the row that has it may be nobody's to see from here
        raise InvalidAnswers({"id_number": N_("这个身份证号登记在另一个账号上。请联系管理员核对。")}) from None
    audit.record(session, "staff.identified", f"staff:{account.staff_id}", person=hashed)
    _let_go(session, account.staff_id)


def declare_relative(session: Session, *, actor: Principal, relation: str, name: str, id_number: str) -> Recusal:
    """A relative whose file one keeps out of. What one holds of theirs is let go at once."""
    account = own_account(session, actor)
    problems, number = {}, ""
    if relation not in RELATIONS:
        problems["relation"] = N_("请选择与您的关系。")
    if not 2 <= len(name.strip()) <= 60:
        problems["name"] = N_("请写亲属的姓名，2 到 60 个字。")
    try:
        number = _number(session, id_number)
    except InvalidAnswers as error:
        problems |= error.problems
    hashed = keyed_hash(number, "id_number") if number else ""
    if hashed and hashed == account.id_number_hash:
        problems["id_number"] = N_("这是您本人的身份证号。本人的申报不用另外申报，系统会自动回避。")
    if problems:
        raise InvalidAnswers(problems)
    _room_for(session, account, RELATIVE)
    return _declare(
        session, account,
        Recusal(kind=RELATIVE, relation=relation, person_name=name.strip(), id_number=number, id_number_hash=hashed),
        relation=relation, person=hashed,
    )  # fmt: skip


def declare_employer(
    session: Session, *, actor: Principal, employer: str, uscc: str = "", left_on: dt.date | None = None
) -> Recusal:
    """An employer one left less than some years ago, or works for beside the office (`left_on` None): its people's files are kept out of."""
    account = own_account(session, actor)
    today = clock.today(session)
    problems = {}
    employer = employer.strip()
    if not 2 <= len(employer) <= 120 or session.scalar(select(func.ruku_employer_key(employer))) is None:
        problems["employer"] = N_("请写单位全称，2 到 120 个字。")
    code = None
    try:
        code = _USCC.parse(uscc, Around(today))
    except FieldError:
        problems["uscc"] = N_("统一社会信用代码不对，请核对 18 位；不知道可以不填。")
    if left_on is not None and not dt.date(1950, 1, 1) <= left_on <= today:
        problems["left_on"] = N_("离开日期应在今天以前；还在任职的不填。")
    if problems:
        raise InvalidAnswers(problems)
    _room_for(session, account, FORMER_EMPLOYER)
    until = clock.at_midnight(_years_after(left_on, duties.terms().years) + dt.timedelta(days=1)) if left_on else None
    made = Recusal(kind=FORMER_EMPLOYER, employer=employer, uscc=code, left_on=left_on, until=until)
    return _declare(session, account, made, employer=employer, until=until)


def declare(session: Session, *, actor: Principal, nothing: bool) -> StaffAccount:
    """Say that this is all of it, or that there is nothing (`nothing`): from now on one may decide, for as long as the setting says."""
    account = own_account(session, actor)
    standing = [recusal for recusal in own_recusals(session, account.staff_id) if recusal.kind != FILE]
    problems = {}
    if account.id_number_hash is None:
        problems["id_number"] = N_("请先登记本人的身份证号。")
    if not standing and not nothing:
        problems["nothing"] = N_("没有填亲属，也没有填原单位。确实没有的，请勾选“没有需要申报的”。")
    if standing and nothing:
        problems["nothing"] = N_("您填了要回避的亲属或单位，不能同时说没有。")
    if problems:
        raise InvalidAnswers(problems)
    account.declared_at = clock.now(session)
    session.flush()
    audit.record(session, "recusal.confirmed", f"staff:{account.staff_id}", standing=[recusal.id for recusal in standing])
    return account


def step_aside(session: Session, admission: Admission, *, actor: Principal, reason: str) -> Recusal:
    """Keep out of this very file (申请回避), for a reason: it goes to other people, and never comes back to this one.

    Nobody outside is told who stepped aside.
    """
    account = own_account(session, actor)
    if not any(may(actor, act, admission) for act in (*duties.DECIDING, Act.DISTRIBUTE)):
        raise NotAllowed()
    if admission.step not in OPEN_STEPS:
        raise NotOpenAnyMore(number=admission.number)
    _reasoned(reason)
    if session.scalar(select(Recusal.id).where(Recusal.admission_id == admission.id, Recusal.staff_id == account.staff_id)):
        raise DeclaredAlready()
    made = Recusal(kind=FILE, admission_id=admission.id, reason=reason.strip()[:REASON_MOST])
    return _declare(session, account, made, admission=admission.id)


def withdraw(session: Session, recusal: Recusal, *, actor: Principal, reason: str) -> None:
    """A relation that is over, or was declared by mistake; one's own only, with the reason, and supervision sees both."""
    account = own_account(session, actor)
    if recusal.staff_id != account.staff_id:
        raise NotFound()
    if recusal.kind == FILE:
        raise ForGood()
    if recusal.withdrawn_at is not None:
        return
    _reasoned(reason)
    recusal.withdrawn_at, recusal.withdrawn_by = clock.now(session), f"staff:{account.staff_id}"
    recusal.withdrawn_reason = reason.strip()[:REASON_MOST]
    session.flush()
    audit.record(session, "recusal.withdrawn", f"recusal:{recusal.id}", reason=recusal.withdrawn_reason, kind=recusal.kind)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def own_account(session: Session, actor: Principal) -> StaffAccount:
    """The account of the officer who asks; NotAllowed for everybody who is none."""
    account = session.get(StaffAccount, actor.id) if isinstance(actor, Staff) else None
    if account is None:
        raise NotAllowed()
    return account


def own_recusals(session: Session, staff_id: int) -> list[Recusal]:
    """What this officer keeps out of now, the newest last; former employers whose years are over are left out."""
    return list(
        session.scalars(
            select(Recusal)
            .where(
                Recusal.staff_id == staff_id,
                Recusal.withdrawn_at.is_(None),
                (Recusal.until.is_(None)) | (Recusal.until > clock.now(session)),
            )
            .order_by(Recusal.id)
        )
    )


def files_stepped_aside(session: Session, recusals: Sequence[Recusal]) -> list[tuple[Recusal, str]]:
    """Each file stepped aside from with its number; files that moved out of one's sight meanwhile are left out."""
    ids = [one.admission_id for one in recusals if one.kind == FILE]
    numbers = dict(session.execute(select(Admission.id, Admission.number).where(Admission.id.in_(ids))).all()) if ids else {}
    return [(one, numbers[one.admission_id]) for one in recusals if one.admission_id in numbers]


@dataclass(frozen=True)
class Declarant:
    """Somebody who decides files: which roles, and when they declared last."""

    name: str
    office: Office
    roles: tuple[str, ...]
    declared_at: dt.datetime | None
    is_late: bool


def who_must_declare(session: Session) -> list[Declarant]:
    """Everybody with a deciding role valid now, as far as the asker reads people, the longest without a declaration first."""
    now = clock.now(session)
    deciding = sorted(str(role) for role, definition in ROLES.items() if definition.acts & duties.DECIDING)
    held: dict[int, set[str]] = defaultdict(set)
    for staff_id, role in session.execute(
        select(StaffGrant.staff_id, StaffGrant.role).where(
            StaffGrant.role.in_(deciding),
            StaffGrant.in_force(now),
        )
    ):
        held[staff_id].add(role)
    accounts = session.scalars(
        select(StaffAccount)
        .where(StaffAccount.staff_id.in_(held), StaffAccount.left_at.is_(None))
        .options(joinedload(StaffAccount.office))
        .order_by(StaffAccount.declared_at.asc().nulls_first(), StaffAccount.staff_id)
    )
    return [
        Declarant(
            account.name, account.office, tuple(sorted(held[account.staff_id])), account.declared_at,
            (until := duties.declared_until(account)) is None or until <= now,
        )
        for account in accounts
    ]  # fmt: skip


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────


def _number(session: Session, text: str) -> str:
    try:
        number = _ID_NUMBER.parse(text, Around(clock.today(session)))
    except FieldError:
        number = None
    if number is None:
        raise InvalidAnswers({"id_number": _WRONG_NUMBER})
    return number


def _reasoned(reason: str) -> None:
    if len(reason.strip()) < REASON_LEAST:
        raise InvalidAnswers({"reason": N_("请写明理由，至少 4 个字。理由会记入审计。")})


def _room_for(session: Session, account: StaffAccount, kind: str) -> None:
    count = session.scalar(
        select(func.count(Recusal.id)).where(
            Recusal.staff_id == account.staff_id, Recusal.kind == kind, Recusal.withdrawn_at.is_(None)
        )
    )
    if (count or 0) >= MOST:
        raise TooManyDeclared(most=MOST)


def _declare(session: Session, account: StaffAccount, made: Recusal, **facts: object) -> Recusal:
    made.staff_id, made.office_id, made.declared_at = account.staff_id, account.office_id, clock.now(session)
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:
        raise DeclaredAlready() from None
    audit.record(session, "recusal.declared", f"recusal:{made.id}", reason=made.reason or None, kind=made.kind, **facts)
    _let_go(session, account.staff_id)
    return made


def _let_go(session: Session, staff_id: int) -> None:
    """Put the files this officer holds and must keep out of by now among the unassigned, also those that lie with their applicant."""
    held = session.scalars(select(Admission).where(Admission.holder_id == staff_id)).all()
    for admission_id in duties.hindrances(session, held, staff_id=staff_id, act=Act.DISTRIBUTE):
        admission = next(one for one in held if one.id == admission_id)
        session.execute(
            update(Admission)
            .where(Admission.id == admission_id, Admission.holder_id == staff_id)
            .values(holder_id=None)
            .execution_options(synchronize_session=False)
        )
        set_committed_value(admission, "holder_id", None)
        audit.record(
            session, "file.released", f"admission:{admission_id}", division_code=admission.division_code,
            changes={"holder": [staff_id, None]},
        )  # fmt: skip


def _years_after(day: dt.date, years: int) -> dt.date:
    """The same day so many years later; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
