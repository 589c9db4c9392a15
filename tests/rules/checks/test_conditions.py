"""Conditions nobody meets, everybody meets, or nobody needs: what is said, on which day, with which example; and what is left alone."""

from __future__ import annotations

import time
from datetime import date

import pytest

from rules.checks import check_bundle
from tests.rules.conftest import DEPARTMENT

ON = date(2026, 11, 26)
RULE = "rule: {fact: civil_servant, is: eq, value: false}"
CONDITIONS = {"C101", "C102", "C103", "C104", "C105", "C106", "C107"}


def remarks(changed, rule: str, *more):
    bundle = changed(("criteria.yaml", RULE, f"rule: {rule}"), *more)
    return [one for one in check_bundle(bundle, on=ON) if one.code in CONDITIONS]


def codes(changed, rule: str, *more):
    return [(one.code, one.key) for one in remarks(changed, rule, *more)]


@pytest.mark.parametrize("rule", [
    "{fact: civil_servant, is: eq, value: false}",
    "{all: [{fact: age, is: ge, value: 60}, {fact: age, is: lt, value: {param: age_limit}}]}",
    "{any: [{fact: title_level, is: eq, value: senior}, {all: [{fact: title_level, is: eq, value: middle}, {years_union: work_periods, of: months, is: ge, value: 8}]}]}",
    "{all: [{fact: id_number, is: is_known}, {fact: title_level, is: ne, value: none}]}",
    "{every: work_periods, satisfies: {any: [{not: {fact: remark, is: is_known}}, {fact: in_field, is: eq, value: false}]}}",
    "{none: [{some: work_periods, satisfies: {fact: in_field, is: eq, value: false}}, {count: projects, is: gt, value: 10}]}",
    "{covered: projects, by: work_periods, where: {fact: organisation, is: eq, value: {item: title}}}",
    # the second asks for a fact the first can do without: it decides whether somebody is asked
    "{all: [{any: [{fact: age, is: le, value: 60}, {fact: civil_servant, is: eq, value: true}]}, {fact: age, is: le, value: 65}]}",
])
def test_sound_rules_are_left_alone(changed, rule):
    assert codes(changed, rule) == []


def test_the_pair_that_excludes_itself_is_named_with_the_values_of_the_day(changed):
    rule = "{all: [{fact: age, is: lt, value: {param: years_needed}}, {fact: age, is: ge, value: 18}]}"
    (one,) = remarks(changed, rule)
    assert (one.code, one.example["day"]) == ("C101", "2026-01-01")
    assert "years_needed = 8" in one.zh and "不少于 18" in one.zh
    assert [(each["key"], each["values"]) for each in one.example["exclude"][0]] == [("criteria.2.rule.all.0", {"years_needed": 8}), ("criteria.2.rule.all.1", {})]


def test_a_contradiction_that_begins_with_a_later_value_names_that_day(changed):
    later = ("criteria.yaml", "verified: false}\n  years_needed", "verified: false}\n      - {from: 2028-07-01, value: 40, basis: {reg: R1, article: 第一条}}\n  years_needed")
    assert codes(changed, "{all: [{fact: age, is: le, value: {param: age_limit}}, {fact: age, is: ge, value: 50}]}") == []
    (one,) = remarks(changed, "{all: [{fact: age, is: le, value: {param: age_limit}}, {fact: age, is: ge, value: 50}]}", later)
    assert (one.code, one.example["day"]) == ("C101", "2028-07-01")


def test_two_criteria_nobody_passes_are_named_and_a_flag_is_no_obstacle(changed):
    effect = ("criteria.yaml", "title: 公务员\n    effect: flag", "title: 公务员\n    effect: refer")
    rule = "{fact: age, is: ge, value: 71}"
    assert codes(changed, rule) == []
    (one,) = remarks(changed, rule, effect)
    assert (one.code, one.example["criteria"]) == ("C102", ["age", "unpaid"])


def test_what_can_never_be_unmet_comes_with_facts_and_what_may_be_changed(changed):
    (one,) = remarks(changed, "{any: [{fact: age, is: ge, value: 0}, {fact: civil_servant, is: eq, value: true}]}")
    assert (one.code, one.example["changing"], one.example["changes"]) == ("C103", ["age", "civil_servant"], [])
    assert one.example["facts"]["age"] >= 0


@pytest.mark.parametrize(("rule", "expected"), [
    ("{any: [{fact: age, is: le, value: 65}, {fact: age, is: le, value: 60}]}", [("C105", "criteria.2.rule.any.1")]),
    ("{all: [{fact: title_level, is: eq, value: senior}, {fact: title_level, is: ne, value: none}]}", [("C105", "criteria.2.rule.all.1")]),
    ("{all: [{fact: civil_servant, is: eq, value: false}, {fact: civil_servant, is: eq, value: false}]}", [("C105", "criteria.2.rule.all.1")]),
    ("{none: [{fact: age, is: ge, value: 60}, {fact: age, is: ge, value: 65}]}", [("C105", "criteria.2.rule.none.1")]),
    ("{none: [{fact: civil_servant, is: eq, value: true}, {all: [{fact: age, is: gt, value: 60}, {fact: age, is: lt, value: 50}]}]}", [("C104", "criteria.2.rule.none.1")]),
    ("{count: work_periods, where: {all: [{fact: in_field, is: eq, value: true}, {fact: in_field, is: eq, value: false}]}, is: eq, value: 0}",
     [("C103", "criteria.2.rule")]),
    ("{some: work_periods, satisfies: {any: [{fact: in_field, is: eq, value: true}, {all: [{fact: in_field, is: eq, value: true}, {fact: organisation, is: eq, value: 某院}]}]}}",
     [("C105", "criteria.2.rule.satisfies.any.1")]),
    ("{all: [{fact: birth_date, is: after, value: {years_before: {fact: decided_on}, years: 60}}, {fact: birth_date, is: after, value: {years_before: {fact: decided_on}, years: 65}}]}",
     [("C105", "criteria.2.rule.all.1")]),
    ("{any: [{fact: civil_servant, is: eq, value: true}, {all: [{count: work_periods, is: eq, value: 4}, {fact: age, is: ge, value: 30}]}]}", [("C104", "criteria.2.rule.any.1")]),
])
def test_a_branch_that_decides_nothing_is_named(changed, rule, expected):
    assert codes(changed, rule) == expected


def test_the_example_of_a_superfluous_branch_is_a_person_both_let_through(changed):
    (one,) = remarks(changed, "{all: [{fact: age, is: le, value: 60}, {fact: age, is: le, value: 65}]}")
    assert one.example["facts"]["age"] <= 60 and one.example["neighbours"] == ["criteria.2.rule.all.0"]


def test_a_row_is_found_that_contradicts_itself_or_comes_too_late(changed):
    table = ("{table: {columns: [{fact: age, is: lt}, {fact: age, is: ge}], otherwise: false, rows: ["
             "{when: [60, 30], then: true}, {when: [30, 60], then: true}, {when: [50, 40], then: false}, {when: [70, 65], then: true}]}}")
    found = remarks(changed, table)
    assert [(one.code, one.example["row"]) for one in found] == [("C107", 2), ("C107", 3)]
    assert "不能同时成立" in found[0].zh and "上面的行" in found[1].zh
    assert 40 <= found[1].example["facts"]["age"] < 50


def test_a_condition_of_the_form_is_weighed_beside_the_one_above_it(changed):
    section = ("application.yaml", "    title: 项目", "    title: 项目\n    show_when: {fact: title_level, is: eq, value: senior}")
    field = ("application.yaml", "min_entries: 0", "min_entries: 0\n        show_when: {fact: title_level, is: eq, value: middle}")
    assert codes(changed, "{fact: civil_servant, is: eq, value: false}", section) == []
    assert codes(changed, "{fact: civil_servant, is: eq, value: false}", section, field) == [("C106", "sections.0.fields.0.show_when")]


def test_a_huge_document_is_checked_in_bounded_time(changed):
    many = ", ".join(f"{{any: [{{fact: age, is: eq, value: {2 * n}}}, {{fact: age, is: eq, value: {2 * n + 1}}}, {{count: projects, is: ge, value: {n}}}]}}" for n in range(1200))
    copies = "\n".join(DEPARTMENT["criteria.yaml"].split("criteria:\n")[1].split("  - id: years")[0].replace("id: age", f"id: age-{n}") for n in range(150))
    bundle = changed(("criteria.yaml", RULE, f"rule: {{all: [{many}]}}"), ("criteria.yaml", "criteria:\n", f"criteria:\n{copies}\n"))
    began = time.process_time()
    assert len(check_bundle(bundle, on=ON)) > 150
    assert time.process_time() - began < 10
