"""Once a day, after midnight: what is over goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from console import files
from console.db import transaction
from console.jobs import job
from console.retention import services
from console.scope import System, become


@contextmanager
def opening() -> Iterator[Session]:
    with become(System("retention")), transaction() as session:
        yield session


@job("retention.run", automatic="retention")
def run() -> int:
    """How many rows went. Running it again takes nothing more."""
    erased = sum(count for _kind, count in services.run(opening, forget=files.forget))
    count([1])
    return erased


@job("retention.count", together=False)
def count(asked: list[int]) -> None:
    """Count what the next run would take, for the page."""
    with opening() as session:
        services.look_ahead(session)


SUBSCRIPTIONS = {services.COUNT_ASKED: (count,)}
DAILY = (run,)
