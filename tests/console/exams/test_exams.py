"""Sitting an exam: drawn from a committed seed, saved one by one, graded at once, by the same rules whoever hands in."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from console import clock as console_clock
from console import db
from console.applications import jobs as lapsing
from console.applications import services as applications
from console.applications.models import Admission
from console.audit import AuditEntry
from console.departments.queries import bundle_of
from console.errors import NotAllowed, NotFound
from console.exams import jobs, papers, queries, services
from console.exams.errors import DeadlineOver, NotAChoice, NotAtExam, NotFinished, NoTriesLeft, TimeIsUp, TooSoon
from console.exams.models import Answer, Attempt, Paper
from console.outbox import OutboxMessage
from console.scope import Applicant, System, become
from rules.bundle import Bundle, read_folder
from rules.pipeline import Step
from tests.factories import make_admission, make_applicant


def _at_exam(session, **values) -> tuple[Admission, Applicant]:
    admission = make_admission(session, step=Step.EXAM, due_in=60, **values)
    return admission, Applicant(admission.applicant_id)


def _right(session, attempt: Attempt) -> dict[str, str]:
    """The right answers, in the letters of this paper."""
    bank = {question.id: question for question in bundle_of(session, attempt.paper.release_id).exam_questions}
    return {
        q["id"]: "".join(sorted(q["letters"][q["order"].index(letter)] for letter in bank[q["id"]].answer))
        for q in attempt.paper.questions
    }


def _wrong(session, attempt: Attempt) -> dict[str, str]:
    right = _right(session, attempt)
    return {q["id"]: next(letter for letter in q["letters"] if letter != right[q["id"]]) for q in attempt.paper.questions}


def _answer(session, attempt: Attempt, answers: dict[str, str], actor: Applicant) -> None:
    for question, choice in answers.items():
        services.save_answer(session, attempt, question, choice, actor=actor)


def _topics(session) -> list[tuple[str, list[int]]]:
    rows = session.execute(select(OutboxMessage.topic, OutboxMessage.ids).order_by(OutboxMessage.id))
    return [(topic, ids) for topic, ids in rows if topic.startswith("exam.")]


# ── starting ──


def test_start_commits_to_a_seed_before_anything_is_drawn(session):
    admission, actor = _at_exam(session)

    attempt = services.start(session, admission, actor=actor)

    exam, paper = bundle_of(session, admission.release_id).exam, attempt.paper
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.action.in_(("exam.seed_committed", "exam.started"))).order_by(AuditEntry.id)
    ).all()
    assert [entry.action for entry in entries] == ["exam.seed_committed", "exam.started"]
    assert entries[0].facts["commitment"] == paper.commitment == hashlib.sha256(bytes.fromhex(paper.seed)).hexdigest()
    assert paper.seed not in "".join(entry.body for entry in entries)
    assert (attempt.number, paper.number, paper.full_marks) == (1, 1, exam.total)
    assert len(paper.questions) == sum(row.count for row in exam.blueprint)
    assert attempt.ends_at - attempt.started_at == dt.timedelta(minutes=exam.minutes)
    assert queries.verify(session, attempt)


def test_starting_again_returns_the_attempt_under_way(session, clock):
    admission, actor = _at_exam(session)
    first = services.start(session, admission, actor=actor)
    clock.advance(minutes=5)

    again = services.start(session, admission, actor=actor)

    assert again is first
    assert session.scalar(select(func.count(Paper.id)).where(Paper.admission_id == admission.id)) == 1


def test_start_is_the_applicants_own_and_at_its_step(session):
    admission, _ = _at_exam(session)
    other = Applicant(make_applicant(session).id)
    early = make_admission(session, step=Step.TRAINING)

    with pytest.raises(NotAllowed):
        services.start(session, admission, actor=other)
    with pytest.raises(NotAtExam):
        services.start(session, early, actor=Applicant(early.applicant_id))


def test_try_begun_near_the_deadline_ends_with_it(session, clock):
    admission, actor = _at_exam(session)
    clock.set(admission.due_at - dt.timedelta(minutes=10))

    attempt = services.start(session, admission, actor=actor)

    assert attempt.ends_at == admission.due_at
    assert queries.standing(session, admission).minutes_before_deadline == 10


def test_no_try_begins_in_the_last_minute(session, clock):
    admission, actor = _at_exam(session)
    clock.set(admission.due_at - dt.timedelta(seconds=30))

    with pytest.raises(DeadlineOver):
        services.start(session, admission, actor=actor)


def test_tries_and_the_days_between_them(session, clock):
    admission, actor = _at_exam(session)
    exam = bundle_of(session, admission.release_id).exam
    for number in range(1, exam.tries):
        attempt = services.start(session, admission, actor=actor)
        assert attempt.number == number
        services.finish(session, attempt, actor=actor)
        with pytest.raises(TooSoon) as error:
            services.start(session, admission, actor=actor)
        again = console_clock.day_of(attempt.finished_at) + dt.timedelta(days=exam.wait_days)
        assert error.value.on == again.isoformat() == queries.standing(session, admission).may_start_on.isoformat()
        clock.set(console_clock.at_midnight(again))
    assert admission.step == Step.EXAM

    last = services.start(session, admission, actor=actor)
    services.finish(session, last, actor=actor)

    assert admission.step == Step.FAILED
    assert queries.standing(session, admission).may_start_on is None
    with pytest.raises(NotAtExam):
        services.start(session, admission, actor=actor)


def test_every_try_used_leaves_none_even_when_the_file_still_lies_there(session, clock):
    admission, actor = _at_exam(session)
    exam = bundle_of(session, admission.release_id).exam
    for number in range(exam.tries):
        attempt = services._sit(session, admission, number=number + 1, now=console_clock.now(session), ends_at=admission.due_at)
        attempt.finished_at, attempt.marks, attempt.passed, attempt.graded = attempt.started_at, 0, False, []
    session.flush()

    with pytest.raises(NoTriesLeft):
        services.start(session, admission, actor=actor)


# ── answering ──


def test_latest_choice_counts_and_an_empty_one_takes_it_back(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    single, multiple = (next(q["id"] for q in attempt.paper.questions if q["kind"] == kind) for kind in ("single", "multiple"))

    for question, choice in ((single, "A"), (single, "b"), (multiple, "ca"), (multiple, "ＡＣ"), (single, "")):
        services.save_answer(session, attempt, question, choice, actor=actor)

    saved = session.execute(select(Answer.question, Answer.choice).where(Answer.attempt_id == attempt.id)).all()
    assert dict(saved) == {single: "", multiple: "AC"}
    assert queries.paper_page(session, attempt).answered == 1 == queries.progress(session, attempt)[1]


def test_saving_an_answer_is_one_statement(session, statements):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    question = attempt.paper.questions[0]["id"]
    session.flush()

    with statements() as seen:
        services.save_answer(session, attempt, question, "A", actor=actor)

    assert len(seen) == 1


@pytest.mark.parametrize("choice", ["AB", "F", "甲", "A" * 40, "1"])
def test_choice_the_question_does_not_have_is_not_saved(session, choice):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    single = next(q["id"] for q in attempt.paper.questions if q["kind"] == "single" and len(q["options"]) < 6)

    with pytest.raises(NotAChoice):
        services.save_answer(session, attempt, single, choice, actor=actor)
    with pytest.raises(NotAChoice):
        services.save_answer(session, attempt, "NO-SUCH-1", "A", actor=actor)
    assert session.scalars(select(Answer).where(Answer.attempt_id == attempt.id)).all() == []


def test_answer_within_the_grace_is_saved_and_after_it_refused(session, clock):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    one, two = (q["id"] for q in attempt.paper.questions[:2])

    clock.set(attempt.ends_at + services.GRACE - dt.timedelta(seconds=1))
    services.save_answer(session, attempt, one, "A", actor=actor)
    clock.set(attempt.ends_at + services.GRACE)
    with pytest.raises(TimeIsUp):
        services.save_answer(session, attempt, two, "A", actor=actor)

    assert session.scalars(select(Answer.question).where(Answer.attempt_id == attempt.id)).all() == [one]


def test_answer_after_handing_in_is_refused(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    services.finish(session, attempt, actor=actor)

    with pytest.raises(TimeIsUp):
        services.save_answer(session, attempt, attempt.paper.questions[0]["id"], "A", actor=actor)


def test_nobody_answers_or_hands_in_for_somebody_else(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    other = Applicant(make_applicant(session).id)

    with pytest.raises(NotFound):
        services.save_answer(session, attempt, attempt.paper.questions[0]["id"], "A", actor=other)
    with pytest.raises(NotFound):
        services.finish(session, attempt, actor=other)
    attempt_id = attempt.id
    with become(other), pytest.raises(NotFound):
        queries.attempt(session, attempt_id)


# ── grading ──


def test_all_right_passes_and_the_file_goes_on_to_publicity(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    _answer(session, attempt, _right(session, attempt), actor)

    services.finish(session, attempt, actor=actor)

    result = queries.result(session, attempt)
    assert (result.marks, result.passed, result.tries_left, result.next_try_on) == (result.full_marks, True, 0, None)
    assert all(line.is_right and line.article for line in result.questions)
    assert admission.step == Step.PUBLICITY
    assert _topics(session) == []
    assert session.get_one(Attempt, attempt.id).marks == result.marks


def test_failed_try_is_told_and_the_file_stays(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    _answer(session, attempt, _wrong(session, attempt), actor)

    services.finish(session, attempt, actor=actor)
    services.finish(session, attempt, actor=actor)

    assert (attempt.marks, attempt.passed, admission.step) == (0, False, Step.EXAM)
    assert _topics(session) == [("exam.try_failed", [attempt.id])]


def test_pass_mark_is_met_exactly(session):
    admission, actor = _at_exam(session)
    exam = bundle_of(session, admission.release_id).exam
    attempt = services.start(session, admission, actor=actor)
    right, marks = _right(session, attempt), {q["id"]: q["marks"] for q in attempt.paper.questions}
    chosen: dict[str, str] = {}
    for question in sorted(marks, key=marks.__getitem__, reverse=True):
        if sum(marks[q] for q in chosen) + marks[question] <= exam.pass_mark:
            chosen[question] = right[question]
    assert sum(marks[q] for q in chosen) == exam.pass_mark

    _answer(session, attempt, chosen, actor)
    services.finish(session, attempt, actor=actor)

    assert (attempt.marks, attempt.passed) == (exam.pass_mark, True)


def test_time_over_is_graded_with_what_was_saved_by_the_clock(session, clock):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    ids = (attempt.id, admission.id)
    _answer(session, attempt, _right(session, attempt), actor)
    ends_at = attempt.ends_at
    clock.set(ends_at + dt.timedelta(seconds=5))
    assert jobs.finish_due([ids[0]]) == 0  # answers may still be on their way
    clock.set(ends_at + services.GRACE)

    graded, again = jobs.finish_due([ids[0]]), jobs.finish_due([ids[0]])

    attempt = session.get_one(Attempt, ids[0])
    assert (graded, again) == (1, 0)
    assert (attempt.passed, attempt.finished_at) == (True, ends_at)
    assert session.get_one(Admission, ids[1]).step == Step.PUBLICITY


def test_who_sits_when_the_deadline_falls_is_graded_before_the_file_can_lapse(session, clock):
    admission, actor = _at_exam(session)
    admission_id, due_at = admission.id, admission.due_at
    clock.set(due_at - dt.timedelta(minutes=20))
    attempt = services.start(session, admission, actor=actor)
    attempt_id = attempt.id
    _answer(session, attempt, _right(session, attempt), actor)
    clock.set(due_at + dt.timedelta(hours=1))

    lapsing.lapse([admission_id])
    assert session.get_one(Admission, admission_id).step == Step.EXAM
    jobs.finish_due([attempt_id])
    lapsing.lapse([admission_id])

    assert session.get_one(Admission, admission_id).step == Step.PUBLICITY


def test_failing_as_the_deadline_falls_lapses_after_the_grading(session, clock):
    admission, actor = _at_exam(session)
    admission_id, due_at = admission.id, admission.due_at
    clock.set(due_at - dt.timedelta(minutes=20))
    attempt_id = services.start(session, admission, actor=actor).id
    clock.set(due_at + dt.timedelta(hours=1))

    jobs.finish_due([attempt_id])
    lapsing.lapse([admission_id])

    assert session.get_one(Admission, admission_id).step == Step.LAPSED


def test_starting_after_the_time_ran_out_shows_the_graded_attempt(session, clock):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    clock.set(attempt.ends_at + dt.timedelta(minutes=1))

    found = services.start(session, admission, actor=actor)

    assert found is attempt and found.finished_at == found.ends_at and found.passed is False


def test_file_that_left_the_exam_keeps_its_place(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    _answer(session, attempt, _right(session, attempt), actor)
    applications.withdraw(session, admission, actor=actor, reason="")
    services.finish(session, attempt, actor=actor)

    assert (attempt.passed, admission.step) == (True, Step.WITHDRAWN)


def test_set_is_graded_with_the_statements_of_one(session, statements):
    def sit(count: int) -> list[Attempt]:
        sat = []
        for _ in range(count):
            admission, actor = _at_exam(session)
            sat.append(services.start(session, admission, actor=actor))
        session.flush()
        return sat

    one, many = sit(1), sit(5)
    with statements() as for_one:
        services.grade(session, one, actor=System("test"))
        session.flush()
    with statements() as for_many:
        graded = services.grade(session, many, actor=System("test"))
        session.flush()

    assert [attempt.marks for attempt in graded] == [0] * 5
    assert len(for_many) == len(for_one)


@pytest.fixture(scope="module")
def transport() -> Bundle:
    root = Path(__file__).parents[3] / "plugins"
    return read_folder(root / "transport", centre=read_folder(root / "centre"))


@given(seed=st.binary(min_size=32, max_size=32), picks=st.lists(st.text("ABCD", max_size=4), min_size=30, max_size=30))
def test_grading_depends_on_the_answers_alone(transport, seed, picks):
    questions = papers.draw(transport, seed.hex())
    answers = {q["id"]: papers.tidy("".join(c for c in pick if c in q["letters"])) for q, pick in zip(questions, picks, strict=False)}

    stored = json.loads(json.dumps(questions))
    first, second = papers.grade(transport, questions, answers), papers.grade(transport, stored, dict(reversed(answers.items())))

    assert first == second and stored == papers.draw(transport, seed.hex())
    bank = {q.id: q for q in transport.exam_questions}
    for line, question in zip(first, questions, strict=True):
        texts = {question["options"][question["letters"].index(letter)] for letter in answers.get(question["id"], "")}
        meant = {text for letter, text in bank[question["id"]].options if letter in bank[question["id"]].answer}
        assert line["right"] == (texts == meant)


# ── what pages may know ──


def test_paper_never_tells_its_key_before_or_after(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    bank = {q.id: q for q in bundle_of(session, admission.release_id).exam_questions}
    # one explanation of the bank repeats its own question
    explained = [bank[q["id"]].explanation for q in attempt.paper.questions if bank[q["id"]].explanation not in q["stem"]]
    assert explained  # something that could leak

    page = queries.paper_page(session, attempt)
    with pytest.raises(NotFinished):
        queries.result(session, attempt)

    told = json.dumps(dataclasses.asdict(page), ensure_ascii=False, default=str)
    assert attempt.paper.seed not in told and not any(text in told for text in explained)
    assert {field.name for field in dataclasses.fields(page.questions[0])} == {
        "id", "position", "kind", "stem", "topic", "marks", "options", "choice", "lang"
    }  # fmt: skip
    assert not any({"answer", "key", "explanation"} & question.keys() for question in attempt.paper.questions)
    for shown in page.questions:
        assert [letter for letter, _ in shown.options] == list("ABCDEF"[: len(shown.options)])


def test_options_stand_elsewhere_on_another_paper(session):
    orders = set()
    for _ in range(6):
        admission, actor = _at_exam(session)
        attempt = services.start(session, admission, actor=actor)
        orders |= {(q["id"], q["order"]) for q in attempt.paper.questions if q["kind"] == "single"}

    assert len(orders) > len({question for question, _ in orders})


def test_seed_opens_the_commitment_and_a_changed_paper_does_not_verify(session):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    services.finish(session, attempt, actor=actor)
    result = queries.result(session, attempt)
    assert hashlib.sha256(bytes.fromhex(result.seed)).hexdigest() == result.commitment and result.is_verified

    attempt.paper.seed = "00" * 32
    assert not queries.verify(session, attempt)
    session.expire(attempt.paper)


def test_seconds_left_count_down_to_nothing(session, clock):
    admission, actor = _at_exam(session)
    attempt = services.start(session, admission, actor=actor)
    clock.set(attempt.ends_at - dt.timedelta(seconds=90))
    before = queries.paper_page(session, attempt).seconds_left
    clock.set(attempt.ends_at + dt.timedelta(hours=1))

    assert (before, queries.paper_page(session, attempt).seconds_left) == (90, 0)


# ── the web's own login ──


def test_applicant_sits_under_the_webs_login_from_start_to_publicity(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        admission_id, actor = (made := _at_exam(session))[0].id, made[1]

    with become(actor), db.transaction() as session:
        attempt = services.start(session, session.get_one(Admission, admission_id), actor=actor)
    with become(actor), db.transaction() as session:
        attempt = queries.attempt(session, attempt.id)
        _answer(session, attempt, _right(session, attempt), actor)
    with become(actor), db.transaction() as session:
        attempt = services.finish(session, queries.attempt(session, attempt.id), actor=actor)
        result = queries.result(session, attempt)

    assert (result.passed, result.is_verified) == (True, True)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(Admission, admission_id).step == Step.PUBLICITY


def test_answer_that_meets_the_grader_waits_and_is_refused(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        admission, actor = _at_exam(session)
        attempt = services.start(session, admission, actor=actor)
        attempt_id, question = attempt.id, attempt.paper.questions[0]["id"]
    outcome: list[object] = []

    def save() -> None:
        try:
            with become(actor), db.transaction() as session:
                outcome.append(services.save_answer(session, queries.attempt(session, attempt_id), question, "A", actor=actor))
        except TimeIsUp as error:
            outcome.append(type(error))

    late = threading.Thread(target=save)
    with become(actor), db.transaction() as session:
        services.finish(session, queries.attempt(session, attempt_id), actor=actor)
        session.flush()
        late.start()
        late.join(0.5)
        assert outcome == []  # it waits for the grader to commit
    late.join(10)

    assert outcome == [TimeIsUp]
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(Answer).where(Answer.attempt_id == attempt_id)).all() == []
