"""Placing and releasing holds, and the run: what is due and not held goes, in batches, each in a transaction of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, func, literal, not_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from console import audit, clock, outbox
from console.applications.models import Attachment
from console.erasure import NAMED_BY, RULES, Rule
from console.errors import N_, Conflict, ConsoleError
from console.jobs import gate
from console.retention.models import LegalHold, RetentionOutlook, RetentionRule, RetentionRun
from console.roles import Act
from console.scope import Principal, require

BATCH = 2_000
LOCK = 7_402_631
COUNT_ASKED = "retention.count_asked"


class HoldsNothing(ConsoleError):
    message = N_("请写明封存什么：数据类别、部门或者申报编号，至少一项。")
    status = 422


class NoSuchFile(ConsoleError):
    message = N_("没有编号为“%(number)s”的申报。")
    status = 422


class AlreadyReleased(Conflict):
    message = N_("这项封存已经解除了。")


# ── holds ────────────────────────────────────────────────────────────────────────────────────────────────────


def complete_hold(session: Session, hold: LegalHold, *, actor: Principal) -> LegalHold:
    """Make what was typed a hold: by whom, since when, and whose file the number is. Its person is held with it."""
    require(actor, Act.HOLD)
    hold.file_number = (hold.file_number or "").strip() or None
    if not (hold.kind or hold.department or hold.file_number):
        raise HoldsNothing()
    if hold.file_number:
        # who holds data need not be one who reads files: the function answers with a number only
        hold.applicant_id = session.scalar(select(func.ruku_applicant_of(hold.file_number)))
        if hold.applicant_id is None:
            raise NoSuchFile(number=hold.file_number)
    hold.placed_by, hold.placed_at = actor.who, clock.now(session)
    return hold


def release(session: Session, hold: LegalHold, *, actor: Principal, reason: str) -> None:
    """Let the clock run again; what is due meanwhile goes with the next run."""
    require(actor, Act.HOLD)
    if hold.released_at is not None:
        raise AlreadyReleased()
    hold.released_by, hold.released_at, hold.released_why = actor.who, clock.now(session), reason
    audit.record(session, "hold.released", f"legal_hold:{hold.id}", reason=reason)


def holds_in_force(session: Session, kind: str) -> list[LegalHold]:
    """The holds that may keep something of this class."""
    return list(
        session.scalars(
            select(LegalHold).where(LegalHold.released_at.is_(None), or_(LegalHold.kind.is_(None), LegalHold.kind == kind)).order_by(LegalHold.id)
        )
    )


def _caught(hold: LegalHold, due: Any) -> ColumnElement[bool]:
    """Which rows a hold keeps: those of its person and of its department, where it names them."""
    conditions: list[ColumnElement[bool]] = []
    if hold.applicant_id is not None:
        conditions.append(due.c.applicant_id == hold.applicant_id)
    if hold.department_id is not None:
        conditions.append(literal(hold.department_id, Integer) == func.any(due.c.department_ids))
    found: ColumnElement[bool] = func.coalesce(conditions[0], False) if conditions else literal(True)
    for more in conditions[1:]:
        found = found & func.coalesce(more, False)
    return found


# ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────


def before(session: Session, period: RetentionRule) -> dt.datetime:
    """What ended before this instant is over."""
    return clock.now(session) - dt.timedelta(days=period.days)


def look_ahead(session: Session) -> dict[str, RetentionOutlook]:
    """Count what a run would take now and what which hold keeps, without touching anything; kept for the page."""
    found = {}
    for kind, period in periods(session).items():
        if kind in RULES:
            due, holds = RULES[kind].due(before(session, period)).subquery(), holds_in_force(session, kind)
            free = [not_(_caught(hold, due)) for hold in holds]
            count, oldest = session.execute(select(func.count(), func.min(due.c.since)).select_from(due).where(*free)).one()
            held = [{"hold": hold.id, "count": kept} for hold in holds if (kept := _kept(session, hold, due))]
            row = session.get(RetentionOutlook, kind) or RetentionOutlook(kind=kind)
            row.at, row.due, row.oldest, row.held = clock.now(session), count, oldest, held
            session.add(row)
            found[kind] = row
    session.flush()
    return found


def ask_to_count(session: Session, *, actor: Principal) -> None:
    """Have the worker count again: a moment later the page says it."""
    require(actor, Act.HOLD)
    outbox.publish(session, COUNT_ASKED, [1])


def _kept(session: Session, hold: LegalHold, due: Any) -> int:
    return session.scalar(select(func.count()).select_from(due).where(_caught(hold, due))) or 0


def periods(session: Session) -> dict[str, RetentionRule]:
    return {row.kind: row for row in session.scalars(select(RetentionRule))}


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────


BRAKE = "retention"


def run(opening: Callable[[], AbstractContextManager[Session]], *, forget: Callable[[str], bool], batch: int = BATCH) -> list[tuple[str, int]]:
    """Erase what is due, class by class; (class, how many). `opening` is a transaction as System("retention"). Twice at once: one waits outside
    and finds nothing. Files are taken out of the store after the commit that took their last mention."""
    done = []
    for rule in RULES.values():
        erased, files = 0, 0
        while True:
            with opening() as session:
                period = session.get(RetentionRule, rule.kind)
                if period is None or gate(session, BRAKE) or not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
                    break
                ids, hashes = _erase(session, rule, period, batch)
                erased += len(ids)
            files += sum(_forget(opening, hash_, forget) for hash_ in hashes)
            if len(ids) < batch:
                break
        if erased:
            with opening() as session:
                _report(session, rule, erased, files)
            done.append((rule.kind, erased))
    return done


def _erase(session: Session, rule: Rule, period: RetentionRule, batch: int) -> tuple[list[int], list[str]]:
    until = before(session, period)
    due = rule.due(until).subquery()
    free = [not_(_caught(hold, due)) for hold in holds_in_force(session, rule.kind)]
    ids = list(session.scalars(select(due.c.id).where(*free).order_by(due.c.since, due.c.id).limit(batch)))
    if not ids:
        return [], []
    erase = func.ruku_erase(rule.kind, literal(ids, ARRAY(BigInteger)), literal(until, DateTime(timezone=True)))
    hashes = session.scalar(select(erase)) or []
    session.expire_all()
    return ids, list(hashes)


def _forget(opening: Callable[[], AbstractContextManager[Session]], hash_: str, forget: Callable[[str], bool]) -> bool:
    """Only when nobody else handed in the same content, and no room names it."""
    with opening() as session:
        if session.scalar(select(Attachment.id).where(Attachment.hash == hash_).limit(1)) is not None or any(names(session, hash_) for names in NAMED_BY):
            return False
    return forget(hash_)


def _report(session: Session, rule: Rule, erased: int, files: int) -> None:
    period = session.get_one(RetentionRule, rule.kind)
    held = look_ahead(session)[rule.kind].held
    row = RetentionRun(kind=rule.kind, at=clock.now(session), days=period.days, basis=period.basis, erased=erased, files=files, held=held)
    session.add(row)
    session.flush()
    audit.record(
        session, "retention.erased", f"retention_run:{row.id}", kind=rule.kind, count=erased, files=files, days=period.days, basis=period.basis, held=held
    )


