from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.criteria import evaluate
from rules.documents import MAX_DEPTH
from rules.evaluation import compile_scope, kleene_all, kleene_any, kleene_not
from rules.fact_types import FactType
from rules.parts import Text
from rules.tree import Reader
from rules.wording import in_words, missing_facts

FACTS = {
    "name": FactType("text"), "n": FactType("number"), "m": FactType("number"), "born": FactType("date"), "yes": FactType("boolean"),
    "grade": FactType("choice", Text(zh="职称"), {"senior": Text(zh="高级", en="senior"), "none": Text(zh="无")}),
    "some": FactType("choices", None, {"a": Text(zh="甲"), "b": Text(zh="乙")}), "papers": FactType("files"), "major": FactType("specialty"),
    "jobs": FactType("group", Text(zh="经历"), entry={"months": FactType("period"), "ok": FactType("boolean"), "pay": FactType("number"),
                                                     "code": FactType("text"), "on": FactType("date")}),
    "wanted": FactType("group", Text(zh="专业"), entry={"code": FactType("text")}),
}
PARAMS = {"limit": "number", "codes": "texts"}
ON = date(2026, 6, 15)


def read(rule):
    problems: list[tuple[tuple, str]] = []
    scope = Reader(FACTS, PARAMS, lambda path, zh, en: problems.append((path, zh))).scope(rule, ())
    return scope, problems


def truth(rule, facts, **params):
    scope, problems = read(rule)
    assert problems == []
    return compile_scope(scope).ask(facts, params, ON)[0]


@pytest.mark.parametrize(("rule", "facts", "expected"), [
    ({"fact": "n", "is": "ge", "value": 8}, {"n": 8}, True),
    ({"fact": "n", "is": "ge", "value": 8}, {"n": "7.99"}, False),
    ({"fact": "n", "is": "ge", "value": 8}, {}, None),
    ({"fact": "n", "is": "ge", "value": 8}, {"n": True}, None),
    ({"fact": "n", "is": "eq", "value": 0.1}, {"n": "0.10"}, True),
    ({"fact": "n", "is": "lt", "value": {"fact": "m"}}, {"n": 1, "m": 2}, True),
    ({"fact": "n", "is": "in", "value": [1, 2]}, {"n": 2}, True),
    ({"fact": "grade", "is": "not_in", "value": ["none"]}, {"grade": "senior"}, True),
    ({"fact": "some", "is": "contains", "value": "a"}, {"some": ["b"]}, False),
    ({"fact": "name", "is": "starts_with", "value": "A04"}, {"name": "A0403"}, True),
    ({"fact": "name", "is": "starts_with", "value": ["B", "A04"]}, {"name": "A0403"}, True),
    ({"fact": "major", "is": "starts_with", "value": {"param": "codes"}}, {"major": {"standard": "s", "code": "C01"}}, True),
    ({"fact": "name", "is": "is_known"}, {}, False),
    ({"fact": "papers", "is": "is_known"}, {"papers": []}, False),
    ({"fact": "born", "is": "after", "value": {"years_before": "2026-06-15", "years": 70}}, {"born": "1956-06-15"}, False),
    ({"fact": "born", "is": "after", "value": {"years_before": "2026-06-15", "years": {"param": "limit"}}}, {"born": "1956-06-16"}, True),
    ({"none": [{"fact": "yes", "is": "eq", "value": True}]}, {"yes": False}, True),
    ({"count": "jobs", "where": {"fact": "ok", "is": "eq", "value": True}, "is": "ge", "value": 1}, {"jobs": [{"ok": True}, {}]}, True),
    ({"count": "jobs", "where": {"fact": "ok", "is": "eq", "value": True}, "is": "ge", "value": 2}, {"jobs": [{"ok": True}, {}]}, None),
    ({"count": "jobs", "where": {"fact": "ok", "is": "eq", "value": True}, "is": "eq", "value": 3}, {"jobs": [{"ok": True}, {}]}, False),
    ({"count": "jobs", "is": "in", "value": [0, 1]}, {"jobs": [{}, {}]}, False),
    ({"sum": "jobs", "of": "pay", "is": "gt", "value": 10}, {"jobs": [{"pay": "5.5"}, {"pay": 5}]}, True),
    ({"sum": "jobs", "of": "pay", "is": "gt", "value": 10}, {"jobs": [{"pay": 50}, {}]}, None),
    ({"sum": "jobs", "of": "pay", "is": "eq", "value": 0}, {"jobs": []}, True),
    ({"max": "jobs", "of": "pay", "is": "ge", "value": 5}, {"jobs": [{"pay": 7}, {}]}, True),
    ({"max": "jobs", "of": "pay", "is": "ge", "value": 9}, {"jobs": [{"pay": 7}, {}]}, None),
    ({"min": "jobs", "of": "on", "is": "on_or_before", "value": "2020-01-01"}, {"jobs": [{"on": "2019-05-05"}, {"on": "2024-01-01"}]}, True),
    ({"max": "jobs", "of": "pay", "is": "ge", "value": 9}, {"jobs": []}, None),
    ({"years_union": "jobs", "of": "months", "is": "ge", "value": 8}, {"jobs": [{"months": {"start": "2010-01", "end": "2017-12"}}]}, True),
    ({"years_union": "jobs", "of": "months", "is": "ge", "value": 8}, {"jobs": [{"months": {"start": "2010-02", "end": "2017-12"}}]}, False),
    ({"years_union": "jobs", "of": "months", "is": "ge", "value": 8}, {"jobs": [{"months": {"start": "2010-02", "end": "2017-12"}}, {}]}, None),
    ({"years_union": "jobs", "of": "months", "is": "ge", "value": 16}, {"jobs": [{"months": {"start": "2010-06", "end": "now"}}]}, True),
    ({"every": "jobs", "satisfies": {"fact": "ok", "is": "eq", "value": True}}, {"jobs": []}, True),
    ({"every": "jobs", "satisfies": {"fact": "ok", "is": "eq", "value": True}}, {"jobs": [{"ok": True}, {}]}, None),
    ({"every": "jobs", "satisfies": {"fact": "ok", "is": "eq", "value": True}}, {"jobs": [{"ok": False}, {}]}, False),
    ({"some": "jobs", "satisfies": {"fact": "pay", "is": "ge", "value": {"fact": "n"}}}, {"n": 3, "jobs": [{"pay": 2}, {"pay": 4}]}, True),
    ({"some": "jobs", "satisfies": {"fact": "ok", "is": "eq", "value": True}}, {}, None),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}},
     {"wanted": [{"code": "A"}, {"code": "B"}], "jobs": [{"code": "B"}, {"code": "A"}]}, True),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}},
     {"wanted": [{"code": "A"}, {"code": "B"}], "jobs": [{"code": "A"}]}, False),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}},
     {"wanted": [{"code": "A"}, {"code": "B"}], "jobs": [{"code": "A"}, {}]}, None),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}}, {"wanted": []}, True),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}}, {"wanted": [{"code": "A"}]}, None),
    ({"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}}, {"jobs": []}, None),
])
def test_a_node_is_true_false_or_unknown(rule, facts, expected):
    assert truth(rule, facts, limit=70, codes=("C", "D")) is expected


three = st.sampled_from([True, False, None])


@given(st.lists(three, max_size=6))
def test_kleene_laws(truths):
    assert kleene_all(truths) == kleene_not(kleene_any([kleene_not(one) for one in truths]))
    assert kleene_all(truths) == kleene_all(truths[::-1]) and kleene_any(truths) == kleene_any(truths[::-1])
    for outcome, join in ((kleene_all(truths), all), (kleene_any(truths), any)):
        settled = {join(True if one is None and up else bool(one) for one in truths) for up in (True, False)}
        assert outcome is (settled.pop() if len(settled) == 1 else None)


@pytest.mark.parametrize(("rule", "path", "says"), [
    ({"fact": "bron", "is": "after", "value": "2020-01-01"}, ("fact",), "born"),
    ({"fact": "born", "is": "afte", "value": "2020-01-01"}, ("is",), "不认识"),
    ({"fact": "born", "is": "contains", "value": "2020-01-01"}, ("is",), "此处不能用"),
    ({"fact": "n", "is": "ge", "value": "8"}, ("value",), "应为数"),
    ({"fact": "n", "is": "ge"}, (), "value"),
    ({"fact": "n", "is": "ge", "value": {"param": "limt"}}, ("value", "param"), "limit"),
    ({"fact": "born", "is": "after", "value": {"param": "limit"}}, ("value", "param"), "不能与日期比较"),
    ({"fact": "grade", "is": "eq", "value": "senor"}, ("value",), "senior"),
    ({"fact": "grade", "is": "in", "value": "senior"}, ("value",), "列表"),
    ({"fact": "n", "is": "ge", "value": 8, "wehre": 1}, ("wehre",), "不认识键"),
    ({"any": []}, ("any",), "至少一项"),
    ({"al": [{"fact": "yes", "is": "eq", "value": True}]}, (), "all"),
    ({"all": [{"not": {"fact": "yes", "is": "eq", "value": "true"}}]}, ("all", 0, "not", "value"), "是/否"),
    ({"count": "name", "is": "ge", "value": 1}, ("count",), "不是可重复的组"),
    ({"sum": "jobs", "of": "months", "is": "ge", "value": 1}, ("of",), "不能用于"),
    ({"years_union": "jobs", "of": "months", "where": {"count": "wanted", "is": "ge", "value": 1}, "is": "ge", "value": 1}, ("where", "count"), "covered"),
    ({"every": "jobs"}, (), "satisfies"),
    ({"fact": "n", "is": "ge", "value": {"item": "code"}}, ("value", "item"), "covered"),
    ({"fact": "n", "is": "is_known", "value": 1}, ("value",), "不带 value"),
    ("age > 70", (), "映射"),
])
def test_a_wrong_rule_is_refused_with_its_place_and_what_to_do(rule, path, says):
    _, problems = read(rule)
    assert [found[0] for found in problems] == [path]
    assert says in problems[0][1]


def test_every_problem_of_a_rule_is_reported():
    _, problems = read({"all": [{"fact": "x", "is": "eq", "value": 1}, {"fact": "n", "is": "eq", "value": "1"}, {"fact": "yes", "is": "lt", "value": True}]})
    assert [path for path, _ in problems] == [("all", 0, "fact"), ("all", 1, "value"), ("all", 2, "is")]


def test_a_bottomless_rule_is_refused():
    rule: dict = {"fact": "yes", "is": "eq", "value": True}
    for _ in range(MAX_DEPTH + 300):
        rule = {"not": rule}
    _, problems = read(rule)
    assert len(problems) == 1 and "32" in problems[0][1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates().map(str) | st.just("now"),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(
        st.sampled_from(["months", "start", "end", "ok", "in_field", "pay", "code", "on", "organisation"]) | st.text(max_size=4), below, max_size=5), max_leaves=15)
fact_values = st.dictionaries(st.sampled_from(sorted(FACTS)) | st.text(max_size=5), json_values, max_size=8)
every_rule = {"all": [
    {"any": [{"fact": "n", "is": "ge", "value": {"fact": "m"}}, {"fact": "name", "is": "in", "value": {"param": "codes"}}]},
    {"none": [{"fact": "born", "is": "after", "value": {"years_before": {"fact": "born"}, "years": {"fact": "n"}}}]},
    {"not": {"fact": "some", "is": "contains", "value": "a"}}, {"fact": "major", "is": "starts_with", "value": "A"},
    *({kind: "jobs", "of": "pay", "where": {"fact": "ok", "is": "eq", "value": True}, "is": op, "value": {"fact": "n"}}
      for kind in ("sum", "min", "max") for op in ("eq", "ne", "lt", "le", "gt", "ge")),
    {"count": "jobs", "where": {"fact": "code", "is": "starts_with", "value": "A"}, "is": "in", "value": [1, 2]},
    {"years_union": "jobs", "of": "months", "where": {"fact": "on", "is": "on_or_before", "value": "2020-01-01"}, "is": "ge", "value": {"param": "limit"}},
    {"every": "jobs", "satisfies": {"any": [{"fact": "ok", "is": "is_known"}, {"fact": "pay", "is": "ne", "value": {"fact": "n"}}]}},
    {"some": "jobs", "satisfies": {"fact": "code", "is": "eq", "value": {"fact": "name"}}},
    {"covered": "wanted", "by": "jobs", "where": {"fact": "code", "is": "eq", "value": {"item": "code"}}},
]}


@given(fact_values)
def test_evaluation_never_raises_whatever_the_facts(facts):
    scope, problems = read(every_rule)
    assert problems == []
    outcome, trace = compile_scope(scope).ask(facts, {"limit": 8, "codes": ("A",)}, ON)
    assert outcome in (True, False, None)
    assert len(trace) == scope.size and all(node is not None or True for node in trace)
    missing_facts(scope.node, trace)


@given(fact_values)
def test_a_known_truth_stays_when_a_missing_fact_arrives(facts):
    """What is known never depends on what is unknown: taking a fact away can only make the outcome unknown."""
    scope, _ = read({"any": [{"fact": "yes", "is": "eq", "value": True}, {"count": "jobs", "where": {"fact": "ok", "is": "eq", "value": True}, "is": "ge", "value": 2},
                             {"years_union": "jobs", "of": "months", "is": "ge", "value": 8}]})
    rule = compile_scope(scope)
    full = rule.ask(facts, {}, ON)[0]
    for name in facts:
        less = rule.ask({key: value for key, value in facts.items() if key != name}, {}, ON)[0]
        assert less is None or less is full


@given(fact_values)
def test_a_verdict_is_json_and_the_same_every_time(roads, facts):
    facts = {**facts, "work_periods": facts.get("jobs"), "birth_date": facts.get("born"), "decided_on": "2026-06-15"}
    for moment in ("submitted", "decided"):
        first, second = (json.dumps(evaluate(roads.criteria, facts, on=ON, moment=moment).to_data(), allow_nan=False) for _ in range(2))
        assert first == second


GOOD = {"birth_date": "1970-01-01", "applied_on": "2026-06-15", "decided_on": "2026-06-15", "civil_servant": False, "blacklisted": False,
        "work_periods": [{"months": {"start": "2010-01", "end": "now"}, "in_field": True}]}


@pytest.mark.parametrize(("change", "decision", "flags", "missing"), [
    ({}, "pass", (), ()),
    ({"civil_servant": True}, "pass", ("unpaid",), ()),
    ({"birth_date": "1956-06-15"}, "reject", (), ()),
    ({"birth_date": "1956-06-16"}, "pass", (), ()),
    ({"birth_date": None}, "return", (), ("birth_date",)),
    ({"blacklisted": None}, "refer", (), ("blacklisted",)),
    ({"birth_date": None, "blacklisted": None}, "refer", (), ("birth_date", "blacklisted")),
    ({"birth_date": None, "blacklisted": True}, "reject", (), ("birth_date",)),
    ({"work_periods": [{"months": {"start": "2010-01", "end": "now"}}]}, "return", (), ("work_periods.0.in_field",)),
    ({"work_periods": [{"in_field": True}]}, "return", (), ("work_periods.0.months",)),
])
def test_the_gravest_consequence_decides_and_missing_facts_are_named(roads, change, decision, flags, missing):
    verdict = evaluate(roads.criteria, GOOD | change, on=ON, moment="submitted")
    assert (verdict.decision, verdict.flags, verdict.missing) == (decision, flags, missing)


def test_at_decision_only_what_is_to_be_rechecked_is_evaluated(roads):
    assert [one.id for one in evaluate(roads.criteria, GOOD, on=ON, moment="decided").findings] == ["age", "blacklist"]


def test_parameters_are_those_of_the_day(roads):
    facts = GOOD | {"birth_date": "1958-01-01"}
    assert evaluate(roads.criteria, facts | {"decided_on": "2025-12-31"}, on=date(2025, 12, 31), moment="decided").decision == "reject"
    assert evaluate(roads.criteria, facts | {"decided_on": "2026-01-01"}, on=date(2026, 1, 1), moment="decided").decision == "pass"


def test_the_values_of_another_day_can_be_asked_for_with_the_facts_of_then(roads):
    """The day of evaluation still ends periods that last until now; only the parameters, and what is said of them, are the other day's."""
    facts = GOOD | {"birth_date": "1958-01-01", "work_periods": [{"months": {"start": "2018-01", "end": "now"}, "in_field": True}]}
    then, later = date(2025, 12, 31), date(2026, 1, 1)
    verdict = evaluate(roads.criteria, facts | {"decided_on": "2025-12-31"}, on=then, moment="submitted", parameters_on=later)
    assert (verdict.on, verdict["age"].outcome, verdict["years"].trace[0][1].low) == (then, "met", 96)
    assert verdict["age"].to_data()["parameters"][0]["value"] == 70
    assert verdict.to_data()["parameters_on"] == "2026-01-01"
    assert verdict.to_data(format=1) == evaluate(roads.criteria, facts | {"decided_on": "2025-12-31"}, on=then, moment="submitted",
                                                 parameters_on=date(2027, 5, 1)).to_data(format=1)
    before = evaluate(roads.criteria, facts | {"decided_on": "2026-01-01"}, on=later, moment="submitted", parameters_on=then)
    assert (before["age"].outcome, before["age"].message.zh) == ("not_met", "已满 65 周岁（1958-01-01）")


def test_a_finding_says_what_was_seen_and_where_it_is_written(roads):
    facts = GOOD | {"work_periods": [{"months": {"start": "2020-01", "end": "2022-06"}, "in_field": True}]}
    verdict = evaluate(roads.criteria, facts, on=ON, moment="submitted")
    assert [one.id for one in verdict.reasons] == ["years"]
    data = verdict["years"].to_data()
    assert data["message"] == {"zh": "累计 2 年 6 个月，不足 8 年", "en": "2 years 6 months, less than 8 years"}
    assert data["basis"] == [{"reg": "R1", "article": "第三条"}]
    assert data["parameters"][0] | {"title": None} == {
        "id": "years_needed", "title": None, "value": 8, "from": "2020-01-01", "unit": None, "verified": True, "basis": [{"reg": "R1", "article": "第三条"}]}
    assert data["trace"]["truth"] is False and data["trace"]["shown"]["zh"] == "2 年 6 个月" and data["trace"]["entries"][0]["truth"] is True
    assert verdict["age"].to_data()["outcome"] == "met"


def test_a_slot_shows_values_and_interprets_nothing(roads):
    facts = GOOD | {"birth_date": "1950-01-01"}
    assert evaluate(roads.criteria, facts, on=ON, moment="submitted")["age"].message.zh == "已满 70 周岁（1950-01-01）"


def test_a_rule_reads_as_a_sentence(roads):
    assert in_words(roads.criteria["age"].node, "zh", roads.criteria.parameters) == "出生日期 晚于 决定之日之前 年龄上限 年的同一天"
    assert in_words(roads.criteria["blacklist"].node, "en") == "this does not hold: (under joint restriction is yes)"
    scope, _ = read(every_rule)
    assert in_words(scope.node, "zh") and in_words(scope.node, "en")
