"""The account money is paid to. Secret by its kind: it is sealed with the answers, and no fact, trace or letter carries it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import re2

from rules.fields.base import Around, BaseField, FieldError, Raw, as_text

_DIGITS = re2.compile(r"[0-9]{12,30}")


class BankAccountField(BaseField):
    """12 to 30 digits; spaces and hyphens are taken off. A card (19 digits or fewer) may be held to its check digit (`card: true`);
    company and passbook accounts have none."""

    kind: Literal["bank_account"]
    secret: bool = True
    card: bool = False

    widget: ClassVar[str] = "bank_account"

    def parse(self, raw: Raw, around: Around) -> str | None:
        text = as_text(raw, longest=60, wide=True)
        if text is None:
            return None
        number = text.replace(" ", "").replace("-", "")
        if _DIGITS.fullmatch(number) is None:  # what was typed is not repeated: it may be an account all the same
            raise FieldError(f"银行账号应为 12 到 30 位数字，现为 {len(number)} 个字符，请核对。", f"A bank account is 12 to 30 digits; found {len(number)} characters. Please check it.")
        if self.card and (len(number) > 19 or not luhn(number)):
            raise FieldError("银行卡号的校验位不符，可能有一位写错，请逐位核对。", "The check digit of the card number does not fit; one digit is probably wrong. Please compare each digit.")
        return number

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "title": self.label.zh, "pattern": "^[0-9]{12,30}$"}


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812)."""
    digits = [int(char) for char in reversed(number)]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
