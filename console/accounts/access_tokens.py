"""Access tokens: an officer lets a machine of the department ask under /api/ in their name.

A token may at most what its owner may now: grants are read at every request, as for a session, and the token only narrows them, to reading,
or to some screens. It is shown once and kept as a keyed hash. Times are real time, as those of sessions. What ends it is in
`session_rows.end_tokens`: its owner's wish, leaving, a new password, a reset second step.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit
from console.accounts.models import AccessToken
from console.accounts.queries import Found, found_by, token_bearer
from console.accounts.session_rows import end_tokens, real_now
from console.errors import N_, Conflict, ConsoleError, NotFound
from console.secrecy import keyed_hash

MOST_DAYS, MOST_LIVE = 90, 20
PREFIX = "ruku_"  # by which a scanner of source code knows one that was left lying about
SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
USED_EVERY = dt.timedelta(minutes=1)
READING = frozenset({"can_list", "can_show"})


class TitleNeeded(ConsoleError):
    message = N_("请写明这个令牌给谁用，2 到 60 个字，例如“交易平台每日对账”。")
    status = 422


class DaysOutOfRange(ConsoleError):
    message = N_("有效期是 1 到 %(most)s 天。")
    status = 422


class UnknownScreens(ConsoleError):
    message = N_("没有这些表，或者您无权打开：%(names)s。")
    status = 422


class TooManyTokens(Conflict):
    message = N_("您已有 %(most)s 个有效的访问令牌，请先撤销不用的。")


@dataclass(frozen=True)
class Bearer:
    """A token that was shown, with its owner as `Found`: what a session is for a browser."""

    token_id: int
    title: str
    writes: bool
    screens: frozenset[str]
    used_at: dt.datetime | None
    found: Found

    def narrow(self, granted: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Of the owner's permissions, those this token carries."""
        return frozenset(
            (permission, view) for permission, view in granted
            if (self.writes or permission in READING) and (not self.screens or view in self.screens)
        )  # fmt: skip


def fingerprint(token: str) -> str:
    return keyed_hash(token, "access_token")


def bearer(token: str) -> Bearer | None:
    """Whose token this is, with their grants valid now, in one statement; None for one that is unknown, over, or whose owner has left."""
    if not SHAPE.fullmatch(token):
        return None
    row = token_bearer(fingerprint(token), real_now=real_now())
    if row is None:
        return None
    # whoever made it in a session with a second step need not take one again: what must be done first is asked of the owner's own session
    found = found_by(row, data={"second": "token"} if row.second_step else {}, seen_at=row.used_at or row.created_at)
    return Bearer(row.token_id, row.title, row.writes, frozenset(row.screens), row.used_at, found)


def make(
    session: Session, staff_id: int, *, title: str, writes: bool, days: int, screens: Sequence[str], allowed: Sequence[str], second_step: bool
) -> tuple[AccessToken, str]:
    """A new token, and the words that are shown this once. `allowed`: the screens its owner may open now."""
    title = " ".join(title.split())
    if not 2 <= len(title) <= 60:
        raise TitleNeeded()
    if not 1 <= days <= MOST_DAYS:
        raise DaysOutOfRange(most=MOST_DAYS)
    if unknown := sorted(set(screens) - set(allowed)):
        raise UnknownScreens(names="、".join(unknown))
    if len(live(session, staff_id)) >= MOST_LIVE:
        raise TooManyTokens(most=MOST_LIVE)
    words, now = PREFIX + secrets.token_urlsafe(32), real_now()
    token = AccessToken(
        staff_id=staff_id, title=title, token_hash=fingerprint(words), writes=writes, screens=sorted(set(screens)), second_step=second_step,
        created_at=now, expires_at=now + dt.timedelta(days=days),
    )  # fmt: skip
    session.add(token)
    session.flush()
    audit.record(
        session, "token.made", f"token:{token.id}", title=title, writes=writes, screens=token.screens, days=days, of=f"staff:{staff_id}"
    )
    return token, words


def revoke(session: Session, staff_id: int, token_id: int) -> None:
    """One of one's own, by one's own wish; NotFound for any other."""
    if not end_tokens(session, staff_id, why="own_wish", only=token_id):
        raise NotFound()


def live(session: Session, staff_id: int) -> Sequence[AccessToken]:
    """The tokens that would be let in now, the newest first."""
    return session.scalars(
        select(AccessToken)
        .where(AccessToken.staff_id == staff_id, AccessToken.ended_at.is_(None), AccessToken.expires_at > real_now())
        .order_by(AccessToken.id.desc())
    ).all()


def note_use(session: Session, shown: Bearer, *, place: str) -> None:
    """Write down that it was used, at most once a minute; the first time is audited."""
    now = real_now()
    if shown.used_at is not None and shown.used_at + USED_EVERY > now:
        return
    token = session.scalars(select(AccessToken).where(AccessToken.id == shown.token_id)).one()
    if token.used_at is None:
        audit.record(session, "token.first_used", f"token:{token.id}", title=token.title, of=f"staff:{token.staff_id}")
    token.used_at, token.used_from = now, place
