"""Entries of a repeatable group as an applicant adds and removes them; the files of an entry go where their entry goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.applications import services
from console.applications.answers import get
from console.applications.models import Application, Attachment
from console.errors import NotFound
from console.scope import Applicant
from rules.forms import FieldProblem


def save_entries(
    session: Session, application: Application, path: str, entries: list[dict[str, Any]], *, actor: Applicant
) -> list[FieldProblem]:
    """Replace a group by these entries (with their files in them); attachments follow, and those left out are removed."""
    _, problems = services.save_field(session, application, path, entries, actor=actor)
    homes = dict(_files(path, entries))
    kept = session.scalars(
        select(Attachment).where(
            Attachment.application_id == application.id,
            Attachment.removed_at.is_(None),
            Attachment.field.startswith(f"{path}.", autoescape=True),
        )
    )
    for attachment in kept:
        home = homes.get(attachment.hash)
        if home is None:
            attachment.removed_at = clock.now(session)
            audit.record(session, "attachment.removed", f"attachment:{attachment.id}", hash=attachment.hash)
        elif home != attachment.field:
            attachment.field = home
    session.flush()
    return problems


def remove_entry(session: Session, application: Application, path: str, index: int, *, actor: Applicant) -> None:
    """Take one entry out; NotFound when there is none at that place."""
    entries = get(services.open_answers(application), path)
    if not isinstance(entries, list) or not 0 <= index < len(entries):
        raise NotFound()
    save_entries(session, application, path, [*entries[:index], *entries[index + 1 :]], actor=actor)


def _files(path: str, entries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(content hash, path of the field it lies in) of every file in these entries."""
    for index, entry in enumerate(entries):
        for name, value in entry.items():
            for item in value if isinstance(value, list) else ():
                if isinstance(item, Mapping) and isinstance(item.get("hash"), str):
                    yield item["hash"], f"{path}.{index}.{name}"
