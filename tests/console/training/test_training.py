"""Learning: opened, confirmed, and on as soon as the file is there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from console import clock as console_clock
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.audit import AuditEntry
from console.errors import NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import Applicant, System
from console.training import jobs, queries, services
from console.training.models import CourseProgress
from console.training.services import NotStudying, UnitNotOpened
from rules.parts import Text
from rules.pipeline import Action, Step
from rules.training import Unit
from tests.factories import make_admission, make_applicant, make_staff


def _learn_all(session, admission, actor) -> list[bool]:
    done = []
    for progress in queries.units(session, admission):
        services.open_unit(session, admission, progress.unit.id, actor=actor)
        done.append(services.complete_unit(session, admission, progress.unit.id, actor=actor))
    return done


def test_last_unit_sends_the_file_on_to_the_exam(session):
    admission = make_admission(session, step=Step.TRAINING)
    actor = Applicant(admission.applicant_id)
    count = len(queries.units(session, admission))

    done = _learn_all(session, admission, actor)

    assert done == [False] * (count - 1) + [True]
    assert admission.step == Step.EXAM
    assert all(progress.is_complete for progress in queries.units(session, admission))


def test_unit_opened_twice_keeps_the_first_moment_and_one_line_of_audit(session, clock):
    admission = make_admission(session, step=Step.TRAINING)
    actor = Applicant(admission.applicant_id)
    unit = queries.units(session, admission)[0].unit.id
    first = services.open_unit(session, admission, unit, actor=actor).opened_at
    clock.advance(hours=3)

    again = services.open_unit(session, admission, unit, actor=actor).opened_at

    subject = f"admission:{admission.id}"
    entries = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == subject)).all()
    assert (again, entries) == (first, ["training.unit_opened"])


def test_unit_that_was_never_opened_is_not_confirmed(session):
    admission = make_admission(session, step=Step.TRAINING)
    unit = queries.units(session, admission)[0].unit

    with pytest.raises(UnitNotOpened) as error:
        services.complete_unit(session, admission, unit.id, actor=Applicant(admission.applicant_id))

    assert error.value.unit == str(unit.title)


def test_training_finished_during_the_review_carries_the_file_through_when_it_arrives(session):
    admission = make_admission(session, step=Step.SECOND_REVIEW)
    actor = Applicant(admission.applicant_id)
    assert _learn_all(session, admission, actor)[-1] is True
    assert admission.step == Step.SECOND_REVIEW
    topics = session.scalars(select(OutboxMessage.topic).where(OutboxMessage.topic == "training.completed")).all()
    assert topics == ["training.completed"]
    _put(session, admission, Step.TRAINING)

    sent, again = jobs.pass_on([admission.id]), jobs.pass_on([admission.id])

    assert (sent, again, session.get_one(Admission, admission.id).step) == (1, 0, Step.EXAM)


def test_job_leaves_alone_who_has_not_finished(session):
    admission = make_admission(session, step=Step.TRAINING)
    unit = queries.units(session, admission)[0].unit.id
    services.open_unit(session, admission, unit, actor=Applicant(admission.applicant_id))

    assert jobs.pass_on([admission.id]) == 0
    assert session.get_one(Admission, admission.id).step == Step.TRAINING


@pytest.mark.parametrize("step", [Step.EXAM, Step.REFUSED, Step.ROSTER, Step.LAPSED])
def test_closed_or_later_steps_take_no_training(session, step):
    admission = make_admission(session, step=step)
    unit = queries.units(session, admission)[0].unit.id

    with pytest.raises(NotStudying):
        services.open_unit(session, admission, unit, actor=Applicant(admission.applicant_id))


def test_nobody_learns_for_somebody_else(session):
    admission = make_admission(session, step=Step.TRAINING)
    unit = queries.units(session, admission)[0].unit.id

    for actor in (Applicant(make_applicant(session).id), System("test")):
        with pytest.raises(NotAllowed):
            services.open_unit(session, admission, unit, actor=actor)
    with pytest.raises(NotFound):
        services.open_unit(session, admission, "no-such-unit", actor=Applicant(admission.applicant_id))


def test_finished_asks_once_for_the_whole_set(session, statements):
    admissions = [make_admission(session, step=Step.TRAINING) for _ in range(4)]
    for admission in admissions[:2]:
        _put_progress(session, admission)

    with statements() as for_one:
        queries.finished(session, admissions[:1])
    with statements() as for_four:
        found = queries.finished(session, admissions)

    assert (found, len(for_four)) == (admissions[:2], len(for_one))


def test_unit_text_is_shown_without_anything_that_runs_or_loads():
    evil = (
        "# 题\n\n**要点** <script>alert(1)</script> <img src=x onerror=alert(1)>\n\n"
        "[好](https://example.cn) [坏](javascript:alert(1)) ![图](https://evil.example/x.png)\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n"
    )
    unit = Unit(id="x", title=Text(zh="题"), minutes=5, body=Text(zh=evil, en="plain"))

    html = queries.unit_html(unit, "zh")

    assert "<h2>题</h2>" in html and "<strong>要点</strong>" in html and "<td>2</td>" in html
    assert '<a href="https://example.cn" rel="noopener noreferrer">好</a>' in html
    assert "<script" not in html and "<img" not in html and 'href="javascript' not in html and "&lt;script&gt;" in html
    assert queries.unit_html(unit, "en") == "<p>plain</p>\n"


def _put(session, admission, step: Step) -> None:
    """The second reviewer passes the file."""
    advance(session, [admission], Action.PASS_STEP, actor=make_staff(session, Role.SECOND_REVIEWER))
    assert admission.step == step


def _put_progress(session, admission) -> None:
    now = console_clock.now(session)
    for progress in queries.units(session, admission):
        belongs = {"admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id}
        session.add(CourseProgress(**belongs, unit=progress.unit.id, opened_at=now, completed_at=now))
    session.flush()
