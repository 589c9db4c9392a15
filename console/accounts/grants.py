"""Grants: who may give which role to whom, giving, changing, withdrawing, re-certifying. Every write is audited; nothing here commits.

A grant is given under one of the giver's own (`under_grant_id`) and never reaches or lasts further than that one. What it says is
never edited: a change ends it and gives another in the same transaction, so that the past stays readable. The wall asks the
same of every new row (migration "grants are given under grants"); here the refusal has words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts import session_rows
from console.accounts.explaining import prefix
from console.accounts.models import StaffAccount, StaffGrant
from console.departments.models import Department, Division
from console.errors import N_, Conflict, ConsoleError, NotFound
from console.roles import Act, Role
from console.scope import Principal, Staff, System, require

_BELOW_AN_ADMIN = frozenset(
    {Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.RULE_EDITOR, Role.RULE_PUBLISHER}
)
#: who may give which role; a department admin appoints others of their kind strictly below their own division only
MAY_GIVE: dict[Role, frozenset[Role]] = {
    Role.PLATFORM_ADMIN: frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR, Role.SUPERVISOR}),
    Role.DEPARTMENT_ADMIN: _BELOW_AN_ADMIN | {Role.DEPARTMENT_ADMIN},
}
#: halves of one duty: one person may hold both, and is then kept away from the second half file by file and draft by draft
SEPARATED = (
    frozenset({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER}),
    frozenset({Role.RULE_EDITOR, Role.RULE_PUBLISHER}),
)
#: roles that decide files: never together with the operator's, who runs the machine they are decided on
DECIDERS = frozenset({Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR})
ONE_DEPARTMENT = _BELOW_AN_ADMIN | {Role.DEPARTMENT_ADMIN}
REASON_LEAST, REASON_MOST = 4, 500


class GrantNotYours(ConsoleError):
    message = N_("您只能在本部门、本区划内授予您管的角色，不能给自己授权；部门管理员只能任命下级区划的部门管理员。")
    status = 403


class GrantOver(Conflict):
    message = N_("这项授权已经收回了。")


class GrantOutlives(ConsoleError):
    """What is given may not last longer than the grant it is given under."""

    message = N_("您自己的授权到 %(until)s 为止，给出的授权要写明止日，并且不能比它更晚。")
    status = 422


class GrantDates(ConsoleError):
    message = N_("止日不能早于起日，起日不能早于今天。")
    status = 422


class GrantReason(ConsoleError):
    message = N_("请写明为什么，至少 %(least)s 个字。会写进授权单，本人和审计都看得到。")
    status = 422


class GrantTogether(ConsoleError):
    message = N_("运维员不办件：同一个人不能既有运维员的授权，又有初审、复审或统筹的授权。")
    status = 422


class GrantTwice(Conflict):
    message = N_("本人已经有这一项授权，同一角色、同一部门、同一区划。要改起止，请改那一项。")


class GrantNeedsDepartment(ConsoleError):
    message = N_("这个角色要给到一个部门。")
    status = 422


class GrantCentreOnly(ConsoleError):
    message = N_("运维员的授权只给到交易中心：中心只指派没有部门认领的件。")
    status = 422


class GrantToNobody(ConsoleError):
    message = N_("这个账号已经停用或离岗，不能再给授权。")
    status = 422


class GrantUnchanged(ConsoleError):
    message = N_("没有改动：角色、部门、区划和起止都和现在一样。")
    status = 422


class Placed(Protocol):
    """A grant as far as delegation asks: a row, or what a request holds."""

    @property
    def department_id(self) -> int | None: ...
    @property
    def division_code(self) -> str: ...


# ── what one may give ────────────────────────────────────────────────────────────────────────────────────────


def gives(own_role: str, own: Placed, role: str, department_id: int | None, division_code: str) -> bool:
    """Whether a grant of this role at this place may give that role at that place: down, never sideways or up."""
    may_give = MAY_GIVE.get(Role(own_role), frozenset()) if own_role in set(Role) else frozenset()
    inside = division_code.startswith(prefix(own.division_code))
    theirs = own.department_id is None or own.department_id == department_id
    below = role != own_role or division_code != own.division_code
    return role in may_give and inside and theirs and below


def own_grants(session: Session, actor: Principal) -> list[StaffGrant]:
    """The rows of the actor's own administering grants that are in force this instant."""
    if not isinstance(actor, Staff):
        return []
    ids = [grant.id for grant in actor.grants if grant.role in MAY_GIVE]
    rows = session.scalars(
        select(StaffGrant).where(StaffGrant.id.in_(ids), StaffGrant.staff_id == actor.id, StaffGrant.in_force(clock.now(session)))
    )
    return sorted(rows, key=lambda row: (row.valid_to is not None, row.valid_to, row.id))


def giver_of(session: Session, grant: StaffGrant, *, actor: Principal) -> StaffGrant | None:
    """The actor's own grant that covers giving this one: whoever has it may change, end and re-certify it. None: nobody's to touch."""
    if not isinstance(actor, Staff) or grant.staff_id == actor.id:
        return None
    own = own_grants(session, actor)
    return next((row for row in own if gives(row.role, row, grant.role, grant.department_id, grant.division_code)), None)


def collected(roles: Collection[str]) -> list[frozenset[Role]]:
    """The separated duties of which these roles together hold both halves."""
    return [pair for pair in SEPARATED if pair <= set(roles)]


# ── giving ───────────────────────────────────────────────────────────────────────────────────────────────────


def give_grant(
    session: Session,
    staff_id: int,
    *,
    role: Role,
    department_id: int | None,
    division_code: str,
    reason: str,
    actor: Principal,
    valid_from: dt.datetime | None = None,
    valid_to: dt.datetime | None = None,
) -> StaffGrant:
    """Give a role. An admin gives only roles they may give, inside their own department and division, for no longer than their own
    grant lasts, never to themselves; System (bootstrap, demo) may give any."""
    under = None
    if not isinstance(actor, System):
        under = check(
            session, staff_id, role=role, department_id=department_id, division_code=division_code, reason=reason,
            actor=actor, valid_from=valid_from, valid_to=valid_to,
        )  # fmt: skip
    grant = _add(session, staff_id, role, department_id, division_code, reason, actor, valid_from, valid_to, under)
    audit.record(
        session, "grant.given", f"grant:{grant.id}", reason=reason, staff=staff_id, role=str(role),
        department=department_id, division=division_code, valid_from=grant.valid_from, valid_to=valid_to, under=grant.under_grant_id,
    )  # fmt: skip
    return grant


def check(
    session: Session,
    staff_id: int,
    *,
    role: Role,
    department_id: int | None,
    division_code: str,
    reason: str,
    actor: Principal,
    valid_from: dt.datetime | None = None,
    valid_to: dt.datetime | None = None,
    instead_of: StaffGrant | None = None,
) -> StaffGrant:
    """The actor's own grant under which this may be given; raises what stands in the way, the right to give it first."""
    require(actor, Act.GRANT)
    assert isinstance(actor, Staff)  # require() refuses everyone else but System, who is not asked
    if actor.id == staff_id:
        raise GrantNotYours()
    fitting = [row for row in own_grants(session, actor) if gives(row.role, row, role, department_id, division_code)]
    if not fitting or session.scalar(select(Division.code).where(Division.code == division_code)) is None:
        raise GrantNotYours()
    _check_place(session, role, department_id)
    _check_holder(session, staff_id, instead_of)
    now = clock.now(session)
    starts = valid_from or now
    if clock.day_of(starts) < clock.day_of(now) or (valid_to is not None and valid_to <= max(starts, now)):
        raise GrantDates()
    lasting = [row for row in fitting if row.valid_to is None or (valid_to is not None and valid_to <= row.valid_to)]
    if not lasting:
        latest = max(row.valid_to for row in fitting if row.valid_to is not None)
        raise GrantOutlives(until=last_day(latest).isoformat())
    held = session.scalar(select(func.ruku_roles_held(staff_id, instead_of.id if instead_of else None))) or []
    if (role == Role.OPERATOR and DECIDERS & set(held)) or (role in DECIDERS and Role.OPERATOR in held):
        raise GrantTogether()
    if _held_already(session, staff_id, role, department_id, division_code, instead_of):
        raise GrantTwice()
    if len(reason.strip()) < REASON_LEAST:
        raise GrantReason(least=REASON_LEAST)
    return lasting[0]


def last_day(until: dt.datetime) -> dt.date:
    """The last whole day of a grant that ends at this instant."""
    return clock.day_of(until - dt.timedelta(microseconds=1))


def _check_place(session: Session, role: Role, department_id: int | None) -> None:
    if department_id is None and role in ONE_DEPARTMENT:
        raise GrantNeedsDepartment()
    if role == Role.OPERATOR:
        centre = session.scalar(select(Department.id).where(Department.is_centre))
        if department_id != centre:
            raise GrantCentreOnly()


def _check_holder(session: Session, staff_id: int, instead_of: StaffGrant | None) -> None:
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == staff_id)).one_or_none()
    if account is None and instead_of is None:
        raise NotFound()  # somebody of another department: not this admin's to see
    if account is not None and account.left_at is not None:
        raise GrantToNobody()


def _held_already(
    session: Session, staff_id: int, role: Role, department_id: int | None, division_code: str, but: StaffGrant | None
) -> bool:
    same = select(StaffGrant.id).where(
        StaffGrant.staff_id == staff_id,
        StaffGrant.role == str(role),
        StaffGrant.department_id.is_not_distinct_from(department_id),
        StaffGrant.division_code == division_code,
        StaffGrant.not_over(clock.now(session)),
        StaffGrant.id != (but.id if but else 0),
    )
    return session.scalar(same.limit(1)) is not None


def _add(
    session: Session,
    staff_id: int,
    role: Role,
    department_id: int | None,
    division_code: str,
    reason: str,
    actor: Principal,
    valid_from: dt.datetime | None,
    valid_to: dt.datetime | None,
    under: StaffGrant | None,
) -> StaffGrant:
    now = clock.now(session)
    grant = StaffGrant(
        staff_id=staff_id,
        role=str(role),
        department_id=department_id,
        division_code=division_code,
        valid_from=max(valid_from, now) if valid_from and under else valid_from or now,
        valid_to=valid_to,
        reason=reason.strip()[:REASON_MOST],
        granted_by=actor.who,
        granted_at=now,
        under_grant_id=under.id if under else None,
    )
    session.add(grant)
    session.flush()
    return grant


# ── what becomes of one ──────────────────────────────────────────────────────────────────────────────────────


def change_grant(
    session: Session,
    grant: StaffGrant,
    *,
    role: Role,
    department_id: int | None,
    division_code: str,
    reason: str,
    actor: Principal,
    valid_from: dt.datetime | None = None,
    valid_to: dt.datetime | None = None,
) -> StaffGrant:
    """End this grant and give another to the same person, as one act; returns the new one.

    The old one ends when the new one begins: now, or on a day to come, until when it stays in force.
    """
    under: StaffGrant | None = None
    if not isinstance(actor, System):
        _require_giver(session, grant, actor)
    _still_there(session, grant)
    if not isinstance(actor, System):
        under = check(
            session, grant.staff_id, role=role, department_id=department_id, division_code=division_code, reason=reason,
            actor=actor, valid_from=valid_from, valid_to=valid_to, instead_of=grant,
        )  # fmt: skip
    now = clock.now(session)
    starts = max(valid_from or now, now)
    was = {"role": grant.role, "department": grant.department_id, "division": grant.division_code, "valid_to": grant.valid_to}
    becomes = {"role": str(role), "department": department_id, "division": division_code, "valid_to": valid_to}
    same_start = starts == now or starts == grant.valid_from
    if was == becomes and same_start:
        raise GrantUnchanged()
    if starts > now and grant.valid_from < starts:
        grant.valid_to = min(grant.valid_to, starts) if grant.valid_to else starts
    else:
        grant.ended_at, grant.ended_by = now, actor.who
        session_rows.end_of(session, grant.staff_id, why="grant_changed")
    session.flush()
    new = _add(session, grant.staff_id, role, department_id, division_code, reason, actor, valid_from, valid_to, under)
    changes = {name: [was[name], becomes[name]] for name in was if was[name] != becomes[name]}
    audit.record(
        session, "grant.changed", f"grant:{new.id}", reason=reason, staff=grant.staff_id, instead_of=grant.id,
        role=str(role), department=department_id, division=division_code, valid_from=new.valid_from, valid_to=valid_to,
        under=new.under_grant_id, changes=changes,
    )  # fmt: skip
    return new


def end_grant(session: Session, grant: StaffGrant, *, reason: str, actor: Principal) -> None:
    """Withdraw a grant. The person's sessions end with it: they sign in again, and see what is left."""
    if not isinstance(actor, System):
        _require_giver(session, grant, actor)
    _still_there(session, grant)
    if not isinstance(actor, System) and len(reason.strip()) < REASON_LEAST:
        raise GrantReason(least=REASON_LEAST)
    grant.ended_at, grant.ended_by = clock.now(session), actor.who
    session.flush()
    session_rows.end_of(session, grant.staff_id, why="grant_ended")
    audit.record(session, "grant.ended", f"grant:{grant.id}", reason=reason, staff=grant.staff_id, role=grant.role)


def certify_grant(session: Session, grant: StaffGrant, *, reason: str, actor: Principal) -> None:
    """Say that a grant is still needed: by somebody who could give it today, never by its holder."""
    under = _require_giver(session, grant, actor)
    _still_there(session, grant)
    if len(reason.strip()) < REASON_LEAST:
        raise GrantReason(least=REASON_LEAST)
    grant.certified_at, grant.certified_by = clock.now(session), actor.who
    session.flush()
    audit.record(session, "grant.certified", f"grant:{grant.id}", reason=reason, staff=grant.staff_id, role=grant.role, under=under.id)


def _still_there(session: Session, grant: StaffGrant) -> None:
    session.refresh(grant, ["ended_at", "valid_to"], with_for_update=True)  # two acts on one grant take turns
    if grant.ended_at is not None or (grant.valid_to is not None and grant.valid_to <= clock.now(session)):
        raise GrantOver()


def _require_giver(session: Session, grant: StaffGrant, actor: Principal) -> StaffGrant:
    require(actor, Act.GRANT)
    under = giver_of(session, grant, actor=actor)
    if under is None:
        raise GrantNotYours()
    return under
