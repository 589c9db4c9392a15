"""The stored trace of a finding, in the second format: every node with its outcome, what was seen, the files that back it, and the clause in force.

A trace is written once and shown for ever, so its shape has a number. The first format (`rules.wording.trace_data`, without a number) is still
made on request: whoever explains an old decision makes the same bytes again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.evaluation import Truth, plain, read_fact
from rules.fact_types import FactType
from rules.parameters import Parameter
from rules.parts import Clause, Text
from rules.settling import truth_of
from rules.tree import (
    Aggregate,
    Compare,
    Covered,
    FactRef,
    Logical,
    Node,
    ParamRef,
    Quantified,
    Value,
    YearsBefore,
)
from rules.wording import headline, show_value

OUTCOMES: Mapping[Truth, str] = {True: "met", False: "not_met", None: "unknown"}
HIDDEN = "••••••"
_HASH = re.compile(r"[0-9a-f]{64}")
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Look:
    """What a trace is written from besides itself: parameters and their day, the types of the facts, and the facts."""

    parameters: Mapping[str, Parameter]
    parameters_on: date
    types: Mapping[str, FactType]
    facts: Mapping[str, Any]


def trace_data(node: Node, trace: list[Any], look: Look, *, group: FactType | None = None, entry: Mapping[str, Any] = _NOTHING, place: str = "") -> dict[str, Any]:
    """A node and all below it; in an entry of a group, with the group's type, the entry and its place."""
    truth = truth_of(node, trace)
    data: dict[str, Any] = {"outcome": OUTCOMES[truth], "truth": truth, "words": {lang: headline(node, lang, look.parameters) for lang in ("zh", "en")}}
    if isinstance(node, Logical):
        data["nodes"] = [trace_data(below, trace, look, group=group, entry=entry, place=place) for below in node.nodes]
        return data
    _, seen, against, inner = trace[node.index][:4]
    if isinstance(node, Quantified):
        data["seen"] = seen
        data["entries"] = _entries(node.group, node.scope.node, inner, look)
    elif isinstance(node, Covered):
        data["seen"] = [OUTCOMES[one] for one in seen] if seen is not None else None
        data["entries"] = [_entries(node.by, node.scope.node, row, look) for row in inner or ()]
    else:
        data |= _compared(node, seen, against)
        if isinstance(node.left, Aggregate) and node.left.where is not None:
            data["entries"] = _entries(node.left.group, node.left.where.node, inner, look)
    parameters = list(_parameters(node.right)) if isinstance(node, Compare) and node.right is not None else []
    if parameters:
        data["parameters"] = [clause_data(name, look.parameters.get(name), look.parameters_on) for name in parameters]
    evidence = list(_evidence(node, look, group, entry, place))
    if evidence:
        data["evidence"] = evidence
    return data


def clause_data(name: str, parameter: Parameter | None, day: date) -> dict[str, Any]:
    """The value of a parameter in force on a day, from when, and where it is written."""
    dated = parameter.dated_on(day) if parameter is not None else None
    if dated is None:
        return {"id": name, "value": None}
    return {"id": name, "value": list(dated.value) if isinstance(dated.value, tuple) else dated.value, "from": dated.start.isoformat(),
            "until": dated.until.isoformat() if dated.until else None, "basis": basis_data(dated.basis), "verified": dated.verified}


def basis_data(basis: tuple[Clause, ...]) -> list[dict[str, str]]:
    return [{"reg": clause.reg, "article": clause.article} for clause in basis]


def both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.show("en")}


def _compared(node: Compare, seen: Any, against: Any) -> dict[str, Any]:
    months = isinstance(node.left, Aggregate) and node.left.kind == "years_union"
    options = node.left.type.options if isinstance(node.left, FactRef) else None
    left = node.left.of if isinstance(node.left, Aggregate) else node.left
    secret = left is not None and left.type.secret
    shown = {lang: HIDDEN if secret and seen is not None else show_value(seen, lang, months=months, options=options) for lang in ("zh", "en")}
    data: dict[str, Any] = {"seen": None if secret else plain(seen), "shown": shown}
    if node.right is not None:
        data["against"] = HIDDEN if against is not None and (secret or _is_secret(node.right)) else plain(against)
    return data


def _entries(group: FactRef, below: Node, traces: list[Any] | None, look: Look) -> list[dict[str, Any]]:
    entries = read_fact("group", look.facts.get(group.name)) or []
    return [trace_data(below, one, look, group=group.type, entry=entries[at], place=f"{group.name}.{at}.") for at, one in enumerate(traces or ())]


def _is_secret(value: Value) -> bool:
    if isinstance(value, YearsBefore):
        return _is_secret(value.day) or _is_secret(value.years)
    return not isinstance(value, ParamRef) and getattr(getattr(value, "type", None), "secret", False)


def _parameters(value: Value) -> Iterator[str]:
    if isinstance(value, ParamRef):
        yield value.name
    elif isinstance(value, YearsBefore):
        yield from _parameters(value.day)
        yield from _parameters(value.years)


# -- evidence ---------------------------------------------------------------------------------------------------------

def _evidence(node: Node, look: Look, group: FactType | None, entry: Mapping[str, Any], place: str) -> Iterator[dict[str, Any]]:
    """The fields that back the facts of this node, each with the names and hashes of the files that are there."""
    seen: set[str] = set()
    for fact in _facts(node):
        for name in fact.type.evidence:
            inside = fact.inner and group is not None and name in group.entry
            path = f"{place}{name}" if inside else name
            kind = (group.entry if inside and group is not None else look.types).get(name)
            if kind is not None and path not in seen:
                seen.add(path)
                yield _field(path, kind, (entry if inside else look.facts).get(name))
    counted = node.left if isinstance(node, Compare) and isinstance(node.left, Aggregate) else None
    if counted is not None and counted.of is not None and counted.of.type.evidence:
        for at, one in enumerate(read_fact("group", look.facts.get(counted.group.name)) or ()):
            for name in counted.of.type.evidence:
                inside = name in counted.group.type.entry
                path = f"{counted.group.name}.{at}.{name}" if inside else name
                kind = (counted.group.type.entry if inside else look.types).get(name)
                if kind is not None and path not in seen:
                    seen.add(path)
                    yield _field(path, kind, (one if inside else look.facts).get(name))


def _facts(node: Node) -> Iterator[FactRef]:
    if isinstance(node, Quantified):
        yield node.group
    elif isinstance(node, Covered):
        yield from (node.group, node.by)
    elif isinstance(node, Compare):
        yield node.left.group if isinstance(node.left, Aggregate) else node.left
        if isinstance(node.right, FactRef):
            yield node.right


def _field(path: str, kind: FactType, raw: Any) -> dict[str, Any]:
    files = [] if kind.secret or not isinstance(raw, list) else [
        {"name": one["name"][:255], "hash": one["hash"]} for one in raw
        if isinstance(one, dict) and isinstance(one.get("hash"), str) and _HASH.fullmatch(one["hash"]) and isinstance(one.get("name"), str)]
    return {"field": path, "label": both(kind.label) if kind.label else None, "files": files}
