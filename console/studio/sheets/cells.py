"""One cell, out and back: how a value of a document stands in a spreadsheet, and what may be typed there.

A cell that still shows what the document would show stands for the very value of the document, whatever the spreadsheet program made of
it (65 and 65.0, a line end, a trailing blank line). Only what differs is read anew.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Literal

from rules.documents import Problems, read_yaml
from rules.documents_writing import one_line
from rules.parts import iso_date

Kind = Literal["text", "long", "date", "value", "basis", "flag", "outcome", "seen"]
Shown = str | int | float | bool | dt.date | None
LONGEST = 32_000  # characters a cell can hold, with room
YES, NO = "是", "否"
MET, NOT_MET = "满足", "不满足"
_TOO_LONG = "（内容过长，请在 YAML 文件中修改）"
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class CellFault(ValueError):
    """What is wrong with a cell, in both languages."""

    def __init__(self, zh: str, en: str):
        super().__init__(zh)
        self.zh, self.en = zh, en


def shown(kind: Kind, value: Any) -> Shown:
    """What the cell holds for this value of a document."""
    if kind == "flag":
        return NO if value is False else YES
    if kind == "outcome":
        return MET if value else NOT_MET
    if value is None:
        return None
    if kind == "date":
        return _date(value) or text_of(str(value))
    if kind == "basis":
        clauses = [value] if isinstance(value, dict) else value
        return text_of("\n".join(f"{one.get('reg')} | {one.get('article')}" for one in clauses))
    if kind == "value":
        if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**15):
            return value
        if isinstance(value, str) and not value.startswith(("{", "[", '"')):
            return _date(value) or text_of(value)
        return text_of(one_line(value))
    return text_of(str(value))


def text_of(text: str) -> str:
    """The text as a cell keeps it: one kind of line end, no control characters, nothing empty at the end."""
    text = _ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")).rstrip("\n")
    return text if len(text) <= LONGEST else _TOO_LONG


def _date(text: Any) -> dt.date | None:
    """A date that a spreadsheet can hold as one: those before 1900-03-01 are not the same in every program."""
    try:
        day: dt.date = iso_date(text)
    except ValueError:
        return None
    return day if day >= dt.date(1900, 3, 1) else None


def same(cell: Shown, expected: Shown) -> bool:
    """Whether a cell still shows what it was given."""
    if isinstance(cell, bool) or isinstance(expected, bool):
        return cell is expected
    if isinstance(cell, int | float) and isinstance(expected, int | float):
        return cell == expected
    return _normal(cell) == _normal(expected)


def _normal(cell: Shown) -> str:
    return "" if cell is None else cell.isoformat() if isinstance(cell, dt.date) else text_of(str(cell)).strip()


def taken(kind: Kind, cell: Shown, before: Any = None) -> Any:
    """The value for a document out of a cell that was changed; None for an empty one. `before` is the value it replaces. CellFault."""
    if isinstance(cell, str):
        cell = text_of(cell).strip() or None
    if kind == "flag":
        return _choice(cell, {YES: True, NO: False, "yes": True, "no": False}, True)
    if kind == "outcome":
        return _choice(cell, {MET: True, NOT_MET: False, "met": True, "not met": False}, None)
    if cell is None:
        return None
    if kind == "date":
        return _iso(cell)
    if kind == "basis":
        return _clauses(_words(cell), before)
    if kind == "value":
        return _value(cell)
    text = _words(cell)
    return text + "\n" if kind == "long" and isinstance(before, str) and before.endswith("\n") else text


def _choice(cell: Shown, words: dict[str, bool], blank: bool | None) -> bool | None:
    if cell is None:
        return blank
    if isinstance(cell, bool):
        return cell
    found = words.get(str(cell).lower())
    if found is None:
        choices = [word for word in words if not word.isascii()]
        raise CellFault(f"“{str(cell)[:20]}”应为“{choices[0]}”或“{choices[1]}”。", f"'{str(cell)[:20]}' must be {' or '.join(choices)}.")
    return found


def _iso(cell: Shown) -> str:
    if isinstance(cell, dt.date):
        return cell.isoformat()
    text = str(cell).replace("/", "-").replace(".", "-")
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    try:
        if match and not isinstance(cell, int | float):
            return dt.date(*map(int, match.groups())).isoformat()
    except ValueError:
        pass
    raise CellFault(f"“{str(cell)[:20]}”不是日期，请写成 2026-01-31。", f"'{str(cell)[:20]}' is not a date; write it like 2026-01-31.")


def _words(cell: Shown) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        cell = _number(cell)
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def _number(number: int | float) -> int | float:
    """The number a person typed: spreadsheets keep 15 digits, and write whole numbers as they like."""
    if isinstance(number, int):
        return number
    rounded = float(f"{number:.15g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 10**15 else rounded


def _value(cell: Shown) -> Any:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, dt.date):
        return cell.isoformat()
    text = str(cell)
    if not text.startswith(("{", "[", '"')):
        return text
    try:
        return read_yaml("cell", text.encode("utf-8", "replace")).data
    except Problems as error:
        one = error.problems[0]
        raise CellFault(f"“{text[:30]}”读不懂：{one.zh}", f"'{text[:30]}' cannot be read: {one.en}") from None


def _clauses(text: str, before: Any) -> Any:
    clauses = []
    for line in text.splitlines():
        reg, bar, article = line.replace("｜", "|").partition("|")
        if not line.strip():
            continue
        if not bar or not reg.strip() or not article.strip():
            raise CellFault(
                f"依据“{line[:30]}”应写成“文件代号 | 条款”，一行一条。", f"Write the basis '{line[:30]}' as 'regulation | article', one to a line."
            )
        clauses.append({"reg": reg.strip(), "article": article.strip()})
    return clauses[0] if isinstance(before, dict) and len(clauses) == 1 else clauses
