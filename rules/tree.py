"""The closed tree that criteria and conditions are written in: reading it, and checking it against the facts there are.

Nodes are plain frozen values; `rules.evaluation` compiles them, `rules.wording` says them in words. Every node knows the path
it was written at, so that a problem has a line, and an index into the trace of its scope (the entries of a group are a
scope of their own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from rules.documents import MAX_DEPTH, Fault, Path, meant
from rules.fact_types import FactType
from rules.numbers import as_number
from rules.parameters import Parameter
from rules.parts import Text, iso_date

Report = Callable[..., None]                             # (path, zh, en), and a code of docs/checks.md where it has its own
Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "contains", "on_or_before", "after", "starts_with", "is_known"]
AggregateKind = Literal["count", "sum", "min", "max", "years_union"]

_ORDERED = {"eq", "ne", "lt", "le", "gt", "ge"}
OPS: dict[str, set[str]] = {
    "text": {"eq", "ne", "in", "not_in", "starts_with", "is_known"},
    "specialty": {"eq", "ne", "in", "not_in", "starts_with", "is_known"},
    "number": _ORDERED | {"in", "not_in", "is_known"},
    "date": _ORDERED | {"on_or_before", "after", "is_known"},
    "boolean": {"eq", "ne", "is_known"},
    "choice": {"eq", "ne", "in", "not_in", "is_known"},
    "choices": {"contains", "is_known"},
    "period": {"is_known"}, "group": {"is_known"}, "files": {"is_known"},
}
ALL_OPS = set().union(*OPS.values())
MAX_NODES = 5_000                                         # of one rule, whatever the nesting
MAX_LISTED = 1_000
MAX_TEXT = 500
MAX_REPORTED = 100                                        # problems of one rule; then the rest is not read
AGGREGATES = ("count", "sum", "min", "max", "years_union")
_LISTS = {"number": "numbers", "text": "texts", "choice": "texts", "specialty": "texts"}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the rule; `date` and lists already read."""

    value: Any


@dataclass(frozen=True, slots=True)
class ParamRef:
    name: str


@dataclass(frozen=True, slots=True)
class FactRef:
    """A fact by name, or (`inner`) a field of the entry at hand; `kind` tells how to read it."""

    name: str
    inner: bool
    type: FactType


@dataclass(frozen=True, slots=True)
class ItemRef:
    """In `covered`: a field of the entry that needs covering."""

    name: str
    type: FactType


@dataclass(frozen=True, slots=True)
class YearsBefore:
    day: Value
    years: Value


Value = Constant | ParamRef | FactRef | ItemRef | YearsBefore


@dataclass(frozen=True, slots=True)
class Aggregate:
    kind: AggregateKind
    group: FactRef
    of: FactRef | None
    where: Scope | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """A tree asked once per entry of a group; it has a trace of `size` nodes of its own."""

    node: Node
    size: int


@dataclass(frozen=True, slots=True)
class Logical:
    index: int
    path: Path
    op: Literal["all", "any", "none", "not"]
    nodes: tuple[Node, ...]
    said: Text | None = None                              # how a row of a decision table is called


@dataclass(frozen=True, slots=True)
class Compare:
    index: int
    path: Path
    left: FactRef | Aggregate
    op: Op
    right: Value | None
    many: bool = False                                    # the right side is a list


@dataclass(frozen=True, slots=True)
class Quantified:
    index: int
    path: Path
    kind: Literal["every", "some"]
    group: FactRef
    scope: Scope


@dataclass(frozen=True, slots=True)
class Covered:
    index: int
    path: Path
    group: FactRef
    by: FactRef
    scope: Scope


Node = Logical | Compare | Quantified | Covered

_SHAPES: dict[str, set[str]] = {
    "all": set(), "any": set(), "none": set(), "not": set(),
    "fact": {"is", "value"}, "table": set(),
    "every": {"satisfies"}, "some": {"satisfies"}, "covered": {"by", "where"},
    "count": {"where", "is", "value", "as"},
    **{kind: {"of", "where", "is", "value", "as"} for kind in ("sum", "min", "max", "years_union")},
}


class _Stop(Exception):
    """A problem was reported; this node cannot be read further."""


class Reader:
    """Reads trees over one schema of facts and parameters; reports every problem it meets."""

    stopped = _Stop()

    def __init__(self, facts: Mapping[str, FactType], params: Mapping[str, str], report: Report, values: Mapping[str, Parameter] | None = None):
        self.facts, self.params = facts, params
        self.report: Report = lambda path, zh, en, *code: report(path, _brief(zh), _brief(en), *code)
        self.values = values or {}                        # only for checking what the rows of a table promise
        self.nodes = self.reported = 0
        self.used_params: set[str] = set()
        self.used_facts: set[str] = set()
        self.named: set[str] = set()

    def scope(self, data: Any, path: Path, *, entry: Mapping[str, FactType] | None = None,
              item: Mapping[str, FactType] | None = None, depth: int = 0) -> Scope | None:
        """Read a whole tree; None when a problem was reported."""
        counter = _Counter()
        node = self._node(data, path, entry, item, counter, depth)
        return None if node is None else Scope(node, counter.next)

    # -- nodes

    def node(self, data: Any, path: Path, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None,
             counter: _Counter, depth: int) -> Node | None:
        """One node and all below it, for whoever composes nodes; None when a problem was reported."""
        return self._node(data, path, entry, item, counter, depth)

    def stop(self, path: Path, zh: str, en: str) -> _Stop:
        """Report a problem after which this node cannot be read further, to be raised."""
        return self._stop(path, zh, en)

    def _node(self, data: Any, path: Path, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None,
              counter: _Counter, depth: int) -> Node | None:
        try:
            return self._read(data, path, entry, item, counter, depth)
        except _Stop:
            return None

    def _read(self, data: Any, path: Path, entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None,
              counter: _Counter, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > MAX_NODES or self.reported > MAX_REPORTED:
            if self.nodes == MAX_NODES + 1:
                self.report(path, f"一条规则超过 {MAX_NODES} 个节点，请拆成几条。", f"The rule has more than {MAX_NODES} nodes; split it.")
            raise self.stopped
        if depth > MAX_DEPTH:
            raise self._stop(path, f"条件嵌套超过 {MAX_DEPTH} 层，请简化。", f"The rule is nested more than {MAX_DEPTH} levels; simplify it.")
        if not isinstance(data, dict):
            raise self._stop(path, "条件应为映射，例如 {fact: age, is: le, value: 70}。", "A rule must be a mapping such as {fact: age, is: le, value: 70}.")
        shapes = [key for key in data if key in _SHAPES]
        if len(shapes) != 1:
            stray = next((key for key in data if key not in _SHAPES), "")
            tail = meant(str(stray), _SHAPES) if not shapes else ("", "")
            raise self._stop(path, f"条件须恰有一个种类的键（{'、'.join(shapes) or '无'}）。{tail[0]}",
                             f"A rule has exactly one kind of key (found: {', '.join(shapes) or 'none'}). {tail[1]}")
        shape = shapes[0]
        for key in [key for key in data if key != shape and key not in _SHAPES[shape]][:MAX_REPORTED]:
            tail = meant(str(key), _SHAPES[shape] | {shape})
            self.report((*path, key), f"“{shape}”不认识键“{key}”。{tail[0]}", f"'{shape}' does not know the key '{key}'. {tail[1]}")
        if shape == "table":
            from rules.tables import read_table  # cycle: a table is read into the nodes of this module

            return read_table(self, data["table"], (*path, "table"), (entry, item, counter), depth)
        index = counter.take()
        if shape in ("all", "any", "none"):
            below = data[shape]
            if not isinstance(below, list) or not below:
                raise self._stop((*path, shape), f"“{shape}”应为至少一项的列表。", f"'{shape}' must be a list with at least one rule.")
            nodes = [self._node(one, (*path, shape, at), entry, item, counter, depth + 1) for at, one in enumerate(below)]
            return Logical(index, path, shape, tuple(_whole(nodes)))  # type: ignore[arg-type]
        if shape == "not":
            return Logical(index, path, "not", tuple(_whole([self._node(data["not"], (*path, "not"), entry, item, counter, depth + 1)])))
        if shape in ("every", "some"):
            group = self._group(data[shape], (*path, shape), entry)
            scope = self._inner(data, "satisfies", path, group, None, depth, required=True)
            return Quantified(index, path, shape, group, _present(scope))  # type: ignore[arg-type]
        if shape == "covered":
            group = self._group(data["covered"], (*path, "covered"), entry)
            by = self._group(self._need(data, "by", path), (*path, "by"), entry)
            return Covered(index, path, group, by, _present(self._inner(data, "where", path, by, group, depth, required=True)))
        left: FactRef | Aggregate
        kind: str
        known: FactType | None
        if shape == "fact":
            left = self._fact(data["fact"], (*path, "fact"), entry)
            kind, known = left.type.kind, left.type
        else:
            left, kind, known = self._aggregate(shape, data, path, entry, depth)
        return self._compare(index, data, path, left, kind, known, entry, item, depth)

    def _compare(self, index: int, data: dict[str, Any], path: Path, left: FactRef | Aggregate, kind: str, known: FactType | None,
                 entry: Mapping[str, FactType] | None, item: Mapping[str, FactType] | None, depth: int) -> Compare:
        op = self._need(data, "is", path)
        allowed = OPS[kind] - ({"is_known"} if isinstance(left, Aggregate) else set())
        if not isinstance(op, str) or op not in allowed:
            tail = meant(str(op), allowed)
            known_op = isinstance(op, str) and op in ALL_OPS
            raise self._stop((*path, "is"), f"{'此处不能用' if known_op else '不认识比较方式'}“{op}”（{_KIND_ZH[kind]}）。可用的有：{'、'.join(sorted(allowed))}。",
                             f"'{op}' {'does not apply to' if known_op else 'is not a comparison for'} a {kind}. {tail[1]}")
        if op == "is_known":
            if "value" in data:
                self.report((*path, "value"), "“is_known”不带 value，请删去。", "'is_known' takes no value; remove it.")
            return Compare(index, path, left, "is_known", None)
        raw, where = self._need(data, "value", path), (*path, "value")
        many = op in ("in", "not_in") or (op == "starts_with" and (isinstance(raw, list) or self._is_list_param(raw)))
        wants = "choice" if op == "contains" else kind
        right = self._value(raw, where, wants, many, entry, item, depth + 1)
        if isinstance(right, Constant) and known is not None and known.options:
            for one in right.value if many else (right.value,):
                if one not in known.options:
                    tail = meant(str(one), known.options)
                    self.report(where, f"“{one}”不是“{getattr(left, 'name', '')}”的选项。{tail[0]}",
                                f"'{one}' is not an option of '{getattr(left, 'name', '')}'. {tail[1]}")
        return Compare(index, path, left, op, right, many)  # type: ignore[arg-type]

    def _is_list_param(self, raw: Any) -> bool:
        return isinstance(raw, dict) and self.params.get(str(raw.get("param"))) == "texts"

    def _aggregate(self, shape: str, data: dict[str, Any], path: Path, entry: Mapping[str, FactType] | None,
                   depth: int) -> tuple[Aggregate, str, FactType | None]:
        group = self._group(data[shape], (*path, shape), entry)
        of: FactRef | None = None
        kind = "number"
        if shape != "count":
            of = self._fact(self._need(data, "of", path), (*path, "of"), group.type.entry, only_entry=True)
            wanted = {"sum": {"number"}, "min": {"number", "date"}, "max": {"number", "date"}, "years_union": {"period"}}[shape]
            if of.type.kind not in wanted:
                raise self._stop((*path, "of"), f"“{shape}”不能用于“{of.name}”（{_KIND_ZH[of.type.kind]}）。",
                                 f"'{shape}' cannot be taken of '{of.name}' (a {of.type.kind}).")
            kind = "date" if of.type.kind == "date" else "number"
        scope = self._inner(data, "where", path, group, None, depth, required=False)
        name = data.get("as")
        if name is not None and (not isinstance(name, str) or not name.isidentifier()):
            self.report((*path, "as"), "“as”应为一个由字母和下划线组成的名字。", "'as' must be a name of letters and underscores.")
            name = None
        if name is not None:
            self.named.add(name)
        return Aggregate(shape, group, of, scope, name), kind, None  # type: ignore[arg-type]

    def _inner(self, data: dict[str, Any], key: str, path: Path, group: FactRef, item: FactRef | None, depth: int,
               *, required: bool) -> Scope | None:
        if key not in data:
            if required:
                self._need(data, key, path)
            return None
        scope = self.scope(data[key], (*path, key), entry=group.type.entry, item=item.type.entry if item else None, depth=depth + 1)
        if scope is None:
            raise _Stop
        return scope

    # -- facts and values

    def _group(self, name: Any, path: Path, entry: Mapping[str, FactType] | None) -> FactRef:
        if entry is not None:
            raise self._stop(path, "条目之内不能再统计另一组条目；两组之间请用 covered。", "Entries cannot be counted inside entries; relate two groups with 'covered'.")
        fact = self._fact(name, path, None)
        if fact.type.kind != "group":
            raise self._stop(path, f"“{fact.name}”不是可重复的组（{_KIND_ZH[fact.type.kind]}）。", f"'{fact.name}' is not a repeatable group (it is a {fact.type.kind}).")
        return fact

    def _fact(self, name: Any, path: Path, entry: Mapping[str, FactType] | None, *, only_entry: bool = False) -> FactRef:
        if isinstance(name, str) and entry is not None and name in entry:
            return FactRef(name, True, entry[name])
        if isinstance(name, str) and not only_entry and name in self.facts:
            self.used_facts.add(name)
            return FactRef(name, False, self.facts[name])
        known = set(entry or ()) | (set() if only_entry else set(self.facts))
        tail = meant(str(name), known)
        raise self._stop(path, f"没有名为“{name}”的事实或字段。{tail[0]}", f"There is no fact or field '{name}'. {tail[1]}")

    def _value(self, raw: Any, path: Path, wants: str, many: bool, entry: Mapping[str, FactType] | None,
               item: Mapping[str, FactType] | None, depth: int) -> Value:
        if not isinstance(raw, dict):
            return self._constant(raw, path, wants, many)
        if "param" in raw:
            self._only(raw, {"param"}, path)
            return self._param(raw["param"], (*path, "param"), wants, many)
        if "years_before" in raw:
            self._only(raw, {"years_before", "years"}, path)
            if wants != "date" or many:
                raise self._stop(path, f"此处需要{_KIND_ZH[wants]}，years_before 给出的是日期。", f"A {wants} is needed here; years_before gives a date.")
            return YearsBefore(self._value(raw["years_before"], (*path, "years_before"), "date", False, entry, item, depth + 1),
                               self._value(self._need(raw, "years", path), (*path, "years"), "number", False, entry, item, depth + 1))
        if "item" in raw:
            self._only(raw, {"item"}, path)
            if item is None or raw["item"] not in item:
                tail = meant(str(raw["item"]), item or {})
                raise self._stop((*path, "item"), f"没有名为“{raw['item']}”的条目字段（item 只能用在 covered 里）。{tail[0]}",
                                 f"There is no item field '{raw['item']}' (item belongs in covered). {tail[1]}")
            self._fits(item[raw["item"]].kind, wants, many, path)
            return ItemRef(raw["item"], item[raw["item"]])
        if "fact" in raw:
            self._only(raw, {"fact"}, path)
            fact = self._fact(raw["fact"], (*path, "fact"), entry)
            self._fits(fact.type.kind, wants, many, path)
            return fact
        raise self._stop(path, "值应为常数、列表，或 {param: …}、{fact: …}、{item: …}、{years_before: …, years: …} 之一。",
                         "A value is a constant, a list, or one of {param}, {fact}, {item}, {years_before, years}.")

    def _fits(self, kind: str, wants: str, many: bool, path: Path) -> None:
        texts = {"text", "choice", "specialty"}
        if many and kind == "choices" and wants in texts:
            return
        if many or not (kind == wants or (kind in texts and wants in texts)):
            raise self._stop(path, f"此处需要{'一组' if many else ''}{_KIND_ZH[wants]}，得到的是{_KIND_ZH[kind]}。",
                             f"{'A list of ' if many else 'A '}{wants} is needed here, not a {kind}.")

    def _param(self, name: Any, path: Path, wants: str, many: bool) -> ParamRef:
        kind = self.params.get(name) if isinstance(name, str) else None
        if kind is None:
            tail = meant(str(name), self.params)
            raise self._stop(path, f"参数“{name}”没有声明。{tail[0]}", f"Parameter '{name}' is not declared. {tail[1]}")
        self.used_params.add(name)
        wanted = _LISTS.get(wants, "") if many else {"choice": "text", "specialty": "text"}.get(wants, wants)
        if kind not in (wanted, "mixed"):
            raise self._stop(path, f"参数“{name}”的值不能与{_KIND_ZH[wants]}比较。", f"The value of parameter '{name}' ({kind}) cannot be compared with a {wants}.")
        return ParamRef(name)

    def _constant(self, raw: Any, path: Path, wants: str, many: bool) -> Constant:
        if many:
            if not isinstance(raw, list) or not raw:
                raise self._stop(path, "此处应为至少一项的列表。", "A list with at least one value is needed here.")
            if len(raw) > MAX_LISTED:
                raise self._stop(path, f"此处的列表有 {len(raw)} 项，至多 {MAX_LISTED} 项。", f"The list has {len(raw)} values; at most {MAX_LISTED} are allowed.")
            return Constant(tuple(self._constant(one, (*path, at), wants, False).value for at, one in enumerate(raw)))
        value = read_constant(raw, wants)
        if value is None:
            raise self._stop(path, f"此处应为{_KIND_ZH[wants]}，现为“{str(raw)[:40]}”。", f"A {wants} is needed here; found '{str(raw)[:40]}'.")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise self._stop(path, f"此处的文字有 {len(value)} 字，至多 {MAX_TEXT} 字。", f"The text has {len(value)} characters; at most {MAX_TEXT} are allowed.")
        return Constant(value)

    def _need(self, data: dict[str, Any], key: str, path: Path) -> Any:
        if key not in data:
            raise self._stop(path, f"缺少“{key}”，请补上。", f"'{key}' is missing; add it.")
        return data[key]

    def _only(self, data: dict[str, Any], keys: set[str], path: Path) -> None:
        for key in data:
            if key not in keys:
                tail = meant(str(key), keys)
                self.report((*path, key), f"不认识的键“{key}”。{tail[0]}", f"Unknown key '{key}'. {tail[1]}")

    def _stop(self, path: Path, zh: str, en: str) -> _Stop:
        self.reported += 1
        self.report(path, zh, en)
        return _Stop()


class _Counter:
    def __init__(self) -> None:
        self.next = 0

    def take(self) -> int:
        self.next += 1
        return self.next - 1


def read_constant(raw: Any, wants: str) -> Any:
    """A constant as the engine compares it (Decimal, date, str, bool), None when it is not of that kind."""
    if wants == "boolean":
        return raw if isinstance(raw, bool) else None
    if wants == "number":
        return as_number(raw) if not isinstance(raw, str) else None
    if wants == "date":
        try:
            day = iso_date(raw)
        except Fault:
            return None
        return day if isinstance(day, date) else None
    return raw if isinstance(raw, str) else None


def _brief(sentence: str) -> str:
    """A sentence that quotes what somebody wrote, without all of it."""
    return sentence if len(sentence) <= 1000 else f"{sentence[:400]}…{sentence[-400:]}"


def _whole(nodes: list[Node | None]) -> list[Node]:
    if any(node is None for node in nodes):
        raise _Stop
    return [node for node in nodes if node is not None]


def _present(scope: Scope | None) -> Scope:
    if scope is None:
        raise _Stop
    return scope


_KIND_ZH = {"text": "文字", "number": "数", "date": "日期", "boolean": "是/否", "choice": "选项", "choices": "多选", "period": "起止年月",
            "group": "可重复的组", "files": "材料", "specialty": "专业"}
