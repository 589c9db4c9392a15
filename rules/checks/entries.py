"""Entries of a group for a branch: some that must be there, all of which must be so, and as many as are counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.ages import month_of
from rules.checks.formulas import Leaf, Var, Want, key_of
from rules.checks.questions import Conflict, Found, Goal, Impossible, World
from rules.checks.settled import Store
from rules.checks.solving import solve
from rules.tree import Aggregate, Compare, Covered, FactRef, Quantified, Scope

MAX_ENTRIES = 60
MAX_MONTHS = 1200

Entries = list[dict[str, Any]]


def fill_group(world: World, store: Store, group: str, leaves: list[Leaf], facts: dict[str, Any],
               settled: Mapping[Var, Any]) -> Entries | Conflict | None:
    """Entries that should do; the engine has the last word. Outer facts they need besides are added to `facts`. A Conflict is a proof
    that there are none."""
    filling = _Filling(world, store, group, leaves, facts, settled)
    return filling.conflict() or filling.entries()


class _Filling:
    def __init__(self, world: World, store: Store, group: str, leaves: list[Leaf], facts: dict[str, Any], settled: Mapping[Var, Any]):
        self.world, self.store, self.group, self.facts, self.settled = world, store, group, facts, settled
        self.all_are: list[tuple[Goal, Leaf]] = []        # what every entry must be
        self.some_is: list[tuple[Goal, Leaf]] = []        # what one entry must be
        self.totals: dict[Any, tuple[Aggregate, list[Leaf]]] = {}
        self.none: Leaf | None = None                     # there may be no entry at all
        self.blank = 0                                    # entries that only have to be there
        self.blank_for: Leaf | None = None
        for leaf in leaves:
            node = leaf.node
            if leaf.truth is None:
                continue
            if isinstance(node, Quantified):
                every = node.kind == "every"
                goal = Goal(node.scope.node, "true" if leaf.truth else "false", node.scope.size)
                (self.all_are if every == leaf.truth else self.some_is).append((goal, leaf))
            elif isinstance(node, Covered):
                if not leaf.truth:
                    self.blank, self.blank_for = max(self.blank, 1), leaf
            elif isinstance(node, Compare) and isinstance(node.left, Aggregate):
                self.totals.setdefault(key_of(node.left, world.params), (node.left, []))[1].append(leaf)
        for key, (left, about) in self.totals.items():
            if left.kind != "count" or key not in store.bounds:
                continue
            numbers = store.domain(key).examples(3)
            if not any(numbers) and not store.domain(key).allows(1):
                if left.where is None:
                    self.none = about[0]
                else:
                    self.all_are.append((_goal(left.where, "false"), about[0]))

    # -- proofs

    def conflict(self) -> Conflict | None:
        """Entries that must be there and cannot: alone, or beside what every entry must be."""
        needed = [*self.some_is]
        for key, (left, about) in self.totals.items():
            if left.where is not None and left.kind in ("count", "years_union", "sum") and key in self.store.bounds and not self.store.domain(key).allows(0):
                needed.append((_goal(left.where, "true"), about[0]))
        for goal, leaf in needed:
            if self.none is not None:
                return Conflict((self.none, leaf))
            goals = [goal, *(one for one, _ in self.all_are)]
            if isinstance(self._asked(goals, {}), Impossible):
                if isinstance(self._asked([goal], {}), Impossible):
                    return Conflict((leaf,))
                for other, why in self.all_are:
                    if isinstance(self._asked([goal, other], {}), Impossible):
                        return Conflict((why, leaf))
                return Conflict((*(why for _, why in self.all_are), leaf))
        if self.blank and self.none is not None and self.blank_for is not None:
            return Conflict((self.none, self.blank_for))
        return None

    def _asked(self, goals: list[Goal], fixed: Mapping[Var, Any]) -> Any:
        self.world.budget.step(2)
        return solve(self.world, goals, group=self.group, fixed=fixed)

    # -- entries

    def entries(self) -> Entries | None:
        """Entries in the order in which they bind: totals of a field, counted ones, single ones, and any for the whole number."""
        found: Entries = []
        for key, (left, _) in self.totals.items():
            if left.kind == "count" or (key not in self.store.bounds and left.kind not in ("min", "max")):
                continue
            value = self._target(key, left)
            if value is None and left.kind not in ("min", "max"):
                continue
            of = left.of if value is not None else None
            if not self._add(found, left.where, of, _as_field(left, value, self.world.day) if of else None):
                return None
        counts = [(key, left) for key, (left, _) in self.totals.items() if left.kind == "count" and key in self.store.bounds]
        if not all(self._counted(found, key, left) for key, left in counts if left.where is not None):
            return None
        for goal, _ in self.some_is:
            if not any(self.world.truth(goal.node, goal.size, self.facts, entry) is (goal.want == "true") for entry in found):
                if not self._add(found, goal, None, None):
                    return None
        if not all(self._counted(found, key, left) for key, left in counts if left.where is None):
            return None
        while len(found) < self.blank:
            if not self._add(found, None, None, None):
                return None
        return found if len(found) <= MAX_ENTRIES else None

    def _counted(self, found: Entries, key: Any, left: Aggregate) -> bool:
        """As many entries as a count allows that is no less than what is there."""
        domain, there = self.store.domain(key), self._count(found, left.where)
        wanted = next((one for one in range(there, MAX_ENTRIES) if domain.allows(one)), None)
        if wanted is None:
            return False
        while self._count(found, left.where) < wanted:
            before = len(found)
            if not self._add(found, left.where, None, None) or len(found) == before or len(found) > MAX_ENTRIES:
                return False
        return True

    def _target(self, key: Any, left: Aggregate) -> Any:
        """The total to reach; None when nothing has to be there for it."""
        if key not in self.store.bounds:
            return None
        examples = self.store.domain(key).examples()
        if left.kind in ("sum", "years_union"):
            return None if 0 in examples else min(examples, key=abs, default=None)
        near = [other for other, (agg, _) in self.totals.items() if agg.kind in ("min", "max") and agg.of == left.of and other in self.store.bounds]
        both = [one for other in near for one in self.store.domain(other).examples() if all(self.store.domain(each).allows(one) for each in near)]
        return next(iter([*both, *examples]), None)

    def _count(self, found: Entries, where: Scope | None) -> int:
        return sum(1 for entry in found if where is None or self.world.truth(where.node, where.size, self.facts, entry) is True)

    def _add(self, found: Entries, what: Scope | Goal | None, of: FactRef | None, value: Any) -> bool:
        """One more entry that is so, if possible one that no other total counts."""
        goals = [] if what is None else [what if isinstance(what, Goal) else _goal(what, "true")]
        goals += [goal for goal, _ in self.all_are]
        apart = [_goal(left.where, "false") for left, _ in self.totals.values() if left.where is not None and all(
            key_of(left.where.node, self.world.params) != key_of(goal.node, self.world.params) for goal in goals)]
        fixed = dict(self.settled)
        if of is not None and not isinstance(value, dict):
            fixed["entry", of.name] = value
        answer = self._asked([*goals, *apart], fixed) if apart else None
        if not isinstance(answer, Found):
            answer = self._asked(goals, fixed) if goals else Found({}, {})
        if not isinstance(answer, Found):
            return False
        if any(name in self.facts and self.facts[name] != given for name, given in answer.facts.items()):
            return False
        self.facts.update(answer.facts)
        entry = dict(answer.entry)
        if of is not None and of.name not in entry:
            entry[of.name] = value if isinstance(value, dict) else _json(value)
        self._complete(entry)
        found.append(entry)
        return True

    def _complete(self, entry: dict[str, Any]) -> None:
        """A value for every field that a total would otherwise miss in this entry."""
        for key, (left, _) in self.totals.items():
            if left.of is None or left.of.name in entry or key not in self.store.bounds:
                continue
            if left.where is not None and self.world.truth(left.where.node, left.where.size, self.facts, entry) is False:
                continue
            value = 0 if left.kind == "sum" else self._target(key, left)
            if value is None and left.kind == "years_union":
                later = _month(month_of(self.world.day) + 1)    # not begun yet: it counts for nothing
                entry[left.of.name] = {"start": later, "end": later}
            elif value is not None:
                field = _as_field(left, value, self.world.day)
                entry[left.of.name] = field if isinstance(field, dict) else _json(field)


def _goal(scope: Scope, want: Want) -> Goal:
    return Goal(scope.node, want, scope.size)


def _as_field(left: Aggregate, value: Any, day: date) -> Any:
    if left.kind != "years_union":
        return value
    months = min(int(value), MAX_MONTHS)
    return {"start": _month(month_of(day) - months + 1), "end": _month(month_of(day))}


def _json(value: Any) -> Any:
    from rules.checks.filling import plain  # cycle: filling asks for entries

    return plain(value, "date" if isinstance(value, date) else "number", date.min)


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
