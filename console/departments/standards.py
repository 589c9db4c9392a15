"""Loading another edition of a classification standard: first what it would move, then all of it at once.

Codes are never deleted: files and the roster cite them. One that the new edition does not have ends on a day, and cannot be applied for from then on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ARRAY, Date, Integer, String, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from console import audit, clock
from console.departments import queries
from console.departments.models import Specialty, SpecialtyVersion
from console.errors import N_, ConsoleError, InvalidAnswers, NotAllowed
from console.roles import Act
from console.scope import Principal, Staff, System, Whole, require
from rules.specialties import Claim, owner_of
from rules.standards import Difference, Entry, Standard, compare

REASON_LEAST = 5
MUCH = 5  # a fifth of the codes gone at once is asked about: perhaps it is half a file


class LoadedMeanwhile(ConsoleError):
    message = N_("这个分类标准刚刚载入了另一版，请重新查看变化。")
    status = 409


class ManyGone(ConsoleError):
    """More than a fifth of the codes would end: somebody has to say that this is meant."""

    message = N_("载入后有 %(gone)s 个代码停用，超过现有的五分之一，可能是文件不全。确实如此时请勾选确认后再载入。")
    status = 409


@dataclass(frozen=True)
class Cited:
    """Who names a code: drafts, files at work, people in the roster."""

    code: str
    drafts: int
    files: int
    experts: int


@dataclass(frozen=True)
class Claimed:
    """Of one department: how many codes it decided before and would decide, and which of its prefixes would find nothing."""

    department: int
    before: int
    after: int
    empty: list[str]


@dataclass(frozen=True)
class Preview:
    """What loading this file would move. `version`: the one it comes after; `unclaimed`: codes to be applied for that nobody would decide
    and that are new or were somebody's."""

    standard: str
    version: int
    difference: Difference
    codes: int
    cited: list[Cited]
    claimed: list[Claimed]
    unclaimed: list[Entry]
    content_hash: str

    @property
    def is_much(self) -> bool:
        """A fifth or more of what is there would end."""
        there = self.codes - len(self.difference.added) - len(self.difference.returned) + len(self.difference.gone)
        return len(self.difference.gone) * MUCH > there


def preview(session: Session, new: Standard) -> Preview:
    """Reads only. Counts of who names a code are for administrators of the platform; others get none."""
    there = _there(session, new.name)
    found = compare(there, new)
    lost = found.unchoosable
    cited = [Cited(code, drafts, files, experts) for code, drafts, files, experts in session.execute(select(func.ruku_specialties_cited(new.name, literal(lost, ARRAY(String))).table_valued("code", "drafts", "files", "experts")))] if lost else []
    bundles, _centre, _releases = queries.bundles_in_force(session, clock.today(session))
    claims = {str(department): bundle.manifest.specialties for department, bundle in bundles.items()}
    handed = {key: str(taker) for key, taker in queries.owners_recorded(session).items()}
    now = _owned(claims, handed, new.name, [entry for entry, ended in there if entry.selectable and not ended])
    then = _owned(claims, handed, new.name, [entry for entry in new.entries if entry.selectable])
    after = [one.code for one in new.entries]
    claimed = [
        Claimed(int(department), len(now.get(department, ())), len(then.get(department, ())), [p for one in own if one.standard == new.name for p in one.prefixes if not any(code.startswith(p) for code in after)])
        for department, own in sorted(claims.items(), key=lambda pair: int(pair[0]))
        if any(one.standard == new.name for one in own)
    ]
    before = {one.code for one in now.get(None, ())}
    fresh = [one for one in then.get(None, ()) if one.code not in before]
    return Preview(new.name, _last(session, new.name), found, len(new.entries), sorted(cited, key=lambda one: one.code), claimed, fresh, new.content_hash)


def _there(session: Session, standard: str) -> list[tuple[Entry, bool]]:
    rows = session.execute(select(Specialty.code, Specialty.name, Specialty.parent_code, Specialty.level, Specialty.is_leaf, Specialty.until).where(Specialty.standard == standard))
    return [(Entry(code, name, parent, level, leaf), until is not None) for code, name, parent, level, leaf, until in rows]


def _owned(claims: Mapping[str, Iterable[Claim]], handed: Mapping[tuple[str, str], str], standard: str, entries: list[Entry]) -> dict[str | None, list[Entry]]:
    found: dict[str | None, list[Entry]] = {}
    for entry in entries:
        found.setdefault(owner_of(claims, standard, entry.code, handed=handed), []).append(entry)
    return found


def _last(session: Session, standard: str) -> int:
    return session.scalar(select(func.max(SpecialtyVersion.number)).where(SpecialtyVersion.standard == standard)) or 0


def load(session: Session, new: Standard, *, after: int, on: dt.date, source: str, reason: str, many: bool, actor: Principal) -> Preview:
    """Load it as the version after `after`, which is the one whose preview was seen. LoadedMeanwhile, ManyGone unless `many`; InvalidAnswers names what is missing."""
    if isinstance(actor, Staff):
        require(actor, Act.LOAD_SPECIALTIES, Whole(queries.centre(session).id))
    elif not isinstance(actor, System):
        raise NotAllowed()
    problems = {}
    if len(reason.strip()) < REASON_LEAST:
        problems["reason"] = N_("请写明依据（文件和条款）。")
    if on < clock.today(session):
        problems["on"] = N_("施行日期不能早于今天：已经申报的不追溯。")
    seen = preview(session, new)
    if seen.difference.is_empty:
        problems["file"] = N_("与现有的完全一样，不需要载入。")
    if problems:
        raise InvalidAnswers(problems)
    if seen.is_much and not many:
        raise ManyGone(gone=len(seen.difference.gone))
    found = seen.difference
    entries = [{"code": one.code, "parent": one.parent, "name": one.name, "level": one.level, "selectable": one.selectable} for one in new.entries]
    said = {"source": source[:200], "reason": reason.strip(), "hash": new.content_hash, "added": len(found.added) + len(found.returned), "renamed": len(found.renamed), "moved": len(found.moved)}
    gone = literal([one.code for one in found.gone], ARRAY(String))
    number = session.scalar(select(func.ruku_load_specialties(new.name, literal(after, Integer), literal(entries, JSONB), gone, literal(on, Date), literal(said, JSONB))))
    if number is None:
        raise LoadedMeanwhile()
    session.expire_all()
    audit.record(
        session, "specialties.loaded", f"specialty_version:{new.name}/{number}", reason=reason.strip(), source=source[:200], content_hash=new.content_hash, codes=len(entries), in_force_from=on.isoformat(),
        added=len(found.added) + len(found.returned), renamed=len(found.renamed), moved=len(found.moved), ended=[one.code for one in found.gone][:500], cited=len(seen.cited),
    )  # fmt: skip
    return seen
