"""The audit as a supervisor reads it: found by person, file, kind of act and day; nothing here writes.

Entries carry no office. Who supervises a whole league (every department) reads its chain, the region's supervisor reads all of them,
and whoever supervises less reads what concerns the files they may see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, column, func, or_, select, table, true
from sqlalchemy.orm import Session

from console import clock
from console.accounts.grant_queries import givers
from console.applications.models import Admission
from console.audit import AuditEntry, AuditLink, stream_of
from console.roles import Role
from console.scope import Staff

PAGE = 50
ROWS_STREAM = "rows"  # what the database itself notes of every changed row: for the verifier, not for reading
_USER = table("ab_user", column("id"), column("last_name"), column("first_name"), column("username"))
_NAME = func.concat(_USER.c.last_name, _USER.c.first_name, type_=String)


@dataclass(frozen=True)
class Asked:
    """What the reader looks for; empty fields do not narrow. `before` is the number of the last entry of the page before."""

    who: str = ""
    subject: str = ""
    kind: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    before: int | None = None


@dataclass(frozen=True)
class Line:
    """One entry, with its place in the chain once it is sealed."""

    entry: AuditEntry
    seq: int | None
    who_name: str
    number: str  # of the file the entry is about, when the reader may see it
    facts: dict[str, Any]


def lines(session: Session, asked: Asked, *, actor: Staff) -> tuple[list[Line], bool]:
    """The latest entries first, one page of them, and whether there are more."""
    statement = (
        select(AuditEntry, AuditLink.seq)
        .outerjoin(AuditLink, AuditLink.entry_id == AuditEntry.id)
        .where(AuditEntry.stream != ROWS_STREAM, _readable(actor))
        .order_by(AuditEntry.id.desc())
        .limit(PAGE + 1)
    )
    if asked.who:
        statement = statement.where(AuditEntry.who.in_(_people(session, asked.who)))
    if asked.subject:
        statement = statement.where(AuditEntry.subject.in_(_subjects(session, asked.subject)))
    if asked.kind:
        statement = statement.where(AuditEntry.action.startswith(f"{asked.kind}.", autoescape=True))
    if asked.since:
        statement = statement.where(AuditEntry.at >= clock.at_midnight(asked.since))
    if asked.until:
        statement = statement.where(AuditEntry.at < clock.at_midnight(asked.until + dt.timedelta(days=1)))
    if asked.before:
        statement = statement.where(AuditEntry.id < asked.before)
    found = session.execute(statement).all()
    names = givers(session, [entry.who for entry, _seq in found])
    numbers = _numbers(session, [entry.subject for entry, _seq in found])
    page = [
        Line(entry, seq, names.get(entry.who, ""), numbers.get(entry.subject, ""), entry.facts) for entry, seq in found[:PAGE]
    ]
    return page, len(found) > PAGE


def _readable(actor: Staff) -> ColumnElement[bool]:
    whole = [grant for grant in actor.grants if grant.role == Role.SUPERVISOR and grant.department_id is None]
    if any(grant.is_region_wide for grant in whole):
        return true()
    leagues = sorted({stream_of(grant.division_code) for grant in whole if grant.division_code.endswith("00")})
    seen = select(func.concat("admission:", cast(Admission.id, String)))  # as far as the wall shows files
    return or_(AuditEntry.stream.in_(leagues), AuditEntry.subject.in_(seen))


def _people(session: Session, words: str) -> list[str]:
    """`staff:7` for every officer of this name or user name; what is already written so is taken as it is."""
    if ":" in words or words == "public":
        return [words]
    found = session.scalars(select(_USER.c.id).where(_USER.c.username.in_([words]) | _NAME.in_([words])))
    return [f"staff:{number}" for number in found]


def _subjects(session: Session, words: str) -> list[str]:
    """`admission:12` for the number of a file; what is already written so is taken as it is."""
    if ":" in words:
        return [words]
    files = session.execute(
        select(Admission.id, Admission.application_id, Admission.applicant_id).where(
            Admission.number == words
        )
    ).all()
    return [f"{kind}:{number}" for row in files for kind, number in zip(("admission", "application", "applicant"), row, strict=True)]


def _numbers(session: Session, subjects: Sequence[str]) -> dict[str, str]:
    ids = {int(subject.removeprefix("admission:")) for subject in subjects if subject.startswith("admission:")}
    if not ids:
        return {}
    rows = session.execute(select(Admission.id, Admission.number).where(Admission.id.in_(ids)))
    return {f"admission:{admission_id}": number for admission_id, number in rows}
