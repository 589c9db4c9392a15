"""A rule as a formula over its leaves: when exactly is it true, false, not true, not false?

In three-valued logic a rule is true exactly when certain leaves are true and certain others false, and "not true" exactly when
leaves are false or a fact they need is missing. So every question about a rule becomes and/or over literals, without loss.
`rules.checks.solving` looks for facts that make such a formula come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rules.evaluation import Truth
from rules.tree import Aggregate, Compare, Constant, FactRef, ItemRef, Logical, Node, ParamRef, Value, YearsBefore

Want = Literal["true", "false", "not_true", "not_false"]
Var = tuple[str, str]                                     # ("fact" | "entry" | "item", name)

_FLIP: Mapping[Want, Want] = {"true": "false", "false": "true", "not_true": "not_false", "not_false": "not_true"}


def holds(want: Want, truth: Truth) -> bool:
    """Whether a truth is what was wanted."""
    if want == "true":
        return truth is True
    if want == "false":
        return truth is False
    return truth is not (want == "not_true")


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """The fact is there, or missing; `node` is the leaf that wants it so."""

    var: Var
    there: bool
    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A leaf that comes out so: true, false, or (None) unknown although its facts are there. `key` tells same leaves wherever they stand."""

    key: Any
    truth: Truth
    node: Node


@dataclass(frozen=True, slots=True)
class Every:
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one; none at all is impossible."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A node that is to come out so, not yet taken apart."""

    node: Node
    want: Want


Item = Fact | Leaf | Every | Some | Asked
NEVER, ALWAYS = Some(()), Every(())


def taken_apart(asked: Asked, params: Mapping[str, Any]) -> Item:
    """One step: the node as a formula over what is below it; `params` are the values of the day."""
    node, want = asked.node, asked.want
    if isinstance(node, Logical):
        inner: Want = _FLIP[want] if node.op in ("none", "not") else want
        below = tuple(Asked(one, inner) for one in node.nodes)
        every = (inner in ("true", "not_false")) == (node.op in ("all", "not"))
        return Every(below) if every else Some(below)
    if isinstance(node, Compare) and isinstance(node.left, FactRef):
        return _comparison(node, node.left, want, params)
    group: Var = ("fact", (node.left.group if isinstance(node, Compare) else node.group).name)  # type: ignore[union-attr]
    if isinstance(node, Compare) and _unset(node.right, params):
        return ALWAYS if want in ("not_true", "not_false") else NEVER
    key = key_of(node, params)
    needs = [Fact(var, True, node) for var in (group, *variables(node.right if isinstance(node, Compare) else None))]
    sure = Every((*needs, Leaf(key, want in ("true", "not_false"), node)))
    if want in ("true", "false"):
        return sure
    return Some((sure, Fact(group, False, node), Leaf(key, None, node)))


def _comparison(node: Compare, left: FactRef, want: Want, params: Mapping[str, Any]) -> Item:
    var = variable(left)
    if node.right is None:
        return Fact(var, want in ("true", "not_false"), node)
    if _unset(node.right, params):
        return ALWAYS if want in ("not_true", "not_false") else NEVER
    needed = (var, *variables(node.right))
    sure = Every((*(Fact(one, True, node) for one in needed), Leaf(key_of(node, params), want in ("true", "not_false"), node)))
    if want in ("true", "false"):
        return sure
    odd = (Leaf(key_of(node, params), None, node),) if isinstance(node.right, YearsBefore) and not _in_calendar(node.right, params) else ()
    return Some((sure, *(Fact(one, False, node) for one in needed), *odd))


def _unset(value: Value | None, params: Mapping[str, Any]) -> bool:
    """A parameter that has no value that day makes the leaf unknown, whatever the facts."""
    if isinstance(value, ParamRef):
        return params.get(value.name) is None
    return isinstance(value, YearsBefore) and (_unset(value.day, params) or _unset(value.years, params))


def _in_calendar(value: YearsBefore, params: Mapping[str, Any]) -> bool:
    """Whether a day so many years before any day of our time is a day; otherwise the leaf is unknown although its facts are there."""
    years = value.years.value if isinstance(value.years, Constant) else params.get(value.years.name) if isinstance(value.years, ParamRef) else None
    return isinstance(value.day, (FactRef, ItemRef)) and years is not None and years == int(years) and 0 <= years <= 1800


def variable(ref: FactRef | ItemRef) -> Var:
    return ("item" if isinstance(ref, ItemRef) else "entry" if ref.inner else "fact", ref.name)


def variables(value: Value | None) -> tuple[Var, ...]:
    """The facts a right side needs."""
    if isinstance(value, (FactRef, ItemRef)):
        return (variable(value),)
    if isinstance(value, YearsBefore):
        return (*variables(value.day), *variables(value.years))
    return ()


def key_of(part: Any, params: Mapping[str, Any]) -> Any:
    """A node or value without its place, parameters as their values of the day: equal keys come out equally."""
    if isinstance(part, ParamRef):
        return ("value", params.get(part.name))
    if isinstance(part, Constant):
        return ("value", part.value)
    if isinstance(part, FactRef):
        return variable(part)
    if isinstance(part, Aggregate):
        return ("aggregate", part.kind, part.group.name, part.of.name if part.of else None, key_of(part.where.node, params) if part.where else None)
    if isinstance(part, tuple):
        return tuple(key_of(one, params) for one in part)
    if type(part).__module__ == "rules.tree":
        return (type(part).__name__, *(key_of(getattr(part, slot), params) for slot in type(part).__slots__ if slot not in ("index", "path", "said", "size", "type")))
    return part


def params_of(node: Any) -> set[str]:
    """The parameters a tree names."""
    if isinstance(node, ParamRef):
        return {node.name}
    if isinstance(node, tuple):
        return {name for one in node for name in params_of(one)}
    if type(node).__module__ == "rules.tree":
        return {name for slot in type(node).__slots__ if slot != "type" for name in params_of(getattr(node, slot))}
    return set()
