"""Sentences and their translations.

The source text is the Chinese sentence on the screen. Translations are written in parts, one per room or door
(`console/translations/<language>/<part>.po`), and compiled into the one catalogue that Flask-Babel reads. Compiled files are not
kept in git: `make` and `python -m console words` write them. `check()` finds sentences without English, and the reverse.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from console.errors import N_

__all__ = ["N_", "check", "compile_all", "sentences"]

FOLDER = Path(__file__).parent / "translations"
SOURCE = "zh_Hans_CN"
_MARKS = {"_": None, "_l": None, "N_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "_n": (1, 2)}
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SLOT = re.compile(r"%\((\w+)\)")


class BrokenCatalogue(Exception):
    """A .po file cannot be used; the message names file and sentence."""


def languages() -> list[str]:
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()) if FOLDER.is_dir() else []


def catalogue(language: str) -> Catalog:
    """All parts of a language as one; BrokenCatalogue when two parts disagree on a sentence or a slot got lost."""
    merged = Catalog(locale=language, domain="messages", charset="utf-8")
    origin: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as source:
            part = read_po(source, locale=language, abort_invalid=True)
        for message in part:
            if not message.id or not message.string:
                continue
            key = message.id if isinstance(message.id, str) else message.id[0]
            known = merged.get(key)
            if known is not None and known.string != message.string:
                raise BrokenCatalogue(f"{path.name}: “{key}” is translated differently in {origin[key]}")
            texts = (message.string,) if isinstance(message.string, str) else message.string
            for text in texts:
                if set(_SLOT.findall(text)) - set(_SLOT.findall(key)):
                    raise BrokenCatalogue(f"{path.name}: the translation of “{key}” names a slot the sentence does not have")
            merged.add(message.id, message.string)
            origin[key] = path.name
    return merged


def compile_all() -> list[Path]:
    """Write `<language>/LC_MESSAGES/messages.mo` for every language whose parts are newer; returns what was written."""
    written = []
    for language in languages():
        target = FOLDER / language / "LC_MESSAGES" / "messages.mo"
        parts = list((FOLDER / language).glob("*.po"))
        if target.exists() and all(part.stat().st_mtime <= target.stat().st_mtime for part in parts):
            continue
        buffer = BytesIO()
        write_mo(buffer, catalogue(language))
        target.parent.mkdir(exist_ok=True)
        # rename: a web process may be reading the old file
        fresh = target.with_suffix(".new")
        fresh.write_bytes(buffer.getvalue())
        fresh.replace(target)
        written.append(target)
    return written


@dataclass(frozen=True)
class Sentence:
    text: str
    place: str


def sentences(root: Path | None = None) -> Iterator[Sentence]:
    """Every marked sentence of the code and templates, with its place."""
    root = root or Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        with path.open("rb") as source:
            yield from _from_file("python", source, path, root)
        yield from _comments(path, root)
    for path in sorted([*root.rglob("*.html"), *root.rglob("*.txt")]):
        if "templates" in path.parts:
            with path.open("rb") as source:
                yield from _from_file("jinja2.ext:babel_extract", source, path, root)


def _comments(path: Path, root: Path) -> Iterator[Sentence]:
    """The official terms of the schema (`comment=` of a column or table): generated screens take their labels there."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "comment":
            values = [node.value]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            values = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "comment"]
        else:
            continue
        for value in values:
            if isinstance(value, ast.Constant):
                yield Sentence(str(value.value), f"{path.relative_to(root.parent)}:{value.lineno}")


def _from_file(method: str, source: object, path: Path, root: Path) -> Iterator[Sentence]:
    options = {"encoding": "utf-8", "silent": "false"}
    for line, message, _comments, _context in extract(method, source, keywords=_MARKS, options=options):  # type: ignore[arg-type]
        texts = [message] if isinstance(message, str) else [message[0]]
        for text in texts:
            if text:
                yield Sentence(text, f"{path.relative_to(root.parent)}:{line}")


@dataclass(frozen=True)
class WordsReport:
    """`missing`: shown without English; `unused`: translated but no longer said; `glued`: marked with an f-string or `+`."""

    missing: list[Sentence]
    unused: list[str]
    glued: list[str]


def check(language: str = "en") -> WordsReport:
    """Compare what is said with what is translated. FAB's own words (`fab.po`, `admin.po`) are not ours to say."""
    said = list(sentences())
    known = {_key(message.id) for message in catalogue(language) if message.id}
    foreign = {
        _key(message.id)
        for name in ("fab.po", "admin.po")
        for path in [FOLDER / language / name]
        if path.exists()
        for message in read_po(path.open("rb"))
    }
    texts = {sentence.text for sentence in said}
    missing = [s for s in said if _CHINESE.search(s.text) and s.text not in known]
    return WordsReport(missing, sorted(known - texts - foreign), list(_glued(Path(__file__).parent)))


def _key(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _glued(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("_", "_l", "N_")
                and node.args
                and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
            ):
                yield f"{path.relative_to(root.parent)}:{node.lineno}"
