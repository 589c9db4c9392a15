"""Three values, and ranges: what is certain of an aggregate, what may still come, and what a comparison makes of it.

An entry may count, not count, or nobody knows yet; its value may be missing. So an aggregate is a range, and its comparison is
known when the whole range agrees.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rules.ages import months_union

Truth = bool | None                                       # None: unknown


@dataclass(slots=True)                                    # not frozen: every run makes some, and freezing costs more than the sum
class Seen:
    """What an aggregate came to: exact when `low` is `high`; a missing bound is None. Months for `years_union`."""

    low: Any
    high: Any


def kleene_all(truths: Iterable[Truth]) -> Truth:
    """False when one is false, else unknown when one is unknown, else true."""
    outcome: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            outcome = None
    return outcome


def kleene_any(truths: Iterable[Truth]) -> Truth:
    outcome: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is None:
            outcome = None
    return outcome


def kleene_not(truth: Truth) -> Truth:
    return None if truth is None else not truth


_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "on_or_before": operator.le, "after": operator.gt, "contains": operator.contains,
    "in": lambda left, right: left in right, "not_in": lambda left, right: left not in right,
    "starts_with": lambda left, right: left.startswith(right),
}


def comparison(op: str) -> Callable[[Any, Any], bool]:
    """What an operator does with two known values."""
    return _PLAIN[op]


def _count(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    return Seen(len(sure), len(sure) + len(maybe))


def _sum(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    certain = sum(sure)
    if open_end:
        return Seen(None, None)
    return Seen(certain + sum(one for one in maybe if one < 0), certain + sum(one for one in maybe if one > 0))


def _max(sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    if not sure:
        return None
    return Seen(max(sure), None if open_end else max([*sure, *maybe]))


def _min(sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    if not sure:
        return None
    return Seen(None if open_end else min([*sure, *maybe]), min(sure))


def _union(sure: list[Any], maybe: list[Any], open_end: int) -> Seen:
    certain = months_union(sure)
    return Seen(certain, None if open_end else months_union([*sure, *maybe]) if maybe else certain)


TOTALS: dict[str, Callable[[list[Any], list[Any], int], Seen | None]] = {
    "count": _count, "sum": _sum, "max": _max, "min": _min, "years_union": _union}


def _within(seen: Seen, bound: Any, op: str) -> Truth:
    """Compare a range with a value: known only when every value in the range agrees."""
    low, high = seen.low, seen.high
    if low is not None and low == high:
        return _PLAIN[op](low, bound)
    if op in ("le", "lt", "gt", "ge", "on_or_before", "after"):
        ends = (None if low is None else _PLAIN[op](low, bound), None if high is None else _PLAIN[op](high, bound))
        rising = op in ("gt", "ge", "after")
        if ends[0 if rising else 1] is True:
            return True
        return False if ends[1 if rising else 0] is False else None
    outside = (low is not None and bound < low) or (high is not None and bound > high)
    if not outside:
        return None
    return op == "ne"


def _among(seen: Seen, bounds: Iterable[Any], op: str) -> Truth:
    truth = kleene_any([_within(seen, bound, "eq") for bound in bounds])
    return truth if op == "in" else kleene_not(truth)


def total(kind: str, sure: list[Any], maybe: list[Any], open_end: int) -> Seen | None:
    """What an aggregate comes to: `sure` values count, `maybe` may, and `open_end` more entries have no value yet."""
    return TOTALS[kind](sure, maybe, open_end)


def agrees(seen: Seen | None, against: Any, op: str, *, many: bool, kind: str) -> Truth:
    """An aggregate's comparison, for known bounds: years are compared in months."""
    scale = 12 if kind == "years_union" else 1
    if seen is None:
        return None
    return _among(seen, [one * scale for one in against], op) if many else _within(seen, against * scale if scale != 1 else against, op)
