"""What excludes what, in words and as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.checks.formulas import Fact, Leaf, params_of
from rules.checks.questions import Conflict, World
from rules.documents import dotted
from rules.evaluation import plain
from rules.parameters import Parameter
from rules.wording import in_words


def excluded_words(conflicts: Iterable[Conflict], world: World, params: Mapping[str, Parameter]) -> tuple[str, str]:
    """Every conflict as part of a sentence, in both languages."""
    said = [_in_words(one, world, params) for one in conflicts]
    return "；".join(zh for zh, _ in said) or "没有可能的取值", "; ".join(en for _, en in said) or "no values are possible"


def _in_words(conflict: Conflict, world: World, params: Mapping[str, Parameter]) -> tuple[str, str]:
    """What excludes what, with the values of the day."""
    parts = [_item_in_words(item, world, params) for item in conflict.items]
    if len(parts) == 1:
        return f"{parts[0][0]}，这不可能", f"{parts[0][1]}, which is impossible"
    return f"{'、'.join(zh for zh, _ in parts)}不能同时成立", f"{' and '.join(en for _, en in parts)} exclude each other"


def excluded_data(conflicts: Iterable[Conflict], world: World, params: Mapping[str, Parameter]) -> dict[str, Any]:
    """The same as JSON: the leaves that exclude each other, where they stand, and the parameters' values."""
    said = []
    for conflict in conflicts:
        said.append([{"key": dotted(item.node.path), "words": in_words(item.node, "zh", params),
                      "holds": item.truth if isinstance(item, Leaf) else item.there,
                      "values": {name: plain(world.params.get(name)) for name in sorted(params_of(item.node))}} for item in conflict.items])
    return {"day": world.day.isoformat(), "exclude": said}


def _item_in_words(item: Leaf | Fact, world: World, params: Mapping[str, Parameter]) -> tuple[str, str]:
    values = [f"{name} = {plain(world.params.get(name))}" for name in sorted(params_of(item.node))]
    zh, en = in_words(item.node, "zh", params), in_words(item.node, "en", params)
    if values:
        zh, en = f"{zh}（{'，'.join(values)}）", f"{en} ({', '.join(values)})"
    if isinstance(item, Fact):
        name = item.var[1]
        return (f"“{zh}”所需的“{name}”有值", f"“{name}” is stated, as “{en}” needs") if item.there else (f"“{name}”没有值", f"“{name}” is not stated")
    if item.truth is None:
        return f"“{zh}”无法判断", f"“{en}” is unknown"
    return (f"“{zh}”", f"“{en}”") if item.truth else (f"“{zh}”不成立", f"not “{en}”")
