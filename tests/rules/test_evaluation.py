"""What evaluation promises whatever the facts are: it never raises, asks each node once, and knows nothing it may have to take back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.criteria import evaluate
from rules.evaluation import MAX_PAIRS, ask_all, compile_scope
from rules.fact_types import FactType
from rules.tree import Reader, Scope
from tests.rules.generating import built, day, documents, facts, typed

ON = date(2026, 6, 15)
PAY, WANTED = {"pay": FactType("number"), "months": FactType("period"), "code": FactType("text")}, {"code": FactType("text")}
SCHEMA = {"n": FactType("number"), "jobs": FactType("group", entry=PAY), "wanted": FactType("group", entry=WANTED)}
LEAF = {"fact": "pay", "is": "ge", "value": {"param": "limit"}}
ASKS_ALL = {"all": [
    {"fact": "n", "is": "ge", "value": {"param": "limit"}}, {"every": "jobs", "satisfies": LEAF}, {"some": "jobs", "satisfies": {"not": LEAF}},
    {"count": "jobs", "where": {"any": [LEAF, LEAF]}, "is": "ge", "value": 1}, {"years_union": "jobs", "of": "months", "where": LEAF, "is": "ge", "value": 1},
    {"covered": "wanted", "by": "jobs", "where": {"all": [{"fact": "code", "is": "eq", "value": {"item": "code"}}, LEAF]}},
]}


class Counting(dict[str, Any]):
    """Parameters that count how often they are asked."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def read(rule: Any, schema: Any = SCHEMA, **params: str) -> Scope:
    problems: list[str] = []
    scope = Reader(schema, params, lambda path, zh, en: problems.append(zh)).scope(rule, ())
    assert problems == [] and scope is not None
    return scope


@given(st.integers(0, 40), st.integers(0, 40))
def test_every_leaf_is_asked_once_for_each_entry_and_no_more(jobs, wanted):
    params = Counting(limit=5)
    given = {"n": 7, "jobs": [{"pay": number} for number in range(jobs)], "wanted": [{"code": "A"}] * wanted}

    compile_scope(read(ASKS_ALL, limit="number")).ask(given, params, ON)

    assert params.asked == 1 + jobs + jobs + 2 * jobs + jobs + wanted * jobs


def test_twenty_thousand_entries_are_asked_once_each():
    given = {"jobs": [{"pay": 1, "months": {"start": "2020-01", "end": "now"}}] * 20_000, "wanted": [{"code": "A"}] * 6}
    params = Counting(limit=5)
    rules = [compile_scope(read(rule, limit="number")) for rule in ASKS_ALL["all"]]

    answers = ask_all(rules, given, params, ON)

    assert params.asked == 1 + 5 * 20_000
    assert [truth for truth, _ in answers] == [None, False, True, False, False, None]
    assert answers[-1][1] == [(None, None, None, None)]       # more than MAX_PAIRS pairs: not judged, nothing kept
    assert len(given["wanted"]) * len(given["jobs"]) > MAX_PAIRS >= 200 * 200


def nested(depth: int) -> Any:
    value: Any = {"start": "2020-01", "end": "now"}
    for _ in range(depth):
        value = {"start": value, "end": [value]} if depth < 12 else {"start": [value], "end": "now"}
    return value


HOSTILE = [10**30, -(10**4000), 1e308, "9" * 5_000_000, "2026-06-15" * 1000, "-" * 10, "\ud800", nested(10), nested(400), [nested(400)], [[]] * 12,
           [None] * 12, {"code": "A" * 1_000_000}, [{"code": nested(400), "pay": "1" * 49, "months": nested(400)}], {"start": "9999-12", "end": "0001-01"}]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: f"{type(value).__name__}")
def test_hostile_facts_are_judged_and_told(value):
    rng = Random(1)
    for _ in range(12):
        document, schema = documents(rng)
        verdict = evaluate(built(document, schema), dict.fromkeys(schema, value), on=ON, moment="submitted")
        assert json.loads(json.dumps(verdict.to_data(), allow_nan=False))["decision"] == verdict.decision


def completions(rng: Random, schema: dict[str, FactType], given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The facts with what is missing filled in, at random."""
    for _ in range(6):
        yield {name: filled(rng, kind, given.get(name)) for name, kind in schema.items()}


def filled(rng: Random, kind: FactType, value: Any) -> Any:
    if value is None:
        return typed(rng, kind)
    if kind.kind == "group":
        return [{name: filled(rng, inner, entry.get(name)) for name, inner in kind.entry.items()} for entry in value]
    return value


@given(st.integers(0, 2**32))
def test_what_is_known_stays_so_whatever_the_missing_facts_turn_out_to_be(seed):
    rng = Random(seed)
    document, schema = documents(rng, known=False)
    criteria, on = built(document, schema), day(rng)
    rules = [one.compiled for one in criteria.criteria]
    given = facts(rng, schema, missing=0.3, wrong=0)

    known = [truth for truth, _ in ask_all(rules, given, criteria.values_on(on), on)]

    for complete in completions(rng, schema, given):
        then = [truth for truth, _ in ask_all(rules, complete, criteria.values_on(on), on)]
        assert [truth for truth, before in zip(then, known, strict=True) if before is not None] == [truth for truth in known if truth is not None]
