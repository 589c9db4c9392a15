"""Two bundles compared, in words: every difference as a sentence in Chinese and English, with its file and place.

Entries are matched by what names them (id, question number, day of a value), so that moving one is not removing it. Every leaf that differs is
part of some change; a key that has no words of its own is called by its name. Rules are said in words where the bundle at hand could
be compiled, else shown as written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal

from rules.bundle import Bundle
from rules.comparison_words import (
    FILES,
    ITEMS,
    LONGEST,
    UNITS,
    called,
    first_difference,
    key_words,
    meaning,
    short,
    shown,
    text_of,
    value_words,
)
from rules.documents import Path, canonical, dotted
from rules.tree import Node
from rules.wording import Params, in_words

Kind = Literal["added", "removed", "changed", "moved"]
_CONDITIONS = ("show_when", "required_when")
_NAMED = ("parameters", "people", "letters", "derived")   # mappings whose keys are names of entries
_SILENT = ("zh", "value", "months")                       # keys that say nothing of their own


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where (in the later document, for what is gone in the earlier), and what, in both languages."""

    file: str
    path: str
    kind: Kind
    zh: str
    en: str

    def show(self, lang: str = "zh") -> str:
        return self.en if lang == "en" else self.zh


def compare(before: Bundle | Mapping[str, Any], after: Bundle | Mapping[str, Any]) -> list[Change]:
    """Everything that differs between two bundles, or between two sets of stored documents, in the order of files and places."""
    earlier, later = _Side(before), _Side(after)
    changes: list[Change] = []
    for name in sorted({*earlier.data, *later.data}, key=lambda name: (list(FILES).index(name) if name in FILES else len(FILES), name)):
        file = FILES.get(name, (name, name))
        if name not in later.data:
            changes.append(Change(name, "", "removed", f"删去{file[0]}（{name}）", f"the {file[1]} ({name}) removed"))
        elif name not in earlier.data:
            changes.append(Change(name, "", "added", f"增加{file[0]}（{name}）", f"the {file[1]} ({name}) added"))
        else:
            changes += _Walk(name, earlier, later).walk((), earlier.data[name], later.data[name], _Subject(), name)
    return changes


@dataclass(frozen=True)
class _Subject:
    """What is talked about: the named things on the way to a place."""

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def to(self, pair: tuple[str, str]) -> _Subject:
        return _Subject((*self.zh, pair[0]), (*self.en, pair[1]))

    @property
    def chinese(self) -> str:
        return "的".join(self.zh).replace("的自 ", "自 ")

    @property
    def english(self) -> str:
        return ", ".join(self.en)


@dataclass
class _Side:
    """One of the two: its data, and its rules compiled, by file and path, where there is a bundle."""

    given: Bundle | Mapping[str, Any]
    data: Mapping[str, Any] = field(init=False)
    nodes: dict[str, tuple[Node, Params]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.given, Bundle):
            self.data = self.given
            return
        self.data = self.given.to_data()
        if self.given.criteria is not None:
            params = self.given.criteria.parameters
            self.nodes |= {f"criterion {one.id}": (one.node, params) for one in self.given.criteria.criteria}
        for section in self.given.form.sections:
            if section.show_when:
                self.nodes[f"show_when {section.id}"] = (section.show_when.scope.node, {})
            for question in section.questions:
                for asked, name in ((question, question.id), *((part, f"{question.id}.{part.id}") for part in question.parts)):
                    for key in _CONDITIONS:
                        compiled = getattr(asked, key)
                        if compiled:
                            self.nodes[f"{key} {section.id}.{name}"] = (compiled.scope.node, {})

    def words(self, name: str, lang: str, raw: Any) -> str:
        if name in self.nodes:
            node, params = self.nodes[name]
            return in_words(node, lang, params)
        return shown("", raw)[lang == "en"]


@dataclass
class _Walk:
    """One document walked on both sides at once."""

    file: str
    before: _Side
    after: _Side
    named: tuple[str, ...] = ()                           # the ids on the way, to find compiled rules again

    def walk(self, path: Path, one: Any, other: Any, subject: _Subject, key: str) -> Iterator[Change]:
        if type(one) is type(other) and one == other and canonical(one) == canonical(other):
            return
        if self.file == "criteria.yaml" and len(path) == 2 and path[0] == "parameters" and isinstance(one, dict) and isinstance(other, dict):
            yield from self._parameter(path, one, other, subject)
        elif key == "basis":
            yield from self._leaf(path, one, other, subject, key)
        elif key == "rule" or key in _CONDITIONS:
            yield from self._rule(path, one, other, subject, key)
        elif isinstance(one, dict) and isinstance(other, dict):
            yield from self._mappings(path, one, other, subject, key)
        elif isinstance(one, list) and isinstance(other, list) and all(isinstance(entry, dict) for entry in [*one, *other]):
            yield from self._lists(path, one, other, subject, key)
        else:
            yield from self._leaf(path, one, other, subject, key)

    # -- containers

    def _mappings(self, path: Path, one: dict[str, Any], other: dict[str, Any], subject: _Subject, key: str) -> Iterator[Change]:
        items = (key in _NAMED and len(path) == 1) or (self.file == "training" and not path)
        for name in [*one, *(name for name in other if name not in one)]:
            here = (*path, name)
            if items:
                if name not in other or name not in one:
                    yield self._come_or_gone(here, one.get(name), other.get(name), subject, key, name, name not in one)
                    continue
                below = subject.to(called(key, other[name] if isinstance(other[name], dict) else {}, name))
            else:
                held = [side[name] for side in (one, other) if name in side]
                silent = name in _SILENT or (name in _NAMED and not path) or (name in ITEMS and all(isinstance(value, list) for value in held))
                below = subject if silent else subject.to(("英文", "English") if name == "en" else key_words(name))
            if name in one and name in other:
                yield from self.walk(here, one[name], other[name], below, key if name in ("zh", "en", "value") else name)
            else:
                yield from self._leaf(here, one.get(name), other.get(name), below, key if name == "value" else name, missing="before" if name not in one else "after")

    def _lists(self, path: Path, one: list[dict[str, Any]], other: list[dict[str, Any]], subject: _Subject, key: str) -> Iterator[Change]:
        identity = next((name for name in ("id", "qid", "from", "value", "standard") if _identifies(name, one) and _identifies(name, other)), None)
        if identity is None:
            for at, (left, right) in enumerate(zip_longest(one, other)):
                if left is None or right is None:
                    yield self._come_or_gone((*path, at), left, right, subject, key, str(at + 1), left is None)
                else:
                    yield from self.walk((*path, at), left, right, subject.to(called(key, {}, str(at + 1))), key)
            return
        places = {entry[identity]: at for at, entry in enumerate(other)}
        earlier = {entry[identity]: entry for entry in one}
        for at, entry in enumerate(one):
            if entry[identity] not in places:
                yield self._come_or_gone((*path, at), entry, None, subject, key, entry[identity], False)
        named = self.named
        for at, entry in enumerate(other):
            if entry[identity] not in earlier:
                yield self._come_or_gone((*path, at), None, entry, subject, key, entry[identity], True)
                continue
            self.named = (*named, str(entry[identity]))
            yield from self.walk((*path, at), earlier[entry[identity]], entry, subject.to(called(key, entry, entry[identity])), key)
            self.named = named
        stayed = [name for name in earlier if name in places]
        if stayed != [name for name in places if name in earlier]:
            where = subject.to(ITEMS.get(key, key_words(key)))
            yield Change(self.file, dotted(path), "moved", f"{where.chinese}的先后次序有改动", f"{where.english}: the order changed")

    def _come_or_gone(self, path: Path, one: Any, other: Any, subject: _Subject, key: str, name: Any, came: bool) -> Change:
        entry = other if came else one
        named = called(key, entry if isinstance(entry, dict) else {}, name)
        where = subject.to(named)
        tail = ("", "")
        if key == "criteria" and isinstance(entry, dict):
            side = self.after if came else self.before
            effect = value_words("effect", str(entry.get("effect"))) or ("", "")
            tail = (f"：{side.words(f'criterion {name}', 'zh', entry.get('rule'))}（不满足：{effect[0]}）",
                    f": {side.words(f'criterion {name}', 'en', entry.get('rule'))} (otherwise: {effect[1]})")
        elif key == "questions.csv" and isinstance(entry, dict):
            tail = (f"：{short(str(entry.get('stem')))}", f": {short(str(entry.get('stem_en') or entry.get('stem')))}")
        return Change(self.file, dotted(path), "added" if came else "removed", f"{'增加' if came else '删去'}{where.chinese}{tail[0]}",
                      f"{where.english} {'added' if came else 'removed'}{tail[1]}")

    # -- leaves

    def _leaf(self, path: Path, one: Any, other: Any, subject: _Subject, key: str, missing: str = "") -> Iterator[Change]:
        if not missing and meaning(one) == meaning(other) and canonical(one) != canonical(other):
            yield Change(self.file, dotted(path), "changed", f"{subject.chinese or self.file}：写法有改动，含义不变（{shown(key, one)[0]}）",
                         f"{subject.english or self.file}: written differently, the same meaning ({shown(key, one)[1]})")
            return
        if not missing and isinstance(one, dict) is not isinstance(other, dict):
            one, other = meaning(one), meaning(other)
        if isinstance(one, str) and isinstance(other, str) and ("\n" in one or "\n" in other or max(len(one), len(other)) > LONGEST):
            number, left, right = first_difference(one, other)
            yield Change(self.file, dotted(path), "changed", f"{subject.chinese}：第 {number} 行“{left}” → “{right}”", f"{subject.english}: line {number} “{left}” → “{right}”")
            return
        was, now = shown(key, one), shown(key, other)
        if was == now and not missing:
            _, *parts = first_difference(canonical(one), canonical(other))
            was, now = (parts[0],) * 2, (parts[1],) * 2
        unit = UNITS.get(key, ("", ""))
        where = subject.to(key_words(key)) if not subject.zh else subject
        if missing == "before":
            yield Change(self.file, dotted(path), "added", f"{where.chinese}：新增 {now[0]}{unit[0]}", f"{where.english}: {now[1]}{unit[1]} added")
        elif missing == "after":
            yield Change(self.file, dotted(path), "removed", f"{where.chinese}：删去（原为 {was[0]}{unit[0]}）", f"{where.english}: removed (was {was[1]}{unit[1]})")
        else:
            yield Change(self.file, dotted(path), "changed", f"{where.chinese}：{was[0]} → {now[0]}{unit[0]}", f"{where.english}: {was[1]} → {now[1]}{unit[1]}")

    def _rule(self, path: Path, one: Any, other: Any, subject: _Subject, key: str) -> Iterator[Change]:
        name = f"criterion {self.named[-1]}" if key == "rule" and self.named else f"{key} {'.'.join(self.named)}"
        left = (self.before.words(name, "zh", one), self.before.words(name, "en", one))
        right = (self.after.words(name, "zh", other), self.after.words(name, "en", other))
        if left == right:
            left, right = ((short(canonical(one)),) * 2, (short(canonical(other)),) * 2)
        if left == right:
            _, *parts = first_difference(canonical(one), canonical(other))
            left, right = (parts[0],) * 2, (parts[1],) * 2
        yield Change(self.file, dotted(path), "changed", f"{subject.chinese}：{left[0]} → {right[0]}", f"{subject.english}: {left[1]} → {right[1]}")

    # -- parameters

    def _parameter(self, path: Path, one: dict[str, Any], other: dict[str, Any], subject: _Subject) -> Iterator[Change]:
        """“年龄上限 70 → 68 周岁，自 2027-01-01”: dated values by their day, everything else key by key."""
        title, unit = text_of(other.get("title")) or (str(path[-1]),) * 2, text_of(other.get("unit") or one.get("unit")) or ("", "")
        units = (f" {unit[0]}" if unit[0] else "", f" {unit[1]}" if unit[1] else "")
        left, right = ({name: value for name, value in side.items() if name != "values"} for side in (one, other))
        yield from self._mappings(path, left, right, subject, "")
        old, new = one.get("values"), other.get("values")
        if not (isinstance(old, list) and isinstance(new, list) and _identifies("from", old) and _identifies("from", new)):
            yield from self.walk((*path, "values"), old, new, subject.to(ITEMS["values"]), "values")
            return
        known, here = {value["from"]: value for value in old}, (*path, "values")
        for at, value in enumerate(old):
            if value["from"] not in {one["from"] for one in new}:
                gone = shown("", value.get("value"))
                yield Change(self.file, dotted((*here, at)), "removed", f"{title[0]}：删去自 {value['from']} 起的 {gone[0]}{units[0]}",
                             f"{title[1]}: {gone[1]}{units[1]} from {value['from']} removed")
        for at, value in enumerate(new):
            now, start, place = shown("", value.get("value")), value["from"], (*here, at)
            until = (f"至 {value['until']}", f" until {value['until']}") if value.get("until") else ("", "")
            if start not in known:
                earlier = shown("", new[at - 1].get("value")) if at else None
                step = (f"{earlier[0]} → ", f"{earlier[1]} → ") if earlier else ("", "")
                yield Change(self.file, dotted(place), "added", f"{title[0]} {step[0]}{now[0]}{units[0]}，自 {start}{until[0]}",
                             f"{title[1]} {step[1]}{now[1]}{units[1]}, from {start}{until[1]}")
                continue
            before = known[start]
            dated = subject.to((f"自 {start} 起的值", f"value from {start}"))
            for name in [*before, *(name for name in value if name not in before)]:
                if name == "value" and name in value and canonical(before[name]) != canonical(value[name]):
                    was = shown("", before[name])
                    yield Change(self.file, dotted((*place, name)), "changed", f"{title[0]}（自 {start}，改动了既有的值）{was[0]} → {now[0]}{units[0]}",
                                 f"{title[1]} (from {start}, an existing value altered) {was[1]} → {now[1]}{units[1]}")
                elif name == "until" and name not in before:
                    yield Change(self.file, dotted((*place, name)), "changed", f"{title[0]} {now[0]}{units[0]}，至 {value[name]} 为止",
                                 f"{title[1]} {now[1]}{units[1]} ends on {value[name]}")
                elif name in before and name in value:
                    yield from self.walk((*place, name), before[name], value[name], dated.to(key_words(name)), name)
                else:
                    yield from self._leaf((*place, name), before.get(name), value.get(name), dated.to(key_words(name)), name, missing="before" if name not in before else "after")


def _identifies(name: str, entries: list[Any]) -> bool:
    names = [entry.get(name) for entry in entries if isinstance(entry, dict)]
    return len(names) == len(entries) and all(isinstance(one, str) for one in names) and len(set(names)) == len(names)
