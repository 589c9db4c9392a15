"""From a draft to a release in force: asking, publishing by a second person, taking effect on its day.

A release is written when publication is asked for, and frozen from then on: what the publisher looked at is what takes effect.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import clock, outbox
from console.applications import rescreening
from console.departments import queries as departments
from console.departments import services as releases
from console.departments.models import Release, ReleaseEvent
from console.errors import N_, InvalidAnswers
from console.roles import Act
from console.scope import Principal, Whole, require
from console.studio import drafts
from console.studio.errors import BaseMoved, DateNotPossible, DraftFrozen, NotReady, NotScheduled, NotWaiting, OwnDraft
from console.studio.examination import examine
from console.studio.models import DraftState, RuleDraft

REASON_LEAST = 5
CLAUSE = {"begun": ("new", "old"), "submitted": ("old", "new"), "accepted": ("old", "new")}  # the first is the rule
SCHEDULED = "release.scheduled"
PUBLISHING_LOCK = 7_402_605  # with the department's id


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def plan(
    session: Session, draft: RuleDraft, *, effective_on: dt.date, transition: Mapping[str, str] | None = None, actor: Principal
) -> None:
    """Say from when the draft shall hold and what it means for files already begun; a replay asks for that day."""
    require(actor, Act.DRAFT_RELEASE, draft)
    drafts.lock(session, draft)
    if draft.state != DraftState.OPEN:
        raise DraftFrozen()
    _not_past(session, effective_on)
    draft.effective_on, draft.transition, draft.planned_by = effective_on, clause(transition or {}, effective_on), actor.who
    session.flush()


def clause(given: Mapping[str, str], effective_on: dt.date) -> dict[str, str]:
    """The transitional clause as it is stored: every occasion said, `begun_until` only where old drafts keep the old release."""
    problems, made = {}, {}
    for occasion, choices in CLAUSE.items():
        made[occasion] = given.get(occasion) or choices[0]
        if made[occasion] not in choices:
            problems[occasion] = N_("请选“按新规则”或“按原规则”。")
    until = given.get("begun_until") or ""
    if until and made["begun"] == "old":
        try:
            last = dt.date.fromisoformat(until)
        except ValueError:
            problems["begun_until"] = N_("日期请写成 2027-01-31 的样子。")
        else:
            if last < effective_on:
                problems["begun_until"] = N_("截止日期不能早于生效日期。")
            made["begun_until"] = last.isoformat()
    if problems:
        raise InvalidAnswers(problems)
    return made


def request(session: Session, draft: RuleDraft, *, expected: int, reason: str, actor: Principal) -> Release:
    """Ask a second person to publish: the release is written now, with checks, cases and replay beside it. NotReady lists what
    is in the way."""
    require(actor, Act.DRAFT_RELEASE, draft)
    drafts.locked(session, draft, expected)
    reasoned(reason)
    if draft.effective_on is None:
        raise InvalidAnswers({"effective_on": N_("请先选定生效日期。")})
    _not_past(session, draft.effective_on)
    found = examine(session, draft)
    if found.obstacles or found.bundle is None:
        raise NotReady(found.obstacles)
    base = session.get(Release, draft.base_id) if draft.base_id else None
    release = releases.write_release(
        session, draft.department, found.bundle, base=base, actor=actor, sources=drafts.head(session, draft).sources,
        transition=draft.transition, author=draft.opened_by,
    )  # fmt: skip
    report = {
        "draft": draft.id, "revision": draft.revision, "cases": len(found.cases),
        "warnings": dict(Counter(remark.code for remark in found.remarks)),
        "replay": {"id": found.replay.id, "as_if": found.replay.as_if.isoformat(), "summary": found.replay.summary} if found.replay else None,
    }  # fmt: skip
    releases.note(session, release, "ready", actor=actor, effective_on=draft.effective_on, reason=reason.strip(), report=report)
    draft.state, draft.release_id = str(DraftState.READY), release.id
    session.flush()
    return release


def take_back(session: Session, draft: RuleDraft, *, reason: str, actor: Principal) -> None:
    """The editor withdraws the request; the draft is open again, the release that was written stays refused."""
    require(actor, Act.DRAFT_RELEASE, draft)
    _send_back(session, draft, reason=reason, actor=actor)


def refuse(session: Session, draft: RuleDraft, *, reason: str, actor: Principal) -> None:
    """The publisher sends it back with a reason."""
    require(actor, Act.PUBLISH_RELEASE, draft)
    _send_back(session, draft, reason=reason, actor=actor)


def _send_back(session: Session, draft: RuleDraft, *, reason: str, actor: Principal) -> None:
    release = _waiting(session, draft)
    reasoned(reason)
    releases.note(session, release, "refused", actor=actor, reason=reason.strip())
    draft.state, draft.release_id = str(DraftState.OPEN), None
    session.flush()


def _waiting(session: Session, draft: RuleDraft) -> Release:
    drafts.lock(session, draft)
    if draft.state != DraftState.READY or draft.release_id is None:
        raise NotWaiting()
    return session.get_one(Release, draft.release_id)


# ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────


def publish(session: Session, draft: RuleDraft, *, reason: str, actor: Principal) -> Release:
    """Publish what was asked for. Raises OwnDraft for anyone who wrote in it, chose its day or asked for it, BaseMoved and NotReady when the world has moved on
    since the request, DateNotPossible when its day has passed meanwhile. It takes effect on its day, by itself."""
    require(actor, Act.PUBLISH_RELEASE, draft)
    one_at_a_time(session, draft.department_id)
    release = _waiting(session, draft)
    if actor.who in drafts.writers(session, draft):
        raise OwnDraft()
    reasoned(reason)
    assert draft.effective_on is not None, "request() asked for a day"
    _not_past(session, draft.effective_on)
    found = examine(session, draft)
    if found.moved is not None:
        raise BaseMoved(version=found.moved.version)
    if found.obstacles or found.bundle is None or found.bundle.hash != release.content_hash:
        raise NotReady(found.obstacles)
    put_into_force(session, release, effective_on=draft.effective_on, reason=reason.strip(), actor=actor)
    draft.state, draft.closed_at = str(DraftState.PUBLISHED), clock.now(session)
    session.flush()
    return release


def put_into_force(
    session: Session, release: Release, *, effective_on: dt.date, reason: str, actor: Principal, report: dict[str, Any] | None = None
) -> None:
    """Note it published and ask for its day: 00:00 of that day, or now when that is today."""
    releases.note(session, release, "published", actor=actor, effective_on=effective_on, reason=reason, report=report)
    due = max(clock.at_midnight(effective_on), clock.now(session))
    outbox.publish(session, SCHEDULED, [release.id], due_at=due)


def withdraw(session: Session, release: Release, *, reason: str, actor: Principal) -> None:
    """Take a published release back before its day: it never takes effect, and drafts start from the one before it again."""
    require(actor, Act.PUBLISH_RELEASE, Whole(release.department_id))
    one_at_a_time(session, release.department_id)
    reasoned(reason)
    today = clock.today(session)
    published = _states(session, release.department_id).get(release.id, {})
    day = published.get("published")
    if day is None or day <= today or "retired" in published:
        raise NotScheduled(version=release.version)
    releases.note(session, release, "retired", actor=actor, effective_on=day, reason=reason.strip())


def take_effect(session: Session, release_id: int, *, actor: Principal) -> bool:
    """On its day: note that it is in force, retire what it replaces, and hand the files its clause names to the new rules.

    The day decides what is in force, not this; running it again changes nothing. False when there was nothing to do.
    """
    release = session.get(Release, release_id)
    if release is None:
        return False
    one_at_a_time(session, release.department_id)
    today = clock.today(session)
    now = departments.in_force(session, today).get(release.department_id)
    states = _states(session, release.department_id)
    if now is None or now.release.id != release_id or "effective" in states.get(release_id, {}):
        return False
    releases.note(session, release, "effective", actor=actor, effective_on=now.since)
    for other, known in states.items():
        published = known.get("published")
        if other != release_id and published is not None and "retired" not in known and published <= now.since:
            releases.note(session, session.get_one(Release, other), "retired", actor=actor, effective_on=now.since)
    if (release.transition or {}).get("submitted") == "new":
        outbox.publish(session, rescreening.RULES_CHANGED, rescreening.waiting(session, release.department_id, before=now.since))
    return True


def _states(session: Session, department_id: int) -> dict[int, dict[str, dt.date | None]]:
    """Release id → the states it has been in, with their effective day."""
    rows = session.execute(
        select(ReleaseEvent.release_id, ReleaseEvent.state, ReleaseEvent.effective_on)
        .join(Release, Release.id == ReleaseEvent.release_id)
        .where(Release.department_id == department_id)
        .order_by(ReleaseEvent.id)
    )
    states: dict[int, dict[str, dt.date | None]] = {}
    for release_id, state, day in rows:
        states.setdefault(release_id, {})[state] = day
    return states


def one_at_a_time(session: Session, department_id: int) -> None:
    """The second of two publishers of a department waits here until the first has committed, and then meets a moved base."""
    session.execute(select(func.pg_advisory_xact_lock(PUBLISHING_LOCK, department_id)))


def reasoned(reason: str) -> None:
    """Raise InvalidAnswers for a reason that says nothing."""
    if len(reason.strip()) < REASON_LEAST:
        raise InvalidAnswers({"reason": N_("请写明理由（至少 5 个字）。")})


def _not_past(session: Session, day: dt.date) -> None:
    if day < clock.today(session):
        raise DateNotPossible(day=day.isoformat())
