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


def test_front_matter_that_is_wrong_is_named_by_line_and_key():
    problems: list = []
    wrong = HEAD.replace("minutes: 20", "minutes: soon\nminuts: 20\nauthor: 张三")
    read_units({"training/a.md": wrong + "x", "training/b.md": HEAD + "x", "training/c.md": "---\n" + HEAD[4:].replace("id: law", "title: {zh: 重复}\nid: law") + "x",
                "training/d.md": HEAD + "x"}, problems)
    assert sorted((one.file, one.line, one.key) for one in problems) == [
        ("training/a.md", 4, "minutes"), ("training/a.md", 5, "minuts"), ("training/a.md", 6, "author"), ("training/c.md", 4, "title"), ("training/d.md", 2, "id")]
    assert next(one.zh for one in problems if one.key == "minuts") == "不认识的键“minuts”。是否应为“minutes”？"
