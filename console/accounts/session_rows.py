"""The rows of who is signed in: a person's own list, and ending some of them in the transaction of whatever ended their right to them.

`sessions` is the cookie's side of the same table. Times are real time, as there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit
from console.accounts.models import WebSession

#: door → (absolute life, idle life)
LIVES = {
    "console": (dt.timedelta(hours=12), dt.timedelta(hours=2)),
    "portal": (dt.timedelta(days=7), dt.timedelta(days=1)),
}
KEY = 16  # how much of a row's hash names it on its owner's page


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

    Audited with the reason, when there was anything to end.
    """
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
