"""Two bundles compared in words: the sentences, and that no difference is left out."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bundle import Bundle, read_folder
from rules.comparison import compare

PLUGINS = Path(__file__).parents[2] / "plugins"
CODES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "bundle.yaml").exists())
VALUES = "      - {from: 2026-01-01, value: 70, basis: {reg: R1, article: 第二条}, verified: false}\n"


@pytest.fixture(scope="module")
def shipped() -> dict[str, Bundle]:
    centre = read_folder(PLUGINS / "centre")
    return {code: centre if code == "centre" else read_folder(PLUGINS / code, centre=centre) for code in CODES}


@pytest.mark.parametrize(("change", "kind", "path", "zh", "en"), [
    (("criteria.yaml", VALUES, VALUES + "      - {from: 2027-01-01, value: 68, basis: {reg: R1, article: 第八条}}\n"), "added", "parameters.age_limit.values.2",
     "年龄上限 70 → 68 周岁，自 2027-01-01", "age limit 70 → 68 周岁, from 2027-01-01"),
    (("criteria.yaml", VALUES, VALUES.replace("value: 70", "value: 71")), "changed", "parameters.age_limit.values.1.value",
     "年龄上限（自 2026-01-01，改动了既有的值）70 → 71 周岁", "age limit (from 2026-01-01, an existing value altered) 70 → 71 周岁"),
    (("criteria.yaml", VALUES, VALUES.replace("value: 70", "until: 2027-06-30, value: 70")), "changed", "parameters.age_limit.values.1.until",
     "年龄上限 70 周岁，至 2027-06-30 为止", "age limit 70 周岁 ends on 2027-06-30"),
    (("criteria.yaml", VALUES, VALUES.replace("第二条", "第二十条")), "changed", "parameters.age_limit.values.1.basis",
     "参数“年龄上限”自 2026-01-01 起的值的依据：R1 第二条 → R1 第二十条", "parameter “age limit”, value from 2026-01-01, basis: R1 第二条 → R1 第二十条"),
    (("criteria.yaml", "effect: flag", "effect: refer"), "changed", "criteria.2.effect", "条件“公务员”的不满足的后果：随件提示 → 由审核人认定", "criterion “公务员”, effect: flag → refer"),
    (("criteria.yaml", "rule: {fact: civil_servant, is: eq, value: false}", "rule: {fact: civil_servant, is: ne, value: true}"), "changed", "criteria.2.rule",
     "条件“公务员”的规则：是否公务员 为 否 → 是否公务员 不为 是", "criterion “公务员”, rule: Civil servant is no → Civil servant is not yes"),
    (("bundle.yaml", "days: 7,", "days: 6,"), "changed", "pipeline.review.days", "办理环节的审核的办理期限：7 → 6 个工作日", "pipeline, review, days: 7 → 6 working days"),
    (("bundle.yaml", "days: 7,", "days: {value: 7},"), "changed", "pipeline.review.days", "办理环节的审核的办理期限：写法有改动，含义不变（7）", "pipeline, review, days: written differently, the same meaning (7)"),
    (("bundle.yaml", "{months: 6}", "{months: 12}"), "changed", "pipeline.reapply_after.months", "办理环节的再次申报的间隔：6 → 12 个月", "pipeline, reapply after: 6 → 12 months"),
    (("application.yaml", "unit: 万元", "unit: 元"), "changed", "sections.0.fields.0.fields.1.unit", "栏目“项目”的字段“项目”的字段“金额”的单位：万元 → 元", "section “项目”, field “项目”, field “金额”, unit: 万元 → 元"),
    (("review.yaml", "title: 证书真实", "title: 证书真实有效"), "changed", "checklist.0.title", "审核项“证书真实有效”的名称：证书真实 → 证书真实有效", "checklist item “证书真实有效”, title: 证书真实 → 证书真实有效"),
])
def test_a_change_reads_as_a_sentence(roads, changed, change, kind, path, zh, en):
    found = [(one.kind, one.file, one.path, one.zh, one.en) for one in compare(roads, changed(change))]
    assert found == [(kind, change[0], path, zh, en)]


def test_entries_that_come_and_go_are_named(roads, changed):
    more = changed(("criteria.yaml", "  - id: unpaid", """  - id: grade
    title: {zh: 职称, en: Title}
    effect: refer
    rule: {fact: title_level, is: eq, value: senior}
    basis: {reg: R1, article: 第七条}
    message: 职称不足
  - id: unpaid"""))
    assert [(one.kind, one.path, one.zh, one.en) for one in compare(roads, more)] == [
        ("added", "criteria.2", "增加条件“职称”：职称等级 为 高级（不满足：由审核人认定）", "criterion “Title” added: Title grade is Senior (otherwise: refer)")]
    assert [(one.kind, one.path, one.zh) for one in compare(more, roads)] == [("removed", "criteria.2", "删去条件“职称”：职称等级 为 高级（不满足：由审核人认定）")]


def test_moving_an_entry_is_not_removing_it(shipped):
    before = shipped["transport"].to_data()
    after = copy.deepcopy(before)
    after["questions.csv"].insert(0, after["questions.csv"].pop())
    assert [(one.file, one.kind) for one in compare(before, after)] == [("questions.csv", "moved")]


def test_a_question_and_a_training_text_are_told_by_name(shipped):
    before = shipped["transport"].to_data()
    after = copy.deepcopy(before)
    row = after["questions.csv"][0]
    name = next(iter(after["training"]))
    after["training"][name] = after["training"][name] + "\n新的一段。"
    row["answer"] = "AB"
    assert [(one.file, one.path, one.zh) for one in compare(before, after)] == [
        ("questions.csv", "0.answer", f"试题“{row['qid']}”的答案：ABC → AB"),
        ("training", name, f"培训材料“{name}”：第 {after['training'][name].count(chr(10)) + 1} 行“” → “新的一段。”")]


@pytest.mark.parametrize("code", CODES)
def test_a_bundle_is_like_itself(shipped, code):
    assert compare(shipped[code], shipped[code]) == []
    assert compare(shipped[code].to_data(), shipped[code]) == []


def leaves(data, path=()):
    if isinstance(data, (dict, list)) and data:
        for key, below in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(below, (*path, key))
    else:
        yield path


def altered(value, how):
    if isinstance(value, bool):
        return not value if how % 2 else int(value)
    if isinstance(value, (int, float)):
        return value + 1 if how % 2 else float(value)
    if isinstance(value, str):
        return (value + "改", value[:-1], "", value.replace("的", "地") + " ")[how % 4]
    return "改"


@given(st.data())
def test_every_leaf_that_differs_shows_up_in_its_file(shipped, data):
    code = data.draw(st.sampled_from(CODES))
    before = shipped[code].to_data()
    places = list(leaves(before))
    path = data.draw(st.sampled_from(places))
    after = copy.deepcopy(before)
    at = after
    for key in path[:-1]:
        at = at[key]
    how = data.draw(st.integers(0, 4))
    if how == 4:
        del at[path[-1]]
    else:
        at[path[-1]] = altered(at[path[-1]], how)
        if type(at[path[-1]]) is type(_at(before, path)) and at[path[-1]] == _at(before, path):
            assert compare(before, after) == []
            return
    found = compare(before, after)
    assert found and {one.file for one in found} == {path[0]}
    assert all(one.zh and one.en for one in found)
    assert compare(after, before)


def _at(data, path):
    for key in path:
        data = data[key]
    return data


def test_a_line_break_at_the_end_is_a_difference():
    found = compare({"training": {"training/01.md": "一\n"}}, {"training": {"training/01.md": "一"}})
    assert [one.zh for one in found] == ["培训材料“training/01.md”：第 2 行“” → “”"]
