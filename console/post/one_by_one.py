"""Letters of all kinds are carried the same way: a batch over lines held open, each letter in a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sqlalchemy.orm import Session

from console.db import transaction
from console.post.registry import Lines


class Deliver(Protocol):
    """Tries one that is due; False when there was nothing to do."""

    def __call__(self, session: Session, number: int, /, *, lines: Lines) -> bool: ...


def carry(numbers: Iterable[int], deliver: Deliver) -> int:
    """Try each of them; returns how many were tried."""
    tried = 0
    with Lines() as lines:
        for number in numbers:
            with transaction() as session:
                tried += deliver(session, number, lines=lines)
    return tried
