"""Whole numbers and decimals. Decimals are stored as text, so that 12.50 stays 12.50."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Literal, Self

import re2
from pydantic import Field, StrictFloat, StrictInt, model_validator

from rules.documents import Fault
from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Words

_INTEGER = re2.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re2.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?")
Number = StrictInt | StrictFloat


class _NumberField(BaseField):
    min: Number | None = None
    max: Number | None = None
    unit: Words | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise Fault(f"min {self.min} 大于 max {self.max}。", f"min {self.min} is above max {self.max}.", ("min",))
        return self

    @property
    def fact_type(self) -> FactType:
        return FactType("number", self.label, unit=self.unit.zh if self.unit else "", secret=self.secret, evidence=self.evidence)

    def _within(self, number: Decimal) -> None:
        if self.min is not None and number < Decimal(str(self.min)):
            raise FieldError(f"{number} 小于允许的最小值 {self.min}。", f"{number} is below the least allowed, {self.min}.")
        if self.max is not None and number > Decimal(str(self.max)):
            raise FieldError(f"{number} 大于允许的最大值 {self.max}。", f"{number} is above the most allowed, {self.max}.")

    def show(self, value: Any, lang: str = "zh") -> str:
        if value is None:
            return ""
        return f"{value} {self.unit.show(lang)}" if self.unit else str(value)


class IntegerField(_NumberField):
    kind: Literal["integer"]

    widget: ClassVar[str] = "integer"

    @property
    def fact_type(self) -> FactType:
        return replace(super().fact_type, whole=True)

    def parse(self, raw: Raw, around: Around) -> int | None:
        text = as_text(raw, longest=20, wide=True)
        if text is None:
            return None
        if _INTEGER.fullmatch(text) is None:
            raise FieldError(f"“{seen(text)}”不是整数，请只填数字。", f"'{seen(text)}' is not a whole number; please type digits only.")
        self._within(Decimal(text))
        return int(text)

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "integer", "title": self.label.zh}
        return schema | _bounds(self)


class DecimalField(_NumberField):
    kind: Literal["decimal"]
    places: Annotated[StrictInt, Field(ge=0, le=6)] = 2

    widget: ClassVar[str] = "decimal"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=30, wide=True)
        if text is None:
            return None
        plain = text.replace(",", "")
        try:
            if _DECIMAL.fullmatch(plain) is None:
                raise InvalidOperation
            number = Decimal(plain)
        except InvalidOperation:
            raise FieldError(f"“{seen(text)}”不是数字，请写成 12.50 的样子。", f"'{seen(text)}' is not a number; write it like 12.50.") from None
        if -int(number.as_tuple().exponent) > self.places:
            raise FieldError(f"{number} 的小数超过 {self.places} 位。", f"{number} has more than {self.places} decimal places.")
        self._within(number)
        return str(number)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


def _bounds(field: _NumberField) -> dict[str, Any]:
    return {name: bound for name, bound in (("minimum", field.min), ("maximum", field.max)) if bound is not None}
