"""The engine against a second opinion: random documents and facts, the truth of every criterion, no difference.

Case `n` is `Random(n)`; a difference prints it with the rule and the facts, and `compare(n)` finds it again.
"""

from __future__ import annotations

from random import Random

import pytest

from rules.criteria import evaluate
from rules.wording import in_words
from tests.rules.cel import Oracle
from tests.rules.generating import built, day, documents, facts

SHORT, FULL, BLOCK = 2_000, 20_000, 250


def compare(seed: int) -> list[str]:
    """The criteria of one random document on which the engine and CEL differ for one person's facts."""
    rng = Random(seed)
    document, schema = documents(rng)
    criteria = built(document, schema)
    given, on = facts(rng, schema), day(rng)
    oracle = Oracle(criteria)
    data = oracle.data(given, on)
    verdict = evaluate(criteria, given, on=on, moment="submitted")
    return [f"seed {seed}, {finding.id}: engine {finding.truth}, CEL {other}, on {on}\n  {in_words(finding.criterion.node, 'en')}\n"
            f"  rule {part['rule']}\n  facts {given}\n  parameters {criteria.values_on(on)}"
            for finding, part in zip(verdict.findings, document["criteria"], strict=True)
            if (other := oracle.judge(finding.id, data)) is not finding.truth]


@pytest.mark.parametrize("first", range(0, SHORT, BLOCK))
def test_engine_and_cel_agree(first):
    differences = [line for seed in range(first, first + BLOCK) for line in compare(seed)]
    assert differences == []


@pytest.mark.matrix
@pytest.mark.parametrize("first", range(SHORT, SHORT + FULL, BLOCK))
def test_engine_and_cel_agree_on_many_more(first):
    test_engine_and_cel_agree(first)
