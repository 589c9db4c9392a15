"""Training units and the exam, over the rooms of the same names. Time is the server's; every answer is saved as it is given."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.applications import queries
from console.applications.models import Admission
from console.db import transaction
from console.departments import queries as departments
from console.doors.dates import moment
from console.errors import NotFound
from console.exams import queries as exams
from console.exams import services as sitting
from console.exams.errors import TimeIsUp
from console.portal.door import door, lang, me, page, wants_json
from console.training import queries as training
from console.training import services as study
from rules.pipeline import Step

AFTER_EXAM = (Step.EXAM, Step.FAILED, Step.PUBLICITY, Step.ROSTER)


@door.get("/training")
def learning() -> ResponseReturnValue:
    """Everything there is to learn and to sit, department by department."""
    with transaction() as session:
        found = session.scalars(
            select(Admission).options(joinedload(Admission.department)).order_by(Admission.id.desc())
        ).all()
        return page("learning", courses=[course for a in found if (course := _course(session, a))], here="learn")


def _course(session: Session, admission: Admission) -> dict[str, Any] | None:
    """What one file still has to learn and sit; None when it asks for neither (any more)."""
    if admission.step in (Step.WITHDRAWN, Step.LAPSED, Step.REFUSED, Step.ASSIGNMENT):
        return None
    units = training.units(session, admission)
    bundle = departments.bundle_of(session, admission.release_id)
    has_exam = bundle.manifest.pipeline is not None and bundle.manifest.pipeline.exam.value and bundle.exam is not None
    return {
        "admission": admission,
        "units": units,
        "done": sum(unit.is_complete for unit in units),
        "may_study": admission.step in study.STUDY_STEPS,
        "exam": exams.standing(session, admission) if has_exam else None,
    } if units or has_exam else None


@door.get("/training/<int:admission_id>/<unit_id>")
def unit(admission_id: int, unit_id: str) -> ResponseReturnValue:
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        units = training.units(session, admission)
        place = next((i for i, one in enumerate(units) if one.unit.id == unit_id), None)
        if place is None:
            raise NotFound()
        return page(
            "unit",
            admission=admission,
            units=units,
            progress=units[place],
            number=place + 1,
            body=training.unit_html(units[place].unit, lang()),
            may_study=admission.step in study.STUDY_STEPS,
            here="learn",
        )


@door.post("/training/<int:admission_id>/<unit_id>")
def unit_read(admission_id: int, unit_id: str) -> ResponseReturnValue:
    """“I have read it”: both moments are kept, opening and confirming."""
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        study.open_unit(session, admission, unit_id, actor=me())
        complete = study.complete_unit(session, admission, unit_id, actor=me())
        left = [one.unit.id for one in training.units(session, admission) if not one.is_complete]
    if complete:
        flash(_("各单元都学完了。"), "ok")
    if left:
        return redirect(url_for(".unit", admission_id=admission_id, unit_id=left[0]), 303)
    return redirect(url_for(".learning"), 303)


# ── the exam ─────────────────────────────────────────────────────────────────────────────────────────────────


@door.get("/exams/<int:admission_id>")
def exam(admission_id: int) -> ResponseReturnValue:
    """The rules, before anything starts."""
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        standing = exams.standing(session, admission)
        if standing.under_way is not None and standing.under_way.ends_at > clock.now(session):
            return redirect(url_for(".sit", attempt_id=standing.under_way.id))
        return page("exam_start", admission=admission, standing=standing, today=clock.today(session), here="learn")


@door.post("/exams/<int:admission_id>")
def start_exam(admission_id: int) -> ResponseReturnValue:
    with transaction() as session:
        admission = queries.own_admission(session, admission_id)
        attempt = sitting.start(session, admission, actor=me())
        over = attempt.finished_at is not None
    return redirect(url_for(".exam_result" if over else ".sit", attempt_id=attempt.id), 303)


@door.get("/attempts/<int:attempt_id>")
def sit(attempt_id: int) -> ResponseReturnValue:
    with transaction() as session:
        attempt = exams.attempt(session, attempt_id)
        if attempt.finished_at is not None:
            return redirect(url_for(".exam_result", attempt_id=attempt.id))
        return page("exam", attempt=attempt, paper=exams.paper_page(session, attempt, lang()), here="learn")


@door.post("/attempts/<int:attempt_id>/answers")
def answer(attempt_id: int) -> ResponseReturnValue:
    """Save one answer; asked by our script it says when, and how much time is left."""
    question = request.form.get("question", "")
    choice = "".join(sorted(request.form.getlist(f"choice:{question}")))
    with transaction() as session:
        attempt = exams.attempt(session, attempt_id)
        at = sitting.save_answer(session, attempt, question, choice, actor=me())
        paper = exams.paper_page(session, attempt)
    if wants_json():
        return jsonify(saved=_("%(time)s 已存", time=moment(at)), left=paper.seconds_left, answered=paper.answered)
    return redirect(url_for(".sit", attempt_id=attempt_id, _anchor=f"q{_position(paper, question)}"), 303)


@door.get("/attempts/<int:attempt_id>/clock")
def exam_clock(attempt_id: int) -> ResponseReturnValue:
    """How many seconds are left, by the server's clock."""
    with transaction() as session:
        attempt = exams.attempt(session, attempt_id)
        return jsonify(left=exams.paper_page(session, attempt).seconds_left, over=attempt.finished_at is not None)


def _position(paper: Any, question: str) -> int:
    return next((one.position for one in paper.questions if one.id == question), 1)


@door.post("/attempts/<int:attempt_id>/finish")
def finish(attempt_id: int) -> ResponseReturnValue:
    """Hand in. Without a script the whole paper comes with this form: each answer is saved first, while there is time."""
    with transaction() as session:
        attempt = exams.attempt(session, attempt_id)
        if attempt.finished_at is None:
            saved = {one.id: one.choice for one in exams.paper_page(session, attempt).questions}
            for question, before in saved.items():
                choice = "".join(sorted(request.form.getlist(f"choice:{question}")))
                if f"asked:{question}" in request.form and choice != before:
                    try:
                        sitting.save_answer(session, attempt, question, choice, actor=me())
                    except TimeIsUp:
                        break
            if request.form.get("do") == "save":
                return redirect(url_for(".sit", attempt_id=attempt_id), 303)
        sitting.finish(session, attempt, actor=me())
    return redirect(url_for(".exam_result", attempt_id=attempt_id), 303)


@door.get("/attempts/<int:attempt_id>/result")
def exam_result(attempt_id: int) -> ResponseReturnValue:
    with transaction() as session:
        attempt = exams.attempt(session, attempt_id)
        if attempt.finished_at is None:
            return redirect(url_for(".sit", attempt_id=attempt.id))
        admission = queries.own_admission(session, attempt.admission_id)
        return page("exam_result", admission=admission, result=exams.result(session, attempt, lang()), here="learn")
