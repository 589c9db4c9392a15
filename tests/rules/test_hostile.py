"""What no honest person writes: facts of any shape, and documents made to break the reader. Nothing raises, nothing takes for ever."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bundle import Bundle, read_documents, read_folder
from rules.criteria import evaluate
from rules.documents import MAX_DEPTH, Problems
from rules.facts import complete, derive
from rules.tree import MAX_LISTED, MAX_NODES, MAX_TEXT, Aggregate, Covered, Logical, Quantified
from tests.rules.conftest import DEPARTMENT, as_bytes
from tests.rules.generating import built, documents

PLUGINS = Path(__file__).parents[2] / "plugins"
ON = date(2026, 6, 15)
CODES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "criteria.yaml").exists())


@cache
def shipped(code: str) -> Bundle:
    return read_folder(PLUGINS / code, centre=None if code == "centre" else shipped("centre"))


@cache
def names(code: str) -> list[str]:
    """Every name that means something: facts, fields of entries, and the keys inside values."""
    facts = shipped(code).criteria.facts
    return sorted({*facts, *(inner for kind in facts.values() for inner in kind.entry), "start", "end", "hash", "name", "standard", "code", code, "now"})


def jsons(keys: list[str]) -> st.SearchStrategy[Any]:
    scalars = (st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20) | st.dates().map(str)
               | st.sampled_from(["now", "2010-01", "2010-13", "0000-01", "15010219700101001X", "150102197013450015", "9" * 40, "1e999", "２０２６-01-01", "a" * 64, "\ud800", "\x00"]))
    return st.recursive(scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(keys) | st.text(max_size=3), below, max_size=6), max_leaves=20)


def ran(data: dict[str, Any]) -> int:
    """How many nodes a stored trace holds: each was run once."""
    below = [*data.get("nodes", ()), *(one for entry in data.get("entries", ()) for one in (entry if isinstance(entry, list) else [entry]))]
    return 1 + sum(ran(one) for one in below)


def most(node: Any, facts: dict[str, Any]) -> int:
    """Document times data: every node once, and those of an entry once for each (for each pair, where one group covers another)."""
    def entries(name: str) -> int:
        found = facts.get(name)
        return len(found) if isinstance(found, (list, tuple)) else 0

    if isinstance(node, Logical):
        return 1 + sum(most(below, facts) for below in node.nodes)
    if isinstance(node, Quantified):
        return 1 + entries(node.group.name) * most(node.scope.node, facts)
    if isinstance(node, Covered):
        return 1 + entries(node.group.name) * entries(node.by.name) * most(node.scope.node, facts)
    inner = node.left.where if isinstance(node.left, Aggregate) else None
    return 1 + (entries(node.left.group.name) * most(inner.node, facts) if inner is not None else 0)


@given(st.data())
def test_facts_of_any_shape_are_judged_by_every_department(data):
    code = data.draw(st.sampled_from(CODES))
    bundle, keys = shipped(code), names(code)
    answers = data.draw(st.dictionaries(st.sampled_from(keys) | st.text(max_size=3), jsons(keys), max_size=8))
    registers = data.draw(st.dictionaries(st.sampled_from(["blacklisted", "penalties"]), jsons(keys)))
    facts = derive(answers, department=code, applied_on=ON, specialties=[("316-2018", "A04")], registers=registers)
    assert complete(facts) == facts or facts != facts     # what follows, follows once (NaN is unlike itself)
    for known in (facts, answers):
        for moment in ("submitted", "decided"):
            verdict = evaluate(bundle.criteria, known, on=ON, moment=moment)
            for number in (1, 2):
                json.dumps(verdict.to_data(format=number), allow_nan=False)
            for finding in verdict.findings:
                trace = finding.to_data()["trace"]
                assert ran(trace) <= most(finding.criterion.node, known)


@given(st.integers(0, 2**32), st.data())
def test_facts_of_any_shape_are_judged_by_any_document(seed, data):
    document, schema = documents(Random(seed))
    criteria = built(document, schema)
    keys = sorted({*schema, *(inner for kind in schema.values() for inner in kind.entry), "start", "end", "code"})
    facts = complete(data.draw(st.dictionaries(st.sampled_from(sorted(schema)), jsons(keys), max_size=10)))
    verdict = evaluate(criteria, facts, on=ON, moment="submitted")
    json.dumps([verdict.to_data(format=1), verdict.to_data()], allow_nan=False)
    for finding in verdict.findings:
        assert ran(finding.to_data()["trace"]) <= most(finding.criterion.node, facts)


def test_facts_of_any_depth_are_judged():
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    for raw in (deep, {"start": deep, "end": "now"}, [{"months": deep, "work_field": deep}]):
        facts = dict.fromkeys(shipped("transport").criteria.facts, raw)
        assert json.dumps(evaluate(shipped("transport").criteria, facts, on=ON, moment="submitted").to_data())


# -- documents --------------------------------------------------------------------------------------------------------

def nested(depth: int) -> str:
    return "{not: " * depth + "{fact: civil_servant, is: eq, value: true}" + "}" * depth


def many(count: int, leaf: str) -> str:
    return "{any: [" + ", ".join(leaf.replace("#", str(at)) for at in range(count)) + "]}"


@pytest.mark.parametrize(("rule", "key", "says"), [
    (nested(10_000), "criteria.2.rule", f"{MAX_DEPTH} 层"),
    ("[" * 10_000 + "]" * 10_000, "criteria.2.rule", f"{MAX_DEPTH} 层"),
    (f"{{fact: name, is: eq, value: {'x' * 5_000_000}}}", "", "超过上限"),
    (f"{{fact: name, is: eq, value: {'x' * 100_000}}}", "criteria.2.rule.value", f"至多 {MAX_TEXT} 字"),
    (f"{{fact: name, is: in, value: [{', '.join(f'a{at}' for at in range(MAX_LISTED + 1))}]}}", "criteria.2.rule.value", f"至多 {MAX_LISTED} 项"),
    (many(MAX_NODES + 5, "{fact: name, is: eq, value: a}"), "criteria.2.rule.any", f"{MAX_NODES} 个节点"),
    ("{lookup: name}", "criteria.2.rule", "恰有一个种类"),
    ("{fact: name, is: matches, value: '(a+)+$'}", "criteria.2.rule.is", "不认识比较方式"),
    ("{fact: name.__class__, is: eq, value: a}", "criteria.2.rule.fact", "没有名为"),
    ("{fact: {fact: name}, is: eq, value: a}", "criteria.2.rule.fact", "没有名为"),
    ("{fact: age, is: eq, value: .nan}", "criteria.2.rule.value", "不是可用的数"),
    ("{fact: age, is: eq, value: 1e99}", "criteria.2.rule.value", "应为数"),
    ("{count: [work_periods], is: ge, value: 1}", "criteria.2.rule.count", "没有名为"),
    ("&a {not: *a}", "criteria.2", "锚点"),
    ("{all: [{all: []}]}", "criteria.2.rule.all.0.all", "至少一项"),
    ("!!python/object/apply:os.system [ls]", "criteria.2", "标签"),
])
def test_a_hostile_rule_is_refused_with_its_place(changed, rule, key, says):
    with pytest.raises(Problems) as error:
        changed(("criteria.yaml", "rule: {fact: civil_servant, is: eq, value: false}", f"rule: {rule}"))
    assert any(one.file == "criteria.yaml" and one.key.startswith(key) and says in one.zh for one in error.value.problems), error.value.problems[:2]
    assert all(len(one.zh) < 2000 and len(one.en) < 2000 for one in error.value.problems)


def test_problems_without_end_are_cut_off(centre):
    """A document that is wrong everywhere: the first hundreds of problems are told, and the reading stops."""
    text = DEPARTMENT["criteria.yaml"]
    for at in range(60):
        text += f"  - {{id: w{at}, title: 题, effect: refer, basis: {{reg: R1, article: 一}}, message: 文, rule: {many(60, '{fact: nnam#, is: eq, value: a}')}}}\n"
    with pytest.raises(Problems) as error:
        read_documents(as_bytes({**DEPARTMENT, "criteria.yaml": text}), centre=centre)
    assert 500 < len(error.value.problems) < 800
    assert any("没有检查" in one.zh for one in error.value.problems)
