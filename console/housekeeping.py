"""Daily work of the house itself, which belongs to no room: publish the heads of the audit chains, forget what is over."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, func

from console import audit, clock, db
from console.jobs import REGISTRY, Heartbeat, Job, job
from console.outbox import OutboxMessage

KEEP_MESSAGES = dt.timedelta(days=90)


def anchor_audit() -> None:
    """Write today's head of every audit chain; twice a day changes nothing."""
    with db.transaction() as session:
        audit.anchor(session)


def forget() -> None:
    """Delete messages that were done long ago, and heartbeats of processes that ended without saying so."""
    with db.transaction() as session:
        session.execute(delete(OutboxMessage).where(OutboxMessage.done_at < clock.now(session) - KEEP_MESSAGES))
        session.execute(delete(Heartbeat).where(Heartbeat.at < func.now() - dt.timedelta(days=1)))


def list_jobs() -> list[Job]:
    """Put the house's jobs on the list, once; the daily ones are returned."""
    for name, run in (("audit.anchor", anchor_audit), ("house.forget", forget)):
        if name not in REGISTRY:
            job(name)(run)
    return [REGISTRY["audit.anchor"], REGISTRY["house.forget"]]
