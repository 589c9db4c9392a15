"""Every rule that acts by itself, by enumeration: while it is stopped what is due is listed and not done, however it is asked for; going on does it once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from console import assembly, audit, clock, db, outbox, relay
from console.applications.models import StepEntry
from console.applications.rescreening import RULES_CHANGED
from console.audit import AuditEntry
from console.automatic import brakes
from console.automatic.declaring import RULES, counted
from console.exams import services as exams
from console.exams.models import Attempt
from console.jobs import REGISTRY
from console.registers.models import RegisterDraw
from console.roster.models import RosterEntry
from console.scope import Applicant, System
from rules.pipeline import Step
from tests.console.applications.test_transition import AGE, OLD, publish, waiting_file
from tests.console.audited import seal_all
from tests.console.portal.test_registers import AGENCY, enter
from tests.console.publicity.people import make_person, open_for
from tests.console.training.test_training import _learn_all, _put
from tests.factories import make_admission, make_application

assembly.join()
BEGUN, LATER = dt.date(2026, 11, 20), dt.date(2026, 12, 3)
WHY = "材料须复查，先停一停"


@dataclass(frozen=True)
class Work:
    """What is due by a rule: the job, with what it is given, and how often it was done."""

    job: str
    ids: list[int] | None
    done: object


def arrange(committed_db, clock_) -> dict[str, Work]:
    """One thing due for each rule, all of the same department."""
    clock_.set(BEGUN)
    enter("agencies", AGENCY)
    REGISTRY["registers.draw"]()  # commits to the pool; there is no public value yet
    with db.transaction() as session:
        now = clock.now(session)
        notice = open_for(session, [make_person(session)])
        late = make_admission(session, step=Step.TRAINING, due_at=now - dt.timedelta(days=1))
        sits = make_admission(session, step=Step.EXAM, due_in=300)
        attempt = exams.start(session, sits, actor=Applicant(sits.applicant_id))
        learned = make_admission(session, step=Step.SECOND_REVIEW)
        _learn_all(session, learned, Applicant(learned.applicant_id))
        _put(session, learned, Step.TRAINING)
        draft = make_application(session)
        draft.submitted_at = draft.number = None
        draft.saved_at = now - dt.timedelta(days=800)
        _, asked = waiting_file(session, 303)
        publish(session, {"criteria.yaml": AGE}, transition=OLD | {"submitted": "new"})
        ids = [notice.id, late.id, attempt.id, asked.id, learned.id]
    clock_.set(LATER)
    seal_all(committed_db)
    with db.transaction() as session:
        audit.anchor(session)
        outbox.publish(session, RULES_CHANGED, [ids[3]])

    def moved(admission_id: int, action: str, step: Step) -> object:
        return select(func.count(StepEntry.id)).where(StepEntry.admission_id == admission_id, StepEntry.action == action, StepEntry.from_step == step)

    return {
        "admission": Work("publicity.close_due", [ids[0]], select(func.count(RosterEntry.id))),
        "lapse": Work("applications.lapse", [ids[1]], moved(ids[1], "lapse", Step.TRAINING)),
        "exam_time": Work("exams.finish_due", [ids[2]], select(func.count(Attempt.finished_at))),
        "rescreen": Work("applications.rescreen", [ids[3]], moved(ids[3], "rescreen", Step.CORRECTION)),
        "training": Work("training.pass_on", [ids[4]], moved(ids[4], "pass_step", Step.TRAINING)),
        "registers": Work("registers.draw", None, select(func.count(RegisterDraw.drawn_at))),
        "retention": Work("retention.run", None, select(func.count(AuditEntry.id)).where(AuditEntry.action == "retention.erased")),
    }


@pytest.mark.parametrize("code", [None, "transport"])
def test_while_stopped_nothing_is_done_and_all_is_listed_and_going_on_does_it_once(committed_db, clock, code):
    """`screening` acts where somebody submits and is left to a person afterwards: test_nobody_is_refused_by_the_criteria_alone_where_that_is_stopped."""

    def ask_everybody() -> dict[str, int]:
        """By relay and worker, and as an order that a worker has had in hand since before."""
        with db.transaction() as session:
            for name in ("registers", "retention"):
                outbox.publish(session, f"daily.{work[name].job}", [1])
        relay.settle(committed_db.settings)
        for one in work.values():
            REGISTRY[one.job](*([] if one.ids is None else [one.ids]))
            db.Session.remove()
        with db.transaction() as session:
            return {name: session.scalar(one.done) for name, one in work.items()}

    def listed() -> dict[str, int]:
        with db.transaction() as session:
            until = clock.now() + dt.timedelta(minutes=5)
            return {name: sum(counted(session, RULES[name], until=until).values()) for name in work}

    with committed_db.as_worker():
        work = arrange(committed_db, clock)
        assert {*work} == {*RULES} - {"screening"}
        with db.transaction() as session:
            pulled = [
                brakes.pull(session, name, code if RULES[name].by_department else None, reason=WHY, actor=System("test")).id for name in work
            ]
        REGISTRY["retention.count"]([1])

        assert ask_everybody() == dict.fromkeys(work, 0)
        waiting = listed()
        assert {name for name, count in waiting.items() if count} == {*work}

        with db.transaction() as session:
            for brake_id in pulled:
                brakes.release(session, brake_id, actor=System("test"))
        clock.advance(minutes=2)
        assert ask_everybody() == dict.fromkeys(work, 1)
        assert ask_everybody() == dict.fromkeys(work, 1)
        assert listed() == dict.fromkeys(work, 0)
