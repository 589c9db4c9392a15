"""All routes of the portal × visitor, applicant with their own and with another's row, every officer, against `expected.yaml`."""

from __future__ import annotations

import random

import pytest

from tests.matrix.asking import Asking
from tests.matrix.choosing import SEED, once_for_every_role_and_level
from tests.matrix.places import OFFICERS
from tests.matrix.table import ALLOWED, NO_TOKEN, NOT_THERE, REFUSED, SIGN_IN, Entry, said, table

ENTRIES = [entry for entry in table().portal]
PARTS = 6
VISITOR, OWN, OTHER = None, "applicant own", "applicant other"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_cell_of_the_portal_comes_out_as_the_table_says(part, portal_matrix, count_cells):
    wrong = []
    for entry in ENTRIES[part::PARTS]:
        officers = once_for_every_role_and_level(random.Random(f"{SEED} {entry.route}"))
        wrong += _wrong(portal_matrix, entry, officers)
    count_cells(portal_matrix.cells, len(wrong))
    assert not wrong, said(wrong, f"MATRIX_SEED={SEED}")


@pytest.mark.matrix
@pytest.mark.parametrize("part", range(PARTS))
def test_all_cells_of_the_portal_come_out_as_the_table_says(part, portal_matrix, count_cells):
    wrong = [sentence for entry in ENTRIES[part::PARTS] for sentence in _wrong(portal_matrix, entry, OFFICERS)]
    count_cells(portal_matrix.cells, len(wrong))
    assert not wrong, said(wrong, "the full form")


def _wrong(ask: Asking, entry: Entry, officers: object) -> list[str]:
    public = entry.who == "anybody"
    outside = (entry.answer or ALLOWED) if public else REFUSED if entry.json else SIGN_IN  # our own script is told, a person is shown the way
    inside = entry.answer or ALLOWED
    asked = [(VISITOR, "own", True, outside), (OWN, "own", True, inside)]
    if entry.names and not public:
        asked += [(OWN, "other", True, NOT_THERE), (OTHER, "own", True, NOT_THERE), (OTHER, "other", True, inside)]
    if entry.method == "POST":
        asked += [(VISITOR, "own", False, NO_TOKEN), (OWN, "own", False, NO_TOKEN)]
    asked += [(officer, "own", True, outside) for officer in officers]  # a cookie of the console is nothing here
    wrong = []
    for who, whose, with_token, expected in asked:
        answer = ask(entry, who, whose=whose, with_token=with_token)
        if answer.outcome != expected:
            row = f", the row of {whose}" if entry.names else ""
            wrong.append(f"{entry.route}: {who or 'a visitor'}{row}{'' if with_token else ', no form token'}: {answer.outcome}, expected {expected}")
    return wrong
