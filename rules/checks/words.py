"""Every text a person reads, in Chinese and English: what has no English is a warning with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from rules.bundle import model_of
from rules.checks.remarks import Notes
from rules.documents import Path
from rules.parts import Text


def check(notes: Notes) -> None:
    for file in notes.bundle.documents:
        model = model_of(file)
        if model is not None:
            for path, text in texts(model.model_validate(notes.bundle.documents[file]), ()):
                if not text.en:
                    notes.add("C401", file, path, f"“{text.zh[:30]}”没有英文，请补上 en。", f"'{text.zh[:30]}' has no English; add 'en'.")
    for name in notes.bundle.documents.get("training", {}):
        if name.endswith(".md") and not name.endswith(".en.md"):
            english = f"{name.removesuffix('.md')}.en.md"
            if not notes.bundle.documents["training"].get(english, "").strip():
                notes.add("C405", name, (), f"缺少英文文件 {english}（或文件为空），请补上。", f"The English file {english} is missing or empty; write it.")
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
