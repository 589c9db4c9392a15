"""Which cells are asked: all of them, or every role × level once and the remaining axes pairwise."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.matrix.places import OFFICERS, RELATIONS, SIDES, Officer, Place
from tests.matrix.table import Entry, Table

SEED = int(os.environ.get("MATRIX_SEED", "20261"))


@dataclass(frozen=True)
class Cell:
    """An officer and, where the route is about rows, how a row lies to the officer's grant."""

    officer: Officer
    relation: str = ""
    side: str = ""

    @property
    def place(self) -> Place:
        if not self.relation:  # the route is about no row, or about one that everybody may name
            return Place(SIDES[self.officer.home]["own"], self.officer.division)
        return Place(SIDES[self.officer.home][self.side], RELATIONS[self.officer.level][self.relation])

    @property
    def axes(self) -> tuple[tuple[str, str], ...]:
        officer = self.officer
        named = (("role", officer.role), ("level", officer.level), ("home", officer.home), ("relation", self.relation), ("side", self.side))
        return tuple(axis for axis in named if axis[1])

    def __str__(self) -> str:
        return f"{self.officer}, row of {self.side} department in the {self.relation} division" if self.relation else str(self.officer)


def every(entry: Entry, table: Table) -> Iterator[Cell]:
    """The full form."""
    at = table.classes[entry.row].at if entry.row else ""
    for officer in OFFICERS:
        if not at or (at == "everywhere" and not entry.needs):
            yield Cell(officer)
            continue
        for side in SIDES[officer.home]:
            for relation in RELATIONS[officer.level] if at in ("office", "reach") else ("own",):
                yield Cell(officer, relation, side)


def pairwise(entry: Entry, table: Table, dice: random.Random) -> list[Cell]:
    """Every role × level once; for roles that hold the page, further cells until every pair of two axes has occurred. The
    expected outcome counts as an axis, so that each of those roles and each level is let in and kept out at least once."""
    holders = entry.who if isinstance(entry.who, frozenset) else frozenset()
    cells = list(every(entry, table))
    dice.shuffle(cells)
    pairs = {cell: _pairs(cell, table.expected(entry, cell.officer, cell.place)) for cell in cells}
    held = [cell for cell in cells if cell.officer.role in holders]
    missing: set[Pair] = set().union(*(pairs[cell] for cell in held))
    chosen: list[Cell] = []
    for _name, group in itertools.groupby(sorted(cells, key=_role_and_level), key=_role_and_level):
        chosen.append(max(group, key=lambda cell: len(missing & pairs[cell])))
        if chosen[-1].officer.role in holders:
            missing -= pairs[chosen[-1]]
    while missing:
        chosen.append(max(held, key=lambda cell: len(missing & pairs[cell])))
        missing -= pairs[chosen[-1]]
    return chosen


Pair = tuple[tuple[str, str], ...]


def _role_and_level(cell: Cell) -> tuple[str, str]:
    return cell.officer.role, cell.officer.level


def _pairs(cell: Cell, outcome: str) -> set[Pair]:
    return set(itertools.combinations((*cell.axes, ("outcome", outcome)), 2))


def once_for_every_role_and_level(dice: random.Random) -> list[Officer]:
    """One officer for each, their grant's department by chance."""
    officers = list(OFFICERS)
    dice.shuffle(officers)
    return list({(officer.role, officer.level): officer for officer in officers}.values())
