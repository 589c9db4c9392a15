"""Reading numbers out of JSON for comparing: whole numbers stay, decimals are exact, everything else is not a number."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_LIMIT = 10**18


def as_number(raw: Any) -> int | Decimal | None:
    """An int, or the Decimal behind a float or a text such as `12.50`; None when it is none or beyond reason."""
    kind = type(raw)
    if kind is int:
        return raw if -_LIMIT < raw < _LIMIT else None
    if kind is str:
        return Decimal(raw) if len(raw) < 50 and raw.isascii() and _DECIMAL.fullmatch(raw) else None
    if kind is float:
        return Decimal(repr(raw)) if -1e18 < raw < 1e18 else None
    return raw if kind is Decimal else None
