"""A register's share of rows, drawn once a period: committed to on one day, drawn by a public value of a later one, proved to everybody.

The public value is the fingerprint of the audit's roots, which are published every day and cannot be known before. The secret number comes
from the server's key until it is revealed, so that it lies nowhere.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import audit, clock, secrecy
from console.audit import AuditAnchor
from console.errors import N_, ConsoleError, NotFound
from console.registers import services
from console.registers.loading import Loaded, current
from console.registers.models import RegisterDraw
from console.scope import Principal
from rules import draws as rules
from rules.fields import ReferenceField
from rules.registers import PERIODS, Sample


class CommitmentBroken(ConsoleError):
    """The server's key has changed between the two days: nothing is drawn, and what was committed to stays visible."""

    message = N_("登记表“%(register)s”%(period)s的抽取对不上先前公布的承诺值，没有抽取。请运维人员核对密钥。")


def sampled() -> tuple[Loaded, ...]:
    """The registers of which a share is drawn."""
    return tuple(one for one in current() if one.declared.document.sample is not None)


def period_of(day: dt.date, every: str) -> str:
    """“2026”, “2026-H2”, “2026-Q4”, “2026-11”."""
    months = PERIODS[every]
    number = (day.month - 1) // months + 1
    return {12: f"{day.year}", 6: f"{day.year}-H{number}", 3: f"{day.year}-Q{number}", 1: f"{day.year}-{number:02d}"}[months]


def commit(session: Session, one: Loaded) -> RegisterDraw | None:
    """Freeze this period's pool and publish what binds us to it. None when it has been done, or there is nothing to draw from."""
    sample = _sample(one)
    now = clock.now(session)
    period, table = period_of(clock.day_of(now), sample.every), one.declared.table
    if session.scalar(select(RegisterDraw.id).where(RegisterDraw.register == table, RegisterDraw.period == period)) is not None:
        return None
    pool = rules.frozen(_pool(session, one))
    if not pool:
        return None
    rate = str(sample.rate)
    bound = rules.commitment(table, period, rate, pool, _nonce(table, period, now))
    values = {"register": table, "period": period, "rate": rate, "pool": list(pool), "commitment": bound, "committed_at": now}
    draw = session.scalar(insert(RegisterDraw).values(values).on_conflict_do_nothing(index_elements=["register", "period"]).returning(RegisterDraw))
    if draw is None:  # another run was quicker
        return None
    audit.record(session, "register.draw_committed", f"register_draw:{draw.id}", register=one.declared.name, period=period, size=len(pool), commitment=bound)
    return draw


def carry_out(session: Session, one: Loaded, number: int, *, actor: Principal) -> Sequence[int]:
    """Draw by the first public value after the commitment, and take what is drawn where the declaration says. Nothing while there is no such value.

    The draw is held until the transaction ends: a second run waits, and finds it drawn. Raises CommitmentBroken.
    """
    draw = session.scalars(select(RegisterDraw).where(RegisterDraw.id == number).with_for_update().execution_options(populate_existing=True)).one()
    beacon = _beacon(session, draw.committed_at)
    if draw.drawn_at is not None or beacon is None:
        return ()
    sample = _sample(one)
    nonce = _nonce(draw.register, draw.period, draw.committed_at)
    if rules.commitment(draw.register, draw.period, draw.rate, draw.pool, nonce) != draw.commitment:
        raise CommitmentBroken(register=one.declared.document.title.zh, period=draw.period)
    value, at = beacon
    picked = rules.drawn(draw.pool, draw.rate, rules.seed(nonce, draw.commitment, value))
    draw.nonce, draw.beacon, draw.beacon_at, draw.drawn, draw.drawn_at = nonce, value, at, list(picked), clock.now(session)
    session.flush()
    audit.record(session, "register.drawn", f"register_draw:{draw.id}", register=one.declared.name, period=draw.period, drawn=list(picked))
    if sample.into is not None:
        _enter_into(session, one, sample.into, picked, actor)
    elif sample.move is not None:
        rows = session.scalars(select(one.rows).where(one.rows.id.in_(picked))).unique().all()
        start = next(move.start for move in one.declared.document.states.moves if move.id == sample.move)  # type: ignore[union-attr]
        for row in rows:
            if row.state in start:  # one that has left meanwhile was drawn, and stays where it is
                services.move(session, one, [row], sample.move, actor=actor, reason=draw.period)
    return picked


def _enter_into(session: Session, one: Loaded, name: str, picked: Sequence[int], actor: Principal) -> None:
    into = next(
        (other for department in (one.declared.department, "centre") for other in current() if (other.declared.department, other.declared.id) == (department, name)), None
    )  # fmt: skip
    if into is None:
        raise NotFound()
    pointing = next(
        field.id for field in into.declared.document.fields if isinstance(field, ReferenceField) and into.declared.shapes[field.id].points_at == f"{one.declared.table}.id"
    )  # fmt: skip
    for number in picked:
        services.enter(session, into, {pointing: number}, actor=actor)


def open_draws(session: Session, one: Loaded) -> list[tuple[int, str]]:
    """Number and period of what is committed to and not yet drawn, the oldest first."""
    asked = select(RegisterDraw.id, RegisterDraw.period).where(RegisterDraw.register == one.declared.table, RegisterDraw.drawn_at.is_(None)).order_by(RegisterDraw.id)
    return [(number, period) for number, period in session.execute(asked)]


def draws_of(session: Session, one: Loaded) -> Sequence[RegisterDraw]:
    """All draws of a register, the newest first."""
    return session.scalars(select(RegisterDraw).where(RegisterDraw.register == one.declared.table).order_by(RegisterDraw.id.desc()).limit(100)).all()


def draw_of(session: Session, one: Loaded, period: str) -> RegisterDraw:
    """One draw by its period; NotFound."""
    found = session.scalars(select(RegisterDraw).where(RegisterDraw.register == one.declared.table, RegisterDraw.period == period[:10])).one_or_none()
    if found is None:
        raise NotFound()
    return found


def proof(draw: RegisterDraw) -> dict[str, Any]:
    """Everything with which anybody draws again; before the draw only what binds us."""
    said: dict[str, Any] = {
        "format": 1, "register": draw.register, "period": draw.period, "rate": draw.rate, "pool": draw.pool, "commitment": draw.commitment,
        "committed_at": draw.committed_at.isoformat(),
    }  # fmt: skip
    if draw.drawn_at is not None and draw.nonce is not None and draw.beacon is not None and draw.beacon_at is not None:
        seed = rules.seed(draw.nonce, draw.commitment, draw.beacon)
        said |= {
            "nonce": draw.nonce, "beacon": draw.beacon, "beacon_at": draw.beacon_at.isoformat(), "seed": seed, "drawn": draw.drawn,
            "drawn_at": draw.drawn_at.isoformat(), "order": list(rules.ranked(draw.pool, seed)),
        }  # fmt: skip
    return said


def holds(draw: RegisterDraw) -> bool:
    """Whether the published numbers give this draw."""
    if draw.nonce is None or draw.beacon is None:
        return False
    bound = rules.commitment(draw.register, draw.period, draw.rate, draw.pool, draw.nonce) == draw.commitment
    return bound and list(rules.drawn(draw.pool, draw.rate, rules.seed(draw.nonce, draw.commitment, draw.beacon))) == draw.drawn


def _sample(one: Loaded) -> Sample:
    sample = one.declared.document.sample
    if sample is None:
        raise NotFound()
    return sample


def _pool(session: Session, one: Loaded) -> list[int]:
    sample = _sample(one)
    asked = select(one.rows)
    if sample.states:
        asked = asked.where(one.rows.state.in_(sample.states))
    rule = one.declared.register.sample_where
    if rule is None:
        return list(session.scalars(asked.with_only_columns(one.rows.id)))
    today = clock.today(session)
    return [row.id for row in session.scalars(asked).unique() if rule.ask(services.facts_of(one.declared, row), {}, today)[0] is True]


def _nonce(table: str, period: str, at: dt.datetime) -> str:
    return secrecy.keyed_hash(f"{table}|{period}|{at.astimezone(dt.UTC).isoformat()}", "register.draw")


def _beacon(session: Session, after: dt.datetime) -> tuple[str, dt.datetime] | None:
    """The first set of the audit's roots published after this moment, as one fingerprint."""
    at = session.scalar(select(AuditAnchor.at).where(AuditAnchor.at > after).order_by(AuditAnchor.at).limit(1))
    if at is None:
        return None
    roots = session.execute(select(AuditAnchor.stream, AuditAnchor.seq, AuditAnchor.sha256).where(AuditAnchor.at == at).order_by(AuditAnchor.stream, AuditAnchor.seq))
    return hashlib.sha256("\n".join(f"{stream}/{seq} {sha256}" for stream, seq, sha256 in roots).encode()).hexdigest(), at
