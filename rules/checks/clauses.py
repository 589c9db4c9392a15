"""Clauses: cited and in force, listed and cited, verified or assumed; and specialties that two departments claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from rules.bundle import Bundle
from rules.checks.remarks import Notes
from rules.citations import Titles, citations
from rules.comparison_words import KEYS, called, key_words
from rules.documents import Path
from rules.specialties import conflicts

Paragraphs = Mapping[tuple[str, str], tuple[date | None, date | None]]


def check(notes: Notes, *, on: date, others: tuple[Bundle, ...], regulations: Paragraphs | None) -> None:
    _parameters_without(notes)
    _cited(notes, regulations, on=on)
    _unverified(notes)
    _claims(notes, others)


def _parameters_without(notes: Notes) -> None:
    for name, parameter in (notes.bundle.criteria.parameters if notes.bundle.criteria else {}).items():
        for at, dated in enumerate(parameter.values):
            if not dated.basis:
                notes.add("C310", "criteria.yaml", ("parameters", name, "values", at, "basis"),
                          f"参数“{name}”自 {dated.start} 起的值没有写明依据的条款，请补上。", f"The value of '{name}' from {dated.start} has no clause; add one.")


def _cited(notes: Notes, regulations: Paragraphs | None, *, on: date) -> None:
    manifest = notes.bundle.manifest
    listed = notes.bundle.regulations
    cited: set[str] = set()
    for file, path, clause in _clauses(notes.bundle):
        reg, article = clause["reg"], clause["article"]
        cited.add(reg)
        one = listed.get(reg)
        day, last = _days(notes.bundle, file, path, on=on)
        if one is None or last < day:
            continue
        start, until = one.start, one.until
        if regulations is not None:
            known = regulations.get((reg, article))
            if known is None:
                notes.add("C309", file, path, f"法规库中没有“{reg}”的“{article}”，请核对条号，或先录入该条。",
                          f"There is no paragraph '{article}' of '{reg}' on file; check the article, or enter it first.", {"day": day.isoformat(), "reg": reg, "article": article})
            else:
                start, until = known[0] or start, known[1] or until
        wrong = day if start is not None and start > day else max(day, until) if until is not None and until < day else None
        if wrong is None:
            continue
        if start is not None and start > day:
            zh, en = f"自 {start} 起才施行", f"is in force only from {start}"
        else:
            zh, en = f"已于 {until} 失效", f"ended on {until}"
        notes.add("C305", file, path, f"所引“{one.title.zh}”{article} 在 {day} 不在有效期内（{zh}）。请改引当日有效的条款，或调整生效日期。",
                  f"'{reg}' {article} is not in force on {day}: it {en}. Cite a clause that is, or change the day.", {"day": day.isoformat(), "reg": reg, "article": article})
    titles = Titles((one.id, one.title.zh, one.number or "") for one in manifest.regulations)
    cited |= {one.reg for one in citations(notes.bundle.documents, titles)}     # questions, letters and training cite in words
    for at, regulation in enumerate(manifest.regulations):
        if regulation.id not in cited:
            notes.add("C306", "bundle.yaml", ("regulations", at, "id"), f"法规“{regulation.id}”没有任何地方引用，请删去，或补上引用。",
                      f"Nothing cites the regulation '{regulation.id}'; remove it, or cite it.")


def _days(bundle: Bundle, file: str, path: Path, *, on: date) -> tuple[date, date]:
    """The day on which the clause must be in force, and the last day its place matters: a dated value counts on its own days."""
    effective = max(on, bundle.manifest.effective_from)
    if file == "criteria.yaml" and path[:1] == ("parameters",) and len(path) > 3 and bundle.criteria is not None:
        values, at = bundle.criteria.parameters[str(path[1])].values, path[3]
        if isinstance(at, int):
            last = values[at].until or (values[at + 1].start if at + 1 < len(values) else date.max)
            return max(effective, values[at].start), last
    return effective, date.max


def _unverified(notes: Notes) -> None:
    for file, data in notes.bundle.documents.items():
        for path, owner in _mappings(data, ()):
            if owner.get("verified") is False:
                zh, en = _name(file, data, owner, path)
                notes.add("C307", file, (*path, "verified"), f"{zh}的依据尚待核实（verified: false）。核实后删去此标记。",
                          f"{en} rests on an assumption (verified: false). Verify it and remove the mark.")


def _claims(notes: Notes, others: tuple[Bundle, ...]) -> None:
    own = notes.bundle
    claims = {one.code: one.manifest.specialties for one in (*others, own) if one.kind == "department"}
    for standard, prefix, claimants in conflicts(claims):
        if own.code not in claimants:
            continue
        at = next(number for number, claim in enumerate(own.manifest.specialties) if claim.standard == standard and prefix in claim.prefixes)
        whose = "、".join(code for code in claimants if code != own.code)
        if not whose:
            continue
        notes.add("C308", "bundle.yaml", ("specialties", at), f"{standard} 的 {prefix} 已由 {whose} 认领，须先由交易中心登记移交。",
                  f"{prefix} of {standard} is claimed by {whose}; the centre must record a transfer first.", {"standard": standard, "code": prefix})


def _clauses(bundle: Bundle) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    for file, data in bundle.documents.items():
        for path, one in _mappings(data, ()):
            if set(one) == {"reg", "article"} and isinstance(one["reg"], str) and isinstance(one["article"], str):
                yield file, path, one


def _mappings(data: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(data, dict):
        yield path, data
        for key, one in data.items():
            yield from _mappings(one, (*path, key))
    elif isinstance(data, list):
        for at, one in enumerate(data):
            yield from _mappings(one, (*path, at))


def _name(file: str, data: Mapping[str, Any], owner: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """What a clerk calls the place: 条件“…”, 参数“…”自某日起的值, 公示期; the document where it is about the whole of it."""
    at: Any = data
    named, key = key_words(file), ""
    for part in path:
        at = at[part]
        if not isinstance(part, int) and part in KEYS:
            named = key_words(part)
        if isinstance(at, Mapping) and ("title" in at or "id" in at):
            named = called(key, at, at.get("id", part))
        if not isinstance(part, int):
            key = part
    if "from" in owner and "value" in owner:
        return f"{named[0]}自 {owner['from']} 起的值", f"The value of {named[1]} from {owner['from']}"
    if key == "specialties" and isinstance(owner.get("standard"), str):
        return f"主管专业“{owner['standard']}”", f"The claim of specialties of '{owner['standard']}'"
    return named[0], named[1][:1].upper() + named[1][1:]
