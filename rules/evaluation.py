"""Compiling a tree into closures, and running it: three values (true, false, None for unknown), every node's outcome kept.

A run fills a trace: one slot per node, in the order the nodes were read. A logical node leaves its truth; a leaf leaves
`(truth, left seen, right seen, traces of the entries it asked)`, an aggregate also which entries lack the value. Nothing is skipped, so nothing has to be explained twice.
Evaluation takes facts of any JSON shape: what cannot be read as the declared kind is unknown. Its cost is bounded by the
size of the tree times the size of the facts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rules.ages import months_union, span, years_before
from rules.documents import MAX_DEPTH
from rules.numbers import as_number
from rules.tree import (
    Aggregate,
    Compare,
    Constant,
    Covered,
    FactRef,
    ItemRef,
    Logical,
    Node,
    ParamRef,
    Quantified,
    Scope,
    Value,
)

Truth = bool | None
_NOTHING: Mapping[str, Any] = {}


class Env:
    """Everything one run may look at."""

    __slots__ = ("entry", "facts", "item", "on", "params", "trace")

    def __init__(self, facts: Mapping[str, Any], params: Mapping[str, Any], on: date, trace: list[Any],
                 entry: Mapping[str, Any] = _NOTHING, item: Mapping[str, Any] = _NOTHING):
        self.facts, self.params, self.on, self.trace, self.entry, self.item = facts, params, on, trace, entry, item


Run = Callable[[Env], Truth]
Get = Callable[[Env], Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an aggregate came to: exact when `low` is `high`; a missing bound is None. Months for `years_union`."""

    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Compiled:
    scope: Scope
    run: Run

    def ask(self, facts: Mapping[str, Any], params: Mapping[str, Any], on: date, *, entry: Mapping[str, Any] = _NOTHING) -> tuple[Truth, list[Any]]:
        """The truth of the tree for these facts, and the trace."""
        trace: list[Any] = [None] * self.scope.size
        return self.run(Env(facts, params, on, trace, entry)), trace


def compile_scope(scope: Scope) -> Compiled:
    return Compiled(scope, _node(scope.node))


# -- reading values ---------------------------------------------------------------------------------------------------

def as_date(raw: Any) -> date | None:
    if type(raw) is str and len(raw) == 10 and raw[4] == "-" and raw[7] == "-" and raw.isascii():
        try:
            return date.fromisoformat(raw)
        except ValueError:
            return None
    return raw if type(raw) is date else None


def _text(raw: Any) -> str | None:
    return raw if type(raw) is str else None


def _boolean(raw: Any) -> bool | None:
    return raw if type(raw) is bool else None


def _choices(raw: Any) -> tuple[str, ...] | None:
    return tuple(one for one in raw if type(one) is str) if type(raw) in (list, tuple) else None


def _code(raw: Any) -> str | None:
    return _text(raw.get("code")) if type(raw) is dict else None


def _entries(raw: Any) -> list[Mapping[str, Any]] | None:
    if type(raw) is not list and type(raw) is not tuple:
        return None
    return [entry if type(entry) is dict else _NOTHING for entry in raw]


_READ: dict[str, Callable[[Any], Any]] = {
    "text": _text, "choice": _text, "number": as_number, "date": as_date, "boolean": _boolean, "choices": _choices,
    "specialty": _code, "period": lambda raw: raw if type(raw) is dict else None, "group": _entries,
    "files": lambda raw: raw if type(raw) is list and raw else None,
}


def read_fact(kind: str, raw: Any) -> Any:
    """A raw fact as the engine compares it; None when it is missing or not of its kind."""
    return _READ[kind](raw)


def _getter(value: Value) -> Get:
    if isinstance(value, Constant):
        constant = value.value
        return lambda env: constant
    if isinstance(value, ParamRef):
        name = value.name
        return lambda env: env.params.get(name)
    if isinstance(value, ItemRef):
        return _named(value.name, _READ[value.type.kind], operator.attrgetter("item"))
    if isinstance(value, FactRef):
        return _fact(value)
    day_of, years_of = _getter(value.day), _getter(value.years)

    def earlier(env: Env) -> date | None:
        day, years = day_of(env), years_of(env)
        if type(day) is not date or years is None or years != int(years):
            return None
        return years_before(day, int(years)) if -10_000 < years < 10_000 else None

    return earlier


def _fact(fact: FactRef) -> Get:
    name, read = fact.name, _READ[fact.type.kind]
    if fact.inner:
        return lambda env: read(env.entry.get(name))
    return lambda env: read(env.facts.get(name))


def _named(name: str, read: Callable[[Any], Any], where: Callable[[Env], Mapping[str, Any]]) -> Get:
    return lambda env: read(where(env).get(name))


# -- nodes ------------------------------------------------------------------------------------------------------------

def _node(node: Node) -> Run:
    if isinstance(node, Logical):
        return _logical(node)
    if isinstance(node, Quantified):
        return _quantified(node)
    if isinstance(node, Covered):
        return _covered(node)
    if isinstance(node.left, Aggregate):
        return _aggregate(node, node.left)
    return _compare(node, node.left)


def kleene_all(truths: Iterable[Truth]) -> Truth:
    """False when one is false, else unknown when one is unknown, else true."""
    outcome: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            outcome = None
    return outcome


def kleene_any(truths: Iterable[Truth]) -> Truth:
    outcome: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is None:
            outcome = None
    return outcome


def kleene_not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _logical(node: Logical) -> Run:
    index, runs = node.index, tuple(_node(below) for below in node.nodes)
    join = kleene_all if node.op in ("all", "not") else kleene_any
    turned = node.op in ("none", "not")

    def run(env: Env) -> Truth:
        truth = join([below(env) for below in runs])
        if turned and truth is not None:
            truth = not truth
        env.trace[index] = truth
        return truth

    return run


_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "on_or_before": operator.le, "after": operator.gt, "contains": operator.contains,
    "in": lambda left, right: left in right, "not_in": lambda left, right: left not in right,
    "starts_with": lambda left, right: left.startswith(right),
}


def comparison(op: str) -> Callable[[Any, Any], bool]:
    """What an operator does with two known values."""
    return _PLAIN[op]


def _compare(node: Compare, left: FactRef) -> Run:
    index, get = node.index, _fact(left)
    if node.right is None:

        def known(env: Env) -> Truth:
            seen = get(env)
            env.trace[index] = (seen is not None, seen, None, None)
            return seen is not None

        return known
    right, compare = _getter(node.right), _PLAIN[node.op]

    def run(env: Env) -> Truth:
        seen, against = get(env), right(env)
        truth = None if seen is None or against is None else compare(seen, against)
        env.trace[index] = (truth, seen, against, None)
        return truth

    return run


def _asked(scope: Scope | None) -> Callable[[Env, Mapping[str, Any], Mapping[str, Any]], tuple[Truth, list[Any] | None]]:
    if scope is None:
        return lambda env, entry, item: (True, None)
    run, size = _node(scope.node), scope.size

    def ask(env: Env, entry: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Truth, list[Any]]:
        trace: list[Any] = [None] * size
        return run(Env(env.facts, env.params, env.on, trace, entry, item)), trace

    return ask


def _quantified(node: Quantified) -> Run:
    index, group, ask = node.index, _fact(node.group), _asked(node.scope)
    join = kleene_all if node.kind == "every" else kleene_any

    def run(env: Env) -> Truth:
        entries = group(env)
        if entries is None:
            env.trace[index] = (None, None, None, None)
            return None
        asked = [ask(env, entry, _NOTHING) for entry in entries]
        truth = join([one for one, _ in asked])
        env.trace[index] = (truth, len(entries), None, [trace for _, trace in asked])
        return truth

    return run


def _covered(node: Covered) -> Run:
    index, group, cover, ask = node.index, _fact(node.group), _fact(node.by), _asked(node.scope)

    def run(env: Env) -> Truth:
        needed, covers = group(env), cover(env)
        if needed is None or (covers is None and needed):      # nothing to cover is covered, whatever the other group says
            env.trace[index] = (None, None, None, None)
            return None
        covers = covers or []
        asked = [[ask(env, entry, item) for entry in covers] for item in needed]
        each = [kleene_any([one for one, _ in row]) for row in asked]
        truth = kleene_all(each)
        env.trace[index] = (truth, each, None, [[trace for _, trace in row] for row in asked])
        return truth

    return run


# -- aggregates: what is certain, and what may still come -------------------------------------------------------------

def _aggregate(node: Compare, left: Aggregate) -> Run:
    index, group, ask = node.index, _fact(left.group), _asked(left.where)
    read = _fact(left.of) if left.of is not None else None
    right, scale = _getter(node.right) if node.right is not None else None, 12 if left.kind == "years_union" else 1
    total, op, many = _TOTALS[left.kind], node.op, node.many
    if right is None:
        raise ValueError("an aggregate is always compared with something")

    def run(env: Env) -> Truth:
        entries, against = group(env), right(env)
        if entries is None:
            env.trace[index] = (None, None, against, None, ())
            return None
        sure: list[Any] = []
        maybe: list[Any] = []
        gaps: list[int] = []
        traces = []
        for at, entry in enumerate(entries):
            truth, trace = ask(env, entry, _NOTHING)
            traces.append(trace)
            if truth is False:
                continue
            value: Any = 1
            if read is not None:
                inner = Env(env.facts, env.params, env.on, env.trace, entry)
                value = read(inner)
                if scale == 12:
                    value = span(value, env.on)
            if value is None:
                gaps.append(at)
            elif truth:
                sure.append(value)
            else:
                maybe.append(value)
        seen = total(sure, maybe, len(gaps))
        truth = None
        if seen is not None and against is not None:
            truth = _among(seen, [one * scale for one in against], op) if many else _within(seen, against * scale if scale != 1 else against, op)
        env.trace[index] = (truth, seen, against, traces, gaps)
        return truth

    return run


def _count(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    return Seen(len(sure), len(sure) + len(maybe))


def _sum(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    certain = sum(sure)
    if open_end:
        return Seen(None, None)
    return Seen(certain + sum(one for one in maybe if one < 0), certain + sum(one for one in maybe if one > 0))


def _max(sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    if not sure:
        return None
    return Seen(max(sure), None if open_end else max([*sure, *maybe]))


def _min(sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    if not sure:
        return None
    return Seen(None if open_end else min([*sure, *maybe]), min(sure))


def _union(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    return Seen(months_union(sure), None if open_end else months_union([*sure, *maybe]))


_TOTALS: dict[str, Callable[[list[Any], list[Any], int], Seen | None]] = {
    "count": _count, "sum": _sum, "max": _max, "min": _min, "years_union": _union}


def _within(seen: Seen, bound: Any, op: str) -> Truth:
    """Compare a range with a value: known only when every value in the range agrees."""
    low, high = seen.low, seen.high
    if low is not None and low == high:
        return _PLAIN[op](low, bound)
    if op in ("le", "lt", "gt", "ge", "on_or_before", "after"):
        ends = (None if low is None else _PLAIN[op](low, bound), None if high is None else _PLAIN[op](high, bound))
        rising = op in ("gt", "ge", "after")
        if ends[0 if rising else 1] is True:
            return True
        return False if ends[1 if rising else 0] is False else None
    outside = (low is not None and bound < low) or (high is not None and bound > high)
    if not outside:
        return None
    return op == "ne"


def _among(seen: Seen, bounds: list[Any], op: str) -> Truth:
    truth = kleene_any([_within(seen, bound, "eq") for bound in bounds])
    return truth if op == "in" else kleene_not(truth)


def total(kind: str, sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    """What an aggregate comes to: `sure` values count, `maybe` may, and `open_end` more entries have no value yet."""
    return _TOTALS[kind](sure, maybe, open_end)


def agrees(seen: Seen | None, against: Any, op: str, *, many: bool, kind: str) -> Truth:
    """An aggregate's comparison, for known bounds: years are compared in months."""
    scale = 12 if kind == "years_union" else 1
    if seen is None:
        return None
    return _among(seen, [one * scale for one in against], op) if many else _within(seen, against * scale if scale != 1 else against, op)


def plain(value: Any, depth: int = 0) -> Any:
    """A seen value as JSON; no answer is as deep as `MAX_DEPTH`, and what is deeper is cut off."""
    if isinstance(value, Seen):
        return plain(value.low) if value.low == value.high else {"least": plain(value.low), "most": plain(value.high)}
    if isinstance(value, (date, Decimal)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(one, depth + 1) for one in value] if depth < MAX_DEPTH else "…"
    if isinstance(value, dict):
        return {str(key): plain(one, depth + 1) for key, one in value.items()} if depth < MAX_DEPTH else "…"
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
