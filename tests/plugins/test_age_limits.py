"""Every age limit of every shipped department, on the days around both birthdays: the one written policy of docs/time.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from rules.ages import anniversary, years_before
from rules.bundle import Bundle, read_folder
from rules.cases import facts_of, run_case
from rules.criteria import Criterion, evaluate
from rules.evaluation import as_date
from rules.facts import complete
from rules.tree import Compare, Constant, FactRef, Logical, Node, ParamRef, YearsBefore

PLUGINS = Path(__file__).parents[2] / "plugins"
BIRTHS = (date(1950, 1, 1), date(1956, 2, 28), date(1956, 2, 29), date(1957, 2, 28), date(1957, 3, 1), date(1960, 6, 15), date(1961, 12, 31))
BEFORE_THE_FIRST, BEFORE_THE_SECOND = "以下", "不超过"      # until the N-th, until the (N+1)-th birthday


@cache
def departments() -> tuple[Bundle, ...]:
    centre = read_folder(PLUGINS / "centre")
    return tuple(read_folder(folder, centre=centre) for folder in sorted(PLUGINS.iterdir()) if (folder / "criteria.yaml").exists())


def comparisons(node: Node) -> Iterator[Compare]:
    if isinstance(node, Logical):
        for below in node.nodes:
            yield from comparisons(below)
    elif isinstance(node, Compare) and isinstance(node.left, FactRef) and node.left.name in ("age", "age_applied", "birth_date"):
        yield node


def limits() -> Iterator[tuple[Bundle, Criterion, Compare, str, int, date]]:
    """Department, criterion, the comparison in it, wording, limit, and a day on which it is in force."""
    for bundle in departments():
        assert bundle.criteria is not None
        for criterion in bundle.criteria.criteria:
            for node in comparisons(criterion.node):
                right = node.right.years if isinstance(node.right, YearsBefore) else node.right
                wording = {"le": BEFORE_THE_SECOND, "lt": BEFORE_THE_FIRST, "after": BEFORE_THE_FIRST}.get(node.op)
                if isinstance(right, ParamRef) and wording:
                    for dated in bundle.criteria.parameters[right.name].values:
                        yield bundle, criterion, node, wording, int(dated.value), dated.start  # type: ignore[arg-type]
                elif isinstance(right, Constant) and wording:
                    yield bundle, criterion, node, wording, int(right.value), bundle.manifest.effective_from


LIMITS = [pytest.param(*one, id=f"{one[0].code}-{one[1].id}-{one[4]}") for one in limits()]


def test_every_department_has_an_age_limit():
    assert {param.values[0].code for param in LIMITS} == {bundle.code for bundle in departments()}


@pytest.mark.parametrize("born", BIRTHS, ids=str)
@pytest.mark.parametrize(("bundle", "criterion", "node", "wording", "limit", "since"), LIMITS)
def test_the_limit_holds_until_the_birthday_its_wording_means(bundle, criterion, node, wording, limit, since, born):
    first, second = anniversary(born, limit), anniversary(born, limit + 1)
    found = {}
    for birthday in (first, second):
        for day in (birthday - timedelta(days=1), birthday):
            facts = complete({"birth_date": born.isoformat(), "applied_on": day.isoformat(), "decided_on": day.isoformat()})
            verdict = evaluate(bundle.criteria, facts, on=day, moment=criterion.as_of, parameters_on=since)
            found[day] = verdict[criterion.id].trace[node.index][0]  # the comparison itself: other branches may still excuse
    assert list(found.values()) == [True, wording == BEFORE_THE_SECOND, wording == BEFORE_THE_SECOND, False]


@pytest.mark.parametrize(("bundle", "criterion", "node", "wording", "limit", "since"), LIMITS)
def test_the_cases_of_the_department_stand_on_both_sides_of_the_birthday(bundle, criterion, node, wording, limit, since):
    """The officer's own cases: somebody on the day before the limit is reached, and somebody on the day."""
    turning = limit + (wording == BEFORE_THE_SECOND)
    outcomes = set()
    for case in bundle.cases.cases:
        facts = facts_of(bundle.cases, case)
        born = as_date(facts.get("birth_date"))
        day = case.decided_on or case.on
        if born is not None and anniversary(born, turning) in (day, day + timedelta(days=1)):
            finding = next((one for one in run_case(bundle.criteria, bundle.cases, case).verdict.findings if one.id == criterion.id), None)
            outcomes.add((anniversary(born, turning) == day, finding and finding.trace[node.index][0]))
    assert {(False, True), (True, False)} <= outcomes


@pytest.mark.parametrize("wording", [BEFORE_THE_FIRST, BEFORE_THE_SECOND])
@pytest.mark.parametrize("born", BIRTHS, ids=str)
def test_the_two_ways_of_writing_a_limit_agree_on_every_day_of_five_years(born, wording):
    """`age lt N` is `birth_date after years_before(day, N)`; with 不超过, of N + 1."""
    day = anniversary(born, 69)
    while day < anniversary(born, 74):
        facts = complete({"birth_date": born.isoformat(), "decided_on": day.isoformat()})
        young = facts["age"] < 70 if wording == BEFORE_THE_FIRST else facts["age"] <= 70
        assert young == (born > years_before(day, 70 + (wording == BEFORE_THE_SECOND))), day
        day += timedelta(days=1)
