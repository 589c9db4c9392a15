"""Worked cases: a person, a date, the expected findings. Written with the officer; they are the specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from rules.criteria import Criteria, Decision, Outcome, Verdict, evaluate
from rules.documents import Document, Problem, meant
from rules.evaluation import read_fact
from rules.facts import complete
from rules.parts import Code, Day, Id, Part, Slug, Words


class Chosen(Part):
    standard: Code
    code: Code


class Expected(Part):
    decision: Decision
    flags: tuple[Slug, ...] | None = None
    findings: dict[Slug, Outcome] = {}


class Case(Part):
    id: Slug
    title: Words
    person: Id | None = None
    facts: dict[str, Any] = {}
    specialties: tuple[Chosen, ...] = ()
    on: Day
    decided_on: Day | None = None
    expect: Expected


class CasesDocument(Part):
    """cases.yaml."""

    people: dict[Id, dict[str, Any]] = {}
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case with what came out; `differences` is empty when it is as expected."""

    id: str
    title: str
    passed: bool
    differences: tuple[str, ...]
    verdict: Verdict


def facts_of(document: CasesDocument, case: Case) -> dict[str, Any]:
    """The facts of a case: the person's, the case's own laid over them, and what follows."""
    facts = dict(document.people.get(case.person or "", {}))
    if "birth_date" in case.facts:
        facts.pop("id_number", None)                      # the case says when the person was born
    facts.update(case.facts)
    facts.setdefault("specialties", [{"standard": one.standard, "code": one.code} for one in case.specialties])
    facts["applied_on"] = case.on.isoformat()
    facts["decided_on"] = (case.decided_on or case.on).isoformat()
    gone = {name for name, value in case.facts.items() if value is None}
    return {name: value for name, value in complete(facts).items() if name not in gone}


def run_case(criteria: Criteria, document: CasesDocument, case: Case) -> CaseResult:
    moment: Literal["submitted", "decided"] = "decided" if case.decided_on else "submitted"
    facts = {name: value for name, value in criteria.derive(facts_of(document, case)).items() if case.facts.get(name, value) is not None}
    verdict = evaluate(criteria, facts, on=case.decided_on or case.on, moment=moment)
    found = {finding.id: finding.outcome for finding in verdict.findings}
    differences = []
    if verdict.decision != case.expect.decision:
        differences.append(f"decision: expected {case.expect.decision}, found {verdict.decision}")
    if case.expect.flags is not None and set(case.expect.flags) != set(verdict.flags):
        differences.append(f"flags: expected {sorted(case.expect.flags)}, found {sorted(verdict.flags)}")
    for name, outcome in case.expect.findings.items():
        if found.get(name) != outcome:
            differences.append(f"{name}: expected {outcome}, found {found.get(name, 'not evaluated')}")
    return CaseResult(case.id, case.title.zh, not differences, tuple(differences), verdict)


def check_cases(document: CasesDocument, source: Document, criteria: Criteria, problems: list[Problem]) -> None:
    """Names and shapes in the cases; whether they come out as expected is `run_cases`."""
    ids = {criterion.id for criterion in criteria.criteria}
    for name, facts in document.people.items():
        _check_facts(facts, ("people", name), source, criteria, problems)
    seen: set[str] = set()
    for at, case in enumerate(document.cases):
        path = ("cases", at)
        if case.id in seen:
            problems.append(source.problem((*path, "id"), f"案例“{case.id}”重复出现。", f"The case '{case.id}' appears twice."))
        seen.add(case.id)
        if case.person is not None and case.person not in document.people:
            zh, en = meant(case.person, document.people)
            problems.append(source.problem((*path, "person"), f"没有名为“{case.person}”的人。{zh}", f"There is no person '{case.person}'. {en}"))
        _check_facts(case.facts, (*path, "facts"), source, criteria, problems)
        for key, names in (("findings", case.expect.findings), ("flags", case.expect.flags or ())):
            for name in names:
                if name not in ids:
                    zh, en = meant(name, ids)
                    problems.append(source.problem((*path, "expect", key, name), f"没有名为“{name}”的条件。{zh}", f"There is no criterion '{name}'. {en}"))


def _check_facts(facts: Mapping[str, Any], path: tuple[str | int, ...], source: Document, criteria: Criteria, problems: list[Problem]) -> None:
    for name, value in facts.items():
        kind = criteria.facts.get(name)
        if kind is None:
            zh, en = meant(name, criteria.facts)
            problems.append(source.problem((*path, name), f"没有名为“{name}”的事实。{zh}", f"There is no fact '{name}'. {en}"))
            continue
        if value is not None and read_fact(kind.kind, value) is None:
            problems.append(source.problem((*path, name), f"“{name}”的值与其种类（{kind.kind}）不符。", f"The value of '{name}' is not a {kind.kind}."))
        elif kind.kind == "choice" and kind.options and value is not None and value not in kind.options:
            zh, en = meant(str(value), kind.options)
            problems.append(source.problem((*path, name), f"“{value}”不是“{name}”的选项。{zh}", f"'{value}' is not an option of '{name}'. {en}"))
        elif kind.kind == "group" and isinstance(value, list):
            for at, entry in enumerate(value):
                if not isinstance(entry, dict):
                    problems.append(source.problem((*path, name, at), "每一条应为映射。", "Each entry must be a mapping."))
                    continue
                for key in entry:
                    if key not in kind.entry:
                        zh, en = meant(str(key), kind.entry)
                        problems.append(source.problem((*path, name, at, key), f"“{name}”没有字段“{key}”。{zh}", f"'{name}' has no field '{key}'. {en}"))
                    elif entry[key] is not None and read_fact(kind.entry[key].kind, entry[key]) is None:
                        problems.append(source.problem((*path, name, at, key), f"“{key}”的值与其种类（{kind.entry[key].kind}）不符。",
                                                       f"The value of '{key}' is not a {kind.entry[key].kind}."))
