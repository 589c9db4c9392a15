from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.documents import Problems
from rules.fields import check_digit
from rules.forms import check, check_partial, merge, placed, visible
from tests.rules.conftest import DEPARTMENT

TODAY = date(2026, 6, 1)
ID = "15010219700101001"
FILE = {"hash": "a" * 64, "name": "证书.pdf", "size": 10, "type": "application/pdf"}
GOOD = {
    "name": " 张三 ", "id_number": ID + check_digit(ID), "civil_servant": "否", "title_level": "senior", "title_paper": [FILE],
    "work_periods": [{"organisation": "某院", "months": {"start": "2010-01", "end": "至今"}, "in_field": "是"}],
    "roads": {"projects": [{"title": "路", "amount": "1,200", "code": "A0403"}]},
}


@pytest.fixture(scope="module")
def form(centre, roads):
    return merge(centre.form, {"roads": roads.form})


def test_good_answers_are_stored_in_one_form(form):
    assert check(form, GOOD, today=TODAY) == ({
        "name": "张三", "id_number": ID + check_digit(ID), "civil_servant": False, "title_level": "senior", "title_paper": [FILE],
        "work_periods": [{"organisation": "某院", "months": {"start": "2010-01", "end": "now"}, "in_field": True}],
        "roads": {"projects": [{"title": "路", "amount": "1200", "code": "A0403"}]},
    }, [])


def test_every_problem_is_listed_beside_its_field(form):
    answers = {
        "id_number": "1", "title_level": "senior", "title_paper": [{**FILE, "type": "text/html"}], "forged": "x",
        "work_periods": [{"organisation": "某院", "months": {"start": "2011-01", "end": "2010-01"}, "in_field": False}, {"months": {"start": "2010-01"}}],
        "roads": {"projects": [{"title": "x" * 101, "amount": "a", "code": "A"}], "name": "x"}, "water": {"x": 1},
    }
    clean, problems = check(form, answers, today=TODAY)
    assert [one.path for one in problems] == [
        "name", "id_number", "civil_servant", "title_paper.0", "work_periods.0.months.end", "work_periods.0.remark",
        "work_periods.1.organisation", "work_periods.1.months.end", "work_periods.1.in_field", "roads.projects.0.title", "roads.projects.0.amount"]
    assert all(one.zh and one.en for one in problems)
    assert "forged" not in clean and "water" not in clean and "name" not in clean["roads"]


def test_a_hidden_field_is_not_asked_and_its_answer_is_dropped(form):
    clean, problems = check(form, GOOD | {"title_level": "none"}, today=TODAY)
    assert problems == [] and "title_paper" not in clean
    assert "title_paper" not in visible(form, GOOD | {"title_level": "none"}, today=TODAY)
    assert {"title_paper", "work_periods.0.remark", "roads.projects.0.code"} <= visible(form, GOOD, today=TODAY)


def test_an_answer_is_required_only_while_its_condition_holds(form):
    def remark(in_field):
        answers = GOOD | {"work_periods": [GOOD["work_periods"][0] | {"in_field": in_field}]}
        return [one.path for one in check(form, answers, today=TODAY)[1]]

    assert (remark("是"), remark("否")) == ([], ["work_periods.0.remark"])


def test_too_many_entries_are_an_error_and_too_few_too(form):
    entry = GOOD["work_periods"][0]
    assert [one.zh for one in check(form, GOOD | {"work_periods": [entry] * 4}, today=TODAY)[1]] == ["最多填写 3 条，现为 4 条，请删去多余的。"]
    assert [one.path for one in check(form, GOOD | {"work_periods": [{}]}, today=TODAY)[1]] == ["work_periods"]


def test_an_optional_group_left_empty_is_known_to_be_empty(form):
    clean, problems = check(form, GOOD | {"roads": {}}, today=TODAY)
    assert problems == [] and clean["roads"] == {"projects": []}


@pytest.mark.parametrize(("path", "raw", "value", "count"), [
    ("name", "李四", "李四", 0), ("name", "", None, 0), ("work_periods.1.months", {"start": "2010-01", "end": "now"}, {"start": "2010-01", "end": "now"}, 0),
    ("roads.projects.0.amount", "x", None, 1), ("roads.name", "x", None, 1), ("nowhere", "x", None, 1), ("work_periods.x.months", "", None, 1), ("id_number", "12", None, 1),
])
def test_one_answer_is_checked_on_its_way(form, path, raw, value, count):
    found, problems = check_partial(form, {}, path, raw, today=TODAY)
    assert (found, len(problems)) == (value, count)


def test_an_answer_is_placed_without_touching_the_old_answers():
    old = {"a": [{"x": 1}]}
    assert placed(old, "a.1.x", 2) == {"a": [{"x": 1}, {"x": 2}]}
    assert placed(old, "roads.b.0.y", 3) == {"a": [{"x": 1}], "roads": {"b": [{"y": 3}]}}
    assert placed(old, "a.0", None) == {"a": []}
    assert old == {"a": [{"x": 1}]}
    with pytest.raises(KeyError):
        placed(old, "a.7.x", 1)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda below: st.lists(below, max_size=3) | st.dictionaries(
    st.sampled_from(["organisation", "months", "in_field", "projects", "start", "end", "title"]), below, max_size=4), max_leaves=10)


@given(answers=st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_any_answers_are_checked_and_clean_answers_stay_clean(form, answers):
    clean, problems = check(form, answers, today=TODAY)
    again, later = check(form, clean, today=TODAY)
    broken = {one.path.split(".")[0] for one in problems}
    assert {key: value for key, value in again.items() if key not in broken} == {key: value for key, value in clean.items() if key not in broken}
    assert {one.path.split(".")[0] for one in later} <= broken


@pytest.mark.parametrize(("before", "after", "says"), [
    ("{id: title, kind: text", "{id: amount, kind: text", "重复出现"), ("id: projects\n        kind", "id: name\n        kind", "交易中心的共用字段"),
    ("kind: decimal", "kind: decmal", "只能是"), ("label: 金额", "lable: 金额", "是否应为“label”"), ("label: 项目", "label: 项目\n        show_when: {fact: nme, is: is_known}", "name"),
    ("min_entries: 0", "min_entries: 30", "max_entries"), ("label: 专业}", "label: 专业, show_when: {fact: later, is: is_known}}", "没有名为"),
])
def test_a_wrong_form_is_refused_with_file_line_and_key(changed, before, after, says):
    with pytest.raises(Problems) as error:
        changed(("application.yaml", before, after))
    text = DEPARTMENT["application.yaml"].replace(before, after)
    line = {"重复出现": 11, "交易中心的共用字段": 5}.get(says) or text[: text.rindex(after) + len(after)].count("\n") + 1
    assert [(one.file, one.line) for one in error.value.problems if says in one.zh] == [("application.yaml", line)], error.value
