"""docs/asvs.md is complete, its figures are right, and every test it names is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/asvs.md").read_text(encoding="utf-8")

#: section of ASVS 5.0.0 → the level of each of its requirements, in order
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
STANDINGS = ("shown", "open", "not applicable")
ROWS = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in PAGE.splitlines() if re.match(r"\| \d", line)]


def test_the_list_of_the_standard_is_whole():
    assert Counter("".join(LEVELS.values())) == {"1": 70, "2": 183, "3": 92}


def test_every_requirement_of_levels_one_and_two_has_a_row():
    wanted = [(f"{key}.{n}", level) for key, levels in LEVELS.items() for n, level in enumerate(levels, 1) if level in "12"]
    assert [row[:2] for row in ROWS] == wanted
    assert [row for row in ROWS if len(row) != 5 or row[3] not in STANDINGS or not all(row)] == []


def test_what_is_shown_names_a_test_and_every_named_test_exists():
    assert [number for number, _, _, standing, shown in ROWS if standing == "shown" and "::" not in shown] == []
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE))
    assert len(named) > 100
    assert [f"{path}::{name}" for path, name in sorted(named) if name not in names_in(path)] == []


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_the_figures_are_right():
    def said(rows: list[tuple[str, ...]]) -> str:
        counts = Counter(row[3] for row in rows)
        return ", ".join(f"{counts[standing]} {standing}" for standing in STANDINGS)

    assert f"{len(ROWS)} requirements: {said(ROWS)}." in PAGE
    for level in "12":
        assert f"Level {level}: {said([row for row in ROWS if row[1] == level])}." in PAGE
