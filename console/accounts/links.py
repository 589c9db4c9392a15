"""Links that open once: to choose the first password of an account, or a new one. Nobody ever sets another's password.

Shown once to whoever made it, kept as a hash, good for 72 hours of real time. A new one makes the older ones of that person worthless.
Nothing here commits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config import Settings
from console import audit
from console.accounts import session_rows, staff
from console.accounts.models import SignInLink, StaffAccount
from console.accounts.session_rows import real_now
from console.errors import N_, ConsoleError
from console.scope import current

LIFE = dt.timedelta(hours=72)


class Purpose(StrEnum):
    """Why a link was made."""

    FIRST = "first"
    RESET = "reset"


class LinkOver(ConsoleError):
    """Never made, used, replaced by a newer one or too old: the answer is the same."""

    message = N_("这个链接已经用过、过期或者不完整。请联系给您链接的管理员，重新要一个。")
    status = 404


@dataclass(frozen=True)
class Opened:
    """Whose link it is."""

    staff_id: int
    name: str
    username: str
    purpose: Purpose


def make(session: Session, staff_id: int, purpose: Purpose, *, reason: str | None = None) -> str:
    """A fresh link's token; `people` asks beforehand whether the actor may. A reset ends the person's sessions at once."""
    now = real_now()
    void(session, staff_id)
    token = secrets.token_urlsafe(32)
    session.add(
        SignInLink(
            staff_id=staff_id, token_hash=_hash(token), purpose=str(purpose), created_by=current().who, created_at=now, expires_at=now + LIFE
        )
    )
    if purpose is Purpose.RESET:
        session_rows.end_of(session, staff_id, why="password_reset")
    session.flush()
    audit.record(session, "staff.link_made", f"staff:{staff_id}", reason=reason, purpose=str(purpose))
    return token


def void(session: Session, staff_id: int) -> None:
    """Make every link of this person that was not used worthless."""
    session.execute(
        update(SignInLink)
        .where(SignInLink.staff_id == staff_id, SignInLink.used_at.is_(None), SignInLink.expires_at > real_now())
        .values(expires_at=real_now())
    )


def waiting_until(session: Session, staff_id: int) -> dt.datetime | None:
    """Until when a link of this person can still be opened; None when there is none."""
    return session.scalar(
        select(SignInLink.expires_at)
        .where(SignInLink.staff_id == staff_id, SignInLink.used_at.is_(None), SignInLink.expires_at > real_now())
        .order_by(SignInLink.expires_at.desc())
        .limit(1)
    )


def look(session: Session, token: str) -> Opened:
    """Whose link this is, without using it; LinkOver."""
    row = session.execute(
        select(SignInLink.staff_id, SignInLink.purpose, StaffAccount.name, StaffAccount.username)
        .join(StaffAccount, StaffAccount.staff_id == SignInLink.staff_id)
        .join(User, User.id == SignInLink.staff_id)
        .where(SignInLink.token_hash == _hash(token), SignInLink.used_at.is_(None), SignInLink.expires_at > real_now(), User.active.is_(True))
    ).one_or_none()
    if row is None:
        raise LinkOver()
    return Opened(row.staff_id, row.name, row.username, Purpose(row.purpose))


def use(session: Session, token: str, password: str) -> Opened:
    """Choose the password with it. LinkOver for the second of two at once; WeakPassword leaves the link as it was."""
    opened = look(session, token)
    used = session.execute(
        update(SignInLink)
        .where(SignInLink.token_hash == _hash(token), SignInLink.used_at.is_(None))
        .values(used_at=real_now())
        .returning(SignInLink.id)
    ).one_or_none()
    if used is None:
        raise LinkOver()
    user = session.scalars(select(User).where(User.id == opened.staff_id)).one()
    staff.set_password(session, user, password)
    session_rows.end_of(session, opened.staff_id, why="password_reset")
    audit.record(session, "staff.link_used", f"staff:{opened.staff_id}", purpose=str(opened.purpose))
    return opened


def address(settings: Settings, token: str) -> str:
    """The whole address, for a command; pages make it from their own."""
    scheme = "https" if settings.https else "http"
    if settings.console_host:
        return f"{scheme}://{settings.console_host}/join/{token}"
    return f"{scheme}://{settings.portal_host or f'{settings.host}:{settings.port}'}/console/join/{token}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
