"""What is missing, and the fewest facts that could make a rule met: compared with trying everything."""

from __future__ import annotations

from datetime import date
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.criteria import evaluate
from rules.evaluation import compile_scope
from rules.fact_types import FactType
from rules.settling import settled_by
from rules.tree import Reader
from rules.wording import missing_facts
from tests.rules.generating import built, day, documents, facts

ON = date(2026, 6, 15)
GROUP = {"ok": FactType("boolean"), "pay": FactType("number"), "code": FactType("text")}
FACTS = {**{f"b{at}": FactType("boolean") for at in range(6)}, **{f"n{at}": FactType("number") for at in range(3)},
         **{f"g{at}": FactType("group", entry=GROUP) for at in range(3)}, "jobs": FactType("group", entry={"months": FactType("period"), "ok": FactType("boolean")}),
         "wanted": FactType("group", entry={"code": FactType("text")})}


def compiled(rule):
    problems = []
    scope = Reader(FACTS, {"limit": "number", "gone": "number"}, lambda *problem: problems.append(problem)).scope(rule, ())
    assert problems == []
    return compile_scope(scope)


def asked(rule, known, params=None):
    tree = compiled(rule)
    truth, trace = tree.ask(known, params or {"limit": 2}, ON)
    assert truth is None
    return settled_by(tree.scope.node, trace, facts=known, params=params or {"limit": 2}, on=ON)


def yes(name):
    return {"fact": name, "is": "eq", "value": True}


WORK = {"years_union": "jobs", "of": "months", "where": yes("ok"), "is": "ge", "value": 8}
LONG, SHORT = {"start": "2010-01", "end": "2019-12"}, {"start": "2024-01", "end": "2024-12"}


@pytest.mark.parametrize(("rule", "known", "expected"), [
    ({"all": [yes("b0"), yes("b1")]}, {}, ("b0", "b1")),
    ({"any": [yes("b0"), yes("b1")]}, {}, ("b0",)),
    ({"any": [{"all": [yes("b0"), yes("b1")]}, yes("b2")]}, {}, ("b2",)),
    ({"any": [{"all": [yes("b0"), yes("b1")]}, {"all": [yes("b0"), yes("b1"), yes("b2")]}]}, {"b0": True}, ("b1",)),
    ({"all": [{"any": [yes("b0"), yes("b1")]}, yes("b1")]}, {}, ("b1",)),                     # the same fact serves both
    ({"none": [yes("b0"), yes("b1")]}, {"b1": False}, ("b0",)),
    ({"not": {"all": [yes("b0"), yes("b1")]}}, {}, ("b0",)),
    ({"fact": "n0", "is": "lt", "value": {"fact": "n1"}}, {}, ("n0", "n1")),
    ({"fact": "n0", "is": "lt", "value": {"param": "gone"}}, {}, ()),
    ({"every": "g0", "satisfies": yes("ok")}, {"g0": [{"ok": True}, {}, {}]}, ("g0.1.ok", "g0.2.ok")),
    ({"some": "g0", "satisfies": yes("ok")}, {"g0": [{"ok": False}, {}, {}]}, ("g0.1.ok",)),
    ({"every": "g0", "satisfies": yes("ok")}, {}, ("g0",)),
    ({"count": "g0", "where": yes("ok"), "is": "ge", "value": 2}, {"g0": [{"ok": True}, {}, {}]}, ("g0.1.ok",)),
    ({"count": "g0", "where": yes("ok"), "is": "le", "value": 1}, {"g0": [{"ok": True}, {}, {}]}, ("g0.1.ok", "g0.2.ok")),
    ({"count": "g0", "where": yes("ok"), "is": "eq", "value": {"param": "limit"}}, {"g0": [{"ok": True}, {}, {}]}, ("g0.1.ok", "g0.2.ok")),
    ({"sum": "g0", "of": "pay", "is": "ge", "value": 10}, {"g0": [{"pay": 1}, {}, {}]}, ("g0.1.pay", "g0.2.pay")),
    ({"max": "g0", "of": "pay", "is": "ge", "value": 10}, {"g0": [{"pay": 1}, {}, {}]}, ("g0.1.pay",)),
    ({"max": "g0", "of": "pay", "is": "ge", "value": 10}, {"g0": []}, ("g0",)),
    (WORK, {"jobs": [{"months": SHORT}, {"months": LONG}]}, ("jobs.1.ok",)),                  # only the long one carries it over
    (WORK, {"jobs": [{"months": SHORT, "ok": True}, {"ok": True}]}, ("jobs.1.months",)),
    (WORK, {"jobs": [{"months": SHORT, "ok": True}, {}]}, ("jobs.1.months", "jobs.1.ok")),
    ({"covered": "wanted", "by": "g0", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}},
     {"wanted": [{"code": "A"}, {}], "g0": [{"code": "A"}, {"code": "B"}]}, ("wanted.1.code",)),
    ({"covered": "wanted", "by": "g0", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}}, {"wanted": [{"code": "A"}]}, ("g0",)),
])
def test_the_fewest_facts_that_could_settle_it_are_named(rule, known, expected):
    assert tuple(sorted(asked(rule, known))) == expected


def test_a_field_of_the_entry_that_needs_covering_is_missing_too():
    tree = compiled({"covered": "wanted", "by": "g0", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}})
    _, trace = tree.ask({"wanted": [{}], "g0": [{"code": "A"}]}, {}, ON)
    assert missing_facts(tree.scope.node, trace) == ["wanted.0.code"]


# -- against trying everything ----------------------------------------------------------------------------------------

DOMAIN = {"b": (True, False), "n": (0, 3, 7), "ok": (True, False), "pay": (-40, -2, 0, 1, 2, 3, 4, 5, 6, 8, 40), "code": ("A", "B")}


@st.composite
def puzzles(draw):
    """A rule whose leaves look at different facts, and facts with some taken away."""
    names = [*(f"b{at}" for at in range(4)), "n0", "n1", "g0", "g1"]
    draw(st.randoms()).shuffle(names)

    def leaf():
        name = names.pop()
        if name[0] == "b":
            return yes(name)
        if name[0] == "n":
            return {"fact": name, "is": draw(st.sampled_from(["lt", "ge"])), "value": 3}
        inner = draw(st.sampled_from([yes("ok"), {"any": [yes("ok"), {"fact": "code", "is": "eq", "value": "A"}]}, {"all": [yes("ok"), {"fact": "code", "is": "eq", "value": "A"}]}]))
        shape = draw(st.sampled_from(["every", "some", "count", "sum", "max", "min"]))
        if shape in ("every", "some"):
            return {shape: name, "satisfies": inner}
        of = {"of": "pay"} if shape != "count" else {}
        return {shape: name, **of, "where": inner, "is": draw(st.sampled_from(["ge", "le", "eq", "ne", "gt"])), "value": draw(st.sampled_from([1, 2, 4]))}

    def tree(depth):
        if depth == 0 or len(names) < 3 or draw(st.booleans()):
            return leaf()
        op = draw(st.sampled_from(["all", "any", "none", "not"]))
        return {"not": tree(depth - 1)} if op == "not" else {op: [tree(depth - 1) for _ in range(2) if names]}

    rule = tree(2)

    def value(kind):
        return draw(st.sampled_from([None, *DOMAIN[kind][:4]]))

    known = {f"b{at}": value("b") for at in range(4)} | {f"n{at}": value("n") for at in range(2)}
    known |= {f"g{at}": [{"ok": value("ok"), "pay": value("pay"), "code": value("code")} for _ in range(draw(st.integers(0, 2)))] for at in range(2)}
    return rule, known


def supplied(known, paths, values):
    new = {name: [dict(entry) for entry in one] if isinstance(one, list) else one for name, one in known.items()}
    for path, value in zip(paths, values, strict=True):
        name, *rest = path.split(".")
        if rest:
            new[name][int(rest[0])][rest[1]] = value
        else:
            new[name] = value
    return new


def can_be(wanted, tree, known, paths):
    domains = [DOMAIN[path.split(".")[-1] if "." in path else path[0]] for path in paths]
    return any(tree.ask(supplied(known, paths, values), {}, ON)[0] is wanted for values in product(*domains))


@given(puzzles())
def test_supplying_the_set_can_meet_the_rule_and_no_smaller_one_can(puzzle):
    rule, known = puzzle
    tree = compiled(rule)
    truth, trace = tree.ask(known, {}, ON)
    found = settled_by(tree.scope.node, trace, facts=known, params={}, on=ON)
    missing = missing_facts(tree.scope.node, trace)
    assert set(found) <= set(missing)
    if truth is not None:
        assert found == ()
        return
    if any(path in ("g0", "g1") for path in missing) or len(found) > 3:
        return                                            # a whole group, or too much to try
    wanted = True
    if found and not can_be(True, tree, known, found):
        assert len(missing) > 3 or not can_be(True, tree, known, missing)
        wanted = False                                    # nothing could make it met
        assert can_be(False, tree, known, found)
    for size in range(len(found)) if found else (len(missing),) if len(missing) < 4 else ():
        for paths in combinations(missing, size):
            assert not can_be(wanted, tree, known, paths), paths


@given(st.integers(0, 2**32))
def test_over_every_kind_of_node_the_set_is_among_what_is_missing(seed):
    rng = Random(seed)
    document, schema = documents(rng)
    criteria = built(document, schema)
    on, given_facts = day(rng), facts(rng, schema, missing=0.4)
    for finding in evaluate(criteria, given_facts, on=on, moment="submitted").findings:
        found = settled_by(finding.criterion.node, finding.trace, facts=given_facts, params=criteria.values_on(on), on=on)
        assert set(found) <= set(missing_facts(finding.criterion.node, finding.trace)), finding.criterion.node


def test_a_large_group_costs_no_more_than_its_bound():
    known = {"g0": [{"pay": 1} for _ in range(200)]}
    rule = {"sum": "g0", "of": "pay", "where": yes("ok"), "is": "ge", "value": 150}
    assert len(asked(rule, known)) == 200                 # beyond the bound everything that is missing stands for the set
