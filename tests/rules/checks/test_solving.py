"""The solver never claims what is not so: what it finds, the engine confirms; what it calls impossible, no facts bring about."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from rules.checks.formulas import holds
from rules.checks.questions import Budget, Found, Goal, Impossible, Limits, Undecided, World
from rules.checks.solving import solve
from rules.fact_types import FactType
from rules.facts import DERIVED
from rules.parts import Text
from rules.tree import Reader
from rules.wording import in_words
from tests.rules.generating import built, day, documents, facts

ON = date(2026, 6, 15)
LABEL = Text(zh="一")
FACTS = {
    **DERIVED, "a": FactType("boolean"), "b": FactType("boolean"), "n": FactType("number", whole=True), "x": FactType("number"), "d": FactType("date"), "e": FactType("date"),
    "grade": FactType("choice", None, {"senior": LABEL, "middle": LABEL, "none": LABEL}), "code": FactType("text"), "langs": FactType("choices", None, {"zh": LABEL, "mn": LABEL}),
    "jobs": FactType("group", entry={"months": FactType("period"), "field": FactType("choice", None, {"road": LABEL, "rail": LABEL}), "pay": FactType("number"), "until": FactType("date")}),
}
PARAMS = {"limit": 65, "later": 70, "gone": None}
ROAD, RAIL = {"fact": "field", "is": "eq", "value": "road"}, {"fact": "field", "is": "eq", "value": "rail"}


def world(**limits) -> World:
    return World(ON, PARAMS, Limits(**limits), Budget(200_000))


def ask(rule, want="true", **limits):
    problems: list[str] = []
    scope = Reader(FACTS, dict.fromkeys(PARAMS, "number"), lambda path, zh, en, *code: problems.append(zh)).scope(rule, ())
    assert problems == []
    answer = solve(world(**limits), [Goal(scope.node, want, scope.size)])
    if isinstance(answer, Found):
        from rules.evaluation import compile_scope

        assert holds(want, compile_scope(scope).ask(answer.facts, PARAMS, ON)[0])
    return answer


def fact(name, op, value):
    return {"fact": name, "is": op, "value": value}


def born(op, years, day="decided_on"):
    return fact("birth_date", op, {"years_before": {"fact": day}, "years": years})


def count(op, value, where=None):
    return {"count": "jobs", "is": op, "value": value} | ({"where": where} if where else {})


def years(op, value, where=None):
    return {"years_union": "jobs", "of": "months", "is": op, "value": value} | ({"where": where} if where else {})


IMPOSSIBLE = {
    "a boolean that is and is not": {"all": [fact("a", "eq", True), {"not": fact("a", "eq", True)}]},
    "whole numbers between 65 and 66": {"all": [fact("n", "gt", 65), fact("n", "lt", 66)]},
    "above a parameter and below a constant": {"all": [fact("n", "gt", {"param": "limit"}), fact("n", "lt", 60)]},
    "every option excluded": {"none": [fact("grade", "in", ["senior", "middle"]), fact("grade", "eq", "none")]},
    "stated and compared although missing": {"all": [{"not": {"fact": "d", "is": "is_known"}}, fact("d", "after", "2020-01-01")]},
    "prefixes that part": {"all": [fact("code", "starts_with", ["A04", "A05"]), fact("code", "starts_with", "B")]},
    "a prefix inside a forbidden one": {"all": [fact("code", "starts_with", "A0403"), {"not": fact("code", "starts_with", ["A04"])}]},
    "a language both known and not": {"all": [fact("langs", "contains", "mn"), {"not": fact("langs", "contains", "mn")}]},
    "two days, each after the other": {"all": [fact("d", "after", {"fact": "e"}), fact("e", "after", {"fact": "d"})]},
    "65 at least and 60 at most, by birth dates": {"all": [born("on_or_before", 65), born("after", {"param": "limit"})]},
    "an age against a birth date": {"all": [fact("age", "ge", 70), born("after", 65)]},
    "older when applying than when decided": {"all": [fact("age_applied", "ge", 70), fact("age", "lt", 70)]},
    "nobody is that old": fact("age", "gt", 200),
    "a job wanted where none may be": {"all": [count("eq", 0), {"some": "jobs", "satisfies": ROAD}]},
    "a road job where all are rail": {"all": [{"every": "jobs", "satisfies": RAIL}, {"some": "jobs", "satisfies": ROAD}]},
    "counts that exclude each other": {"all": [count("ge", 3, ROAD), count("le", 2, ROAD)]},
    "years without an entry that may count": {"all": [years("ge", 8, ROAD), {"every": "jobs", "satisfies": RAIL}]},
    "fewer than no years": years("lt", 0),
    "more entries than the form takes": count("ge", 25),
    "a parameter that has no value": fact("n", "gt", {"param": "gone"}),
    "an entry that cannot be": {"some": "jobs", "satisfies": {"all": [ROAD, RAIL]}},
    "every way out closed": {"all": [fact("grade", "eq", "senior"), {"any": [fact("grade", "eq", "none"), fact("grade", "in", ["middle"])]}]},
}
POSSIBLE = {
    "on a birthday": {"all": [fact("age", "ge", 65), fact("age", "lt", 66), born("on_or_before", 65)]},
    "applied in time, decided too late": {"all": [fact("age_applied", "lt", {"param": "later"}), fact("age", "ge", {"param": "later"})]},
    "halves lie between whole numbers": {"all": [fact("x", "gt", 65), fact("x", "lt", 66)]},
    "two dates and a gap": {"all": [fact("d", "after", {"fact": "e"}), fact("e", "after", "2030-01-01"), fact("d", "ne", "2030-01-03")]},
    "a text under a prefix": {"all": [fact("code", "starts_with", ["A04", "A05"]), fact("code", "starts_with", "A0403"), fact("code", "ne", "A0403"), {"not": fact("code", "starts_with", "A04030")}]},
    "road and rail years side by side": {"all": [years("ge", 8, ROAD), years("lt", 3, RAIL), years("gt", 0, RAIL)]},
    "three jobs, two of them road": {"all": [count("eq", 3), count("eq", 2, ROAD), {"some": "jobs", "satisfies": RAIL}]},
    "pay that adds up": {"all": [{"sum": "jobs", "of": "pay", "is": "eq", "value": 12.5}, count("ge", 2)]},
    "a job still running": {"some": "jobs", "satisfies": {"all": [ROAD, fact("until", "ge", {"fact": "decided_on"})]}},
    "the least pay": {"all": [{"min": "jobs", "of": "pay", "is": "ge", "value": 5}, {"max": "jobs", "of": "pay", "is": "le", "value": 7}]},
    "nothing said": {"none": [{"fact": "a", "is": "is_known"}, {"fact": "jobs", "is": "is_known"}]},
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_nobody_can_meet_is_proved_with_what_excludes_what(name):
    answer = ask(IMPOSSIBLE[name], entries={"jobs": 20})
    assert isinstance(answer, Impossible), answer
    assert name == "a parameter that has no value" or answer.conflicts


@pytest.mark.parametrize("name", POSSIBLE)
def test_what_somebody_can_meet_is_shown_by_facts(name):
    assert isinstance(ask(POSSIBLE[name]), Found)


def test_unknown_is_weighed_too():
    twice = {"all": [fact("a", "eq", True), {"any": [fact("a", "eq", True), fact("b", "eq", True)]}]}
    assert isinstance(ask(twice, "not_true"), Found)
    assert isinstance(ask({"any": [fact("a", "eq", True), fact("a", "eq", False)]}, "false"), Impossible)
    assert ask({"any": [fact("a", "eq", True), fact("a", "eq", False)]}, "not_true").facts == {}


def test_more_work_than_allowed_is_undecided_not_guessed():
    wide = {"all": [{"any": [fact("n", "eq", 2 * number + at) for at in range(2)]} for number in range(300)]}
    assert isinstance(ask(wide), Undecided)
    poor = World(ON, PARAMS, Limits(), Budget(3))
    scope = Reader(FACTS, {}, lambda *_: None).scope({"all": [fact("a", "eq", True), fact("b", "eq", True)]}, ())
    assert isinstance(solve(poor, [Goal(scope.node, "true", scope.size)]), Undecided)


@pytest.mark.parametrize("seed", range(40))
def test_random_rules_are_never_called_what_they_are_not(seed):
    rng = Random(seed)
    document, schema = documents(rng)
    criteria = built(document, schema)
    on = day(rng)
    params = criteria.values_on(on)
    asked = World(on, params, Limits(), Budget(10**9))
    people = [facts(rng, schema, missing=share, wrong=0) for share in (0, 0.07, 0.3) for _ in range(25)]
    pairs = [(one, other) for one in criteria.criteria for other in criteria.criteria if one.id <= other.id]
    for pair in pairs:
        truths = {tuple(one.compiled.ask(person, params, on)[0] for one in pair) for person in people}
        for wants in (("true", "true"), ("false", "false"), ("true", "not_true"), ("not_false", "false"), ("not_true", "not_false")):
            answer = solve(asked, [Goal(one.node, want, one.compiled.scope.size) for one, want in zip(pair, wants, strict=True)])
            if isinstance(answer, Found):
                assert all(holds(want, one.compiled.ask(answer.facts, params, on)[0]) for one, want in zip(pair, wants, strict=True))
            elif isinstance(answer, Impossible):
                met = [truth for truth in truths if all(holds(want, one) for want, one in zip(wants, truth, strict=True))]
                assert met == [], [in_words(one.node, "en") for one in pair]


def test_most_random_rules_are_decided():
    decided = asked = 0
    for seed in range(40):
        rng = Random(seed)
        criteria = built(*documents(rng))
        for one in criteria.criteria:
            for want in ("true", "false"):
                asked += 1
                answer = solve(World(ON, criteria.values_on(ON), Limits(), Budget(10**9)), [Goal(one.node, want, one.compiled.scope.size)])
                decided += not isinstance(answer, Undecided)
    assert decided / asked > 0.85, (decided, asked)
