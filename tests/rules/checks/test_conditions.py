"""Conditions nobody meets, everybody meets, or nobody needs: what is said, on which day, with which example; and what is left alone."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from rules.checks import check_bundle
from tests.rules.conftest import DEPARTMENT
from tests.rules.generating import built, documents, facts

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
    assert (one.code, one.example["day"]) == ("C101", "2026-11-26")
    assert "years_needed = 8" in one.zh and "不少于 18" in one.zh
    assert [(each["key"], each["values"]) for each in one.example["exclude"][0]] == [("criteria.2.rule.all.0", {"years_needed": 8}), ("criteria.2.rule.all.1", {})]


def test_a_contradiction_that_begins_with_a_later_value_names_that_day(changed):
    later = ("criteria.yaml", "verified: false}\n  years_needed", "verified: false}\n      - {from: 2028-07-01, value: 40, basis: {reg: R1, article: 第一条}}\n  years_needed")
    assert codes(changed, "{all: [{fact: age, is: le, value: {param: age_limit}}, {fact: age, is: ge, value: 50}]}") == []
    (one,) = remarks(changed, "{all: [{fact: age, is: le, value: {param: age_limit}}, {fact: age, is: ge, value: 50}]}", later)
    assert (one.code, one.example["day"]) == ("C101", "2028-07-01")


def test_what_was_contradictory_only_in_the_past_is_past(changed):
    earlier = ("criteria.yaml", "value: 8, basis", "until: 2026-06-30, value: 80, basis"), (
        "criteria.yaml", "article: 第三条}}]}", "article: 第三条}}, {from: 2026-07-01, value: 8, basis: {reg: R1, article: 第三条}}]}")
    rule = "{all: [{fact: age, is: ge, value: {param: years_needed}}, {fact: age, is: lt, value: 70}]}"
    assert [code for code, _ in codes(changed, rule, *earlier)] == []
    bundle = changed(("criteria.yaml", RULE, f"rule: {rule}"), *earlier)
    assert [one.example["day"] for one in check_bundle(bundle, on=date(2026, 3, 1)) if one.code == "C101"] == ["2026-03-01"]


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


@pytest.mark.parametrize("seed", range(0, 80, 10))
def test_remarks_about_random_rules_are_true(roads, seed):
    """Nobody meets what nobody is said to meet; without a superfluous branch every outcome is the same."""
    for rng in map(Random, range(seed, seed + 10)):
        document, schema = documents(rng, depth=rng.choice((2, 3, 4)))
        criteria = built(document, schema)
        people = [facts(rng, schema, missing=share, wrong=0) for share in (0, 0.07, 0.3, 0.6) for _ in range(15)]
        days = sorted({ON} | {dated.start for one in criteria.parameters.values() for dated in one.values if dated.start > ON})
        for remark in check_bundle(replace(roads, criteria=criteria, cases=None, documents={**roads.documents, "criteria.yaml": document}), on=ON):
            if remark.code not in CONDITIONS or remark.file != "criteria.yaml":
                continue
            path = [int(step) if step.isdigit() else step for step in remark.key.split(".")]
            at = int(path[1])
            outcomes = {(day, number): criteria.criteria[at].compiled.ask(person, criteria.values_on(day), day)[0] for day in days for number, person in enumerate(people)}
            if remark.code == "C101":
                assert [one for (day, _), one in outcomes.items() if day.isoformat() == remark.example["day"] and one is True] == [], (remark.zh, document)
            elif remark.code == "C103" and len(path) == 3:
                assert False not in outcomes.values(), (remark.zh, document)
            elif remark.code == "C105":
                without = copy.deepcopy(document)
                list_of = without
                for step in path[:-1]:
                    list_of = list_of[step]
                del list_of[path[-1]]
                again = built({**without, "parameters": document["parameters"], "criteria": [*without["criteria"], *_naming(document)]}, schema)
                assert outcomes == {(day, number): again.criteria[at].compiled.ask(people[number], again.values_on(day), day)[0] for day, number in outcomes}, (remark.zh, document)


def _naming(document):
    """A criterion that names every parameter and aggregate of the document, so that nothing is called unused when a branch is gone."""
    slots = " ".join(f"{{{name}}}" for name in document["parameters"])
    messages = " ".join(one["message"]["zh"] for one in document["criteria"])
    return [{**document["criteria"][0], "id": "all-named", "rule": {"all": [one["rule"] for one in document["criteria"]]}, "message": {"zh": f"{slots} {messages}"}}]


def test_a_huge_document_is_checked_in_bounded_time(changed):
    many = ", ".join(f"{{any: [{{fact: age, is: eq, value: {2 * n}}}, {{fact: age, is: eq, value: {2 * n + 1}}}, {{count: projects, is: ge, value: {n}}}]}}" for n in range(400))
    copies = "\n".join(DEPARTMENT["criteria.yaml"].split("criteria:\n")[1].split("  - id: years")[0].replace("id: age", f"id: age-{n}") for n in range(150))
    bundle = changed(("criteria.yaml", RULE, f"rule: {{all: [{many}]}}"), ("criteria.yaml", "criteria:\n", f"criteria:\n{copies}\n"))
    began = time.process_time()
    assert len(check_bundle(bundle, on=ON)) > 150
    assert time.process_time() - began < 10
