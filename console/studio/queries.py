"""What the pages of the rules show: whose rules an officer may see, what is in force and what comes, who wrote what and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import column, func, select, table
from sqlalchemy.orm import Session, aliased, selectinload, undefer

from console import clock
from console.departments import queries as departments
from console.departments.models import Department, Release, ReleaseEvent
from console.errors import NotFound
from console.roles import Act, Role
from console.scope import Principal, Staff, Whole, may
from console.studio import drafts
from console.studio.models import DraftRevision, DraftState, Replay, ReplayState, RuleDraft
from rules.bundle import YAML_FILES

#: who reads the rules and their drafts; whoever writes or publishes them only those of their own department
READERS = frozenset({Role.RULE_EDITOR, Role.RULE_PUBLISHER, Role.SUPERVISOR, Role.PLATFORM_ADMIN})
HISTORY_PAGE = 20
LOOKED_BACK = 60  # revisions, for who saved a document last
_ready = aliased(ReleaseEvent)
ORDER = (*YAML_FILES, "questions.csv")


def departments_seen(session: Session, viewer: Principal) -> list[Department]:
    """The departments whose rules the viewer may read, the centre last."""
    wanted = select(Department).order_by(Department.is_centre, Department.id)
    if isinstance(viewer, Staff):
        grants = [grant for grant in viewer.grants if grant.role in READERS]
        if not any(grant.department_id is None for grant in grants):
            wanted = wanted.where(Department.id.in_({grant.department_id for grant in grants}))
    return list(session.scalars(wanted))


def department_seen(session: Session, code: str, viewer: Principal) -> Department:
    """NotFound when there is none, or the viewer may not read its rules."""
    for department in departments_seen(session, viewer):
        if department.code == code:
            return department
    raise NotFound()


def draft_seen(session: Session, draft_id: int, viewer: Principal) -> RuleDraft:
    """NotFound when there is no such draft, or it is another department's."""
    draft = session.get(RuleDraft, draft_id)
    if draft is None or draft.department_id not in {d.id for d in departments_seen(session, viewer)}:
        raise NotFound()
    return draft


def release_seen(session: Session, release_id: int, viewer: Principal) -> Release:
    """A release with its text and its history; NotFound when it is another department's."""
    release = session.get(Release, release_id, options=[undefer(Release.content), undefer(Release.sources), selectinload(Release.events)])
    if release is None or release.department_id not in {d.id for d in departments_seen(session, viewer)}:
        raise NotFound()
    return release


# ── the first page ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scheduled:
    """A release and the day from which it holds."""

    release: Release
    since: dt.date
    by: str


@dataclass(frozen=True)
class Rules:
    """One department's rules at a glance."""

    department: Department
    now: Scheduled | None
    following: tuple[Scheduled, ...]
    waiting: tuple[RuleDraft, ...]  # for a publisher
    open: tuple[RuleDraft, ...]
    closed: tuple[RuleDraft, ...]
    may_draft: bool
    may_publish: bool
    waits_for: Mapping[int, str]  # draft → "errors", "day", "replay" or "request": the first thing that is still to be done


def rules_seen(session: Session, viewer: Principal) -> list[Rules]:
    """Every department the viewer may read, with what is in force, what comes, and its drafts."""
    seen = departments_seen(session, viewer)
    today = clock.today(session)
    in_force = departments.in_force(session, today)
    published = _published(session)
    all_drafts = session.scalars(
        select(RuleDraft).where(RuleDraft.department_id.in_([d.id for d in seen])).order_by(RuleDraft.id.desc())
    ).all()
    waits = _waits_for(session, [draft for draft in all_drafts if draft.state == DraftState.OPEN])
    found = []
    for department in seen:
        own = [draft for draft in all_drafts if draft.department_id == department.id]
        one = in_force.get(department.id)
        by = next((s.by for s in published.get(department.id, ()) if one is not None and s.release.id == one.release.id), "")
        found.append(
            Rules(
                department,
                Scheduled(one.release, one.since, by) if one is not None else None,
                tuple(s for s in published.get(department.id, ()) if s.since > today),
                tuple(draft for draft in own if draft.state == DraftState.READY),
                tuple(draft for draft in own if draft.state == DraftState.OPEN),
                tuple(draft for draft in own if draft.state not in (DraftState.READY, DraftState.OPEN))[:5],
                may(viewer, Act.DRAFT_RELEASE, Whole(department.id)),
                may(viewer, Act.PUBLISH_RELEASE, Whole(department.id)),
                waits,
            )
        )
    return sorted(found, key=lambda rules: not (rules.may_publish and rules.waiting))


def _waits_for(session: Session, open_drafts: list[RuleDraft]) -> dict[int, str]:
    """What is known without reading the documents again; the draft's own page knows everything."""
    ids = [draft.id for draft in open_drafts]
    heads = dict(
        session.execute(
            select(DraftRevision.draft_id, DraftRevision.content_hash)
            .join(RuleDraft, (RuleDraft.id == DraftRevision.draft_id) & (RuleDraft.revision == DraftRevision.number))
            .where(RuleDraft.id.in_(ids))
        ).all()
    )
    replayed = set(
        session.execute(
            select(Replay.draft_id, Replay.content_hash, Replay.as_if).where(Replay.draft_id.in_(ids), Replay.state == str(ReplayState.DONE))
        ).all()
    )
    found = {}
    for draft in open_drafts:
        head = heads.get(draft.id)
        if head is None:
            found[draft.id] = "errors"
        elif draft.effective_on is None:
            found[draft.id] = "day"
        else:
            found[draft.id] = "request" if (draft.id, head, draft.effective_on) in replayed else "replay"
    return found


def _published(session: Session) -> dict[int, list[Scheduled]]:
    """Department id → what was published and not taken back, the earliest day first."""
    rows = session.execute(
        select(Release, ReleaseEvent.effective_on, ReleaseEvent.actor)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(ReleaseEvent.state == "published", ~departments.withdrawn())
        .order_by(ReleaseEvent.effective_on, Release.version)
    )
    found: dict[int, list[Scheduled]] = {}
    for release, since, by in rows:
        assert since is not None, "what is published has a day"
        found.setdefault(release.department_id, []).append(Scheduled(release, since, by))
    return found


def releases_of(session: Session, department_id: int) -> list[Release]:
    """Every release of a department with its history, the newest first."""
    return list(
        session.scalars(
            select(Release).where(Release.department_id == department_id).order_by(Release.version.desc()).options(selectinload(Release.events))
        )
    )


# ── who wrote what ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Saving:
    """One revision in the history of a draft, with the files it touched against the one before it."""

    revision: DraftRevision
    files: tuple[str, ...]


def history(session: Session, draft: RuleDraft, *, before: int | None = None) -> tuple[list[Saving], int | None]:
    """(the revisions, newest first, the number to go on with)."""
    wanted = (
        select(DraftRevision).where(DraftRevision.draft_id == draft.id).order_by(DraftRevision.number.desc())
        .options(undefer(DraftRevision.sources)).limit(HISTORY_PAGE + 1)
    )  # fmt: skip
    if before is not None:
        wanted = wanted.where(DraftRevision.number < before)
    rows = list(session.scalars(wanted))
    savings = [
        Saving(row, _touched(earlier.sources, row.sources) if earlier is not None else ())
        for row, earlier in zip(rows, [*rows[1:], None], strict=True)
    ]
    more = len(rows) > HISTORY_PAGE
    return savings[:HISTORY_PAGE], savings[HISTORY_PAGE - 1].revision.number if more else None


def _touched(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def revision(session: Session, draft: RuleDraft, number: int) -> DraftRevision:
    """One revision with its files."""
    found = session.scalar(
        select(DraftRevision)
        .where(DraftRevision.draft_id == draft.id, DraftRevision.number == number)
        .options(undefer(DraftRevision.sources), undefer(DraftRevision.content))
    )
    if found is None:
        raise NotFound()
    return found


@dataclass(frozen=True)
class Paper:
    """One document of a draft: how it stands against the base, who saved it last, how much is wrong with it."""

    name: str
    size: int
    change: str  # "", "changed", "added", "removed"
    saved: DraftRevision | None
    problems: int


def papers(session: Session, draft: RuleDraft, text: drafts.Text) -> list[Paper]:
    """The documents of a draft, in the order in which they are read."""
    base = base_sources(session, draft)
    rows = list(
        session.scalars(
            select(DraftRevision).where(DraftRevision.draft_id == draft.id).order_by(DraftRevision.number.desc())
            .options(undefer(DraftRevision.sources)).limit(LOOKED_BACK)
        )
    )  # fmt: skip
    last: dict[str, DraftRevision] = {}
    for row, earlier in pairwise(rows):
        for name in _touched(earlier.sources, row.sources):
            last.setdefault(name, row)
    counts: dict[str, int] = {}
    for problem in text.problems:
        counts[problem.file] = counts.get(problem.file, 0) + 1
    found = []
    for name in sorted({*base, *text.sources}, key=reading_order):
        was, now = base.get(name), text.sources.get(name)
        change = "" if was == now else "added" if was is None else "removed" if now is None else "changed"
        found.append(Paper(name, len((now or "").encode()), change, last.get(name), counts.get(name, 0)))
    return found


def reading_order(name: str) -> tuple[int, str]:
    """What a bundle is, first; what belongs to a part of it, last."""
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def base_sources(session: Session, draft: RuleDraft) -> dict[str, str]:
    """The files the draft started from."""
    if draft.base_id is None:
        return {}
    base = session.get_one(Release, draft.base_id, options=[undefer(Release.content), undefer(Release.sources)])
    return drafts.sources_of(base)


def officer_names(session: Session, whos: Iterable[str | None]) -> dict[str, str]:
    """`staff:12` → the officer's name, for those among `whos` that are officers."""
    user = table("ab_user", column("id"), column("first_name"), column("last_name"))
    ids = {int(who[6:]): who for who in whos if who and who.startswith("staff:")}
    rows = session.execute(select(user.c.id, func.concat(user.c.last_name, user.c.first_name)).where(user.c.id.in_(ids)))
    return {ids[staff_id]: name for staff_id, name in rows}


def last_event(session: Session, release_id: int, state: str) -> ReleaseEvent | None:
    """The last time a release was in this state."""
    return session.scalar(
        select(ReleaseEvent)
        .where(ReleaseEvent.release_id == release_id, ReleaseEvent.state == state)
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )


def last_refusal(session: Session, draft: RuleDraft) -> ReleaseEvent | None:
    """Why an open draft was last sent back or taken back; None when it never was."""
    if draft.state != DraftState.OPEN:
        return None
    return session.scalar(
        select(ReleaseEvent)
        .join(Release, Release.id == ReleaseEvent.release_id)
        .where(
            Release.department_id == draft.department_id, ReleaseEvent.state == "refused",
            select(1).where(_ready.release_id == Release.id, _ready.state == "ready", _ready.report["draft"].as_integer() == draft.id).exists(),
        )
        .order_by(ReleaseEvent.id.desc())
        .limit(1)
    )  # fmt: skip


def may_replay(draft: RuleDraft, viewer: Principal) -> bool:
    """Whoever writes or publishes the draft's rules may ask for a replay of it."""
    return draft.state in drafts.OPEN_STATES and (may(viewer, Act.DRAFT_RELEASE, draft) or may(viewer, Act.PUBLISH_RELEASE, draft))
