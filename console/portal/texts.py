"""The portal's own documents: what is done with personal data (the consent text, with its version), and accessibility.

Plain Markdown beside this module, one file per language. The first line is the title; the consent text's second line is its version,
which is stored with every account and every application. Changing the text means a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Document:
    title: str
    version: str
    body: Markup


@cache
def document(name: str, language: str) -> Document:
    """`consent` or `accessibility`, in `zh` or `en`."""
    first, second, *rest = (FOLDER / f"{name}.{language}.md").read_text(encoding="utf-8").split("\n")
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render("\n".join(rest))
    return Document(first.lstrip("# ").strip(), second.strip(), Markup(nh3.clean(html)))


def consent_version() -> str:
    """The version somebody agrees to today."""
    return document("consent", "zh").version
