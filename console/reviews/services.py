"""Writing a review down, deciding, and revealing what is masked.

The rules: one level, one person; a pass needs every check of the level, every open criterion ruled on from evidence and the
score minimum; a return names real items of the form; a refusal names a ground of `review.yaml` with its article. Every decision
is made against the version of the file the officer was looking at. Moving the file is the pipeline's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from console import audit, clock, visibility
from console.applications import duties, grounds
from console.applications.models import Admission, Applicant, Finding
from console.applications.pipeline import Moved, advance
from console.applications.queries import latest_finding
from console.departments import queries as departments
from console.errors import N_, NotAllowed, NotFound, StepMovedOn
from console.reviews import people, queries, readiness, reading
from console.reviews.errors import HeldByAnother, NotAtReview, NotReady, Problem
from console.reviews.levels import ACTIONS, LEVELS, Decision, Level
from console.reviews.models import Review
from console.scope import Principal, Staff, require
from console.visibility import REASON_LEAST, REASON_MOST
from rules.pipeline import Action, Step

NOTE_MOST = 4_000
SECRETS = ("id_number", "phone", "email")


def save_review(
    session: Session,
    admission: Admission,
    *,
    actor: Principal,
    checklist: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
    note: str | None = None,
    rulings: Sequence[Mapping[str, Any]] | None = None,
    version: int | None = None,
) -> Review:
    """Keep the notes of the review under way, without deciding; an unheld file becomes the writer's.

    `checklist` maps item id to {"mark": ok|bad|ask, "remark"}; `scores` item id to marks; `rulings` are
    {"criterion", "holds": bool, "evidence"}. What is None stays as it was. Unknown ids are dropped.
    """
    level = level_of(admission)
    staff = _enter(session, admission, level, actor, version)
    return _write(session, admission, level, staff, checklist, scores, note, rulings)


def decide(
    session: Session,
    admission: Admission,
    decision: Decision | str,
    *,
    actor: Principal,
    reason: str = "",
    items: Sequence[Any] = (),
    checklist: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
    note: str | None = None,
    rulings: Sequence[Mapping[str, Any]] | None = None,
    version: int | None = None,
) -> Moved:
    """Pass, return for correction, or refuse, at the level where the file lies.

    `items`: for a return {"path", "reason"} of real fields and attachments; for a refusal the ids of its grounds.
    `version` is the file's version on the officer's screen. Raises NotReady with everything that is missing, StepMovedOn when
    somebody was faster, HeldByAnother, NotAllowed, and what `duties` raises.
    """
    decision = Decision(decision)
    level = level_of(admission)
    if level.name is None or decision not in (Decision.PASS, Decision.RETURN, Decision.REFUSE):
        raise NotAllowed()
    staff = _enter(session, admission, level, actor, version)
    review = _write(session, admission, level, staff, checklist, scores, note, rulings)
    sheet = readiness.sheet_of(session, admission, level, review)
    problems: list[Problem] = []
    kept: list[dict[str, Any]] = []
    if decision == Decision.PASS:
        problems = readiness.blocks(sheet)
    elif decision == Decision.RETURN:
        kept, problems = _returned(session, admission, items)
    else:
        kept, problems = _grounds(session, admission, sheet, items)
        problems += _reason_problems(reason)
    if problems:
        raise NotReady(problems)
    flags = None
    if decision == Decision.PASS:
        flags = readiness.flags_after(sheet, admission)
        _keep_rulings(session, admission, sheet)
    return _conclude(session, admission, review, decision, staff, reason.strip(), kept, flags=flags)


def decide_reconsideration(
    session: Session, admission: Admission, grant: bool, *, actor: Principal, reason: str, version: int | None = None
) -> Moved:
    """Rule on an applicant's one request: reopen the first review, or let the refusal stand on its grounds. Not by whoever refused."""
    level = level_of(admission)
    if level.step != Step.RECONSIDERATION:
        raise NotAtReview(number=admission.number)
    staff = _enter(session, admission, level, actor, version)
    refusal = queries.last_refusal(session, admission)
    if problems := _reason_problems(reason):
        raise NotReady(problems)
    review = _write(session, admission, level, staff, None, None, None, None)
    decision = Decision.REOPEN if grant else Decision.UPHOLD
    stands_on = [] if grant or refusal is None else refusal.items
    return _conclude(session, admission, review, decision, staff, reason.strip(), stands_on)


def secret_of(session: Session, admission: Admission, name: str) -> tuple[str, str]:
    """(the line of `console.visibility`, the value) of a secret of this file: an answer by its path, else what the account has."""
    try:
        return reading.secret_answer(session, admission, name)
    except NotFound:
        if name not in SECRETS:
            raise
    applicant = session.scalars(select(Applicant).where(Applicant.id == admission.applicant_id)).one()
    return f"applicant.{name}", getattr(applicant, name) or ""


def reveal(session: Session, admission: Admission, name: str, *, actor: Principal, reason: str) -> str:
    """One masked value of the file in full, for whoever may look behind the mask and says why; the reason is kept."""
    line, value = secret_of(session, admission, name)
    return visibility.unmask(
        session, line, value, actor=actor, row=admission, of=f"applicant:{admission.applicant_id}", reason=reason,
        division_code=admission.division_code, action="applicant.revealed", value=name, admission=admission.id,
    )  # fmt: skip


# ── the steps of a decision ──────────────────────────────────────────────────────────────────────────────────


def level_of(admission: Admission) -> Level:
    """The level the file lies at, or NotAtReview."""
    level = LEVELS.get(admission.step)
    if level is None:
        raise NotAtReview(number=admission.number)
    return level


def _enter(session: Session, admission: Admission, level: Level, actor: Principal, version: int | None) -> Staff:
    """Everything asked before a pen touches the file; an unheld file becomes the actor's."""
    if not isinstance(actor, Staff):
        raise NotAllowed()
    if version is not None and version != admission.version:
        raise StepMovedOn(number=admission.number, found=admission.step)
    require(actor, level.act, admission)
    duties.require_free(session, [admission], staff_id=actor.id, act=level.act)
    if admission.holder_id is None:
        _hold(session, admission, actor.id)
    elif admission.holder_id != actor.id:
        raise HeldByAnother(
            number=admission.number,
            holder=people.staff_names(session, [admission.holder_id]).get(admission.holder_id, ""),
        )
    return actor


def _hold(session: Session, admission: Admission, holder_id: int) -> None:
    """Compare and set: of two who take an unheld file at once, one gets it."""
    taken = session.execute(
        update(Admission)
        .where(Admission.id == admission.id, Admission.version == admission.version, Admission.holder_id.is_(None))
        .values(holder_id=holder_id)
        .returning(Admission.id)
    ).scalar_one_or_none()
    if taken is None:
        raise StepMovedOn(number=admission.number, found=admission.step)
    set_committed_value(admission, "holder_id", holder_id)


def _write(
    session: Session,
    admission: Admission,
    level: Level,
    staff: Staff,
    checklist: Mapping[str, Any] | None,
    scores: Mapping[str, Any] | None,
    note: str | None,
    rulings: Sequence[Mapping[str, Any]] | None,
) -> Review:
    review = queries.draft_of(session, admission, level.step)
    if review is None:
        rounds = select(func.coalesce(func.max(Review.round), 0)).where(
            Review.admission_id == admission.id, Review.level == level.step
        )
        review = Review(
            admission_id=admission.id,
            applicant_id=admission.applicant_id,
            office_id=admission.office_id,
            level=level.step,
            round=(session.scalar(rounds) or 0) + 1,
            checklist={"marks": {}, "scores": {}},
            rulings=[],
        )
        session.add(review)
    review.reviewer_id, review.reviewer_name = staff.id, staff.name
    review.saved_at = clock.now(session)
    if note is not None:
        review.note = note.strip()[:NOTE_MOST]
    if level.name is not None:
        form = readiness.form_of(session, admission)
        review.checklist = {
            "marks": readiness.clean_marks(form, level.name, checklist, review.checklist.get("marks", {})),
            "scores": readiness.clean_scores(form, scores, review.checklist.get("scores", {})),
        }
        review.score = readiness.total(form, review.checklist["scores"])
        if rulings is not None:
            sheet = readiness.sheet_of(session, admission, level, None)
            review.rulings = readiness.clean_rulings(sheet, rulings)
    session.flush()
    return review


def _reason_problems(reason: str) -> list[Problem]:
    if len(reason.strip()) < REASON_LEAST:
        return [Problem("reason", N_("请写明理由：申报人会在信里读到它，至少 4 个字。"))]
    if len(reason) > REASON_MOST:
        return [
            Problem(
                "reason", N_("理由最多 %(most)s 字，现在 %(seen)s 字。"), {"most": REASON_MOST, "seen": len(reason)}
            )
        ]
    return []


def _returned(
    session: Session, admission: Admission, items: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The items to reopen, each a real path of this file's form with its reason; nothing else is reopened."""
    real = reading.returnable(session, admission)
    kept: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for item in items:
        path, reason = str(item.get("path", "")), str(item.get("reason", "")).strip()
        if path not in real:
            problems.append(Problem("items", N_("申报表里没有“%(path)s”这一栏，不能退回它。"), {"path": path[:80]}))
        elif len(reason) < 2:
            problems.append(
                Problem(f"item-{path}", N_("请写明“%(label)s”要补正什么。"), {"label": real[path].zh, "path": path})
            )
        elif all(path != known["path"] for known in kept):
            label = real[path]
            kept.append({"path": path, "reason": reason[:500], "label": label.zh, "label_en": label.show("en")})
    if not items:
        problems.append(Problem("items", N_("请选出要补正的栏目或材料，并逐项写明要补什么。")))
    return kept, problems


def _grounds(
    session: Session, admission: Admission, sheet: readiness.Sheet, items: Sequence[Any]
) -> tuple[list[dict[str, Any]], list[Problem]]:
    wanted = [str(item.get("ground", "")) if isinstance(item, Mapping) else str(item) for item in items]
    bundle = departments.bundle_of(session, admission.release_id)
    kept = grounds.chosen(bundle, wanted, evidence=queries.paper_names(session, admission, readiness.fields_in_doubt(sheet)))
    if not kept:
        return [], [Problem("grounds", N_("请选出不予通过的依据，至少一条；依据只能从本部门的清单里选。"))]
    return kept, []


def _keep_rulings(session: Session, admission: Admission, sheet: readiness.Sheet) -> None:
    """Write what officers ruled beside the trace it completes: the re-check at admission does not ask again what somebody
    found out from evidence."""
    ruled = {found["id"]: sheet.ruling(found["id"]) for found in sheet.open_criteria}
    latest = latest_finding(session, admission)
    if latest is None or not ruled:
        return
    known = {criterion: {"holds": r["holds"], "evidence": r["evidence"]} for criterion, r in ruled.items() if r}
    session.add(
        Finding(
            admission_id=admission.id,
            applicant_id=admission.applicant_id,
            office_id=admission.office_id,
            release_id=latest.release_id,
            moment=latest.moment,
            evaluated_on=latest.evaluated_on,
            at=clock.now(session),
            decision=latest.decision,
            facts=latest.facts,
            derivation_version=latest.derivation_version,
            trace={**latest.trace, "rulings": known},
        )
    )


def _conclude(
    session: Session,
    admission: Admission,
    review: Review,
    decision: Decision,
    staff: Staff,
    reason: str,
    items: list[dict[str, Any]],
    *,
    flags: tuple[list[str], str] | None = None,
) -> Moved:
    """Write the review first, while the file is still this office's to write about, then move it."""
    action: Action = ACTIONS[decision]
    review.decision, review.reason, review.items = str(decision), reason, items
    review.decided_at = clock.now(session)
    session.flush()
    audit.record(
        session,
        "review.decided",
        f"review:{review.id}",
        division_code=admission.division_code,
        decision=str(decision),
        level=review.level,
        round=review.round,
        admission=admission.id,
        rulings=[[r["criterion"], r["holds"]] for r in review.rulings if readiness.is_finished(r)] or None,
    )
    return advance(
        session,
        [admission],
        action,
        actor=staff,
        reason=reason or None,
        items=items,
        flags={admission.id: flags} if flags else None,
    )[0]
