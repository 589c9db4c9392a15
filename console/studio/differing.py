"""Two texts side by side: the lines that differ, and the part of one cell that does. Bounded work, whatever was uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_LINES = 800  # between the first and the last line that differ; more is said as gone and new
MOST_SHOWN = 400
KEPT = 24  # characters of an unchanged stretch that stay on each side of the change


@dataclass(frozen=True)
class Stretch:
    """A line, or a piece of a cell: `kind` is "same", "gone" or "new"; a line carries its number in the text it stands in."""

    kind: str
    text: str
    line: int = 0


def lines(before: str, after: str) -> list[Stretch]:
    """The lines that differ, each change with one unchanged line around it; empty when none does."""
    old, new = before.splitlines(), after.splitlines()
    start, end = _same_ends(old, new)
    first, last_old, last_new = max(start - 1, 0), len(old) - max(end - 1, 0), len(new) - max(end - 1, 0)
    if old == new:
        return []
    part, other = old[first:last_old], new[first:last_new]
    if max(len(part), len(other)) > MOST_LINES:
        groups = [[("replace", 0, len(part), 0, len(other))]]
    else:
        groups = list(SequenceMatcher(None, part, other).get_grouped_opcodes(1))
    found: list[Stretch] = []
    for group in groups:
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                found += [Stretch("same", other[j], first + j + 1) for j in range(j1, j2)]
            else:
                found += [Stretch("gone", part[i], first + i + 1) for i in range(i1, i2)]
                found += [Stretch("new", other[j], first + j + 1) for j in range(j1, j2)]
    return found[:MOST_SHOWN]


def pieces(before: str, after: str) -> list[Stretch]:
    """The cell with what went and what came in one place; long unchanged stretches around it are shortened."""
    start, end = _same_ends(before, after)
    head, tail = before[:start], before[len(before) - end :] if end else ""
    if len(head) + len(tail) < 2:
        head, tail, start, end = "", "", 0, 0
    found = [Stretch("same", _shortened(head)), Stretch("gone", before[start : len(before) - end]), Stretch("new", after[start : len(after) - end])]
    return [one for one in [*found, Stretch("same", _shortened(tail))] if one.text]


def _same_ends(one: Sequence[object], other: Sequence[object]) -> tuple[int, int]:
    """How much both begin with, and how much of the rest both end with."""
    most = min(len(one), len(other))
    start = next((at for at in range(most) if one[at] != other[at]), most)
    end = next((at for at in range(most - start) if one[-1 - at] != other[-1 - at]), most - start)
    return start, end


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * KEPT + 10 else f"{text[:KEPT]} … {text[-KEPT:]}"
