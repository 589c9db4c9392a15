"""Why somebody sees a row, or does not: what each of their grants says about it. Pure: no database, no page.

The answers follow `scope`: a row is seen through a grant that is in force, whose role reads the row's class, and that covers the
office where the row lies; an act needs the same of one grant whose role has the act. A property test holds them to what the
wall really returns.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from console.roles import ROLES, Act, Role, RoleDefinition, Subject


def prefix(division_code: str) -> str:
    """What the codes of this division and everything below it begin with."""
    return re.sub(r"(00)+$", "", division_code)


class Answer(IntEnum):
    """What one grant says about one row; the higher, the nearer it comes to giving sight of it."""

    NO_SUCH_ROLE = 0
    ENDED = 1  # withdrawn
    OVER = 2  # its last day is past
    NOT_YET = 3
    OTHER_CLASS = 4  # the role does not read rows of this class
    OTHER_DEPARTMENT = 5
    OTHER_DIVISION = 6
    GIVES = 7


@dataclass(frozen=True)
class Held:
    """One grant of a person, also one that is over or yet to come."""

    id: int
    role: str
    department_id: int | None
    division_code: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None = None
    ended_at: dt.datetime | None = None

    @property
    def definition(self) -> RoleDefinition | None:
        return ROLES[Role(self.role)] if self.role in set(Role) else None

    def in_time(self, now: dt.datetime) -> Answer:
        """GIVES when the grant is in force at this instant, else why it is not."""
        if self.ended_at is not None and self.ended_at <= now:
            return Answer.ENDED
        if self.valid_to is not None and self.valid_to <= now:
            return Answer.OVER
        return Answer.NOT_YET if self.valid_from > now else Answer.GIVES

    def covers(self, department_id: int, division_code: str) -> Answer:
        """GIVES when an office of this department in this division is covered, else which of the two it is not."""
        if self.department_id not in (None, department_id):
            return Answer.OTHER_DEPARTMENT
        return Answer.GIVES if division_code.startswith(prefix(self.division_code)) else Answer.OTHER_DIVISION


@dataclass(frozen=True)
class Place:
    """An office where a row lies, and the class it is read as there; `shared` with the whole `department`, or with everybody (`platform`) who reads
    the class anywhere."""

    subject: Subject
    department_id: int
    division_code: str
    shared: str = ""


@dataclass(frozen=True)
class Whereabouts:
    """All the ways to a row: `open` to every officer, a staff member's `own`, or through one of the `places`.

    `home` is the office the row itself carries: acts are asked of that one.
    """

    places: tuple[Place, ...] = ()
    home: Place | None = None
    own: int | None = None
    open: bool = False


def answer(held: Held, places: Iterable[Place], now: dt.datetime) -> Answer:
    """What this grant says about a row with these places."""
    if held.definition is None:
        return Answer.NO_SUCH_ROLE
    time = held.in_time(now)
    if time != Answer.GIVES:
        return time
    return max((_at(held, held.definition, place) for place in places), default=Answer.OTHER_CLASS)


def _at(held: Held, definition: RoleDefinition, place: Place) -> Answer:
    if place.subject not in definition.reads:
        return Answer.OTHER_CLASS
    if place.shared == "platform":
        return Answer.GIVES
    if place.shared == "department":
        return Answer.GIVES if held.department_id in (None, place.department_id) else Answer.OTHER_DEPARTMENT
    return held.covers(place.department_id, place.division_code)


def sees(staff_id: int, grants: Sequence[Held], row: Whereabouts, now: dt.datetime) -> bool:
    """Whether this person is shown this row: what the wall answers."""
    return row.open or row.own == staff_id or any(answer(held, row.places, now) == Answer.GIVES for held in grants)


def allows(grants: Sequence[Held], act: Act, home: Place | None, now: dt.datetime) -> Held | None:
    """The grant under which this person may do this act to a row of this office; None: there is none. What `scope.may()` answers."""
    for held in grants:
        definition = held.definition
        if definition is None or act not in definition.acts or held.in_time(now) != Answer.GIVES:
            continue
        if home is None or held.covers(home.department_id, home.division_code) == Answer.GIVES:
            return held
    return None
