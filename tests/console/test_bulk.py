"""Rows written as a set are the rows that the ORM would write, and go through the same wall."""

from __future__ import annotations

import datetime as dt
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from console import bulk, clock
from console.applications.models import Applicant, StepEntry
from console.outbox import OutboxMessage
from console.publicity.models import Objection
from console.roles import Role
from console.roster.models import RosterEvent
from tests import factories

WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**31), 2**31) | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))


@pytest.fixture
def admission(session):
    return factories.make_admission(session)


@given(reason=st.none() | WORDS, items=st.lists(st.dictionaries(WORDS, JSON, max_size=3), max_size=3), at=st.integers(0, 4_000_000_000).map(lambda n: dt.datetime.fromtimestamp(n, dt.UTC)))
def test_what_is_written_is_what_is_read(session, admission, reason, items, at):
    row = {
        "admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id, "action": "submit", "from_step": None,
        "to_step": "screening", "at": at, "who": "system:test", "reason": reason, "items": items, "due_at": None,
    }  # fmt: skip

    with session.begin_nested() as example:
        ((number,),) = bulk.write(session, StepEntry, [row], returning=[StepEntry.id])
        found = session.get_one(StepEntry, number)
        assert {name: getattr(found, name) for name in row} == row
        session.expunge(found)
        example.rollback()


def test_a_set_is_one_statement_and_arrays_and_defaults_are_kept(session, statements):
    now = clock.now(session)
    rows = [{"topic": "test.bulk", "ids": list(range(n)), "created_at": now, "due_at": now} for n in range(300)]
    with statements() as sent:
        bulk.write(session, OutboxMessage, rows)
    assert len(sent) == 1
    found = session.execute(select(OutboxMessage.ids, OutboxMessage.attempts).where(OutboxMessage.topic == "test.bulk").order_by(OutboxMessage.id)).all()
    assert found == [(list(range(n)), 0) for n in range(300)]
    assert bulk.write(session, OutboxMessage, []) == []


def test_what_is_encrypted_lies_encrypted(session):
    applicant = factories.make_applicant(session)
    row = {"name": "敖登", "phone": "13912345678", "phone_hash": "bulk", "password_hash": "-", "created_at": clock.now(session), "consent_version": "1", "consented_at": clock.now(session)}
    ((number,),) = bulk.write(session, Applicant, [row], returning=[Applicant.id])
    assert session.get_one(Applicant, number).phone == "13912345678"
    stored = session.connection().exec_driver_sql("SELECT phone FROM applicant WHERE id = %s", (number,)).scalar_one()
    assert "13912345678" not in stored
    assert Objection.__table__.c.contact.type.__class__.__name__ == "Encrypted"
    assert applicant.id != number


def test_the_wall_sees_every_row(session, as_, admission):
    """An officer may not write into somebody else's file this way either."""
    stranger = factories.make_staff(session, Role.FIRST_REVIEWER, department_code="water")
    row = {
        "entry_id": 1, "applicant_id": admission.applicant_id, "office_id": admission.office_id, "event": "entered", "at": clock.now(session), "who": "x", "facts": {},
    }  # fmt: skip
    session.flush()
    with as_(stranger), pytest.raises(ProgrammingError), session.begin_nested():
        bulk.write(session, RosterEvent, [row])


def test_numbers_are_found_by_one_parameter(session, statements):
    people = [factories.make_applicant(session).id for _ in range(3)]
    with statements() as sent:
        found = session.scalars(select(Applicant.id).where(bulk.among(Applicant.id, people[:2]))).all()
    assert sorted(found) == people[:2]
    assert "ANY (" in sent[0]
    assert session.scalars(select(Applicant.id).where(bulk.among(Applicant.id, []))).all() == []


def test_the_collector_comes_back():
    assert gc.isenabled()
    with pytest.raises(ValueError, match="no"), bulk.undisturbed():
        assert not gc.isenabled()
        raise ValueError("no")
    assert gc.isenabled()
