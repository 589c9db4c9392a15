"""Work of the house itself, which belongs to no room: publish the heads of the audit chains, forget what is over."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, func, select

from console import audit, clock, db
from console.erasure import NO_ONE, NOWHERE, Rule
from console.errors import N_
from console.jobs import REGISTRY, Heartbeat, Job, JobRun, job
from console.outbox import OutboxMessage
from console.scope import System, become
from console.setbacks import Setback

KEEP_MESSAGES, KEEP_SETBACKS = dt.timedelta(days=90), dt.timedelta(days=30)


def anchor_audit(hours: int) -> int:
    """Publish the head of every audit chain when the last time is this long ago."""
    with become(System("cron")), db.transaction() as session:
        return audit.anchor_when_due(session, every=dt.timedelta(hours=hours))


def forget() -> None:
    """Delete messages that were done long ago, setbacks of rows that are not due any more, and heartbeats of processes that ended without saying so."""
    with db.transaction() as session:
        session.execute(delete(OutboxMessage).where(OutboxMessage.done_at < clock.now(session) - KEEP_MESSAGES))
        session.execute(delete(Setback).where(Setback.gave_up_at.is_(None), Setback.due_at < clock.now(session) - KEEP_SETBACKS))
        session.execute(delete(Heartbeat).where(Heartbeat.at < func.now() - dt.timedelta(days=1)))


def _runs(before: dt.datetime) -> Any:
    return select(JobRun.id, JobRun.finished_at.label("since"), NO_ONE, NOWHERE).where(JobRun.finished_at < before)


RETENTION = (Rule("runs", N_("作业记录"), N_("整条记录"), N_("没有"), N_("作业结束"), _runs),)


def list_jobs() -> list[Job]:
    """Put the house's jobs on the list, once; the daily ones are returned."""
    if "house.forget" not in REGISTRY:
        job("house.forget")(forget)
    return [REGISTRY["house.forget"]]
