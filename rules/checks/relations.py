"""Facts compared with facts: pairs that exclude each other whatever the values, and values that fit together.

Dates are compared with a date some years before another: for one pair of facts the days `n` years before are an axis on which
larger n lie earlier, so that "after the day 70 years before" and "not after the day 65 years before" can be weighed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rules.ages import age_on, anniversary, years_before
from rules.checks.domains import Bound
from rules.checks.formulas import Leaf, Var
from rules.evaluation import comparison

_TURNED = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "on_or_before": "ge", "after": "lt"}
_SIGNS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "on_or_before": "<=", "after": ">"}
AGES = {("fact", "age"): ("fact", "decided_on"), ("fact", "age_applied"): ("fact", "applied_on")}
BIRTH: Var = ("fact", "birth_date")


@dataclass(frozen=True, slots=True)
class Relation:
    """left OP right, right taken `years` earlier; with op `age`: left is the age of somebody born on `right` on the day `third`.

    `leaf` is the comparison it comes from, None for what always holds. `derived` ones only serve to find contradictions.
    """

    left: Var
    op: str
    right: Var
    years: int = 0
    leaf: Leaf | None = None
    derived: bool = False
    third: Var | None = None

    @property
    def needs(self) -> tuple[Var, ...]:
        return (self.left, self.right) if self.third is None else (self.left, self.right, self.third)

    def holds(self, values: dict[Var, Any]) -> bool:
        left, right = values[self.left], values[self.right]
        if self.third is not None:
            return left == age_on(right, values[self.third])
        if self.years:
            right = years_before(right, self.years)
            if right is None:
                return False
        if self.op in ("in", "not_in"):
            return (left in right) == (self.op == "in")
        return comparison(self.op)(left, right)

    def suggestions(self, var: Var, values: dict[Var, Any]) -> Iterator[Any]:
        """Values of `var` near the edge of the relation, the others being set."""
        others = [values[one] for one in self.needs if one != var and one in values]
        if len(others) + 1 != len(self.needs):
            return
        if self.third is not None:
            yield from self._by_age(var, values)
            return
        edge: Any = others[0]
        if isinstance(edge, date):
            moved = edge if not self.years else years_before(edge, self.years) if var == self.left else anniversary(edge, self.years)
            if moved is not None:
                yield from (moved, *_beside(moved))
        elif isinstance(edge, bool):
            yield from (edge, not edge)
        elif isinstance(edge, str):
            yield from ((edge, f"{edge}0") if self.op in ("eq", "ne") else ((edge,),))
        elif isinstance(edge, tuple):
            yield from (*edge, "0")
        else:
            yield from (edge, edge + 1, edge - 1)

    def _by_age(self, var: Var, values: dict[Var, Any]) -> Iterator[Any]:
        if var == self.left:
            age = age_on(values[self.right], values[self.third])  # type: ignore[index]
            yield from () if age is None else (age,)
        elif var == self.right:
            day = years_before(values[self.third], int(values[self.left]))  # type: ignore[index]
            yield from () if day is None else (day, *_beside(day))
        else:
            birthday = anniversary(values[self.right], int(values[self.left]))
            yield from () if birthday is None else (birthday, *_beside(birthday))


def _beside(day: date) -> Iterator[date]:
    if day < date.max:
        yield day + timedelta(days=1)
    if day > date.min:
        yield day - timedelta(days=1)


def excluded_pair(relations: list[Relation]) -> tuple[Leaf, Leaf] | None:
    """Two of these relations that no values meet together; each must be one of the same two facts."""
    axis: dict[tuple[Var, Var], list[tuple[str, int, Leaf]]] = {}
    for relation in relations:
        if relation.op not in _SIGNS or relation.leaf is None or relation.third is not None:
            continue
        pair, op = (relation.left, relation.right), relation.op
        if not relation.years and (relation.right, relation.left) in axis:
            pair, op = (relation.right, relation.left), _TURNED[op]
        if not relation.years and relation.left == relation.right:
            continue
        axis.setdefault(pair, []).append((_SIGNS[op], relation.years, relation.leaf))
    for found in axis.values():
        for at, (sign, years, leaf) in enumerate(found):
            for other_sign, other_years, other in found[:at]:
                if _exclude(sign, years, other_sign, other_years):
                    return other, leaf
    return None


def _exclude(sign: str, years: int, other_sign: str, other_years: int) -> bool:
    """`x sign (day - years)` against `x other_sign (day - other_years)`: more years lie earlier."""
    if years == other_years:
        return not _signs(sign) & _signs(other_sign)
    if years > other_years:                               # let the first be the later threshold
        sign, other_sign = other_sign, sign
    return not _below(other_sign, sign)


def _below(early: str, late: str) -> bool:
    """Whether some x meets both `x early e` and `x late l` for e < l."""
    places = {"below e": ("<", "<"), "e": ("=", "<"), "between": (">", "<"), "l": (">", "="), "above l": (">", ">")}
    return any(first in _signs(early) and second in _signs(late) for first, second in places.values())


def _signs(sign: str) -> set[str]:
    return {"=": {"="}, "<>": {"<", ">"}, "<": {"<"}, "<=": {"<", "="}, ">": {">"}, ">=": {">", "="}}[sign]


def from_age(leaf: Leaf, var: Var, bound: Bound) -> list[Relation]:
    """What a bound on an age says about birth date and day: aged n or more is born on or before the day n years earlier."""
    day = AGES[var]
    value = bound.value
    if bound.op not in ("eq", "lt", "le", "gt", "ge") or value != int(value):
        return []
    years = int(value)
    if not 0 <= years < 1000:
        return []

    def at_least(n: int) -> Relation:
        return Relation(BIRTH, "on_or_before", day, n, leaf, derived=True)

    def below(n: int) -> Relation:
        return Relation(BIRTH, "after", day, n, leaf, derived=True)

    return {"ge": [at_least(years)], "gt": [at_least(years + 1)], "lt": [below(years)], "le": [below(years + 1)], "eq": [at_least(years), below(years + 1)]}[bound.op]
