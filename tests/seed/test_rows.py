"""The seed tables are read strictly, and a broken cell is named by its place."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from seed import tables
from seed.base import DATA
from seed.rows import Problem, SeedProblems, read_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def _replace(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def test_shipped_tables_have_their_full_size():
    read = read_files(DATA, tables.FILES)

    levels = Counter(row.values["level"] for row in read["divisions.csv"])
    assert levels == {1: 1, 2: 12, 3: 103}
    assert {name: len(rows) for name, rows in read.items()} == {
        "divisions.csv": 116,
        "division_aliases.csv": 5,
        "departments.csv": 6,
        "offices.csv": 6 * 116,
        "specialties_316_2018.csv": 2140,
        "specialties_mof_2022.csv": 4304,
        "workdays.csv": 771,
        "code_lists.csv": 116,
        "retention.csv": 12,
        "regulations.csv": len(read["regulations.csv"]),
        "regulation_paragraphs.csv": len(read["regulation_paragraphs.csv"]),
    }


def test_each_department_has_one_coordinating_office_and_the_centre_none():
    offices = [row.values for row in read_files(DATA, tables.FILES)["offices.csv"]]
    coordinating = {office["department"]: office["division_code"] for office in offices if office["is_coordinating"]}
    assert coordinating == dict.fromkeys(("finance", "natural_resources", "housing", "transport", "water"), "150000")
    assert len({office["phone"] for office in offices}) == len(offices)
    assert {office["phone"][:9] for office in offices} == {"0471-000-"}  # numbers that ring nowhere


def test_same_code_means_different_things_in_the_two_standards():
    read = read_files(DATA, tables.FILES)
    roots = {
        (row.values["standard"], row.values["code"]): row.values["name"]
        for file in tables.SPECIALTIES
        for row in read[file.name]
        if row.values["parent_code"] is None
    }
    assert roots == {
        ("316-2018", "A"): "工程类",
        ("316-2018", "B"): "货物类",
        ("316-2018", "C"): "服务类",
        ("mof-2022", "A"): "货物",
        ("mof-2022", "B"): "工程",
        ("mof-2022", "C"): "服务",
    }


def test_every_broken_cell_is_named_with_its_place(folder):
    _replace(folder / "divisions.csv", "150102,150100,3,", "150102,150199,3,")
    _replace(folder / "divisions.csv", "150103,150100,3,回民区,", "150103,150100,9,,")
    _replace(folder / "workdays.csv", "2004-01-17,1", "2004-02-31,是")
    _replace(folder / "code_lists.csv", "sex,2,女性,Female,1", "sex,1,女性,Female,1")
    _replace(folder / "departments.csv", "transport,JT,", "transport,")

    with pytest.raises(SeedProblems) as error:
        read_files(folder, tables.FILES)

    places = {(p.file, p.line, p.column): p.what for p in error.value.problems}
    assert len(places) == len(error.value.problems) == 7  # and no false alarm in what points to a broken row
    assert places["code_lists.csv", 4, "code"] == "“sex 1”与第 3 行重复。"
    assert places["departments.csv", 5, ""] == "应有 6 列，现有 5 列。"
    assert places["divisions.csv", 4, "parent_code"] == "“150199”在 divisions.csv 里没有。"
    assert places["divisions.csv", 5, "level"] == "“9”应是 1 到 3 的整数。"
    assert places["divisions.csv", 5, "name"] == "不能为空。"
    assert places["workdays.csv", 3, "day"] == "“2004-02-31”不是日期，应写成 2026-01-31。"
    assert places["workdays.csv", 3, "is_workday"] == "“是”应是 1（是）或 0（否）。"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "code,name\n",
            Problem(
                "division_aliases.csv", 1, "", "表头应是 alias_code,division_code,name,name_en，现在是 code,name。"
            ),
        ),
        ('alias_code,division_code,name,name_en\n150172,150100,"a"b,c\n', None),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(folder, content, problem):
    (folder / "division_aliases.csv").write_text(content, encoding="utf-8")

    with pytest.raises(SeedProblems) as error:
        read_files(folder, tables.FILES)

    (found,) = error.value.problems
    assert (found.file, found.column) == ("division_aliases.csv", "")
    assert problem is None or found == problem


def test_a_missing_file_is_named(folder):
    (folder / "division_aliases.csv").unlink()

    with pytest.raises(SeedProblems) as error:
        read_files(folder, tables.FILES)

    assert [(p.file, p.what) for p in error.value.problems] == [
        ("division_aliases.csv", "找不到这个文件，应放在 data/ 下。")
    ]
