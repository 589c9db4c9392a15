"""The one road: legal moves, who may, where a move lands, and that a set is n times one."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications.models import Admission, StepEntry
from console.applications.pipeline import MoveNotLegal, SeparatedDuty, advance
from console.audit import AuditEntry
from console.errors import NotAllowed, StepMovedOn
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import Applicant, Principal, System, current
from rules.pipeline import CLOSED_STEPS, MOVES, Action, Doer, Route, Step, destination, diagram
from tests.factories import GROUND, make_admission, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]


def test_first_review_passes_a_file_from_the_league_to_the_region(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 9, 28))
    admission = make_admission(session, division="150105")
    league = admission.office_id
    officer = make_staff(session, Role.FIRST_REVIEWER, division="150100")
    with as_(officer):
        [moved] = advance(session, [admission], Action.PASS_STEP, actor=officer)
        assert (moved.from_step, moved.to_step) == (Step.FIRST_REVIEW, Step.SECOND_REVIEW)
        assert moved.entry.office_id == league
        session.expunge_all()
        assert session.get(Admission, admission.id) is None  # it is the region's now
        assert session.scalars(select(StepEntry.who)).all() == [officer.who]  # what the league did stays the league's
    with as_(System("check")):
        found = session.get_one(Admission, admission.id)
        assert found.office.level == 1 and found.office.division_code == "150000"
        # 7 working days from 28 September 2026 end on 13 October: National Day off, Saturday the 10th worked
        assert found.due_at == dt.datetime(2026, 10, 14, tzinfo=dt.timezone(dt.timedelta(hours=8)))
        assert found.version == 2


def test_somebody_faster_is_a_conflict_and_nothing_changes(session: Session, as_: As) -> None:
    admission = make_admission(session, division="150105", level=1)
    a, b = (make_staff(session, Role.FIRST_REVIEWER, name=name) for name in ("苏日娜", "那仁"))
    with as_(a):
        seen_by_b = Admission(**{c.key: getattr(admission, c.key) for c in Admission.__table__.columns})
        advance(session, [admission], Action.PASS_STEP, actor=a)
    with as_(b), pytest.raises(StepMovedOn):
        advance(session, [seen_by_b], Action.REFUSE, actor=b, reason="晚了一步", items=[GROUND])
    with as_(System("check")):
        assert session.get_one(Admission, admission.id).step == Step.SECOND_REVIEW
        assert session.scalars(select(StepEntry.action)).all() == ["pass_step"]


def test_one_person_does_not_hold_both_reviews(session: Session, as_: As) -> None:
    admission = make_admission(session, level=1)
    officer = make_staff(session, Role.SECOND_REVIEWER, staff=make_staff(session, Role.FIRST_REVIEWER))
    with as_(officer):
        advance(session, [admission], Action.PASS_STEP, actor=officer)
        with pytest.raises(SeparatedDuty):
            advance(session, [session.get_one(Admission, admission.id)], Action.PASS_STEP, actor=officer)


@pytest.mark.parametrize("step", [step for step in Step if step != Step.SCREENING])
@pytest.mark.parametrize("action", list(Action))
def test_the_clock_makes_only_the_clocks_moves(session: Session, step: Step, action: Action) -> None:
    admission = make_admission(session, step=step)
    found = MOVES.get((step, action))
    if found is None:
        with pytest.raises(MoveNotLegal):
            advance(session, [admission], action, actor=current())
    elif Doer.CLOCK not in found.doers:
        with pytest.raises(NotAllowed):
            advance(session, [admission], action, actor=current())
    else:
        [moved] = advance(session, [admission], action, actor=current(), reason="理由", items=[GROUND])
        assert admission.step == moved.to_step
    assert session.get_one(Admission, admission.id, populate_existing=True).version in (1, 2)


def test_a_citizen_moves_only_their_own(session: Session, as_: As) -> None:
    mine, other = make_admission(session), make_admission(session)
    me = Applicant(mine.applicant_id)
    with as_(me):
        with pytest.raises(NotAllowed):
            advance(session, [other], Action.WITHDRAW, actor=me)
        advance(session, [mine], Action.WITHDRAW, actor=me, reason="另有安排")
    with as_(System("check")):
        steps = {a.id: a.step for a in session.scalars(select(Admission).execution_options(populate_existing=True))}
        assert steps == {mine.id: "withdrawn", other.id: "first_review"}


def _trail(session: Session) -> tuple[list[Any], list[Any], list[Any], set[Any]]:
    columns = ("number", "step", "office_id", "due_at", "warn_at", "days_left", "resumes_at", "holder_id", "version")
    admissions = session.scalars(select(Admission).order_by(Admission.id).execution_options(populate_existing=True))
    entries = session.execute(
        select(StepEntry.admission_id, StepEntry.action, StepEntry.from_step, StepEntry.to_step, StepEntry.who)
        .order_by(StepEntry.admission_id, StepEntry.id)
    ).all()
    audited = session.scalars(
        select(AuditEntry.body).where(AuditEntry.action.startswith("admission.")).order_by(AuditEntry.subject, AuditEntry.id)
    ).all()
    # what the rooms publish on their own speaks of their own rows
    road = select(OutboxMessage).where(OutboxMessage.topic.startswith("admission."))
    told = {(m.topic, i) for m in session.scalars(road) for i in m.ids}
    return [tuple(getattr(a, c) for c in columns) for a in admissions], list(entries), list(audited), told


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([Step.TRAINING, Step.EXAM, Step.CORRECTION, Step.PUBLICITY]),
            st.sampled_from(["transport", "water", "finance"]),
            st.sampled_from(["150105", "150402", "150600"]),
        ),
        min_size=1,
        max_size=6,
    ),
    action=st.sampled_from([Action.LAPSE, Action.PASS_STEP, Action.FAIL]),
)
def test_advancing_n_together_is_n_times_one(session: Session, steps: list[tuple[Step, str, str]], action: Action) -> None:
    outcomes = []
    for together in (True, False):
        with session.begin_nested() as attempt:
            admissions = [
                make_admission(session, step=step, department_code=department, division=division)
                for step, department, division in steps
            ]
            doable = [a for a in admissions if (f := MOVES.get((Step(a.step), action))) and Doer.CLOCK in f.doers]
            for batch in [doable] if together else [[a] for a in doable]:
                advance(session, batch, action, actor=current(), lenient=True)
            rows, entries, audited, told = _trail(session)
            first = min(a.id for a in admissions)
            outcomes.append(
                (
                    [row[1:] for row in rows],
                    [(e[0] - first, *e[1:]) for e in entries],
                    len(audited),
                    {(topic, i - first) for topic, i in told},
                )
            )
            attempt.rollback()
        session.expunge_all()
    assert outcomes[0] == outcomes[1]


def test_a_return_stops_the_clock_and_coming_back_lets_it_run_on(session: Session, as_: As, clock: Any) -> None:
    clock.set(dt.date(2026, 11, 11))
    admission = make_admission(session, department_code="water", due_in=7)  # due after Friday the 20th
    officer = make_staff(session, Role.FIRST_REVIEWER, department_code="water")
    clock.set(dt.date(2026, 11, 13))
    with as_(officer):
        advance(session, [admission], Action.RETURN_FOR_CORRECTION, actor=officer, items=[{"path": "title_paper"}])
    assert (admission.step, admission.days_left, admission.resumes_at) == ("correction", 5, "first_review")
    clock.set(dt.date(2026, 11, 27))
    me = Applicant(admission.applicant_id)
    with as_(me):
        advance(session, [session.get_one(Admission, admission.id)], Action.RESUBMIT, actor=me)
    with as_(System("check")):
        back = session.get_one(Admission, admission.id, populate_existing=True)
        assert (back.step, back.days_left, back.resumes_at) == ("first_review", None, None)
        assert back.due_at == dt.datetime(2026, 12, 5, tzinfo=dt.timezone(dt.timedelta(hours=8)))


ROUTES = [
    Route.of(second_review=a, training=b, exam=c) for a, b, c in itertools.product([True, False], repeat=3)
]


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_leads_from_screening_to_the_roster(route: Route) -> None:
    step, seen = Step.SCREENING, []
    while step != Step.ROSTER:
        step = destination(route, step, Action.PASS_STEP)
        seen.append(step)
    assert tuple(seen) == route.steps


def test_nothing_leaves_a_closed_step_but_a_refusal_reconsidered() -> None:
    out = {(step, action) for step, action in MOVES if step in CLOSED_STEPS}
    assert out == {(Step.REFUSED, Action.REQUEST_RECONSIDERATION)}


def test_the_diagram_in_the_docs_is_the_table() -> None:
    from pathlib import Path

    assert diagram() in (Path(__file__).parents[3] / "docs" / "pipeline.md").read_text(encoding="utf-8")


def test_who_refused_does_not_review_it_again_after_a_reconsideration(session: Session, as_: As) -> None:
    admission = make_admission(session, department_code="finance")
    refuser, other = (make_staff(session, Role.FIRST_REVIEWER, department_code="finance") for _ in range(2))
    coordinator = make_staff(session, Role.COORDINATOR, department_code="finance")
    me = Applicant(admission.applicant_id)
    for who, action in ((refuser, Action.REFUSE), (me, Action.REQUEST_RECONSIDERATION), (coordinator, Action.REOPEN)):
        with as_(who):
            advance(session, [session.get_one(Admission, admission.id)], action, actor=who, reason="理由", items=[GROUND])
    with as_(refuser), pytest.raises(SeparatedDuty):
        advance(session, [session.get_one(Admission, admission.id)], Action.PASS_STEP, actor=refuser)
    with as_(other):
        [moved] = advance(session, [session.get_one(Admission, admission.id)], Action.PASS_STEP, actor=other)
    assert moved.to_step == Step.SECOND_REVIEW
