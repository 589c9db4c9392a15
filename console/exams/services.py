"""Sitting an exam: start, save answers one by one, hand in; whose time is over is graded with what was saved.

The draw is fixed before anything is drawn: a random seed is committed to (its SHA-256 goes to the audit and onto the paper), the
paper follows from the seed alone, and the seed is shown with the result, so that anybody can draw the same paper again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, DateTime, Integer, Text, cast, column, func, literal, or_, select, true, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from console import audit, clock, outbox
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.departments.queries import bundle_of
from console.errors import NotAllowed, NotFound
from console.exams import papers
from console.exams.errors import DeadlineOver, NotAChoice, NotAtExam, NoTriesLeft, TimeIsUp, TooSoon
from console.exams.models import Answer, Attempt, Paper
from console.scope import Applicant, Principal
from rules.bundle import Bundle
from rules.exams import Exam
from rules.pipeline import Action, Step

GRACE = dt.timedelta(seconds=15)  # an answer given in time may arrive a little later
SHORTEST = dt.timedelta(minutes=1)
START_LOCK = 7_402_611  # advisory lock class: two clicks on “start” are one start


# ── sitting ──────────────────────────────────────────────────────────────────────────────────────────────────


def start(session: Session, admission: Admission, *, actor: Principal) -> Attempt:
    """The attempt under way, or a new one with a freshly drawn paper.

    When the last attempt's time ran out and nobody graded it yet, it is graded now and returned: look at `finished_at`.
    A try that begins shortly before the deadline of the step ends with it. Raises NotAllowed, NotAtExam, NoTriesLeft,
    TooSoon, DeadlineOver.
    """
    if not isinstance(actor, Applicant) or actor.id != admission.applicant_id:
        raise NotAllowed()
    if admission.step != Step.EXAM:
        raise NotAtExam(number=admission.number)
    session.execute(select(func.pg_advisory_xact_lock(START_LOCK, admission.id)))
    exam = exam_in(bundle_of(session, admission.release_id))
    earlier = session.scalars(
        select(Attempt).where(Attempt.admission_id == admission.id).order_by(Attempt.number)
    ).all()
    now = clock.now(session)
    last = earlier[-1] if earlier else None
    if last is not None and last.finished_at is None:
        if now >= last.ends_at + GRACE:
            grade(session, [last], actor=actor)
        return last
    if len(earlier) >= exam.tries:
        raise NoTriesLeft()
    if last is not None and clock.today(session) < (on := next_try_on(exam, last)):
        raise TooSoon(on=on.isoformat())
    ends_at = now + dt.timedelta(minutes=exam.minutes)
    if admission.due_at is not None:
        ends_at = min(ends_at, admission.due_at)
    if ends_at - now < SHORTEST:
        raise DeadlineOver()
    return _sit(session, admission, number=len(earlier) + 1, now=now, ends_at=ends_at)


def _sit(session: Session, admission: Admission, *, number: int, now: dt.datetime, ends_at: dt.datetime) -> Attempt:
    seed = secrets.token_bytes(32)
    commitment = hashlib.sha256(seed).hexdigest()
    audit.record(
        session,
        "exam.seed_committed",
        f"admission:{admission.id}",
        division_code=admission.division_code,
        attempt=number,
        commitment=commitment,
        release=admission.release_id,
    )
    session.flush()  # the commitment stands before anything is drawn
    questions = papers.draw(bundle_of(session, admission.release_id), seed.hex())
    belongs = {
        "admission_id": admission.id,
        "applicant_id": admission.applicant_id,
        "office_id": admission.office_id,
        "number": number,
    }
    paper = Paper(
        **belongs,
        release_id=admission.release_id,
        seed=seed.hex(),
        commitment=commitment,
        questions=questions,
        full_marks=sum(question["marks"] for question in questions),
        drawn_at=now,
    )
    session.add(paper)
    attempt = Attempt(**belongs, paper=paper, started_at=now, ends_at=ends_at)
    session.add(attempt)
    session.flush()
    audit.record(
        session,
        "exam.started",
        f"attempt:{attempt.id}",
        division_code=admission.division_code,
        questions=[question["id"] for question in questions],
    )
    return attempt


def save_answer(session: Session, attempt: Attempt, question: str, choice: str, *, actor: Principal) -> dt.datetime:
    """Keep the latest choice for one question (letters as shown: `B`, `AC`; empty takes it back), in one statement.

    Returns when it was saved. Raises TimeIsUp once the paper is handed in or its time is over, NotAChoice for a question or
    option the paper does not have, NotFound for anybody else's attempt.
    """
    if not isinstance(actor, Applicant) or actor.id != attempt.applicant_id:
        raise NotFound()
    letters = papers.tidy(choice)
    now = clock.now(session)
    asked = func.jsonb_array_elements(Paper.questions).table_valued("value", joins_implicitly=True).alias("asked")
    field = cast(asked.c.value, JSONB)
    # FOR KEY SHARE: answers do not wait for each other, and none slips in behind the grader, who locks the row first
    sitting = (
        select(
            Attempt.id,
            Attempt.admission_id,
            Attempt.applicant_id,
            Attempt.office_id,
            field["id"].astext,
            literal(letters),
            literal(now, DateTime(timezone=True)),
        )
        .join(Paper, Paper.id == Attempt.paper_id)
        .join(asked, true())
        .where(
            Attempt.id == attempt.id,
            Attempt.finished_at.is_(None),
            Attempt.ends_at > now - GRACE,
            field["id"].astext == question,
            func.translate(literal(letters), field["letters"].astext, "") == "",
            or_(field["kind"].astext == "multiple", func.length(literal(letters)) <= 1),
        )
        .with_for_update(of=Attempt, read=True, key_share=True)
    )
    row = insert(Answer).from_select(
        ["attempt_id", "admission_id", "applicant_id", "office_id", "question", "choice", "saved_at"], sitting
    )
    saved = session.execute(
        row.on_conflict_do_update(
            index_elements=["attempt_id", "question"],
            set_={"choice": row.excluded.choice, "saved_at": row.excluded.saved_at},
        ).returning(Answer.saved_at)
    ).scalar()
    if saved is None:
        raise _why_not_saved(session, attempt, now)
    return saved


def _why_not_saved(session: Session, attempt: Attempt, now: dt.datetime) -> TimeIsUp | NotAChoice:
    open_still = select(Attempt.id).where(
        Attempt.id == attempt.id, Attempt.finished_at.is_(None), Attempt.ends_at > now - GRACE
    )
    return NotAChoice() if session.scalar(open_still) else TimeIsUp()


def finish(session: Session, attempt: Attempt, *, actor: Principal) -> Attempt:
    """Hand in: graded at once, and the file goes on, waits for another try, or ends. Handing in twice changes nothing."""
    if not isinstance(actor, Applicant) or actor.id != attempt.applicant_id:
        raise NotFound()
    grade(session, [attempt], actor=actor)
    return attempt


def finish_due(session: Session, attempt_ids: Sequence[int], *, actor: Principal) -> list[Attempt]:
    """Hand in for those whose time is over, with what they saved; the others, and those already graded, are left alone."""
    over = session.scalars(
        select(Attempt).where(
            Attempt.id.in_(attempt_ids), Attempt.finished_at.is_(None), Attempt.ends_at <= clock.now(session) - GRACE
        )
    ).all()
    return grade(session, over, actor=actor)


# ── grading ──────────────────────────────────────────────────────────────────────────────────────────────────


def grade(session: Session, attempts: Sequence[Attempt], *, actor: Principal) -> list[Attempt]:
    """Grade a set with the answers that are saved, and move the files; the statements are those of a set of one.

    Returns those graded now; what somebody else graded first is left as it is. A file that has left the exam meanwhile
    (withdrawn, lapsed) keeps its marks and stays where it is.
    """
    ids = [attempt.id for attempt in attempts]
    taken = session.scalars(
        select(Attempt)
        .where(Attempt.id.in_(ids), Attempt.finished_at.is_(None))
        .order_by(Attempt.id)
        .options(joinedload(Attempt.paper, innerjoin=True))
        .with_for_update(of=Attempt)
        .execution_options(populate_existing=True)
    ).all()
    if not taken:
        for attempt in attempts:
            session.refresh(attempt)
        return []
    answers: dict[int, dict[str, str]] = defaultdict(dict)
    saved = select(Answer.attempt_id, Answer.question, Answer.choice).where(Answer.attempt_id.in_(ids))
    for attempt_id, question, choice in session.execute(saved):
        answers[attempt_id][question] = choice
    now = clock.now(session)
    bundles = {release_id: bundle_of(session, release_id) for release_id in {a.paper.release_id for a in taken}}
    exams: dict[int, Exam] = {}
    rows = []
    for attempt in taken:
        paper, bundle = attempt.paper, bundles[attempt.paper.release_id]
        exams[attempt.id] = exam_in(bundle)
        graded = papers.grade(bundle, paper.questions, answers[attempt.id])
        marks = sum(line["marks"] for line in graded)
        values = {
            "finished_at": min(now, attempt.ends_at),
            "marks": marks,
            "passed": marks >= exams[attempt.id].pass_mark,
            "graded": graded,
        }
        rows.append({"id": attempt.id} | values)
        for name, value in values.items():
            set_committed_value(attempt, name, value)
    _write_grades(session, rows)
    session.add_all(
        audit.entry(session, "exam.graded", f"attempt:{a.id}", marks=a.marks, passed=a.passed, number=a.number)
        for a in taken
    )
    _move_on(session, taken, exams, actor=actor)
    return list(taken)


def _write_grades(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    given = (
        func.jsonb_to_recordset(cast(literal(json.dumps(rows, default=str), Text), JSONB))
        .table_valued(
            column("id", Integer),
            column("finished_at", DateTime(timezone=True)),
            column("marks", Integer),
            column("passed", Boolean),
            column("graded", JSONB),
        )
        .render_derived(name="given", with_types=True)
    )
    session.execute(
        update(Attempt)
        .where(Attempt.id == given.c.id, Attempt.finished_at.is_(None))
        .values(
            finished_at=given.c.finished_at,
            marks=given.c.marks,
            passed=given.c.passed,
            graded=given.c.graded,
            claimed_until=None,
        ),
        execution_options={"synchronize_session": False},
    )


def _move_on(session: Session, graded: Sequence[Attempt], exams: dict[int, Exam], *, actor: Principal) -> None:
    found = session.scalars(
        select(Admission)
        .where(Admission.id.in_([attempt.admission_id for attempt in graded]), Admission.step == Step.EXAM)
        .execution_options(populate_existing=True)
    )
    at_exam = {admission.id: admission for admission in found}
    passed, failed, again = [], [], []
    for attempt in graded:
        admission = at_exam.get(attempt.admission_id)
        if admission is None:
            continue
        if attempt.passed:
            passed.append(admission)
        elif attempt.number >= exams[attempt.id].tries:
            failed.append(admission)
        else:
            again.append(attempt.id)
    if passed:
        advance(session, passed, Action.PASS_STEP, actor=actor, lenient=True)
    if failed:
        advance(session, failed, Action.FAIL, actor=actor, lenient=True)
    outbox.publish(session, "exam.try_failed", again)


# ── settings of the release ──────────────────────────────────────────────────────────────────────────────────


def exam_in(bundle: Bundle) -> Exam:
    """The exam of a release; NotFound for a department that holds none."""
    exam: Exam | None = bundle.exam
    if exam is None:
        raise NotFound()
    return exam


def next_try_on(exam: Exam, last: Attempt) -> dt.date:
    """The first day of another try: so many calendar days after the day the last one ended."""
    return clock.day_of(last.finished_at or last.ends_at) + dt.timedelta(days=exam.wait_days)
