"""The pipeline document decides the steps: departments that differ in nothing else, each with a file walked to the roster."""

from __future__ import annotations

import copy
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import clock as console_clock
from console.applications import queries as files
from console.applications.models import Admission
from console.departments import queries as departments
from console.departments.models import Department, Office, Release, ReleaseEvent
from console.exams import services as exams
from console.publicity import closing
from console.reviews import readiness
from console.reviews import services as reviews
from console.reviews.levels import LEVELS
from console.roles import Role
from console.scope import Applicant, Staff, System, become
from console.training import queries as courses
from console.training import services as training
from rules.documents import canonical, content_hash
from rules.pipeline import Step
from tests.console.applications.filing import found, newcomer, submitted
from tests.console.publicity.people import make_coordinator, open_for
from tests.console.reviews.making import all_in_order
from tests.factories import make_staff

BANNER, LEAGUE, REGION = "150105", "150100", "150000"
ABOVE_LEAGUE = {"first": "county", "second": "region", "second_above": "league"}


@dataclass(frozen=True)
class Case:
    name: str
    place: str
    steps: tuple[Step, ...]  # from the first office to the roster
    offices: tuple[int, ...]  # the level of the office at each of them
    levels: dict[str, str] = field(default_factory=lambda: {"first": "league", "second": "region"})
    training: bool = True
    exam: bool = True


FIRST, SECOND, TRAINING, EXAM, PUBLICITY = Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.TRAINING, Step.EXAM, Step.PUBLICITY
CASES = (
    Case("everything", BANNER, (FIRST, SECOND, TRAINING, EXAM, PUBLICITY), (2, 1, 1, 1, 1)),
    Case("no exam", BANNER, (FIRST, SECOND, TRAINING, PUBLICITY), (2, 1, 1, 1), exam=False),
    Case("no training, no exam", BANNER, (FIRST, SECOND, PUBLICITY), (2, 1, 1), training=False, exam=False),
    Case("a single review", BANNER, (FIRST, TRAINING, EXAM, PUBLICITY), (2, 1, 1, 1), levels={"first": "league"}),
    Case("second above a league, from a banner", BANNER, (FIRST, PUBLICITY), (3, 1), levels=ABOVE_LEAGUE, training=False, exam=False),
    Case("second above a league, from a league", LEAGUE, (FIRST, PUBLICITY), (2, 1), levels=ABOVE_LEAGUE, training=False, exam=False),
    Case("second above a league, from the region", REGION, (FIRST, SECOND, PUBLICITY), (1, 1, 1), levels=ABOVE_LEAGUE, training=False, exam=False),
    Case("second above a banner, from a league", LEAGUE, (FIRST, SECOND, TRAINING, EXAM, PUBLICITY), (2, 1, 1, 1, 1), levels=ABOVE_LEAGUE | {"second_above": "county"}),
)  # fmt: skip


def in_force(session: Session, department: Department, changed: Any) -> None:
    """A release of this department with its documents changed, in force since 2026 began."""
    latest = departments.release_in_force(session, department.id, console_clock.today(session))
    assert latest is not None
    data = copy.deepcopy(json.loads(latest.content))
    changed(data)
    now = console_clock.now(session)
    version = session.scalar(select(func.max(Release.version)).where(Release.department_id == department.id))
    release = Release(
        department_id=department.id, version=(version or 0) + 1, base_id=latest.id, content=canonical(data),
        content_hash=content_hash(data), author="system:test", created_at=now,
    )  # fmt: skip
    session.add(release)
    session.flush()
    session.add(
        ReleaseEvent(release_id=release.id, state="published", actor="system:test", at=now, effective_on=dt.date(2026, 1, 1))
    )
    session.flush()


def ask_for_any_division(data: dict[str, Any]) -> None:
    """The shared form takes a league or the region as place of work, too."""
    for section in data["application.yaml"]["sections"]:
        for asked in section["fields"]:
            if asked["id"] == "work_division":
                asked["level"] = 1


def walked(session: Session, clock: Any, case: Case) -> tuple[Admission, list[Step]]:
    """A file of the transport department from submission to wherever it ends, by the services officers and citizens call; and
    the steps ahead that its applicant is shown on the first day."""
    transport = departments.department_by_code(session, "transport")
    assert transport is not None

    def settings(data: dict[str, Any]) -> None:
        data["bundle.yaml"]["pipeline"] |= {"training": case.training, "exam": case.exam}
        data["bundle.yaml"]["pipeline"]["review"]["levels"] = dict(case.levels)

    in_force(session, departments.centre(session), ask_for_any_division)
    in_force(session, transport, settings)
    person = newcomer(session, 300 + CASES.index(case))
    admission_id = submitted(session, person, "transport", division=case.place)["transport"]
    ahead = files.steps_ahead(session, found(session, admission_id))
    first = make_staff(session, Role.FIRST_REVIEWER, name="苏日娜")
    second = make_staff(session, Role.SECOND_REVIEWER, name="巴特尔")
    coordinator = make_coordinator(session)
    while (step := Step(found(session, admission_id).step)) in case.steps:
        if step in (Step.FIRST_REVIEW, Step.SECOND_REVIEW):
            _pass(session, admission_id, first if step == Step.FIRST_REVIEW else second)
        elif step == Step.TRAINING:
            _learn(session, admission_id, person.me)
        elif step == Step.EXAM:
            _sit(session, admission_id, person.me)
        else:
            notice = open_for(session, [found(session, admission_id)], coordinator=coordinator)
            clock.set(notice.due_at)
            closing.close_due(session, [notice.id], actor=System("sweep"))
    return found(session, admission_id), ahead


def _pass(session: Session, admission_id: int, officer: Staff) -> None:
    with become(officer):
        here = found(session, admission_id)
        sheet = readiness.sheet_of(session, here, LEVELS[here.step], None)
        rulings = [{"criterion": f["id"], "holds": True, "evidence": "已在公开平台查询，没有记录"} for f in sheet.open_criteria]
        reviews.decide(session, here, "pass", actor=officer, rulings=rulings, **all_in_order(session, here))


def _learn(session: Session, admission_id: int, me: Applicant) -> None:
    admission = found(session, admission_id)
    for progress in courses.units(session, admission):
        training.open_unit(session, admission, progress.unit.id, actor=me)
        training.complete_unit(session, admission, progress.unit.id, actor=me)


def _sit(session: Session, admission_id: int, me: Applicant) -> None:
    admission = found(session, admission_id)
    attempt = exams.start(session, admission, actor=me)
    key = {question.id: question.answer for question in departments.bundle_of(session, admission.release_id).exam_questions}
    for question in attempt.paper.questions:
        right = sorted(question["letters"][question["order"].index(letter)] for letter in key[question["id"]])
        exams.save_answer(session, attempt, question["id"], "".join(right), actor=me)
    exams.finish(session, attempt, actor=me)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_takes_the_steps_of_its_departments_document(session: Session, clock: Any, case: Case) -> None:
    clock.set(dt.date(2026, 11, 9))
    admission, ahead = walked(session, clock, case)

    trail = files.timeline(session, admission)
    entered = [entry for entry in trail if entry.to_step not in (Step.SCREENING, Step.ROSTER)]
    left = [session.get_one(Office, entry.office_id).level for entry in trail if entry.from_step in case.steps]
    assert (tuple(Step(entry.to_step) for entry in entered), admission.step) == (case.steps, Step.ROSTER)
    assert tuple(left) == case.offices
    assert ahead == [*case.steps[1:], Step.ROSTER]
