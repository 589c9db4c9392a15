"""What happened to one row, from the audit: whoever may see the row may see its past. The page says it in words.

Read by subject, which is indexed with the number of the entry: a page of it costs the same whatever the audit has grown to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.accounts.grant_queries import givers
from console.accounts.trail import ROWS_STREAM
from console.audit import AuditEntry

PAGE = 20


@dataclass(frozen=True)
class Past:
    """One entry and the name of the officer who did it; empty for anybody else."""

    entry: AuditEntry
    name: str
    facts: dict[str, Any]


def of(session: Session, subjects: Sequence[str], *, before: int | None = None, most: int = PAGE) -> tuple[list[Past], bool]:
    """The latest first, and whether there are older ones."""
    statement = (
        select(AuditEntry)
        .where(AuditEntry.subject.in_(subjects), AuditEntry.stream != ROWS_STREAM)
        .order_by(AuditEntry.id.desc())
        .limit(most + 1)
    )
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    found = session.scalars(statement).all()
    names = givers(session, [entry.who for entry in found[:most]])
    return [Past(entry, names.get(entry.who, ""), entry.facts) for entry in found[:most]], len(found) > most
