"""Messages to the offices whose rows a register holds: each once, by its key. The table is the notifications'; a plain one keeps that room out of this one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import column, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console.registers.tables import Declared

_message = table("staff_message", *map(column, ("key", "office_id", "event", "text", "written_at", "register", "row_id")))


def message(declared: Declared, event: str, text: str, *, key: str, office_id: int, now: dt.datetime, row_id: int | None = None) -> dict[str, Any]:
    """What an office is told; a row is named by its number alone: who reads messages need not be who may look at the register."""
    return {"key": key, "office_id": office_id, "event": event, "text": text, "written_at": now, "register": declared.name, "row_id": row_id}


def tell(session: Session, messages: Sequence[dict[str, Any]]) -> None:
    """What has been said under its key is not said again."""
    if messages:
        session.execute(insert(_message).values(list(messages)).on_conflict_do_nothing(index_elements=["key"]))
