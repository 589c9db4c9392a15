"""What to ask for: the facts that are missing, and the fewest of them that could settle an unknown.

*Missing* is every fact whose absence left a node unknown. *Settling* is the smallest set of missing facts with which the node could come
out as met (or, where nothing could make it met, as not met): of `all` every unknown branch, of `any` the cheapest one, of an aggregate the fewest entries that can carry it over
its bound. The same facts in two branches count once. Supplying the set can make the node met; no proper subset can. It is
reckoned branch by branch, without asking whether two comparisons of one fact contradict each other, and within a bounded amount of
work, beyond which everything that is missing below the node stands for the set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from typing import Any

from rules.ages import span
from rules.evaluation import Seen, Truth, agrees, read_fact, total
from rules.tree import (
    Aggregate,
    Compare,
    Covered,
    FactRef,
    ItemRef,
    Logical,
    Node,
    ParamRef,
    Quantified,
    Value,
    YearsBefore,
)
from rules.wording import missing_facts

Ways = list[frozenset[str]]
KEPT = 24                                                 # ways remembered per node
MAX_TRIALS = 1000                                         # resolutions of entries tried per criterion
_NOW: Ways = [frozenset()]
_OTHER = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "on_or_before": "after", "after": "on_or_before",
          "in": "not_in", "not_in": "in"}


def settled_by(node: Node, trace: list[Any], *, facts: Mapping[str, Any], params: Mapping[str, Any], on: date) -> tuple[str, ...]:
    """The fewest missing facts that could make an unknown node met (not met, where nothing could), as paths in the order of the rule.

    Empty when the node is known, or when no fact can settle it (a parameter without a value).
    """
    if truth_of(node, trace) is not None:
        return ()
    asking = _Asking(facts, params, on)
    ways = asking.ways(node, trace, True, "") or asking.ways(node, trace, False, "")
    order = {path: at for at, path in enumerate(missing_facts(node, trace))}
    return tuple(sorted(_fewest_first(ways)[0], key=lambda path: (order.get(path, len(order)), path))) if ways else ()


def truth_of(node: Node, trace: list[Any]) -> Truth:
    """The truth a run left in the trace for this node."""
    left = trace[node.index]
    truth: Truth = left if isinstance(node, Logical) else left[0]
    return truth


@dataclass(slots=True)
class _Asking:
    facts: Mapping[str, Any]
    params: Mapping[str, Any]
    on: date
    trials: int = MAX_TRIALS

    def ways(self, node: Node, trace: list[Any], want: bool, prefix: str, item: str = "") -> Ways:
        """The sets of facts that could make the node `want`; none when it is the opposite already."""
        truth = truth_of(node, trace)
        if truth is not None:
            return _NOW if truth is want else []
        if isinstance(node, Logical):
            wanted = want if node.op in ("all", "any") else not want
            return _joined((node.op in ("all", "not")) is wanted, [self.ways(below, trace, wanted, prefix, item) for below in node.nodes])
        _, seen, against, inner, *rest = trace[node.index]
        if isinstance(node, Quantified):
            if seen is None:
                return [frozenset((node.group.name,))]
            return _joined((node.kind == "every") is want, [self.ways(node.scope.node, one, want, f"{node.group.name}.{at}.") for at, one in enumerate(inner)])
        if isinstance(node, Covered):
            if seen is None:
                unread = node.group if read_fact("group", self.facts.get(node.group.name)) is None else node.by
                return [frozenset((unread.name,))]
            return _joined(want, [_joined(not want, [
                self.ways(node.scope.node, one, want, f"{node.by.name}.{at}.", f"{node.group.name}.{number}.") for at, one in enumerate(row)])
                for number, row in enumerate(inner)])
        if isinstance(node.left, Aggregate):
            return self._aggregate(node, node.left, seen, against, inner, rest[0], want)
        names = set() if seen is not None else {_path(node.left, prefix)}
        if against is None and node.right is not None:
            lacking = self._lacking(node.right, prefix, item)
            if not lacking and seen is not None:
                return []                                 # a parameter without a value, or a day before all days
            names |= lacking
            if _without_value(node.right, self.params):
                return []
        return [frozenset(names)]

    def _lacking(self, value: Value, prefix: str, item: str) -> set[str]:
        """The missing facts that a value which could not be had is made of."""
        if isinstance(value, FactRef):
            there = not value.inner and read_fact(value.type.kind, self.facts.get(value.name)) is not None
            return set() if there else {_path(value, prefix)}
        if isinstance(value, ItemRef):
            return {f"{item}{value.name}"}
        if isinstance(value, YearsBefore):
            return self._lacking(value.day, prefix, item) | self._lacking(value.years, prefix, item)
        return set()

    # -- aggregates

    def _aggregate(self, node: Compare, left: Aggregate, seen: Seen | None, against: Any, inner: Any, gaps: list[int], want: bool) -> Ways:
        group = left.group.name
        names = self._lacking(node.right, "", "") if against is None and node.right is not None else set()
        if node.right is None or _without_value(node.right, self.params) or (against is None and not names):
            return []
        if inner is None:
            return [frozenset({group, *names})]
        entries = self._entries(left, inner, set(gaps))
        open_entries = [entry for entry in entries if entry.open]
        if seen is None and not open_entries:
            return [frozenset({group, *names})]           # the least or greatest of nothing
        everything = _joined(True, [entry.settled() for entry in open_entries])
        if against is None:
            return _joined(True, [[frozenset(names)], _NOW if seen is not None and (seen.low is not None or seen.high is not None) else everything])
        op = node.op if want else _OTHER[node.op]
        found = self._fewest(left, entries, open_entries, against, op, node.many)
        return found if found or self.trials > 0 else everything

    def _entries(self, left: Aggregate, inner: list[Any], gaps: set[int]) -> list[_Entry]:
        """How each entry stands: whether it counts, with which value, and what could change that."""
        read = read_fact("group", self.facts.get(left.group.name)) or []
        entries = []
        for at, (entry, trace) in enumerate(zip(read, inner, strict=True)):
            prefix = f"{left.group.name}.{at}."
            truth: Truth = truth_of(left.where.node, trace) if left.where is not None else True
            value: Any = 1
            name: str | None = None
            if left.of is not None:
                value = read_fact(left.of.type.kind, entry.get(left.of.name))
                value = span(value, self.on) if left.kind == "years_union" else value
                name = f"{prefix}{left.of.name}" if value is None else None
            unknown = left.where is not None and truth is None
            entries.append(_Entry(truth, value, name, self.ways(left.where.node, trace, True, prefix) if unknown and left.where else _NOW,
                                  self.ways(left.where.node, trace, False, prefix) if unknown and left.where else []))
        return entries

    def _fewest(self, left: Aggregate, entries: list[_Entry], open_entries: list[_Entry], against: Any, op: str, many: bool) -> Ways:
        """Try ever more of the open entries, each resolved in every way that matters, until the comparison holds for certain."""
        settled = [entry.value for entry in entries if not entry.open and entry.truth]
        free = _free_values(left, settled, against, self.on)
        found: Ways = []
        for size in range(len(open_entries) + 1):
            if found and size > min(map(len, found)):
                break
            for chosen in combinations(range(len(open_entries)), size):
                rest = [entry for at, entry in enumerate(open_entries) if at not in chosen]
                maybe = [entry.value for entry in rest if entry.value is not None and entry.truth is None]
                for taken in product(*(tuple(open_entries[at].resolutions(free)) for at in chosen)):
                    self.trials -= 1
                    if self.trials < 0:
                        return _fewest_first(found)
                    sure = [*settled, *(value for value, _ in taken if value is not None)]
                    if agrees(total(left.kind, sure, maybe, sum(entry.value is None for entry in rest)), against, op, many=many, kind=left.kind):
                        found += _joined(True, [ways for _, ways in taken])
        return _fewest_first(found)


@dataclass(frozen=True, slots=True)
class _Entry:
    truth: Truth
    value: Any
    unread: str | None                                    # the path of the value, when it is missing
    to_count: Ways
    to_drop: Ways

    @property
    def open(self) -> bool:
        return self.truth is None or (self.truth is True and self.unread is not None)

    def resolutions(self, free: list[Any]) -> Iterator[tuple[Any, Ways]]:
        """What it may turn out to be: a value, or None for an entry that does not count; with the facts that takes."""
        if self.truth is None:
            yield None, self.to_drop
        if self.unread is None:
            yield self.value, self.to_count
        else:
            ways = _joined(True, [self.to_count, [frozenset((self.unread,))]])
            yield from ((value, ways) for value in free)

    def settled(self) -> Ways:
        return _joined(True, [self.to_count, [frozenset((self.unread,))] if self.unread else _NOW])


def _free_values(left: Aggregate, settled: list[Any], against: Any, on: date) -> list[Any]:
    """Values of a missing field that can matter: nothing, very much, and exactly what is still needed."""
    bounds = list(against) if isinstance(against, tuple) else [against]
    if left.kind == "years_union":
        whole = on.year * 12 + on.month - 1
        wanted = [int(bound * 12) for bound in bounds if bound * 12 == int(bound * 12) and 0 < bound * 12 <= whole]
        taken = int(total("years_union", settled, [], 0).low) if settled else 0  # type: ignore[union-attr]
        return [(12, 11), (12, whole), *((12, 11 + months) for one in wanted for months in (one, one - taken) if months > 0)]
    if left.of is not None and left.of.type.kind == "date":
        return [*bounds, date.min, date.max]
    sums = sum(settled) if left.kind == "sum" else 0
    return [*(bound - sums for bound in bounds), -10**20, 10**20]


def _path(ref: Any, prefix: str) -> str:
    return f"{prefix}{ref.name}" if ref.inner else str(ref.name)


def _without_value(value: Value, params: Mapping[str, Any]) -> bool:
    if isinstance(value, ParamRef):
        return params.get(value.name) is None
    return isinstance(value, YearsBefore) and (_without_value(value.day, params) or _without_value(value.years, params))


def _joined(together: bool, families: list[Ways]) -> Ways:
    """Ways to have every one of these (`together`) or any one of them; the fewest facts first."""
    if not together:
        return _fewest_first([way for family in families for way in family])
    joined: Ways = _NOW
    for family in families:
        joined = _fewest_first([one | other for one in joined for other in family])
        if not joined:
            return []
    return joined


def _fewest_first(ways: Ways) -> Ways:
    return sorted(dict.fromkeys(ways), key=len)[:KEPT]
