"""The small pieces every document is made of: texts in two languages, clauses, settings with a clause, ids and dates.

Models are frozen and refuse unknown keys. Scalars are strict (a number is not a text, `true` is not 1); lists become tuples.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, StringConstraints

from rules.documents import Fault

Lang = Literal["zh", "en"]
Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Code = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=64)]
Line = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=2000)]
Count = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
Positive = Annotated[StrictInt, Field(ge=1, le=1_000_000)]

_T = TypeVar("_T")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """A text in Chinese and, when somebody wrote it, English."""

    zh: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=20_000)]
    en: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=20_000)] | None = None

    def show(self, lang: str = "zh") -> str:
        return self.en if lang == "en" and self.en else self.zh

    def __str__(self) -> str:
        return self.zh


def _words(raw: Any) -> Any:
    return {"zh": raw} if isinstance(raw, str) else raw


def _listed(raw: Any) -> Any:
    return [raw] if isinstance(raw, dict) else raw


def iso_date(raw: Any) -> Any:
    """A date written 2026-01-31, and in no other way; raises Fault."""
    if type(raw) is date:
        return raw
    if isinstance(raw, str) and len(raw) == 10 and raw.isascii() and raw[4] == raw[7] == "-":
        try:
            return date.fromisoformat(raw)
        except ValueError:
            pass
    raise Fault(f"“{raw}”不是日期，请写成 2026-01-31 的样子。", f"'{raw}' is not a date; write it like 2026-01-31.")


def settled(raw: Any) -> Any:
    return raw if isinstance(raw, dict) and "value" in raw else {"value": raw}


class Clause(Part):
    """Where it is written: a regulation of the bundle's list, and the article."""

    reg: Code
    article: Line


# the second argument is what may be written, for the JSON Schemas of editors
Words = Annotated[Text, BeforeValidator(_words, json_schema_input_type=Line | Text)]
Basis = Annotated[tuple[Clause, ...], BeforeValidator(_listed, json_schema_input_type=Clause | tuple[Clause, ...])]
Day = Annotated[date, BeforeValidator(iso_date)]


class Setting(Part, Generic[_T]):
    """A value with its clause; `verified: false` where it rests on an assumption."""

    value: _T
    basis: Basis = ()
    verified: StrictBool = True


class Months(Part):
    months: Positive


PositiveSetting = Annotated[Setting[Positive], BeforeValidator(settled, json_schema_input_type=Positive | Setting[Positive])]
CountSetting = Annotated[Setting[Count], BeforeValidator(settled, json_schema_input_type=Count | Setting[Count])]
MonthsSetting = Annotated[Setting[Months], BeforeValidator(settled, json_schema_input_type=Months | Setting[Months])]
Flag = StrictBool
Str = StrictStr
