"""Staff accounts: making one, changing one's password. Every write is audited; nothing here commits."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.accounts.models import StaffAccount
from console.departments import queries as departments
from console.departments.models import Office
from console.errors import N_, Conflict, ConsoleError, NotFound
from console.passwords import WrongPassword, check_strength, hash_password, is_right
from console.scope import current


class NameTaken(Conflict):
    message = N_("用户名“%(username)s”已经有人用了。")


class NoSuchAccount(NotFound):
    message = N_("没有用户名是“%(username)s”的账号，或者账号已经停用。")


class SignInAgain(ConsoleError):
    message = N_("请先退出，重新登录后再办这件事。")
    status = 422


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


def open_account(session: Session, username: str) -> int:
    """The id behind a user name; NoSuchAccount, also for one that was closed."""
    staff_id = session.scalar(select(User.id).where(User.username == username, User.active.is_(True)))
    if staff_id is None:
        raise NoSuchAccount(username=username)
    return staff_id


def has_password(session: Session, staff_id: int) -> bool:
    """Whether the person can come in by one; who only has a link, or only the authority's sign-in, cannot."""
    return session.scalar(select(User.password.is_not(None)).where(User.id == staff_id)) is True


def confirm_password(session: Session, staff_id: int, password: str, *, recent: bool) -> None:
    """Before an act that weakens an account: the password again, or WrongPassword. Whoever has none (they come by the authority's own
    sign-in) must have signed in just now instead."""
    stored = session.scalars(select(User.password).where(User.id == staff_id)).one()
    if stored is None and not recent:
        raise SignInAgain()
    if stored is not None and not is_right(stored, password):
        raise WrongPassword()


def change_password(session: Session, staff_id: int, *, old: str, new: str) -> None:
    """The door ends the person's other sessions in the same transaction: `session_rows.end_of`."""
    user = session.scalars(select(User).where(User.id == staff_id)).one()
    if not is_right(user.password, old):
        raise WrongPassword()
    set_password(session, user, new)
    audit.record(session, "staff.password_changed", f"staff:{staff_id}")


def set_password(session: Session, user: User, new: str) -> None:
    """The only place that writes one; WeakPassword."""
    check_strength(new, username=user.username)
    user.password = hash_password(new)
    session.get_one(StaffAccount, user.id).password_changed_at = clock.now(session)
