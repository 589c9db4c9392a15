"""Worked cases: those that come out differently, criteria nobody worked a case for, age limits without both birthdays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from rules.ages import age_on, years_before
from rules.bundle import run_cases
from rules.cases import Case, CaseResult, facts_of
from rules.checks.remarks import Notes
from rules.criteria import Criteria, Criterion, Finding, Outcome
from rules.evaluation import as_date
from rules.numbers import as_number
from rules.tree import Compare, Constant, FactRef, Logical, Node, ParamRef, YearsBefore
from rules.wording import trace_data

_FILE = "cases.yaml"
_SAID = {"met": "满足", "not_met": "不满足", "unknown": "无法判断"}


def check(notes: Notes) -> None:
    bundle = notes.bundle
    if bundle.criteria is None or bundle.cases is None:
        return
    results = run_cases(bundle)
    seen: dict[str, set[Outcome]] = defaultdict(set)
    for at, (case, result) in enumerate(zip(bundle.cases.cases, results, strict=True)):
        for finding in result.verdict.findings:
            seen[finding.id].add(finding.outcome)
        if not result.passed:
            _failed(notes, at, case, result)
    for at, criterion in enumerate(bundle.criteria.criteria):
        lacking = [outcome for outcome in ("met", "not_met", "unknown") if outcome not in seen[criterion.id]]
        if lacking:
            zh = "、".join(_SAID[one] for one in lacking)
            notes.add("C602", "criteria.yaml", ("criteria", at, "id"), f"条件“{criterion.id}”没有结论为{zh}的案例，请在 cases.yaml 中补上。",
                      f"No case has criterion '{criterion.id}' {' or '.join(one.replace('_', ' ') for one in lacking)}; add one to cases.yaml.")
        _birthdays(notes, at, criterion, bundle.criteria)


def _failed(notes: Notes, at: int, case: Case, result: CaseResult) -> None:
    assert notes.bundle.cases is not None and notes.bundle.criteria is not None
    about = [name for name in case.expect.findings if any(one.startswith(f"{name}:") for one in result.differences)]
    trace = {finding.id: finding for finding in result.verdict.findings}
    words_zh, words_en = [], []
    for name in about or [finding.id for finding in result.verdict.reasons]:
        if finding := trace.get(name):
            words_zh.append(f"{name}（{_SAID[finding.outcome]}）：{_seen(finding, notes.bundle.criteria, 'zh')}")
            words_en.append(f"{name} ({finding.outcome}): {_seen(finding, notes.bundle.criteria, 'en')}")
    why_zh, why_en = ("；".join(words_zh)[:1500], "; ".join(words_en)[:1500])
    notes.add("C601", _FILE, ("cases", at), f"案例“{case.id}”与预期不符：{'；'.join(result.differences)}。{why_zh}。请改正条件，或改正案例。",
              f"The case '{case.id}' comes out differently: {'; '.join(result.differences)}. {why_en}. Correct the criteria, or the case.",
              {"facts": facts_of(notes.bundle.cases, case), "day": (case.decided_on or case.on).isoformat(), "expected": case.expect.model_dump(mode="json"),
               "found": {"decision": result.verdict.decision, "flags": list(result.verdict.flags), "findings": {one.id: one.outcome for one in result.verdict.findings}}})


def _seen(finding: Finding, criteria: Criteria, lang: str) -> str:
    """What the trace says of the leaves that decided, each with the value seen."""
    leaves = list(_leaves(trace_data(finding.criterion.node, finding.trace, criteria.parameters)))
    told = [leaf for leaf in leaves if leaf["truth"] is not True] or leaves
    between, seen = ("，", "现为") if lang == "zh" else (", ", "seen")
    return between.join(f"{_said(leaf, lang)} ({seen} {leaf['shown'][lang]})" if "shown" in leaf else leaf["words"][lang] for leaf in told[:6])


def _said(leaf: Mapping[str, Any], lang: str) -> str:
    """The words of a leaf; a parameter's title with the value that held that day."""
    words, against = leaf["words"][lang], leaf.get("against")
    return words if against is None or str(against) in words or isinstance(against, dict | list) else f"{words} {against}"


def _leaves(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "nodes" not in data:
        yield data
    for below in data.get("nodes", ()):
        yield from _leaves(below)


# -- age limits -------------------------------------------------------------------------------------------------------

def _birthdays(notes: Notes, at: int, criterion: Criterion, criteria: Criteria) -> None:
    """For every comparison of an age, a case of somebody of the last age that holds, and one of the first that does not."""
    document = notes.bundle.cases
    assert document is not None
    for node, fact, value, turned in _age_limits(criterion.node):
        sides: set[bool] = set()
        limit: Any = None
        for case in document.cases:
            day = case.decided_on or case.on
            params = criteria.values_on(day)
            limit = as_number(params.get(value.name) if isinstance(value, ParamRef) else value.value)  # type: ignore[arg-type]
            age = _age(facts_of(document, case), fact)
            if limit is None or age is None:
                continue
            first = int(limit) + (1 if node.op in ("le", "gt") and not turned else 0)   # the age whose birthday changes the answer
            if age in (first - 1, first):
                sides.add(age >= first)
        if limit is None or len(sides) == 2:
            continue
        first = int(limit) + (1 if node.op in ("le", "gt") and not turned else 0)
        lacking = sorted({first - 1, first} - {first if side else first - 1 for side in sides})
        today = notes.bundle.manifest.effective_from
        born = [years_before(today, age) for age in lacking]
        notes.add("C603", "criteria.yaml", ("criteria", at, *node.path[2:]), f"条件“{criterion.id}”在 {first} 周岁生日前后分界，却没有 {'、'.join(map(str, lacking))} 周岁的案例，请在 cases.yaml 中补上。",
                  f"Criterion '{criterion.id}' changes on the birthday of {first} and has no case of somebody aged {' or '.join(map(str, lacking))}; add one to cases.yaml.",
                  {"day": today.isoformat(), "facts": [{"birth_date": day.isoformat() if day else None, fact: age} for day, age in zip(born, lacking, strict=True)]})


def _age_limits(node: Node) -> Iterator[tuple[Compare, str, Constant | ParamRef, bool]]:
    if isinstance(node, Logical):
        for below in node.nodes:
            yield from _age_limits(below)
    elif isinstance(node, Compare) and isinstance(node.left, FactRef) and not node.left.inner and node.right is not None:
        if node.left.name in ("age", "age_applied") and node.op in ("lt", "le", "gt", "ge") and isinstance(node.right, (Constant, ParamRef)):
            yield node, node.left.name, node.right, False
        elif node.left.name == "birth_date" and isinstance(node.right, YearsBefore) and isinstance(node.right.years, (Constant, ParamRef)) \
                and isinstance(node.right.day, FactRef) and node.right.day.name in ("applied_on", "decided_on"):
            yield node, "age" if node.right.day.name == "decided_on" else "age_applied", node.right.years, True


def _age(facts: dict[str, Any], fact: str) -> int | None:
    given = as_number(facts.get(fact))
    if isinstance(given, (int, Decimal)):
        return int(given)
    born, day = as_date(facts.get("birth_date")), as_date(facts.get("decided_on" if fact == "age" else "applied_on"))
    return age_on(born, day) if isinstance(born, date) and isinstance(day, date) else None
