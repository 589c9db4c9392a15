"""What one branch of the search has settled: which facts are there, what each may still be, which are tied to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.ages import years_before
from rules.checks.domains import Bound, Domain, Kind
from rules.checks.formulas import Fact, Leaf, Var, key_of, variable
from rules.checks.questions import Conflict, World
from rules.checks.relations import AGES, BIRTH, Relation, excluded_pair, from_age
from rules.fact_types import FactType
from rules.tree import Aggregate, Compare, Constant, FactRef, ItemRef, Node, ParamRef, Value, YearsBefore


class Store:
    """What one branch has settled so far."""

    def __init__(self, world: World, group: str | None, fixed: Mapping[Var, Any]):
        self.world, self.group = world, group
        self.there: dict[Var, Fact] = {}
        self.missing: dict[Var, Fact] = {}
        self.leaves: dict[Any, Leaf] = {}
        self.bounds: dict[Any, list[tuple[Bound, Leaf]]] = {}
        self.kinds: dict[Any, Kind] = {}
        self.types: dict[Var, FactType] = {}
        self.relations: list[Relation] = []
        for var, value in fixed.items():
            self.bounds[var] = [(Bound("eq", value), _SETTLED)]

    def copy(self) -> Store:
        self.world.budget.step(len(self.leaves) // 8)
        other = Store.__new__(Store)
        other.world, other.group = self.world, self.group
        other.there, other.missing, other.leaves = dict(self.there), dict(self.missing), dict(self.leaves)
        other.bounds = {key: list(found) for key, found in self.bounds.items()}
        other.kinds, other.types, other.relations = dict(self.kinds), dict(self.types), list(self.relations)
        return other

    def add(self, item: Fact | Leaf) -> Conflict | None:
        """Settle one more thing; the conflict when it cannot be."""
        if isinstance(item, Fact):
            mine, others = (self.there, self.missing) if item.there else (self.missing, self.there)
            if item.var in others:
                return Conflict((others[item.var], item))
            mine.setdefault(item.var, item)
            for ref in _refs(item.node):
                self.types.setdefault(variable(ref), ref.type)
            return None
        known = self.leaves.get(item.key)
        if known is not None:
            return None if known.truth is item.truth else Conflict((known, item))
        self.leaves[item.key] = item
        if item.truth is None or not isinstance(item.node, Compare) or item.node.right is None:
            return None
        return self._compare(item, item.node, item.node.right)

    def _compare(self, leaf: Leaf, node: Compare, right: Value) -> Conflict | None:
        world = self.world
        value = constant(right, world.params)
        if isinstance(node.left, Aggregate):
            subject: Any = key_of(node.left, world.params)
            kind = self._aggregate_kind(node.left)
            if value is not None and node.left.kind == "years_union":
                value = tuple(one * 12 for one in value) if isinstance(value, tuple) else value * 12
        else:
            subject = variable(node.left)
            kind = self.kind(subject, node.left.type)
        if value is None:
            return self._relate(leaf, node, right)
        bound = Bound.of(node.op, value, leaf.truth is True)
        return self.bind(subject, kind, bound, leaf)

    def bind(self, subject: Any, kind: Kind, bound: Bound, leaf: Leaf) -> Conflict | None:
        """One more comparison with a constant."""
        self.kinds[subject] = kind
        mine = self.bounds.setdefault(subject, [])
        mine.append((bound, leaf))
        self.world.budget.step(len(mine) // 4)
        if Domain(kind, [one for one, _ in mine]).is_empty:
            if Domain(kind, [bound]).is_empty:
                return Conflict((leaf,))
            for other, earlier in mine[:-1]:
                if Domain(kind, [other, bound]).is_empty:
                    return Conflict((earlier, leaf)) if earlier is not _SETTLED else Conflict((leaf,))
            return Conflict(tuple(dict.fromkeys(one for _, one in mine if one is not _SETTLED)))
        if subject in AGES:
            return self._excluded(from_age(leaf, subject, bound))
        return None

    def _relate(self, leaf: Leaf, node: Compare, right: Value) -> Conflict | None:
        if isinstance(node.left, Aggregate):
            return None
        left = variable(node.left)
        self.types[left] = node.left.type
        op = node.op if leaf.truth else Bound.of(node.op, None, False).op
        years: Any = 0
        if isinstance(right, YearsBefore):
            years, right = constant(right.years, self.world.params), right.day
            if years is None or years != int(years) or not 0 <= years < 5000:
                return None
        if not isinstance(right, (FactRef, ItemRef)):
            return None                                   # left to the engine: a branch that cannot be filled stays open
        self.types[variable(right)] = right.type
        if op in ("contains", "lacks", "starts_with", "starts_otherwise"):
            return None
        return self._excluded([Relation(left, op, variable(right), int(years), leaf)])

    def _excluded(self, more: list[Relation]) -> Conflict | None:
        self.relations.extend(more)
        self.world.budget.step(len(self.relations) // 4)
        pair = excluded_pair(self.relations) if more else None
        return Conflict(pair) if pair else None

    def kind(self, var: Var, type_: FactType) -> Kind:
        """The values a variable may have at all."""
        world = self.world
        self.types[var] = type_
        if var in AGES:
            return Kind("number", whole=True, least=0, most=150, near=40)
        group = self.group if var[0] == "entry" else ""
        least, most = world.limits.values.get((group or "", var[1]), (None, None)) if var[0] != "item" else (None, None)
        near: Any = world.day if type_.kind == "date" else None
        if var == BIRTH:
            near = date(world.day.year - 40, 1, 1)
        return Kind(type_.kind, tuple(type_.options) if type_.kind in ("choice", "choices") else (), type_.whole, least, most, near)

    def _aggregate_kind(self, left: Aggregate) -> Kind:
        limits = self.world.limits
        least, most = limits.values.get((left.group.name, left.of.name), (None, None)) if left.of else (None, None)
        if left.kind == "count":
            return Kind("number", whole=True, least=0, most=limits.entries.get(left.group.name))
        if left.kind == "years_union":
            return Kind("number", whole=True, least=0)
        if left.of is not None and left.of.type.kind == "date":
            return Kind("date", least=least, most=most, near=self.world.day)
        whole = left.of is not None and left.of.type.whole
        if left.kind == "sum":
            return Kind("number", whole=whole, least=0 if least is not None and least >= 0 else None, most=0 if most is not None and most <= 0 else None)
        return Kind("number", whole=whole, least=least, most=most)

    def domain(self, subject: Any) -> Domain:
        kind = self.kinds.get(subject)
        if kind is None:
            kind = self.kinds[subject] = self.kind(subject, self.types[subject])
        return Domain(kind, [bound for bound, _ in self.bounds.get(subject, ())])


_SETTLED = Leaf(None, True, None)  # type: ignore[arg-type]


def constant(value: Value, params: Mapping[str, Any]) -> Any:
    """The value of a right side that names no fact, None for one that does."""
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, ParamRef):
        return params.get(value.name)
    if isinstance(value, YearsBefore):
        day, years = constant(value.day, params), constant(value.years, params)
        if isinstance(day, date) and years is not None and years == int(years) and -10_000 < years < 10_000:
            return years_before(day, int(years))
    return None


def _refs(node: Node) -> list[FactRef | ItemRef]:
    """The facts a leaf names, with their types."""
    if not isinstance(node, Compare):
        return [getattr(node, slot) for slot in ("group", "by") if hasattr(node, slot)]
    found: list[FactRef | ItemRef] = [node.left if isinstance(node.left, FactRef) else node.left.group]
    at: list[Value | None] = [node.right]
    while at:
        value = at.pop()
        if isinstance(value, (FactRef, ItemRef)):
            found.append(value)
        elif isinstance(value, YearsBefore):
            at += [value.day, value.years]
    return found
