"""A classification is read strictly: every broken line is told, and what differs is all that differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.standards import Entry, Standard, StandardProblems, compare, read

HEAD = "standard,code,parent_code,level,selectable,name\n"
GOOD = HEAD + "x-1,A,,1,0,工程\nx-1,A01,A,2,1,规划\nx-1,A02,A,2,1,设计\n"
SEED = Path(__file__).parents[2] / "seed" / "data"


def wrong(raw: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(StandardProblems) as error:
        read(raw.encode() if isinstance(raw, str) else raw)
    return [(one.line, one.en) for one in error.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_in_either_encoding(encoding: str) -> None:
    found = read(GOOD.encode(encoding))
    assert found == Standard("x-1", (Entry("A", "工程", None, 1, False), Entry("A01", "规划", "A", 2, True), Entry("A02", "设计", "A", 2, True)))
    assert found.content_hash == read(GOOD.encode()).content_hash


@pytest.mark.parametrize("name", ["specialties_316_2018.csv", "specialties_mof_2022.csv"])
def test_the_shipped_standards_are_read(name: str) -> None:
    assert len(read((SEED / name).read_bytes()).entries) in (2_140, 4_304)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (GOOD + "x-1,A01,A,2,1,又是规划\n", [(5, "A01 is on line 3 already")]),
        (HEAD + "x-1,A01,A,2,1,规划\n", [(2, "the parent A of A01 is not in the file")]),
        (HEAD + "x-1,A,A1,2,0,甲\nx-1,A1,A,2,0,乙\n", [(2, "the parents of A lead back to it"), (3, "the parents of A1 lead back to it")]),
        (HEAD + "x-1,A,A,1,0,甲\n", [(2, "the parents of A lead back to it")]),
        (GOOD.replace("A01,A,2", "A01,A,3"), [(3, "the level of A01 should be 2")]),
        (GOOD[:-8], [(0, "the file ends in the middle of a line, as if half of it were missing: export it again")]),
        (GOOD + "y-2,B,,1,0,货物\n", [(5, "one file has one standard: x-1 before, y-2 here")]),
        (GOOD + "x-1,a1,A,2,1,小写\n", [(5, "'a1' is no code: a capital letter and digits")]),
        (GOOD + "x-1,A03,A,2,是,设计\n", [(5, "selectable '是' should be 1 or 0")]),
        (GOOD + "x-1,A03,A,9,1,设计\n", [(5, "the level '9' should be 1 to 5")]),
        (GOOD + "x-1,A03,A,2,1, 设计\n", [(5, "a name has 1 to 120 characters and no spaces around it")]),
        (GOOD + "x-1,A03,A,2\n", [(5, "4 columns instead of 6")]),
        (GOOD + 'x-1,A03,A,2,1,"设计\n', [(5, "quotes do not match (unexpected end of data)")]),
        ("code,name\nA,工程\n", [(1, "the heads should be standard,code,parent_code,level,selectable,name")]),
        (HEAD, [(0, "there is no code in the file")]),
        (b"\xff\xfe\x00x\n", [(0, "neither UTF-8 nor GB18030, or no text: save it as CSV (UTF-8)")]),
        (b"PK\x03\x04\x00\x00" + b"\x81" * 40 + b"\n", [(0, "neither UTF-8 nor GB18030, or no text: save it as CSV (UTF-8)")]),
        (b"x" * 4_000_001, [(0, "the file is larger than 4 MB")]),
    ],
)
def test_what_is_wrong_is_told_by_line(raw: str | bytes, said: list[tuple[int, str]]) -> None:
    assert wrong(raw) == said


def test_everything_wrong_is_told_at_once() -> None:
    assert [line for line, _ in wrong(GOOD + "x-1,A01,A,2,1,规划\nx-1,Z,Q,2,1,无\nx-1,A05,A,2,x,乙\n")] == [5, 6, 7]


def test_every_kind_of_difference_is_found() -> None:
    old = read(GOOD.encode())
    there = [(entry, False) for entry in old.entries] + [(Entry("A03", "测绘", "A", 2, True), True)]
    new = read((HEAD + "x-1,A,,1,0,工程类\nx-1,A02,A,2,0,设计\nx-1,A03,A,2,1,测绘\nx-1,A04,A,2,1,监理\n").encode())
    found = compare(there, new)
    assert [one.code for one in found.added] == ["A04"]
    assert [one.code for one in found.returned] == ["A03"]
    assert [(a.name, b.name) for a, b in found.renamed] == [("工程", "工程类")]
    assert [b.code for _, b in found.moved] == ["A02"]
    assert [one.code for one in found.gone] == ["A01"]
    assert found.unchoosable == ["A01", "A02"]
    assert compare([(entry, False) for entry in new.entries], new).is_empty


@given(st.binary(max_size=300))
def test_no_file_brings_it_down(raw: bytes) -> None:
    try:
        read(raw)
    except StandardProblems as problems:
        assert problems.problems


_codes = st.lists(st.from_regex(r"A[0-9]{1,2}", fullmatch=True), unique=True, max_size=12)


@given(_codes, _codes)
def test_what_is_there_and_what_comes_add_up(before: list[str], after: list[str]) -> None:
    def tree(codes: list[str]) -> str:
        return HEAD + "x-1,A,,1,0,工程\n" + "".join(f"x-1,{code},A,2,1,名{code}\n" for code in codes)

    old, new = read(tree(before).encode()), read(tree(after).encode())
    found = compare([(entry, False) for entry in old.entries], new)
    assert {one.code for one in found.added} == {*after} - {*before}
    assert {one.code for one in found.gone} == {*before} - {*after}
    assert not (found.renamed or found.moved or found.returned)
