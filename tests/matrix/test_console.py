"""All routes of the console × roles × levels × how a row's division and department lie to the grant, against `expected.yaml`."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from tests.matrix import choosing
from tests.matrix.asking import Answer, Asking
from tests.matrix.choosing import SEED, Cell
from tests.matrix.places import DEPARTMENTS, PLACES, Officer, Place
from tests.matrix.table import ALLOWED, NO_TOKEN, SIGN_IN, Entry, said, table

TABLE = table()


def _group(entry: Entry) -> str:
    """The view; the one for machines stands for every screen, a quarter of all cells, so a test takes one of its acts."""
    view = entry.endpoint.partition(".")[0]
    return entry.endpoint if view == "api" else view


GROUPS = sorted({_group(entry) for entry in TABLE.console})


def _entries(group: str) -> list[Entry]:
    return [entry for entry in TABLE.console if _group(entry) == group]


@pytest.mark.parametrize("group", GROUPS)
def test_every_cell_comes_out_as_the_table_says(group, console_matrix, count_cells):
    wrong = []
    for entry in _entries(group):
        dice = random.Random(f"{SEED} {entry.line}")
        wrong += _wrong(console_matrix, entry, choosing.pairwise(entry, TABLE, dice))
    count_cells(console_matrix.cells, len(wrong))
    assert not wrong, said(wrong, f"MATRIX_SEED={SEED}")


@pytest.mark.matrix
@pytest.mark.parametrize("group", GROUPS)
def test_all_cells_come_out_as_the_table_says(group, console_matrix, count_cells):
    wrong = []
    for entry in _entries(group):
        wrong += _wrong(console_matrix, entry, choosing.every(entry, TABLE))
    count_cells(console_matrix.cells, len(wrong))
    assert not wrong, said(wrong, "the full form")


def _wrong(ask: Asking, entry: Entry, cells: Iterable[Cell]) -> list[str]:
    """A sentence for every cell that came out otherwise."""
    wrong = list(_doorstep(ask, entry))
    for cell in cells:
        answer = ask(entry, cell.officer, cell.place)
        expected = TABLE.expected(entry, cell.officer, cell.place)
        if answer.outcome != expected:
            wrong.append(f"{entry.line}: {cell}: {answer.outcome}, expected {expected}")
        elif expected == ALLOWED:
            wrong += [f"{entry.line}: {cell}: {sentence}" for sentence in _marks(entry, cell.officer, cell.place, answer)]
    return wrong


def _doorstep(ask: Asking, entry: Entry) -> Iterable[str]:
    """A visitor, somebody without any grant, a form without its token."""
    place = PLACES[0] if entry.row else None
    public = entry.who == "anybody"
    asked: list[tuple[Any, bool, str]] = [(None, True, entry.answer or ALLOWED if public else SIGN_IN), ("nothing", True, TABLE.expected(entry, None, place))]
    asked.append(("applicant own", True, asked[0][2]))  # a cookie of the portal is nothing here
    if entry.method != "GET":
        # a machine brings no form token, so who comes with nothing at all is asked who they are
        asked += [(None, False, SIGN_IN if entry.is_machines else NO_TOKEN), ("nothing", False, NO_TOKEN)]
        if isinstance(entry.who, frozenset) and entry.who:
            asked.append((Officer(min(entry.who), "region", "all"), False, NO_TOKEN))
    for who, with_token, expected in asked:
        answer = ask(entry, who, place, with_token=with_token)
        if answer.outcome != expected:
            yield f"{entry.line}: {who or 'a visitor'}{'' if with_token else ' without form token'}: {answer.outcome}, expected {expected}"


def _marks(entry: Entry, officer: Officer, place: Place | None, answer: Answer) -> Iterable[str]:
    """Of every row of every other place: shown where the list shows it, and nowhere otherwise."""
    if entry.lists and TABLE.classes[entry.lists].at == "department":
        for code in DEPARTMENTS:
            seen = TABLE.classes[entry.lists].seen_by(officer, Place(code, "150000"))
            if (f"Mz{code}" in answer.text) != seen:
                yield f"{'does not show' if seen else 'SHOWS'} what lies with {code}"
        return
    name = entry.changes or entry.lists
    shown = TABLE.classes[name] if name else None
    for one in PLACES:
        mark = one.mark.replace("M", "G") if (entry.picks or entry.lists) in ("grant", "person") else one.mark
        if shown is not None and _is_about(entry, place, one):
            seen = shown.seen_by(officer, one)
            if (mark in answer.text) != seen:
                yield f"{'leaves out' if seen else 'SHOWS OR CHANGES'} the row of {one.department} in {one.division}"
        elif mark in answer.text and not (officer.covers_department(one.department) and officer.covers_division(one.division)):
            yield f"SHOWS something of {one.department} in {one.division}"


def _is_about(entry: Entry, place: Place | None, one: Place) -> bool:
    """Whether the answer should tell of the rows there: of all, of the one picked, or of the department whose replay was opened."""
    if entry.picks:
        return one == place
    return not entry.names or TABLE.classes[entry.names].at != "department" or (place is not None and one.department == place.department)

