"""What an uploaded workbook must be before openpyxl touches it: small, plain, without anything that runs or reaches elsewhere.

openpyxl believes what a file says about itself. A few kilobytes can unpack to gigabytes, one merged range can name seventeen billion
cells; so sizes, counts and parts are looked at in the packed file first.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rules.documents import Problem, Problems

MAX_FILE = 5_000_000
MAX_PARTS = 200
MAX_UNPACKED = 20_000_000
MAX_RATIO = 200
MAX_ROWS = 5_000  # of a sheet
MAX_COLUMNS = 60
MAX_CELLS = 100_000  # of all sheets


@dataclass(frozen=True)
class Limits:
    """How large a workbook may be: a bundle's by default, which is short."""

    file: int = MAX_FILE
    unpacked: int = MAX_UNPACKED
    rows: int = MAX_ROWS
    columns: int = MAX_COLUMNS
    cells: int = MAX_CELLS


BUNDLES = Limits()
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]{0,2000}?\br=[\"'](\d{1,9})[\"']")
_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]{0,2000}?\br=[\"']([A-Z]{1,4})\d{1,9}[\"']")
_CELLS = re.compile(rb"<(?:\w+:)?c[\s>/]")
_STRINGS = re.compile(rb"<(?:\w+:)?si[\s>/]")
_RUNS = ("vbaproject", "vbadata", "activex", "oleobject", "embeddings/", "externallinks/", "connections.xml", "querytables/", "customui", "macrosheets/")


def look_through(content: bytes | Path, limits: Limits = BUNDLES) -> None:
    """Raise Problems for a file that should not be opened at all. One part of it is unpacked at a time."""
    problems = list(_faults(content, limits))
    if problems:
        raise Problems(problems)


def _problem(zh: str, en: str) -> Problem:
    return Problem("xlsx", 1, "", zh, en)


def _faults(content: bytes | Path, limits: Limits) -> Iterator[Problem]:
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    if size > limits.file:
        yield _problem(f"文件 {size} 字节，超过上限 {limits.file} 字节。", f"The file has {size} bytes; at most {limits.file} are taken.")
        return
    try:
        with zipfile.ZipFile(content if isinstance(content, Path) else io.BytesIO(content)) as packed:
            infos = packed.infolist()
            found = list(_parts(infos, limits))
            yield from found
            if not found:
                yield from _contents([info.filename for info in infos if not info.is_dir()], packed.read, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        yield _problem(
            "不是完好的 XLSX 文件。请在表格软件中另存为 .xlsx 后再上传。", "This is not a sound XLSX file; save it as .xlsx in the spreadsheet program and upload again."
        )


def _parts(infos: list[zipfile.ZipInfo], limits: Limits) -> Iterator[Problem]:
    if len(infos) > MAX_PARTS or len({info.filename for info in infos}) != len(infos):
        yield _problem(f"文件内部有 {len(infos)} 个部分，过多或重复，不能收。", f"The file has {len(infos)} parts: too many, or some appear twice.")
        return
    if sum(info.file_size for info in infos) > limits.unpacked or any(
        info.file_size > MAX_RATIO * max(info.compress_size, 1_000) for info in infos
    ):
        yield _problem("解压后大得不正常，可能是压缩炸弹，不能收。", "It unpacks beyond reason; it may be a zip bomb.")
        return
    for info in infos:
        if info.flag_bits & 0x1:
            yield _problem("文件加了密码，请去掉密码后再上传。", "The file has a password; remove it and upload again.")
            return
    if any(any(word in info.filename.lower() for word in _RUNS) for info in infos):
        yield _problem(
            "含有宏、控件、嵌入对象或外部连接。请另存为不带宏的 .xlsx。", "It contains macros, controls, embedded objects or external links; save it as plain .xlsx."
        )


def _contents(parts: list[str], read: Callable[[str], bytes], limits: Limits) -> Iterator[Problem]:
    if "[Content_Types].xml" in parts and b"macroenabled" in read("[Content_Types].xml").lower():
        yield _problem("是带宏的工作簿（.xlsm）。请另存为不带宏的 .xlsx。", "This is a workbook with macros (.xlsm); save it as plain .xlsx.")
        return
    if "xl/workbook.xml" not in parts:
        yield _problem("不是 XLSX 工作簿。", "This is no XLSX workbook.")
        return
    cells = 0
    for name in parts:
        if not name.endswith((".xml", ".rels")):
            continue
        content = read(name)
        if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:200] or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            yield _problem(f"其中的 {_shown(name)} 含有不允许的声明。", f"Its part {_shown(name)} contains declarations that are not allowed.")
            return
        if name.startswith("xl/worksheets/"):
            rows, columns = map(int, _ROW.findall(content)), _CELL.findall(content)
            cells += len(_CELLS.findall(content))
            if max(rows, default=0) > limits.rows or max(map(_column, columns), default=0) > limits.columns:
                yield _problem(
                    f"工作表超过 {limits.rows} 行或 {limits.columns} 列。请删去下方、右侧的空行空列再保存。",
                    f"A sheet has more than {limits.rows} rows or {limits.columns} columns; delete the empty ones below and to the right.",
                )
                return
            if b"mergeCell" in content:
                yield _problem("有合并的单元格，请取消合并后再上传。", "It has merged cells; unmerge them and upload again.")
                return
        elif len(_STRINGS.findall(content)) > limits.cells:
            cells = limits.cells + 1
    if cells > limits.cells:
        yield _problem(f"单元格超过 {limits.cells} 个。", f"It has more than {limits.cells} cells.")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _shown(name: str) -> str:
    return "".join(char for char in name[:60] if char.isprintable())
