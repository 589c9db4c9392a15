"""What the checks say about the shipped bundles: that some of it rests on assumptions, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from rules.checks import check_bundle
from tests.plugins.test_bundles import CODES, base, bundle

PARAGRAPHS = {(row["regulation_id"], row["article"]): (row["in_force_from"], row["in_force_to"]) for row in base()["regulation_paragraphs.csv"]}


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 11, 20), date(2027, 6, 1)], ids=str)
@pytest.mark.parametrize("code", CODES)
def test_only_assumptions_are_remarked_on(code, day):
    others = [bundle(other) for other in CODES if other != code]

    remarks = check_bundle(bundle(code), on=day, others=others, regulations=PARAGRAPHS)

    assert [f"{one.code} {one.file}:{one.line} {one.en}" for one in remarks if one.code != "C307"] == []
    assert Counter(one.code for one in remarks)["C307"] > 0
