"""Reads the folder in which mail comes back, and hands on what it says. A mail of which something is known is deleted when that is written down: it has
the letter and its address in it. The others are set aside for a person."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from pathlib import Path

from sqlalchemy import false, select
from sqlalchemy.orm import Session

from console import clock, outbox
from console.notifications.models import BounceBox
from console.post import bounces, folder
from console.post.channels import settings

log = logging.getLogger(__name__)
EVERY = dt.timedelta(minutes=5)
AT_ONCE = 200


def is_read():  # type: ignore[no-untyped-def]
    """Nothing is due where no folder is named."""
    return BounceBox.id.is_not(None) if settings().bounces_url else false()


def read(session: Session, box_id: int) -> tuple[list[Path], list[Path]]:
    """Publish what came back, and say when to look again. Returns the mails that were understood and those that were not: when the transaction is
    over the caller does away with them. A mail read twice, after a crash, changes nothing the second time."""
    box = session.scalar(select(BounceBox).where(BounceBox.id == box_id, BounceBox.due_at <= clock.now(session)).with_for_update(skip_locked=True))
    place = folder.folder_of(settings().bounces_url)
    if box is None or place is None:
        return [], []
    reported: dict[str, list[int]] = defaultdict(list)
    known: list[Path] = []
    unknown: list[Path] = []
    mails = bounces.waiting(place, most=AT_ONCE)
    for path in mails:
        found = bounces.read(path)
        if found is None:
            unknown.append(path)
            continue
        known.append(path)
        reported[found.kind].append(found.report.packed())
    for kind, numbers in sorted(reported.items()):
        outbox.publish(session, f"{kind}.reported", numbers)
    now = clock.now(session)
    box.read_at, box.claimed_until = now, None
    box.due_at = now if len(mails) == AT_ONCE else now + EVERY
    box.known, box.unknown = box.known + len(known), box.unknown + len(unknown)
    session.flush()
    return known, unknown


def put_away(known: list[Path], unknown: list[Path]) -> None:
    for path in known:
        path.unlink(missing_ok=True)
    for path in unknown:
        try:
            bounces.set_aside(path)
        except OSError as error:
            log.warning("a mail that came back could not be set aside: %s", type(error).__name__)
