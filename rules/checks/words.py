"""Every text a person reads, in Chinese and English: what has no English is a warning with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from rules.cases import CasesDocument
from rules.checks.remarks import Notes
from rules.criteria import CriteriaDocument
from rules.documents import Path
from rules.exams import Exam
from rules.forms import FormDocument
from rules.letters import LettersDocument
from rules.manifest import Manifest
from rules.parts import Text
from rules.review import ReviewForm

MODELS: Mapping[str, type[BaseModel]] = {
    "bundle.yaml": Manifest, "criteria.yaml": CriteriaDocument, "application.yaml": FormDocument, "review.yaml": ReviewForm, "exam.yaml": Exam,
    "letters.yaml": LettersDocument, "cases.yaml": CasesDocument}


def check(notes: Notes) -> None:
    for file, model in MODELS.items():
        if file in notes.bundle.documents:
            for path, text in texts(model.model_validate(notes.bundle.documents[file]), ()):
                if not text.en:
                    notes.add("C401", file, path, f"“{text.zh[:30]}”没有英文，请补上 en。", f"'{text.zh[:30]}' has no English; add 'en'.")
    for name in notes.bundle.documents.get("training", {}):
        if name.endswith(".md") and not name.endswith(".en.md"):
            english = f"{name.removesuffix('.md')}.en.md"
            if english not in notes.bundle.documents["training"]:
                notes.add("C405", name, (), f"缺少英文文件 {english}，请补上。", f"The English file {english} is missing; add it.")
    for unit in notes.bundle.training:
        if not unit.title.en:
            notes.add("C401", "training", (unit.id, "title"), f"单元“{unit.title.zh[:30]}”的标题没有英文，请补上 en。", f"The title of the unit '{unit.id}' has no English; add 'en'.")


def texts(part: Any, path: Path) -> Iterator[tuple[Path, Text]]:
    """Every text of a model with the place it was written at."""
    if isinstance(part, Text):
        yield path, part
    elif isinstance(part, BaseModel):
        for name, info in type(part).model_fields.items():
            yield from texts(getattr(part, name), (*path, info.alias or name))
    elif isinstance(part, tuple):
        for at, one in enumerate(part):
            yield from texts(one, (*path, at))
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from texts(one, (*path, key))
