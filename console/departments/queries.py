"""Which release is in force, what it says, which office decides."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, and_, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from console import clock
from console.departments.calendars import working_calendar as working_calendar
from console.departments.models import (
    Department,
    Division,
    Office,
    Release,
    ReleaseEvent,
    Specialty,
    SpecialtyTransfer,
)
from rules.bundle import Bundle
from rules.manifest import LEVELS as ORDER
from rules.manifest import Level
from rules.specialties import conflicts, owner_of

LEVELS = {name: level for level, name in enumerate(ORDER, start=1)}  # region 1, league 2, county 3


# ── departments and offices ──────────────────────────────────────────────────────────────────────────────────


def department_by_code(session: Session, code: str) -> Department | None:
    return session.scalar(select(Department).where(Department.code == code))


def centre(session: Session) -> Department:
    """The trading centre; every database has one after the base data is loaded."""
    return session.scalars(select(Department).where(Department.is_centre)).one()


def centre_office(session: Session) -> Office:
    """The trading centre's office for the whole region."""
    return session.scalars(
        select(Office).join(Department).join(Division, Division.code == Office.division_code).where(Department.is_centre, Division.level == 1)
    ).one()


def places(session: Session) -> Sequence[tuple[Division, list[Division]]]:
    """Every league with its counties, for a picker."""
    rows = session.scalars(select(Division).where(Division.level > 1).order_by(Division.code)).all()
    return [(league, [row for row in rows if row.parent_code == league.code]) for league in rows if league.level == 2]


def ancestry(session: Session, division_code: str) -> dict[int, str]:
    """Level → code for a division and everything above it: {1: '150000', 2: '150100', 3: '150102'}."""
    codes = {division_code[:n].ljust(6, "0") for n in (2, 4, 6)}
    rows = session.execute(select(Division.level, Division.code).where(Division.code.in_(codes)))
    return {level: code for level, code in rows}


def offices_for(session: Session, wanted: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str, int], int]:
    """(department id, division code, level) → id of the office that decides there, for a whole set in one statement.

    A division above the wanted level keeps its own: somebody whose place of work is only known as a league is handled
    by the league's office when the banner's is asked for.
    """
    wanted = set(wanted)
    departments = {department for department, _, _ in wanted}
    codes = {code[:n].ljust(6, "0") for _, code, _ in wanted for n in (2, 4, 6)}
    rows = session.execute(
        select(Office.department_id, Office.division_code, Office.level, Office.id).where(
            Office.department_id.in_(departments), Office.division_code.in_(codes)
        )
    )
    found = {(department, code): (level, office) for department, code, level, office in rows}
    offices = {}
    for department, code, level in wanted:
        candidates = [found.get((department, code[:n].ljust(6, "0"))) for n in (2, 4, 6)]
        fitting = [candidate for candidate in candidates if candidate and candidate[0] <= level]
        offices[department, code, level] = max(fitting)[1]
    return offices


def level_of_first_review(
    offices: Mapping[tuple[int, str, int], int], department_id: int, division_code: str, first: Level
) -> Level:
    """The level of the office that does the first review: above `first` for somebody whose place of work is only known further up.

    `offices`: what `offices_for()` found for this department and division at every level.
    """
    office = offices[department_id, division_code, LEVELS[first]]
    return next(name for name in ORDER if offices[department_id, division_code, LEVELS[name]] == office)


def office_for(session: Session, department_id: int, division_code: str, level: int) -> Office:
    office_id = offices_for(session, [(department_id, division_code, level)])[department_id, division_code, level]
    return session.get_one(Office, office_id)


def competent(session: Session, bundles: dict[int, Bundle], standard: str, code: str) -> int | None:
    """The department whose release claims the specialty by the longest prefix of that standard; None: nobody does."""
    claims = {str(department): bundle.manifest.specialties for department, bundle in bundles.items()}
    # two claim the same prefix only while it passes from one to the other: then the centre's records say whose it is
    contested = next(conflicts(claims), None) is not None
    handed = {key: str(taker) for key, taker in owners_recorded(session).items()} if contested else None
    owner = owner_of(claims, standard, code, handed=handed)
    return int(owner) if owner else None


def owners_recorded(session: Session) -> dict[tuple[str, str], int]:
    """(standard, prefix) → the department the centre last recorded a transfer to."""
    rows = session.execute(
        select(SpecialtyTransfer.standard, SpecialtyTransfer.prefix, SpecialtyTransfer.to_id).order_by(SpecialtyTransfer.id)
    )
    return {(standard, prefix): taker for standard, prefix, taker in rows}


def choosable(today: dt.date) -> ColumnElement[bool]:
    """Of a Specialty: it has not ended, so that it may be applied for that day."""
    return or_(Specialty.until.is_(None), Specialty.until > today)


def specialties(session: Session, chosen: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Specialty]:
    """The specialties that exist among those chosen, by (standard, code)."""
    rows = session.scalars(select(Specialty).where(tuple_(Specialty.standard, Specialty.code).in_(list(chosen))))
    return {(row.standard, row.code): row for row in rows}


# ── releases ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class InForce:
    """A release and the day from which it is the one."""

    release: Release
    since: dt.date


def in_force(session: Session, on: dt.date) -> dict[int, InForce]:
    """Department id → the release in force that day (the centre's too): the latest published, effective and not retired."""
    published = (
        select(ReleaseEvent.release_id, func.max(ReleaseEvent.effective_on).label("effective_on"))
        .where(ReleaseEvent.state == "published", ReleaseEvent.effective_on <= on)
        .group_by(ReleaseEvent.release_id)
        .subquery()
    )
    retired = select(ReleaseEvent.release_id).where(
        ReleaseEvent.state == "retired", func.coalesce(ReleaseEvent.effective_on, on) <= on
    )
    rows = session.execute(
        select(Release, published.c.effective_on)
        .join(published, published.c.release_id == Release.id)
        .where(Release.id.not_in(retired))
        .order_by(Release.department_id, published.c.effective_on.desc(), Release.version.desc())
        .ext(distinct_on(Release.department_id))
    )
    return {release.department_id: InForce(release, since) for release, since in rows}


def releases_in_force(session: Session, on: dt.date, *, begun_on: dt.date | None = None) -> dict[int, Release]:
    """Department id → the release in force that day.

    With `begun_on`, for a draft begun on that day: a release whose transitional clause says `begun: old` leaves such a draft
    to the release it was begun under, until the clause's last day (`begun_until`).
    """
    found = in_force(session, on)
    if begun_on is None or begun_on >= on:
        return {department: one.release for department, one in found.items()}
    late = {d for d, one in found.items() if begun_on < one.since and _keeps_begun(one.release, on)}
    earlier = in_force(session, begun_on) if late else {}
    return {d: earlier[d].release if d in late and d in earlier else one.release for d, one in found.items()}


def _keeps_begun(release: Release, on: dt.date) -> bool:
    clause = release.transition or {}
    return clause.get("begun") == "old" and ("begun_until" not in clause or on <= dt.date.fromisoformat(clause["begun_until"]))


def withdrawn() -> ColumnElement[bool]:
    """Of a Release: published, and taken back before its day came (retired not after that day, and never in force)."""
    given, taken, held = aliased(ReleaseEvent), aliased(ReleaseEvent), aliased(ReleaseEvent)
    back = exists().where(
        given.release_id == Release.id, given.state == "published", taken.release_id == Release.id, taken.state == "retired",
        taken.effective_on <= given.effective_on,
    )  # fmt: skip
    return and_(back.correlate(Release), ~exists().where(held.release_id == Release.id, held.state == "effective").correlate(Release))


def scheduled(session: Session, department_id: int, on: dt.date) -> InForce | None:
    """The release that is published and whose day has not come yet, the latest of them."""
    row = session.execute(
        select(Release, ReleaseEvent.effective_on)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(Release.department_id == department_id, ReleaseEvent.state == "published", ReleaseEvent.effective_on > on, ~withdrawn())
        .order_by(ReleaseEvent.effective_on.desc(), Release.version.desc())
        .limit(1)
    ).first()
    return InForce(row.Release, row.effective_on) if row is not None and row.effective_on is not None else None


def release_in_force(session: Session, department_id: int, on: dt.date) -> Release | None:
    return releases_in_force(session, on).get(department_id)


_bundles: dict[tuple[str, str | None], Bundle] = {}  # by content hash, and the centre's beside it


def read_release(release: Release, centre_release: Release | None) -> Bundle:
    """The bundle a release holds; a department's is read together with the centre's, whose form fields are its facts.

    Reading and compiling takes milliseconds and a release's text never changes, so it is done once per process; the text
    itself is only fetched for that.
    """
    key = (release.content_hash, centre_release.content_hash if centre_release is not None else None)
    found = _bundles.get(key)
    if found is None:
        shared = read_release(centre_release, None) if centre_release is not None else None
        if len(_bundles) > 256:
            _bundles.clear()
        found = Bundle.from_data(json.loads(release.content), centre=shared, known_hash=release.content_hash)
        _bundles[key] = found
    return found


def read_release_with(release: Release, centre: Bundle) -> Bundle:
    """A department's release beside a centre's bundle that is not released yet; raises Problems when they do not fit."""
    return Bundle.from_data(json.loads(release.content), centre=centre, known_hash=release.content_hash)


def governing(session: Session, pinned: Iterable[tuple[int, int]], on: dt.date) -> dict[int, int]:
    """Release → the release by which a file pinned to it, and accepted by an office, is looked at again on that day.

    `pinned` are pairs (department, release). That is the pinned one itself, unless a later release in force says
    `accepted: new` in its transitional clause.
    """
    pairs = set(pinned)
    later = session.execute(
        select(Release.department_id, Release.id, Release.version)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(
            Release.department_id.in_({department for department, _ in pairs}),
            Release.transition["accepted"].astext == "new",
            ReleaseEvent.state == "published",
            ReleaseEvent.effective_on <= on,
        )
        .order_by(ReleaseEvent.effective_on, Release.version)
    ).all()
    found = {release: release for _, release in pairs}
    if later:
        versions = dict(session.execute(select(Release.id, Release.version).where(Release.id.in_(found))).all())
        for department, release in pairs:
            for owner, newer, version in later:
                if owner == department and version > versions[release]:
                    found[release] = newer
    return found


def bundles_in_force(
    session: Session, on: dt.date, *, begun_on: dt.date | None = None
) -> tuple[dict[int, Bundle], Bundle | None, dict[int, Release]]:
    """(departments' bundles by id, the centre's, all releases by department id), for a new file on this day, or for a draft
    begun earlier (see `releases_in_force`)."""
    releases = releases_in_force(session, on, begun_on=begun_on)
    centre_id = next((d for d, release in releases.items() if release.department.is_centre), None)
    shared = releases.get(centre_id) if centre_id is not None else None
    bundles = {
        department: read_release(release, shared) for department, release in releases.items() if department != centre_id
    }
    return bundles, read_release(shared, None) if shared is not None else None, releases


_of_release: WeakKeyDictionary[Engine, dict[int, Bundle]] = WeakKeyDictionary()


def bundle_of(session: Session, release_id: int) -> Bundle:
    """The bundle of one release, with the centre's release that was in force on the day it was made; one that only waits for its
    publisher, or was sent back, is nobody's form.

    Neither ever changes, so a process asks the database once.
    """
    known = _of_release.setdefault(session.get_bind().engine, {})
    if release_id not in known:
        release = session.get_one(Release, release_id)
        shared = None
        if not release.department.is_centre:
            made_on = clock.day_of(release.created_at)
            shared = release_in_force(session, centre(session).id, made_on) or _first_published(session, centre(session).id)
        known[release_id] = read_release(release, shared)
    return known[release_id]


def _first_published(session: Session, department_id: int) -> Release | None:
    """For a clock that stands before anything was in force."""
    return session.scalar(
        select(Release)
        .join(ReleaseEvent, ReleaseEvent.release_id == Release.id)
        .where(Release.department_id == department_id, ReleaseEvent.state == "published")
        .order_by(Release.version)
        .limit(1)
    )
