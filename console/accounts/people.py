"""Accounts of other people: making one, changing it, links, resets. Asked of every act: is the person inside the actor's reach, and is there
nothing they hold that the actor could not have given? Else a reset would be a way up (traps F19).

Leaving is in `leaving`. Every write is audited; nothing here commits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import column, func, select
from sqlalchemy.orm import Session

from console import audit
from console.accounts import grants, links, session_rows, staff, two_factor
from console.accounts.links import Purpose
from console.accounts.models import StaffAccount
from console.departments.models import Office
from console.errors import N_, Conflict, ConsoleError, InvalidAnswers, NotFound
from console.roles import Act
from console.scope import Principal, Staff, System, require

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,31}", re.ASCII)
_PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,}", re.ASCII)
REASON_LEAST = 4


class NotOverYourself(ConsoleError):
    message = N_("自己的账号请在“我的账号”里办；离岗、重置由别的管理员办。")
    status = 403


class HoldsMore(ConsoleError):
    """Whoever opens another's account has their rights: so it takes somebody who could have given all of them."""

    message = N_("这个人还有您无权授予的授权，账号要由能授予它们的管理员来办。")
    status = 403


class HasLeft(Conflict):
    message = N_("这个账号已经办理离岗。")


class ReasonMissing(ConsoleError):
    message = N_("请写明原因，至少 4 个字。会记入审计。")
    status = 422


class SubjectTaken(Conflict):
    message = N_("这个统一身份标识已经绑定了另一个账号。")


@dataclass(frozen=True)
class Details:
    """What is written of a person beside name and user name; empty means unknown, None as it was: a form does not show what it may not."""

    title: str = ""
    phone: str | None = ""
    mail: str | None = ""

    def problems(self) -> dict[str, str]:
        found = {}
        if len(self.title) > 60:
            found["title"] = N_("职务最多 60 个字。")
        if self.phone and not _PHONE.fullmatch(self.phone):
            found["phone"] = N_("手机号应是 1 开头的 11 位数字，请核对。")
        if self.mail and not _MAIL.fullmatch(self.mail):
            found["mail"] = N_("邮箱地址不完整，请核对；没有可以不填。")
        return found


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


def account_of(session: Session, staff_id: int) -> StaffAccount:
    """Through scope: NotFound for somebody of an office the asker does not read."""
    found = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == staff_id)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def require_over(session: Session, account: StaffAccount, *, actor: Principal) -> None:
    """NotAllowed, NotOverYourself or HoldsMore unless this actor may act upon that account."""
    if isinstance(actor, System):
        return
    require(actor, Act.GRANT, account)
    assert isinstance(actor, Staff)  # require() refuses everyone else
    if actor.id == account.staff_id:
        raise NotOverYourself()
    held = func.ruku_holdings(account.staff_id).table_valued(column("role"), column("department_id"), column("division_code"))
    for role, department_id, division_code in session.execute(select(held.c.role, held.c.department_id, held.c.division_code)):
        if not any(grants.gives(own.role, own, role, department_id, division_code) for own in actor.grants):
            raise HoldsMore()


def offices_within(session: Session, actor: Principal, *, words: str = "", most: int = 30) -> list[Office]:
    """The offices at which the actor may make accounts, by name."""
    reach = {office for grant in getattr(actor, "grants", ()) if grant.role in grants.MAY_GIVE for office in grant.offices}
    found = select(Office).where(Office.id.in_(reach)).order_by(Office.level, Office.id).limit(most)
    if words:
        found = found.where(Office.name.icontains(words, autoescape=True) | Office.name_en.icontains(words, autoescape=True))
    return list(session.scalars(found))


def check_reason(reason: str) -> str:
    if len(reason.strip()) < REASON_LEAST:
        raise ReasonMissing()
    return reason.strip()[:500]


# ── acts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def hire(
    session: Session, *, family: str, given: str, username: str, office_id: int | None, details: Details, actor: Principal
) -> tuple[StaffAccount, str]:
    """Make an account without any right, and the link with which its owner chooses a password. InvalidAnswers, NameTaken."""
    require(actor, Act.GRANT)
    family, given, username = family.strip(), given.strip(), username.strip().casefold()
    problems = details.problems()
    if not family or not given or len(family) + len(given) > 60:
        problems["family"] = N_("请填写姓和名。")
    if not _USERNAME.fullmatch(username):
        problems["username"] = N_("用户名由 3 至 32 个小写字母、数字、点、横线组成。")
    office = session.get(Office, office_id) if office_id else None
    if office is None:
        problems["office"] = N_("请选择工作机构。")
    if problems or office is None:
        raise InvalidAnswers(problems)
    require(actor, Act.GRANT, _At(office.id))
    user = staff.create_staff(session, username, name=f"{family} {given}", password=None, office=office)
    account = account_of(session, user.id)
    account.title, account.phone, account.mail = details.title, details.phone or None, details.mail or None
    return account, links.make(session, user.id, Purpose.FIRST)


def change(session: Session, account: StaffAccount, *, office_id: int | None, details: Details, actor: Principal) -> None:
    """Correct what is written of a person; a changed office must be inside the actor's reach as well."""
    require_over(session, account, actor=actor)
    problems = details.problems()
    office = session.get(Office, office_id) if office_id else None
    if office is None:
        problems["office"] = N_("请选择工作机构。")
    if problems or office is None:
        raise InvalidAnswers(problems)
    require(actor, Act.GRANT, _At(office.id))
    wanted: dict[str, str | None] = {"title": details.title}
    wanted |= {name: value or None for name, value in (("phone", details.phone), ("mail", details.mail)) if value is not None}
    # that a phone changed is told, not which: the trail outlives the person's data
    changed = {
        name: [audit.fingerprint(getattr(account, name)), audit.fingerprint(value)] if name != "title" else [account.title, value]
        for name, value in wanted.items()
        if getattr(account, name) != value
    }
    for name in changed:
        setattr(account, name, wanted[name])
    moved = {"office": [account.office_id, office.id]} if account.office_id != office.id else {}
    account.office_id = office.id
    if changed or moved:
        audit.record(session, "staff.changed", f"staff:{account.staff_id}", changes={**changed, **moved})


def make_link(session: Session, account: StaffAccount, *, reason: str, actor: Principal) -> str:
    """A link to choose a new password (or the first one, when none was ever chosen); the person's sessions end."""
    require_over(session, account, actor=actor)
    if account.left_at is not None:
        raise HasLeft()
    audit_reason = check_reason(reason)
    purpose = Purpose.RESET if staff.has_password(session, account.staff_id) else Purpose.FIRST
    return links.make(session, account.staff_id, purpose, reason=audit_reason)


def reset_two_factor(session: Session, account: StaffAccount, *, reason: str, actor: Principal) -> None:
    """For whoever lost phone and recovery codes. They are told at their next sign-in."""
    require_over(session, account, actor=actor)
    two_factor.reset(session, account, reason=check_reason(reason))


def bind(session: Session, account: StaffAccount, subject: str, *, reason: str, actor: Principal) -> None:
    """Say under which subject the authority's sign-in knows this person, or (empty) that it no longer does. Ends their sessions: whoever is
    bound comes in without a password of ours."""
    require_over(session, account, actor=actor)
    reason = check_reason(reason)
    set_subject(session, account, subject, reason=reason)
    session_rows.end_of(session, account.staff_id, why="subject_changed")


def set_subject(session: Session, account: StaffAccount, subject: str, *, reason: str | None = None) -> None:
    """SubjectTaken. The person's own wish, or an administrator's after `bind` has asked."""
    subject = subject.strip()
    if len(subject) > 255:
        raise InvalidAnswers({"subject": N_("统一身份标识最多 255 个字符。")})
    taken = func.ruku_subject_taken(subject, account.staff_id)
    if subject and session.scalar(select(taken)):
        raise SubjectTaken()
    if (account.oidc_subject or "") != subject:
        account.oidc_subject = subject or None
        audit.record(session, "staff.subject_bound" if subject else "staff.subject_freed", f"staff:{account.staff_id}", reason=reason)


@dataclass(frozen=True)
class _At:
    """An office as the row of an act, where there is no row yet."""

    office_id: int
