"""Writing rows as CSV or XLSX, one after the other, so that a million of them need no more memory than one.

Whatever a cell begins with, it is text: in CSV a sign that a spreadsheet would reckon with gets an apostrophe before it, in XLSX the cell
is marked as text. Nothing in a file of ours runs.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

FORMULA = "=+-@\t\r＝＋－＠"  # what a spreadsheet takes for the beginning of a formula, also after its own widening of characters
COMMENT = "# "
SHEET_ROWS = 1_048_000  # a worksheet takes 1,048,576
LONGEST = 32_767  # characters of a cell
MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class Sheet(Protocol):
    def write(self, values: Iterable[Any]) -> None: ...

    def close(self) -> None: ...


def open_sheet(kind: str, path: Path, *, title: str, headings: Sequence[str], about: Sequence[str], about_title: str) -> Sheet:
    """A file to be written; `about` are the sentences that say what it is."""
    if kind == "csv":
        return CsvSheet(path, headings, about)
    return XlsxSheet(path, title, headings, about, about_title)


def neutral(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula; `unneutral` of an import takes the mark off again."""
    if isinstance(value, str) and value and value.lstrip(" \u3000\n")[:1] in FORMULA and value.strip(" \u3000\n"):
        return "'" + value
    return value


def unneutral(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].lstrip(" \u3000\n")[:1] and text[1:].lstrip(" \u3000\n")[0] in FORMULA else text


class CsvSheet:
    """UTF-8 with the mark that Excel asks for, lines as RFC 4180 has them."""

    def __init__(self, path: Path, headings: Sequence[str], about: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        for sentence in about:
            self._writer.writerow([COMMENT + " ".join(sentence.split())])
        self.write(headings)

    def write(self, values: Iterable[Any]) -> None:
        self._writer.writerow([neutral(_said(value)) for value in values])

    def close(self) -> None:
        self._file.close()


def _said(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, dt.date) else value


class XlsxSheet:
    """A workbook: the rows, further sheets when there are more than one takes, and a sheet that says what this is."""

    def __init__(self, path: Path, title: str, headings: Sequence[str], about: Sequence[str], about_title: str) -> None:
        from openpyxl import Workbook  # slow, and only a job needs it
        from openpyxl.cell import WriteOnlyCell

        self._cell = WriteOnlyCell
        self._path, self._title, self._headings = path, _sheet_name(title), headings
        self._about, self._about_title = about, _sheet_name(about_title)
        self._book = Workbook(write_only=True)
        self._count = 0
        self._sheet: Any = None
        self._begin()

    def _begin(self) -> None:
        number = len(self._book.worksheets)
        self._sheet = self._book.create_sheet(self._title if not number else f"{self._title[:26]} {number + 1}")
        self._sheet.freeze_panes = "A2"
        for at, heading in enumerate(self._headings):
            self._sheet.column_dimensions[_letter(at)].width = max(12, min(40, 2 * len(heading) + 4))
        self._sheet.append([self._text(heading) for heading in self._headings])

    def write(self, values: Iterable[Any]) -> None:
        if self._count == SHEET_ROWS:
            self._begin()
            self._count = 0
        self._count += 1
        self._sheet.append([self._text(value) if isinstance(value, str) else _number(value) for value in values])

    def _text(self, value: str) -> Any:
        if value[:1] not in "=#":  # openpyxl takes those for formulas and errors
            return value[:LONGEST]
        cell = self._cell(self._sheet, value=value[:LONGEST])
        cell.data_type = "s"
        return cell

    def close(self) -> None:
        sheet = self._book.create_sheet(self._about_title)
        sheet.column_dimensions["A"].width = 90
        for sentence in self._about:
            cell = self._cell(sheet, value=sentence[:LONGEST])
            cell.data_type = "s"
            sheet.append([cell])
        self._book.save(self._path)


def _number(value: Any) -> Any:
    """A worksheet keeps fifteen digits; what has more is text there."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and len(str(value).lstrip("-").replace(".", "")) > 15:
        return str(value)
    return value


def _sheet_name(title: str) -> str:
    return "".join(" " if char in "[]:*?/\\'" else char for char in title)[:31].strip() or "1"


def _letter(at: int) -> str:
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
