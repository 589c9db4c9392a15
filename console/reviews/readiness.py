"""What a level asks for before a file may pass: checks, criteria that nobody could answer, and scores.

Works on one value, the `Sheet`: the department's review form, the latest trace of the criteria, and what was written so far.
The page shows it, `services.decide` refuses by it: both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from console.applications.models import Admission, Finding
from console.applications.queries import latest_finding
from console.departments import queries as departments
from console.errors import N_
from console.reviews import queries
from console.reviews.errors import NotAtReview, Problem
from console.reviews.levels import Level
from console.reviews.models import Review
from rules.review import ReviewForm, weighted

MARKS = ("ok", "bad", "ask")  # 符合 / 不符合 / 需补正
REMARK_MOST, EVIDENCE_LEAST, EVIDENCE_MOST = 500, 4, 1_000


@dataclass(frozen=True)
class Sheet:
    """One review as it stands: `rulings` and `earlier` (what the other level ruled) are by criterion id."""

    form: ReviewForm
    level: Level
    trace: Mapping[str, Any] | None
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scores: Mapping[str, int] = field(default_factory=dict)
    rulings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def checks(self) -> list[Any]:
        return [item for item in self.form.checklist if self.level.name in item.levels]

    @property
    def open_criteria(self) -> list[Mapping[str, Any]]:
        """Findings an officer must rule on from evidence."""
        return [found for found in findings(self.trace) if needs_ruling(found)]

    def ruling(self, criterion: str) -> Mapping[str, Any] | None:
        """What holds for a criterion now: this review's finished ruling, else the earlier level's."""
        own = self.rulings.get(criterion)
        return own if own is not None and is_finished(own) else self.earlier.get(criterion)


def is_finished(ruling: Mapping[str, Any]) -> bool:
    """A ruling says whether the criterion holds and on what evidence; a half-written one is only a note."""
    return isinstance(ruling.get("holds"), bool) and len(ruling.get("evidence", "")) >= EVIDENCE_LEAST


def findings(trace: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The criteria of a stored trace, in the order of the bundle."""
    return list((trace or {}).get("findings", ()))


def needs_ruling(found: Mapping[str, Any]) -> bool:
    """Unknown, or not met: a file that was refused by a criterion is here again only after reconsideration.

    A flag that was raised needs nobody: it travels with the file.
    """
    return found["outcome"] == "unknown" or (found["outcome"] == "not_met" and found["effect"] != "flag")


def form_of(session: Session, admission: Admission) -> ReviewForm:
    """The review form of the release this file met; only the centre, which reviews nothing, has none."""
    form = departments.bundle_of(session, admission.release_id).review
    if form is None:
        raise NotAtReview(number=admission.number)
    return form


def sheet_of(session: Session, admission: Admission, level: Level, review: Review | None) -> Sheet:
    """The sheet of this review; a draft's content when there is one."""
    finding: Finding | None = latest_finding(session, admission)
    written = review.checklist if review is not None else {}
    return Sheet(
        form=form_of(session, admission),
        level=level,
        trace=finding.trace if finding is not None else None,
        marks=written.get("marks", {}),
        scores=written.get("scores", {}),
        rulings={ruling["criterion"]: ruling for ruling in (review.rulings if review is not None else ())},
        earlier=_earlier(session, admission, level),
    )


def _earlier(session: Session, admission: Admission, level: Level) -> dict[str, Mapping[str, Any]]:
    """Rulings the file brings along from another level; a file reopened after a refusal starts afresh there."""
    return {
        ruling["criterion"]: ruling | {"by": review.reviewer_name}
        for review in queries.decided_reviews(session, admission)
        if review.decision == "pass" and review.level != level.step
        for ruling in review.rulings
    }


# ── what stands in the way of a pass ─────────────────────────────────────────────────────────────────────────


def blocks(sheet: Sheet) -> list[Problem]:
    """Every reason why the file cannot pass here yet, in the order of the page."""
    problems: list[Problem] = []
    for found in sheet.open_criteria:
        ruling = sheet.ruling(found["id"])
        title = found["title"]["zh"]
        if ruling is None:
            half = sheet.rulings.get(found["id"])
            sentence = N_("条件“%(title)s”还没有凭材料认定。")
            if half is not None:
                sentence = N_("条件“%(title)s”的认定没写全：请选满足与否，并写明凭什么材料。")
            problems.append(Problem(f"ruling-{found['id']}", sentence, {"title": title, "id": found["id"]}))
        elif not ruling["holds"] and found["effect"] != "flag":
            sentence = N_("条件“%(title)s”认定为不满足，不能通过。")
            problems.append(Problem(f"ruling-{found['id']}", sentence, {"title": title, "id": found["id"]}))
    for item in sheet.checks:
        mark = sheet.marks.get(item.id, {}).get("mark", "")
        if mark == "ok":
            continue
        sentence = {
            "bad": N_("核对项“%(title)s”记为不符合，不能通过。"),
            "ask": N_("核对项“%(title)s”记为需补正，不能通过。"),
        }.get(mark, N_("核对项“%(title)s”还没有核对。"))
        problems.append(Problem(f"check-{item.id}", sentence, {"title": item.title.zh, "id": item.id}))
    problems += _score_problems(sheet)
    return problems


def _score_problems(sheet: Sheet) -> list[Problem]:
    if sheet.form.scores is None:
        return []
    missing = [item for item in sheet.form.scores.items if item.id not in sheet.scores]
    if missing:
        sentence = N_("评分项“%(title)s”还没有打分。")
        return [Problem(f"score-{item.id}", sentence, {"title": item.title.zh, "id": item.id}) for item in missing]
    reached = total(sheet.form, sheet.scores)
    minimum = sheet.form.scores.minimum
    if reached is not None and reached < minimum:
        sentence = N_("评分合计 %(reached)s 分，低于最低 %(minimum)s 分，不能通过。")
        return [Problem("scores", sentence, {"reached": reached, "minimum": minimum})]
    return []


def total(form: ReviewForm, scores: Mapping[str, int]) -> int | None:
    """The weighted total of 100, rounded down; None while a mark is missing or nothing is scored."""
    if form.scores is None or any(item.id not in scores for item in form.scores.items):
        return None
    return int(weighted(form.scores, scores))


def flags_after(sheet: Sheet, admission: Admission) -> tuple[list[str], str] | None:
    """New (flags, verdict) when an officer ruled that a flagging criterion does not hold; None when nothing changes."""
    ruled = [
        found["id"]
        for found in sheet.open_criteria
        if found["effect"] == "flag" and (ruling := sheet.ruling(found["id"])) and not ruling["holds"]
    ]
    flags = list(dict.fromkeys([*admission.flags, *ruled]))
    return (flags, admission.verdict or "pass") if flags != list(admission.flags) else None


def fields_in_doubt(sheet: Sheet) -> set[str]:
    """The fields of the form beside the checks that the officer found not in order."""
    return {name for item in sheet.checks if sheet.marks.get(item.id, {}).get("mark") == "bad" for name in item.evidence}


# ── what may be written ──────────────────────────────────────────────────────────────────────────────────────


def clean_marks(
    form: ReviewForm, level: str, given: Mapping[str, Any] | None, kept: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Marks and remarks of this level's items; ids and marks nobody declared are dropped."""
    source = kept if given is None else given
    marks = {}
    for item in form.checklist:
        raw = source.get(item.id)
        if level not in item.levels or not isinstance(raw, Mapping):
            continue
        mark = raw.get("mark")
        remark = str(raw.get("remark") or "").strip()[:REMARK_MOST]
        if mark in MARKS or remark:
            marks[item.id] = {"mark": mark if mark in MARKS else "", "remark": remark}
    return marks


def clean_scores(form: ReviewForm, given: Mapping[str, Any] | None, kept: Mapping[str, Any]) -> dict[str, int]:
    """Whole marks between nothing and the item's most; anything else is not a mark."""
    source = kept if given is None else given
    if form.scores is None:
        return {}
    scores = {}
    for item in form.scores.items:
        raw = str(source.get(item.id, "")).strip()
        if raw.isascii() and raw.isdecimal() and len(raw) < 5 and int(raw) <= item.max:
            scores[item.id] = int(raw)
    return scores


def clean_rulings(sheet: Sheet, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rulings on criteria that are open; half-written ones are kept, but count for nothing."""
    open_ids = {found["id"] for found in sheet.open_criteria}
    rulings = {}
    for raw in given:
        evidence = str(raw.get("evidence") or "").strip()[:EVIDENCE_MOST]
        criterion, holds = raw.get("criterion"), raw.get("holds")
        if criterion in open_ids and (isinstance(holds, bool) or evidence):
            holds = holds if isinstance(holds, bool) else None
            rulings[criterion] = {"criterion": criterion, "holds": holds, "evidence": evidence}
    return list(rulings.values())
