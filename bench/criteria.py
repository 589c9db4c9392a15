"""One person's facts judged by the shipped criteria: the engine, the same in plain Python (`bench/by_hand.py`), and CEL one by one.

The people are those of the departments' cases. Every trace of the engine is first compared with that of the plain Python, every
truth with CEL's. CEL gets facts already read into its own data and keeps no trace; the engine and the plain Python read JSON and
leave the whole trace. Asking a group takes CEL several programs and counting months a long loop (hundreds of times the engine's
time), so CEL is compared on the criteria it says in one expression.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from bench import by_hand, writing
from rules.bundle import Bundle
from rules.cases import facts_of
from rules.criteria import Criteria, evaluate
from rules.evaluation import ask_all
from tests.rules.cel import Oracle
from tests.servers import House

ROUNDS = 25
Work = Callable[[], object]


def measure(house: House | None = None) -> Iterator[str]:
    """Ours ≤ 1.5 × plain Python with the same trace; CEL ≥ 4 × ours."""
    totals: dict[str, list[float]] = {}
    count = short = all_of_them = 0
    for bundle in writing.departments():
        assert bundle.criteria is not None
        people = people_of(bundle)
        _check(bundle, people)
        taken = _in_turns(_works(bundle.criteria, people, getattr(by_hand, bundle.code)))
        yield (f"{bundle.code}, {len(bundle.criteria.criteria)} criteria, {len(people)} people: engine / plain Python {_ratio(taken['engine'], taken['by hand']):.2f} × "
               f"({_each(taken['engine'], len(people))} / {_each(taken['by hand'], len(people))} a person)")
        totals = {name: [a + b for a, b in zip(totals.get(name, [0.0] * ROUNDS), seconds, strict=True)] for name, seconds in taken.items()}
        count += len(people)
        short += len(_short(bundle.criteria, Oracle(bundle.criteria)))
        all_of_them += len(bundle.criteria.criteria)
    yield f"all {count} people: engine / plain Python with the same trace {_ratio(totals['engine'], totals['by hand']):.2f} × (goal ≤ 1.5)"
    yield (f"cel-expr-python, {short} of the {all_of_them} criteria one by one / engine, the same criteria {_ratio(totals['cel'], totals['engine, same']):.1f} × (goal ≥ 4)")
    yield f"one person: {_each(totals['engine'], count)} with the whole trace, {_each(totals['verdict'], count)} with decision, messages and what is missing"


def _each(seconds: list[float], people: int) -> str:
    return f"{statistics.median(seconds) / people * 1e6:.1f} µs"


def people_of(bundle: Bundle) -> list[tuple[dict[str, Any], date]]:
    """The facts of every worked case, with its day."""
    assert bundle.cases is not None
    return [(facts_of(bundle.cases, case), case.decided_on or case.on) for case in bundle.cases.cases]


def _works(criteria: Criteria, people: list[tuple[dict[str, Any], date]], hand: Callable[..., list[Any]]) -> dict[str, Work]:
    oracle = Oracle(criteria)
    given = [(facts, on, criteria.values_on(on)) for facts, on in people]
    read = [oracle.data(facts, on) for facts, on in people]
    rules, ids = [one.compiled for one in criteria.criteria], _short(criteria, oracle)

    def engine(rules: list[Any]) -> Work:
        def work() -> None:
            for facts, on, params in given:
                ask_all(rules, facts, params, on)
        return work

    def cel() -> None:
        for data in read:
            oracle.judge_all(ids, data)

    def by_hand() -> None:
        for facts, on, params in given:
            hand(facts, params, on)

    def verdict() -> None:
        for facts, on, _ in given:
            evaluate(criteria, facts, on=on, moment="submitted")

    return {"engine": engine(rules), "by hand": by_hand, "cel": cel, "engine, same": engine([criteria[one].compiled for one in ids]), "verdict": verdict}


def _short(criteria: Criteria, oracle: Oracle) -> list[str]:
    """The criteria that CEL says in one expression."""
    return [one.id for one in criteria.criteria if len(oracle.programs[one.id]) == 1]


def _in_turns(works: dict[str, Work]) -> dict[str, list[float]]:
    """The processor time of each in every round, one after the other: whatever else the machine does meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for name, work in works.items():
                started = time.process_time()
                work()
                taken[name].append(time.process_time() - started)
    finally:
        gc.enable()
    return taken


def _ratio(one: list[float], other: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def _check(bundle: Bundle, people: list[tuple[dict[str, Any], date]]) -> None:
    """The three agree; says what to do when the documents have moved on."""
    criteria = bundle.criteria
    assert criteria is not None
    oracle, hand = Oracle(criteria), getattr(by_hand, bundle.code, None)
    for facts, on in people:
        params, data = criteria.values_on(on), oracle.data(facts, on)
        ours = [one.compiled.ask(facts, params, on) for one in criteria.criteria]
        if hand is None or repr(hand(facts, params, on)) != repr(ours):
            raise RuntimeError(f"bench/by_hand.py no longer follows plugins/{bundle.code}/criteria.yaml; write it again with: python -m bench.writing")
        if [oracle.judge(one.id, data) for one in criteria.criteria] != [truth for truth, _ in ours]:
            raise RuntimeError(f"{bundle.code}: CEL and the engine differ on {facts}")
