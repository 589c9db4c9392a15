"""The rows of who is signed in: a person's own list, and ending some of them in the transaction of whatever ended their right to them.

`sessions` is the cookie's side of the same table. Times are real time, as there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit
from console.accounts.models import AccessToken, WebSession

#: door → (absolute life, idle life)
LIVES = {
    "console": (dt.timedelta(hours=12), dt.timedelta(hours=2)),
    "portal": (dt.timedelta(days=7), dt.timedelta(days=1)),
}
KEY = 16  # how much of a row's hash names it on its owner's page
#: what ends a person's access tokens too: it is not sure any more who made them, or their owner has left
ENDS_TOKENS = frozenset({"password_reset", "password_changed", "two_factor_reset", "subject_changed", "left"})


def real_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def live(session: Session, staff_id: int) -> Sequence[WebSession]:
    """The officer's sessions that would be let in now, the latest used first."""
    now = real_now()
    return session.scalars(
        select(WebSession)
        .where(
            WebSession.door == "console", WebSession.person_id == staff_id, WebSession.ended_at.is_(None),
            WebSession.expires_at > now, WebSession.seen_at > now - LIVES["console"][1],
        )
        .order_by(WebSession.seen_at.desc())
    ).all()


def end_of(session: Session, staff_id: int, *, why: str, keep: str | None = None, only: str | None = None) -> int:
    """End an officer's sessions, or all but the one with the hash `keep`, or the one whose hash begins with `only`; how many.

    Audited with the reason, when there was anything to end. Some reasons end the person's access tokens as well.
    """
    if why in ENDS_TOKENS:
        end_tokens(session, staff_id, why=why)
    ended = update(WebSession).where(
        WebSession.door == "console", WebSession.person_id == staff_id, WebSession.ended_at.is_(None),
        WebSession.expires_at > real_now(),
    )  # fmt: skip
    if keep:
        ended = ended.where(WebSession.token_hash != keep)
    if only is not None:
        ended = ended.where(WebSession.token_hash.startswith(only, autoescape=True))
    count = len(session.execute(ended.values(ended_at=real_now(), data={}).returning(WebSession.token_hash)).all())
    if count:
        audit.record(session, "staff.sessions_ended", f"staff:{staff_id}", reason=why, count=count)
    return count


def end_tokens(session: Session, staff_id: int, *, why: str, only: int | None = None) -> int:
    """End an officer's access tokens, or the one of this number; how many. Audited one by one: a machine stands still for each."""
    ended = update(AccessToken).where(
        AccessToken.staff_id == staff_id, AccessToken.ended_at.is_(None), AccessToken.expires_at > real_now()
    )
    if only is not None:
        ended = ended.where(AccessToken.id == only)
    gone = session.execute(ended.values(ended_at=real_now(), ended_why=why).returning(AccessToken.id, AccessToken.title)).all()
    for token_id, title in gone:
        audit.record(session, "token.ended", f"token:{token_id}", reason=why, title=title, of=f"staff:{staff_id}")
    return len(gone)
