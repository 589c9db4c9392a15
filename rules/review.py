"""What a reviewer looks at, scores, and may refuse for. Who reviews and when is the pipeline's business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from rules.documents import Document, Fault, Problem, meant
from rules.parts import Basis, Count, Flag, Id, Part, Positive, Words

ReviewLevel = Literal["first", "second"]


class ChecklistItem(Part):
    """One thing to tick: it is in order, it is not, or it must be corrected."""

    id: Id
    title: Words
    help: Words | None = None
    evidence: tuple[Id, ...] = ()
    levels: tuple[ReviewLevel, ...] = ("first", "second")
    basis: Basis = ()
    verified: Flag = True


class ScoredItem(Part):
    id: Id
    title: Words
    help: Words | None = None
    weight: Positive
    max: Positive
    evidence: tuple[Id, ...] = ()


class Scores(Part):
    """Scored items; the weighted total runs from 0 to 100."""

    minimum: Count
    items: Annotated[tuple[ScoredItem, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _weights(self) -> Self:
        total = sum(item.weight for item in self.items)
        if total != 100:
            raise Fault(f"各项 weight 之和应为 100，现为 {total}。", f"The weights must add up to 100; found {total}.", ("items",))
        if self.minimum > 100:
            raise Fault("minimum 不能超过 100。", "minimum cannot be above 100.", ("minimum",))
        return self


class Ground(Part):
    """A ground an officer may refuse for; a refusal cites at least one."""

    id: Id
    title: Words
    help: Words | None = None
    basis: Annotated[Basis, Field(min_length=1)]
    remedy: Words | None = None  # what the applicant can do about it
    verified: Flag = True


class ReviewForm(Part):
    """review.yaml."""

    checklist: Annotated[tuple[ChecklistItem, ...], Field(min_length=1, max_length=100)]
    scores: Scores | None = None
    to_refuse: Annotated[tuple[Ground, ...], Field(min_length=1, max_length=100)]

    def for_level(self, level: ReviewLevel) -> tuple[ChecklistItem, ...]:
        return tuple(item for item in self.checklist if level in item.levels)

    def ground(self, ground_id: str) -> Ground | None:
        return next((one for one in self.to_refuse if one.id == ground_id), None)


def weighted(scores: Scores, marks: Mapping[str, StrictInt | StrictFloat]) -> Decimal:
    """The weighted total of 100 with one decimal place; raises ValueError for a missing mark or one out of range."""
    total = Decimal(0)
    for item in scores.items:
        mark = marks.get(item.id)
        if mark is None or isinstance(mark, bool) or not 0 <= mark <= item.max:
            raise ValueError(item.id)
        total += Decimal(str(mark)) * item.weight / item.max
    return total.quantize(Decimal("0.1"), ROUND_HALF_UP)


def check_review(form: ReviewForm, source: Document, fields: Iterable[str], problems: list[Problem]) -> None:
    """Ids must differ, and evidence must be fields of the form; `fields` are the ids known."""
    known = set(fields)
    lists: list[tuple[str, tuple[ChecklistItem | ScoredItem | Ground, ...], tuple[str, ...]]] = [
        ("checklist", form.checklist, ("checklist",)), ("scores", form.scores.items if form.scores else (), ("scores", "items")),
        ("to_refuse", form.to_refuse, ("to_refuse",))]
    for name, items, path in lists:
        ids: set[str] = set()
        for at, item in enumerate(items):
            if item.id in ids:
                problems.append(source.problem((*path, at, "id"), f"{name} 中的“{item.id}”重复出现。", f"'{item.id}' appears twice in {name}."))
            ids.add(item.id)
            for number, evidence in enumerate(getattr(item, "evidence", ())):
                if evidence not in known:
                    zh, en = meant(evidence, known)
                    problems.append(source.problem((*path, at, "evidence", number), f"表单中没有字段“{evidence}”。{zh}", f"The form has no field '{evidence}'. {en}"))
