"""Who somebody proved to be at the first step, and what happens when they are let in. The doors hold the steps together (`doorway`)."""

from __future__ import annotations

from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.accounts import two_factor
from console.accounts.models import StaffAccount
from console.accounts.session_rows import real_now
from console.errors import N_, ConsoleError
from console.passwords import hash_password, is_old, is_right
from console.secrecy import keyed_hash


class WrongSignIn(ConsoleError):
    message = N_("用户名或密码不对。")
    status = 401


class NotKnownHere(ConsoleError):
    """The provider knows the person, we do not: nobody is made by signing in."""

    message = N_("您已通过统一身份认证，但本平台没有与之绑定的账号。请联系本部门管理员建立账号或绑定。")
    status = 403


@dataclass(frozen=True)
class FirstStep:
    """`mark` changes with the password: a first step proved with an old one opens no second."""

    staff_id: int
    username: str
    mark: str
    has_totp: bool


def by_password(session: Session, username: str, password: str) -> FirstStep:
    """The first step, or WrongSignIn: for an unknown name, a wrong password and a closed account alike, in the same time."""
    user = session.scalar(select(User).where(User.username == username))
    right = is_right(user.password if user else None, password)
    if user is None or not right or not user.active:
        raise WrongSignIn()
    if user.password and is_old(user.password):
        user.password = hash_password(password)
    return _step(session, user)


def by_subject(session: Session, subject: str) -> FirstStep:
    """The first step of whoever an administrator, or they themselves, bound to this subject; NotKnownHere."""
    user = session.scalar(
        select(User).join(StaffAccount, StaffAccount.staff_id == User.id).where(StaffAccount.oidc_subject == subject, User.active.is_(True))
    )
    if user is None:
        raise NotKnownHere()
    return _step(session, user)


def again(session: Session, staff_id: int) -> FirstStep | None:
    """The person of a first step as they are now; None when the account was closed meanwhile."""
    user = session.scalar(select(User).where(User.id == staff_id, User.active.is_(True)))
    return _step(session, user) if user is not None else None


def _step(session: Session, user: User) -> FirstStep:
    account = session.get_one(StaffAccount, user.id)
    return FirstStep(user.id, user.username, keyed_hash(f"{user.id}:{user.password}", "first_step"), two_factor.is_on(account))


def arrive(session: Session, staff_id: int, *, how: str, second: str, address: str) -> bool:
    """Let somebody in, audited; True when their two-step sign-in was reset by an administrator and they have not been told yet."""
    account = session.get_one(StaffAccount, staff_id)
    told, account.totp_reset_at = account.totp_reset_at is not None, None
    account.signed_in_at = real_now()
    audit.record(session, "staff.signed_in", f"staff:{staff_id}", how=how, second=second or None, **{"from": address})
    return told
