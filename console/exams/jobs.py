"""Who runs out of time is graded with what was saved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from console.db import transaction
from console.exams import services
from console.exams.models import Attempt
from console.jobs import Sweep, job
from console.scope import System, become


@job("exams.finish_due")
def finish_due(attempt_ids: list[int]) -> int:
    """Grade the attempts whose time is over; returns how many. Running it again changes nothing."""
    with become(System("exam time over")) as actor, transaction() as session:
        return len(services.finish_due(session, attempt_ids, actor=actor))


def _over() -> Any:
    return Attempt.finished_at.is_(None) & (Attempt.ends_at <= func.ruku_now() - services.GRACE)


SWEEPS = (Sweep(finish_due, Attempt, Attempt.ends_at, _over),)
