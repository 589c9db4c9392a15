"""Giving a branch values: facts that fit together, entries of groups, and then the engine's own word on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from rules.ages import month_of
from rules.checks.entries import fill_group
from rules.checks.formulas import Leaf, Var
from rules.checks.questions import Conflict, Found, Goal, World, fits
from rules.checks.relations import AGES, BIRTH, Relation
from rules.checks.settled import Store
from rules.tree import Compare, Covered, Quantified

MAX_FILLS = 200
MAX_FACTS = 200


def fill(world: World, store: Store, goals: Sequence[Goal], group: str | None) -> Found | Conflict | None:
    """Facts for the branch; a Conflict when it is proved to have none; None when none were found."""
    too_young = _ages(store)
    if too_young is not None:
        return too_young
    groups = _groups(store)
    relations = [one for one in store.relations if not one.derived] + _standing(store)
    wanted = list(dict.fromkeys([*(var for var in store.there if var not in groups), *(var for relation in relations for var in relation.needs)]))
    for var in wanted:
        store.types.setdefault(var, _STANDING_TYPES.get(var, store.types.get(var)))  # type: ignore[arg-type]
    if len(wanted) > MAX_FACTS:
        return None
    for count, values in enumerate(_assignments(world, store, wanted, relations)):
        if count >= MAX_FILLS:
            return None
        facts = {name: plain(value, store.types[where, name].kind, world.day) for (where, name), value in values.items() if where == "fact"}
        entry = {name: plain(value, store.types[where, name].kind, world.day) for (where, name), value in values.items() if where == "entry"}
        settled = {var: value for var, value in values.items() if var[0] == "fact"}
        whole = True
        for var, leaves in groups.items():
            if var in store.missing:
                continue
            entries = fill_group(world, store, var[1], leaves, facts, settled)
            if isinstance(entries, Conflict):
                return entries
            if entries is None:
                whole = False
                break
            facts[var[1]] = entries
        if whole and fits(world, goals, facts, entry):
            return Found(facts, entry)
        if groups and count >= 3:                         # other values of plain facts seldom help entries
            return None
    return None


def _groups(store: Store) -> dict[Var, list[Leaf]]:
    """The groups this branch is about, with the leaves about each."""
    groups: dict[Var, list[Leaf]] = {}
    for var in (*store.there, *store.missing):
        if var[0] == "fact" and var in store.types and store.types[var].kind == "group":
            groups.setdefault(var, [])
    for leaf in store.leaves.values():
        node = leaf.node
        if isinstance(node, (Quantified, Covered)):
            groups.setdefault(("fact", node.group.name), []).append(leaf)
            if isinstance(node, Covered):
                store.types.setdefault(("fact", node.by.name), node.by.type)
                groups.setdefault(("fact", node.by.name), [])
        elif isinstance(node, Compare) and not hasattr(node.left, "inner"):
            groups.setdefault(("fact", node.left.group.name), []).append(leaf)  # type: ignore[union-attr]
    return groups


def _ages(store: Store) -> Conflict | None:
    """Nobody is older on the day of application than on the day of decision."""
    bounds = {var: store.bounds.get(var, ()) for var in AGES}
    for low, one in bounds["fact", "age_applied"]:
        for high, other in bounds["fact", "age"]:
            if low.op in ("ge", "gt", "eq") and high.op in ("le", "lt", "eq"):
                least = low.value + (1 if low.op == "gt" else 0)
                most = high.value - (1 if high.op == "lt" else 0)
                if least > most:
                    return Conflict((one, other))
    return None


def _standing(store: Store) -> list[Relation]:
    """What always holds between derived facts that this branch speaks of."""
    there = set(store.there) | {var for relation in store.relations if not relation.derived for var in relation.needs}
    standing = [Relation(var, "age", BIRTH, third=day) for var, day in AGES.items() if var in there and (BIRTH in there or day in there)]
    if ("fact", "applied_on") in there and ("fact", "decided_on") in there:
        standing.append(Relation(("fact", "applied_on"), "le", ("fact", "decided_on")))
    return standing


def _assignments(world: World, store: Store, wanted: list[Var], relations: list[Relation]) -> Iterator[dict[Var, Any]]:
    """Values for all that is wanted, under every relation; the likeliest first."""
    tied = {var for relation in relations for var in relation.needs}
    order = [var for var in wanted if var in tied] + [var for var in wanted if var not in tied]
    values: dict[Var, Any] = {}

    def assign(at: int) -> Iterator[dict[Var, Any]]:
        if at == len(order):
            yield dict(values)
            return
        var = order[at]
        domain = store.domain(var)
        if var not in tied:
            examples = domain.examples(1)
        else:
            near = [one for relation in relations if var in relation.needs for one in relation.suggestions(var, values)]
            examples = [one for one in dict.fromkeys([*domain.examples(4), *near, *domain.examples()]) if domain.allows(one)]
        for value in examples:
            world.budget.step()
            values[var] = value
            if all(relation.holds(values) for relation in relations if var in relation.needs and all(one in values for one in relation.needs)):
                yield from assign(at + 1)
            values.pop(var, None)

    yield from assign(0)


def plain(value: Any, kind: str, day: date) -> Any:
    """A value as the JSON of a fact of that kind."""
    if kind == "period":
        return value if isinstance(value, dict) else {"start": month(month_of(day) - 11), "end": month(month_of(day))}
    if kind == "files":
        return [{"hash": "0" * 64, "name": "证明.pdf", "size": 1, "type": "application/pdf"}]
    if kind == "specialty":
        return {"standard": "316-2018", "code": value}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else f"{value.normalize():f}"[:40]
    return value


def month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _derived_types() -> Mapping[Var, Any]:
    from rules.facts import DERIVED  # slow: facts bring the number formats of identity cards with them

    return {("fact", name): kind for name, kind in DERIVED.items()}


_STANDING_TYPES = _derived_types()
