"""The shipped cases stand on the boundaries: both birthdays of every age limit, the month of every number of years, the day of every change."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

import pytest

from rules.ages import anniversary
from rules.bundle import Bundle, run_cases
from rules.cases import CasesDocument, facts_of
from rules.criteria import Criterion, Verdict
from rules.evaluation import Seen
from rules.tree import Aggregate, Compare, FactRef, Logical, ParamRef
from tests.plugins.test_bundles import DEPARTMENTS, bundle, centre, results

Run = tuple[dict[str, Any], date, Verdict]


def runs(code: str) -> list[Run]:
    """Every case with its facts, its day, and what came out."""
    document = bundle(code).cases
    assert isinstance(document, CasesDocument)
    return [(facts_of(document, case), case.decided_on or case.on, results(code)[case.id].verdict) for case in document.cases]


def limits(code: str, fact: str) -> list[tuple[Criterion, Compare, str]]:
    """The comparisons of a fact (or of an aggregate of that kind) with a parameter: criterion, node, parameter."""
    found: list[tuple[Criterion, Compare, str]] = []

    def walk(criterion: Criterion, node: Any) -> None:
        if isinstance(node, Logical):
            for below in node.nodes:
                walk(criterion, below)
        elif isinstance(node, Compare) and isinstance(node.right, ParamRef):
            left = node.left
            if (isinstance(left, FactRef) and left.name == fact) or (isinstance(left, Aggregate) and left.kind == fact):
                found.append((criterion, node, node.right.name))

    for criterion in bundle(code).criteria.criteria:
        walk(criterion, criterion.node)
    return found


def born(facts: dict[str, Any]) -> date | None:
    return date.fromisoformat(facts["birth_date"]) if "birth_date" in facts else None


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_age_limit_has_cases_on_and_before_both_birthdays(code):
    """不超过 and 以下 differ by a year, so the N-th and the N+1-th birthday both need the day and the day before."""
    found = {(criterion.id, name) for criterion, _, name in limits(code, "age")}
    assert ("age", "age_limit") in found
    for criterion_id, name in found:
        stood_on = set()
        for facts, day, verdict in runs(code):
            if born(facts) is None or criterion_id not in {finding.id for finding in verdict.findings}:
                continue
            limit = bundle(code).criteria.values_on(day)[name]
            for years in (0, 1):
                birthday = anniversary(born(facts), int(limit) + years)
                if day in (birthday, birthday - timedelta(days=1)):
                    stood_on.add((years, (day - birthday).days))
        assert stood_on == {(0, 0), (0, -1), (1, 0), (1, -1)}, (criterion_id, name)


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_somebody_born_on_29_february_is_a_year_older_on_1_march(code):
    leap = {(f"{day:%m-%d}", verdict["age"].outcome) for facts, day, verdict in runs(code)
            if (birthday := born(facts)) and (birthday.month, birthday.day) == (2, 29)}
    assert leap == {("02-28", "met"), ("03-01", "not_met")}


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_number_of_years_has_a_case_exactly_there_and_one_month_short(code):
    found = limits(code, "years_union")
    assert found
    for criterion, node, name in found:
        months = set()
        for _, day, verdict in runs(code):
            for finding in verdict.findings:
                seen = finding.trace[node.index][1] if finding.id == criterion.id and finding.trace[node.index] else None
                if isinstance(seen, Seen) and seen.low == seen.high:
                    months.add(int(seen.low - 12 * bundle(code).criteria.values_on(day)[name]))
        assert {0, -1} <= months, (criterion.id, name)


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_change_of_a_value_has_cases_on_the_day_and_the_day_before(code):
    days = {day for _, day, _ in runs(code)}
    for name, parameter in bundle(code).criteria.parameters.items():
        for before, after in zip(parameter.values, parameter.values[1:], strict=False):
            if before.value != after.value:
                assert {after.start, after.start - timedelta(days=1)} <= days, name


def test_somewhere_a_value_changes():
    assert [code for code in DEPARTMENTS for one in bundle(code).criteria.parameters.values() if len({dated.value for dated in one.values}) > 1]


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_admission_is_rechecked_in_cases_that_hold_fail_and_stay_open(code):
    decided = [verdict for _, _, verdict in runs(code) if verdict.moment == "decided"]
    assert {verdict.decision for verdict in decided} >= {"pass", "reject", "refer"}
    for criterion in bundle(code).criteria.criteria:
        if criterion.as_of == "decided":
            assert len({verdict[criterion.id].outcome for verdict in decided}) > 1, criterion.id


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_an_age_limit_lowered_from_a_day_on_counts_from_that_day(code):
    """Amended as a department would: a value is added, the cases move to the day before and to the day itself."""
    data = copy.deepcopy(bundle(code).to_data())
    values = data["criteria.yaml"]["parameters"]["age_limit"]["values"]
    limit = values[-1]["value"]
    values.append({"from": "2027-03-01", "value": limit - 2, "basis": values[-1]["basis"], "verified": False})
    good = next(case for case in data["cases.yaml"]["cases"] if case["id"] == "all_met")
    aged = {"birth_date": f"{2026 - limit + 1}-06-01"}     # one year below the limit, one above the new one
    data["cases.yaml"]["cases"] = [good | {"id": day, "facts": aged, "on": day, "expect": {"decision": decision}}
                                   for day, decision in (("2027-02-28", "pass"), ("2027-03-01", "reject"))]

    changed = Bundle.from_data(data, centre=centre())

    assert [result.differences for result in run_cases(changed)] == [(), ()]
