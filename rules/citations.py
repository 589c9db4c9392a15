"""Who cites which paragraph: every clause of a bundle with its place, and clauses written in words (questions, letters, training).

Structured clauses are `{reg, article}`. In words, a regulation is known by its title (with or without 中华人民共和国), or by its number
(财库〔2016〕198号), and the articles that follow belong to it: “招标投标法第五十六条、招标投标法实施条例第七十二条” are two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.documents import Path, canonical

WHOLE = "全文"
_ARTICLE = r"第[一二三四五六七八九十百零〇0-9]+条(?:之[一二三四五六七八九十]+)?"
_NEAR = re.compile(r"[》）)、，,和及与\s]*(?:（[^（）]{0,30}）)?[》、，,\s]*")
_SHORT = re.compile(r"^中华人民共和国")


@dataclass(frozen=True, slots=True)
class Citation:
    """`reg` is empty when words name no regulation we know: then `article` is those words. `owner` is the content that cites, so
    that two versions of a document can be compared."""

    reg: str
    article: str
    file: str
    key: str
    owner: str


class Titles:
    """The names of regulations as texts write them."""

    def __init__(self, regulations: Iterable[tuple[str, str, str]]) -> None:
        """`regulations` are (id, title, number)."""
        names: dict[str, str] = {}
        for reg, title, number in regulations:
            bare = title.strip("《》").partition("（")[0]
            numbers = [part for part in number.split("，") if len(part) > 3 and part.endswith("号")]
            for name in (bare, _SHORT.sub("", bare), *numbers):
                names.setdefault(name, reg)
        self.names = names
        longest = sorted(names, key=len, reverse=True)
        self._token = re.compile("|".join([*map(re.escape, longest), _ARTICLE]))

    def read(self, text: str, *, whole: bool = True) -> list[tuple[str, str]]:
        """The (regulation, article) pairs a text names, in order. A regulation named without an article is cited as a whole when
        `whole`; running text mentions laws without citing them."""
        found: dict[tuple[str, str], None] = {}
        current, end, had = "", 0, True
        for match in self._token.finditer(text):
            reg = self.names.get(match[0])
            if reg is not None:
                if whole and not had and reg != current:
                    found[current, WHOLE] = None
                had = had and reg == current and current != ""
                current, end = reg, match.end()
            elif current and _NEAR.fullmatch(text, end, match.start()):
                found[current, match[0]] = None
                had, end = True, match.end()
        if whole and current and not had:
            found[current, WHOLE] = None
        return list(found)


def citations(documents: Mapping[str, Any], titles: Titles) -> Iterator[Citation]:
    """Everything a bundle's documents cite, in their order."""
    for file, data in documents.items():
        if file == "questions.csv":
            yield from _questions(data, titles)
        elif file == "letters.yaml" or file == "training":
            yield from _texts(file, data, (), titles)
        else:
            yield from _clauses(file, data, (), data)


def _questions(rows: Any, titles: Titles) -> Iterator[Citation]:
    for row in rows if isinstance(rows, list) else ():
        text = str(row.get("article") or "").strip()
        if not text:
            continue
        for reg, article in titles.read(text) or [("", text)]:
            yield Citation(reg, article, "questions.csv", f"{row.get('bank')}.{row.get('qid')}", canonical(row))


def _texts(file: str, data: Any, path: Path, titles: Titles) -> Iterator[Citation]:
    if isinstance(data, str):
        for reg, article in titles.read(data, whole=False):
            yield Citation(reg, article, file, ".".join(map(str, path)), data)
    elif isinstance(data, Mapping):
        for key, one in data.items():
            yield from _texts(file, one, (*path, key), titles)


def _clauses(file: str, data: Any, path: Path, owner: Any) -> Iterator[Citation]:
    if isinstance(data, Mapping):
        if isinstance(data.get("reg"), str) and isinstance(data.get("article"), str):
            yield Citation(data["reg"], data["article"], file, ".".join(map(str, path)), canonical(owner))
            return
        for key, one in data.items():
            yield from _clauses(file, one, (*path, key), owner if key == "basis" else data)
    elif isinstance(data, list):
        for at, one in enumerate(data):
            if len(data) == 1 and path and path[-1] == "basis":
                yield from _clauses(file, one, path, owner)
            else:
                name = one.get("id", one.get("from", at)) if isinstance(one, Mapping) else at
                yield from _clauses(file, one, (*path, name), owner)
