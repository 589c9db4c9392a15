from __future__ import annotations

from rules.training import read_units

HEAD = "---\nid: law\ntitle: {zh: 要点, en: Essentials}\nminutes: 20\n---\n"


def test_units_come_in_file_order_with_their_english_text():
    problems: list = []
    units = read_units({"training/02.md": HEAD.replace("law", "two") + "乙", "training/01.md": HEAD + "甲\n", "training/01.en.md": "First\n"}, problems)
    assert problems == []
    assert [(unit.id, unit.minutes, unit.body.zh, unit.body.en) for unit in units] == [("law", 20, "甲", "First"), ("two", 20, "乙", None)]


def test_every_problem_of_a_unit_has_its_line():
    problems: list = []
    read_units({"training/a.md": HEAD.replace("minutes", "minuts") + "x", "training/b.md": "no head", "training/c.md": HEAD, "training/d.en.md": "x"}, problems)
    assert sorted((one.file, one.line) for one in problems) == [
        ("training/a.md", 2), ("training/a.md", 4), ("training/b.md", 1), ("training/c.md", 1), ("training/d.en.md", 1)]
