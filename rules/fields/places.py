"""Divisions (GB/T 2260) and specialties (always standard and code: two standards use the same letters differently)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import re2
from pydantic import Field

from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Code

_DIVISION = re2.compile(r"[1-9][0-9]{5}")
_CODE = re2.compile(r"[A-Z][0-9]{0,12}")


class DivisionField(BaseField):
    """A six-digit code; `level` 3 asks for a county, 2 for a league or city at least."""

    kind: Literal["division"]
    level: Literal[1, 2, 3] = 3

    widget: ClassVar[str] = "division"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=20, wide=True)
        if text is None:
            return None
        if _DIVISION.fullmatch(text) is None or (around.divisions is not None and text not in around.divisions):
            raise FieldError(f"没有代码为“{seen(text)}”的行政区划，请从列表中选择。", f"There is no division '{seen(text)}'; please choose from the list.")
        if division_level(text) < self.level:
            zh, en = {3: ("旗县（市、区）", "a county, banner or district"), 2: ("盟市", "a league or city")}[self.level]
            raise FieldError(f"请选择到{zh}一级。", f"Please choose {en}.")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": "^[1-9][0-9]{5}$"}


def division_level(code: str) -> Literal[1, 2, 3]:
    """1 region, 2 league or city, 3 county, banner or district: by the pairs of digits that are not 00."""
    if code.endswith("0000"):
        return 1
    return 2 if code.endswith("00") else 3


class SpecialtyField(BaseField):
    kind: Literal["specialty"]
    standards: Annotated[tuple[Code, ...], Field(min_length=1)]

    widget: ClassVar[str] = "specialty"

    @property
    def fact_type(self) -> FactType:
        return FactType("specialty", self.label, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> dict[str, str] | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):                          # one form control: "316-2018/A0403"
            standard, _, code = raw.rpartition("/")
            raw = {"standard": standard, "code": code}
        if not isinstance(raw, dict):
            raise FieldError("请从列表中选择专业。", "Please choose a specialty from the list.")
        standard_text, code_text = as_text(raw.get("standard"), longest=64), as_text(raw.get("code"), longest=30, wide=True)
        if standard_text is None and code_text is None:
            return None
        if standard_text not in self.standards:
            raise FieldError(f"不认识的专业分类标准“{seen(standard_text or '')}”，请从列表中选择专业。",
                             f"Unknown classification standard '{seen(standard_text or '')}'; please choose from the list.")
        code = (code_text or "").upper()
        if _CODE.fullmatch(code) is None or (around.specialties is not None and (standard_text, code) not in around.specialties):
            raise FieldError(f"该标准中没有代码为“{seen(code)}”的专业，请从列表中选择。", f"That standard has no specialty '{seen(code)}'; please choose from the list.")
        return {"standard": standard_text, "code": code}

    def show(self, value: Any, lang: str = "zh") -> str:
        return f"{value.get('code')}（{value.get('standard')}）" if isinstance(value, dict) else ""

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object", "title": self.label.zh, "required": ["standard", "code"], "additionalProperties": False,
                "properties": {"standard": {"enum": list(self.standards)}, "code": {"type": "string", "pattern": "^[A-Z][0-9]{0,12}$"}}}
