"""Compiling a tree into closures, and running it: three values (true, false, None for unknown), every node's outcome kept.

A run fills a trace: one slot per node, in the order the nodes were read. A logical node leaves its truth; a leaf leaves
`(truth, left seen, right seen, traces of the entries it asked)`, an aggregate also which entries lack the value. Nothing is skipped,
so nothing has to be explained twice.

So there are two sorts of closure: a *leaf* answers its slot, a *filler* (of a logical node) puts the slots of the leaves below it into
the trace and answers the truth. What can be known of a node when it is compiled is settled then, not at every run.

Evaluation takes facts of any JSON shape: what cannot be read as the declared kind is unknown. Its cost is bounded by the
size of the tree times the size of the facts, and for `covered` by the pairs of two groups, of which it takes `MAX_PAIRS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rules.ages import span, years_before
from rules.documents import MAX_DEPTH
from rules.numbers import as_number
from rules.ranges import TOTALS, Seen, Truth, agrees, comparison, kleene_all, kleene_any, kleene_not, total
from rules.tree import (
    Aggregate,
    Compare,
    Constant,
    Covered,
    FactRef,
    ItemRef,
    Logical,
    ParamRef,
    Quantified,
    Scope,
    Value,
)

__all__ = ["Compiled", "Seen", "Truth", "agrees", "as_date", "ask_all", "comparison", "compile_scope", "kleene_all", "kleene_any", "kleene_not", "plain",
           "read_fact", "total"]

Facts = Mapping[str, Any]
Trace = list[Any]
_NOTHING: Facts = {}
MAX_PAIRS = 100_000                                       # of two groups in `covered`; two groups of a form have 40,000 at most


class Around:
    """What every node of a run may look at beside the facts: the parameters' values, the day, in `covered` the entry to cover."""

    __slots__ = ("item", "on", "params")

    def __init__(self, params: Mapping[str, Any], on: date, item: Facts = _NOTHING):
        self.params, self.on, self.item = params, on, item


Get = Callable[[Facts, Facts, Around], Any]               # of the facts, the entry at hand, and what is around
Leaf = Callable[[Facts, Facts, Around], tuple[Any, ...]]
Fill = Callable[[Facts, Facts, Around, Trace], Truth]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A tree ready to run: by its `leaf` when it is a single one, else by `fill`, for a trace of `size`."""

    scope: Scope
    size: int
    leaf: Leaf | None
    fill: Fill

    def ask(self, facts: Facts, params: Mapping[str, Any], on: date, *, entry: Facts = _NOTHING) -> tuple[Truth, Trace]:
        """The truth of the tree for these facts, and the trace."""
        trace: Trace = [None] * self.size
        return self.fill(facts, entry, Around(params, on), trace), trace


def compile_scope(scope: Scope) -> Compiled:
    if isinstance(scope.node, Logical):
        return Compiled(scope, scope.size, None, _logical(scope.node))
    index, leaf = scope.node.index, _leaf(scope.node)

    def fill(facts: Facts, entry: Facts, around: Around, trace: Trace) -> Truth:
        trace[index] = slot = leaf(facts, entry, around)
        truth: Truth = slot[0]
        return truth

    return Compiled(scope, scope.size, leaf if scope.size == 1 else None, fill)


def ask_all(rules: Iterable[Compiled], facts: Facts, params: Mapping[str, Any], on: date) -> list[tuple[Truth, Trace]]:
    """What each tree answers for the same facts."""
    around = Around(params, on)
    found: list[tuple[Truth, Trace]] = []
    for rule in rules:
        leaf = rule.leaf
        if leaf is not None:
            slot = leaf(facts, _NOTHING, around)
            found.append((slot[0], [slot]))
        else:
            trace: Trace = [None] * rule.size
            found.append((rule.fill(facts, _NOTHING, around, trace), trace))
    return found


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


def _entries(raw: Any) -> Sequence[Facts] | None:
    if type(raw) is not list and type(raw) is not tuple:
        return None
    for entry in raw:
        if type(entry) is not dict:
            return [entry if type(entry) is dict else _NOTHING for entry in raw]
    return raw


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
        return lambda facts, entry, around: constant
    if isinstance(value, (ParamRef, ItemRef, FactRef)):
        name = value.name
        if isinstance(value, ParamRef):
            return lambda facts, entry, around: around.params.get(name)
        read = _READ[value.type.kind]
        if isinstance(value, ItemRef):
            return lambda facts, entry, around: read(around.item.get(name))
        if value.inner:
            return lambda facts, entry, around: read(entry.get(name))
        return lambda facts, entry, around: read(facts.get(name))
    day_of, years_of = _getter(value.day), _getter(value.years)

    def earlier(facts: Facts, entry: Facts, around: Around) -> date | None:
        day, years = day_of(facts, entry, around), years_of(facts, entry, around)
        if type(day) is not date or years is None or years != int(years):
            return None
        return years_before(day, int(years)) if -10_000 < years < 10_000 else None

    return earlier


# -- nodes ------------------------------------------------------------------------------------------------------------

def _leaf(node: Compare | Quantified | Covered) -> Leaf:
    if isinstance(node, Quantified):
        return _quantified(node)
    if isinstance(node, Covered):
        return _covered(node)
    if isinstance(node.left, Aggregate):
        return _aggregate(node, node.left)
    return _compare(node, node.left)


def _logical(node: Logical) -> Fill:
    index, below = node.index, [compile_scope(Scope(one, 1)) for one in node.nodes]
    parts = tuple((one.index, rule.leaf, rule.fill) for one, rule in zip(node.nodes, below, strict=True))
    neutral = node.op in ("all", "not")                   # the truth of nothing, which one node alone does not change
    turned = node.op in ("none", "not")

    def fill(facts: Facts, entry: Facts, around: Around, trace: Trace) -> Truth:
        truth: Truth = neutral
        for at, leaf, filler in parts:                    # all of them: the trace is complete
            if leaf is not None:
                trace[at] = slot = leaf(facts, entry, around)
                one = slot[0]
            else:
                one = filler(facts, entry, around, trace)
            if one is not neutral and (one is not None or truth is neutral):
                truth = one
        if turned and truth is not None:
            truth = not truth
        trace[index] = truth
        return truth

    return fill


def _compare(node: Compare, left: FactRef) -> Leaf:
    """The commonest comparisons have closures of their own: with fewer calls inside."""
    name, inner, read, right = left.name, left.inner, _READ[left.type.kind], node.right
    if right is None:

        def known(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
            seen = read((entry if inner else facts).get(name))
            return seen is not None, seen, None, None

        return known
    if isinstance(right, Constant) and left.type.kind == "boolean":
        return _boolean_is(name, inner, node.op == "eq", right.value)
    if isinstance(right, Constant) and left.type.kind in ("text", "choice") and node.op in ("eq", "ne", "in", "not_in"):
        return _text_among(name, inner, node.op in ("eq", "in"), right.value)
    compare = comparison(node.op)
    if isinstance(right, ParamRef):
        param = right.name

        def against_param(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
            seen, against = read((entry if inner else facts).get(name)), around.params.get(param)
            return None if seen is None or against is None else compare(seen, against), seen, against, None

        return against_param
    against_of = _getter(right)

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        seen, against = read((entry if inner else facts).get(name)), against_of(facts, entry, around)
        return None if seen is None or against is None else compare(seen, against), seen, against, None

    return leaf


def _boolean_is(name: str, inner: bool, same: bool, wanted: bool) -> Leaf:
    yes, no, unknown = (wanted is same, True, wanted, None), (wanted is not same, False, wanted, None), (None, None, wanted, None)

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        raw = (entry if inner else facts).get(name)
        return yes if raw is True else no if raw is False else unknown

    return leaf


def _text_among(name: str, inner: bool, wanted: bool, against: Any) -> Leaf:
    texts, unknown = frozenset(against if type(against) is tuple else (against,)), (None, None, against, None)

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        raw = (entry if inner else facts).get(name)
        return ((raw in texts) is wanted, raw, against, None) if type(raw) is str else unknown

    return leaf


def _each(scope: Scope) -> Callable[[Facts, Sequence[Facts], Around], tuple[list[Truth], list[Trace]]]:
    """What a tree answers for every entry, and the traces."""
    rule = compile_scope(scope)
    size, leaf, fill = rule.size, rule.leaf, rule.fill

    def asked(facts: Facts, entries: Sequence[Facts], around: Around) -> tuple[list[Truth], list[Trace]]:
        truths: list[Truth] = []
        traces: list[Trace] = []
        for entry in entries:
            if leaf is not None:
                slot = leaf(facts, entry, around)
                truths.append(slot[0])
                traces.append([slot])
            else:
                trace: Trace = [None] * size
                truths.append(fill(facts, entry, around, trace))
                traces.append(trace)
        return truths, traces

    return asked


def _quantified(node: Quantified) -> Leaf:
    group, each = node.group.name, _each(node.scope)
    join = kleene_all if node.kind == "every" else kleene_any

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        entries = _entries(facts.get(group))
        if entries is None:
            return None, None, None, None
        truths, traces = each(facts, entries, around)
        return join(truths), len(entries), None, traces

    return leaf


def _covered(node: Covered) -> Leaf:
    group, by, each = node.group.name, node.by.name, _each(node.scope)

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        needed, covers = _entries(facts.get(group)), _entries(facts.get(by))
        if needed is None or (covers is None and needed):      # nothing to cover is covered, whatever the other group says
            return None, None, None, None
        if len(needed) * len(covers or ()) > MAX_PAIRS:
            return None, None, None, None
        asked = [each(facts, covers or [], Around(around.params, around.on, item)) for item in needed]
        covered = [kleene_any(truths) for truths, _ in asked]
        return kleene_all(covered), covered, None, [traces for _, traces in asked]

    return leaf


def _aggregate(node: Compare, left: Aggregate) -> Leaf:
    group, kind, op, many, right = left.group.name, left.kind, node.op, node.many, node.right
    where = compile_scope(left.where) if left.where is not None else None
    leaf_of, fill, size = (where.leaf, where.fill, where.size) if where is not None else (None, None, 0)
    of, value_of = (left.of.name, _taken(kind, left.of)) if left.of is not None else ("", None)
    if right is None:
        raise ValueError("an aggregate is always compared with something")
    against_of, total, compare, scale = _getter(right), TOTALS[kind], comparison(op), 12 if kind == "years_union" else 1

    def leaf(facts: Facts, entry: Facts, around: Around) -> tuple[Any, ...]:
        entries = _entries(facts.get(group))
        against = against_of(facts, entry, around)
        if entries is None:
            return None, None, against, None, ()
        sure: list[Any] = []
        maybe: list[Any] = []
        gaps: list[int] = []
        traces: list[Trace | None] = []
        own: Trace | None
        counts: Truth = True
        for at, one in enumerate(entries):
            if leaf_of is not None:
                slot = leaf_of(facts, one, around)
                counts, own = slot[0], [slot]
            elif fill is not None:
                own = [None] * size
                counts = fill(facts, one, around, own)
            else:
                own = None
            traces.append(own)
            if counts is False:
                continue
            value = 1 if value_of is None else value_of(one.get(of), around.on)
            if value is None:
                gaps.append(at)
            elif counts:
                sure.append(value)
            else:
                maybe.append(value)
        seen = total(sure, maybe, len(gaps))
        if seen is None or against is None:
            return None, seen, against, traces, gaps
        if seen.low == seen.high and not many and seen.low is not None:          # the usual case, without the calls
            return compare(seen.low, against * scale if scale != 1 else against), seen, against, traces, gaps
        return agrees(seen, against, op, many=many, kind=kind), seen, against, traces, gaps

    return leaf


def _taken(kind: str, of: FactRef) -> Callable[[Any, date], Any]:
    """What an entry's field adds to the aggregate; None where it cannot be read."""
    if kind == "years_union":
        return span
    read = _READ[of.type.kind]
    return lambda raw, on: read(raw)


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
