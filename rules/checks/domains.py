"""Which values a single fact may still have under constants it is compared with: exact, per kind, with examples.

An empty domain is a proof that the comparisons exclude each other. Examples are the ends of the domain and something near a
wanted value, so that they look like life.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from rules.evaluation import comparison

MANY = 12
_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le", "in": "not_in", "not_in": "in", "on_or_before": "after",
             "after": "on_or_before", "contains": "lacks", "starts_with": "starts_otherwise"}
_FILLERS = ("", "0", "1", "A", "甲", "乙", "x9")


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison with a constant, already turned round when it must not hold."""

    op: str
    value: Any

    @classmethod
    def of(cls, op: str, value: Any, holds: bool) -> Bound:
        return cls(op if holds else _OPPOSITE[op], value)

    def allows(self, value: Any) -> bool:
        if self.op == "lacks":
            return self.value not in value
        if self.op == "starts_otherwise":
            return not value.startswith(self.value)
        return comparison(self.op)(value, self.value)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is before anything is compared: kind, options, limits of the form."""

    kind: str
    options: tuple[str, ...] = ()
    whole: bool = False
    least: Any = None
    most: Any = None
    near: Any = None                                      # examples are taken from about here


@dataclass
class Domain:
    """The values of one kind that every bound allows."""

    kind: Kind
    bounds: list[Bound] = field(default_factory=list)

    def allows(self, value: Any) -> bool:
        kind = self.kind
        if kind.kind in ("number", "date") and ((kind.least is not None and value < kind.least) or (kind.most is not None and value > kind.most)):
            return False
        if kind.whole and value != int(value):
            return False
        return all(bound.allows(value) for bound in self.bounds)

    @property
    def is_empty(self) -> bool:
        return next(self._values(), None) is None

    def examples(self, most: int = MANY) -> list[Any]:
        """Some values, the likeliest first; empty only when there is none."""
        found: list[Any] = []
        for value in self._values():
            if value not in found:
                found.append(value)
            if len(found) >= most:
                break
        return found

    def _values(self) -> Iterator[Any]:
        """Allowed values; at least one whenever there is one."""
        kind = self.kind.kind
        if kind == "boolean":
            yield from filter(self.allows, (True, False))
        elif kind == "choices":
            yield from self._choices()
        elif kind == "date":
            yield from self._numbers(date.toordinal, date.fromordinal, whole=True)
        elif kind == "number":
            yield from self._numbers(lambda one: one, lambda one: one, whole=self.kind.whole)
        elif self.kind.options:
            yield from filter(self.allows, self.kind.options)
        else:
            yield from self._texts()

    def _listed(self) -> list[Any] | None:
        """The few values an equality leaves, None when nothing closes the domain."""
        lists = [bound.value if bound.op == "in" else (bound.value,) for bound in self.bounds if bound.op in ("eq", "in")]
        return list(lists[0]) if lists else None

    def _numbers(self, number: Callable[[Any], Any], back: Callable[[Any], Any], *, whole: bool) -> Iterator[Any]:
        listed = self._listed()
        if listed is not None:
            yield from filter(self.allows, listed)
            return
        low, low_open, high, high_open = None if self.kind.least is None else number(self.kind.least), False, None if self.kind.most is None else number(self.kind.most), False
        if number is date.toordinal:
            low, high = low if low is not None else 1, high if high is not None else date.max.toordinal()
        gaps: set[Any] = set()
        for bound in self.bounds:
            if bound.op in ("gt", "ge", "after"):
                value, is_open = number(bound.value), bound.op != "ge"
                if low is None or value > low or (value == low and is_open):
                    low, low_open = value, is_open
            elif bound.op in ("lt", "le", "on_or_before"):
                value, is_open = number(bound.value), bound.op == "lt"
                if high is None or value < high or (value == high and is_open):
                    high, high_open = value, is_open
            else:
                gaps |= {number(one) for one in (bound.value if isinstance(bound.value, tuple) else (bound.value,))}
        if whole:
            low = None if low is None else math.floor(low) + 1 if low_open else math.ceil(low)
            high = None if high is None else math.ceil(high) - 1 if high_open else math.floor(high)
        near = number(self.kind.near) if self.kind.near is not None else 0
        for value in self._inside(low, high, near, len(gaps) + 2, whole=whole):
            if value not in gaps:
                one = back(value)
                if self.allows(one):
                    yield one

    @staticmethod
    def _inside(low: Any, high: Any, near: Any, enough: int, *, whole: bool) -> Iterator[Any]:
        """Values between two ends (None: open-ended): so many that some remain after `enough` - 1 gaps."""
        if low is not None and high is not None and low > high:
            return
        middle = near if (low is None or near >= low) and (high is None or near <= high) else low if low is not None and near < low else high
        yield middle
        for end in (low, high):
            if end is not None:
                yield end
        for step in range(1, enough + 1):
            for value in (middle + step, middle - step):
                if (low is None or value >= low) and (high is None or value <= high):
                    yield value
        if not whole and low is not None and high is not None:
            for step in range(1, enough + 2):
                yield Decimal(low) + (Decimal(high) - Decimal(low)) * step / (enough + 2)
        elif not whole:
            for step in range(1, enough + 2):             # beside an open end, closer than whole steps
                yield Decimal(middle) + Decimal(step) / 16 if high is None else Decimal(middle) - Decimal(step) / 16

    def _choices(self) -> Iterator[tuple[str, ...]]:
        wanted = tuple(dict.fromkeys(bound.value for bound in self.bounds if bound.op == "contains"))
        if self.allows(wanted):
            yield wanted
            yield from (both for option in self.kind.options if option not in wanted and self.allows(both := (*wanted, option)))

    def _texts(self) -> Iterator[str]:
        listed = self._listed()
        if listed is not None:
            yield from filter(self.allows, listed)
            return
        starts = [_prefixes(bound.value) for bound in self.bounds if bound.op == "starts_with"]
        heads: Iterable[str] = ("",)
        for some in starts:                               # the longest of a chain of prefixes begins the text
            heads = {one if one.startswith(head) else head for head in heads for one in some if one.startswith(head) or head.startswith(one)}
        taken = 2 + sum(len(_prefixes(bound.value)) for bound in self.bounds if bound.op in ("ne", "not_in", "starts_otherwise"))
        for head in sorted(heads):
            fillers = (*_FILLERS, *(f"{chr(0x4E00 + 37 * at)}" for at in range(taken)))
            yield from filter(self.allows, (f"{head}{filler}" for filler in fillers if head or filler))


def _prefixes(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)
