"""Going back to the release before: one step, forward in history, with the decisions taken meanwhile laid open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import String, column, func, select
from sqlalchemy.orm import Session, undefer

from console import audit, clock
from console.departments import queries as departments
from console.departments import services as releases
from console.departments.models import Department, Release, ReleaseEvent
from console.roles import Act
from console.scope import Principal, Whole, require
from console.studio import drafts
from console.studio.errors import NothingToRollBack, OwnRelease, ScheduledAhead
from console.studio.examination import centre_release
from console.studio.publication import one_at_a_time, put_into_force, reasoned


@dataclass(frozen=True)
class Decision:
    """What was decided under a release: enough to find the file again."""

    number: str
    name: str
    division_code: str
    step: str
    verdict: str | None
    opened_at: dt.datetime


def decisions_under(session: Session, release: Release) -> list[Decision]:
    """Files of the viewer's offices whose criteria were judged by this release: what a rollback leaves standing."""
    answer = func.ruku_decisions_under(release.id).table_valued(
        column("number", String), column("name", String), column("division_code", String), column("step", String),
        column("verdict", String), column("opened_at", Release.created_at.type),
    )  # fmt: skip
    return [Decision(*row) for row in session.execute(select(answer).order_by(answer.c.opened_at, answer.c.number))]


def predecessor(session: Session, department: Department) -> tuple[Release, Release]:
    """(the release in force, the one before it): what a rollback leaves and what it returns to."""
    today = clock.today(session)
    now = departments.in_force(session, today).get(department.id)
    if now is None:
        raise NothingToRollBack()
    earlier = session.scalar(
        select(Release)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(
            Release.department_id == department.id, Release.id != now.release.id, ReleaseEvent.state == "published",
            ReleaseEvent.effective_on <= now.since, Release.version < now.release.version, ~departments.withdrawn(),
        )
        .order_by(ReleaseEvent.effective_on.desc(), Release.version.desc())
        .limit(1)
        .options(undefer(Release.content), undefer(Release.sources))
    )  # fmt: skip
    if earlier is None:
        raise NothingToRollBack()
    return now.release, earlier


def roll_back(session: Session, department: Department, *, reason: str, actor: Principal) -> Release:
    """Put the release before the present one back into force, today: as a new release with the same content, so that history goes
    forward. Decisions taken meanwhile stand and are counted in the report; nobody's file is judged again by itself. Not by anyone who
    wrote what comes back into force (OwnRelease)."""
    require(actor, Act.PUBLISH_RELEASE, Whole(department.id))
    one_at_a_time(session, department.id)
    reasoned(reason)
    if (ahead := departments.scheduled(session, department.id, clock.today(session))) is not None:
        raise ScheduledAhead(version=ahead.release.version, day=ahead.since.isoformat())
    current, earlier = predecessor(session, department)
    if actor.who in drafts.authors(session, earlier):
        raise OwnRelease(version=earlier.version)
    today = clock.today(session)
    bundle = departments.read_release(earlier, None if department.is_centre else centre_release(session))
    report = {"rolled_back": current.version, "returned_to": earlier.version, "decisions": len(decisions_under(session, current))}
    release = releases.write_release(
        session, department, bundle, base=current, actor=actor, sources=earlier.sources, author=earlier.author
    )
    put_into_force(session, release, effective_on=today, reason=reason.strip(), actor=actor, report=report)
    audit.record(
        session, "release.rolled_back", f"release:{release.id}", reason=reason.strip(), department=department.code,
        from_version=current.version, to_version=earlier.version,
    )  # fmt: skip
    return release
