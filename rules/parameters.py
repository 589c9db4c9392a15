"""Dated values with their clause: amended by adding a value, never by editing one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from rules.documents import Path
from rules.parts import Basis, Day, Flag, Part, Words, iso_date

Scalar = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=500)]
ParameterKind = Literal["number", "text", "date", "boolean", "numbers", "texts", "mixed"]


class DatedValue(Part):
    """A value from a day on, until the next one's day or `until` (the last day it holds)."""

    start: Day = Field(alias="from")
    until: Day | None = None
    value: Scalar | tuple[Scalar, ...]
    basis: Basis
    verified: Flag = True


class Parameter(Part):
    title: Words | None = None
    unit: Words | None = None
    values: Annotated[tuple[DatedValue, ...], Field(min_length=1, max_length=200)]

    @property
    def kind(self) -> ParameterKind:
        kinds = {_kind(dated.value) for dated in self.values}
        return kinds.pop() if len(kinds) == 1 else "mixed"

    def dated_on(self, day: date) -> DatedValue | None:
        """The value in force on that day with its clause; None where nothing was in force."""
        found = None
        for dated in self.values:
            if dated.start <= day:
                found = dated
        return None if found is None or (found.until is not None and found.until < day) else found


def value_on(parameter: Parameter, day: date) -> Any:
    """The bare value in force on that day, None where nothing was in force."""
    dated = parameter.dated_on(day)
    return None if dated is None else dated.value


def check_dates(name: str, parameter: Parameter, path: Path, report: Callable[..., None]) -> None:
    """Every overlap, gap and change of type between the values, reported with its place."""
    if parameter.kind == "mixed":
        report((*path, "values"), f"参数“{name}”各时期的值种类不同（数、文字、日期不能混用）。",
               f"The values of parameter '{name}' are of different kinds; numbers, texts and dates cannot be mixed.")
    for at, dated in enumerate(parameter.values):
        where = (*path, "values", at)
        if dated.until is not None and dated.until < dated.start:
            report(where, f"参数“{name}”的值在 {dated.start} 开始，却在 {dated.until} 已结束。", f"A value of '{name}' starts on {dated.start} but ends on {dated.until}.")
        if at == 0:
            continue
        before = parameter.values[at - 1]
        if dated.start <= before.start or (before.until is not None and dated.start <= before.until):
            report(where, f"参数“{name}”自 {dated.start} 起的值与前一个值重叠，请按日期先后排列、互不重叠。",
                   f"The value of '{name}' from {dated.start} overlaps the one before; order them by date, without overlap.", "C202")
        elif before.until is not None and dated.start > before.until + timedelta(days=1):
            report(where, f"参数“{name}”在 {before.until + timedelta(days=1)} 至 {dated.start - timedelta(days=1)} 之间没有值，请补上。",
                   f"Parameter '{name}' has no value between {before.until + timedelta(days=1)} and {dated.start - timedelta(days=1)}; add one.", "C201")


def _kind(value: Any) -> ParameterKind:
    if isinstance(value, tuple):
        kinds = {_kind(one) for one in value}
        return "numbers" if kinds == {"number"} else "texts" if kinds == {"text"} else "mixed"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    try:
        iso_date(value)
    except ValueError:
        return "text"
    return "date"
