"""What a room declares to put numbers on the dashboard: a list, and what is asked of it.

A number is never counted by criteria of its own. It names a list and the parameters of that list's address; the list says what those ask of a row,
for its pages and for the number alike. So a number and the rows behind its link cannot be two things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import url_for
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from console.crud import filters, known
from console.crud.paging import COUNT_LIMIT
from console.crud.views import view_name

Args = Mapping[str, str]


class Listed(Protocol):
    """A list that numbers lead to. `permission` opens it; nobody is shown a number whose rows they could not open."""

    @property
    def permission(self) -> tuple[str, str]: ...

    @property
    def model(self) -> type[Any]: ...

    @property
    def most(self) -> int:
        """Up to how many a number of this list is counted, as far as the list itself would count or show."""
        ...

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        """What the list asks of a row under these parameters."""
        ...

    def address(self, args: Args) -> str: ...


@dataclass(frozen=True)
class ScreenList:
    """The list of a declared screen, under its chips."""

    name: str
    most: int = COUNT_LIMIT

    @property
    def permission(self) -> tuple[str, str]:
        return ("can_list", self.name)

    @property
    def model(self) -> type[Any]:
        return known.views()[self.name].screen.model  # type: ignore[no-any-return]

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        screen = known.views()[self.name].screen
        if lost := filters.lost(screen, args):
            raise ValueError(f"the list {self.name!r} does not read {', '.join(lost)}: its number would be of other rows")
        return filters.criteria(screen, args)

    def address(self, args: Args) -> str:
        given: dict[str, Any] = dict(args)
        return url_for(f"{view_name(self.name)}.list", **given)


@dataclass(frozen=True)
class Figure:
    """One number. `kind`: `late` and `soon` are set off where there is any; empty is plain."""

    title: str
    args: Args
    kind: str = ""


@dataclass(frozen=True)
class Split:
    """The rows of a list told apart: by what is in one column of it (bars), or by two (a bar in parts).

    `by` are expressions of the list's model, `asked` gives what an address says of one group beside `args`: with a part, that part of the group; with
    None, the whole group. `said` and `parts` are the words and the order; what `parts` does not name is in the whole and in no part.
    `every` are groups that are drawn also when there is nothing in them. `good` is the part whose share is told, under the heading `rate`. `label` is an aggregate that says a
    group's name where only its rows know it. `joined` is what `by` stands on beside the model; rows are counted once in each group.
    """

    args: Args
    by: Sequence[Any]
    asked: Callable[[str, str | None], Args]
    said: Callable[[Session, Sequence[str]], Mapping[str, str]]
    head: str
    every: Sequence[str] = ()
    order: Sequence[str] | None = None  # None: the largest first
    parts: Mapping[str, str] = field(default_factory=dict)
    good: str = ""
    rate: str = ""
    quiet: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    label: Any = None
    joined: Sequence[tuple[Any, Any]] = ()
    most: int = 12


@dataclass(frozen=True)
class Counted:
    """A number whose list is no table: the room counts the very rows its page shows, and says where that is."""

    title: str
    count: int
    address: str
    kind: str = ""


@dataclass(frozen=True)
class Board:
    """One card: a list, its numbers, and what to say and do when there is nothing."""

    name: str
    title: str
    source: Listed
    figures: Sequence[Figure] = ()
    split: Split | None = None
    counted: Sequence[Counted] = ()
    groups: Sequence[Counted] = ()
    head: str = ""
    most: int = 12
    note: str = ""
    empty: str = ""
    lead: tuple[str, str] | None = None  # (words, address) of what to do then
    place: int = 0  # cards of the house itself, with a higher one, come after those of daily work
