"""Decision tables: rows of conditions, a second way to write the same tree.

A table is read into the ordinary nodes of `rules.tree`, so that evaluation, trace and everything made from trees need to know
nothing of tables: the rows are asked from the top, and the first one that applies gives its outcome. `hit: any` and
`hit: unique` are promises about the rows (“what overlaps says the same”, “nothing overlaps”), held here as far as the values
can be known, with an example. Said in words, a row keeps its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from rules.documents import MAX_DEPTH, Path, meant
from rules.evaluation import comparison, read_fact
from rules.parameters import Parameter
from rules.parts import Text
from rules.tree import Aggregate, Compare, Constant, Logical, Node, ParamRef, Reader

MAX_ROWS = 200
MAX_COLUMNS = 30
MAX_CHECKS = 20_000
HITS = ("first", "any", "unique")
_KEYS = {"columns", "rows", "hit", "otherwise"}
_MET = {True: Text(zh="满足", en="met"), False: Text(zh="不满足", en="not met")}
_SAID = {"first": Text(zh="决策表，自上而下以第一条符合的行为准", en="decision table, from the top the first row that applies counts"),
         "any": Text(zh="决策表，符合的行结论一致", en="decision table, rows that apply agree"),
         "unique": Text(zh="决策表，至多一行符合", en="decision table, at most one row applies")}


@dataclass(frozen=True, slots=True)
class Row:
    """One row read: the comparisons of its filled cells by column, and its outcome."""

    number: int
    path: Path
    cells: Mapping[int, Node]
    outcome: bool


def read_table(reader: Reader, data: Any, path: Path, around: Any, depth: int) -> Node:
    """The tree of a table; every problem is reported with its row and column. `around` is what the reader hands its own nodes."""
    if not isinstance(data, dict):
        raise reader.stop(path, "table 应为映射：columns、rows、hit、otherwise。", "'table' must be a mapping of columns, rows, hit, otherwise.")
    for key in data:
        if key not in _KEYS:
            zh, en = meant(str(key), _KEYS)
            reader.report((*path, str(key)), f"决策表不认识键“{str(key)[:40]}”。{zh}", f"A table does not know the key '{str(key)[:40]}'. {en}")
    columns, raw_rows = _listed(reader, data, "columns", path, MAX_COLUMNS), _listed(reader, data, "rows", path, MAX_ROWS)
    hit, otherwise = data.get("hit", "first"), data.get("otherwise")
    if hit not in HITS:
        raise reader.stop((*path, "hit"), f"hit 只能是 {'、'.join(HITS)}。", f"'hit' must be one of {', '.join(HITS)}.")
    if not isinstance(otherwise, bool):
        raise reader.stop((*path, "otherwise"), "请写明 otherwise: true 或 false（没有一行符合时的结论）。",
                          "Say otherwise: true or false (the outcome when no row applies).")
    for at, column in enumerate(columns):
        if not isinstance(column, dict) or "value" in column:
            raise reader.stop((*path, "columns", at), "列应为不带 value 的比较，例如 {fact: age, is: le}；值写在各行里。",
                              "A column is a comparison without its value, such as {fact: age, is: le}; the values stand in the rows.")
    counter = around[-1]
    root = counter.take()                                 # a node's number is its place in the trace; the table's own comes first
    rows = [_row(reader, columns, row, (*path, "rows", at), at + 1, around, depth) for at, row in enumerate(raw_rows)]
    if any(row is None for row in rows):
        raise reader.stopped
    whole = [row for row in rows if row is not None]
    _hold_promise(reader, hit, whole, path)
    while whole and whole[-1].outcome == otherwise:
        whole.pop()                                       # what the last rows say, `otherwise` says too
    if not whole:
        raise reader.stop(path, "每一行的结论都与 otherwise 相同，这张表什么也不决定。", "Every row says the same as 'otherwise': the table decides nothing.")
    return _chain(reader, whole, path, counter, depth, Text(zh=f"{_SAID[hit].zh}，都不符合为{_MET[otherwise].zh}",
                                                            en=f"{_SAID[hit].en}, otherwise {_MET[otherwise].en}"), root)


def _listed(reader: Reader, data: dict[str, Any], key: str, path: Path, most: int) -> list[Any]:
    found = data.get(key)
    if not isinstance(found, list) or not found or len(found) > most:
        raise reader.stop((*path, key), f"{key} 应为 1 至 {most} 项的列表。", f"'{key}' must be a list of 1 to {most} items.")
    return found


def _row(reader: Reader, columns: list[dict[str, Any]], data: Any, path: Path, number: int, around: Any, depth: int) -> Row | None:
    if not isinstance(data, dict) or set(data) != {"when", "then"} or not isinstance(data["then"], bool):
        reader.report(path, "行应写成 {when: [各列的值], then: true 或 false}。", "A row is written {when: [a value per column], then: true or false}.")
        return None
    when = data["when"]
    if not isinstance(when, list) or len(when) != len(columns):
        reader.report((*path, "when"), f"此行应有 {len(columns)} 个值，每列一个，任何值都可以的写 null。",
                      f"This row needs {len(columns)} values, one per column; write null where any value will do.")
        return None
    if all(one is None for one in when):
        reader.report((*path, "when"), "此行没有填任何值，对谁都符合；请改用 otherwise。", "This row is blank and applies to everybody; use 'otherwise' instead.")
        return None
    cells = {at: _cell(reader, columns[at], at, value, (*path, "when", at), around, depth) for at, value in enumerate(when) if value is not None}
    if any(node is None for node in cells.values()):
        return None
    return Row(number, path, {at: node for at, node in cells.items() if node is not None}, data["then"])


def _cell(reader: Reader, column: dict[str, Any], number: int, value: Any, path: Path, around: Any, depth: int) -> Node | None:
    """The comparison of one cell. What is wrong with the column is told of the column, what is wrong with the value of the cell."""
    entry, item, counter = around
    of_column = (*path[:-4], "columns", number)
    report = reader.report

    def placed(where: Path, zh: str, en: str, *code: str) -> None:
        below = where[len(path):]
        report((*path, *below[1:]) if below[:1] == ("value",) else (*of_column, *below), zh, en, *code)

    known = column.get("is") == "is_known"
    if known and not isinstance(value, bool):
        report(path, "“is_known”一列填 true（已填写）、false（未填写）或 null。", "A column with 'is_known' holds true (stated), false (not stated) or null.")
        return None
    written = column if known else {**column, "value": value}
    if known and value is False:
        written = {"not": written}
    reader.report = placed
    try:
        return reader.node(written, path, entry, item, counter, depth + 2)
    finally:
        reader.report = report


def _chain(reader: Reader, rows: list[Row], path: Path, counter: Any, depth: int, said: Text, index: int) -> Node:
    """any[row, …, rest] for rows that say true, all[not row, …, rest] for rows that say false: exactly “the first counts”.

    While a row is unknown the outcome is known only when what follows says the same, which is what any and all do.
    """
    if depth > MAX_DEPTH:
        raise reader.stop(path, f"表中结论交替超过 {MAX_DEPTH} 次，请把结论相同的行放在一起。",
                          f"The outcome alternates more than {MAX_DEPTH} times; put rows with the same outcome together.")
    outcome = rows[0].outcome
    length = next((at for at, row in enumerate(rows) if row.outcome != outcome), len(rows))
    nodes: list[Node] = []
    for row in rows[:length]:
        turned = counter.take() if not outcome else 0
        label = Text(zh=f"第 {row.number} 行（{_MET[outcome].zh}）", en=f"row {row.number} ({_MET[outcome].en})")
        node = Logical(counter.take(), row.path, "all", tuple(row.cells.values()), said=label)
        nodes.append(node if outcome else Logical(turned, row.path, "not", (node,), said=Text(
            zh=f"第 {row.number} 行不适用", en=f"row {row.number} does not apply")))
    if rows[length:]:
        nodes.append(_chain(reader, rows[length:], path, counter, depth + 1, Text(zh="其后各行", en="the rows below"), counter.take()))
    return Logical(index, path, "any" if outcome else "all", tuple(nodes), said=said)


# -- overlaps ---------------------------------------------------------------------------------------------------------

def _hold_promise(reader: Reader, hit: str, rows: list[Row], path: Path) -> None:
    """Report every pair of rows that breaks the promise of `hit`, with values for which both apply.

    Pairs are compared by constants and by parameters on each day one changes; a value taken from another fact is left open.
    """
    if hit == "first":
        return
    asked = 0
    for at, lower in enumerate(rows):
        for upper in rows[:at]:
            if hit == "any" and upper.outcome == lower.outcome:
                continue
            days = _days(reader, upper, lower)
            asked += len(days)
            if asked > MAX_CHECKS:
                reader.report((*path, "hit"), f"行和参数的期间太多，核对不了“{hit}”；请改用 first，或把表拆小。",
                              f"Too many rows and dated parameters to check '{hit}'; use 'first', or split the table.")
                return
            found = next((example for day in days if (example := _both_apply(reader, upper, lower, day)) is not None), None)
            if found is not None:
                zh = "unique 要求至多一行符合" if hit == "unique" else "any 要求同时符合的行结论一致"
                en = "'unique' lets at most one row apply" if hit == "unique" else "'any' wants rows that apply together to agree"
                reader.report(lower.path, f"第 {upper.number} 行与第 {lower.number} 行会同时符合，例如 {'，'.join(found)}；{zh}。",
                              f"Rows {upper.number} and {lower.number} can both apply, for example {', '.join(found)}; {en}.", "C108")


def _days(reader: Reader, *rows: Row) -> list[date]:
    """Every day on which a parameter that these rows compare with gets a value; any one day when there is none."""
    names = {node.right.name for row in rows for node in row.cells.values() if isinstance(node, Compare) and isinstance(node.right, ParamRef)}
    return sorted({dated.start for name in names if name in reader.values for dated in reader.values[name].values}) or [date.min]


def _both_apply(reader: Reader, upper: Row, lower: Row, day: date) -> list[str] | None:
    """Values for which both rows apply, as `name = value`; None when there are none, or when it cannot be told."""
    by_left: dict[str, tuple[Compare, list[tuple[str, Any]]]] = {}
    for node in (*upper.cells.values(), *lower.cells.values()):
        compare, op = (node.nodes[0], "is_unknown") if isinstance(node, Logical) else (node, node.op if isinstance(node, Compare) else "")
        if not isinstance(compare, Compare):
            return None
        value: Any = None
        if compare.right is not None:
            if isinstance(compare.right, Constant):
                value = compare.right.value
            elif isinstance(compare.right, ParamRef):
                value = _value_on(reader.values.get(compare.right.name), day)
            if value is None:
                return None
        by_left.setdefault(_left_key(compare), (compare, []))[1].append((op, value))
    shown: list[str] = []
    for compare, constraints in by_left.values():
        found = next((one for one in _candidates(compare, constraints) if _fits(one, constraints)), _NONE)
        if found is _NONE:
            return None
        name = compare.left.name if not isinstance(compare.left, Aggregate) else compare.left.name or f"{compare.left.kind} {compare.left.group.name}"
        shown.append(f"{name} = {'?' if found is None else found if not isinstance(found, tuple) else '、'.join(found)}")
    return shown


_NONE = object()


def _left_key(compare: Compare) -> str:
    left = compare.left
    return repr((left.kind, left.group.name, left.of, _unplaced(left.where.node) if left.where else None) if isinstance(left, Aggregate) else (left.name, left.inner))


def _unplaced(node: Any) -> Any:
    """A node without the places it was written at, to tell whether two columns ask the same."""
    slots = getattr(type(node), "__slots__", ()) if type(node).__module__ == "rules.tree" else ()
    if slots:
        return (type(node).__name__, *(_unplaced(getattr(node, slot)) for slot in slots if slot not in ("path", "index", "type", "said")))
    return tuple(_unplaced(one) for one in node) if isinstance(node, tuple) else node


def _value_on(parameter: Parameter | None, day: date) -> Any:
    dated = parameter.dated_on(day) if parameter is not None else None
    if parameter is None or dated is None:
        return None
    kind = {"numbers": "number", "texts": "text"}.get(parameter.kind, parameter.kind)
    if isinstance(dated.value, tuple):
        return tuple(read_fact(kind, one) for one in dated.value)
    return read_fact(kind, dated.value) if kind != "mixed" else None


def _fits(value: Any, constraints: list[tuple[str, Any]]) -> bool:
    for op, bound in constraints:
        if value is None or op in ("is_known", "is_unknown"):
            if (op == "is_unknown") is not (value is None):
                return False
        elif op == "starts_with" and isinstance(bound, str):
            if not value.startswith(bound):
                return False
        elif not comparison(op)(value, bound):
            return False
    return True


def _candidates(compare: Compare, constraints: list[tuple[str, Any]]) -> Iterator[Any]:
    """Values enough to decide whether all constraints on one left side can hold together."""
    yield None
    left = compare.left
    bounds = [one for op, value in constraints if value is not None for one in (value if isinstance(value, tuple) else (value,))]
    if isinstance(left, Aggregate):
        kind, whole, options = "date" if left.of is not None and left.of.type.kind == "date" else "number", left.kind == "count", ()
    else:
        kind, whole, options = left.type.kind, left.type.whole, tuple(left.type.options)  # type: ignore[assignment]
    if kind == "boolean":
        yield from (True, False)
    elif kind == "choices":
        yield tuple(dict.fromkeys(bounds))
    elif options:
        yield from options
    elif kind == "date":
        step = timedelta(days=1)
        yield from (bounds or [date(2000, 1, 1)])
        yield from (day - step for day in bounds if day > date.min)
        yield from (day + step for day in bounds if day < date.max)
    elif kind == "number":
        ordered = sorted(set(bounds)) or [0]
        yield from ordered
        for one in ordered:
            yield from (number for number in (one - 1, one + 1) if not (isinstance(left, Aggregate) and left.kind in ("count", "years_union") and number < 0))
        if not whole:
            yield from ((Decimal(one) + Decimal(other)) / 2 for one, other in pairwise(ordered))
    elif kind in ("text", "choice", "specialty"):
        yield from bounds
        yield from (f"{one}0" for one in bounds)
        yield "…"
    else:
        yield ()
