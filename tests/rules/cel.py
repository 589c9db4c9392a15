"""A second opinion on a tree: the same rule in the Common Expression Language, judged by `cel-expr-python`.

Nothing of `rules.evaluation` is used. Facts are read into plain CEL data here: what is missing, or not of its kind, is left
out; a number is its ten-thousandths, a date the integer 20260615, a month its count since year 0. A missing key is then an
error in CEL, and CEL's `&&`, `||`, `all` and `exists` treat an error as Kleene's logic treats the unknown: that part is not
rebuilt here. Only where a rule counts what is certain and what may still come (the `where` of an aggregate), each node is
written twice, as *certainly true* and *certainly false*.

An error is a value that Python takes for true: `judge` asks for the type of the answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cel_expr_python import cel

from rules.criteria import Criteria
from rules.fact_types import FactType
from rules.parameters import Parameter
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
    Value,
)
from tests.rules.generating import MOST_ENTRIES

SCALE = 10_000
UNKNOWN = "u.unknown"                                     # `u` is an empty map: an error
_ENV = cel.NewEnv(variables=dict.fromkeys(("f", "p", "u", "a", "months"), cel.Type.DYN))
_LEAP = "y % 4 == 0 && y % 100 != 0 || y % 400 == 0"
_OPS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "on_or_before": "<=", "after": ">"}


class Oracle:
    """The criteria of a document as CEL programs: one for what each aggregate or quantified node asks its group, and one for the rest.

    CEL's parser takes 32 levels, and an evaluation 10,000 steps; so what a program answered is `a.<its name>` in later ones.
    """

    def __init__(self, criteria: Criteria):
        self.criteria = criteria
        self.programs = {one.id: [(name, _ENV.compile(text)) for name, text in self.texts(one.id).items()] for one in criteria.criteria}

    def texts(self, criterion: str) -> dict[str, str]:
        """The programs of a criterion by name, in the order to be asked; the last one, without a name, is the criterion."""
        parts: dict[str, str] = {}
        whole = expression(self.criteria[criterion].node, parts)
        return {**parts, "": whole}

    def data(self, facts: Mapping[str, Any], on: date) -> dict[str, Any]:
        """Facts and parameters of the day as CEL data, to be judged by any number of criteria."""
        here = on.year * 12 + on.month - 1
        known = _read_all(self.criteria.facts, facts)
        starts = [period["s"] for group in known.values() if isinstance(group, list) for entry in group if isinstance(entry, dict)
                  for period in entry.values() if isinstance(period, dict) and "s" in period]
        params = {name: value for name, parameter in self.criteria.parameters.items() if (value := _param(parameter, on)) is not None}
        return {"f": known, "p": params, "u": {}, "a": {}, "months": list(range(min([here, *starts]), here + 1))}

    def judge(self, criterion: str, data: Mapping[str, Any]) -> bool | None:
        """True, False, or None where CEL answers with an error."""
        return self.judge_all([criterion], data)[0]

    def judge_all(self, criteria: Iterable[str], data: Mapping[str, Any]) -> list[bool | None]:
        """One after the other on the same facts."""
        given = _ENV.Activation(data)
        found: list[bool | None] = []
        for criterion in criteria:
            answers: dict[str, Any] = {}
            for name, program in self.programs[criterion]:
                answer = program.eval(_ENV.Activation({**data, "a": answers}) if answers else given)
                if answer.type() != cel.Type.ERROR:
                    answers[name] = answer.plain_value()
                else:
                    assert "NOT_FOUND" in str(answer.value()), (criterion, name, answer.value())
            found.append(answers.get(""))
        return found


# -- facts, read once more --------------------------------------------------------------------------------------------

def _read_all(types: Mapping[str, FactType], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, kind in types.items() if (value := _read(kind, facts.get(name))) is not None}


def _read(kind: FactType, raw: Any) -> Any:
    match kind.kind:
        case "text" | "choice":
            return raw if isinstance(raw, str) else None
        case "number":
            return _number(raw)
        case "date":
            return _date(raw)
        case "boolean":
            return raw if isinstance(raw, bool) else None
        case "choices":
            return [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else None
        case "specialty":
            return raw["code"] if isinstance(raw, dict) and isinstance(raw.get("code"), str) else None
        case "files":
            return True if isinstance(raw, list) and raw else None
        case "group":
            return [_read_all(kind.entry, entry if isinstance(entry, dict) else {}) for entry in raw] if isinstance(raw, list) else None
    if not isinstance(raw, dict):
        return None
    start, end = _month(raw.get("start")), _month(raw.get("end"))
    return {"now": raw.get("end") == "now"} | ({} if start is None else {"s": start}) | ({} if end is None else {"e": end})


def _number(raw: Any) -> int | None:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)) or (isinstance(raw, float) and not math.isfinite(raw)):
        return None
    if isinstance(raw, str) and not re.fullmatch(r"[+-]?[0-9]{1,20}([.][0-9]{1,20})?", raw, re.ASCII):
        return None
    if not isinstance(raw, str) and abs(raw) >= 10**18:
        return None
    scaled = Decimal(str(raw)) * SCALE
    assert scaled == int(scaled) and abs(scaled) < 2**63, raw     # the generator's promise
    return int(scaled)


def _date(raw: Any) -> int | None:
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", raw, re.ASCII) if isinstance(raw, str) else None
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = {1: 31, 2: 29 if leap else 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}.get(month, 0)
    return year * 10_000 + month * 100 + day if year and 1 <= day <= longest else None


def _month(raw: Any) -> int | None:
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", raw, re.ASCII) if isinstance(raw, str) else None
    return int(found[1]) * 12 + int(found[2]) - 1 if found and found[1] != "0000" else None


def _param(parameter: Parameter, on: date) -> Any:
    """The value of the last period begun, unless it has ended."""
    begun = [dated for dated in parameter.values if dated.start <= on]
    if not begun or (begun[-1].until and begun[-1].until < on):
        return None
    value = begun[-1].value
    return [_plain(one) for one in value] if isinstance(value, tuple) else _plain(value)


def _plain(value: Any) -> Any:
    """A constant or parameter value as facts of its kind are read."""
    if isinstance(value, bool):
        return value
    if isinstance(value, date):
        return value.year * 10_000 + value.month * 100 + value.day
    if isinstance(value, (int, float, Decimal)):
        return _number(value if isinstance(value, int) else float(value))
    return value if _date(value) is None else _date(value)


# -- expressions ------------------------------------------------------------------------------------------------------

def expression(node: Node, parts: dict[str, str]) -> str:
    """The node as CEL; unknown is an error. What nodes ask of groups goes to `parts`, by name."""
    if isinstance(node, Logical):
        below = [f"({inner})" if isinstance(one, Logical) else inner for one in node.nodes for inner in (expression(one, parts),)]
        return {"all": " && ".join(below), "any": " || ".join(below), "none": f"!({' || '.join(below)})", "not": f"!({below[0]})"}[node.op]
    if isinstance(node, Compare) and isinstance(node.left, FactRef):
        return _plain_compare(node, node.left)
    name = f"n{node.index}"
    if isinstance(node, Quantified):
        parts[name] = f"f.{node.group.name}.{'all' if node.kind == 'every' else 'exists'}(e, {expression(node.scope.node, parts)})"
    elif isinstance(node, Covered):
        parts[name] = f"f.{node.group.name}.all(i, f.{node.by.name}.exists(e, {expression(node.scope.node, parts)}))"
    else:
        parts[name] = _aggregate(node, name, parts)
    return f"a.{name}"


def _plain_compare(node: Compare, left: FactRef) -> str:
    if node.right is None:
        return f"has({_place(left)})"
    return _comparison(_place(left), node.op, _value(node.right), node.many)


def _comparison(left: str, op: str, right: str, many: bool) -> str:
    if op in _OPS:
        return f"{left} {_OPS[op]} {right}"
    if op == "contains":
        return f"{right} in {left}"
    if op == "starts_with":
        return f"{right}.exists(s, {left}.startsWith(s))" if many else f"{left}.startsWith({right})"
    return f"{left} in {right}" if op == "in" else f"!({left} in {right})"


def _place(ref: FactRef) -> str:
    return f"{'e' if ref.inner else 'f'}.{ref.name}"


def _value(value: Value) -> str:
    if isinstance(value, Constant):
        many = isinstance(value.value, tuple)
        return json.dumps([_plain_constant(one) for one in value.value] if many else _plain_constant(value.value), ensure_ascii=False)
    if isinstance(value, ParamRef):
        return f"p.{value.name}"
    if isinstance(value, ItemRef):
        return f"i.{value.name}"
    if isinstance(value, FactRef):
        return _place(value)
    day = f"d % 10000 == 229 && !({_LEAP}) ? 228 : d % 10000"
    earlier = f"n % {SCALE} == 0 ? [d / 10000 - n / {SCALE}].map(y, y >= 1 && y <= 9999 ? y * 10000 + ({day}) : {UNKNOWN})[0] : {UNKNOWN}"
    return f"[{_value(value.day)}].map(d, [{_value(value.years)}].map(n, {earlier})[0])[0]"


def _plain_constant(value: Any) -> Any:
    return value if isinstance(value, str) else _plain(value)      # a text that looks like a date stays a text


# -- certainly true, certainly false: never an error ------------------------------------------------------------------

def _known(value: Value) -> str:
    if isinstance(value, Constant):
        return "true"
    if isinstance(value, (FactRef, ParamRef, ItemRef)):
        return f"has({_value(value)})"
    year = f"({_value(value.day)} / 10000 - {_value(value.years)} / {SCALE})"
    return f"({_known(value.day)} && {_known(value.years)} && {_value(value.years)} % {SCALE} == 0 && {year} >= 1 && {year} <= 9999)"


def _certainly(node: Node, truth: bool) -> str:
    if isinstance(node, Logical):
        conjunction = (node.op in ("all", "not")) == (truth != (node.op == "not"))
        if node.op == "none":
            conjunction = truth
        inner = truth if node.op in ("all", "any") else not truth
        return "(" + (" && " if conjunction else " || ").join(_certainly(one, inner) for one in node.nodes) + ")"
    assert isinstance(node, Compare) and isinstance(node.left, FactRef), node
    holds = _plain_compare(node, node.left)
    if node.right is None:
        return f"({'' if truth else '!'}{holds})"
    return f"(has({_place(node.left)}) && {_known(node.right)} && {'' if truth else '!'}({holds}))"


# -- aggregates -------------------------------------------------------------------------------------------------------

def _aggregate(node: Compare, name: str, parts: dict[str, str]) -> str:
    """What is known of the aggregate is a range: the comparison holds or fails for all of it, or is unknown.

    Numbers are compared by the two ends of the range, `min` and `max` by asking the entries themselves.
    """
    left = node.left
    assert isinstance(left, Aggregate) and node.right is not None
    _ends(left, name, parts)
    scale = " * 12" if left.kind == "years_union" else ""

    def rails(bound: str, op: str) -> tuple[str, str]:
        if left.kind in ("min", "max"):
            return _extreme(f"a.{name}", left.kind == "max", bound, op)
        return _between(f"a.{name}", f"({bound}{scale})", op)

    if node.op in ("in", "not_in"):
        holds, fails = rails("b", "eq")
        truth, falsity = f"l.exists(b, {holds})", f"l.all(b, {fails})"
    else:
        truth, falsity = rails("l", node.op)
    if node.op == "not_in":
        truth, falsity = falsity, truth
    return f"[{_value(node.right)}].map(l, {truth} ? true : {falsity} ? false : {UNKNOWN})[0]"


def _ends(left: Aggregate, name: str, parts: dict[str, str]) -> None:
    """Programs for what is certain (`<name>lo`; for `min` and `max` the values), for what may still come (`<name>hi`), and whether anything may (`<name>gap`)."""
    holds, fails = ("true", "false") if left.where is None else (_certainly(left.where.node, True), _certainly(left.where.node, False))
    parts[f"{name}where"] = f"f.{left.group.name}.map(e, {{'e': e, 't': {holds}, 'f': {fails}}})"
    asked, of = f"a.{name}where", f"w.e.{left.of.name}" if left.of else ""
    there = f"has({of})" if of else "true"
    if left.kind == "years_union":
        there += f" && has({of}.s) && ({of}.now || has({of}.e) && {of}.e >= {of}.s)"
    parts[f"{name}gap"] = f"{asked}.exists(w, !w.f && !({there}))"
    value = {"count": "1", "sum": of, "min": of, "max": of, "years_union": of}[left.kind]
    sure, maybe = (f"{asked}.filter(w, {one} && {there}).map(w, {value})" for one in ("w.t", "!w.t && !w.f"))
    if left.kind == "sum":
        some = [f"(size({asked}) > {at} ? [{asked}[{at}]].map(w, SOME)[0] : 0)" for at in range(MOST_ENTRIES)]
        for end, side in (("lo", "<"), ("hi", ">")):
            one = f"!w.f && {there} && (w.t || {of} {side} 0) ? {of} : 0"
            parts[f"{name}{end}"] = f"a.{name}gap ? {UNKNOWN} : " + " + ".join(some).replace("SOME", one)
        return
    for end, values in (("lo", sure), ("hi", f"{sure} + {maybe}")):
        parts[f"{name}{end}"] = values
        if left.kind == "count":
            parts[f"{name}{end}"] = f"size({values}) * {SCALE}"
        elif left.kind == "years_union":                                            # `months` end with the month of the day
            parts[f"{name}{end}of"] = parts.pop(f"{name}{end}")
            parts[f"{name}{end}"] = f"months.filter(m, a.{name}{end}of.exists(x, x.s <= m && (x.now || m <= x.e))).size() * {SCALE}"


def _between(name: str, bound: str, op: str) -> tuple[str, str]:
    """A range against a bound: (all of it agrees, none of it does). A gap leaves its upper end open, and of a sum both."""
    low, high, closed = f"{name}lo", f"{name}hi", f"!{name}gap"
    if op in ("eq", "ne"):
        same, apart = f"{closed} && {low} == {bound} && {high} == {bound}", f"{bound} < {low} || {closed} && {bound} > {high}"
        return (same, apart) if op == "eq" else (apart, same)
    if _OPS[op] in (">", ">="):
        return f"{low} {_OPS[op]} {bound}", f"{closed} && !({high} {_OPS[op]} {bound})"
    return f"{closed} && {high} {_OPS[op]} {bound}", f"!({low} {_OPS[op]} {bound})"


def _extreme(name: str, greatest: bool, bound: str, op: str) -> tuple[str, str]:
    """The greatest (or least) of the certain values, to which the possible ones may still come, and with a gap anything."""
    beyond, short = (">", "<") if greatest else ("<", ">")
    sure, either, closed = f"{name}lo", f"{name}hi", f"!{name}gap"
    if op in ("eq", "ne"):
        same = f"{closed} && {sure}.exists(x, x == {bound}) && !{either}.exists(x, x {beyond} {bound})"
        apart = f"{sure}.exists(x, x {beyond} {bound}) || {closed} && {sure}.size() > 0 && {either}.all(x, x {short} {bound})"
        return (same, apart) if op == "eq" else (apart, same)
    if _OPS[op][0] == beyond:
        return f"{sure}.exists(x, x {_OPS[op]} {bound})", f"{closed} && {sure}.size() > 0 && !{either}.exists(x, x {_OPS[op]} {bound})"
    return f"{closed} && {sure}.size() > 0 && {either}.all(x, x {_OPS[op]} {bound})", f"{sure}.exists(x, !(x {_OPS[op]} {bound}))"
