"""Staff accounts: making one, signing in, changing one's password. Every write is audited; nothing here commits."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts.models import StaffAccount
from console.departments import queries as departments
from console.departments.models import Office
from console.errors import N_, Conflict, ConsoleError
from console.passwords import WrongPassword, check_strength, hash_password, is_old, is_right
from console.scope import current


class WrongSignIn(ConsoleError):
    message = N_("用户名或密码不对。")
    status = 401


class NameTaken(Conflict):
    message = N_("用户名“%(username)s”已经有人用了。")


def create_staff(
    session: Session, username: str, *, name: str, password: str | None, office: Office | None = None
) -> User:
    """A staff account without any right: rights come from grants; without a password nobody signs in with it yet.

    `office` is where the person works, and whose administrators see the account; the centre's when none is given. The family name is
    the first character, or what stands before a space; it is shown first.
    """
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
        email=f"{username}@staff.invalid",  # FAB's column is not null and unique; nothing is ever sent there
        password=hash_password(password) if password is not None else None,
    )
    session.add(user)
    session.flush()
    home = office or departments.centre_office(session)
    now = clock.now(session)
    session.add(
        StaffAccount(staff_id=user.id, office_id=home.id, created_by=current().who, created_at=now, password_changed_at=now if password else None)
    )
    session.flush()
    audit.record(session, "staff.created", f"staff:{user.id}", username=username, office=home.id)
    return user


def sign_in(session: Session, username: str, password: str) -> User:
    """The account, or WrongSignIn: for an unknown name, a wrong password and a closed account alike, in the same time."""
    user = session.scalar(select(User).where(User.username == username))
    right = is_right(user.password if user else None, password)
    if user is None or not right or not user.active:
        raise WrongSignIn()
    if user.password and is_old(user.password):
        user.password = hash_password(password)
    return user


def change_password(session: Session, staff_id: int, *, old: str, new: str) -> None:
    """The door ends the person's other sessions afterwards: `sessions.end_others`."""
    user = session.scalars(select(User).where(User.id == staff_id)).one()
    if not is_right(user.password, old):
        raise WrongPassword()
    check_strength(new, username=user.username)
    user.password = hash_password(new)
    session.get_one(StaffAccount, staff_id).password_changed_at = clock.now(session)
    audit.record(session, "staff.password_changed", f"staff:{staff_id}")
