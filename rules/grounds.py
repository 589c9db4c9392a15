"""Why a file is refused or returned: one ground in words, the same in a letter, on the applicant's page and on the officer's.

A ground is put together when the decision is made and stored with the move as an item (`to_item`): what was asked, what was
seen, which papers were looked at, the clause, how it can be mended. Nobody decides later what to tell; doors only arrange it.
Items written before this module are read too: what they do not hold is not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.parts import Text

MOST_SEEN = 3  # values told of one ground; the whole trace stays with the officers

#: what the lines of a ground are called; doors translate nothing of this, a letter holds both languages
LABELS: Mapping[str, Text] = {
    "seen": Text(zh="核对所见", en="What was seen"),
    "evidence": Text(zh="核对的材料", en="Papers looked at"),
    "basis": Text(zh="依据", en="Basis"),
    "remedy": Text(zh="如何补救", en="What you can do"),
}
UNVERIFIED = Text(zh="未核实", en="not verified")
_TURNED = ("以下均不成立", "以下不成立")  # how `rules.wording` heads `none` and `not`


@dataclass(frozen=True, slots=True)
class Citation:
    """A clause with the title and number of what it stands in, as the release knew it."""

    reg: str
    article: str
    title: Text | None = None
    number: str = ""
    verified: bool = True

    def show(self, lang: str = "zh") -> str:
        """《…办法》（文号）第七条; what nobody has verified says so."""
        if lang == "en":
            title, doubt = self.title.show("en") if self.title else self.reg, f" ({UNVERIFIED.en})"
            return f"{title}, {self.article}{'' if self.verified else doubt}"
        title, doubt = f"《{self.title.zh.strip('《》')}》" if self.title else self.reg, f"（{UNVERIFIED.zh}）"
        number = f"（{self.number}）" if self.number else ""
        return f"{title}{number}{self.article}{'' if self.verified else doubt}"


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled line under a ground."""

    name: str  # seen | evidence | basis | remedy
    values: tuple[Text, ...]

    def label(self, lang: str = "zh") -> str:
        return LABELS[self.name].show(lang)

    def show(self, lang: str = "zh") -> str:
        return ("; " if lang == "en" else "；").join(value.show(lang) for value in self.values)


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground of a refusal, or one thing to correct (`path` names the field of the form)."""

    title: Text | None
    reason: Text | None
    basis: tuple[Citation, ...] = ()
    seen: tuple[Text, ...] = ()
    evidence: tuple[str, ...] = ()
    remedy: Text | None = None
    path: str = ""
    label: Text | None = None  # the field's own name, for what is returned

    def headline(self, lang: str = "zh") -> str:
        """What and why, in one line."""
        named = self.label or self.title
        what = named.show(lang) if named else ""
        why = self.reason.show(lang) if self.reason else ""
        return (": " if lang == "en" else "：").join(part for part in (what, why) if part)

    def lines(self) -> tuple[Line, ...]:
        """What stands under the headline, in the order it is read; nothing empty."""
        basis = tuple(Text(zh=one.show("zh"), en=one.show("en")) for one in self.basis)
        papers = tuple(Text(zh=name) for name in self.evidence)
        found = (Line("seen", self.seen), Line("evidence", papers), Line("basis", basis),
                 Line("remedy", (self.remedy,) if self.remedy else ()))
        return tuple(line for line in found if line.values)

    def show(self, lang: str = "zh", *, number: int | None = None) -> str:
        """The ground as plain text: a headline, and its lines set in below it."""
        start = f"{number}. " if number is not None else ""
        colon, indent = (": " if lang == "en" else "："), "   "
        return "\n".join([f"{start}{self.headline(lang)}", *(f"{indent}{line.label(lang)}{colon}{line.show(lang)}" for line in self.lines())])


def read(items: Iterable[Mapping[str, Any]], regulations: Mapping[str, Any]) -> tuple[Ground, ...]:
    """The grounds in the stored items of a move; `regulations` are those its release cites, by id (title, number, verified)."""
    return tuple(_ground(item, regulations) for item in items)


def _ground(item: Mapping[str, Any], regulations: Mapping[str, Any]) -> Ground:
    return Ground(
        title=_words(item, "title"), reason=_words(item, "reason"),
        basis=tuple(_citation(clause, regulations, doubted=item.get("verified") is False) for clause in item.get("basis") or ()),
        seen=tuple(Text(**one) for one in item.get("seen") or ()), evidence=tuple(item.get("evidence") or ()),
        remedy=_words(item, "remedy"), path=str(item.get("path") or ""), label=_words(item, "label"),
    )  # fmt: skip


def _citation(clause: Mapping[str, Any], regulations: Mapping[str, Any], *, doubted: bool) -> Citation:
    """As the item says; what an older item does not say, as the release's list of regulations says."""
    known = regulations.get(str(clause.get("reg")))
    listed = cite([clause], regulations)[0] if known else {}
    full = {**listed, **clause}
    verified = full.get("verified", True) and not doubted
    return Citation(str(clause.get("reg") or ""), str(clause.get("article") or ""), _words(full, "title"), str(full.get("number") or ""), verified)


def cite(basis: Iterable[Mapping[str, Any]], regulations: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Clauses as an item stores them: with title and number of the regulation, so that they can be read for ever, and with
    `verified: false` where the clause or the regulation rests on an assumption. `regulations` by id."""
    cited: dict[tuple[str, str], dict[str, Any]] = {}
    for clause in basis:
        known = regulations.get(clause["reg"])
        more: dict[str, Any] = {"reg": clause["reg"], "article": clause["article"]}
        if known is not None:
            more |= {"title": known.title.zh, "title_en": known.title.show("en")} | ({"number": known.number} if known.number else {})
        if clause.get("verified") is False or (known is not None and not known.verified):
            more["verified"] = False
        cited.setdefault((clause["reg"], clause["article"]), more)
    return list(cited.values())


def _words(item: Mapping[str, Any], name: str) -> Text | None:
    """`{name: {zh, en}}`, or `name` beside `name_en`."""
    value = item.get(name)
    if not value:
        return None
    if isinstance(value, Mapping):
        return Text(zh=value["zh"], en=value.get("en") or None)
    return Text(zh=str(value), en=str(item[f"{name}_en"]) if item.get(f"{name}_en") else None)


def to_text(grounds: Sequence[Ground], lang: str = "zh", *, reason: str | None = None) -> str:
    """All grounds as plain text, numbered; before them what an officer wrote, unless the grounds say it themselves."""
    said = [ground.show(lang, number=number) for number, ground in enumerate(grounds, 1)]
    return "\n".join([reason, *said] if reason and not says(grounds, reason) else said)


def says(grounds: Sequence[Ground], reason: str) -> bool:
    """Whether the grounds' own reasons make up these words (a job writes them so)."""
    return bool(grounds) and all(ground.reason is not None and ground.reason.zh in reason for ground in grounds)


def lacks(items: Sequence[Mapping[str, Any]], reason: str | None) -> str | None:
    """What keeps these items from being a refusal: `grounds`, `title`, `basis` or `reason`; None when nothing does.

    A refusal names at least one ground, each with the clause of a regulation; and it says why, either in words of its own or
    ground by ground.
    """
    if not items:
        return "grounds"
    for item in items:
        clauses = item.get("basis") or ()
        if not str(item.get("title") or "").strip():
            return "title"
        if not clauses or not all(clause.get("reg") and clause.get("article") for clause in clauses):
            return "basis"
    told = (reason or "").strip() or all(str(item.get("reason") or "").strip() for item in items)
    return None if told else "reason"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a stored finding saw where it was decided: values in words, names of the files that back them, clauses of the values
    in force that day."""

    seen: tuple[dict[str, str], ...]
    evidence: tuple[str, ...]
    basis: tuple[dict[str, Any], ...]


def observed(finding: Mapping[str, Any], *, most: int = MOST_SEEN) -> Observed:
    """From a finding as stored, of any trace format.

    Secrets are masked in the trace already. Of `all`, `any`, `none` and `not` only the branches that made the outcome are
    followed; of the entries of a group, those.
    """
    seen: dict[str, dict[str, str]] = {}
    files: dict[str, None] = {}
    basis: list[dict[str, Any]] = []
    for node in _deciding(finding.get("trace") or {}):
        words, shown = node["words"], node["shown"]
        seen.setdefault(words["zh"] + shown["zh"], {"zh": f"{words['zh']}，实际为“{shown['zh']}”", "en": f"{words['en']}; found: {shown['en']}"})
        files |= {file["name"]: None for field in node.get("evidence") or () for file in field["files"]}
        for parameter in node.get("parameters") or ():
            verified = {} if parameter.get("verified", True) else {"verified": False}
            basis += [clause | verified for clause in parameter.get("basis") or ()]
    return Observed(tuple(seen.values())[:most], tuple(files), tuple(basis))


def _deciding(node: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    truth, below = node.get("truth"), node.get("nodes")
    if below is not None:
        turned = node["words"]["zh"] in _TURNED
        wanted = truth if truth is None or not turned else not truth
        return [leaf for one in below if one.get("truth") is wanted for leaf in _deciding(one)]
    if "shown" in node:
        return [node]
    entries = [one for row in node.get("entries") or () for one in (row if isinstance(row, list) else [row])]
    return [leaf for one in entries if one.get("truth") is truth for leaf in _deciding(one)]
