"""People with whatever roles they collect do whatever comes to mind, through the services everybody uses; then history is read.

The short form walks a few hundred steps; `-m matrix` walks 10,000 and prints its seed. A walk with the check switched off must find a
fault, or it proves nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.accounts import grants, recusals
from console.accounts.models import Recusal, StaffGrant
from console.applications import duties, services
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.departments.models import Department
from console.errors import ConsoleError
from console.outbox import OutboxMessage
from console.publicity import queries as notices
from console.publicity import services as publicity
from console.publicity.models import Notice, NoticeItem, Objection
from console.reviews import distribution, readiness
from console.reviews import services as reviews
from console.reviews.levels import LEVELS
from console.scope import Applicant, Public, Staff, System, become
from console.studio import drafts, publication, rollback
from console.studio.models import RuleDraft
from rules.pipeline import Action, Step
from tests.console.applications.filing import newcomer, submitted
from tests.console.reviews.making import all_in_order
from tests.console.studio.making import make_replay
from tests.factories import department
from tests.journeys.walking import CITIZENS, EMPLOYERS, PEOPLE, ROLES, World, faults

WORDS = "理由充分，已经核实。"


# ── what people may try: each in the session of whoever tries it ─────────────────────────────────────────────


def a_file(walk: Walk, which: int, *steps: Step) -> Admission | None:
    """One of the files this person sees, at one of these steps."""
    statement = select(Admission).order_by(Admission.id)
    found = walk.session.scalars(statement.where(Admission.step.in_([str(step) for step in steps])) if steps else statement).all()
    return found[which % len(found)] if found else None


def decide(walk: Walk, actor: Staff, which: int, n: int) -> None:
    admission = a_file(walk, which, Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.RECONSIDERATION)
    if admission is None:
        return
    if admission.step == Step.RECONSIDERATION:
        reviews.decide_reconsideration(walk.session, admission, n % 4 != 0, actor=actor, reason=WORDS)
        return
    ticked = all_in_order(walk.session, admission)
    if n % 8 == 0:
        reviews.decide(walk.session, admission, "refuse", actor=actor, items=["papers_false"], reason=WORDS, **ticked)
    elif n % 8 == 1:
        reviews.decide(walk.session, admission, "return_for_correction", actor=actor, items=[{"path": "employer", "reason": WORDS}], **ticked)
    else:
        sheet = readiness.sheet_of(walk.session, admission, LEVELS[admission.step], None)
        ticked["rulings"] = [{"criterion": one["id"], "holds": True, "evidence": WORDS} for one in sheet.open_criteria]
        reviews.decide(walk.session, admission, "pass", actor=actor, **ticked)


def move(walk: Walk, actor: Staff, which: int, n: int) -> None:
    """Past the desk, by the road itself."""
    if (admission := a_file(walk, which)) is not None:
        action = (Action.PASS_STEP, Action.PASS_STEP, Action.ASSIGN, Action.REOPEN)[n % 4]
        advance(walk.session, [admission], action, actor=actor, reason=WORDS)


def take(walk: Walk, actor: Staff, which: int, n: int) -> None:
    if (admission := a_file(walk, which, Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.RECONSIDERATION)) is not None:
        (distribution.release if n % 3 == 0 else distribution.take)(walk.session, admission, actor=actor)


def hand_out(walk: Walk, actor: Staff, which: int, n: int) -> None:
    steps = [str(step) for step in (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.RECONSIDERATION)]
    found = walk.session.scalars(select(Admission).where(Admission.step.in_(steps)).order_by(Admission.id)).all()
    if n % 4 == 0:
        distribution.hand_over(walk.session, walk.member(which), walk.member(n), actor=actor, reason=WORDS)
    elif n % 2:
        distribution.distribute_evenly(walk.session, found, actor=actor)
    elif found:
        distribution.assign_to(walk.session, [found[which % len(found)]], walk.member(n), actor=actor)


def assign(walk: Walk, actor: Staff, which: int, n: int) -> None:
    if (admission := a_file(walk, which, Step.ASSIGNMENT)) is not None:
        services.assign(walk.session, admission, department(walk.session, "transport"), actor=actor, reason=WORDS)


def open_notice(walk: Walk, actor: Staff, which: int, n: int) -> None:
    found = department(walk.session, "transport")
    waiting = notices.waiting(walk.session, found)
    chosen = [c.admission for c in waiting if n % 2 or c.obstacle is None]  # the page offers the free ones; a forged form all of them
    publicity.open_notice(walk.session, notices.coordinating_office(walk.session, found), chosen, actor=actor)


def rule_on(walk: Walk, actor: Staff, which: int, n: int) -> None:
    found = walk.session.scalars(select(Objection).where(Objection.ruled_at.is_(None)).order_by(Objection.id)).all()
    if found:
        upheld = n % 2 == 0
        publicity.rule_on(
            walk.session, found[which % len(found)], actor=actor, upheld=upheld, ruling=WORDS, grounds=["papers_false"] if upheld else []
        )


def declare(walk: Walk, actor: Staff, which: int, n: int) -> None:
    """A relative among the citizens, a former employer under another spelling, or that this is all; now and then one is withdrawn."""
    if n % 6 == 0:
        rows = walk.session.scalars(select(Recusal).where(Recusal.staff_id == actor.id).order_by(Recusal.id)).all()
        if rows:
            recusals.withdraw(walk.session, rows[which % len(rows)], actor=actor, reason=WORDS)
    elif n % 6 == 1:
        names = EMPLOYERS[which % 3]
        left = clock.today(walk.session) - dt.timedelta(days=n * 6)
        recusals.declare_employer(walk.session, actor=actor, employer=names[n % len(names)], left_on=left if n % 2 else None)
    elif n % 6 == 2:
        number = walk.the_world.numbers[walk.the_world.applicants[which % CITIZENS]]
        recusals.declare_relative(walk.session, actor=actor, relation="spouse", name="高娃", id_number=number)
    else:
        standing = [one for one in recusals.own_recusals(walk.session, actor.id) if one.kind != recusals.FILE]
        recusals.declare(walk.session, actor=actor, nothing=not standing)
        walk.the_world.declared[actor.id].append(clock.now(walk.session))


def step_aside(walk: Walk, actor: Staff, which: int, n: int) -> None:
    if (admission := a_file(walk, which)) is not None:
        recusals.step_aside(walk.session, admission, actor=actor, reason=WORDS)


def grant(walk: Walk, actor: Staff, which: int, n: int) -> None:
    """Give or withdraw a role; the walk's own hand does it now and then, so that roles keep changing hands."""
    role = ROLES[n % len(ROLES)]
    if n % 3 == 0:
        rows = walk.session.scalars(select(StaffGrant).where(StaffGrant.ended_at.is_(None)).order_by(StaffGrant.id)).all()
        if rows:
            grants.end_grant(walk.session, rows[which % len(rows)], reason=WORDS, actor=actor)
        return
    code = "centre" if str(role) in ("operator", "platform_admin") else "transport"
    grants.give_grant(
        walk.session, walk.member(which), role=role, department_id=department(walk.session, code).id, division_code="150000", reason=WORDS, actor=actor
    )


def collect(walk: Walk, which: int, n: int) -> None:
    role = ROLES[n % len(ROLES)]
    code = "centre" if str(role) in ("operator", "platform_admin") else "transport"
    with become(System("walk")):
        grants.give_grant(
            walk.session, walk.member(which), role=role, department_id=department(walk.session, code).id, division_code="150000",
            reason=WORDS, actor=System("walk"),
        )  # fmt: skip


def write_rules(walk: Walk, actor: Staff, which: int, n: int) -> None:
    """One thing with a draft of the department: begin, save, choose its day, ask, publish, send back; or go back a release."""
    session, rows = walk.session, walk.session.scalars(select(RuleDraft).order_by(RuleDraft.id.desc()).limit(3)).all()
    draft = rows[which % len(rows)] if rows else None
    if draft is None or n % 9 == 0:
        drafts.begin(session, department(session, "transport"), title=f"第 {n} 稿", actor=actor)
    elif n % 9 == 1:
        text = f"{drafts.head(session, draft).sources['training/01-committee.md']}\n\n第 {Walk.steps} 处改动。\n".encode()
        drafts.revise(session, draft, {"training/01-committee.md": text}, expected=draft.revision, actor=actor)
    elif n % 9 == 2:
        publication.plan(session, draft, effective_on=clock.today(session) + dt.timedelta(days=n % 3), actor=actor)
    elif n % 9 in (3, 4):
        if draft.effective_on is not None:
            with become(System("walk")):
                make_replay(session, session.get_one(RuleDraft, draft.id))
        publication.request(session, session.get_one(RuleDraft, draft.id), expected=draft.revision, reason=WORDS, actor=actor)
    elif n % 9 == 5:
        publication.refuse(session, draft, reason=WORDS, actor=actor)
    elif n % 9 == 6:
        rollback.roll_back(session, department(session, "transport"), reason=WORDS, actor=actor)
    else:
        publication.publish(session, draft, reason=WORDS, actor=actor)


def as_citizen(walk: Walk, which: int, n: int) -> None:
    """An applicant does the next thing: learns, sits the exam, corrects, asks for reconsideration, now and then withdraws."""
    citizens = walk.the_world.applicants
    me = Applicant(citizens[which % len(citizens)])
    with become(me):
        found = walk.session.scalars(select(Admission).order_by(Admission.id)).all()
        if not found:
            return
        admission = found[n % len(found)]
        acts = {Step.CORRECTION: Action.RESUBMIT, Step.TRAINING: Action.PASS_STEP, Step.EXAM: Action.PASS_STEP, Step.REFUSED: Action.REQUEST_RECONSIDERATION}
        action = Action.WITHDRAW if n % 64 == 63 else acts.get(Step(admission.step))
        if action is Action.REQUEST_RECONSIDERATION:
            services.request_reconsideration(walk.session, admission, actor=me, reason=WORDS)
        elif action is not None:
            advance(walk.session, [admission], action, actor=me, reason=WORDS)


def submit(walk: Walk, which: int, n: int) -> None:
    world = walk.the_world
    world.serial += 1
    with become(System("walk")):
        person = newcomer(walk.session, world.serial)
    made = submitted(walk.session, person, *(("transport",) if n % 3 else ("centre",)))
    world.applicants.append(person.me.id)
    world.numbers[person.me.id] = person.number
    assert made


def object_to(walk: Walk, which: int, n: int) -> None:
    with become(Public()):
        items = walk.session.scalars(select(NoticeItem).where(NoticeItem.settled_at.is_(None)).order_by(NoticeItem.id)).all()
        if items:
            item = items[which % len(items)]
            publicity.object_to(walk.session, item, actor=Public(), objector="某知情人", contact="13900001111", ground=WORDS * 2)


def time_passes(walk: Walk, which: int, n: int) -> None:
    """Hours or days, seldom a year; what is due is done, as the worker does it."""
    session = walk.session
    clock.advance(session, dt.timedelta(days=(0, 1, 3, 9)[n % 4] + (366 if n == 255 else 0), hours=which))
    with become(System("close notices")):
        due = session.scalars(select(Notice.id).where(Notice.closed_at.is_(None), Notice.due_at <= clock.now(session))).all()
        publicity.close_due(session, due, actor=System("close notices"))
    carry_out(walk, which, n)


def carry_out(walk: Walk, which: int, n: int) -> None:
    session, worker = walk.session, System("assign")
    with become(worker):
        for told in session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "admission.assignment_named", OutboxMessage.done_at.is_(None))):
            admission_id, department_id, *operator = told.ids
            told.done_at = clock.now(session)
            services.carry_out_assignment(
                session, session.get_one(Admission, admission_id), session.get_one(Department, department_id), actor=worker,
                ordered_by=operator[0] if operator else None,
            )  # fmt: skip


OFFICERS: dict[str, tuple[int, Callable[[Any, Staff, int, int], None]]] = {
    "decide": (9, decide), "move": (4, move), "take": (4, take), "hand out": (3, hand_out), "assign": (2, assign),
    "open notice": (5, open_notice), "rule": (4, rule_on), "declare": (5, declare), "step aside": (1, step_aside), "grant": (2, grant),
    "rules": (2, write_rules),
}  # fmt: skip
OTHERS: dict[str, tuple[int, Callable[[Any, int, int], None]]] = {
    "citizen": (9, as_citizen), "object": (3, object_to), "time": (3, time_passes), "carry out": (2, carry_out), "collect": (2, collect),
    "submit": (1, submit),
}  # fmt: skip
ACTS = [name for name, (weight, _) in {**OFFICERS, **OTHERS}.items() for _ in range(weight)]


class Walk(RuleBasedStateMachine):
    """One world; every step is one act by one person, kept when the services allow it and undone when they refuse."""

    database: ClassVar[Session]
    steps: ClassVar[int] = 0
    done: ClassVar[Counter[str]] = Counter()
    refused: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.session = self.database
        self.undone = self.session.begin_nested()
        self.world: World | None = None
        self.changed = True

    @property
    def the_world(self) -> World:
        assert self.world is not None
        return self.world

    def member(self, number: int) -> int:
        return self.the_world.staff[number % len(self.the_world.staff)]

    @initialize(roles=st.lists(st.lists(st.integers(0, len(ROLES) - 1), min_size=2, max_size=5), min_size=PEOPLE, max_size=PEOPLE))
    def people(self, roles: list[list[int]]) -> None:
        self.world = World.made(self.session, roles=roles)

    @rule(act=st.sampled_from(ACTS), who=st.integers(0, 63), which=st.integers(0, 63), n=st.integers(0, 255))
    def step(self, act: str, who: int, which: int, n: int) -> None:
        Walk.steps += 1
        clock.advance(self.session, dt.timedelta(seconds=1))
        actor = self.the_world.officer(who)
        kept = self.session.begin_nested()
        try:
            if act in OFFICERS:
                with become(actor):
                    OFFICERS[act][1](self, actor, which, n)
            else:
                OTHERS[act][1](self, which, n)
            kept.commit()
            Walk.done[act] += 1
            self.changed = True
        except ConsoleError as error:
            kept.rollback()
            Walk.refused[f"{act}: {type(error).__name__}"] += 1

    @invariant()
    def nobody_holds_two_halves(self) -> None:
        """After every act that left something: what was refused is undone, and history is what it was."""
        if self.world is not None and self.changed:
            self.changed = False
            assert faults(self.world) == []

    def teardown(self) -> None:
        self.undone.rollback()
        self.session.expunge_all()
        clock.advance(self.session, dt.timedelta())  # reads the time again, which went back with the rest


def walk(session: Session, *, worlds: int, steps: int, number: int) -> int:
    """So many steps in so many worlds; the steps really taken."""
    Walk.database, before = session, Walk.steps
    how = settings(
        max_examples=worlds, stateful_step_count=steps, deadline=None, database=None, derandomize=False, print_blob=False,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seed(number)(Walk), settings=how)
    return Walk.steps - before


def test_a_few_hundred_random_acts_leave_no_two_halves_in_one_hand(session: Session) -> None:
    assert walk(session, worlds=6, steps=50, number=20_261_126) > 200


def _no_hands(*args: Any, **kwargs: Any) -> dict[int, Any]:
    return {}


def test_the_walk_finds_a_check_that_is_switched_off(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties, "hindrances", _no_hands)
    monkeypatch.setattr(duties, "kept_out", _no_hands)
    with pytest.raises(AssertionError, match=r"two reviews|reviewed and something else|recused|looked again|assigned and decided"):
        walk(session, worlds=10, steps=50, number=20_261_126)


MUTATIONS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "recusal is not asked": ("recused", lambda m: m.setattr(duties, "RECUSALS", frozenset())),
    "what was done is not asked": ("two reviews|reviewed and|assigned and|looked again", lambda m: m.setattr(duties._Hand, "bars", lambda self, act, here: self.kind in duties.RECUSALS)),
    "notices and rulings do not count": ("reviewed and something else", lambda m: m.setattr(duties, "_BARS", {})),
    "declarations never end": ("undeclared", lambda m: m.setattr(duties, "_undeclared", lambda session, staff_id: False)),
    "writers may publish": ("own rules", lambda m: m.setattr(drafts, "writers", lambda session, draft: set())),
}


@pytest.mark.matrix
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", MUTATIONS)
def test_each_half_of_the_check_is_missed_when_it_is_gone(session: Session, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    fault, mutate = MUTATIONS[name]
    mutate(monkeypatch)
    with pytest.raises(AssertionError, match=fault):
        walk(session, worlds=400, steps=60, number=7)


@pytest.mark.matrix
@pytest.mark.timeout(7_200)
def test_ten_thousand_random_acts_leave_no_two_halves_in_one_hand(session: Session) -> None:
    number = int(os.environ.get("WALK_SEED") or random.SystemRandom().randrange(2**32))
    most = int(os.environ.get("WALK_STEPS") or 10_000)
    print(f"\nWALK_SEED={number}")
    before, taken = (Walk.done.total(), Walk.refused.total()), 0
    while taken < most:
        taken += walk(session, worlds=4, steps=150, number=number + taken)
        print(f"{taken} steps so far", flush=True)
    kept, refused = Walk.done.total() - before[0], Walk.refused.total() - before[1]
    print(f"{taken} steps: {kept} done, {refused} refused; 0 histories with two halves in one hand")
    print(f"done: {dict(Walk.done)}")
    print(f"refused: {dict(Walk.refused.most_common(30))}")
