"""A draft looked at for its pages: what checks say about it, its cases beside what came out, and what it changes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from console.departments import queries as departments
from console.departments.models import Department
from console.errors import N_
from console.studio import drafts, travel
from console.studio.examination import Examination
from console.studio.models import RuleDraft
from rules.bundle import Bundle, read_folder
from rules.cases import Case, CaseResult
from rules.checks import Remark, of_problems
from rules.comparison import Change, compare
from rules.documents import Problems
from rules.fact_types import FactType
from rules.wording import show_value

CENTRE = "centre"
Stamp = tuple[str, tuple[tuple[str, int], ...]]


def remarks(found: Examination) -> tuple[Remark, ...]:
    """Everything there is to say about a draft, errors first: what the checks found, or why it cannot be read at all."""
    return found.remarks if found.bundle is not None else of_problems(Problems(found.problems))


def changes(session: Session, draft: RuleDraft, text: drafts.Text) -> list[Change] | None:
    """What the draft says otherwise than its base, in words; None while it cannot be read."""
    if text.bundle is None or draft.base_id is None:
        return None
    return compare(departments.bundle_of(session, draft.base_id), text.bundle)


@dataclass(frozen=True)
class Line:
    """One thing a case expects, and what came out."""

    what: str  # a criterion's title, or a sentence marked for translation
    expected: str
    found: str
    kind: str  # "decision", "flags" or "finding"

    @property
    def is_right(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True)
class CasePage:
    """One worked case as a page shows it."""

    case: Case
    result: CaseResult
    lines: tuple[Line, ...]
    facts: tuple[tuple[str, str], ...]
    findings: tuple[dict[str, Any], ...]


def cases(bundle: Bundle, results: Iterable[CaseResult], lang: str) -> list[CasePage]:
    """Every case with what it expects and what came out, those that fail first."""
    if bundle.cases is None or bundle.criteria is None:
        return []
    written = {case.id: case for case in bundle.cases.cases}
    titles = {one.id: one.title.en if lang == "en" and one.title.en else one.title.zh for one in bundle.criteria.criteria}
    pages = []
    for result in results:
        case, verdict = written[result.id], result.verdict
        outcomes = {finding.id: str(finding.outcome) for finding in verdict.findings}
        lines = [Line(N_("结论"), case.expect.decision, verdict.decision, "decision")]
        if case.expect.flags is not None:
            wanted, came = ("、".join(titles.get(name, name) for name in sorted(names)) for names in (case.expect.flags, verdict.flags))
            lines.append(Line(N_("提示"), wanted, came, "flags"))
        lines += [Line(titles.get(name, name), outcome, outcomes.get(name, ""), "finding") for name, outcome in case.expect.findings.items()]
        facts = tuple(_fact(bundle.criteria.facts, name, value, lang) for name, value in case.facts.items())
        pages.append(CasePage(case, result, tuple(lines), facts, tuple(finding.to_data() for finding in verdict.findings)))
    return sorted(pages, key=lambda page: page.result.passed)


def _fact(types: Mapping[str, FactType], name: str, value: Any, lang: str) -> tuple[str, str]:
    """A fact of a case as (label, value), the entries of a group one after the other."""
    known = types.get(name)
    label = known.label.show(lang) if known is not None and known.label is not None else name
    if known is not None and known.entry and isinstance(value, list):
        comma, semicolon = (", ", "; ") if lang == "en" else ("，", "；")
        entries = (comma.join(" ".join(_fact(known.entry, *pair, lang)) for pair in one.items()) for one in value if isinstance(one, dict))
        return label, semicolon.join(entries)
    return label, show_value(value, lang, options=known.options if known is not None else None)


# ── the folder of the installation ───────────────────────────────────────────────────────────────────────────

PLUGINS = Path(__file__).parents[2] / "plugins"
_folders: dict[str, tuple[Stamp, Bundle | None]] = {}


def folder_apart(session: Session, department: Department) -> travel.Apart | None:
    """How the department's folder stands against the database; None without a folder, or with one that cannot be read."""
    shared = None if department.is_centre else _folder(CENTRE, None)
    bundle = _folder(department.code, shared)
    return travel.apart(session, bundle) if bundle is not None else None


def _folder(code: str, centre: Bundle | None) -> Bundle | None:
    """A folder's bundle, read again only when a file in it has changed."""
    folder = PLUGINS / code
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stamp: Stamp = (centre.hash if centre is not None else "", tuple((str(path), path.stat().st_mtime_ns) for path in files))
    if not files:
        return None
    known = _folders.get(code)
    if known is None or known[0] != stamp:
        try:
            found = read_folder(folder, centre=centre)
        except (Problems, OSError):
            found = None
        known = _folders[code] = (stamp, found)
    return known[1]
