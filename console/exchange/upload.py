"""What a sender's file is: its encoding, its separator, its lines. Everything that could make a reader swallow too much is asked first."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from console.errors import N_, ConsoleError
from console.exchange import unpacking
from console.exchange.sheets import COMMENT, unneutral

MAX_LINE = 1_000_000  # characters of one line of text
MAX_CELL = 100_000
MAX_COLUMNS = 200
MAX_ROWS = 1_000_000
_PART = 1 << 20
_NAMES = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "gb18030": "GB18030", "utf-16": "UTF-16"}


class Refused(ConsoleError):
    status = 422


class NoSuchKind(Refused):
    message = N_("“%(name)s”不是能导入的类型。请上传 CSV 或 XLSX 文件；旧的 .xls 请在表格软件中另存为 .xlsx。")


class Unreadable(Refused):
    message = N_("看不出这个文件的文字编码：既不是 UTF-8，也不是 GB18030。请在表格软件中另存为“CSV UTF-8”再上传。")


class NotText(Refused):
    message = N_("这个文件里有空字符，不是文本文件。请在表格软件中另存为 CSV 再上传。")


class LineTooLong(Refused):
    message = N_("第 %(line)s 行太长，超过 %(most)s 个字符，不像表格。常见原因是少了一个右引号，请从这一行查起。")


class TooManyColumns(Refused):
    message = N_("有 %(columns)s 列，超过 %(most)s 列。请只留下要导入的列。")


class TooManyRows(Refused):
    message = N_("超过 %(most)s 行。请分成几个文件导入。")


class BrokenCsv(Refused):
    message = N_("第 %(line)s 行的引号没有配对，后面的内容分不清是哪一列。请改正这一行再上传。")


class NoRows(Refused):
    message = N_("文件里没有数据：第一行要是列名，下面每行一条。")


@dataclass(frozen=True)
class Line:
    """A row of the file and where it begins, counted as a spreadsheet does."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Source:
    """A file that can be read; `notes` are (sentence, facts) about how it was understood."""

    path: Path
    encoding: str  # empty: lines of JSON, made from a workbook
    delimiter: str
    notes: tuple[tuple[str, dict[str, object]], ...] = ()

    def lines(self) -> Iterator[Line]:
        """Every row that has something in it, the heading first. Raises Refused in the middle when that is where it goes wrong."""
        found = self._json() if not self.encoding else self._csv()
        for count, line in enumerate(found):
            if count > MAX_ROWS:
                raise TooManyRows(most=f"{MAX_ROWS:,}")
            if len(line.cells) > MAX_COLUMNS:
                if any(cell.strip() for cell in line.cells[MAX_COLUMNS:]):
                    raise TooManyColumns(columns=f"{len(line.cells):,}", most=MAX_COLUMNS)
                line = Line(line.number, line.cells[:MAX_COLUMNS])
            yield line

    def _json(self) -> Iterator[Line]:
        with self.path.open(encoding="utf-8") as source:
            for number, text in enumerate(source, 1):
                cells = json.loads(text)
                if any(cell.strip() for cell in cells):
                    yield Line(number, cells)

    def _csv(self) -> Iterator[Line]:
        begun = False
        with self.path.open(encoding=self.encoding, newline="") as source:
            csv.field_size_limit(MAX_CELL)
            reader = csv.reader(source, delimiter=self.delimiter, strict=True)
            number = 1
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    if "field larger" in str(error):
                        raise LineTooLong(line=number, most=f"{MAX_CELL:,}") from None
                    raise BrokenCsv(line=number) from None
                if any(cell.strip() for cell in cells) and (begun or not cells[0].startswith(COMMENT)):
                    begun = True
                    yield Line(number, [unneutral(cell) for cell in cells])
                number = reader.line_num + 1


def understand(path: Path, name: str, *, language: str) -> Source:
    """Look at the whole file once, in parts; Refused says what to do with one that cannot be taken."""
    ending = name.rpartition(".")[2].lower()
    with path.open("rb") as source:
        head = source.read(4)
    if head == b"PK\x03\x04":
        return _workbook(path, language)
    if ending not in ("csv", "txt", "tsv") or head == b"\xd0\xcf\x11\xe0":
        raise NoSuchKind(name=name)
    encoding = _encoding(path)
    delimiter = _delimiter(path, encoding)
    notes: list[tuple[str, dict[str, object]]] = []
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append((N_("按 %(encoding)s 编码读取。"), {"encoding": _NAMES[encoding]}))
    if delimiter != ",":
        notes.append((N_("列之间以“%(mark)s”分隔。"), {"mark": "Tab" if delimiter == "\t" else delimiter}))
    return Source(path, encoding, delimiter, tuple(notes))


def _workbook(path: Path, language: str) -> Source:
    lines = path.with_name("lines")
    found = unpacking.unpack(path, lines, language=language)
    notes: list[tuple[str, dict[str, object]]] = []
    if found["sheets"] > 1:
        notes.append((N_("工作簿有 %(count)s 张表，只读第一张。"), {"count": found["sheets"]}))
    if found["formulas"]:
        notes.append((N_("有 %(count)s 个公式，没有计算，按公式的文字收下。要的是结果时，请先“粘贴为数值”。"), {"count": found["formulas"]}))
    return Source(lines, "", "", tuple(notes))


def _encoding(path: Path) -> str:
    with path.open("rb") as source:
        head = source.read(3)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        candidates = ["utf-16"]
    elif head == codecs.BOM_UTF8:
        candidates = ["utf-8-sig"]
    else:
        candidates = ["utf-8", "gb18030"]
    decoders = {name: codecs.getincrementaldecoder(name)("strict") for name in candidates}
    line, length = 1, 0
    with path.open("rb") as source:
        while True:
            part = source.read(_PART)
            for name in list(decoders):
                try:
                    text = decoders[name].decode(part, final=not part)
                except UnicodeDecodeError:
                    del decoders[name]
                    continue
                if "\0" in text:
                    raise NotText()
            if not decoders:
                raise Unreadable()
            if not part:
                return next(iter(decoders))
            line, length = _longest(part, line, length)


def _longest(part: bytes, line: int, length: int) -> tuple[int, int]:
    """Where we are now, in lines and in bytes of the last one."""
    pieces = part.replace(b"\r", b"\n").split(b"\n")
    for at, piece in enumerate(pieces):
        length = len(piece) + (length if at == 0 else 0)
        if length > 4 * MAX_LINE:
            raise LineTooLong(line=line + part[: part.find(piece)].count(b"\n"), most=f"{MAX_LINE:,}")
    return line + part.count(b"\n"), length


def _delimiter(path: Path, encoding: str) -> str:
    """Comma, semicolon or tab, whichever the heading has most of outside quotes."""
    with path.open(encoding=encoding, newline="") as source:
        for text in source:
            if text.strip() and not text.lstrip('"\ufeff').startswith(COMMENT):
                plain = "".join(text.split('"')[::2])
                return max((",", ";", "\t"), key=plain.count) if any(map(plain.count, ",;\t")) else ","
    raise NoRows()


__all__ = ["Line", "Refused", "Source", "understand"]
