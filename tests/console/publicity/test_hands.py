"""Who has an objection in hand, by when it is answered, and taking it back."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from console import db
from console.applications.models import StepEntry
from console.errors import NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.publicity import jobs, queries, services, terms
from console.publicity.errors import AlreadyRuled, HeldByAnother, NotAbleToRule
from console.publicity.models import RECHECK_CODE, Objection
from console.roles import Role
from console.scope import Public, System
from tests import factories
from tests.console.publicity.people import WORDS, make_coordinator, make_person, object_to, open_for

OPENED = dt.date(2026, 11, 18)
RULING = "经核查，业绩材料上的总监理工程师是本人。"


@pytest.fixture
def objected(session, clock):
    """An objection of the 18th, and two coordinators who may rule on it."""
    clock.set(OPENED)
    first, second = make_coordinator(session), make_coordinator(session)
    person = make_person(session)
    notice = open_for(session, [person], coordinator=first)
    return object_to(session, notice, person), first, second


def test_it_is_taken_handed_over_and_put_back(session, as_, objected):
    objection, first, second = objected
    seen = []
    for actor, to in ((first, first.id), (first, second.id), (second, second.id), (second, None)):
        services.assign(session, objection, to, actor=actor)
        seen.append((objection.holder_id, objection.held_since is not None))
    assert seen == [(first.id, True), (second.id, True), (second.id, True), (None, False)]


def test_whoever_has_it_rules_and_nobody_past_them(session, objected):
    objection, first, second = objected
    services.assign(session, objection, second.id, actor=first)
    with pytest.raises(HeldByAnother):
        services.rule_on(session, objection, actor=first, upheld=False, ruling=RULING)
    services.assign(session, objection, first.id, actor=first)
    services.rule_on(session, objection, actor=first, upheld=False, ruling=RULING)
    with pytest.raises(AlreadyRuled):
        services.assign(session, objection, second.id, actor=first)


@pytest.mark.parametrize(
    ("role", "department", "division"),
    [
        (Role.COORDINATOR, "water", factories.REGION),
        (Role.COORDINATOR, "transport", factories.HOHHOT),
        (Role.FIRST_REVIEWER, "transport", factories.REGION),
        (Role.SUPERVISOR, None, factories.REGION),
    ],
)
def test_it_is_given_only_to_who_may_rule_and_by_who_may(session, objected, role, department, division):
    objection, first, _second = objected
    officer = factories.make_staff(session, role, department_code=department, division=division)
    with pytest.raises(NotAbleToRule):
        services.assign(session, objection, officer.id, actor=first)
    with pytest.raises(NotAbleToRule):
        services.assign(session, objection, 2_000_000_000, actor=first)
    with pytest.raises(NotAllowed):
        services.assign(session, objection, officer.id, actor=officer)
    assert objection.holder_id is None


def test_it_is_not_given_to_who_reviewed_the_file(session, objected):
    objection, first, second = objected
    session.add(
        StepEntry(
            admission_id=objection.admission_id, applicant_id=objection.applicant_id, office_id=objection.office_id, at=objection.made_at,
            action="pass_step", from_step="first_review", to_step="second_review", who=second.who, items=[],
        )
    )  # fmt: skip
    session.flush()
    assert list(services.able_to_rule(session, objection)) == [first.id]
    with pytest.raises(NotAbleToRule):
        services.assign(session, objection, second.id, actor=first)


def test_an_answer_is_due_after_the_settings_working_days(session, clock, objected):
    objection, *_officers = objected
    assert (terms.terms().objection_days, objection.answer_day) == (5, dt.date(2026, 11, 25))


def test_views_tell_mine_nobodys_late_and_over(session, clock, as_, objected):
    objection, first, second = objected
    services.assign(session, objection, first.id, actor=first)
    number = objection.id

    def listed(who, view):
        with as_(who):
            return [o.id for o in queries.open_objections(session, view=view)]

    assert [listed(who, "mine") for who in (first, second)] == [[number], []]
    assert (listed(first, "unassigned"), listed(first, "overdue"), listed(first, "over")) == ([], [], [])
    clock.set(dt.date(2026, 11, 26))
    assert (listed(second, "overdue"), listed(second, "over")) == ([number], [number])
    with as_(first):
        assert queries.count_objections(session) == {"waiting": 1, "mine": 1, "unassigned": 0, "overdue": 1, "over": 1}


def test_what_an_officer_who_left_had_in_hand_is_put_back(committed_db, clock):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        coordinator = make_coordinator(session)
        person = make_person(session)
        objection = object_to(session, open_for(session, [person], coordinator=coordinator), person)
        services.assign(session, objection, coordinator.id, actor=coordinator)
        objection_id, staff_id = objection.id, coordinator.id
    with committed_db.as_worker():
        jobs.put_back([staff_id])
        jobs.put_back([staff_id])
    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(Objection, objection_id).holder_id is None


def test_what_the_recheck_found_gets_the_same_limit(session, objected):
    objection, *_officers = objected
    objection.rule_by = None
    session.flush()
    services.give_limits(session, [objection.id], actor=System("objections"))
    assert objection.answer_day == dt.date(2026, 11, 25)


def test_the_objector_takes_it_back_with_the_code_as_the_public(committed_db, clock):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        person = make_person(session)
        notice = open_for(session, [person])
        number, recheck = notice.number, object_to(session, notice, person)
        recheck.code = f"{RECHECK_CODE}ABCDEFGHJKLMNP"
        found, kept = recheck.id, recheck.code
    with committed_db.committing(committed_db.web, Public("203.0.113.7")):
        with db.transaction() as session:
            item = queries.notice_page(session, number).people[0].item
            code = services.object_to(session, item, actor=Public(), **WORDS).code
        for wrong in ("", "AAAA-BBBB-CCCC-DDDD", kept):
            with pytest.raises(NotFound), db.transaction() as session:
                services.take_back(session, wrong)
        with db.transaction() as session:
            services.take_back(session, f" {code.lower()}")
        with pytest.raises(AlreadyRuled), db.transaction() as session:
            services.take_back(session, code)
        with db.transaction() as session:
            assert queries.objection_by_code(session, code).state == "withdrawn"
    with committed_db.as_worker(), db.transaction() as session:
        ruled = {o.id: (o.upheld, o.ruled_by) for o in session.scalars(select(Objection)) if o.ruled_at}
        assert found not in ruled and list(ruled.values()) == [(False, "objector")]
        assert session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "objection.dismissed")).all() == [list(ruled)]


def test_a_ruling_and_a_withdrawal_at_once_leave_one(session, objected):
    objection, first, _second = objected
    services.rule_on(session, objection, actor=first, upheld=False, ruling=RULING)
    with pytest.raises(AlreadyRuled):
        services.take_back(session, objection.code)
    assert (objection.ruling, objection.withdrawn_at) == (RULING, None)
