"""One of several, some of several, yes or no."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StrictInt, model_validator

from rules.documents import Fault
from rules.fact_types import FactType
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Code, Flag, Part, Words

FEW = 5


class Option(Part):
    value: Code
    label: Words


class _WithOptions(BaseField):
    options: Annotated[tuple[Option, ...], Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        values: set[str] = set()
        for at, option in enumerate(self.options):
            if option.value in values:
                raise Fault(f"选项“{option.value}”重复出现。", f"The option '{option.value}' appears twice.", ("options", at))
            values.add(option.value)
        return self

    def label_of(self, value: Any, lang: str = "zh") -> str:
        return next((option.label.show(lang) for option in self.options if option.value == value), str(value))

    def _one(self, raw: Raw) -> str | None:
        text = as_text(raw, longest=100)
        if text is not None and all(option.value != text for option in self.options):
            labels_zh = "、".join(option.label.zh for option in self.options[:8])
            labels_en = ", ".join(option.label.show("en") for option in self.options[:8])
            raise FieldError(f"“{seen(text)}”不在可选项中，请选择：{labels_zh}。", f"'{seen(text)}' is not one of the choices; choose: {labels_en}.")
        return text


class ChoiceField(_WithOptions):
    kind: Literal["choice"]

    @property
    def widget(self) -> str:  # type: ignore[override]
        return "radio" if len(self.options) <= FEW else "select"

    @property
    def fact_type(self) -> FactType:
        return FactType("choice", self.label, {option.value: option.label for option in self.options}, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> str | None:
        return self._one(raw)

    def show(self, value: Any, lang: str = "zh") -> str:
        return "" if value is None else self.label_of(value, lang)

    def json_schema(self) -> dict[str, Any]:
        return {"title": self.label.zh, "enum": [option.value for option in self.options]}


class ChoicesField(_WithOptions):
    """Some of several; stored in the order of the options, so that the same choice is the same value."""

    kind: Literal["choices"]
    min_count: Annotated[StrictInt, Field(ge=1, le=500)] = 1
    max_count: Annotated[StrictInt, Field(ge=1, le=500)] | None = None

    widget: ClassVar[str] = "checkboxes"

    @property
    def fact_type(self) -> FactType:
        return FactType("choices", self.label, {option.value: option.label for option in self.options}, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> list[str] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, (list, tuple)):
            raw = [raw]
        if len(raw) > 2 * len(self.options) + 10:
            raise FieldError(f"选择了 {len(raw)} 项，请重新选择。", f"{len(raw)} chosen; please choose again.")
        chosen = {self._one(one) for one in raw} - {None}
        if not chosen:
            return None
        if len(chosen) < self.min_count:
            raise FieldError(f"至少选择 {self.min_count} 项，现为 {len(chosen)} 项。", f"Choose at least {self.min_count}; found {len(chosen)}.")
        if self.max_count is not None and len(chosen) > self.max_count:
            raise FieldError(f"最多选择 {self.max_count} 项，现为 {len(chosen)} 项。", f"Choose at most {self.max_count}; found {len(chosen)}.")
        return [option.value for option in self.options if option.value in chosen]

    def show(self, value: Any, lang: str = "zh") -> str:
        if not isinstance(value, list):
            return ""
        return (", " if lang == "en" else "、").join(self.label_of(one, lang) for one in value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "title": self.label.zh, "uniqueItems": True, "items": {"enum": [o.value for o in self.options]}}


class BooleanField(BaseField):
    """Yes or no; not answered is neither. `must_be: true` makes it a pledge that has to be given."""

    kind: Literal["boolean"]
    must_be: Flag | None = None

    @property
    def widget(self) -> str:  # type: ignore[override]
        return "yes_no" if self.must_be is None else "pledge"

    @property
    def fact_type(self) -> FactType:
        return FactType("boolean", self.label, secret=self.secret, evidence=self.evidence)

    def parse(self, raw: Raw, around: Around) -> bool | None:
        if raw is None or raw == "" or raw == []:
            return None
        word = raw if isinstance(raw, bool) else str(raw).strip().lower() if isinstance(raw, (str, int)) else None
        if word in (True, "true", "1", "yes", "on", "y", "是"):
            value = True
        elif word in (False, "false", "0", "no", "off", "n", "否"):
            value = False
        else:
            raise FieldError(f"“{seen(raw)}”不是“是”或“否”，请选择。", f"'{seen(raw)}' is neither yes nor no; please choose.")
        if self.must_be is not None and value is not self.must_be:
            raise FieldError(f"须确认“{self.label.zh}”后才能提交。", f"'{self.label.show('en')}' must be confirmed.")
        return value

    def show(self, value: Any, lang: str = "zh") -> str:
        if not isinstance(value, bool):
            return ""
        return ("Yes" if value else "No") if lang == "en" else ("是" if value else "否")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean", "title": self.label.zh} if self.must_be is None else {"const": self.must_be, "title": self.label.zh}
