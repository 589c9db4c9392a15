"""Asking for a file of a list, stopping it, fetching it. The job (`jobs.py`) writes it; nothing here knows how.

A file rests on the grants under which it was read: when one of them has ended, the file is not given out any more.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import audit, clock, files, outbox
from console.crud.screen import Screen
from console.errors import N_, ConsoleError, NotAllowed, NotFound
from console.exchange.models import UNDER_WAY, DataExport, State
from console.exchange.terms import terms
from console.roles import Role
from console.scope import Principal, Staff

ASKED = "export.asked"
FORMATS = ("xlsx", "csv")
MOST_WAITING = 5  # of one person at a time
# an order, a day, yes or no, a short number, a code: nothing that says who somebody is
_IS_CODE = re.compile(r"-?[a-z_]{1,30}|\d{4}-\d{2}-\d{2}|\d{1,9}")


class TooManyWaiting(ConsoleError):
    message = N_("您已有 %(count)s 份导出还没有做完。等它们做完，或者停掉一份，再导出。")
    status = 429


class Gone(ConsoleError):
    message = N_("这份导出已过下载期限，文件已经删除。需要时请回到名单重新导出。")
    status = 410


class GrantEnded(ConsoleError):
    message = N_("导出这份文件时所凭的授权已经结束，文件不能再下载。请按现有授权重新导出。")
    status = 403


class NotReady(ConsoleError):
    message = N_("这份导出还没有做完，或者没有做成，请看导出页面上的说明。")
    status = 409


def roles_of(actor: Principal) -> frozenset[Role]:
    return frozenset(grant.role for grant in actor.grants) if isinstance(actor, Staff) else frozenset()


def ask(
    session: Session, screen: Screen, *, actor: Principal, query: Mapping[str, str], columns: tuple[str, ...] = (), kind: str, language: str
) -> DataExport:
    """Order a file of this list as it is narrowed and ordered; `columns` of the declared ones, in this order (default: all).

    Raises NotAllowed and TooManyWaiting. A name that is no exported column is left out, a format that is none is XLSX.
    """
    if not isinstance(actor, Staff) or not roles_of(actor) & screen.may_export:
        raise NotAllowed(act="can_export")
    waiting = session.scalars(select(DataExport.id).where(DataExport.staff_id == actor.id, DataExport.state.in_(UNDER_WAY))).all()
    if len(waiting) >= MOST_WAITING:
        raise TooManyWaiting(count=len(waiting))
    chosen = [name for name in dict.fromkeys(columns) if name in screen.exported] or list(screen.exported)
    export = DataExport(
        staff_id=actor.id, screen=screen.name, query={name: value[:200] for name, value in sorted(query.items()) if value}, columns=chosen,
        format=kind if kind in FORMATS else FORMATS[0], language=language, state=str(State.WAITING), asked_at=clock.now(session),
    )  # fmt: skip
    session.add(export)
    session.flush()
    outbox.publish(session, ASKED, [export.id])
    audit.record(
        session, "export.asked", f"data_export:{export.id}", screen=screen.name, query=told(export.query), columns=chosen, format=export.format
    )
    return export


def told(query: Mapping[str, str]) -> dict[str, Any]:
    """The conditions as the audit may keep them: what somebody typed may be a name or a number of a person."""
    return {name: value if _IS_CODE.fullmatch(value) and name != "q" else audit.fingerprint(value) for name, value in query.items()}


def mine(session: Session, *, actor: Principal, limit: int = 50) -> list[DataExport]:
    """One's own, newest first."""
    if not isinstance(actor, Staff):
        return []
    return list(session.scalars(select(DataExport).where(DataExport.staff_id == actor.id).order_by(DataExport.id.desc()).limit(limit)))


def own(session: Session, export_id: int, *, actor: Principal, lock: bool = False) -> DataExport:
    """One's own by number; NotFound for one that is not there and for somebody else's, whoever asks."""
    if not isinstance(actor, Staff):
        raise NotFound()
    asked = select(DataExport).where(DataExport.id == export_id, DataExport.staff_id == actor.id)
    export = session.scalar(asked.with_for_update() if lock else asked)
    if export is None:
        raise NotFound()
    return export


def cancel(session: Session, export: DataExport, *, actor: Principal) -> None:
    """Stop it: at once while it waits, else at the next batch. Nothing is left of it."""
    if export.state not in UNDER_WAY or export.cancel_asked_at is not None:
        return
    export.cancel_asked_at = clock.now(session)
    if export.state == State.WAITING:
        export.state, export.finished_at = str(State.CANCELLED), export.cancel_asked_at
    session.flush()
    audit.record(session, "export.cancelled", f"data_export:{export.id}", screen=export.screen)


def is_over(export: DataExport, now: dt.datetime) -> bool:
    return export.erased_at is not None or (export.expires_at is not None and export.expires_at <= now)


def fetch(session: Session, export: DataExport, screen: Screen, *, actor: Principal) -> Any:
    """The file, open; who fetched it is audited. Raises NotReady, Gone, NotAllowed and GrantEnded."""
    if export.state != State.DONE or export.place is None:
        raise Gone() if export.erased_at is not None else NotReady()
    if is_over(export, clock.now(session)):
        raise Gone()
    if not isinstance(actor, Staff) or not roles_of(actor) & screen.may_export:
        raise NotAllowed(act="can_export")
    if not set(export.grants) <= {grant.id for grant in actor.grants}:
        raise GrantEnded()
    content = files.opened(export.place)
    audit.record(session, "export.fetched", f"data_export:{export.id}", screen=export.screen, rows=export.rows, file=export.content_hash)
    return content


# ── what the job says ────────────────────────────────────────────────────────────────────────────────────────


def begin(session: Session, export_id: int, grants: list[int]) -> None:
    session.execute(
        update(DataExport)
        .where(DataExport.id == export_id)
        .values(state=str(State.RUNNING), started_at=clock.now(session), rows=0, error=None, grants=grants)
    )


def note(session: Session, export_id: int, rows: int) -> bool:
    """How many rows are written; False when its asker wants it stopped."""
    said = update(DataExport).where(DataExport.id == export_id).values(rows=rows).returning(DataExport.cancel_asked_at)
    return session.execute(said).scalar_one_or_none() is None


def finish(session: Session, export_id: int, *, rows: int, place: str, content_hash: str, size: int, **facts: Any) -> None:
    """The file is there: until when, and what the audit keeps of it."""
    now = clock.now(session)
    session.execute(
        update(DataExport)
        .where(DataExport.id == export_id)
        .values(
            state=str(State.DONE), rows=rows, place=place, content_hash=content_hash, size=size, finished_at=now, expires_at=now + terms().wait
        )
    )
    audit.record(session, "export.made", f"data_export:{export_id}", rows=rows, file=content_hash, **facts)


def end(session: Session, export_id: int, state: State, error: str | None = None) -> None:
    """It was stopped or came to nothing."""
    session.execute(
        update(DataExport)
        .where(DataExport.id == export_id, DataExport.state.in_(UNDER_WAY))
        .values(state=str(state), error=error, finished_at=clock.now(session))
    )


def forget(session: Session, *, limit: int = 500) -> int:
    """Erase the files whose time is over; how many. Under System."""
    now = clock.now(session)
    over = session.scalars(
        select(DataExport)
        .where(DataExport.expires_at <= now, DataExport.erased_at.is_(None))
        .order_by(DataExport.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for export in over:
        if export.place is not None:
            files.forget(export.place)
        export.place, export.query, export.erased_at = None, {}, now
    session.flush()
    return len(over)
