"""The translation to SQL against the engine, file by file: decision, flags, every criterion and every leaf."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Date, Integer, Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from console.applications.models import Finding
from console.roles import Role
from console.scope import become
from console.studio.replay.sql import NotTranslated, translate
from rules.cases import facts_of
from rules.criteria import Criteria, evaluate
from rules.fact_types import FactType
from rules.parts import Text as Words
from rules.tree import Logical, Node
from tests.factories import make_admission, make_staff
from tests.plugins.test_bundles import DEPARTMENTS, bundle
from tests.rules.generating import built, day, documents, facts

Row = tuple[dict[str, Any], dt.date]
Answer = tuple[str, list[str], list[bool | None], list[bool | None]]


def given_files(rows: Sequence[Row]) -> Select[Any]:
    """Facts as a table of files, without writing any."""
    given = [{"id": at, "facts": facts, "on": on.isoformat()} for at, (facts, on) in enumerate(rows)]
    one = select(func.jsonb_array_elements(literal(given, JSONB()), type_=JSONB()).label("row")).subquery().c.row
    return select(
        cast(one.op("->>")("id"), Integer()).label("id"),
        one.op("->", return_type=JSONB())(literal("facts", Text())).label("facts"),
        cast(one.op("->>")("on"), Date()).label("on"),
    )


def by_sql(session: Session, criteria: Criteria, rows: Sequence[Row], *, parameters_on: dt.date, moment: Any = "submitted") -> list[Answer]:
    asked = translate(criteria, parameters_on=parameters_on, moment=moment).over(given_files(rows))
    found = {row.id: (row.decision, row.flags, row.truths, row.reasons) for row in session.execute(asked)}
    return [found[at] for at in range(len(rows))]


def by_engine(criteria: Criteria, rows: Sequence[Row], *, parameters_on: dt.date, moment: Any = "submitted") -> list[Answer]:
    answers = []
    for row, on in rows:
        verdict = evaluate(criteria, row, on=on, moment=moment, parameters_on=parameters_on)
        reasons = [truth for found in verdict.findings for truth in leaves(found.criterion.node, found.trace)]
        answers.append((verdict.decision, list(verdict.flags), [found.truth for found in verdict.findings], reasons))
    return answers


def leaves(node: Node, trace: list[Any]) -> Iterator[bool | None]:
    if isinstance(node, Logical):
        for below in node.nodes:
            yield from leaves(below, trace)
    else:
        yield trace[node.index][0]


def differences(session: Session, seeds: range, files: int) -> tuple[list[Any], Counter[Any]]:
    """What the two disagree on over random documents and facts, and how often each truth and decision was seen."""
    found, seen = [], Counter[Any]()
    for seed in seeds:
        rng = Random(seed)
        document, schema = documents(rng)
        criteria = built(document, schema)
        asked: Any = {"parameters_on": day(rng), "moment": rng.choice(("submitted", "submitted", "decided"))}
        rows = [(facts(rng, schema), day(rng)) for _ in range(files)]
        ours, theirs = by_sql(session, criteria, rows, **asked), by_engine(criteria, rows, **asked)
        found += [(seed, at, one, two) for at, (one, two) in enumerate(zip(ours, theirs, strict=True)) if one != two]
        for decision, _, truths, reasons in theirs:
            seen.update([decision, *truths, *reasons])
    return found, seen


def test_random_documents_come_out_as_in_the_engine(session: Session):
    found, seen = differences(session, range(80), files=12)

    assert found == []
    assert min(seen[one] for one in (True, False, None, "pass", "return", "refer", "reject")) > 20


@pytest.mark.matrix
def test_twenty_thousand_random_files_come_out_as_in_the_engine(session: Session):
    found, _ = differences(session, range(1_000, 1_800), files=25)

    assert found == []


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_shipped_cases_come_out_as_in_the_engine(session: Session, code: str):
    shipped = bundle(code)
    assert shipped.criteria is not None and shipped.cases is not None
    for moment in ("submitted", "decided"):
        for parameters_on in (dt.date(2010, 1, 1), dt.date(2026, 6, 15)):
            rows = [(facts_of(shipped.cases, case), case.decided_on or case.on) for case in shipped.cases.cases]
            asked: Any = {"parameters_on": parameters_on, "moment": moment}
            assert by_sql(session, shipped.criteria, rows, **asked) == by_engine(shipped.criteria, rows, **asked)


def _json() -> st.SearchStrategy[Any]:
    """Any JSON that PostgreSQL can store."""
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
    dates = st.from_regex(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", fullmatch=True)
    digits = st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,25})?", fullmatch=True)
    plain = st.none() | st.booleans() | numbers | texts | dates | digits
    keys = texts | st.sampled_from(["code", "start", "end", "number", "date", "period"])
    return st.recursive(plain, lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=4), max_leaves=12)


def _every_reader() -> tuple[dict[str, Any], dict[str, FactType]]:
    """A document that reads a fact of every kind, alone and inside a group."""
    plain: Any = ("text", "number", "date", "boolean", "choice", "period", "specialty")
    entry = {kind: FactType(kind, Words(zh=kind)) for kind in plain}
    schema = {**entry, **{kind: FactType(kind, Words(zh=kind)) for kind in ("choices", "files")}, "group": FactType("group", Words(zh="组"), entry=entry)}
    compared = [
        {"fact": "text", "is": "eq", "value": {"fact": "specialty"}}, {"fact": "number", "is": "gt", "value": 0.5},
        {"fact": "date", "is": "after", "value": {"years_before": {"fact": "date"}, "years": {"fact": "number"}}},
        {"fact": "date", "is": "ge", "value": "2024-02-29"}, {"fact": "boolean", "is": "eq", "value": True}, {"fact": "choice", "is": "in", "value": ["A", "1"]},
        {"fact": "text", "is": "starts_with", "value": ["0", "A"]}, {"fact": "period", "is": "is_known"}, {"fact": "specialty", "is": "ne", "value": "A"},
    ]  # fmt: skip
    outer = [
        {"fact": "choices", "is": "contains", "value": {"fact": "text"}}, {"fact": "files", "is": "is_known"}, {"fact": "group", "is": "is_known"},
        {"fact": "text", "is": "in", "value": {"fact": "choices"}}, {"sum": "group", "of": "number", "is": "ge", "value": 1},
        {"max": "group", "of": "date", "is": "gt", "value": {"fact": "date"}}, {"years_union": "group", "of": "period", "is": "ge", "value": 3},
        {"covered": "group", "by": "group", "where": {"fact": "number", "is": "le", "value": {"item": "number"}}},
    ]  # fmt: skip
    rules: list[Any] = [*compared, *outer, *({"some": "group", "satisfies": rule} for rule in compared)]
    rules += [{"min": "group", "of": "number", "where": rule, "is": "lt", "value": {"fact": "number"}} for rule in compared]
    said = {"basis": [{"reg": "R", "article": "一"}], "message": {"zh": "不"}, "effect": "reject"}
    return {"criteria": [{"id": f"c{at}", "title": {"zh": str(at)}, "rule": rule, **said} for at, rule in enumerate(rules)]}, schema


EVERY_READER = _every_reader()


@given(st.lists(st.fixed_dictionaries({}, optional={name: _json() | st.lists(_json(), max_size=3) for name in EVERY_READER[1]}), min_size=1, max_size=8))
def test_facts_of_any_shape_are_known_or_unknown_as_in_the_engine(session: Session, facts: list[dict[str, Any]]):
    criteria = built(*EVERY_READER)
    on = dt.date(2026, 6, 15)
    stored = session.scalars(select(cast(literal(facts, JSONB()), Text()))).one()  # numbers as PostgreSQL keeps them
    rows = [(one, on) for one in json.loads(stored)]

    assert by_sql(session, criteria, rows, parameters_on=on) == by_engine(criteria, rows, parameters_on=on)


def test_a_viewer_is_answered_about_their_own_files_only(session: Session):
    criteria = bundle("transport").criteria
    assert criteria is not None
    on = dt.date(2026, 6, 15)
    for division in ("150105", "150202"):
        admission = make_admission(session, division=division)
        session.add(
            Finding(
                admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, release_id=admission.release_id,
                moment="submitted", evaluated_on=on, at=admission.since, decision="pass", facts={"age": 64}, derivation_version=1, trace={},
            )
        )
    session.flush()
    reviewer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    with become(reviewer):
        files = select(Finding.admission_id, Finding.office_id, Finding.facts, Finding.evaluated_on.label("on"))
        answered = session.execute(translate(criteria, parameters_on=on).over(files)).all()

    assert {row.office_id for row in answered} <= set(reviewer.grants[0].offices)
    assert [row.decision for row in answered] == ["refer"]  # nobody said anything; the records were not asked


def test_pairs_of_two_groups_are_bounded_as_in_the_engine(session: Session):
    criteria = built(*EVERY_READER)
    on = dt.date(2026, 6, 15)
    rows = [({"group": [{"number": 1}] * size}, on) for size in (3, 316, 317)]  # 316 × 316 are just under the bound
    at = next(n for n, one in enumerate(EVERY_READER[0]["criteria"]) if "covered" in one["rule"])

    ours = by_sql(session, criteria, rows, parameters_on=on)

    assert ours == by_engine(criteria, rows, parameters_on=on)
    assert [truths[at] for _, _, truths, _ in ours] == [True, True, None]


def test_a_document_too_large_for_one_statement_is_left_to_the_engine():
    said = {"basis": [{"reg": "R", "article": "一"}], "message": {"zh": "不"}, "effect": "reject", "title": {"zh": "大"}}
    many = {"all": [{"fact": "age", "is": "ge", "value": at} for at in range(1_200)]}
    criteria = built({"criteria": [{"id": "large", "rule": many, **said}]}, {"age": FactType("number")})

    with pytest.raises(NotTranslated):
        translate(criteria, parameters_on=dt.date(2026, 1, 1))
