"""No refusal without ground, clause and reason: by every move of the table that refuses, and past all of them in the database."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console import clock as console_clock
from console.applications import grounds
from console.applications.grounds import RefusalWithoutGrounds
from console.applications.models import Admission, StepEntry
from console.applications.pipeline import Filing, advance, begin
from console.departments import queries as departments
from console.roles import Role
from console.scope import Applicant, Principal, System
from rules.grounds import lacks
from rules.pipeline import MOVES, Action, Doer, Step
from tests.factories import GROUND, make_admission, make_staff

As = Callable[[Principal], AbstractContextManager[Principal]]
REFUSALS = sorted((step, action) for (step, action), move in MOVES.items() if move.to == Step.REFUSED)
ROLES = {
    Doer.FIRST_REVIEWER: Role.FIRST_REVIEWER,
    Doer.SECOND_REVIEWER: Role.SECOND_REVIEWER,
    Doer.COORDINATOR: Role.COORDINATOR,
}
SAYING_WHY = GROUND | {"reason": "业绩材料系借用", "reason_en": "Borrowed papers"}
INCOMPLETE: dict[str, tuple[str | None, list[dict[str, Any]]]] = {
    "nothing": (None, []),
    "a reason only": ("业绩材料系借用", []),
    "no title": ("业绩材料系借用", [GROUND | {"title": ""}]),
    "no clause": ("业绩材料系借用", [GROUND | {"basis": []}]),
    "a clause without article": ("业绩材料系借用", [GROUND | {"basis": [{"reg": "TBL-2017", "article": ""}]}]),
    "one of two without clause": ("业绩材料系借用", [GROUND, GROUND | {"basis": []}]),
    "no reason": (None, [GROUND]),
    "a blank reason": ("  ", [GROUND]),
    "one of two says why": (None, [SAYING_WHY, GROUND]),
}
COMPLETE: dict[str, tuple[str | None, list[dict[str, Any]]]] = {
    "the officer says why": ("业绩材料系借用", [GROUND]),
    "each ground says why": (None, [SAYING_WHY, SAYING_WHY]),
}


def doers(session: Session, admission: Admission, step: Step, action: Action) -> list[Principal]:
    """Everybody who may make this move of this file, one of each kind."""
    found: list[Principal] = []
    for doer in sorted(MOVES[step, action].doers):
        if doer == Doer.APPLICANT:
            found.append(Applicant(admission.applicant_id))
        elif doer == Doer.CLOCK:
            found.append(System("test"))
        else:
            found.append(make_staff(session, ROLES[doer]))
    return found


def test_the_table_refuses_where_these_tests_look() -> None:
    """A new way to be refused must be looked at here."""
    assert REFUSALS == [
        (Step.CORRECTION, Action.REFUSE),
        (Step.FIRST_REVIEW, Action.REFUSE),
        (Step.PUBLICITY, Action.REFUSE),
        (Step.RECONSIDERATION, Action.UPHOLD_REFUSAL),
        (Step.SCREENING, Action.REFUSE),
        (Step.SECOND_REVIEW, Action.REFUSE),
    ]


@pytest.mark.parametrize("lacking", INCOMPLETE)
@pytest.mark.parametrize(("step", "action"), [pair for pair in REFUSALS if pair[0] != Step.SCREENING])
def test_nobody_refuses_without_ground_clause_and_reason(
    session: Session, as_: As, step: Step, action: Action, lacking: str
) -> None:
    admission = make_admission(session, step=step)
    reason, items = INCOMPLETE[lacking]
    for actor in doers(session, admission, step, action):
        with as_(actor), pytest.raises(RefusalWithoutGrounds) as error:
            advance(session, [session.get_one(Admission, admission.id)], action, actor=actor, reason=reason, items=items)
        assert error.value.number == admission.number and error.value.status == 422
    with as_(System("check")):
        assert session.get_one(Admission, admission.id, populate_existing=True).step == step
        assert session.scalar(select(func.count(StepEntry.id))) == 0


@pytest.mark.parametrize("told", COMPLETE)
@pytest.mark.parametrize(("step", "action"), [pair for pair in REFUSALS if pair[0] != Step.SCREENING])
def test_a_refusal_that_says_everything_is_saved(session: Session, as_: As, step: Step, action: Action, told: str) -> None:
    reason, items = COMPLETE[told]
    admissions = [make_admission(session, step=step) for _ in MOVES[step, action].doers]
    for admission, number in zip(admissions, range(9), strict=False):
        actor = doers(session, admission, step, action)[number]
        with as_(actor):
            [moved] = advance(
                session, [session.get_one(Admission, admission.id)], action, actor=actor, reason=reason, items=items
            )
            assert moved.to_step == Step.REFUSED
    with as_(System("check")):
        entries = session.scalars(select(StepEntry)).all()
        assert [(entry.to_step, entry.reason, entry.items) for entry in entries] == [("refused", reason, items)] * len(admissions)


def _new(session: Session, like: Admission) -> Admission:
    columns = ("application_id", "applicant_id", "division_code", "release_id")
    office = departments.department_by_code(session, "water")
    assert office is not None
    return Admission(number=f"{like.number}-W", department_id=office.id, **{name: getattr(like, name) for name in columns})


@pytest.mark.parametrize("lacking", INCOMPLETE)
def test_screening_refuses_nobody_without_ground_clause_and_reason(session: Session, lacking: str) -> None:
    filed = _new(session, make_admission(session))
    reason, items = INCOMPLETE[lacking]
    with pytest.raises(RefusalWithoutGrounds), session.no_autoflush:
        begin(session, [Filing(filed, Action.REFUSE, reason, items)], actor=System("test"))


@pytest.mark.parametrize("told", COMPLETE)
def test_screening_refuses_with_them(session: Session, told: str) -> None:
    reason, items = COMPLETE[told]
    [moved] = begin(session, [Filing(_new(session, make_admission(session)), Action.REFUSE, reason, items)], actor=System("test"))
    assert (moved.to_step, moved.entry.items) == (Step.REFUSED, items)


def _entry(session: Session, admission: Admission, reason: str | None, items: list[dict[str, Any]], to: str) -> StepEntry:
    return StepEntry(
        admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id, action="refuse",
        from_step="first_review", to_step=to, at=console_clock.now(session), who="staff:1", reason=reason, items=items,
    )  # fmt: skip


@pytest.mark.parametrize("lacking", INCOMPLETE)
def test_the_database_refuses_the_line_of_the_trail(session: Session, lacking: str) -> None:
    admission = make_admission(session)
    reason, items = INCOMPLETE[lacking]
    with pytest.raises(IntegrityError, match="refusal_has_grounds"), session.begin_nested():
        session.add(_entry(session, admission, reason, items, "refused"))
        session.flush()


def test_the_database_keeps_complete_refusals_and_every_other_line(session: Session) -> None:
    admission = make_admission(session)
    session.add_all(_entry(session, admission, reason, items, "refused") for reason, items in COMPLETE.values())
    session.add_all(_entry(session, admission, reason, items, "lapsed") for reason, items in INCOMPLETE.values())
    session.flush()
    assert session.scalar(select(func.count(StepEntry.id))) == len(COMPLETE) + len(INCOMPLETE)


@pytest.mark.parametrize("lacking", [*INCOMPLETE, *COMPLETE])
def test_program_and_database_ask_the_same(session: Session, lacking: str) -> None:
    admission = make_admission(session)
    reason, items = (INCOMPLETE | COMPLETE)[lacking]
    try:
        with session.begin_nested():
            session.add(_entry(session, admission, reason, copy.deepcopy(items), "refused"))
            session.flush()
        kept = True
    except IntegrityError:
        kept = False
    assert kept is (lacks(items, reason) is None)


@pytest.mark.parametrize("code", ["transport", "water", "housing", "natural_resources", "finance"])
def test_every_ground_of_every_department_is_complete(session: Session, code: str) -> None:
    """What a reviewer may choose needs the officer's reason; what the criteria say has its own."""
    department = departments.department_by_code(session, code)
    assert department is not None
    release = departments.release_in_force(session, department.id, console_clock.today(session))
    assert release is not None
    bundle = departments.bundle_of(session, release.id)
    assert bundle.review is not None
    for ground in bundle.review.to_refuse:
        items = grounds.chosen(bundle, [ground.id])
        assert (lacks(items, None), lacks(items, "看到了什么，差在哪里")) == ("reason", None)
        assert all(clause["title"] for item in items for clause in item["basis"])  # readable without the release
    assert grounds.chosen(bundle, ["no_such_ground"]) == grounds.chosen(bundle, []) == []
