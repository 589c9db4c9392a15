"""Writes `bench/by_hand.py`: the shipped criteria as the Python somebody would write who needs the same trace and nothing else.

Straight down, no function per condition; a value of a kind is read by a small function, dates, numbers and periods by those of `rules`,
as the engine does. Run `python -m bench.writing` when a department's criteria have changed; `bench.criteria` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rules.bundle import Bundle, read_folder
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

PLUGINS = Path(__file__).parent.parent / "plugins"
PAGE = Path(__file__).parent / "by_hand.py"
HEAD = '''"""The criteria of the shipped departments as plain Python, with the trace the engine leaves; written by `bench.writing`."""

from __future__ import annotations

from rules.ages import months_union, span, years_before
from rules.evaluation import Seen, as_date
from rules.numbers import as_number

NOTHING: dict = {}


def boolean_of(raw):
    return raw if type(raw) is bool else None


def text_of(raw):
    return raw if type(raw) is str else None


def code_of(raw):
    return raw["code"] if type(raw) is dict and type(raw.get("code")) is str else None


def entries_of(raw):
    return [one if type(one) is dict else NOTHING for one in raw] if type(raw) in (list, tuple) else None


def before(day, years):
    if day is None or years is None or years != int(years) or not -10_000 < years < 10_000:
        return None
    return years_before(day, int(years))
'''
_OPS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "on_or_before": "<=", "after": ">", "in": "in", "not_in": "not in"}
_READ = {"text": "text_of({0})", "choice": "text_of({0})", "boolean": "boolean_of({0})",
         "number": "as_number({0})", "date": "as_date({0})", "specialty": "code_of({0})", "period": "{0} if type({0}) is dict else None",
         "choices": "tuple(one for one in {0} if type(one) is str) if type({0}) in (list, tuple) else None", "files": "{0} if type({0}) is list and {0} else None",
         "group": "entries_of({0})"}


def departments() -> Iterator[Bundle]:
    centre = read_folder(PLUGINS / "centre")
    for folder in sorted(PLUGINS.iterdir()):
        if folder.name != "centre" and (folder / "criteria.yaml").exists():
            yield read_folder(folder, centre=centre)


def page() -> str:
    """The whole module."""
    return HEAD + "".join(f"\n\n{_function(bundle)}" for bundle in departments())


def _function(bundle: Bundle) -> str:
    assert bundle.criteria is not None
    lines = [f"def {bundle.code}(facts, params, on):", "    get, found = facts.get, []"]
    for criterion in bundle.criteria.criteria:
        slots: dict[int, str] = {}
        written = _Lines()
        truth = written.node(criterion.node, "", slots)
        lines += ["", f"    # {criterion.id}", *("    " + line for line in written.lines),
                  f"    found.append(({truth}, [{', '.join(slots[at] for at in sorted(slots))}]))"]
    return "\n".join([*lines, "    return found", ""])


class _Lines:
    """The lines of one criterion. `node` answers the name of the node's truth and notes what belongs in which slot of the trace."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = ""

    def add(self, *lines: str) -> None:
        self.lines += [self.indent + line for line in lines]

    def node(self, node: Node, place: str, slots: dict[int, str]) -> str:
        name = f"{place}{node.index}"
        if isinstance(node, Logical):
            below = [self.node(one, place, slots) for one in node.nodes]
            truth = slots[node.index] = f"t{name}"
            first, other = ("False", "True") if node.op in ("all", "not") else ("True", "False")
            ends = (other, first) if node.op in ("none", "not") else (first, other)
            decided = " or ".join(f"{one} is {first}" for one in below)
            unknown = " or ".join(f"{one} is None" for one in below)
            self.add(f"{truth} = {ends[0]} if {decided} else None if {unknown} else {ends[1]}")
            return truth
        if isinstance(node, (Quantified, Covered)):
            return self._quantified(node, name, slots)
        if isinstance(node.left, Aggregate):
            return self._aggregate(node, node.left, name, slots)
        seen, truth = f"v{name}", f"t{name}"
        self._read(seen, node.left)
        if node.right is None:
            slots[node.index] = f"({seen} is not None, {seen}, None, None)"
            self.add(f"{truth} = {seen} is not None")
            return truth
        against = self._value(node.right, f"a{name}")
        compared = f"{seen}.startswith({against})" if node.op == "starts_with" else f"{against} in {seen}" if node.op == "contains" else f"{seen} {_OPS[node.op]} {against}"
        if against in ("True", "False"):
            compared = seen if (against == "True") == (node.op == "eq") else f"not {seen}"
        missing = f"{seen} is None" + ("" if isinstance(node.right, Constant) else f" or {against} is None")
        self.add(f"{truth} = {seen}" if compared == seen else f"{truth} = None if {missing} else {compared}")
        slots[node.index] = f"({truth}, {seen}, {against}, None)"
        return truth

    def _read(self, name: str, ref: FactRef | ItemRef) -> None:
        source = "item.get" if isinstance(ref, ItemRef) else "one.get" if ref.inner else "get"
        reading = _READ[ref.type.kind]
        if reading.count("{0}") == 1:
            self.add(f"{name} = {reading.format(f'{source}({ref.name!r})')}")
        else:
            self.add(f"{name} = {source}({ref.name!r})", f"{name} = {reading.format(name)}")

    def _value(self, value: Value, name: str) -> str:
        if isinstance(value, Constant):
            return repr(value.value).replace("datetime.date", "date")
        if isinstance(value, ParamRef):
            self.add(f"{name} = params.get({value.name!r})")
        elif isinstance(value, (FactRef, ItemRef)):
            self._read(name, value)
        else:
            day, years = self._value(value.day, f"{name}d"), self._value(value.years, f"{name}y")
            self.add(f"{name} = before({day}, {years})")
        return name

    def _entries(self, node: Node, place: str) -> str:
        """The body of a loop over entries: truth of the inner tree, its trace in `own`."""
        inner: dict[int, str] = {}
        truth = self.node(node, place, inner)
        self.add(f"own = [{', '.join(inner[at] for at in sorted(inner))}]")
        return truth

    def _quantified(self, node: Quantified | Covered, name: str, slots: dict[int, str]) -> str:
        slots[node.index] = f"s{name}"
        assert isinstance(node, Quantified), "no shipped department relates two groups"
        first, other = ("False", "True") if node.kind == "every" else ("True", "False")
        self.add(f"group = entries_of(get({node.group.name!r}))", "if group is None:", f"    t{name}, s{name} = None, (None, None, None, None)", "else:",
                 f"    t{name}, traces = {other}, []", "    for one in group:")
        self.indent += "        "
        inner = self._entries(node.scope.node, f"{name}_")
        self.add("traces.append(own)", f"if {inner} is {first}:", f"    t{name} = {first}", f"elif {inner} is None and t{name} is {other}:", f"    t{name} = None")
        self.indent = self.indent[:-8]
        self.add(f"    s{name} = (t{name}, len(group), None, traces)")
        return f"t{name}"

    def _aggregate(self, node: Compare, left: Aggregate, name: str, slots: dict[int, str]) -> str:
        slots[node.index] = f"s{name}"
        assert node.right is not None and not node.many and left.kind in ("count", "years_union"), "no shipped department asks otherwise"
        self.add(f"group = entries_of(get({left.group.name!r}))")
        hoisted = self._value(node.right, f"a{name}")
        if left.of is None and left.where is None:
            return self._plain_count(node, hoisted, name)
        self.add("if group is None:", f"    t{name}, s{name} = None, (None, None, {hoisted}, None, ())", "else:", "    sure, maybe, gaps, traces = [], [], [], []",
                 f"    for {'one in group' if left.of is None else 'at, one in enumerate(group)'}:")
        self.indent += "        "
        if left.where is None:
            self.add("traces.append(None)")
            inner = "True"
        else:
            inner = self._entries(left.where.node, f"{name}_")
            self.add("traces.append(own)", f"if {inner} is False:", "    continue")
        if left.of is None:
            self.add(f"(sure if {inner} else maybe).append(1)")
        else:
            self.add(f"value = span(one.get({left.of.name!r}), on)", "if value is None:", "    gaps.append(at)")
            self.add(*(("else:", "    sure.append(value)") if inner == "True" else (f"elif {inner}:", "    sure.append(value)", "else:", "    maybe.append(value)")))
        self.indent = self.indent[:-8]
        if left.kind == "count":
            self.add("    low = len(sure)", "    high = low + len(maybe)")
        else:
            self.add("    low = months_union(sure)", "    high = None if gaps else months_union(sure + maybe) if maybe else low")
        bound = f"{hoisted} * 12" if left.kind == "years_union" else hoisted
        if not isinstance(node.right, Constant):
            self.add(f"    if {hoisted} is None:", f"        t{name} = None", "    elif low == high:")
        else:
            self.add("    if low == high:")
        self.add(f"        t{name} = low {_OPS[node.op]} {bound}", "    else:", f"        t{name} = {_range(node.op, bound)}")
        self.add(f"    s{name} = (t{name}, Seen(low, high), {hoisted}, traces, gaps)")
        return f"t{name}"


    def _plain_count(self, node: Compare, bound: str, name: str) -> str:
        self.add("if group is None:", f"    t{name}, s{name} = None, (None, None, {bound}, None, ())", "else:", "    low = len(group)",
                 f"    t{name} = None if {bound} is None else low {_OPS[node.op]} {bound}",
                 f"    s{name} = (t{name}, Seen(low, low), {bound}, [None] * low, [])")
        return f"t{name}"


def _range(op: str, bound: str) -> str:
    """A comparison of the range from `low` to `high` (None: open)."""
    if op in ("ge", "gt"):
        return f"True if low {_OPS[op]} {bound} else False if high is not None and not high {_OPS[op]} {bound} else None"
    if op in ("le", "lt"):
        return f"True if high is not None and high {_OPS[op]} {bound} else False if not low {_OPS[op]} {bound} else None"
    return f"{op == 'ne'} if low > {bound} or (high is not None and high < {bound}) else None"


if __name__ == "__main__":
    PAGE.write_text(page())
