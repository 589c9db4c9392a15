"""`{reasons}` and `{items}` of a letter: the grounds as they were stored with the move, the clause of a deadline that ran out.

How a ground reads is decided in `rules.grounds`, once for letters and pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from console.applications.grounds import told
from console.notifications.said import TASKS, Said, deadline
from rules.bundle import Bundle
from rules.deadline_words import days_words
from rules.grounds import to_text
from rules.letters import placeholders
from rules.pipeline import Step

_SAYS_ITSELF = {"returned": {"due_on", "deadline"}, "refused": {"reconsider_until"}}  # event → the places that name its deadline


def of_items(items: Sequence[Mapping[str, Any]], bundle: Bundle, *, reason: str | None) -> Said:
    """The officer's words, then every ground, numbered."""
    found = told(items, bundle)
    zh, en = (to_text(found, lang, reason=reason) for lang in ("zh", "en"))
    return Said(zh or "详见系统内的办理记录。", en or "See the record of your file.")


def with_deadline(said: Said, event: str, bundle: Bundle, *, days: int | None, last: dt.date | None) -> Said:
    """The same and until when something can be done, unless the letter's own text names that day."""
    letter, places = bundle.letter(event), _SAYS_ITSELF.get(event)
    if places is None or days is None or (letter is not None and places & placeholders(letter.body.zh)):
        return said
    until = deadline(last, days)
    if event == "returned":
        zh, en = f"补正期限：{until.zh}。", f"Time to correct: {until.en}."
    else:
        zh, en = f"申请复核的期限：{until.zh}，可以申请一次。", f"Time to ask for reconsideration, once: {until.en}."
    return Said(f"{said.zh}\n{zh}", f"{said.en}\n{en}")


def lapsed(step: Step | None, bundle: Bundle) -> Said:
    """What was not done in time, how long that was, and where the time is set down."""
    task, settings = TASKS.get(step or Step.CORRECTION, TASKS[Step.CORRECTION]), bundle.manifest.pipeline
    limit = None
    if settings is not None:
        within = {Step.TRAINING: settings.training_within, Step.EXAM: settings.exam_within}
        limit = within.get(step, settings.correct_within) if step is not None else settings.correct_within
    if limit is None:
        return Said(f"期限内没有{task.zh}。", f"The time to {task.en} has passed.")
    item = {
        "reason": f"{days_words(limit.value)}内没有{task.zh}。",
        "reason_en": f"The time to {task.en}, {days_words(limit.value, lang='en')}, has passed.",
        "basis": [clause.model_dump() for clause in limit.basis],
        "verified": limit.verified,
    }
    [ground] = told([item], bundle)
    return Said(ground.show("zh"), ground.show("en"))


def flagged(flags: Collection[str], bundle: Bundle) -> Said:
    """What travels with the file. A message with places speaks of values that only the evaluation knows; the title always holds."""
    known = {criterion.id: criterion for criterion in bundle.criteria.criteria} if bundle.criteria else {}
    items = []
    for criterion in (known[flag] for flag in flags if flag in known):
        words = criterion.title if "{" in criterion.message.zh else criterion.message
        item = {"title": words.zh, "title_en": words.show("en"), "basis": [clause.model_dump() for clause in criterion.basis]}
        remedy = {"remedy": {"zh": criterion.remedy.zh, "en": criterion.remedy.show("en")}} if criterion.remedy else {}
        items.append(item | remedy | {"verified": criterion.verified})
    return of_items(items, bundle, reason=None)
