"""What opens a door without a fresh sign-in, after a restore: all of it is from before, and some of it had been ended since.

Sessions, codes, one-time links and access tokens end. Grants are what people work under, so they stay, and are due for re-certification: those the
replaced database knew to be withdrawn, when it could be read, else all. Written as the worker, in the audit of the restored house.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from console import audit, clock, db
from console.accounts.models import AccessToken, SignInLink, StaffAccount, StaffGrant, WebSession
from console.backup import snapshot
from console.backup.manifest import Manifest
from console.roles import Role
from console.scope import System, become

REASON = "restored"
_COLUMNS = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN ('access_token', 'sign_in_link', 'staff_grant')"


@dataclass(frozen=True)
class Newer:
    """What the database that is replaced had closed, by number."""

    grants: frozenset[int]
    tokens: frozenset[int]
    people: frozenset[int]


def newer(url: str, made: Manifest) -> Newer | None:
    """From a database that went on after this backup; None when it is another house's or ended before. What it lacks raises the driver's error."""
    with snapshot.moment(url) as (connection, _):
        ends = [connection.execute("SELECT 1 FROM audit_link WHERE stream = %s AND seq = %s AND hash = %s", (one["stream"], one["seq"], one["sha256"])).fetchone() for one in made.facts.heads]
        if not ends or None in ends:
            return None
        questions = ("SELECT id FROM staff_grant WHERE ended_at IS NOT NULL", "SELECT id FROM access_token WHERE ended_at IS NOT NULL", "SELECT staff_id FROM staff_account WHERE left_at IS NOT NULL")
        return Newer(*(frozenset(row[0] for row in connection.execute(question)) for question in questions))


def close(connection: snapshot.Connection, known: Newer | None, *, same_moment: bool, say: Callable[[str], Any]) -> dict[str, Any]:
    """End what opens a door, and mark grants; what was done, for the audit. `same_moment`: an upgrade puts its own backup back, taken minutes ago
    and readable beside: tokens that had not been ended go on. `connection`: the owner's; an older structure lacks some of it."""
    there = {name for (name,) in connection.execute(_COLUMNS)}
    with become(System("restore")), db.transaction() as session:
        done: dict[str, Any] = {"sessions": _count(session, update(WebSession).where(WebSession.ended_at.is_(None)).values(ended_at=func.now(), data={}))}
        done["codes"] = connection.execute("DELETE FROM sign_in_code").rowcount  # nobody else may
        if "sign_in_link.used_at" in there:
            alive = (SignInLink.used_at.is_(None), SignInLink.expires_at > func.now())
            done["links"] = _count(session, update(SignInLink).where(*alive).values(expires_at=func.now()))
        if "access_token.ended_why" in there:
            over = [AccessToken.ended_at.is_(None)]
            if same_moment and known is not None:
                over.append(AccessToken.id.in_(known.tokens))
            gone = session.execute(update(AccessToken).where(*over).values(ended_at=func.now(), ended_why=REASON).returning(AccessToken.id, AccessToken.staff_id).execution_options(synchronize_session=False)).all()
            for token_id, staff_id in gone:
                audit.record(session, "token.ended", f"token:{token_id}", reason=REASON, of=f"staff:{staff_id}")
            done["tokens"] = len(gone)
        say(f"Ended: {', '.join(f'{count} {name}' for name, count in done.items())}. Officers make new access tokens for their machines, administrators new links.")
        if "staff_grant.certified_by" in there:
            done["grants"] = _mark(session, known, say)
        if known is not None:
            people = session.execute(select(StaffAccount.staff_id, StaffAccount.username).where(StaffAccount.staff_id.in_(known.people), StaffAccount.left_at.is_(None)).order_by(StaffAccount.staff_id)).all()
            for number, name in people:
                say(f"  account {name} (staff {number}) had left after the backup and is there again: enter the leaving again (管理 › 工作人员).")
            done["accounts"] = [number for number, _ in people]
    return done


def _mark(session: Any, known: Newer | None, say: Callable[[str], Any]) -> list[int]:
    """Nobody certifies a platform administrator, so these are only named."""
    which = [StaffGrant.in_force(clock.now(session))]
    if known is not None:
        which.append(StaffGrant.id.in_(known.grants))
    rows = session.execute(select(StaffGrant.id, StaffGrant.role, StaffGrant.division_code, StaffAccount.username).join(StaffAccount, StaffAccount.staff_id == StaffGrant.staff_id).where(*which).order_by(StaffGrant.id)).all()
    marked = [number for number, role, *_ in rows if role != Role.PLATFORM_ADMIN]
    _count(session, update(StaffGrant).where(StaffGrant.id.in_(marked)).values(certified_at=clock.now(session), certified_by=StaffGrant.AFTER_RESTORE))
    if known is None:
        say(f"What was withdrawn after the backup is not known here: {len(marked)} grants are due for re-certification. Administrators certify or withdraw each (授权 › 该复核了).")
        if chiefs := sorted({name for _, role, _, name in rows if role == Role.PLATFORM_ADMIN}):
            say(f"Platform administrators now: {', '.join(chiefs)}. Nobody certifies these: close the account of whoever is none any more (管理 › 工作人员).")
        return marked
    for number, role, division, name in rows:
        what = "Close the account if it should be (管理 › 工作人员)." if number not in marked else "It is due for re-certification: withdraw it again (授权 › 该复核了)."
        say(f"  grant {number} ({role} in {division}, of {name}) had been withdrawn after the backup and holds again. {what}")
    if not rows:
        say("No grant that holds had been withdrawn after the backup.")
    return marked


def _count(session: Any, statement: Any) -> int:
    return int(session.execute(statement.execution_options(synchronize_session=False)).rowcount)
