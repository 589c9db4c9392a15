"""Who could not be settled though the window had ended: each is a setback of their own, as a row that a sweep could not do, and waits like one.

The sweep is of notices, and one person's trouble is not the notice's: the others of it go on, and the notice stays open.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from console import audit, faults, setbacks
from console.errors import ConsoleError
from console.publicity.models import Notice, NoticeItem
from console.roles import Act
from console.scope import Principal, require
from console.setbacks import Setback

PERSON = setbacks.beside("publicity.settle")  # subject: the person's line on the notice


def holds(*, now: Any = None) -> ColumnElement[bool]:
    """SQL on NoticeItem: it did not work, and it is not time yet to try again, or a person has to look first."""
    return setbacks.holds(PERSON, NoticeItem.id, now=func.ruku_now() if now is None else now)


def words_of(error: Exception) -> str:
    """What went wrong, without anybody's name: of our own errors the sentence, of others the kind and the place."""
    if isinstance(error, ConsoleError):
        return faults.told(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(getattr(error, 'orig', error)).__name__} ({Path(place.filename).name}:{place.lineno})"


def settled(session: Session, item_ids: Iterable[int]) -> None:
    """These people have been settled after all, by the clock or by an officer: nothing is left to try."""
    setbacks.forget(session, PERSON, item_ids)


def listed() -> Select[*tuple[Any, ...]]:
    """Whom an officer finds on the page of the rule, with what went wrong."""
    return (
        select(
            NoticeItem.id, Notice.department_id, NoticeItem.name.label("who"), Notice.number, NoticeItem.admission_id,
            Setback.attempts, Setback.first_at, Setback.due_at, Setback.gave_up_at, Setback.last_error,
        )
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .join(Setback, (Setback.job == PERSON) & (Setback.subject_id == NoticeItem.id))
        .where(NoticeItem.settled_at.is_(None))
    )  # fmt: skip


def try_again(session: Session, item: NoticeItem, *, actor: Principal) -> None:
    """Have somebody who could not be settled looked at again at once: what was wrong with the file has been put right. Twice changes nothing."""
    require(actor, Act.RULE_ON_OBJECTION, item)
    if item.settled_at is not None or not setbacks.among(session, PERSON, [item.id]):
        return
    setbacks.forget(session, PERSON, [item.id])
    item.notice.claimed_until = None
    audit.record(session, "notice.person_asked_again", f"admission:{item.admission_id}")
    session.flush()
