"""No engine may alter a decision that was made: every stored one is made again, in every format, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.documents import canonical
from rules.tree import AGGREGATES, ALL_OPS, Aggregate, Compare, Covered, Logical, Quantified
from tests.corpus.stored import FOLDER, Stored, criteria_of, decisions, trace_hash

DECISIONS = decisions()
PLUGINS = Path(__file__).parents[2] / "plugins"


@pytest.mark.parametrize("stored", DECISIONS, ids=lambda stored: stored.name.replace(" ", "-"))
def test_a_stored_decision_comes_out_as_it_was(stored: Stored):
    verdict = stored.recomputed()
    for number, expected in stored.expected.items():
        made = verdict.to_data(format=int(number))
        if isinstance(expected, str):
            assert trace_hash(made) == expected
        else:
            assert canonical(made) == canonical(expected)


def test_every_format_and_every_kind_of_node_is_in_the_corpus():
    kinds = {kind for stored in DECISIONS for criterion in criteria_of(stored.release).criteria for kind in _kinds(criterion.node)}
    assert {number for stored in DECISIONS for number in stored.expected} == {"1", "2"}
    assert set(AGGREGATES) | ALL_OPS | {"all", "any", "none", "not", "every", "some", "covered", "table", "YearsBefore", "ItemRef", "ParamRef", "FactRef", "where"} <= kinds


def test_every_shipped_department_is_in_the_corpus():
    shipped = {folder.name for folder in PLUGINS.iterdir() if (folder / "criteria.yaml").exists()}
    assert shipped <= {stored.release.rpartition("-")[0] for stored in DECISIONS}


def test_the_corpus_stays_small():
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.json")) < 3_000_000


def _kinds(node: Any) -> Iterator[str]:
    if isinstance(node, Logical):
        yield node.op
        if node.said is not None:
            yield "table"
        for below in node.nodes:
            yield from _kinds(below)
    elif isinstance(node, (Quantified, Covered)):
        yield node.kind if isinstance(node, Quantified) else "covered"
        yield from _kinds(node.scope.node)
    elif isinstance(node, Compare):
        yield node.op
        yield type(node.right).__name__
        if isinstance(node.left, Aggregate):
            yield node.left.kind
            if node.left.where:
                yield "where"
                yield from _kinds(node.left.where.node)
