"""The calendar's work in the background: saying what a draft would move, and counting deadlines again when there is a new version."""

from __future__ import annotations

import datetime as dt

from console import clock
from console.db import transaction
from console.departments import calendar_drafts, recounting
from console.departments.models import CalendarDraft
from console.jobs import job
from console.scope import System, become

#: a move that had begun before a version was there and ended after the count is found on one of these days
LOOKED_AFTER = dt.timedelta(days=3)


@job("departments.preview_calendar")
def preview_calendar(draft_ids: list[int]) -> None:
    """Work out what these drafts would move; a draft that is over is left alone."""
    for draft_id in draft_ids:
        with become(System("calendar")), transaction() as session:
            draft = session.get(CalendarDraft, draft_id, with_for_update=True)
            if draft is not None and draft.version is None and draft.dropped_at is None:
                draft.report, draft.looked_at = recounting.preview(session, draft), clock.now(session)


@job("departments.recount")
def recount(versions: list[int]) -> str:
    """Count every running deadline again by the newest version, whichever these are; a batch is a transaction, and running it again changes nothing."""
    looked_at = moved = 0
    for keeper in recounting.KEEPERS:
        after: int | None = 0
        while after is not None:
            with become(System("calendar")) as actor, transaction() as session:
                done = recounting.recount_batch(session, keeper, after=after, actor=actor)
            looked_at, moved, after = looked_at + done.looked_at, moved + done.moved, done.last
    return f"{moved}/{looked_at}"


@job("departments.recount_after")
def recount_after() -> str | None:
    """Once a day, for some days after a new version: whatever was computed from the old one while the new one came."""
    with become(System("calendar")), transaction() as session:
        newest = calendar_drafts.versions(session)[:1]
        due = [one.version for one in newest if one.loaded_at > clock.now(session) - LOOKED_AFTER]
    return recount.run(due) if due else None


SUBSCRIPTIONS = {calendar_drafts.PROPOSED: (preview_calendar,), calendar_drafts.CHANGED: (recount,)}
DAILY = (recount_after,)
