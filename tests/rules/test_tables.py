"""Decision tables: read into the ordinary tree, with the outcome that a clerk reading from the top would name."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.criteria import evaluate
from rules.documents import Problems
from rules.evaluation import compile_scope
from rules.fact_types import FactType
from rules.parameters import Parameter
from rules.parts import Text
from rules.tree import Reader
from rules.wording import in_words

FACTS = {
    "grade": FactType("choice", Text(zh="职称", en="grade"), {"senior": Text(zh="高级", en="senior"), "middle": Text(zh="中级"), "none": Text(zh="无")}),
    "age": FactType("number", Text(zh="周岁", en="age"), whole=True), "amount": FactType("number"), "born": FactType("date"), "doctor": FactType("boolean"),
    "name": FactType("text"), "jobs": FactType("group", Text(zh="经历"), entry={"months": FactType("period"), "ok": FactType("boolean")}),
}
ON = date(2026, 6, 15)


def read(rule):
    problems: list[tuple[tuple, str]] = []
    scope = Reader(FACTS, {"limit": "number"}, lambda path, zh, en, *code: problems.append((path, zh))).scope(rule, ())
    return scope, problems


def table(columns, rows, *, hit="first", otherwise=False):
    return {"table": {"columns": columns, "rows": [{"when": list(when), "then": then} for when, then in rows], "hit": hit, "otherwise": otherwise}}


COLUMNS = [{"fact": "grade", "is": "in"}, {"fact": "age", "is": "lt"}, {"fact": "doctor", "is": "eq"}]
GRADES = table(COLUMNS, [((["senior"], 70, None), True), ((["middle"], 60, True), True), ((None, None, True), False)], otherwise=False)


@pytest.mark.parametrize(("facts", "expected"), [
    ({"grade": "senior", "age": 69, "doctor": False}, True),
    ({"grade": "senior", "age": 70, "doctor": False}, False),
    ({"grade": "middle", "age": 59, "doctor": True}, True),
    ({"grade": "middle", "age": 59}, None),
    ({"grade": "senior", "age": 65}, True),               # the first row applies, whatever else there is
    ({"age": 65, "doctor": False}, None),
    ({"age": 75}, False),                                 # no row can apply any more
])
def test_the_first_row_that_applies_gives_the_outcome(facts, expected):
    scope, problems = read(GRADES)
    assert problems == []
    assert compile_scope(scope).ask(facts, {}, ON)[0] is expected


def test_a_row_that_is_unknown_before_one_that_applies_leaves_it_open_unless_both_say_the_same():
    columns = [{"fact": "doctor", "is": "eq"}, {"fact": "age", "is": "lt"}]
    for first, expected in ((True, True), (False, None)):
        scope, _ = read(table(columns, [((True, None), first), ((None, 70), True)]))
        assert compile_scope(scope).ask({"age": 50}, {}, ON)[0] is expected


def interpret(rows, otherwise, facts):
    """What a clerk does with a table, kept apart from the code: every way the unknown may turn out, one outcome or none."""
    possible = set()
    for when, then in rows:
        cells = [None if facts[at] is None else facts[at] in one if at == 0 else facts[at] < one if at == 1 else facts[at] == one
                 for at, one in enumerate(when) if one is not None]
        row = False if False in cells else None if None in cells else True
        if row is not False:
            possible.add(then)
        if row is True:
            return possible.pop() if len(possible) == 1 else None
    possible.add(otherwise)
    return possible.pop() if len(possible) == 1 else None


cell_rows = st.lists(st.tuples(
    st.tuples(st.none() | st.lists(st.sampled_from(["senior", "middle", "none"]), min_size=1, max_size=2, unique=True),
              st.none() | st.sampled_from([50, 60, 70]), st.none() | st.booleans()).filter(lambda when: any(one is not None for one in when)),
    st.booleans()), min_size=1, max_size=7)


@given(cell_rows, st.booleans(), st.tuples(st.sampled_from([None, "senior", "middle", "none"]), st.sampled_from([None, 45, 50, 65, 80]), st.sampled_from([None, True, False])))
def test_a_table_says_what_a_direct_reading_of_its_rows_says(rows, otherwise, facts):
    assume(any(then != otherwise for _, then in rows))
    scope, problems = read(table(COLUMNS, rows, otherwise=otherwise))
    assert problems == []
    given_facts = {name: value for name, value in zip(("grade", "age", "doctor"), facts, strict=True) if value is not None}
    truth, trace = compile_scope(scope).ask(given_facts, {}, ON)
    assert truth is interpret(rows, otherwise, facts)
    assert len(trace) == scope.size


@given(cell_rows)
def test_a_table_is_unique_exactly_when_no_person_fits_two_rows(rows):
    assume(any(then for _, then in rows))
    _, problems = read(table(COLUMNS, rows, hit="unique"))
    people = list(product(["senior", "middle", "none"], [49, 50, 59, 60, 69, 70], [True, False]))
    clash = any(sum(interpret([(when, True)], False, person) is True for when, _ in rows) > 1 for person in people)
    assert bool(problems) is clash


@pytest.mark.parametrize(("columns", "rows", "hit", "example"), [
    (COLUMNS, [((["senior"], None, None), True), ((None, 60, None), False)], "any", "grade = senior，age = 59"),
    (COLUMNS, [((["senior"], None, None), True), ((None, 60, None), True)], "any", None),
    ([{"fact": "age", "is": "ge"}, {"fact": "age", "is": "lt"}], [((None, 60), True), ((60, 70), False)], "unique", None),
    ([{"fact": "age", "is": "ge"}, {"fact": "age", "is": "lt"}], [((None, 61), True), ((60, 70), False)], "unique", "age = 60"),
    ([{"fact": "amount", "is": "gt"}, {"fact": "amount", "is": "lt"}], [((60, None), True), ((None, 61), True)], "unique", "amount = 60.5"),
    ([{"fact": "age", "is": "gt"}, {"fact": "age", "is": "lt"}], [((60, None), True), ((None, 61), True)], "unique", None),
    ([{"fact": "born", "is": "after"}, {"fact": "born", "is": "on_or_before"}], [(("2000-01-01", None), True), ((None, "2000-01-02"), False)], "unique", "born = 2000-01-02"),
    ([{"fact": "name", "is": "starts_with"}], [(("A",), True), (("A04",), False)], "unique", "name = A04"),
    ([{"fact": "doctor", "is": "is_known"}, {"fact": "doctor", "is": "eq"}], [((False, None), True), ((None, True), False)], "unique", None),
    ([{"count": "jobs", "is": "lt"}, {"count": "jobs", "is": "ge"}], [((2, None), True), ((None, 1), False)], "unique", "count jobs = 1"),
    ([{"fact": "age", "is": "lt"}], [((60,), True), (({"fact": "amount"},), False)], "unique", None),
])
def test_rows_that_break_their_promise_are_named_with_an_example(columns, rows, hit, example):
    _, problems = read(table(columns, rows, hit=hit))
    assert len(problems) == (example is not None)
    if example is not None:
        assert problems[0][0] == ("table", "rows", 1) and f"第 1 行与第 2 行会同时符合，例如 {example}" in problems[0][1]


@pytest.mark.parametrize(("change", "path", "says"), [
    ({"columns": [{"fact": "agee", "is": "lt"}]}, ("table", "columns", 0, "fact"), "age"),
    ({"columns": [{"fact": "age", "is": "afterwards"}]}, ("table", "columns", 0, "is"), "不认识"),
    ({"columns": [{"fact": "age", "is": "lt", "value": 5}]}, ("table", "columns", 0), "不带 value"),
    ({"rows": [{"when": ["old"], "then": True}]}, ("table", "rows", 0, "when", 0), "应为数"),
    ({"rows": [{"when": [{"param": "limt"}], "then": True}]}, ("table", "rows", 0, "when", 0, "param"), "limit"),
    ({"rows": [{"when": [60, 70], "then": True}]}, ("table", "rows", 0, "when"), "1 个值"),
    ({"rows": [{"when": [None], "then": True}]}, ("table", "rows", 0, "when"), "otherwise"),
    ({"rows": [{"when": [60]}]}, ("table", "rows", 0), "then"),
    ({"rows": []}, ("table", "rows"), "1 至"),
    ({"hit": "last"}, ("table", "hit"), "first"),
    ({"otherwise": None}, ("table", "otherwise"), "otherwise"),
    ({"otherwise": True}, ("table",), "什么也不决定"),
    ({"hits": "any"}, ("table", "hits"), "hit"),
])
def test_what_is_wrong_is_told_with_its_row_or_column(change, path, says):
    _, problems = read({"table": {"columns": [{"fact": "age", "is": "lt"}], "rows": [{"when": [60], "then": True}], "otherwise": False, **change}})
    assert [where for where, _ in problems] == [path]
    assert says in problems[0][1]


def test_a_promise_too_large_to_check_is_refused_in_bounded_time():
    rows = [(({"param": "limit"}, at), True) for at in range(200)]
    problems = []
    values = {"limit": Parameter.model_validate({"values": [{"from": f"{1900 + at}-01-01", "value": at, "basis": {"reg": "R", "article": "一"}} for at in range(200)]})}
    rule = table([{"fact": "age", "is": "lt"}, {"fact": "amount", "is": "eq"}], rows, hit="unique")
    Reader(FACTS, {"limit": "number"}, lambda path, zh, en, *code: problems.append(path), values).scope(rule, ())
    assert problems == [("table", "hit")]


def test_a_row_keeps_its_number_in_words():
    scope, _ = read(GRADES)
    assert in_words(scope.node, "zh") == (
        "决策表，自上而下以第一条符合的行为准，都不符合为不满足：（第 1 行（满足）：（职称 属于 高级；周岁 少于 70）；第 2 行（满足）：（职称 属于 中级；周岁 少于 60；doctor 为 是））")
    scope, _ = read(table([{"fact": "age", "is": "lt"}], [((30,), False), ((70,), True)]))
    assert in_words(scope.node, "en") == (
        "decision table, from the top the first row that applies counts, otherwise not met: "
        "(row 1 does not apply: (row 1 (not met): (age is less than 30)); the rows below: (row 2 (met): (age is less than 70)))")


def test_a_criterion_may_be_a_table_with_parameters_and_aggregates(changed):
    bundle = changed(("criteria.yaml", "rule: {years_union: work_periods, of: months, where: {fact: in_field, is: eq, value: true}, as: worked, is: ge, value: {param: years_needed}}", """rule:
      table:
        columns:
          - {fact: title_level, is: in}
          - {years_union: work_periods, of: months, where: {fact: in_field, is: eq, value: true}, as: worked, is: ge}
        hit: unique
        rows:
          - {when: [[senior], {param: years_needed}], then: true}
          - {when: [[middle], 12], then: true}
        otherwise: false"""))
    facts = {"title_level": "middle", "work_periods": [{"months": {"start": "2015-01", "end": "now"}, "in_field": True}]}
    finding = evaluate(bundle.criteria, facts, on=ON, moment="submitted")["years"]
    assert (finding.outcome, finding.message.zh) == ("not_met", "累计 11 年 6 个月，不足 8 年")
    assert [node["truth"] for node in finding.to_data()["trace"]["nodes"]] == [False, False]


def test_overlaps_are_looked_for_on_every_day_a_parameter_changes(changed):
    """2020–2025 the rows are apart; from 2026 the limit of 70 lets both apply."""
    with pytest.raises(Problems) as error:
        changed(("criteria.yaml", "rule: {fact: birth_date, is: after, value: {years_before: {fact: decided_on}, years: {param: age_limit}}}", """rule:
      table:
        columns: [{fact: age, is: le}, {fact: age, is: gt}]
        hit: unique
        rows: [{when: [{param: age_limit}, null], then: true}, {when: [null, 65], then: false}]
        otherwise: false"""))
    assert [(problem.file, problem.line, problem.key) for problem in error.value.problems] == [("criteria.yaml", 18, "criteria.0.rule.table.rows.1")]
    assert "age = 70" in error.value.problems[0].zh
