"""Strict reading of the seed tables: every broken cell of every file is named by file, line and column, all at once.

Knows nothing of the database; `tables.py` declares the columns, `base.py` loads what is read here.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one cell (or, with an empty column, with a whole line)."""

    file: str
    line: int
    column: str
    what: str

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.line), self.column) if part)
        return f"{place}: {self.what}"


class SeedProblems(Exception):
    """The base data cannot be loaded; `problems` lists everything that is wrong, nothing was written."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Bad(ValueError):
    """A cell that cannot be read; the text is the sentence shown."""


def text(longest: int, *, pattern: str | None = None, optional: bool = False) -> Callable[[str], str]:
    """A cell of at most `longest` characters; `pattern` matches the whole."""
    compiled = re.compile(pattern) if pattern else None

    def read(cell: str) -> str:
        if cell != cell.strip():
            raise Bad("首尾有空格，请去掉。")
        if not cell and not optional:
            raise Bad("不能为空。")
        if len(cell) > longest:
            raise Bad(f"最多 {longest} 个字，现有 {len(cell)} 个。")
        if cell and compiled and not compiled.fullmatch(cell):
            raise Bad(f"“{cell}”的写法不对，应符合 {pattern}。")
        return cell

    return read


def code(longest: int, *, pattern: str | None = None) -> Callable[[str], str | None]:
    """A reference that may be empty, meaning there is none."""
    read = text(longest, pattern=pattern, optional=True)
    return lambda cell: read(cell) or None


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between the two, in plain digits."""

    def read(cell: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", cell) or not least <= int(cell) <= most:
            raise Bad(f"“{cell}”应是 {least} 到 {most} 的整数。")
        return int(cell)

    return read


def yes_no(cell: str) -> bool:
    """`1` or `0`."""
    if cell not in ("0", "1"):
        raise Bad(f"“{cell}”应是 1（是）或 0（否）。")
    return cell == "1"


def day(cell: str) -> dt.date:
    """An ISO date."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
            raise ValueError
        return dt.date.fromisoformat(cell)
    except ValueError:
        raise Bad(f"“{cell}”不是日期，应写成 2026-01-31。") from None


def day_or_none(cell: str) -> dt.date | None:
    """An ISO date, or nothing."""
    return day(cell) if cell else None


@dataclass(frozen=True)
class Reference:
    """The values of `columns`, when all are given, must be the `target` columns of some row of `file`."""

    columns: tuple[str, ...]
    file: str
    target: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """One CSV file: its columns in order, its key, and what its cells point to."""

    name: str
    columns: dict[str, Callable[[str], Any]]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Row:
    """A read line; `line` is where it begins in its file. A broken one holds the cells that could be read."""

    line: int
    values: dict[str, Any]

    def get(self, columns: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(self.values.get(column) for column in columns)


def read_files(folder: Path, files: tuple[File, ...]) -> dict[str, list[Row]]:
    """Read all files; SeedProblems lists every problem of every one of them."""
    problems: list[Problem] = []
    read = {file.name: list(_read(folder, file, problems)) for file in files}
    for file in files:
        _check_keys(file, read[file.name], problems)
        _check_references(file, read, problems)
    if problems:
        raise SeedProblems(problems)
    return read


def _read(folder: Path, file: File, problems: list[Problem]) -> Iterator[Row]:
    try:
        content = (folder / file.name).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem(file.name, 1, "", f"找不到这个文件，应放在 {folder.name}/ 下。"))
        return
    except UnicodeDecodeError as error:
        problems.append(Problem(file.name, 1, "", f"不是 UTF-8 编码（第 {error.start + 1} 个字节）。"))
        return
    reader = csv.reader(content.splitlines(keepends=True), strict=True)
    expected, line = list(file.columns), 1
    try:
        header = next(reader, [])
        if header != expected:
            problems.append(Problem(file.name, 1, "", f"表头应是 {','.join(expected)}，现在是 {','.join(header)}。"))
            return
        line = reader.line_num + 1
        for cells in reader:
            row = _row(file, line, cells, problems)
            if row is not None:
                yield row
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(file.name, line, "", f"读不下去：{error}。请检查引号是否成对。"))


def _row(file: File, line: int, cells: list[str], problems: list[Problem]) -> Row | None:
    if len(cells) != len(file.columns):
        problems.append(Problem(file.name, line, "", f"应有 {len(file.columns)} 列，现有 {len(cells)} 列。"))
        return None
    values: dict[str, Any] = {}
    for (column, read), cell in zip(file.columns.items(), cells, strict=True):
        try:
            values[column] = read(cell)
        except Bad as error:
            problems.append(Problem(file.name, line, column, str(error)))
    return Row(line, values)


def _check_keys(file: File, rows: list[Row], problems: list[Problem]) -> None:
    first: dict[tuple[Any, ...], int] = {}
    for row in rows:
        key = row.get(file.key)
        if None in key:
            continue
        if key in first:
            shown = " ".join(map(str, key))
            problems.append(Problem(file.name, row.line, file.key[-1], f"“{shown}”与第 {first[key]} 行重复。"))
        first.setdefault(key, row.line)


def _check_references(file: File, read: dict[str, list[Row]], problems: list[Problem]) -> None:
    unread = {problem.file for problem in problems if not problem.column}
    for reference in file.references:
        if reference.file in unread:  # a line of it is missing here: everything pointing to it would be a false alarm
            continue
        known = {row.get(reference.target) for row in read[reference.file]}
        for row in read[file.name]:
            value = row.get(reference.columns)
            if None not in value and value not in known:
                shown = " ".join(map(str, value))
                what = f"“{shown}”在 {reference.file} 里没有。"
                problems.append(Problem(file.name, row.line, reference.columns[-1], what))
