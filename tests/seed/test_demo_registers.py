"""The registers of the demo: after its days every list has rows in several states, some of them late, and the draw holds."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from sqlalchemy import func, select

from console import clock, db
from console.registers import draws, loading
from console.scope import System, become
from seed.demo import registers
from seed.demo.walk import Walk


def test_after_the_days_of_the_demo_every_register_is_alive(committed_db: Any) -> None:
    walk = Walk(committed_db.web, committed_db.worker, lambda: None, [])
    today = dt.datetime.now(clock.ZONE).date()
    walk.set_clock(dt.datetime.combine(today - dt.timedelta(days=24), dt.time(8), tzinfo=clock.ZONE))
    walk.hire()
    began = time.monotonic()
    for ago in range(24, -1, -1):
        walk.set_clock(dt.datetime.combine(today - dt.timedelta(days=ago), dt.time(9), tzinfo=clock.ZONE))
        registers.live(walk, ago)
    took = time.monotonic() - began

    found: dict[str, dict[str, int]] = {}
    db.factory.configure(bind=committed_db.worker)
    with become(System("test")), db.transaction() as session:
        late = 0
        for name in ("agencies", "inspections", "complaints", "documents", "tasks"):
            rows = loading.register(f"centre-{name}").rows
            found[name] = dict(session.execute(select(rows.state, func.count()).group_by(rows.state)).all())
            late += session.scalar(select(func.count()).where(rows.due_at < clock.now(session))) or 0
        assert late >= 3
        assert draws.holds(draws.draws_of(session, loading.register("centre-agencies"))[0])
    db.Session.remove()
    assert {name: set(states) for name, states in found.items()} == {
        "agencies": {"active", "suspended", "barred", "closed"},
        "inspections": {"drawn", "rectifying", "rectified", "closed"},
        "complaints": {"received", "accepted", "handling", "published", "refused"},
        "documents": {"draft", "in_force", "ended"},
        "tasks": {"open", "working", "done", "confirmed"},
    }
    assert took < 20  # 5 s on an idle machine
