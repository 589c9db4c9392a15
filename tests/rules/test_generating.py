from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any

from rules.criteria import evaluate
from rules.tree import AGGREGATES, ALL_OPS, OPS
from tests.rules.generating import built, day, documents, facts, schemas

SEED = 20260615


def test_the_same_seed_gives_the_same_documents_and_facts():
    first, second = ([*documents(rng), facts(rng, schemas(rng)), day(rng)] for rng in (Random(SEED), Random(SEED)))
    assert first == second


def test_random_documents_meet_every_kind_of_node_value_and_outcome():
    rng = Random(SEED)
    seen: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for _ in range(400):
        document, schema = documents(rng)
        _count(document, seen)
        criteria = built(document, schema)
        given = facts(rng, schema)
        assert json.loads(json.dumps(given, allow_nan=False)) == given
        outcomes.update(finding.outcome for finding in evaluate(criteria, given, on=day(rng), moment="submitted").findings)
    shapes = {"all", "any", "none", "not", "every", "some", "covered", "by", "where", "as", "param", "item", "years_before", *AGGREGATES}
    assert {word: seen[word] for word in shapes if seen[word] < 20} == {}
    assert {op for op in ALL_OPS if seen[f"is {op}"] < 20} == set()
    assert {kind for kind in OPS if seen[f"kind {kind}"] < 20} == set()
    assert min(outcomes[one] for one in ("met", "not_met", "unknown")) > sum(outcomes.values()) // 8


def _count(data: Any, seen: Counter[str]) -> None:
    if isinstance(data, dict):
        seen.update(list(data))
        if isinstance(data.get("is"), str):
            seen[f"is {data['is']}"] += 1
        if isinstance(data.get("fact"), str):
            seen[f"kind {data['fact'].split('_')[0]}"] += 1
        for below in data.values():
            _count(below, seen)
    elif isinstance(data, list):
        for below in data:
            _count(below, seen)
