"""Dates, and periods from one month to another."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import re2

from rules.ages import OPEN, month_number, month_of
from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Day, Flag

_DATE = re2.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_MONTH = re2.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})月?")


class DateField(BaseField):
    kind: Literal["date"]
    min: Day | Literal["today"] | None = None
    max: Day | Literal["today"] | None = None

    widget: ClassVar[str] = "date"

    @property
    def fact_type(self) -> FactType:
        return FactType("date", self.label, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=20, wide=True)
        if text is None:
            return None
        match = _DATE.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise FieldError(f"“{seen(text)}”不是日期，请写成 2026-01-31 的样子。", f"'{seen(text)}' is not a date; write it like 2026-01-31.") from None
        least = around.today if self.min == "today" else self.min
        most = around.today if self.max == "today" else self.max
        if isinstance(least, date) and day < least:
            raise FieldError(f"{day} 早于 {least}，请核对。", f"{day} is before {least}; please check it.")
        if isinstance(most, date) and day > most:
            raise FieldError(f"{day} 晚于 {most}，请核对。", f"{day} is after {most}; please check it.")
        return day.isoformat()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "title": self.label.zh}


class PeriodField(BaseField):
    """From one month to another, both included; `open` allows one that lasts until now."""

    kind: Literal["period"]
    open: Flag = True

    widget: ClassVar[str] = "period"

    @property
    def fact_type(self) -> FactType:
        return FactType("period", self.label, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> dict[str, str] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, dict):
            raise FieldError("请分别填写起止年月。", "Please fill in the first and the last month.")
        start, end = _month(raw.get("start"), "start"), _month(raw.get("end"), "end")
        if start is None and end is None:
            return None
        if start is None:
            raise FieldError("请填写开始的年月。", "Please fill in the first month.", ("start",))
        if end is None:
            zh, en = ("请填写结束的年月；仍在继续的，请选择“至今”。", "Please fill in the last month, or choose 'until now'.") if self.open else (
                "请填写结束的年月。", "Please fill in the last month.")
            raise FieldError(zh, en, ("end",))
        first = month_number(start) or 0
        if first > month_of(around.today):
            raise FieldError(f"开始的年月 {start} 在将来，请核对。", f"The first month, {start}, is in the future; please check it.", ("start",))
        if end == OPEN:
            if not self.open:
                raise FieldError("此处不能填“至今”，请填写结束的年月。", "'Until now' is not possible here; please fill in the last month.", ("end",))
            return {"start": start, "end": OPEN}
        last = month_number(end) or 0
        if last < first:
            raise FieldError(f"结束的年月 {end} 早于开始的年月 {start}，请核对。", f"The last month, {end}, is before the first, {start}; please check it.", ("end",))
        if last > month_of(around.today):
            raise FieldError(f"结束的年月 {end} 在将来；仍在继续的，请选择“至今”。", f"The last month, {end}, is in the future; choose 'until now' if it goes on.", ("end",))
        return {"start": start, "end": end}

    def show(self, value: Any, lang: str = "zh") -> str:
        if not isinstance(value, dict):
            return ""
        now = "now" if lang == "en" else "至今"
        end = now if value.get("end") == OPEN else value.get("end")
        return f"{value.get('start')} {'to' if lang == 'en' else '至'} {end}"

    def json_schema(self) -> dict[str, Any]:
        month = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
        end: dict[str, Any] = {"anyOf": [month, {"const": OPEN}]} if self.open else month
        return {"type": "object", "title": self.label.zh, "properties": {"start": month, "end": end},
                "required": ["start", "end"], "additionalProperties": False}


def _month(raw: Raw, part: str) -> str | None:
    try:
        text = as_text(raw, longest=20, wide=True)
    except FieldError as error:
        raise FieldError(error.zh, error.en, (part,)) from None
    if text is None:
        return None
    if part == "end" and text.lower() in (OPEN, "至今"):
        return OPEN
    match = _MONTH.fullmatch(text)
    month = f"{match[1]}-{int(match[2]):02}" if match else text
    number = month_number(month)
    if number is None or not 1900 <= number // 12 <= 2999:
        raise FieldError(f"“{seen(text)}”不是年月，请写成 2018-06 的样子。", f"'{seen(text)}' is not a month; write it like 2018-06.", (part,))
    return month
