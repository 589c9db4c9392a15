"""What a sender's file is taken for, and the sentence for one that cannot be taken."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest
from openpyxl import Workbook

from console.exchange import unpacking, upload
from console.exchange.upload import understand


def read(tmp_path, content, name="v.csv"):
    path = tmp_path / "file"
    path.write_bytes(content)
    source = understand(path, name, language="zh")
    return source, [(line.number, line.cells) for line in source.lines()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_every_encoding_and_separator_that_spreadsheets_write_is_read(tmp_path, encoding, mark):
    content = f"考场编号{mark}名称\r\n007{mark}“礼堂”𠮷\r\n\r\n008{mark}\"甲{mark}乙\n丙\"\r\n009{mark}末\r\n".encode(encoding)
    _source, lines = read(tmp_path, content)
    assert lines == [(1, ["考场编号", "名称"]), (2, ["007", "“礼堂”𠮷"]), (4, ["008", f"甲{mark}乙\n丙"]), (6, ["009", "末"])]


def test_what_an_export_says_of_itself_is_passed_over_and_its_marks_are_taken_off(tmp_path):
    _source, lines = read(tmp_path, "\ufeff# 名单：考场\r\n# 条件：没有\r\n名称,备注\r\n甲,'=1+1\r\n# 乙,#1\r\n".encode())
    assert lines == [(3, ["名称", "备注"]), (4, ["甲", "=1+1"]), (5, ["# 乙", "#1"])]


@pytest.mark.parametrize(
    ("content", "name", "error", "said"),
    [
        (b"a,b\n1,\x00\n", "v.csv", upload.NotText, "空字符"),
        (b"a,b\n1,\xff\xff\xff\n", "v.csv", upload.Unreadable, "GB18030"),
        (b'a,b\n1,"2\n3,4\n5,6\n', "v.csv", upload.BrokenCsv, "第 2 行的引号"),
        (b'a,b\n1,2"3\n4,"5"6\n', "v.csv", upload.BrokenCsv, "第 3 行的引号"),
        (b"a" + b",b" * 9_999 + b"\n", "v.csv", upload.TooManyColumns, "10,000 列"),
        (b"a,b\n1," + b"x" * 50_000_000 + b"\n", "v.csv", upload.LineTooLong, "第 2 行太长"),
        (b'a,b\n1,"' + b"x\n" * 200_000 + b'"\n', "v.csv", upload.LineTooLong, "第 2 行太长"),
        (b"", "v.csv", upload.NoRows, "没有数据"),
        (b"\xd0\xcf\x11\xe0rest", "v.xls", upload.NoSuchKind, ".xlsx"),
        (b"%PDF-1.7", "v.pdf", upload.NoSuchKind, "v.pdf"),
        (b"PK\x03\x04 but no archive", "v.xlsx", unpacking.BadWorkbook, "不是完好的"),
    ],
    ids=["nul", "no encoding", "open quote", "quote inside", "10,000 columns", "50 MB line", "open quote over lines", "empty", "xls", "pdf", "no zip"],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_where_and_what_to_do(tmp_path, content, name, error, said):
    with pytest.raises(error) as refused:
        read(tmp_path, content, name)
    assert said in str(refused.value)


def book(fill):
    made = Workbook()
    fill(made.active)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def test_a_workbook_is_read_as_it_would_be_typed(tmp_path):
    def fill(sheet):
        sheet.append(["编号", "日期", "时刻", "数", "小数", "真", "公式", "空"])
        sheet.append(["007", dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 9, 30), 30, 0.1, True, "=1+1", None])  # noqa: DTZ001 - a sheet knows no zone
        sheet.parent.create_sheet("说明")

    source, lines = read(tmp_path, book(fill), "v.xlsx")
    assert lines[1] == (2, ["007", "2026-01-02", "2026-01-02 09:30:00", "30", "0.1", "TRUE", "=1+1", ""])
    assert [sentence % facts for sentence, facts in source.notes] == [
        "工作簿有 2 张表，只读第一张。", "有 1 个公式，没有计算，按公式的文字收下。要的是结果时，请先“粘贴为数值”。",
    ]  # fmt: skip


def _bomb(**parts):
    sound = zipfile.ZipFile(io.BytesIO(book(lambda sheet: sheet.append(["a"]))))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sound.namelist():
            packed.writestr(name, parts.get(name.rpartition("/")[2], sound.read(name)))
    return content.getvalue()


HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    "sheet",
    [
        HEAD + b" " * 100_000_000 + b"</sheetData></worksheet>",
        HEAD + b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>',
        HEAD + b'<row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>',
        HEAD + b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>',
    ],
    ids=["unpacks to 100 MB", "a row far below", "a column far out", "seventeen billion merged cells"],
)
def test_a_workbook_that_would_take_all_day_is_refused_at_once(tmp_path, sheet):
    content = _bomb(**{"sheet1.xml": sheet})
    assert len(content) < 200_000
    with pytest.raises(unpacking.BadWorkbook):
        read(tmp_path, content, "v.xlsx")


def test_what_reads_a_workbook_has_little_time(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking.subprocess, "run", lambda asked, **rest: unpacking.subprocess.CompletedProcess(asked, -9, b"", b""))
    with pytest.raises(unpacking.TooSlow):
        read(tmp_path, b"PK\x03\x04", "v.xlsx")
