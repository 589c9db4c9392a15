"""A workbook's first sheet as plain lines, made by a process of its own: `python -m console.exchange.unpacking workbook lines`.

openpyxl can be made to run for minutes by a file of a few kilobytes. So the packed file is looked through first, and what reads it has
little memory, little time, and nothing to lose. Nothing is reckoned: a formula comes out as its text.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from console.errors import N_, ConsoleError
from console.workbook_guard import Limits, look_through
from rules.documents import Problems

LIMITS = Limits(file=30_000_000, unpacked=400_000_000, rows=200_001, columns=200, cells=6_000_000)
SECONDS = 120
MEMORY = 2_000_000_000
_REFUSED = 3


class BadWorkbook(ConsoleError):
    """What the look through the packed file found, in the sender's language."""

    message = N_("这个工作簿不能收：%(why)s")
    status = 422


class TooSlow(ConsoleError):
    message = N_("这个工作簿读了 %(seconds)s 秒还没有读完，不能收。请把数据另存为 CSV 再上传。")
    status = 422


def unpack(workbook: Path, lines: Path, *, language: str) -> dict[str, int]:
    """Write every row as one line of JSON, a list of texts; answers how many sheets there were and how many formulas were met."""
    asked = [sys.executable, "-m", "console.exchange.unpacking", str(workbook), str(lines)]
    try:
        done = subprocess.run(asked, capture_output=True, timeout=SECONDS + 10, cwd=Path(__file__).parents[2], check=False)
    except subprocess.TimeoutExpired:
        raise TooSlow(seconds=SECONDS) from None
    if done.returncode == _REFUSED:
        said = json.loads(done.stdout)
        raise BadWorkbook(why=said["en" if language == "en" else "zh"])
    if done.returncode < 0:
        raise TooSlow(seconds=SECONDS)
    if done.returncode:
        raise BadWorkbook(why="it cannot be read" if language == "en" else "读不出来，可能已经损坏。请在表格软件中另存一份再上传。")
    return dict(json.loads(done.stdout))


def main(workbook: Path, lines: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        look_through(workbook, LIMITS)
    except Problems as problems:
        first = problems.problems[0]
        sys.stdout.write(json.dumps({"zh": first.zh, "en": first.en}))
        return _REFUSED
    from openpyxl import load_workbook  # only after the look: what it reads has been counted

    packed = workbook.open("rb")
    book = load_workbook(packed, read_only=True, data_only=False)
    formulas = 0
    with lines.open("w", encoding="utf-8") as out:
        for row in book.worksheets[0].iter_rows():
            cells = [cell.value for cell in row]
            formulas += sum(getattr(cell, "data_type", "") == "f" for cell in row)
            out.write(json.dumps([_text(value) for value in cells], ensure_ascii=False) + "\n")
    sys.stdout.write(json.dumps({"sheets": len(book.worksheets), "formulas": formulas}))
    return 0


def _text(value: Any) -> str:
    """A cell as somebody would type it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")
    return str(getattr(value, "text", value))  # an array formula is an object


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
