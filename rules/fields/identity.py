"""Numbers that carry their own check: the citizen's identity number (GB 11643) and the unified social credit code (GB 32100)."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import re2
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

from rules.fields.base import Around, BaseField, FieldError, Raw, as_text, seen

_ID_NUMBER = re2.compile(r"[1-9][0-9]{16}[0-9X]")


def birth_date(id_number: object) -> date | None:
    """The date of birth written in an identity number, None when it is not one."""
    if not isinstance(id_number, str) or len(id_number) != 18 or _ID_NUMBER.fullmatch(id_number) is None:
        return None
    try:
        return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None


def sex(id_number: object) -> Literal["male", "female"] | None:
    """By the 17th digit: odd for men, even for women."""
    if birth_date(id_number) is None:
        return None
    return "male" if int(str(id_number)[16]) % 2 else "female"


def check_digit(first_17: str) -> str:
    """The last character of an identity number (ISO 7064 MOD 11-2)."""
    return str(mod_11_2.calc_check_digit(first_17))


class IdNumberField(BaseField):
    kind: Literal["id_number"]
    secret: bool = True

    widget: ClassVar[str] = "id_number"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=40, wide=True)
        if text is None:
            return None
        number = text.replace(" ", "").replace("-", "").upper()
        if len(number) != 18:
            raise FieldError(f"身份证号应为 18 位，现为 {len(number)} 位，请核对。", f"An identity number has 18 characters; found {len(number)}. Please check it.")
        if _ID_NUMBER.fullmatch(number) is None:
            raise FieldError("身份证号由 17 位数字和末位的数字或 X 组成，请核对。", "An identity number is 17 digits followed by a digit or X; please check it.")
        born = birth_date(number)
        if born is None or born.year < 1850:
            raise FieldError(f"身份证号中的出生日期 {number[6:14]} 不存在，请核对。", f"The birth date in the number, {number[6:14]}, does not exist; please check it.")
        if born > around.today:
            raise FieldError(f"身份证号中的出生日期 {born} 在将来，请核对。", f"The birth date in the number, {born}, is in the future; please check it.")
        if check_digit(number[:17]) != number[17]:
            raise FieldError(f"身份证号的校验码不符（末位为 {number[17]}），可能有一位写错，请逐位核对。",
                             f"The check digit ({number[17]}) does not fit; one digit is probably wrong. Please compare each digit.")
        return number

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": "^[1-9][0-9]{16}[0-9X]$"}


class UsccField(BaseField):
    kind: Literal["uscc"]

    widget: ClassVar[str] = "uscc"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=40, wide=True)
        if text is None:
            return None
        code = text.replace(" ", "").replace("-", "").upper()
        try:
            if not code.isascii():
                raise ValidationError
            return str(uscc.validate(code))
        except (ValidationError, ValueError):
            raise FieldError(f"“{seen(text)}”不是有效的 18 位统一社会信用代码，请核对。",
                             f"'{seen(text)}' is not a valid 18-character unified social credit code; please check it.") from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": "^[0-9A-Z]{18}$"}
