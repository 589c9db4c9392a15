"""Hostile workbooks are refused in bounded time, before openpyxl opens them."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.studio.sheets.workbook import origin_of, read_workbook
from rules.documents import Problems
from tests.console.studio.sheets.test_workbook import TRANSPORT, book_of, edited

GOOD = book_of(TRANSPORT)


def repacked(change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


def sheet(change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with its second sheet (参数) changed as XML."""

    def into(parts: dict[str, bytes]) -> None:
        parts["xl/worksheets/sheet2.xml"] = change(parts["xl/worksheets/sheet2.xml"])

    return repacked(into)


def add(name: str, content: bytes = b"x") -> bytes:
    return repacked(lambda parts: parts.update({name: content}))


def said(content: bytes) -> list[str]:
    with pytest.raises(Problems) as caught:
        read_workbook(content, base=TRANSPORT, current=TRANSPORT)
    assert all(one.zh and one.en for one in caught.value.problems)
    return [one.en for one in caught.value.problems]


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "five megabytes": (lambda: b"PK" + b"0" * 5_000_001, "at most 5000000"),
    "no zip": (lambda: b"name,age\n", "not a sound XLSX"),
    "half a zip": (lambda: GOOD[: len(GOOD) // 2], "not a sound XLSX"),
    "another zip": (lambda: repacked(lambda parts: parts.pop("xl/workbook.xml")), "no XLSX workbook"),
    "a gigabyte of blanks": (lambda: add("xl/media/x.bin", b"\0" * 200_000_000), "zip bomb"),
    "a cell of five megabytes": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99"><c r="B99" t="inlineStr"><is><t>' + b"A" * 5_000_000 + b"</t></is></c></row></sheetData>")), "zip bomb"),
    "a hundred thousand cells": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99">' + b"".join(b'<c r="B%d"><v>%d</v></c>' % (n % 4000 + 1, n * n * 7919) for n in range(120_000)) + b"</row></sheetData>")), "100000 cells"),
    "two thousand parts": (lambda: repacked(lambda parts: parts.update({f"xl/x{n}.xml": b"" for n in range(300)})), "parts"),
    "the last row": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>')), "5000 rows"),
    "the last column": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99"><c r="XFD99"><v>1</v></c></row></sheetData>')), "60 columns"),
    "seventeen billion merged cells": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')), "merged cells"),
    "macros": (lambda: add("xl/vbaProject.bin"), "macros"),
    "a renamed xlsm": (lambda: repacked(lambda parts: parts.update({"[Content_Types].xml": parts["[Content_Types].xml"].replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml").replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.macro", b"application/vnd.ms-excel.sheet.macro")})), "macros"),
    "an embedded object": (lambda: add("xl/embeddings/oleObject1.bin"), "embedded objects"),
    "another workbook": (lambda: add("xl/externalLinks/externalLink1.xml"), "external links"),
    "a billion laughs": (lambda: sheet(lambda xml: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml.split(b"?>", 1)[-1]), "declarations"),
    "the same in UTF-16": (lambda: sheet(lambda xml: ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + xml.decode().split("?>", 1)[-1]).encode("utf-16")), "declarations"),
    "no XML": (lambda: sheet(lambda xml: xml.replace(b"</row>", b"</wor>")), "cannot be read"),
    "a number that is none": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99"><c r="B99"><v>NaN</v></c></row></sheetData>')), "cannot be read"),
    "a string that is not there": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99"><c r="B99" t="s"><v>999999</v></c></row></sheetData>')), "cannot be read"),
    "a number without end": (lambda: sheet(lambda xml: xml.replace(b"</sheetData>", b'<row r="99"><c r="A99" t="inlineStr"><is><t>x</t></is></c><c r="B99"><v>1e999</v></c></row></sheetData>')), "not a usable number"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_refused_with_a_sentence(name):
    make, says = HOSTILE[name]
    found = said(make())
    assert [one for one in found if says in one], found


def test_looking_at_a_bomb_takes_no_memory():
    bomb = HOSTILE["a gigabyte of blanks"][0]()
    tracemalloc.start()
    assert said(bomb)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_long_cell_that_is_packed_honestly_is_refused_at_its_place():
    noise = "".join(chr(0x4E00 + (n * n * 7919) % 20_000) for n in range(40_000))
    assert "40000 characters; a cell holds at most 32767." in said(sheet(lambda xml: xml.replace(b"</sheetData>", f'<row r="99"><c r="A99" t="inlineStr"><is><t>{noise}</t></is></c></row></sheetData>'.encode())))


def test_formulas_of_every_kind_are_named_by_cell():
    def change(book):
        book["参数"]["B3"].value = "=HYPERLINK(\"http://example.org\")"

    cells = b'<row r="99"><c r="A99"><f t="array" ref="A99:A100">1+1</f><v>2</v></c><c r="B99"><f t="shared" si="0" ref="B99:B100">1+1</f><v>2</v></c></row></sheetData>'
    for content in (edited(GOOD, change), sheet(lambda xml: xml.replace(b"</sheetData>", cells))):
        assert all("This is a formula" in one for one in said(content))


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200) | st.builds(lambda at, piece: GOOD[:at] + piece + GOOD[at + len(piece) :], st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4)))
def test_any_bytes_are_a_workbook_or_a_list_of_problems(content):
    try:
        read_workbook(content, base=TRANSPORT, current=TRANSPORT)
        origin_of(content)
    except Problems as error:
        assert error.problems
