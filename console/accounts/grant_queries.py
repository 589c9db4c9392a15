"""Reading grants for the pages of those who give them: what is in force, what is due, who gave it. Everything through scope."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.accounts.explaining import Held
from console.accounts.models import _USER, StaffAccount, StaffGrant
from console.departments.models import Division
from console.errors import NotFound

SOON = dt.timedelta(days=30)


def as_held(grant: StaffGrant) -> Held:
    return Held(
        grant.id, grant.role, grant.department_id, grant.division_code, grant.valid_from, grant.valid_to, grant.ended_at
    )


def all_of(session: Session, staff_id: int) -> list[StaffGrant]:
    """Every grant of one person that the asker may see, also ended ones; those in force first."""
    rows = session.scalars(
        select(StaffGrant)
        .where(StaffGrant.staff_id == staff_id)
        .options(joinedload(StaffGrant.department), joinedload(StaffGrant.division))
        .order_by(StaffGrant.ended_at.is_not(None), StaffGrant.id.desc())
    )
    return list(rows)


def one(session: Session, grant_id: int) -> StaffGrant:
    """The grant, through scope; NotFound for one that is not there and for one that is not yours to see."""
    found = session.scalars(
        select(StaffGrant)
        .where(StaffGrant.id == grant_id)
        .options(joinedload(StaffGrant.department), joinedload(StaffGrant.division))
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    username: str = ""


def person(session: Session, wanted: str) -> Person:
    """Somebody by number or user name, whose account or one of whose grants the asker may see; else NotFound."""
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else 0
    row = session.execute(
        select(_USER.c.id, _USER.c.last_name.op("||")(_USER.c.first_name), _USER.c.username).where(
            or_(_USER.c.id == number, _USER.c.username == wanted[:64])
        )
    ).first()
    if row is None:
        raise NotFound()
    seen = session.scalar(select(StaffAccount.staff_id).where(StaffAccount.staff_id == row[0])) or session.scalar(
        select(StaffGrant.id).where(StaffGrant.staff_id == row[0]).limit(1)
    )
    if seen is None:
        raise NotFound()
    return Person(*row)


def people(session: Session, *, words: str = "", most: int = 400) -> Sequence[StaffAccount]:
    """The accounts the asker may see whose holders still work here, by name."""
    statement = select(StaffAccount).where(StaffAccount.left_at.is_(None)).options(joinedload(StaffAccount.office))
    if words:
        statement = statement.where(
            or_(StaffAccount.name.icontains(words, autoescape=True), StaffAccount.username.icontains(words, autoescape=True))
        )
    return session.scalars(statement.order_by(StaffAccount.name, StaffAccount.staff_id).limit(most)).unique().all()


def givers(session: Session, whos: Iterable[str | None]) -> dict[str, str]:
    """`staff:12` → name; what the installation gave is left out."""
    ids = {int(who.removeprefix("staff:")) for who in whos if who and who.startswith("staff:")}
    if not ids:
        return {}
    rows = session.execute(select(_USER.c.id, _USER.c.last_name.op("||")(_USER.c.first_name)).where(_USER.c.id.in_(ids)))
    return {f"staff:{staff_id}": name for staff_id, name in rows}


# ── re-certification ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Due:
    """When a grant is to be looked at again, and whether because its giver's own grant has ended."""

    at: dt.datetime
    orphaned: bool


def due(session: Session, grants: Iterable[StaffGrant], *, days: int) -> dict[int, Due]:
    """Grant id → when it is (or was) due: so many days after it was given or last certified, or at once when the grant it was given
    under has ended since, or when it came back from a backup."""
    rows = {grant.id: grant for grant in grants}
    if not rows:
        return {}
    ended: dict[int, Any] = dict(
        session.execute(select(StaffGrant.id, func.ruku_under_ended(StaffGrant.id)).where(StaffGrant.id.in_(rows))).all()  # type: ignore[arg-type]
    )
    found = {}
    for grant in rows.values():
        looked = grant.certified_at or grant.granted_at
        lost = ended.get(grant.id)
        if lost is not None and (grant.certified_at is None or grant.certified_at < lost):
            found[grant.id] = Due(lost, True)
        elif grant.certified_by == StaffGrant.AFTER_RESTORE:
            found[grant.id] = Due(looked, False)
        else:
            found[grant.id] = Due(looked + dt.timedelta(days=days), False)
    return found


def due_now(now: dt.datetime, days: int) -> ColumnElement[bool]:
    """The condition of a grant in force that is due for re-certification."""
    looked = func.coalesce(StaffGrant.certified_at, StaffGrant.granted_at)
    lost = func.ruku_under_ended(StaffGrant.id)
    orphaned = and_(lost.is_not(None), or_(StaffGrant.certified_at.is_(None), StaffGrant.certified_at < lost))
    return and_(StaffGrant.in_force(now), or_(looked <= now - dt.timedelta(days=days), orphaned, StaffGrant.certified_by == StaffGrant.AFTER_RESTORE))


def ending_soon(now: dt.datetime) -> ColumnElement[bool]:
    return and_(StaffGrant.in_force(now), StaffGrant.valid_to <= now + SOON)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Asked:
    """The filters of the list; empty: not asked."""

    role: str = ""
    place: str = ""
    soon: bool = False
    due: bool = False
    words: str = ""
    level: int = 0


def listed(session: Session, asked: Asked, *, days: int, first: int = 0, most: int = 50) -> tuple[list[StaffGrant], int]:
    """Grants in force or to come that reach here, by holder; and how many there are in all."""
    where = criteria(session, asked, days=days)
    rows = session.scalars(
        select(StaffGrant)
        .where(*where)
        .options(joinedload(StaffGrant.department), joinedload(StaffGrant.division))
        .order_by(StaffGrant.staff, StaffGrant.staff_id, StaffGrant.id)
        .limit(most)
        .offset(first)
    ).all()
    total = session.scalar(select(func.count()).select_from(StaffGrant).where(*where)) or 0
    return list(rows), total


def criteria(session: Session, asked: Asked, *, days: int) -> list[Any]:
    """What the list asks of a grant, for its pages and for the numbers that lead to it."""
    now = clock.now(session)
    where: list[Any] = [StaffGrant.not_over(now)]
    if asked.role:
        where.append(StaffGrant.role == asked.role)
    if asked.place:
        where.append(StaffGrant.division_code == asked.place)
    if asked.level:
        where.append(StaffGrant.division_code.in_(select(Division.code).where(Division.level == asked.level)))
    if asked.words:
        where.append(StaffGrant.staff.icontains(asked.words, autoescape=True))
    if asked.soon:
        where.append(ending_soon(now))
    if asked.due:
        where.append(due_now(now, days))
    return where


def places(session: Session) -> list[tuple[str, str, str]]:
    """(code, name, English name) of the divisions that grants here are given for."""
    codes = select(StaffGrant.division_code).where(StaffGrant.not_over(clock.now(session))).distinct()
    rows = session.execute(select(Division.code, Division.name, Division.name_en).where(Division.code.in_(codes)).order_by(Division.code))
    return [(code, name, english) for code, name, english in rows]


@dataclass(frozen=True)
class Count:
    role: str
    level: int
    people: int


def counts(session: Session) -> list[Count]:
    """How many people hold which role at which level, within reach."""
    rows = session.execute(
        select(StaffGrant.role, Division.level, func.count(StaffGrant.staff_id.distinct()))
        .join(Division, Division.code == StaffGrant.division_code)
        .where(StaffGrant.in_force(clock.now(session)))
        .group_by(StaffGrant.role, Division.level)
        .order_by(StaffGrant.role, Division.level)
    )
    return [Count(*row) for row in rows]
