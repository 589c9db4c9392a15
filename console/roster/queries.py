"""Today's standing, certificates, and what the roster screens show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import column, func, select, table, text
from sqlalchemy.orm import Session, selectinload

from console import bulk, clock
from console.departments.models import Division
from console.errors import NotFound
from console.roster.models import RosterEntry, RosterEvent, RosterSpecialty
from console.secrecy import mask_name

#: what a certificate may answer, from best to worst
ACTIVE, SUSPENDED, EXPIRED, ENDED, RESTRICTED = "active", "suspended", "expired", "ended", "restricted"
_ORDER = (ACTIVE, SUSPENDED, EXPIRED, ENDED)


@dataclass(frozen=True)
class Line:
    """One specialty on a certificate, as of today. `since`: the day a suspension began."""

    standard: str
    code: str
    name: str
    department: str
    department_en: str
    term_from: dt.date
    term_to: dt.date
    standing: str
    since: dt.date | None = None
    responsible: str = ""
    notice_number: str | None = None
    notice_hash: str | None = None


@dataclass(frozen=True)
class Standing:
    """What anyone holding the certificate code may know today. The person is restricted as a whole; else the best line speaks.

    `name` is masked; there is no identity number, phone or employer here.
    """

    number: str
    name: str
    division: str
    state: str
    lines: tuple[Line, ...]
    restricted_since: dt.date | None
    asked_at: dt.datetime

    @property
    def is_valid(self) -> bool:
        return self.state == ACTIVE

    @property
    def departments(self) -> list[str]:
        return list(dict.fromkeys(line.department for line in self.lines))

    @property
    def term(self) -> tuple[dt.date, dt.date] | None:
        """From the first to the last day of the lines that share the state."""
        lines = [line for line in self.lines if line.standing == self.state] or list(self.lines)
        return (min(line.term_from for line in lines), max(line.term_to for line in lines)) if lines else None


@dataclass(frozen=True)
class Certificate:
    """What the owner prints: the full name, and the code whose address the QR carries."""

    entry: RosterEntry
    lines: tuple[Line, ...]
    division: str
    state: str

    @property
    def number(self) -> str:
        return self.entry.number

    @property
    def grouped_number(self) -> str:
        """1500 0000 011 004217"""
        number = self.entry.number
        return f"{number[:4]} {number[4:8]} {number[8:11]} {number[11:]}"


def standing(session: Session, code: str) -> Standing:
    """Today's answer to a certificate code, for anyone; NotFound for a code that is not ours."""
    entry = session.scalar(
        select(RosterEntry)
        .where(RosterEntry.code == code.strip().upper()[:24])
        .options(selectinload(RosterEntry.specialties))
    )
    if entry is None:
        raise NotFound()
    return standing_of(session, entry)


def standing_of(session: Session, entry: RosterEntry) -> Standing:
    """The same for an entry already at hand."""
    today = clock.today(session)
    since = session.scalar(text("SELECT ruku_restricted_since(:code, :day)"), {"code": entry.code, "day": today})
    lines = _lines(session, entry, today)
    return Standing(
        number=entry.number,
        name=mask_name(entry.name),
        division=_place(session, entry.division_code),
        state=RESTRICTED if since else _best(lines),
        lines=lines,
        restricted_since=since,
        asked_at=clock.now(session),
    )


def certificate(session: Session, entry: RosterEntry) -> Certificate:
    """The certificate of an entry its owner (or an officer) can see."""
    today = clock.today(session)
    since = session.scalar(text("SELECT ruku_restricted_since(:code, :day)"), {"code": entry.code, "day": today})
    lines = _lines(session, entry, today)
    return Certificate(entry, lines, _place(session, entry.division_code), RESTRICTED if since else _best(lines))


def own_entry(session: Session) -> RosterEntry | None:
    """The signed-in applicant's own entry; scope narrows it to one. None when they are not in the roster."""
    return session.scalar(select(RosterEntry).options(selectinload(RosterEntry.specialties)).limit(1))


def entry_by_id(session: Session, entry_id: int) -> RosterEntry:
    entry = session.scalar(
        select(RosterEntry).where(RosterEntry.id == entry_id).options(selectinload(RosterEntry.specialties))
    )
    if entry is None:
        raise NotFound()
    return entry


def events(session: Session, entry: RosterEntry) -> Sequence[RosterEvent]:
    """What happened to this person's standings, the newest first."""
    return session.scalars(
        select(RosterEvent).where(RosterEvent.entry_id == entry.id).order_by(RosterEvent.id.desc())
    ).all()


def _best(lines: Sequence[Line]) -> str:
    found = {line.standing for line in lines}
    return next((state for state in _ORDER if state in found), ENDED)


def _lines(session: Session, entry: RosterEntry, today: dt.date) -> tuple[Line, ...]:
    rows = session.scalars(
        select(RosterSpecialty)
        .where(RosterSpecialty.entry_id == entry.id)
        .order_by(RosterSpecialty.standard, RosterSpecialty.code)
    ).all()
    suspended = [row.id for row in rows if row.standing == SUSPENDED]
    since: dict[int | None, dt.datetime] = {}
    if suspended:  # the public reads no events: it learns that, not since when
        since = dict(
            session.execute(
                select(RosterEvent.roster_specialty_id, func.max(RosterEvent.at))
                .where(RosterEvent.roster_specialty_id.in_(suspended), RosterEvent.event == SUSPENDED)
                .group_by(RosterEvent.roster_specialty_id)
            ).all()
        )
    return tuple(
        Line(
            row.standard,
            row.code,
            row.specialty.name,
            row.department.name,
            row.department.name_en,
            row.term_from,
            row.term_to,
            standing_on(row, today),
            clock.day_of(since[row.id]) if row.id in since else None,
            row.responsible,
            row.notice_number,
            row.notice_hash,
        )
        for row in rows
    )


def standing_on(row: RosterSpecialty, day: dt.date) -> str:
    """The stored standing, unless the term is over: an ended or expired term is nobody's to restore."""
    if row.standing != ENDED and day > row.term_to:
        return EXPIRED
    return row.standing


def _place(session: Session, code: str) -> str:
    """“呼和浩特市赛罕区”"""
    names = dict(
        session.execute(select(Division.code, Division.name).where(Division.code.in_({code, code[:4] + "00"}))).all()
    )
    league = names.get(code[:4] + "00", "")
    return names[code] if names[code] == league else league + names[code]


@dataclass(frozen=True)
class Shown:
    """The notice that showed somebody last: who answers for it, its number, and the fingerprint of what it said."""

    responsible: str
    number: str | None
    fingerprint: str | None


def shown_on(session: Session, admission_ids: Sequence[int]) -> dict[int, Shown]:
    """Admission id → the notice it rests on.

    Read by table name, as the wall is: the room of notices is beside this one, and neither imports the other.
    """
    notice = table("notice", column("id"), column("opened_by_name"), column("number"), column("content_hash"))
    item = table("notice_item", column("id"), column("notice_id"), column("admission_id"))
    rows = session.execute(
        select(item.c.admission_id, notice.c.opened_by_name, notice.c.number, notice.c.content_hash)
        .join_from(item, notice, notice.c.id == item.c.notice_id)
        .where(bulk.among(item.c.admission_id, list(admission_ids)))
        .order_by(item.c.id)
    )
    return {admission_id: Shown(*rest) for admission_id, *rest in rows}
