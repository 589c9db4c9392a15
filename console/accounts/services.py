"""Staff accounts, their passwords and their grants. Every write is audited; nothing here commits."""

from __future__ import annotations

import datetime as dt

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from console import audit, clock
from console.accounts.models import StaffGrant
from console.departments.models import Division
from console.errors import N_, Conflict, ConsoleError
from console.roles import Act, Role
from console.scope import Principal, Staff, System, require

MIN_PASSWORD = 10
# the cost of a wrong name equals the cost of a wrong password; of a password that was made, hashed and forgotten, so that an
# account without a password opens to no one (a test holds its cost to werkzeug's)
_NOBODY = (
    "scrypt:32768:8:1$uI4Hw1uEAPYfU2ad$2cda77bb1d9508d872969faf0dbfa0af6cca8d402ad7cf1ebd4960567483f16"
    "06e127df6f04bb59fa7579636a160fc48d007136633c337805c320fa8468f20d9"
)

#: who may give which role: never one's own kind upwards, and rules and reviews stay apart from their administrators
MAY_GIVE: dict[Role, frozenset[Role]] = {
    Role.PLATFORM_ADMIN: frozenset({Role.DEPARTMENT_ADMIN, Role.OPERATOR, Role.SUPERVISOR}),
    Role.DEPARTMENT_ADMIN: frozenset(
        {Role.FIRST_REVIEWER, Role.SECOND_REVIEWER, Role.COORDINATOR, Role.RULE_EDITOR, Role.RULE_PUBLISHER}
    ),
}


class WrongSignIn(ConsoleError):
    message = N_("用户名或密码不对。")
    status = 401


class WeakPassword(ConsoleError):
    message = N_("新密码至少 %(least)s 个字符，不能全是数字，也不能与用户名相同。")
    status = 422


class WrongPassword(ConsoleError):
    message = N_("原密码不对，密码没有修改。")
    status = 422


class NameTaken(Conflict):
    message = N_("用户名“%(username)s”已经有人用了。")


class GrantNotYours(ConsoleError):
    message = N_("您只能在本部门、本区划内授予您管的角色，也不能给自己授权。")
    status = 403


class GrantOver(Conflict):
    message = N_("这项授权已经收回了。")


def hash_password(password: str) -> str:
    return generate_password_hash(password)


def check_strength(password: str, *, username: str) -> None:
    """Raise WeakPassword."""
    if len(password) < MIN_PASSWORD or password.isdecimal() or password.casefold() == username.casefold():
        raise WeakPassword(least=MIN_PASSWORD)


def create_staff(
    session: Session, username: str, *, name: str, password: str | None, email: str | None = None
) -> User:
    """A staff account without any right: rights come from grants; without a password nobody signs in with it yet. The family name is the first character, or what stands
    before a space; it is shown first."""
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise NameTaken(username=username)
    if password is not None:
        check_strength(password, username=username)
    family, _, given = name.partition(" ") if " " in name else (name[:1], "", name[1:])
    user = User(
        username=username,
        last_name=family,
        first_name=given,
        active=True,
        email=email or f"{username}@staff.invalid",  # FAB's column is not null and unique; nothing is ever sent there
        password=hash_password(password) if password is not None else None,
    )
    session.add(user)
    session.flush()
    audit.record(session, "staff.created", f"staff:{user.id}", username=username)
    return user


def sign_in(session: Session, username: str, password: str) -> User:
    """The account, or WrongSignIn: for an unknown name, a wrong password and a closed account alike, in the same time."""
    user = session.scalar(select(User).where(User.username == username))
    right = check_password_hash(user.password if user and user.password else _NOBODY, password)
    if user is None or not right or not user.active:
        raise WrongSignIn()
    return user


def change_password(session: Session, staff_id: int, *, old: str, new: str) -> None:
    """The door ends the person's other sessions afterwards: `sessions.end_others`."""
    user = session.scalars(select(User).where(User.id == staff_id)).one()
    if not check_password_hash(user.password or _NOBODY, old):
        raise WrongPassword()
    check_strength(new, username=user.username)
    user.password = hash_password(new)
    audit.record(session, "staff.password_changed", f"staff:{staff_id}")


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
