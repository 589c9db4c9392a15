"""Reading a stored decision, and making its trace again from the release and the facts that were stored with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from rules.criteria import Criteria, CriteriaDocument, Verdict, evaluate
from rules.criteria import build as build_criteria
from rules.documents import Document, Problem, canonical
from rules.fact_types import FactType
from rules.facts import schema
from rules.forms import Form, FormDocument
from rules.forms import build as build_form
from rules.parts import Text

FOLDER = Path(__file__).parent
FORMATS = (1, 2)


@dataclass(frozen=True)
class Stored:
    """One decision: `expected` is the whole trace by format, or the SHA-256 of its canonical text."""

    name: str
    release: str
    facts: Mapping[str, Any]
    on: date
    moment: Any
    expected: Mapping[str, Any]

    def recomputed(self) -> Verdict:
        return evaluate(criteria_of(self.release), self.facts, on=self.on, moment=self.moment)


def decisions() -> list[Stored]:
    found = []
    for file in sorted((FOLDER / "decisions").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        found += [Stored(f"{file.stem} {one['name']}", data["release"], one["facts"], date.fromisoformat(one["on"]), one["moment"], one["traces"])
                  for one in data["decisions"]]
    return found


@cache
def criteria_of(release: str) -> Criteria:
    """The criteria of a stored release, compiled by the engine of today."""
    data = json.loads((FOLDER / "releases" / f"{release}.json").read_text(encoding="utf-8"))
    problems: list[Problem] = []
    types = {name: fact_type(one) for name, one in data["schema"].items()} if "schema" in data else _form_facts(data, problems)
    document = Document("criteria.yaml", data["criteria.yaml"])
    criteria = build_criteria(CriteriaDocument.model_validate(document.data), document, types, problems)
    assert problems == [], problems[0]
    return criteria


def _form_facts(data: dict[str, Any], problems: list[Problem]) -> dict[str, FactType]:
    shared = _form(json.loads((FOLDER / "releases" / f"{data['centre']}.json").read_text(encoding="utf-8"))["application.yaml"], None, None, problems)
    own = _form(data["application.yaml"], data["code"], shared, problems) if data["application.yaml"] else Form(())
    return schema(shared.fact_types(), own.fact_types(data["code"]))


def _form(data: Any, department: str | None, shared: Form | None, problems: list[Problem]) -> Form:
    return build_form(FormDocument.model_validate(data), Document("application.yaml", data), department=department, shared=shared, problems=problems)


def fact_type(data: Mapping[str, Any]) -> FactType:
    label = data.get("label")
    return FactType(data["kind"], Text(**label) if label else None, {name: Text(**one) for name, one in data.get("options", {}).items()},
                    {name: fact_type(one) for name, one in data.get("entry", {}).items()})


def written(kind: FactType) -> dict[str, Any]:
    """A fact type as JSON."""
    data: dict[str, Any] = {"kind": kind.kind}
    if kind.label:
        data["label"] = kind.label.model_dump(exclude_none=True)
    if kind.options:
        data["options"] = {name: one.model_dump(exclude_none=True) for name, one in kind.options.items()}
    if kind.entry:
        data["entry"] = {name: written(one) for name, one in kind.entry.items()}
    return data


def trace_hash(trace: Any) -> str:
    return hashlib.sha256(canonical(trace).encode("utf-8", "surrogatepass")).hexdigest()
