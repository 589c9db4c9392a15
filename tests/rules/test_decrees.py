"""A year's decree read, checked and compared: every year since 2008 passes, and every kind of mistake is named with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import decrees
from rules.decrees import DaySaid, Line, applied, check, differences, read_csv, years_of, years_text

SEED = (Path(__file__).parents[2] / "seed" / "data" / "workdays.csv").read_text(encoding="utf-8")
HEAD = "day,is_workday,kind,name\n"
TODAY = date(2026, 11, 26)
# no decree: a year as one might be, with the New Year's bridge in the December before
YEAR_2027 = HEAD + "".join(
    f"{day},{int(kind == 'makeup_workday')},{kind},{name}\n"
    for name, days in {
        "元旦": [("2027-01-01", "holiday"), ("2027-01-02", "holiday_in_lieu"), ("2027-01-03", "holiday_in_lieu")],
        "春节": [("2027-01-30", "makeup_workday"), *[(f"2027-02-{at:02}", "holiday") for at in range(5, 12)], ("2027-02-20", "makeup_workday")],
        "清明节": [("2027-04-05", "holiday")],
        "劳动节": [("2027-05-01", "holiday"), ("2027-05-02", "holiday"), ("2027-05-03", "holiday_in_lieu")],
        "端午节": [("2027-06-09", "holiday")],
        "中秋节": [("2027-09-15", "holiday")],
        "国庆节": [("2027-09-26", "makeup_workday"), *[(f"2027-10-{at:02}", "holiday") for at in range(1, 8)]],
    }.items()
    for day, kind in days
)


def seed_said() -> dict[decrees.Key, DaySaid]:
    lines, problems = read_csv(SEED)
    assert not problems
    return {line.said.key: line.said for line in lines}


SAID = seed_said()
DECREED = frozenset(range(2004, 2027))


def look(text: str, *, said=SAID, decreed=DECREED, today=TODAY) -> list[str]:
    lines, problems = read_csv(text)
    return [str(one) for one in problems + check(lines, said, decreed, today=today, divisions={"150000", "150100", "152500"})]


@pytest.mark.parametrize("year", range(2008, 2027))
def test_every_decree_there_has_been_passes(year):
    text = HEAD + "".join(f"{one.day},{int(one.is_workday)},{one.kind},{one.name}\n" for one in SAID.values() if one.day.year == year)
    others = {key: one for key, one in SAID.items() if one.day.year < year}
    assert look(text, said=others, decreed=range(2004, year), today=date(year - 1, 12, 1)) == []


def test_a_new_year_passes_and_is_loaded_whole():
    assert look(YEAR_2027) == []
    lines, _ = read_csv(YEAR_2027)
    changes = differences(lines, SAID, whole_years=True)
    assert len(changes) == len(lines) and decrees.changed_years(lines, SAID) == {2027}
    assert applied(SAID, changes) == SAID | {line.said.key: line.said for line in lines}


def test_the_last_days_of_december_belong_to_the_next_years_decree():
    text = YEAR_2027 + "2026-12-31,0,holiday_in_lieu,元旦\n"
    assert look(text) == []
    lines, _ = read_csv(text)
    assert decrees.changed_years(lines, SAID) == {2027}
    assert all(one.kind != "ordinary" for one in differences(lines, SAID, whole_years=True))


def test_a_decree_written_again_takes_back_what_it_leaves_out():
    lines, _ = read_csv(YEAR_2027)
    loaded = applied(SAID, differences(lines, SAID, whole_years=True))
    again, _ = read_csv(YEAR_2027.replace("2027-02-20,1,makeup_workday,春节\n", "").replace("2027-05-03", "2027-05-04"))
    assert differences(again, loaded, whole_years=True) == [
        DaySaid(date(2027, 2, 20), "", "ordinary", ""), DaySaid(date(2027, 5, 3), "", "ordinary", ""),
        DaySaid(date(2027, 5, 4), "", "holiday_in_lieu", "劳动节"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "calendar.csv:1: 没有内容"),
        ("date,kind,name_en,in_lieu\n2027-01-01,holiday,x,0\n", "calendar.csv:1: 第一行应当是 day,is_workday,kind,name"),
        (HEAD, "calendar.csv:2: 文件里没有一天"),
        (HEAD + "2027-02-30,0,holiday,春节\n", "calendar.csv:2: “2027-02-30”不是一天"),
        (HEAD + "2027/1/1,0,holiday,元旦\n", "calendar.csv:2: “2027/1/1”不是一天"),
        (HEAD + "2027-01-01,0,festival,元旦\n", "calendar.csv:2: “festival”不是日子的种类"),
        (HEAD + "2027-01-01,1,holiday,元旦\n", "calendar.csv:2: is_workday 与 holiday 对不上"),
        (HEAD + "2027-01-01,0,holiday,元旦,多\n", "calendar.csv:2: 这一行的列比第一行多"),
        (HEAD + f"2027-01-01,0,holiday,{'长' * 61}\n", "calendar.csv:2: 名称最多 60 个字"),
        (YEAR_2027 + "2027-01-01,0,holiday,元旦\n", f"calendar.csv:{YEAR_2027.count(chr(10)) + 1}: 2027-01-01 写了两次（第 2 行已有）"),
        (HEAD + "2026-12-19,0,holiday,休息\n", "calendar.csv:2: 2026-12-19 是普通周末"),
        (HEAD + "2026-12-16,1,makeup_workday,补\n", "calendar.csv:2: 2026-12-16 是平常上班的日子"),
        (HEAD + "2026-12-16,0,holiday,\n", "calendar.csv:2: 请写名称"),
        (HEAD + "2026-12-16,,ordinary,\n", "calendar.csv:2: 2026-12-16 本来就没有安排"),
        (HEAD + "2025-12-16,0,holiday,补\n", "calendar.csv:2: 2025-12-16 在已经过去的年份里"),
        (HEAD + "2072-01-01,0,holiday,元旦\n", "calendar.csv:2: 2072-01-01 太远了：最多写到 2028 年"),
        (HEAD.replace("name", "name,division") + "2026-12-16,0,holiday,那达慕,999999\n", "calendar.csv:2: 没有代码为“999999”的行政区划"),
        (HEAD + "2027-01-01,0,holiday,元旦\n", "calendar.csv:1: 2027 年只载入了一半：没有春节、清明、劳动、端午、中秋、国庆的放假日"),
        (YEAR_2027.replace("2027-10-02", "2027-10-08"), "calendar.csv:1: 2027 年的法定节日没有写全：2027-10-02 应当放假"),
    ],
)  # fmt: skip
def test_bad_input_is_named_with_its_line(text, expected):
    assert any(problem.startswith(expected) for problem in look(text)), look(text)


def test_all_problems_are_reported_together():
    assert len(look(HEAD + "2027-02-30,0,holiday,春节\n2026-12-16,1,makeup_workday,补\n2026-12-19,0,holiday,休息\n")) == 3


def test_a_file_is_read_in_both_encodings_and_what_is_no_text_is_refused():
    assert [decrees.text_of(YEAR_2027.encode(encoding)) for encoding in ("utf-8-sig", "gb18030")] == [(YEAR_2027, [])] * 2
    assert [decrees.text_of(wrong)[1][0].zh[:5] for wrong in (b"PK\x03\x04\0\0\xff", b"\xff\xff\xff", b"x" * (decrees.LARGEST + 1))] == ["这不是 C", "这不是 C", "文件太大："]
    assert [problem.zh[:4] for problem in read_csv("\ufeff\n ")[1]] == ["没有内容"]


def test_a_division_has_days_of_its_own():
    head = HEAD.replace("name", "name,division")
    assert look(head + "2026-12-16,0,holiday,那达慕,152500\n") == []
    assert look(head + "2026-12-19,1,makeup_workday,那达慕调休,152500\n") == []
    # a division may work on a day that is off elsewhere
    said = SAID | {(date(2026, 12, 16), ""): DaySaid(date(2026, 12, 16), "", "holiday", "停电")}
    assert look(head + "2026-12-16,1,makeup_workday,照常上班,152500\n", said=said) == []
    assert decrees.wider_divisions("150102") == ["", "150000", "150100"]
    assert decrees.wider_divisions("150000") == [""]


@given(st.sets(st.integers(2004, 2040)))
def test_years_are_written_as_runs_and_read_again(years):
    assert years_of(years_text(years)) == years


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text):
    lines, problems = read_csv(HEAD + text)
    check(lines, SAID, DECREED, today=TODAY, divisions=())
    assert lines or problems


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.sampled_from(["", "150100"]), st.sampled_from(decrees.KINDS)), unique_by=lambda d: d[:2]))
def test_what_differs_applied_says_what_was_written(days):
    lines = [Line(at, DaySaid(day, division, kind, "")) for at, (day, division, kind) in enumerate(days)]
    new = applied(SAID, differences(lines, SAID, whole_years=False))
    for line in lines:
        assert new.get(line.said.key) == (None if line.said.kind == "ordinary" else line.said)
    assert differences([line for line in lines if line.said.kind != "ordinary"], new, whole_years=False) == []
