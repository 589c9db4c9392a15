"""A notice that waits for its time: frozen and nobody's to see, public once, counted from the day it really was."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
from sqlalchemy import select, update

from console import clock as console_clock
from console import db
from console.applications.models import Admission
from console.applications.pipeline import advance
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed, NotFound
from console.outbox import OutboxMessage
from console.publicity import closing, queries, services
from console.publicity.errors import NoticeMovedOn, NotInTime, NotReady, WindowClosed
from console.publicity.models import Notice
from console.roles import Role
from console.scope import Applicant, Public, System, become
from rules.pipeline import Action, Step
from tests import factories
from tests.console.publicity.people import WORDS, item_of, make_coordinator, make_person, open_for, outcomes

SWEEP = System("sweep")
WEDNESDAY = dt.date(2026, 11, 18)
REASON = "名单里漏了一个人，重新核对以后再公示。"


def at(day: dt.date, hour: int = 9) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=console_clock.ZONE)


def schedule(session, people, when, **values):
    coordinator = values.pop("coordinator", None) or make_coordinator(session, people[0].department.code)
    office = queries.coordinating_office(session, people[0].department)
    return services.open_notice(session, office, people, actor=coordinator, publish_at=when)


def topics(session) -> list[tuple[str, list[int]]]:
    return [(topic, ids) for topic, ids in session.execute(select(OutboxMessage.topic, OutboxMessage.ids).where(OutboxMessage.topic.startswith("notice.")))]


def test_a_notice_that_waits_is_frozen_and_nobodys_to_see(session, clock, as_):
    clock.set(at(WEDNESDAY))
    person = make_person(session)
    notice = schedule(session, [person], at(dt.date(2026, 11, 20)))

    assert notice.is_waiting and notice.content_hash == hashlib.sha256(notice.content.encode()).hexdigest()
    assert topics(session) == []
    assert "first_day" not in json.loads(notice.content)
    for who in (Public(), Applicant(person.applicant_id)):
        with as_(who), pytest.raises(NotFound):
            queries.notice_page(session, notice.number)
        with as_(who):
            assert queries.notices_on_board(session, WEDNESDAY).in_force == []
    with as_(Applicant(person.applicant_id)):
        assert queries.notice_of(session, session.get_one(Admission, person.id)) is None
    with as_(SWEEP), pytest.raises(WindowClosed):
        services.object_to(session, item_of(session, notice, person), actor=SWEEP, **WORDS)


def test_who_waits_for_publication_joins_no_other_notice(session, clock):
    clock.set(at(WEDNESDAY))
    person = make_person(session)
    schedule(session, [person], at(dt.date(2026, 11, 20)))
    with pytest.raises(NotReady):
        open_for(session, [person])


def test_the_public_cannot_read_it_by_any_statement(committed_db, clock):
    clock.set(at(WEDNESDAY))
    with committed_db.as_worker(), db.transaction() as session:
        schedule(session, [make_person(session)], at(dt.date(2026, 11, 20)))
        open_for(session, [make_person(session, "敖登")])

    with committed_db.committing(committed_db.web, Public()), db.transaction() as session:
        counts = [session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in ("notice", "notice_item")]
    assert counts == [1, 1]


def test_it_becomes_public_once_and_counts_from_that_day(session, clock):
    clock.set(at(WEDNESDAY))
    notice = schedule(session, [make_person(session)], at(dt.date(2026, 11, 20)))
    frozen = notice.content_hash
    assert services.publish_due(session, [notice.id], actor=SWEEP) == []

    clock.set(at(dt.date(2026, 11, 23), 10))  # the house stood still over the weekend
    first = services.publish_due(session, [notice.id], actor=SWEEP)
    again = services.publish_due(session, [notice.id], actor=SWEEP)

    assert ([n.id for n in first], again) == ([notice.id], [])
    assert (notice.first_day, notice.last_day, notice.content_hash) == (dt.date(2026, 11, 24), dt.date(2026, 11, 30), frozen)
    assert notice.published_at == at(dt.date(2026, 11, 23), 10)
    assert topics(session) == [("notice.opened", [notice.id])]
    entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"notice:{notice.id}").order_by(AuditEntry.id)).all()
    assert [entry.facts["action"] for entry in entries] == ["notice.scheduled", "notice.published"]


def test_two_sweeps_at_once_publish_it_once(committed_db, clock):
    clock.set(at(WEDNESDAY))
    with committed_db.as_worker(), db.transaction() as session:
        notice_id = schedule(session, [make_person(session)], at(WEDNESDAY, 10)).id
    clock.set(at(WEDNESDAY, 11))

    with committed_db.as_worker(), db.transaction() as session:
        assert len(services.publish_due(session, [notice_id], actor=SWEEP)) == 1
        with db.factory(bind=db.engine()) as other, become(SWEEP):
            other.connection()
            assert services.publish_due(other, [notice_id], actor=SWEEP) == []  # the row is held: it is left to whoever holds it
            other.rollback()


def test_nobody_is_admitted_by_a_notice_that_was_never_public(session, clock):
    clock.set(at(WEDNESDAY))
    person = make_person(session)
    notice = schedule(session, [person], at(dt.date(2026, 11, 20)))

    clock.set(at(dt.date(2026, 12, 20)))
    result = closing.close_due(session, [notice.id], actor=SWEEP)

    assert (result.admitted, result.closed, outcomes(session, person)) == ([], [], [(Step.PUBLICITY, None)])
    assert session.scalars(select(Notice.id).where(closing.has_work())).all() == []


@pytest.mark.parametrize("when", [dt.timedelta(0), dt.timedelta(minutes=-1), dt.timedelta(days=-400), dt.timedelta(days=61)])
def test_a_time_in_the_past_or_far_ahead_is_refused(session, clock, when):
    now = clock.set(at(WEDNESDAY))
    with pytest.raises(NotInTime):
        schedule(session, [make_person(session)], now + when)
    assert session.scalars(select(Notice)).all() == []


def test_who_left_before_it_was_public_is_not_shown(session, clock, as_):
    clock.set(at(WEDNESDAY))
    gone, stays = make_person(session, "敖登"), make_person(session, "高娃")
    notice = schedule(session, [gone, stays], at(WEDNESDAY, 12))
    frozen = notice.content_hash
    advance(session, [gone], Action.WITHDRAW, actor=Applicant(gone.applicant_id), reason=None)

    clock.set(at(WEDNESDAY, 13))
    services.publish_due(session, [notice.id], actor=SWEEP)

    with as_(Public()):
        page = queries.notice_page(session, notice.number)
        assert ([person.name for person in page.people], page.is_intact) == (["高娃"], True)
    assert "敖登" not in notice.content
    entry = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"notice:{notice.id}").order_by(AuditEntry.id.desc())).first()
    assert (entry.facts["frozen_as"], entry.facts["content_hash"]) == (frozen, notice.content_hash)


def test_a_notice_on_which_nobody_is_left_is_never_published(session, clock):
    clock.set(at(WEDNESDAY))
    person = make_person(session)
    notice = schedule(session, [person], at(WEDNESDAY, 12))
    advance(session, [person], Action.WITHDRAW, actor=Applicant(person.applicant_id), reason=None)

    clock.set(at(WEDNESDAY, 13))
    assert services.publish_due(session, [notice.id], actor=SWEEP) == []

    assert (notice.published_at, notice.withdrawn_at is None, notice.closed_at is None) == (None, False, False)
    assert topics(session) == []


def test_a_waiting_notice_is_withdrawn_with_a_reason_and_its_people_wait_again(session, clock):
    clock.set(at(WEDNESDAY))
    person = make_person(session)
    coordinator = make_coordinator(session)
    notice = schedule(session, [person], at(WEDNESDAY, 12), coordinator=coordinator)
    with pytest.raises(InvalidAnswers):
        services.withdraw(session, notice, actor=coordinator, reason="错", was_public=False)

    services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=False)

    clock.set(at(WEDNESDAY, 13))
    assert services.publish_due(session, [notice.id], actor=SWEEP) == []
    assert (notice.withdrawn_reason, notice.withdrawn_by) == (REASON, coordinator.who)
    with pytest.raises(NoticeMovedOn):
        services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=False)
    again = open_for(session, [person], coordinator=coordinator)
    assert again.published_at is not None


def test_taking_back_what_the_clock_published_meanwhile_is_another_decision(session, clock):
    clock.set(at(WEDNESDAY))
    coordinator = make_coordinator(session)
    notice = schedule(session, [make_person(session)], at(WEDNESDAY, 12), coordinator=coordinator)
    clock.set(at(WEDNESDAY, 13))
    services.publish_due(session, [notice.id], actor=SWEEP)

    with pytest.raises(NoticeMovedOn):
        services.withdraw(session, notice, actor=coordinator, reason=REASON, was_public=False)
    assert notice.withdrawn_at is None


@pytest.mark.parametrize("role", [Role.FIRST_REVIEWER, Role.SUPERVISOR])
def test_only_the_departments_coordinator_withdraws(session, clock, role):
    clock.set(at(WEDNESDAY))
    notice = schedule(session, [make_person(session)], at(WEDNESDAY, 12))
    for officer in (make_coordinator(session, "water"), factories.make_staff(session, role, department_code="transport" if role != Role.SUPERVISOR else None)):
        with pytest.raises(NotAllowed):
            services.withdraw(session, notice, actor=officer, reason=REASON, was_public=False)


def test_a_clock_that_jumps_back_publishes_nothing_twice(session, clock):
    clock.set(at(WEDNESDAY))
    notice = schedule(session, [make_person(session)], at(WEDNESDAY, 12))
    clock.set(at(WEDNESDAY, 13))
    services.publish_due(session, [notice.id], actor=SWEEP)
    due = notice.due_at

    clock.set(at(WEDNESDAY, 8))
    session.execute(update(Notice).values(claimed_until=None))
    assert services.publish_due(session, [notice.id], actor=SWEEP) == []
    clock.set(at(WEDNESDAY, 14))
    assert services.publish_due(session, [notice.id], actor=SWEEP) == []
    assert notice.due_at == due
