"""Where experts are too few: a specialty in a league with fewer people in office than the setting asks for.

Only whoever sees the whole roster of a department can be told: for anybody else people of other offices would look like people who are not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import clock
from console.dashboards.declaring import ScreenList
from console.departments import queries as departments
from console.departments.models import Division, Specialty
from console.roles import ROLES, Subject
from console.roster.models import RosterEntry, RosterSpecialty
from console.scope import Principal, Staff
from rules.specialties import owner_of


@dataclass(frozen=True)
class Place:
    """One specialty in one league: how many are in office, and how many more it takes."""

    standard: str
    code: str
    name: str
    league: str
    have: int
    missing: int

    @property
    def category(self) -> str:
        """The specialty's class: the standard, and the first letter and two figures, which mean another thing in each."""
        return f"{self.standard}~{self.code[:3]}"


@dataclass(frozen=True)
class Shortages:
    """Every place that is short, the emptiest first, with the names of leagues and classes."""

    places: Sequence[Place]
    leagues: Mapping[str, Division]
    categories: Mapping[str, str]

    def narrowed(self, *, league: str = "", category: str = "") -> list[Place]:
        return [one for one in self.places if league in ("", one.league) and category in ("", one.category)]


def in_office(today: Any) -> dict[str, str]:
    """How the list of specialties in the roster is asked for those in office; `today` is a date."""
    return {"standing": "active", "term_to-from": today.isoformat()}


def whole_departments(actor: Principal) -> set[int | None]:
    """The departments whose whole roster the actor sees; None among them stands for every department."""
    grants = actor.grants if isinstance(actor, Staff) else ()
    return {grant.department_id for grant in grants if grant.is_region_wide and Subject.ROSTER in ROLES[grant.role].reads}


def shortages(session: Session, actor: Principal, *, least: int) -> Shortages:
    """Every specialty that these departments decide, in every league, with fewer than `least` in office."""
    whole, today = whole_departments(actor), clock.today(session)
    leagues = {one.code: one for one in session.scalars(select(Division).where(Division.level == 2).order_by(Division.code))}
    if not whole:
        return Shortages([], leagues, {})
    bundles, _centre, _releases = departments.bundles_in_force(session, today)
    claims = {str(department): bundle.manifest.specialties for department, bundle in bundles.items()}
    handed = {key: str(taker) for key, taker in departments.owners_recorded(session).items()}
    tree = session.execute(select(Specialty.standard, Specialty.code, Specialty.name, Specialty.is_leaf, Specialty.level).where(departments.choosable(today)).order_by(Specialty.standard, Specialty.code)).all()
    owned = {str(department) for department in (bundles if None in whole else whole)}
    counted = _in_office(session, today)
    places = []
    for row in tree:
        if not row.is_leaf or owner_of(claims, row.standard, row.code, handed=handed) not in owned:
            continue
        for league in leagues:
            have = counted.get((row.code, league), 0)
            if have < least:
                places.append(Place(row.standard, row.code, row.name, league, have, least - have))
    named = {f"{row.standard}~{row.code[:3]}": f"{row.code[:3]} {row.name}" for row in tree if row.level == 2}
    return Shortages(sorted(places, key=lambda one: (-one.missing, one.standard, one.code, one.league)), leagues, named)


def _in_office(session: Session, today: Any) -> dict[tuple[str, str], int]:
    """(code, league) → people, as the list of the roster's specialties counts them under `in_office` with a code and a league."""
    league = func.left(RosterEntry.division_code, 4) + "00"
    rows = session.execute(
        select(RosterSpecialty.code, league, func.count())
        .join(RosterEntry, RosterEntry.id == RosterSpecialty.entry_id)
        .where(*ScreenList("roster-specialties").criteria(session, in_office(today)))
        .group_by(RosterSpecialty.code, league)
    )
    return {(code, place): count for code, place, count in rows}
