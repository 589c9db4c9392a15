"""Objections: anyone may make one and nobody outside may read them; a ruling decides about one person."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from console import db
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.publicity import closing, queries, services
from console.publicity.errors import AlreadyRuled, WindowClosed
from console.publicity.models import Objection
from console.roles import Role
from console.scope import Public, System
from tests import factories
from tests.console.publicity.people import (
    WORDS,
    item_of,
    make_coordinator,
    make_person,
    object_to,
    open_for,
    outcomes,
)

SWEEP = System("sweep")
GROUNDS = ["papers_false"]  # of transport's review.yaml
REASON = "经核查，业绩材料上的总监理工程师是本人。"


@pytest.fixture
def shown(session, clock):
    """Two people on a notice that runs until 25 November."""
    clock.set(dt.date(2026, 11, 18))
    people = [make_person(session, "高娃"), make_person(session, "敖登")]
    return open_for(session, people), *people


def test_the_public_writes_an_objection_and_reads_none(committed_db, clock):
    clock.set(dt.date(2026, 11, 18))
    with committed_db.as_worker(), db.transaction() as session:
        notice = open_for(session, [make_person(session)])
        number = notice.number

    with committed_db.committing(committed_db.web, Public("203.0.113.7")):
        with db.transaction() as session:
            item = queries.notice_page(session, number).people[0].item
            code = services.object_to(session, item, actor=Public(), **WORDS).code
        with db.transaction() as session:
            assert session.scalars(select(Objection)).all() == []
            assert session.connection().exec_driver_sql("SELECT count(*) FROM objection").scalar_one() == 0
            assert queries.open_objections(session) == []
            assert queries.objection_by_code(session, f" {code.lower()} ").state == "open"
            assert queries.notice_page(session, number).people[0].state == "held"
        with pytest.raises(ProgrammingError), db.transaction() as session:
            session.connection().exec_driver_sql(
                "INSERT INTO objection (id, code, notice_item_id, admission_id, applicant_id, office_id, objector, contact,"
                " ground, made_at) SELECT 1000, 'x', id, admission_id, applicant_id, office_id, 'x', 'x', 'x', now()"
                " FROM notice_item RETURNING id"
            )

    with committed_db.as_worker(), db.transaction() as session:
        made = session.scalars(select(Objection)).one()
        assert (made.objector, made.contact, made.ground) == tuple(WORDS.values())
        stored = session.connection().exec_driver_sql("SELECT objector FROM objection").scalar_one()
        assert WORDS["objector"] not in stored
        topics = session.scalars(select(OutboxMessage.topic).order_by(OutboxMessage.id)).all()
        assert topics == ["notice.opened", "objection.received"]


def test_unknown_code_is_not_found(session):
    with pytest.raises(NotFound):
        queries.objection_by_code(session, "ABCD-EFGH-JKLM-NPQR")


def test_an_objection_says_who_how_to_reach_and_why(session, shown):
    notice, held, _other = shown
    with pytest.raises(InvalidAnswers) as error:
        services.object_to(session, item_of(session, notice, held), actor=Public(), objector=" ", contact="1", ground="假的")
    assert sorted(error.value.problems) == ["contact", "ground", "objector"]


def test_nobody_objects_after_the_window(session, clock, shown):
    notice, held, _other = shown
    clock.set(notice.due_at - dt.timedelta(seconds=1))
    object_to(session, notice, held)
    clock.set(notice.due_at)
    with pytest.raises(WindowClosed):
        object_to(session, notice, held)


def test_an_objection_holds_one_person_only(session, clock, shown):
    notice, held, other = shown
    objection = object_to(session, notice, held)
    clock.set(notice.due_at)

    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert (result.admitted, result.closed) == ([other.id], [])
    assert outcomes(session, held, other) == [("publicity", None), ("roster", "admitted")]
    assert [o.id for o in queries.open_objections(session)] == [objection.id]
    assert [p.state for p in queries.notice_page(session, notice.number).people] == ["held", "admitted"]


def test_upheld_within_the_window_refuses_with_the_ruling(session, shown):
    notice, held, other = shown
    objection = object_to(session, notice, held)
    coordinator = make_coordinator(session)

    services.rule_on(session, objection, actor=coordinator, upheld=True, ruling="业绩材料系借用，依据第八条不予通过。", grounds=GROUNDS)

    assert outcomes(session, held, other) == [("refused", "refused"), ("publicity", None)]
    last = held.entries[-1]
    assert (last.who, last.reason) == (coordinator.who, "业绩材料系借用，依据第八条不予通过。")
    assert [(item["ground"], item["basis"][0]["article"]) for item in last.items] == [("papers_false", "条件三")]
    assert queries.objection_by_code(session, objection.code).state == "upheld"


def test_dismissed_within_the_window_goes_on_with_the_others(session, clock, shown):
    notice, held, other = shown
    objection = object_to(session, notice, held)
    services.rule_on(session, objection, actor=make_coordinator(session), upheld=False, ruling=REASON)
    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == []
    clock.set(notice.due_at)

    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert (result.admitted, result.closed) == ([held.id, other.id], [notice.id])
    answer = queries.objection_by_code(session, objection.code)
    assert (answer.state, answer.ruling, answer.notice) == ("dismissed", REASON, notice.number)


def test_dismissed_after_the_window_is_admitted_by_the_next_sweep(session, clock, shown):
    notice, held, other = shown
    objection = object_to(session, notice, held)
    clock.set(notice.due_at)
    closing.close_due(session, [notice.id], actor=SWEEP)
    notice.claimed_until = notice.due_at + dt.timedelta(minutes=5)  # the relay's lease
    clock.advance(days=3)

    services.rule_on(session, objection, actor=make_coordinator(session), upheld=False, ruling=REASON)
    session.refresh(notice)
    assert notice.claimed_until is None
    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert (result.admitted, result.closed) == ([held.id], [notice.id])
    assert outcomes(session, held, other) == [("roster", "admitted"), ("roster", "admitted")]


def test_upheld_after_the_window_closes_the_notice(session, clock, shown):
    notice, held, other = shown
    objection = object_to(session, notice, held)
    clock.set(notice.due_at)
    closing.close_due(session, [notice.id], actor=SWEEP)

    services.rule_on(session, objection, actor=make_coordinator(session), upheld=True, ruling="业绩材料系借用。", grounds=GROUNDS)
    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert result.closed == [notice.id]
    assert outcomes(session, held, other) == [("refused", "refused"), ("roster", "admitted")]


def test_two_objections_hold_until_both_are_ruled(session, clock, shown):
    notice, held, _other = shown
    first, second = object_to(session, notice, held), object_to(session, notice, held)
    coordinator = make_coordinator(session)
    services.rule_on(session, first, actor=coordinator, upheld=False, ruling=REASON)
    clock.set(notice.due_at)
    assert held.id not in closing.close_due(session, [notice.id], actor=SWEEP).admitted

    services.rule_on(session, second, actor=coordinator, upheld=False, ruling=REASON)

    assert closing.close_due(session, [notice.id], actor=SWEEP).admitted == [held.id]


def test_a_ruling_is_made_once_by_the_coordinator_with_words(session, shown):
    notice, held, _other = shown
    objection = object_to(session, notice, held)
    coordinator = make_coordinator(session)
    with pytest.raises(NotAllowed):
        reviewer = factories.make_staff(session, Role.SECOND_REVIEWER)
        services.rule_on(session, objection, actor=reviewer, upheld=True, ruling=REASON, grounds=GROUNDS)
    for ruling, grounds, wrong in ((" ", GROUNDS, "ruling"), (REASON, [], "grounds"), (REASON, [*GROUNDS, "none"], "grounds")):
        with pytest.raises(InvalidAnswers) as error:
            services.rule_on(session, objection, actor=coordinator, upheld=True, ruling=ruling, grounds=grounds)
        assert list(error.value.problems) == [wrong]
    services.rule_on(session, objection, actor=coordinator, upheld=False, ruling=REASON)
    with pytest.raises(AlreadyRuled):
        services.rule_on(session, objection, actor=coordinator, upheld=True, ruling=REASON, grounds=GROUNDS)
