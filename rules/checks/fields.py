"""Fields that are asked and used by nothing: no criterion, condition, message or piece of evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rules.checks.remarks import Notes
from rules.forms import Question
from rules.tree import FactRef, Scope

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(notes: Notes) -> None:
    """Only a department's own fields: the centre's are shared by departments not known here."""
    bundle = notes.bundle
    if bundle.kind != "department":
        return
    used: set[str] = set(bundle.criteria.used_facts if bundle.criteria else ())
    for criterion in bundle.criteria.criteria if bundle.criteria else ():
        for text in (criterion.message.zh, criterion.message.en or ""):
            used |= set(_SLOT.findall(text))
    for item in bundle.review.checklist if bundle.review else ():
        used |= set(item.evidence)
    for scored in bundle.review.scores.items if bundle.review and bundle.review.scores else ():
        used |= set(scored.evidence)
    for section in bundle.form.sections:
        for scope in (section.show_when,):
            used |= set(facts_in(scope.scope)) if scope else set()
        for question in section.questions:
            used |= set(_conditions(question))
    if used & {"birth_date", "sex", "age", "age_applied"}:
        used.add("id_number")
    places = {field["id"]: ("sections", at, "fields", number) for at, section in enumerate(bundle.documents.get("application.yaml", {}).get("sections", ()))
              for number, field in enumerate(section["fields"])}
    for question in bundle.form.questions():
        if question.id not in used:
            notes.add("C301", "application.yaml", (*places[question.id], "id"), f"字段“{question.id}”没有任何条件、审核事项或文字用到。请删去，或在审核表中列为核对的材料。",
                      f"Nothing uses the field '{question.id}': no criterion, condition or review item. Remove it, or name it as evidence in the review form.")


def _conditions(question: Question) -> Iterator[str]:
    for compiled in (question.show_when, question.required_when):
        if compiled is not None:
            yield from facts_in(compiled.scope)
    for part in question.parts:
        yield from _conditions(part)


def facts_in(node: Any) -> Iterator[str]:
    """The outer facts a tree names, anywhere in it."""
    if isinstance(node, FactRef):
        if not node.inner:
            yield node.name
    elif isinstance(node, tuple):
        for one in node:
            yield from facts_in(one)
    elif isinstance(node, Scope) or type(node).__module__ == "rules.tree":
        for slot in type(node).__slots__:
            yield from facts_in(getattr(node, slot))
