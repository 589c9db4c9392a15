"""The daily draw: what is broken stops nothing else, and two runs at once draw once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text

from console import audit, clock, db
from console.registers import draws, jobs, loading
from console.registers.models import RegisterDraw
from console.scope import System
from tests.console.audited import seal_all
from tests.console.portal.test_registers import AGENCY, _uscc, enter
from tests.console.registers.meeting import one_after_the_other


def _later(committed_db: Any, days: int) -> None:
    """So many days on, with that day's roots of the audit published."""
    with committed_db.as_worker(), db.transaction() as session:
        clock.set_to(session, clock.now(session) + dt.timedelta(days=days))
    seal_all(committed_db)
    with committed_db.as_worker("anchor"), db.transaction() as session:
        audit.anchor(session)


@pytest.fixture
def committed_to(committed_db: Any) -> None:
    """Nine agencies, and this year's draw of them waiting for a public value."""
    with committed_db.as_worker():
        for at in range(9):
            enter("agencies", AGENCY, name=f"机构{at}", uscc=_uscc(at))
        jobs.draw()


def test_a_broken_draw_is_told_and_the_others_go_on(committed_to: None, committed_db: Any) -> None:
    with committed_db.owner.begin() as connection:
        connection.execute(text("SELECT set_config('ruku.who', 'test', true)"))
        connection.execute(text("UPDATE register_draw SET pool = '{7}'"))
    with committed_db.as_worker(), db.transaction() as session:
        clock.set_to(session, clock.now(session) + dt.timedelta(days=366))
    with committed_db.as_worker(), pytest.raises(jobs.DrawsFailed) as before:  # there is no public value so far, and the next year is committed to
        _later(committed_db, 0)
        jobs.draw()
    _later(committed_db, 1)

    with committed_db.as_worker(), pytest.raises(jobs.DrawsFailed) as error:
        jobs.draw()

    with committed_db.as_worker(), db.transaction() as session:
        broken, good = session.scalars(select(RegisterDraw).order_by(RegisterDraw.id)).all()
        assert (broken.drawn_at, len(good.drawn or ())) == (None, 3)
        assert len(session.scalars(select(loading.register("centre-inspections").rows)).unique().all()) == 3
    assert str(before.value) == str(error.value)
    assert f"register_centre_agencies {broken.period}: CommitmentBroken" in str(error.value)


def test_two_runs_at_once_enter_what_is_drawn_once(committed_to: None, committed_db: Any) -> None:
    _later(committed_db, 1)
    agencies, inspections = loading.register("centre-agencies"), loading.register("centre-inspections")

    def carry_out(session: Any) -> Any:
        [waiting] = draws.draws_of(session, agencies)
        return draws.carry_out(session, agencies, waiting.id, actor=System("test"))

    with committed_db.as_worker():
        first, second = one_after_the_other((System("test"), System("test")), carry_out, carry_out)
    assert (len(first), second) == (3, ())
    with committed_db.as_worker(), db.transaction() as session:
        assert sorted(row.agency_id for row in session.scalars(select(inspections.rows)).unique()) == sorted(first)


def test_two_runs_at_once_commit_to_one_pool(committed_db: Any) -> None:
    with committed_db.as_worker():
        enter("agencies", AGENCY)
        agencies = loading.register("centre-agencies")
        first, second = one_after_the_other((System("test"), System("test")), lambda s: draws.commit(s, agencies), lambda s: draws.commit(s, agencies))
    assert (first.pool != [], second) == (True, None)
    with committed_db.as_worker(), db.transaction() as session:
        entries = session.scalars(select(audit.AuditEntry.action).where(audit.AuditEntry.action == "register.draw_committed")).all()
        assert (len(session.scalars(select(RegisterDraw)).all()), len(entries)) == (1, 1)
