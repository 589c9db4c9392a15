"""A department's criteria: the document, and what it decides for the facts of a person on a date.

A rule says what must hold. Not met → its effect; unknown → `when_unknown`. The decision is the gravest that applies. Nothing
here knows where facts come from (`rules.facts`), nor what happens to the file afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from rules.documents import Document, Problem, meant
from rules.evaluation import Compiled, Seen, Truth, ask_all, compile_scope, read_fact
from rules.fact_types import FactType
from rules.hooks import Derived, DerivedPart, Hook, declared, derive, installed
from rules.parameters import Parameter, check_dates
from rules.parts import Basis, Clause, Flag, Id, Part, Slug, Text, Words
from rules.settling import settled_by
from rules.tracing import Look, basis_data, both, trace_data
from rules.tree import Aggregate, Compare, Logical, Node, Reader
from rules.wording import in_words, missing_facts, show_value
from rules.wording import trace_data as first_trace_data

__all__ = ["Criteria", "CriteriaDocument", "Criterion", "Finding", "Verdict", "build", "evaluate", "in_words"]

Decision = Literal["pass", "return", "refer", "reject"]
Moment = Literal["submitted", "decided"]
Outcome = Literal["met", "not_met", "unknown"]
TRACE_FORMAT = 2
MAX_PROBLEMS = 500
GRAVITY: tuple[Decision, ...] = ("pass", "return", "refer", "reject")
_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class CriterionPart(Part):
    """One criterion as written."""

    id: Slug
    title: Words
    effect: Literal["reject", "flag", "refer"]
    when_unknown: Literal["return", "refer", "reject"] = "return"
    as_of: Moment = "submitted"
    rule: Any
    basis: Annotated[Basis, Field(min_length=1)]
    message: Words
    ask: Words | None = None
    remedy: Words | None = None
    verified: Flag = True


class CriteriaDocument(Part):
    parameters: dict[Id, Parameter] = {}
    derived: Annotated[dict[Id, DerivedPart], Field(max_length=50)] = {}
    criteria: Annotated[tuple[CriterionPart, ...], Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Criterion:
    """One criterion, compiled."""

    id: str
    title: Text
    effect: Literal["reject", "flag", "refer"]
    when_unknown: Decision
    as_of: Moment
    basis: tuple[Clause, ...]
    message: Text
    ask: Text | None
    verified: bool
    compiled: Compiled
    remedy: Text | None = None                            # what the applicant can do about it

    @property
    def node(self) -> Node:
        return self.compiled.scope.node

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters it names, in order."""
        return tuple(sorted(_params_of(self.node)))


@dataclass(frozen=True)
class Criteria:
    """All criteria of a department with their parameters; `on_day` is a cache of the parameters' values by day."""

    criteria: tuple[Criterion, ...]
    parameters: Mapping[str, Parameter]
    facts: Mapping[str, FactType]
    used_facts: frozenset[str]
    derived: tuple[Derived, ...] = ()
    department: str = ""
    on_day: dict[date, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, criterion_id: str) -> Criterion:
        return next(one for one in self.criteria if one.id == criterion_id)

    def derive(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with those that the department's hooks derive. Raises HookMissing when this installation lacks one."""
        return derive(self.derived, facts, department=self.department) if self.derived else dict(facts)

    def values_on(self, day: date) -> dict[str, Any]:
        values = self.on_day.get(day)
        if values is None:
            if len(self.on_day) > 1000:
                self.on_day.clear()
            values = self.on_day[day] = {name: _comparable(parameter, day) for name, parameter in self.parameters.items()}
        return values


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verdict was asked of: criteria and facts, the day of evaluation, and the day whose parameter values held."""

    criteria: Criteria
    facts: Mapping[str, Any]
    on: date
    parameters_on: date


@dataclass(frozen=True)
class Finding:
    """What became of one criterion: met, not met or unknown, with the trace of every node.

    `missing` is every fact whose absence left it unknown; `settled_by` the fewest of them that could settle it.
    """

    criterion: Criterion
    truth: Truth
    trace: list[Any] = field(repr=False)
    message: Text | None
    missing: tuple[str, ...]
    asked: Asked = field(repr=False)

    @property
    def id(self) -> str:
        return self.criterion.id

    @property
    def outcome(self) -> Outcome:
        return "unknown" if self.truth is None else "met" if self.truth else "not_met"

    @property
    def settled_by(self) -> tuple[str, ...]:
        asked = self.asked
        return settled_by(self.criterion.node, self.trace, facts=asked.facts, params=asked.criteria.values_on(asked.parameters_on), on=asked.on)

    def to_data(self, format: int = TRACE_FORMAT) -> dict[str, Any]:  # noqa: A002 - the key it is stored under
        """The finding as JSON, complete enough to be shown for ever without the release it came from; `format` as in `Verdict.to_data`."""
        criterion, asked = self.criterion, self.asked
        parameters, day = asked.criteria.parameters, asked.parameters_on
        missing, message = self._first_format() if format == 1 else (self.missing, self.message)
        data = {
            "id": criterion.id, "title": both(criterion.title), "outcome": self.outcome, "effect": criterion.effect,
            "basis": basis_data(criterion.basis), "verified": criterion.verified,
            "message": both(message) if message else None, "missing": list(missing),
            "parameters": [_parameter_data(name, parameters[name], day) for name in criterion.parameters],
        }
        if format == 1:
            return data | {"trace": first_trace_data(criterion.node, self.trace, parameters)}
        look = Look(parameters, day, asked.criteria.facts, asked.facts)
        return data | {"when_unknown": criterion.when_unknown, "remedy": both(criterion.remedy) if criterion.remedy else None,
                       "settled_by": list(self.settled_by), "trace": trace_data(criterion.node, self.trace, look)}

    def _first_format(self) -> tuple[tuple[str, ...], Text | None]:
        """Missing facts and message as the first format had them: without the fields of an entry that needs covering."""
        if self.truth is not None:
            return (), self.message
        missing = tuple(missing_facts(self.criterion.node, self.trace, item=None))
        return missing, self.criterion.ask or _ask(self.criterion, missing, self.asked.criteria.facts)


@dataclass(frozen=True)
class Verdict:
    """What the criteria say: the decision, the flags that travel with the file, every finding, and what is missing."""

    decision: Decision
    flags: tuple[str, ...]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    on: date
    moment: Moment
    parameters_on: date

    def __getitem__(self, criterion_id: str) -> Finding:
        return next(one for one in self.findings if one.id == criterion_id)

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings that led to the decision; empty for `pass`."""
        return tuple(one for one in self.findings if _consequence(one.criterion, one.truth) == self.decision != "pass")

    def to_data(self, format: int = TRACE_FORMAT) -> dict[str, Any]:  # noqa: A002 - the key it is stored under
        """The verdict as it is stored. `format` 1 is the format of old findings, which carry no number; new ones are written in the newest."""
        if format not in (1, TRACE_FORMAT):
            raise ValueError(f"There is no trace format {format}.")
        findings = [finding.to_data(format) for finding in self.findings]
        data = {"decision": self.decision, "flags": list(self.flags), "missing": list(self.missing), "on": self.on.isoformat(),
                "moment": self.moment, "findings": findings}
        if format == 1:
            return data | {"missing": list(dict.fromkeys(name for one in findings for name in one["missing"]))}
        return data | {"format": format, "parameters_on": self.parameters_on.isoformat()}


def evaluate(criteria: Criteria, facts: Mapping[str, Any], *, on: date, moment: Moment, parameters_on: date | None = None) -> Verdict:
    """Judge the facts with the parameters in force on the day; at `decided` only what is to be re-checked then.

    `on` is the day of evaluation: periods that last until now end with it. `parameters_on` is the day whose parameter values
    hold, for asking “the facts of then, the values of next month”; without it, that is `on`.
    Never raises, whatever JSON the facts are; the same facts and days give the same verdict.
    """
    valued_on = on if parameters_on is None else parameters_on
    params, asked = criteria.values_on(valued_on), Asked(criteria, facts, on, valued_on)
    findings: list[Finding] = []
    flags: list[str] = []
    missing: dict[str, None] = {}
    gravest = 0
    due = [criterion for criterion in criteria.criteria if moment == "submitted" or criterion.as_of == "decided"]
    for criterion, (truth, trace) in zip(due, ask_all([one.compiled for one in due], facts, params, on), strict=True):
        if truth is True:
            findings.append(Finding(criterion, True, trace, None, (), asked))
            continue
        lacking: tuple[str, ...] = ()
        if truth is None:
            lacking = tuple(missing_facts(criterion.node, trace))
            missing.update(dict.fromkeys(lacking))
            message = criterion.ask or _ask(criterion, lacking, criteria.facts)
        else:
            message = _filled(criterion, facts, trace, params, criteria)
        consequence = _consequence(criterion, truth)
        if consequence == "flag":
            flags.append(criterion.id)
        else:
            gravest = max(gravest, GRAVITY.index(consequence))  # type: ignore[arg-type]
        findings.append(Finding(criterion, truth, trace, message, lacking, asked))
    return Verdict(GRAVITY[gravest], tuple(flags), tuple(findings), tuple(missing), on, moment, valued_on)


def build(document: CriteriaDocument, source: Document, facts: Mapping[str, FactType], problems: list[Problem], *, department: str = "",
          hooks: Mapping[str, Hook] | None = None) -> Criteria:
    """Type-check and compile the document; adds every problem with its line, and answers what could be compiled.

    `hooks` are the functions at hand; with None the document was checked before, and those installed are used where there are any.
    """

    def report(path: tuple[str | int, ...], zh: str, en: str, code: str = "C001") -> None:
        problems.append(source.problem(path, zh, en, code))

    for name, parameter in document.parameters.items():
        check_dates(name, parameter, ("parameters", name), report)
        if name in facts:
            report(("parameters", name), f"参数“{name}”与同名的事实冲突，请改名。", f"Parameter '{name}' has the name of a fact; rename it.")
    derived = declared(document.derived, facts, installed(department) if hooks is None else hooks, report, check=hooks is not None)
    facts = {**facts, **{one.name: one.type for one in derived}}
    kinds = {name: parameter.kind for name, parameter in document.parameters.items()}
    compiled: list[Criterion] = []
    used_params: set[str] = set()
    used_facts: set[str] = {name for one in derived for name in one.args}
    ids: set[str] = set()
    for at, part in enumerate(document.criteria):
        path = ("criteria", at)
        if len(problems) > MAX_PROBLEMS:
            report(path, f"问题已超过 {MAX_PROBLEMS} 个，此后的条件没有检查；请先改正。", f"More than {MAX_PROBLEMS} problems: the criteria from here on were not read. Correct these first.")
            break
        if part.id in ids:
            report((*path, "id"), f"条件“{part.id}”重复出现，请改名。", f"The criterion '{part.id}' appears twice; rename one.")
        ids.add(part.id)
        reader = Reader(facts, kinds, report, document.parameters)
        scope = reader.scope(part.rule, (*path, "rule"))
        slots = set(facts) | set(kinds) | reader.named
        used_params |= reader.used_params | _check_slots(part, slots, path, report)
        used_facts |= reader.used_facts
        if scope is not None:
            compiled.append(Criterion(part.id, part.title, part.effect, part.when_unknown, part.as_of, part.basis, part.message,
                                      part.ask, part.verified, compile_scope(scope), part.remedy))
    for name in sorted(set(kinds) - used_params):
        report(("parameters", name), f"参数“{name}”没有任何条件用到，请删去或改正名称。", f"No criterion uses parameter '{name}'; remove it or correct the name.", "C302")
    return Criteria(tuple(compiled), document.parameters, facts, frozenset(used_facts), derived, department)


def _check_slots(part: CriterionPart, slots: set[str], path: tuple[str | int, ...], report: Any) -> set[str]:
    used: set[str] = set()
    for key, words in (("message", part.message), ("ask", part.ask), ("remedy", part.remedy)):
        for lang, text in (("zh", words.zh), ("en", words.en)) if words else ():
            for name in _SLOT.findall(text or ""):
                used.add(name)
                if name not in slots or key != "message":
                    tail = meant(name, slots if key == "message" else ())
                    report((*path, key, lang), f"文字中的“{{{name}}}”不是可用的值。{tail[0]}", f"'{{{name}}}' in the text is not a value that can be shown. {tail[1]}")
    return used


def _consequence(criterion: Criterion, truth: Truth) -> str:
    if truth is True:
        return "pass"
    return criterion.when_unknown if truth is None else criterion.effect


def _filled(criterion: Criterion, facts: Mapping[str, Any], trace: list[Any], params: Mapping[str, Any], criteria: Criteria) -> Text:
    named = dict(_named_values(criterion.node, trace))

    def fill(text: str, lang: str) -> str:
        def slot(match: re.Match[str]) -> str:
            name = match[1]
            if name in named:
                return show_value(named[name][0], lang, months=named[name][1])
            if name in params:
                return show_value(params[name], lang)
            known = criteria.facts.get(name)
            if known is None:
                return match[0]
            if known.secret:
                return "••••••"
            return show_value(read_fact(known.kind, facts.get(name)), lang, options=known.options)

        return _SLOT.sub(slot, text)

    message = criterion.message
    return _told(fill(message.zh, "zh") or criterion.title.zh, fill(message.en, "en") if message.en else None)


def _ask(criterion: Criterion, lacking: tuple[str, ...], facts: Mapping[str, FactType]) -> Text:
    zh = "、".join(dict.fromkeys(_fact_label(name, facts, "zh") for name in lacking)) or criterion.title.zh
    en = ", ".join(dict.fromkeys(_fact_label(name, facts, "en") for name in lacking)) or criterion.title.show("en")
    return _told(f"“{criterion.title.zh}”无法判断，请补充：{zh}。", f"'{criterion.title.show('en')}' cannot be judged yet; please supply: {en}.")


def _told(zh: str, en: str | None) -> Text:
    """A text with values of facts in it: as long as they may be, it is cut and not refused."""
    return Text.model_construct(zh=zh[:20_000], en=en[:20_000] if en else None)


def _fact_label(path: str, facts: Mapping[str, FactType], lang: str) -> str:
    name, *rest = path.split(".")
    known = facts.get(name)
    label = known.label.show(lang) if known and known.label else name
    if known and len(rest) == 2 and rest[1] in known.entry:
        inner = known.entry[rest[1]].label
        number = f" {int(rest[0]) + 1}" if rest[0].isdigit() else ""
        return f"{label}{number} – {inner.show(lang) if inner else rest[1]}"
    return label


def _named_values(node: Node, trace: list[Any]) -> list[tuple[str, tuple[Seen | None, bool]]]:
    if isinstance(node, Logical):
        return [pair for below in node.nodes for pair in _named_values(below, trace)]
    if isinstance(node, Compare) and isinstance(node.left, Aggregate) and node.left.name:
        return [(node.left.name, (trace[node.index][1], node.left.kind == "years_union"))]
    return []


def _params_of(node: Any) -> set[str]:
    """The parameters a node or value names, anywhere below it."""
    if type(node).__name__ == "ParamRef":
        return {node.name}
    if isinstance(node, tuple):
        return {name for one in node for name in _params_of(one)}
    slots = getattr(type(node), "__slots__", ()) if type(node).__module__ == "rules.tree" else ()
    return {name for slot in slots for name in _params_of(getattr(node, slot))}


def _parameter_data(name: str, parameter: Parameter, day: date) -> dict[str, Any]:
    dated = parameter.dated_on(day)
    data: dict[str, Any] = {"id": name, "title": both(parameter.title) if parameter.title else None, "value": None}
    if dated is not None:
        data |= {"value": list(dated.value) if isinstance(dated.value, tuple) else dated.value, "from": dated.start.isoformat(),
                 "unit": both(parameter.unit) if parameter.unit else None, "verified": dated.verified,
                 "basis": basis_data(dated.basis)}
    return data


def _comparable(parameter: Parameter, day: date) -> Any:
    dated = parameter.dated_on(day)
    if dated is None:
        return None
    kind = {"numbers": "number", "texts": "text"}.get(parameter.kind, parameter.kind)
    if isinstance(dated.value, tuple):
        return tuple(read_fact(kind, one) if kind in ("number", "text") else one for one in dated.value)
    return read_fact(kind, dated.value) if kind in ("number", "text", "date", "boolean") else dated.value
