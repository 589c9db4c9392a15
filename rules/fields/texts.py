"""Text, long text, phone and e-mail."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

import re2
from pydantic import Field, StrictInt, model_validator

from rules.documents import Fault
from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen
from rules.parts import Line, Words

_PHONE = re2.compile(r"1[3-9][0-9]{9}")
_EMAIL = re2.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")


class TextField(BaseField):
    """One line. A pattern is RE2 (no look-ahead, no back-references) and must match the whole answer."""

    kind: Literal["text"]
    min_length: Annotated[StrictInt, Field(ge=1, le=10_000)] = 1
    max_length: Annotated[StrictInt, Field(ge=1, le=10_000)] = 100
    pattern: Line | None = None
    pattern_help: Words | None = None

    widget: ClassVar[str] = "text"
    _lines: ClassVar[bool] = False

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.min_length > self.max_length:
            raise Fault(f"min_length {self.min_length} 大于 max_length {self.max_length}。",
                        f"min_length {self.min_length} is above max_length {self.max_length}.", ("min_length",))
        if self.pattern is not None:
            try:
                _compiled(self.pattern)
            except re2.error as error:
                raise Fault(f"pattern 不是 RE2 能读的模式（{error}）。", f"The pattern is not one RE2 can read ({error}).", ("pattern",)) from None
        return self

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=self.max_length, lines=self._lines)
        if text is None:
            return None
        if len(text) < self.min_length:
            raise FieldError(f"至少填写 {self.min_length} 个字符，现为 {len(text)} 个。", f"At least {self.min_length} characters are needed; found {len(text)}.")
        if self.pattern is not None and _compiled(self.pattern).fullmatch(text) is None:
            how = self.pattern_help or self.help
            zh, en = ("：" + how.zh, ": " + how.show("en")) if how else ("，请核对后重填。", "; please check it.")
            raise FieldError(f"“{seen(text)}”的写法不符合要求{zh}", f"'{seen(text)}' is not written as required{en}")
        return text

    def json_schema(self) -> dict[str, Any]:
        schema = {"type": "string", "title": self.label.zh, "minLength": self.min_length, "maxLength": self.max_length}
        return schema | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


class LongTextField(TextField):
    """Several lines."""

    kind: Literal["long_text"]  # type: ignore[assignment]
    max_length: Annotated[StrictInt, Field(ge=1, le=10_000)] = 2000

    widget: ClassVar[str] = "textarea"
    _lines: ClassVar[bool] = True


class PhoneField(BaseField):
    """A mobile number of the mainland: 11 digits; +86, spaces and hyphens are taken off."""

    kind: Literal["phone"]
    secret: bool = True

    widget: ClassVar[str] = "phone"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=30, wide=True)
        if text is None:
            return None
        digits = text.replace(" ", "").replace("-", "")
        for prefix in ("+86", "0086"):
            digits = digits.removeprefix(prefix)
        if _PHONE.fullmatch(digits) is None:
            raise FieldError(f"“{seen(text)}”不是 11 位手机号码，请核对。", f"'{seen(text)}' is not an 11-digit mobile number; please check it.")
        return digits

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": "^1[3-9][0-9]{9}$"}


class EmailField(BaseField):
    kind: Literal["email"]
    secret: bool = True

    widget: ClassVar[str] = "email"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=254, wide=True)
        if text is None:
            return None
        if _EMAIL.fullmatch(text) is None:
            raise FieldError(f"“{seen(text)}”不是电子邮箱地址，请写成 name@example.cn 的样子。",
                             f"'{seen(text)}' is not an e-mail address; write it like name@example.cn.")
        name, _, host = text.rpartition("@")
        return f"{name}@{host.lower()}"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "format": "email", "maxLength": 254}


_patterns: dict[str, Any] = {}


def _compiled(pattern: str) -> Any:
    if pattern not in _patterns:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 1 << 20
        _patterns[pattern] = re2.compile(pattern, options)
    return _patterns[pattern]
