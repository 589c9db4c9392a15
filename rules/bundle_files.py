"""A bundle as files again: what was written, byte for byte, where it still says the same; changed where it does not, and only there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from rules.bundle import model_of
from rules.documents import Problems, canonical, read_yaml
from rules.documents_patching import patch_yaml
from rules.documents_writing import write_questions, write_yaml
from rules.exams import read_questions


def files_of(data: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """The files of a bundle's data, by name. A source that reads as the same data is given back as it was written, with its
    comments, byte order mark and line ends; in a document that was changed the entries that say something else are written
    anew; a document without a source is written from its data.
    """
    return {name: text.encode("utf-8", "surrogatepass") for name, text in texts_of(data, sources).items()}


def texts_of(data: Mapping[str, Any], sources: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same as texts: what a draft keeps as its sources."""
    sources = sources or {}
    found: dict[str, str] = {}
    for document, content in data.items():
        if document == "training":
            for name, text in content.items():
                found[name] = sources[name] if name in sources and _training(sources[name]) == text else text
        elif document in sources and _says(document, sources[document], content):
            found[document] = sources[document]
        elif document == "questions.csv":
            found[document] = write_questions(content, like=sources.get(document))
        else:
            patched = patch_yaml(sources[document], content, model_of(document)) if document in sources else None
            found[document] = patched if patched is not None else write_yaml(content, model_of(document))
    return dict(sorted(found.items()))


def _says(name: str, source: str, content: Any) -> bool:
    """Whether the source reads as this data."""
    try:
        read = _rows(source) if name == "questions.csv" else read_yaml(name, source.encode("utf-8")).data
    except (Problems, csv.Error, ValueError):
        return False
    return canonical(read) == canonical(content)


def _rows(source: str) -> list[dict[str, str]]:
    text = source.removeprefix("\ufeff")
    bank = next(csv.DictReader(io.StringIO(text)), {}).get("bank", "")
    return read_questions("questions.csv", text, bank=bank, problems=[])


def _training(source: str) -> str:
    return source.removeprefix("\ufeff").replace("\r\n", "\n")
