"""Saying a tree, a value and a trace in words, in Chinese and English. Whole phrases per node; fragments are never glued blindly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.ages import OPEN
from rules.evaluation import Seen, plain
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
    YearsBefore,
)

Params = Mapping[str, Parameter]

_OPS = {
    "zh": {"eq": "为", "ne": "不为", "lt": "少于", "le": "不超过", "gt": "超过", "ge": "不少于", "in": "属于", "not_in": "不属于", "contains": "包含",
           "on_or_before": "不晚于", "after": "晚于", "starts_with": "以此开头："},
    "en": {"eq": "is", "ne": "is not", "lt": "is less than", "le": "is at most", "gt": "is more than", "ge": "is at least", "in": "is one of",
           "not_in": "is none of", "contains": "includes", "on_or_before": "is on or before", "after": "is after", "starts_with": "starts with"},
}
_DATE_OPS = {"zh": {"lt": "早于", "le": "不晚于", "gt": "晚于", "ge": "不早于"},
             "en": {"lt": "is before", "le": "is on or before", "gt": "is after", "ge": "is on or after"}}
_JOIN = {"zh": {"all": "以下全部满足", "any": "以下至少满足一项", "none": "以下均不成立", "not": "以下不成立"},
         "en": {"all": "all of these hold", "any": "at least one of these holds", "none": "none of these holds", "not": "this does not hold"}}


def in_words(node: Node, lang: str = "zh", params: Params | None = None) -> str:
    """The node and everything below it as one sentence."""
    params = params or {}
    if isinstance(node, Logical):
        inner = ("; " if lang == "en" else "；").join(in_words(below, lang, params) for below in node.nodes)
        said = headline(node, lang, params)
        return f"{said}: ({inner})" if lang == "en" else f"{said}：（{inner}）"
    if isinstance(node, (Quantified, Covered)):
        inner = in_words(node.scope.node, lang, params)
        return f"{headline(node, lang, params)}: {inner}" if lang == "en" else f"{headline(node, lang, params)}：{inner}"
    return headline(node, lang, params)


def headline(node: Node, lang: str = "zh", params: Params | None = None) -> str:
    """The node without what is below it."""
    params = params or {}
    if isinstance(node, Logical):
        return node.said.show(lang) if node.said else _JOIN[lang][node.op]
    if isinstance(node, Quantified):
        name = _label(node.group, lang)
        if lang == "en":
            return f"{'every' if node.kind == 'every' else 'at least one'} entry of “{name}”"
        return f"“{name}”的每一条" if node.kind == "every" else f"“{name}”中至少有一条"
    if isinstance(node, Covered):
        a, b = _label(node.group, lang), _label(node.by, lang)
        return f"every entry of “{a}” is covered by one of “{b}”" if lang == "en" else f"“{a}”的每一条都有“{b}”与之对应"
    return _comparison(node, lang, params)


def _comparison(node: Compare, lang: str, params: Params) -> str:
    left = _aggregate(node.left, lang, params) if isinstance(node.left, Aggregate) else _label(node.left, lang)
    if node.right is None:
        return f"{left} is stated" if lang == "en" else f"{left}已填写"
    dates = (node.left.of is not None and node.left.of.type.kind == "date") if isinstance(node.left, Aggregate) else node.left.type.kind == "date"
    op = _DATE_OPS[lang].get(node.op, _OPS[lang][node.op]) if dates else _OPS[lang][node.op]
    years = isinstance(node.left, Aggregate) and node.left.kind == "years_union"
    fact = node.left if isinstance(node.left, FactRef) else None
    value = _value(node.right, lang, params, fact) + ((" years" if lang == "en" else " 年") if years and not isinstance(node.right, ParamRef) else "")
    return f"{left} {op} {value}"


def _aggregate(agg: Aggregate, lang: str, params: Params) -> str:
    group = _label(agg.group, lang)
    of = _label(agg.of, lang) if agg.of else ""
    where = f"（{in_words(agg.where.node, lang, params)}）" if agg.where and lang != "en" else ""
    if lang == "en":
        where = f" (where {in_words(agg.where.node, lang, params)})" if agg.where else ""
        return {"count": f"the number of “{group}”{where}", "sum": f"the sum of “{of}” in “{group}”{where}",
                "min": f"the least “{of}” in “{group}”{where}", "max": f"the greatest “{of}” in “{group}”{where}",
                "years_union": f"the years covered by “{group}”{where}, overlaps counted once,"}[agg.kind]
    return {"count": f"“{group}”{where}的条数", "sum": f"“{group}”{where}的“{of}”合计", "min": f"“{group}”{where}的“{of}”最小值",
            "max": f"“{group}”{where}的“{of}”最大值", "years_union": f"“{group}”{where}累计年限（重叠不重复计算）"}[agg.kind]


def _value(value: Value, lang: str, params: Params, fact: FactRef | None = None) -> str:
    if isinstance(value, Constant):
        values = value.value if isinstance(value.value, tuple) else (value.value,)
        options = fact.type.options if fact else {}
        return ("、" if lang == "zh" else ", ").join(options[one].show(lang) if one in options else show_value(one, lang) for one in values)
    if isinstance(value, ParamRef):
        title = params[value.name].title if value.name in params else None
        return title.show(lang) if title else value.name
    if isinstance(value, YearsBefore):
        day, years = _value(value.day, lang, params), _value(value.years, lang, params)
        return f"the day {years} years before {day}" if lang == "en" else f"{day}之前 {years} 年的同一天"
    return _label(value, lang)


def _label(ref: FactRef | ItemRef, lang: str) -> str:
    return ref.type.label.show(lang) if ref.type.label else ref.name


def show_value(value: Any, lang: str = "zh", *, months: bool = False, options: Mapping[str, Any] | None = None) -> str:
    """A value seen, for a letter or a page; months become years and months."""
    if isinstance(value, Seen):
        if value.low == value.high:
            return show_value(value.low, lang, months=months)
        low = show_value(value.low, lang, months=months) if value.low is not None else "?"
        high = show_value(value.high, lang, months=months) if value.high is not None else "?"
        return f"{low} to {high}" if lang == "en" else f"{low} 至 {high}"
    if value is None:
        return "not stated" if lang == "en" else "未填写"
    if isinstance(value, bool):
        return ("yes" if value else "no") if lang == "en" else ("是" if value else "否")
    if months and isinstance(value, int):
        years, rest = divmod(value, 12)
        if lang == "en":
            return f"{years} years {rest} months" if rest else f"{years} years"
        return f"{years} 年 {rest} 个月" if rest else f"{years} 年"
    if isinstance(value, str):
        return options[value].show(lang) if options and value in options else _shown(value)
    if isinstance(value, dict) and "start" in value:
        end = ("now" if lang == "en" else "至今") if value.get("end") == OPEN else _shown(value.get("end"))
        return f"{_shown(value['start'])} – {end}"
    if isinstance(value, (list, tuple)):
        if all(isinstance(one, str) for one in value):
            return (", " if lang == "en" else "、").join(show_value(one, lang, options=options) for one in value[:20])
        return f"{len(value)} entries" if lang == "en" else f"{len(value)} 条"
    return _shown(value)


def _shown(value: Any) -> str:
    """Short, and fit to be written anywhere: half a surrogate pair is not."""
    return str(plain(value))[:200].encode("utf-8", "replace").decode()


def trace_data(node: Node, trace: list[Any], params: Params) -> dict[str, Any]:
    """The trace of a node and all below it, as JSON: truth, words, the values seen."""
    data: dict[str, Any] = {"words": {"zh": headline(node, "zh", params), "en": headline(node, "en", params)}}
    left = trace[node.index]
    if isinstance(node, Logical):
        data |= {"truth": left, "nodes": [trace_data(below, trace, params) for below in node.nodes]}
        return data
    truth, seen, against, inner = left[:4]
    data["truth"] = truth
    if isinstance(node, Quantified):
        data["seen"] = seen
        data["entries"] = [trace_data(node.scope.node, one, params) for one in inner or ()]
    elif isinstance(node, Covered):
        data["seen"] = seen
        data["entries"] = [[trace_data(node.scope.node, one, params) for one in row] for row in inner or ()]
    else:
        months = isinstance(node.left, Aggregate) and node.left.kind == "years_union"
        options = node.left.type.options if isinstance(node.left, FactRef) else None
        secret = isinstance(node.left, FactRef) and node.left.type.secret
        shown = ("••••••", "••••••") if secret and seen is not None else tuple(show_value(seen, lang, months=months, options=options) for lang in ("zh", "en"))
        data |= {"seen": None if secret else plain(seen), "shown": {"zh": shown[0], "en": shown[1]}}
        if node.right is not None:
            data["against"] = plain(against)
        if isinstance(node.left, Aggregate) and node.left.where is not None:
            data["entries"] = [trace_data(node.left.where.node, one, params) for one in inner or ()]
    return data


def missing_facts(node: Node, trace: list[Any], *, prefix: str = "", item: str | None = "") -> list[str]:
    """The facts whose absence left the node unknown, as paths; empty when it is known.

    `item` is the place of the entry that needs covering; None leaves its fields out, as the first format of traces did.
    """
    left = trace[node.index]
    if isinstance(node, Logical):
        return [] if left is not None else _each(missing_facts(below, trace, prefix=prefix, item=item) for below in node.nodes)
    truth, seen, against, inner, *rest = left
    if truth is not None:
        return []
    if isinstance(node, Quantified):
        if seen is None:
            return [node.group.name]
        return _each(missing_facts(node.scope.node, one, prefix=f"{node.group.name}.{at}.", item=item) for at, one in enumerate(inner))
    if isinstance(node, Covered):
        if seen is None:
            return [node.group.name, node.by.name]
        return _each(missing_facts(node.scope.node, one, prefix=f"{node.by.name}.{at}.", item=None if item is None else f"{node.group.name}.{number}.")
                     for number, (row, known) in enumerate(zip(inner, seen, strict=True)) if known is None for at, one in enumerate(row))
    names: list[str] = []
    if isinstance(node.left, Aggregate):
        group, of = node.left.group.name, node.left.of
        if inner is None:
            names.append(group)
        else:
            if node.left.where is not None:
                for at, one in enumerate(inner):
                    names += missing_facts(node.left.where.node, one, prefix=f"{group}.{at}.", item=item)
            names += [f"{group}.{at}.{of.name}" for at in rest[0] if of is not None]
            if seen is None and not names:                # the least or greatest of nothing
                names.append(group)
    elif seen is None:
        names.append(prefix + node.left.name if node.left.inner else node.left.name)
    if against is None and node.right is not None:
        names += _value_names(node.right, prefix, item)
    return names


def _value_names(value: Value, prefix: str, item: str | None) -> list[str]:
    if isinstance(value, FactRef):
        return [prefix + value.name if value.inner else value.name]
    if isinstance(value, ItemRef):
        return [item + value.name] if item else []
    if isinstance(value, YearsBefore):
        return [*_value_names(value.day, prefix, item), *_value_names(value.years, prefix, item)]
    return []


def _each(lists: Any) -> list[str]:
    return list(dict.fromkeys(name for one in lists for name in one))
