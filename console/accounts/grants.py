"""Grants: who may give which role to whom, giving and withdrawing. Every write is audited; nothing here commits."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts.models import StaffGrant
from console.departments.models import Division
from console.errors import N_, Conflict, ConsoleError
from console.roles import Act, Role
from console.scope import Principal, Staff, System, require

#: who may give which role: never one's own kind upwards, and rules and reviews stay apart from their administrators
MAY_GIVE: dict[Role, frozenset[Role]] = {
    Role.PLATFORM_ADMIN: frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR, Role.SUPERVISOR}),
    Role.DEPARTMENT_ADMIN: frozenset(
        {Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.RULE_EDITOR, Role.RULE_PUBLISHER}
    ),
}


class GrantNotYours(ConsoleError):
    message = N_("您只能在本部门、本区划内授予您管的角色，也不能给自己授权。")
    status = 403


class GrantOver(Conflict):
    message = N_("这项授权已经收回了。")


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
    """Give a role. An admin gives only roles they may give, inside their own department and division, never to themselves;
    System (bootstrap, demo) may give any."""
    if not isinstance(actor, System):
        _check_giver(session, staff_id, role, department_id, division_code, actor)
    now = clock.now(session)
    grant = StaffGrant(
        staff_id=staff_id,
        role=str(role),
        department_id=department_id,
        division_code=division_code,
        valid_from=valid_from or now,
        valid_to=valid_to,
        reason=reason,
        granted_by=actor.who,
        granted_at=now,
    )
    session.add(grant)
    session.flush()
    audit.record(
        session, "grant.given", f"grant:{grant.id}", reason=reason, staff=staff_id, role=str(role),
        department=department_id, division=division_code, valid_to=valid_to,
    )  # fmt: skip
    return grant


def _check_giver(
    session: Session, staff_id: int, role: Role, department_id: int | None, division_code: str, actor: Principal
) -> None:
    require(actor, Act.GRANT)
    assert isinstance(actor, Staff)  # require() refuses everyone else but System
    codes = {g.division_code for g in actor.grants} | {division_code}
    divisions = {d.code: d for d in session.scalars(select(Division).where(Division.code.in_(codes)))}
    for grant in actor.grants:
        inside = division_code in divisions and division_code.startswith(divisions[grant.division_code].prefix)
        own = grant.department_id is None or grant.department_id == department_id
        if role in MAY_GIVE.get(grant.role, ()) and own and inside and actor.id != staff_id:
            return
    raise GrantNotYours()


def end_grant(session: Session, grant: StaffGrant, *, reason: str, actor: Principal) -> None:
    """Withdraw a grant; the next request of that person no longer has it."""
    if not isinstance(actor, System):
        _check_giver(session, grant.staff_id, Role(grant.role), grant.department_id, grant.division_code, actor)
    if grant.ended_at is not None:
        raise GrantOver()
    grant.ended_at, grant.ended_by = clock.now(session), actor.who
    audit.record(session, "grant.ended", f"grant:{grant.id}", reason=reason, staff=grant.staff_id, role=grant.role)
