"""A quarter of the agencies, drawn once a year: committed to, decided by a later root of the audit, proved to everybody on the portal."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest
from sqlalchemy import select, text

from console import audit, clock, db
from console.registers import draws, jobs, loading
from console.registers.models import RegisterDraw
from console.scope import System
from tests.console.audited import seal_all
from tests.console.portal.conftest import Citizen
from tests.console.portal.test_registers import AGENCY, _uscc, enter

PROOF = "/registers/centre/agencies/draws/{}.json"


def _anchored(committed_db: Any, days: int) -> None:
    with committed_db.as_worker(), db.transaction() as session:
        clock.set_to(session, clock.now(session) + dt.timedelta(days=days))
    seal_all(committed_db)
    with committed_db.as_worker("anchor"), db.transaction() as session:
        audit.anchor(session)


def test_a_quarter_of_the_agencies_is_drawn_and_anybody_draws_again(visitor: Citizen, committed_db: Any) -> None:
    with committed_db.as_worker():
        numbers = [enter("agencies", AGENCY, name=f"机构{at}", uscc=_uscc(at)) for at in range(9)]
        enter("agencies", AGENCY, "close", name="注销了的", uscc=_uscc(99))
        assert jobs.draw() == 0  # the pool is committed to, and nothing is known yet
        assert jobs.draw() == 0
    with committed_db.as_worker(), db.transaction() as session:
        year = str(clock.today(session).year)
    before = json.loads(visitor.client.get(PROOF.format(year)).data)
    assert before["pool"] == sorted(numbers) and "nonce" not in before and "已承诺，待抽取" in visitor.get("/registers/centre/agencies/draws").text

    _anchored(committed_db, 1)
    with committed_db.as_worker():
        assert (jobs.draw(), jobs.draw()) == (1, 0)

    said = json.loads(visitor.client.get(PROOF.format(year)).data)
    assert said["commitment"] == before["commitment"] and "与承诺一致" in visitor.get("/registers/centre/agencies/draws").text
    page = visitor.get("/registers/centre/agencies/draws")
    assert [int(href.rpartition("/")[2]) for name, href in page.links.items() if "机构" in name and "agencies/" in href] == said["drawn"]
    # with nothing but hashlib, as the page says
    bound = {"register": said["register"], "period": said["period"], "rate": said["rate"], "pool": said["pool"], "nonce_sha256": hashlib.sha256(said["nonce"].encode()).hexdigest()}
    assert hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest() == said["commitment"]
    seed = hmac.new(said["nonce"].encode(), f"{said['commitment']}|{said['beacon']}".encode(), hashlib.sha256).hexdigest()
    order = sorted(said["pool"], key=lambda one: hmac.new(seed.encode(), str(one).encode(), hashlib.sha256).hexdigest())
    assert order[:3] == said["drawn"] and order == said["order"]
    with committed_db.as_worker(), db.transaction() as session:
        inspections = session.scalars(select(loading.register("centre-inspections").rows)).unique().all()
        assert sorted((row.agency_id, row.state) for row in inspections) == sorted((one, "drawn") for one in said["drawn"])
        assert all(row.due_at is not None for row in inspections)


def test_a_pool_that_was_changed_afterwards_is_not_drawn_from(committed_db: Any) -> None:
    with committed_db.as_worker():
        enter("agencies", AGENCY)
        jobs.draw()
    with pytest.raises(Exception, match="permission denied"), committed_db.as_worker(), db.transaction() as session:
        session.scalars(select(RegisterDraw)).one().pool = [7]
    with committed_db.owner.begin() as connection:
        connection.execute(text("SELECT set_config('ruku.who', 'test', true)"))
        connection.execute(text("UPDATE register_draw SET pool = '{7}'"))
    _anchored(committed_db, 1)
    with committed_db.as_worker(), db.transaction() as session:
        [(number, _period)] = draws.open_draws(session, loading.register("centre-agencies"))
        with pytest.raises(draws.CommitmentBroken):
            draws.carry_out(session, loading.register("centre-agencies"), number, actor=System("test"))


@pytest.mark.parametrize(("day", "every", "period"), [
    (dt.date(2026, 1, 1), "year", "2026"), (dt.date(2026, 6, 30), "half_year", "2026-H1"), (dt.date(2026, 7, 1), "half_year", "2026-H2"),
    (dt.date(2026, 12, 31), "quarter", "2026-Q4"), (dt.date(2026, 3, 31), "quarter", "2026-Q1"), (dt.date(2026, 11, 2), "month", "2026-11"),
])
def test_periods(day: dt.date, every: str, period: str) -> None:
    assert draws.period_of(day, every) == period
