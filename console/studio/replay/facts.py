"""Which facts criteria look at, and which of them the form of an older release never asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.criteria import Criteria
from rules.fact_types import FactType
from rules.tree import Aggregate, Compare, Covered, FactRef, ItemRef, Logical, Node, Quantified, Value, YearsBefore

_TEXTS = {"text", "choice", "specialty"}
Seen = tuple[str, str]  # a path such as `work_periods.months`, and the kind it is read as


def used(criteria: Criteria) -> dict[str, frozenset[Seen]]:
    """Criterion → the facts and fields of entries it looks at."""
    return {one.id: frozenset(_of_node(one.node, "", "")) for one in criteria.criteria}


def never_asked(paths: frozenset[Seen], schema: Mapping[str, FactType]) -> frozenset[str]:
    """The paths that a release with these facts could not fill: unknown to it, or something else under that name."""
    return frozenset(path for path, kind in paths if not _has(schema, path, kind))


def _has(schema: Mapping[str, FactType], path: str, kind: str) -> bool:
    name, _, inner = path.partition(".")
    found = schema.get(name)
    if found is not None and inner:
        found = found.entry.get(inner)
    return found is not None and (found.kind == kind or {found.kind, kind} <= _TEXTS)


def _of_node(node: Node, entry: str, item: str) -> Iterator[Seen]:
    if isinstance(node, Logical):
        for below in node.nodes:
            yield from _of_node(below, entry, item)
    elif isinstance(node, Quantified):
        yield node.group.name, "group"
        yield from _of_node(node.scope.node, node.group.name, "")
    elif isinstance(node, Covered):
        yield node.group.name, "group"
        yield node.by.name, "group"
        yield from _of_node(node.scope.node, node.by.name, node.group.name)
    elif isinstance(node, Compare):
        yield from _of_left(node.left, entry)
        if node.right is not None:
            yield from _of_value(node.right, entry, item)


def _of_left(left: FactRef | Aggregate, entry: str) -> Iterator[Seen]:
    if isinstance(left, FactRef):
        yield _path(left, entry)
        return
    group = left.group.name
    yield group, "group"
    if left.of is not None:
        yield _path(left.of, group)
    if left.where is not None:
        yield from _of_node(left.where.node, group, "")


def _of_value(value: Value, entry: str, item: str) -> Iterator[Seen]:
    if isinstance(value, FactRef):
        yield _path(value, entry)
    elif isinstance(value, ItemRef):
        yield f"{item}.{value.name}", value.type.kind
    elif isinstance(value, YearsBefore):
        yield from _of_value(value.day, entry, item)
        yield from _of_value(value.years, entry, item)


def _path(fact: FactRef, entry: str) -> Seen:
    return (f"{entry}.{fact.name}" if fact.inner else fact.name), fact.type.kind
