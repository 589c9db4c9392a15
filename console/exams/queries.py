"""Where an applicant stands with the exam, the paper as it is shown, and the result once it is handed in.

What these answer goes to pages: no answer key is in any of it, before or after.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.applications.models import Admission
from console.departments.queries import bundle_of
from console.errors import NotFound
from console.exams import papers
from console.exams.errors import NotFinished
from console.exams.models import Answer, Attempt
from console.exams.services import GRACE, exam_in, next_try_on
from rules.exams import Wording
from rules.parts import Lang, Text
from rules.pipeline import Step


@dataclass(frozen=True)
class Standing:
    """What the page before the exam says. `may_start_on` is None when no try is left; `under_way` is an open attempt."""

    title: Text
    minutes: int
    pass_mark: int
    tries: int
    wait_days: int
    attempts: tuple[Attempt, ...]
    under_way: Attempt | None
    may_start_on: dt.date | None
    is_at_exam: bool
    minutes_before_deadline: int | None

    @property
    def tries_left(self) -> int:
        return max(0, self.tries - len(self.attempts))


@dataclass(frozen=True)
class PageQuestion:
    """One question as shown: options in the order of this paper, lettered A, B, …; `choice` is what is saved.

    `lang` is the language of the texts: Chinese also for an English reader when nobody wrote the English.
    """

    id: str
    position: int
    kind: str  # single | multiple | judge
    stem: str
    topic: str
    marks: int
    options: tuple[tuple[str, str], ...]
    choice: str
    lang: Lang


@dataclass(frozen=True)
class PaperPage:
    """A paper under way. `commitment` is the SHA-256 of the seed it was drawn from."""

    attempt_id: int
    title: Text
    number: int
    tries: int
    pass_mark: int
    full_marks: int
    questions: tuple[PageQuestion, ...]
    ends_at: dt.datetime
    seconds_left: int
    commitment: str

    @property
    def answered(self) -> int:
        return sum(1 for question in self.questions if question.choice)


@dataclass(frozen=True)
class ResultQuestion:
    """One question after grading: right or wrong, the marks, and why, with the article."""

    question: PageQuestion
    is_right: bool
    marks: int
    explanation: str
    article: str


@dataclass(frozen=True)
class Result:
    """The outcome of one attempt. `seed` opens the commitment: SHA-256 of its 32 bytes, and the paper drawn from it again."""

    attempt_id: int
    title: Text
    number: int
    marks: int
    full_marks: int
    pass_mark: int
    passed: bool
    started_at: dt.datetime
    finished_at: dt.datetime
    questions: tuple[ResultQuestion, ...]
    tries_left: int
    next_try_on: dt.date | None
    seed: str
    commitment: str
    is_verified: bool


def standing(session: Session, admission: Admission) -> Standing:
    """Where this admission stands with the exam of its release; NotFound when the department holds none."""
    exam = exam_in(bundle_of(session, admission.release_id))
    found = tuple(attempts(session, admission))
    today, now = clock.today(session), clock.now(session)
    last = found[-1] if found else None
    under_way = last if last is not None and last.finished_at is None else None
    on: dt.date | None = today
    if under_way is None:
        on = None if len(found) >= exam.tries else max(today, next_try_on(exam, last)) if last else today
    left = max(0, int((admission.due_at - now).total_seconds()) // 60) if admission.due_at else None
    return Standing(
        title=exam.title,
        minutes=exam.minutes,
        pass_mark=exam.pass_mark,
        tries=exam.tries,
        wait_days=exam.wait_days,
        attempts=found,
        under_way=under_way,
        may_start_on=on,
        is_at_exam=admission.step == Step.EXAM,
        minutes_before_deadline=left,
    )


def attempts(session: Session, admission: Admission) -> list[Attempt]:
    """Every sitting of this admission, first to last."""
    return list(session.scalars(select(Attempt).where(Attempt.admission_id == admission.id).order_by(Attempt.number)))


def attempt(session: Session, attempt_id: int) -> Attempt:
    """An attempt the principal may see; NotFound otherwise."""
    found = session.scalar(select(Attempt).where(Attempt.id == attempt_id))
    if found is None:
        raise NotFound()
    return found


def paper_page(session: Session, attempt: Attempt, lang: str = "zh") -> PaperPage:
    """The paper as its applicant sees it, with what is saved and the seconds left (0: hand it in)."""
    paper, bundle = attempt.paper, bundle_of(session, attempt.paper.release_id)
    exam = exam_in(bundle)
    left = (attempt.ends_at - clock.now(session)).total_seconds() if attempt.finished_at is None else 0
    return PaperPage(
        attempt_id=attempt.id,
        title=exam.title,
        number=attempt.number,
        tries=exam.tries,
        pass_mark=exam.pass_mark,
        full_marks=paper.full_marks,
        questions=_shown(session, attempt, papers.wordings(bundle, paper.questions, lang)),
        ends_at=attempt.ends_at,
        seconds_left=max(0, int(left)),
        commitment=paper.commitment,
    )


def progress(session: Session, attempt: Attempt) -> tuple[int, int]:
    """(seconds left, questions answered): what a page needs after each answer, without reading the paper again."""
    answered = select(func.count(Answer.question)).where(Answer.attempt_id == attempt.id, Answer.choice != "")
    left = (attempt.ends_at - clock.now(session)).total_seconds() if attempt.finished_at is None else 0
    return max(0, int(left)), session.scalar(answered) or 0


def result(session: Session, attempt: Attempt, lang: str = "zh") -> Result:
    """Marks and reasons of a graded attempt; NotFinished before it is handed in."""
    if attempt.finished_at is None or attempt.graded is None:
        raise NotFinished()
    paper = attempt.paper
    bundle = bundle_of(session, paper.release_id)
    exam = exam_in(bundle)
    lines = {line["id"]: line for line in attempt.graded}
    wordings = papers.wordings(bundle, paper.questions, lang)
    left = max(0, exam.tries - attempt.number)
    return Result(
        attempt_id=attempt.id,
        title=exam.title,
        number=attempt.number,
        marks=attempt.marks or 0,
        full_marks=paper.full_marks,
        pass_mark=exam.pass_mark,
        passed=bool(attempt.passed),
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        questions=tuple(
            ResultQuestion(
                shown,
                lines[shown.id]["right"],
                lines[shown.id]["marks"],
                wordings[shown.id].explanation,
                wordings[shown.id].article,
            )
            for shown in _shown(session, attempt, wordings)
        ),
        tries_left=0 if attempt.passed else left,
        next_try_on=next_try_on(exam, attempt) if left and not attempt.passed else None,
        seed=paper.seed,
        commitment=paper.commitment,
        is_verified=verify(session, attempt),
    )


def verify(session: Session, attempt: Attempt) -> bool:
    """True when the seed opens the commitment and the release's bank gives the same paper again."""
    paper = attempt.paper
    opens = hashlib.sha256(bytes.fromhex(paper.seed)).hexdigest() == paper.commitment
    return opens and papers.draw(bundle_of(session, paper.release_id), paper.seed) == paper.questions


def _shown(session: Session, attempt: Attempt, wordings: Mapping[str, Wording]) -> tuple[PageQuestion, ...]:
    saved = dict(
        session.execute(select(Answer.question, Answer.choice).where(Answer.attempt_id == attempt.id)).all()
    )
    return tuple(
        PageQuestion(
            id=question["id"],
            position=position,
            kind=question["kind"],
            stem=wording.stem,
            topic=wording.topic,
            marks=question["marks"],
            options=wording.options,
            choice=saved.get(question["id"], ""),
            lang=wording.lang,
        )
        for position, question in enumerate(attempt.paper.questions, 1)
        for wording in (wordings[question["id"]],)
    )


def due(session: Session, *, limit: int = 100) -> list[Attempt]:
    """Attempts whose time is over and that nobody has graded yet."""
    return list(
        session.scalars(
            select(Attempt)
            .where(Attempt.finished_at.is_(None), Attempt.ends_at <= clock.now(session) - GRACE)
            .options(joinedload(Attempt.paper))
            .order_by(Attempt.ends_at)
            .limit(limit)
        )
    )
