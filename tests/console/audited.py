"""A small population walked by the real services to several ends, sealed and anchored: what the audit's tests are tried on."""

from __future__ import annotations

import datetime as dt
from typing import Any

from console import audit, clock, db, relay
from console.scope import System, become
from rules.pipeline import Step
from seed.demo.population import Person, Plan
from seed.demo.walk import Walk

MONDAY = dt.date(2026, 3, 2)
DAYS = (MONDAY, dt.date(2026, 3, 4), dt.date(2026, 3, 16), dt.date(2026, 3, 18), dt.date(2026, 3, 30))


def people() -> list[Person]:
    def person(serial: int, department: str, end: Step, story: str, plan: Plan, division: str = "150105") -> Person:
        return Person(serial, "高娃", division, (department,), {department: end}, story, plans={department: plan})

    return [
        person(1, "transport", Step.ROSTER, "退回补正", Plan(returned_by=Step.FIRST_REVIEW)),
        person(2, "finance", Step.ROSTER, "复核重审", Plan(refused_by=Step.FIRST_REVIEW, reconsiders=True)),
        person(3, "housing", Step.REFUSED, "异议成立", Plan(objection=True)),
        Person(
            4, "高娃", "150105", ("centre",), {"housing": Step.ROSTER}, "由中心指派",
            plans={"centre": Plan(assigned_to="housing"), "housing": Plan()}, changes={"work_periods.0.work_field": "construction"},
        ),
    ]


def walk(database: Any) -> Walk:
    """Everybody to the end of their plan, the relay and the worker in this process."""

    def work() -> None:
        db.Session.remove()
        db.factory.configure(bind=database.worker)
        with become(System("test")):
            relay.settle(database.settings)
        db.Session.remove()

    found = Walk(database.web, database.worker, work, people())
    found.set_clock(dt.datetime.combine(MONDAY, dt.time(8), tzinfo=clock.ZONE))
    found.hire()
    for day in DAYS:
        found.day(day, arriving=found.people if day == MONDAY else [])
    return found


def seal_all(database: Any) -> None:
    """Until nothing is left to seal: the horizon is the server's, and other tests are at work beside us."""
    with database.as_worker("seal"):
        while True:
            with db.transaction() as session:
                audit.seal(session)
                left = session.connection().exec_driver_sql(
                    "SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = e.id)"
                ).scalar_one()
            if not left:
                return
