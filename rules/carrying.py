"""A draft of an applicant under a newer form: what carries over, what has to be given again, what is asked anew, what is asked no more.

Nothing is dropped here: an answer that no longer fits stays as typed until its owner changes it. Storing is the portal's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.forms import Form, Question, check_partial, visible
from rules.parts import Text


@dataclass(frozen=True)
class Place:
    """A field by its dotted path (an entry's field has `*` for the number of the entry) and its label."""

    path: str
    label: Text


@dataclass(frozen=True)
class Carried:
    """What became of the answers, in the order of the forms."""

    kept: tuple[Place, ...]
    again: tuple[Place, ...]  # answered, but not in a way the new form takes
    new: tuple[Place, ...]    # not asked, or not required, by the old form
    gone: tuple[Place, ...]   # answered, and asked no more

    @property
    def changes_anything(self) -> bool:
        return bool(self.again or self.new or self.gone)


def carry(old: Form, new: Form, answers: Mapping[str, Any], *, today: date) -> Carried:
    """Lay answers given to `old` beside `new`. Only what the new form shows for these answers is counted as asked."""
    shown = visible(new, answers, today=today)
    kept: list[Place] = []
    again: list[Place] = []
    asked: list[Place] = []
    for question in new.questions():
        if question.key not in shown:
            continue
        before, value, place = old.find(question.key), _at(answers, question.key), Place(question.key, question.field.label)
        if _is_empty(value):
            if before is None or (question.field.is_required and not before.field.is_required):
                asked.append(place)
            continue
        _, problems = check_partial(new, answers, question.key, value, today=today)
        if before is None or type(before.field) is not type(question.field) or problems:
            again.append(place)
        else:
            kept.append(place)
        asked += _new_parts(before, question)
    gone = [Place(q.key, q.field.label) for q in old.questions() if new.find(q.key) is None and not _is_empty(_at(answers, q.key))]
    return Carried(tuple(kept), tuple(again), tuple(asked), tuple(gone))


def _new_parts(before: Question | None, question: Question) -> Iterator[Place]:
    """Of a group that is filled in: the fields of an entry that are new, or required only now."""
    known = {part.id: part.field for part in before.parts} if before is not None else {}
    for part in question.parts:
        there = known.get(part.id)
        if there is None or (part.field.is_required and not there.is_required):
            group, own = question.field.label, part.field.label
            yield Place(part.key, Text(zh=f"{group.zh} – {own.zh}", en=f"{group.show('en')} – {own.show('en')}"))


def _at(answers: Mapping[str, Any], key: str) -> Any:
    value: Any = answers
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}
