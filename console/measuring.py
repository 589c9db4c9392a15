"""Measures what only System sees, for the operator's desk and for /metrics: cron does it every few seconds.

Everything is counted at an index, at most `vitals.MOST` rows of each; the files by step are one look through an index.
"""

from __future__ import annotations

import datetime as dt
import time

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from console import assembly, clock, db, setbacks, vitals
from console.applications.models import Admission, Applicant
from console.audit import AuditAnchor, AuditEntry, AuditHorizon, AuditLink
from console.jobs import Sweep
from console.post.carriage import Carriage
from console.post.channels import MAIL, SMS
from console.scope import System, become

EVERY = 15.0  # seconds
SOON = dt.timedelta(days=1)
LATEST = 1_000  # deliveries among which the last sent one is looked for

Found = dict[tuple[str, str], tuple[int, dt.datetime | None]]
_last = [0.0]


def measure_when_due() -> bool:
    """Measure unless this process did so a moment ago."""
    if _last[0] and time.monotonic() - _last[0] < EVERY:
        return False
    _last[0] = time.monotonic()
    measure()
    return True


def measure() -> None:
    """Look at everything once, in one transaction."""
    with become(System("measure")), db.transaction() as session:
        found: Found = {}
        for sweep in assembly.SWEEPS:
            _sweep(session, sweep, found)
        for carriage in assembly.CARRIAGES:
            _carriage(session, carriage, found)
        for step, count in session.execute(select(Admission.step, func.count()).group_by(Admission.step)):
            found[vitals.STEP, str(step)] = (count, None)
        for channel, failed_at in ((SMS, Applicant.phone_failed_at), (MAIL, Applicant.email_failed_at)):
            count, first = session.execute(select(func.count(), func.min(failed_at)).where(failed_at.is_not(None))).one()
            found[vitals.UNREACHABLE, channel] = (count, first)
        _audit(session, found)
        vitals.write(session, found)


def _sweep(session: Session, sweep: Sweep, found: Found) -> None:
    """Rows due now and within a day, and the first after that; what could not be done and waits is counted by itself. Several sweeps of one job are one."""
    now = clock.now(session)
    base = select(sweep.due.label("due")).where(sweep.where(), ~setbacks.holds(sweep.job.name, sweep.model.id, now=now))
    due = base.where(sweep.due <= now + SOON).order_by(sweep.due).limit(vitals.MOST).subquery()
    is_due = due.c.due <= now
    first = base.where(sweep.due > now).order_by(sweep.due).limit(1).scalar_subquery()
    count, oldest, soon, upcoming = session.execute(
        select(func.count().filter(is_due), func.min(due.c.due).filter(is_due), func.count().filter(~is_due), first).select_from(due)
    ).one()
    for name, more, since in ((vitals.SWEEP, count, oldest), (vitals.LATER, soon, upcoming if soon else None), (vitals.NEXT, int(upcoming is not None), upcoming)):
        before, earlier = found.get((name, sweep.job.name), (0, None))
        found[name, sweep.job.name] = (before + more, min(filter(None, (earlier, since)), default=None))


def _carriage(session: Session, carriage: Carriage, found: Found) -> None:
    model, now = carriage.model, clock.now(session)

    def note(name: str, channel: str, count: int, since: dt.datetime | None) -> None:
        if count:
            found[name, f"{carriage.name}/{channel}"] = (count, since)

    waiting = model.sent_at.is_(None) & model.gave_up_at.is_(None) & model.due_at.is_not(None)
    late = (model.attempts == 0) & (model.due_at <= now)
    for channel, count, oldest, retrying, first in session.execute(
        select(
            model.channel, func.count().filter(late), func.min(model.due_at).filter(late),
            func.count().filter(model.attempts > 0), func.min(model.due_at).filter(model.attempts > 0),
        ).where(waiting).group_by(model.channel)
    ):  # fmt: skip
        note(vitals.WAITING, channel, count, oldest)
        note(vitals.RETRYING, channel, retrying, first)
    given_up = select(model.channel, func.count(), func.min(model.gave_up_at)).where(model.gave_up_at.is_not(None), model.sent_at.is_(None), model.attempts > 0)
    for channel, count, first in session.execute(given_up.group_by(model.channel)):
        note(vitals.GIVEN_UP, channel, count, first)
    latest = select(model.channel.label("channel"), model.sent_at).order_by(model.id.desc()).limit(LATEST).subquery()
    sent = select(latest.c.channel, func.count(), func.max(latest.c.sent_at)).where(latest.c.sent_at.is_not(None))
    for channel, count, last in session.execute(sent.group_by(latest.c.channel)):
        note(vitals.SENT, channel, count, last)


def _audit(session: Session, found: Found) -> None:
    """Entries that stand in no chain yet (the horizon is where the sealer begins to look), and when the heads were published last."""
    horizon = select(AuditHorizon.below).scalar_subquery()
    linked = exists().where(AuditLink.entry_id == AuditEntry.id)
    unsealed = select(AuditEntry.at).where(AuditEntry.xid >= horizon, ~linked).limit(vitals.MOST).subquery()
    count, oldest = session.execute(select(func.count(), func.min(unsealed.c.at)).select_from(unsealed)).one()
    found[vitals.UNSEALED, ""] = (count, oldest)
    anchored = session.scalar(select(func.max(AuditAnchor.at)))
    found[vitals.ANCHORED, ""] = (int(anchored is not None), anchored)
