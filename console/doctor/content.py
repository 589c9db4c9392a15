"""What is kept and whether it can be read again: files, secrets, the audit, rules, calendar, backups."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, String, func, select, type_coerce
from sqlalchemy.orm import Session

from config import Settings
from console import audit, clock, db, files, keys
from console.accounts.models import StaffGrant
from console.applications.models import Attachment
from console.audit import AuditEntry
from console.departments import queries as departments
from console.doctor.finding import Finding, State, judged, look
from console.errors import NotFound
from console.roles import Role
from console.scope import System, become
from console.secrecy import decrypt, hash_under
from rules.documents import Problems

SAMPLE = 20  # contents read through
BACKUP_AGE = dt.timedelta(days=2)
NEW_YEAR = 45  # days before a year without a decree that it is time to load it


@look("store")
def store(settings: Settings) -> Iterator[Finding]:
    writable = files.is_writable()
    yield judged("store", writable, settings.files_url.partition("@")[2] or settings.files_url if writable else f"{settings.files_url.partition('@')[2] or settings.files_url} cannot be written", "Make FILES_URL writable for this user, or look at its credentials: nobody can hand in a paper.")


@look("papers", "database", "tables")
def papers(settings: Settings) -> Iterator[Finding]:
    """The newest contents and some of all the others, read and compared with their names."""
    with become(System("doctor")), db.transaction() as session:
        total = session.scalar(select(func.count(Attachment.hash.distinct()))) or 0
        newest = list(session.scalars(select(Attachment.hash).order_by(Attachment.id.desc()).limit(SAMPLE // 2)))
        some = list(session.scalars(select(Attachment.hash).order_by(func.random()).limit(SAMPLE // 2))) if total > SAMPLE // 2 else []
    wrong = []
    for name in dict.fromkeys([*newest, *some]):
        try:
            if hashlib.sha256(files.read(name)).hexdigest() != name:
                wrong.append(f"{name[:12]}… was changed or damaged")
        except NotFound:
            wrong.append(f"{name[:12]}… is not in the store")
    seen = f"{len(dict.fromkeys([*newest, *some]))} of {total} read, as they were handed in" if not wrong else "; ".join(wrong[:5])
    yield judged("papers", not wrong, seen, "`python -m console restore BACKUP --into OTHER` puts missing and damaged files back; `backup` names every one.")


@look("keys", "database", "tables")
def secrets(settings: Settings) -> Iterator[Finding]:
    first = next(iter(settings.data_keys))
    with become(System("doctor")), db.transaction() as session:
        counted = sum(keys.status(session).values(), start=Counter[str]())
        unknown = sorted(counted.keys() - settings.data_keys.keys())
        if unknown:
            yield Finding("keys", State.BAD, f"{sum(counted[one] for one in unknown)} values lie under {', '.join(unknown)}, which DATA_KEYS does not name", "Add the key behind the first one: `restore keys FILE` prints those written apart. Pages that meet such a value fail.")
        shut = [place.name for place in keys.places_in(session) if not place.in_json and not all(map(_opens, session.scalars(select(place.raw).where(place.raw != "", func.split_part(place.raw, ".", 1).in_([*settings.data_keys])).limit(3))))]
        if shut:
            yield Finding("keys", State.BAD, f"values of {', '.join(shut)} do not open", "DATA_KEYS has another key under the same name: put back the one that was there (`restore keys FILE`).")
        lost = [target.table.name for source, target in keys.hashed() if not _found(session, settings, source, target)]
        if lost:
            yield Finding("keys", State.BAD, f"HASH_KEY is not the one that {', '.join(dict.fromkeys(lost))} was made with", "Put back the former HASH_KEY, or change it by `keys rehash`: nobody is found by phone or number.")
    old = sum(count for name, count in counted.items() if name != first and name not in unknown)
    if not (unknown or shut or lost):
        yield judged("keys", not old, f"{counted.total()} values, all under '{first}'" if not old else f"{old} of {counted.total()} values lie under older keys", "Run `python -m console keys rotate`; until then keep the older keys.", otherwise=State.WARNING)


def _opens(stored: str) -> bool:
    try:
        decrypt(stored)
    except InvalidTag:
        return False
    return True


def _found(session: Session, settings: Settings, source: Column[Any], target: Column[Any]) -> bool:
    kept = type_coerce(source, String)
    rows = session.execute(select(kept, target).where(kept != "", target.is_not(None), ~target.startswith("erased:"), func.split_part(kept, ".", 1).in_([*settings.data_keys])).limit(3))
    return all(not _opens(stored) or hash_ == hash_under(settings.hash_key, decrypt(stored), source.name) for stored, hash_ in rows)


@look("audit", "database", "tables")
def trail(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        faults = audit.verify(session, wait=3)
    late = [one for one in faults if one.endswith("is the relay running?")]
    if faults and len(late) == len(faults):
        yield Finding("audit", State.BAD, f"{len(late)} entries are in no chain yet", "Start the relay, which chains them; when it runs and they stay, tell the supervisor.")
        return
    yield judged("audit", not faults, "chains, rows and decisions are whole" if not faults else f"{len(faults)} faults, first: {faults[0]}", "Somebody changed the past: keep this database as it is and tell the supervisor.")


@look("rules", "database", "tables")
def rules(settings: Settings) -> Iterator[Finding]:
    """Every release in force can be read, and the functions it derives facts by are installed."""
    cure = "Put the department's hooks.py back into its folder, or run `python -m console seed`."
    with become(System("doctor")), db.transaction() as session:
        try:
            bundles, centre, releases = departments.bundles_in_force(session, clock.today(session))
        except Problems as problems:
            yield Finding("rules", State.BAD, f"a release in force cannot be read: {str(problems).splitlines()[0]}", "Publish a release that can, or go back one (规则 › 发布版): new files of that department fail until then.")
            return
        missing = [f"{b.code}: {one.name} ({one.function})" for b in bundles.values() if b.criteria for one in b.criteria.derived if one.hook is None]
    good = centre is not None and not missing
    yield judged("rules", good, f"{len(releases)} releases in force" if good else "; ".join(missing) or "the centre has no release in force", cure)


@look("calendar", "database", "tables")
def calendar(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        days, number = departments.working_calendar(session)
        today = clock.today(session)
    cure = "Load the State Council's decree of that year (`python -m console calendar load FILE`): what was told with a provisional day only moves later."
    soon = today + dt.timedelta(days=NEW_YEAR)
    if days.is_provisional(today):
        yield Finding("calendar", State.BAD, f"version {number} has no decree for {today.year}: every deadline of this year is provisional", cure)
    else:
        yield judged("calendar", not days.is_provisional(soon), f"version {number}, {today.year} is decreed" + ("" if soon.year == today.year else f", {soon.year} is not" if days.is_provisional(soon) else f", so is {soon.year}"), cure, otherwise=State.WARNING)


@look("administrators", "database", "tables")
def administrators(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        now = clock.now(session)
        holds = (StaffGrant.role == str(Role.PLATFORM_ADMIN), StaffGrant.ended_at.is_(None), StaffGrant.valid_from <= now, func.coalesce(StaffGrant.valid_to > now, True))
        count = session.scalar(select(func.count(StaffGrant.staff_id.distinct())).where(*holds)) or 0
    yield judged("administrators", count > 0, f"{count} may give grants of the platform" if count else "nobody can give grants", "Run `python -m console staff bootstrap USERNAME NAME`.")


@look("grants", "database", "tables")
def grants(settings: Settings) -> Iterator[Finding]:
    """Grants that came back from a backup: some may have been withdrawn after it was taken."""
    with become(System("doctor")), db.transaction() as session:
        holds = (StaffGrant.certified_by == StaffGrant.AFTER_RESTORE, StaffGrant.in_force(clock.now(session)))
        count, since = session.execute(select(func.count(), func.min(StaffGrant.certified_at)).where(*holds)).one()
    seen = f"{count} come from the backup restored on {clock.day_of(since)}, and nobody has certified them since" if since else "none waits for re-certification after a restore"
    yield judged("grants", not count, seen, "Administrators certify or withdraw each: 授权 › 该复核了. What was withdrawn after the backup holds until then.", otherwise=State.WARNING)


@look("backup", "database", "tables")
def backups(settings: Settings) -> Iterator[Finding]:
    """By real time, also where the clock is simulated: an entry's number tells the newest."""
    with become(System("doctor")), db.transaction() as session:
        last = session.scalars(select(AuditEntry).where(AuditEntry.action == audit.MADE).order_by(AuditEntry.id.desc()).limit(1)).first()
    cure = "Run `python -m console backup --to FOLDER --keep 14` every night (docs/backup.md)."
    worse = State.BAD if settings.is_production else State.WARNING
    if last is None:
        yield Finding("backup", worse, "never made", cure)
        return
    made = dt.datetime.strptime(last.subject.partition(":")[2][:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    age = dt.datetime.now(dt.UTC) - made
    lacking = int(last.facts.get("missing", 0)) + int(last.facts.get("damaged", 0))
    yield judged("backup", age <= BACKUP_AGE, f"{last.subject.partition(':')[2]}, {age.total_seconds() / 3600:.0f} hours old", cure, otherwise=worse)
    if lacking:
        yield Finding("backup", State.WARNING, f"it lacks {lacking} files that rows name, or has them damaged", "`python -m console backup verify FOLDER` names them; look for them in older backups.")
