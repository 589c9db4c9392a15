"""Submitting an application: statements by table, whatever the number of specialties."""

from __future__ import annotations

import time
from collections.abc import Iterator

from console import db, process
from console.applications import queries, services
from console.scope import System, become
from tests.console.applications.filing import draft, newcomer, writes
from tests.servers import House

ONE = [("316-2018", "A050302")]
ROUNDS = 5
MANY = [*ONE, ("316-2018", "A050301"), ("316-2018", "A080804"), ("316-2018", "A060101"), ("316-2018", "A010301"), ("mof-2022", "A02010000")]


def measure(house: House) -> Iterator[str]:
    """At most one statement per table; the ratio says what five more specialties cost."""
    house.clone("ruku_submit")
    process.begin("worker", house.settings("ruku_submit"), check=False)
    taken: dict[int, float] = {}
    for serial, chosen in enumerate((ONE, MANY) * ROUNDS, start=1):
        with become(System("bench")), db.transaction() as session:
            person = newcomer(session, serial)
        with become(person.me), db.transaction() as session:
            departments = sorted({"A05": "transport", "A08": "water", "A06": "housing", "A01": "natural_resources", "A02": "finance"}[code[:3]] for _, code in chosen)
            number = draft(session, person, *dict.fromkeys(departments), specialties=chosen).id
        with become(person.me), db.transaction() as session:  # the submission is a request of its own
            application = queries.own_application(session, number)
            with writes(session) as seen:
                started = time.perf_counter()
                services.submit(session, application, actor=person.me)
                session.commit()
                taken[len(chosen)] = min(time.perf_counter() - started, taken.get(len(chosen), 60.0))
        if serial > 2 * (ROUNDS - 1):  # every round is the same
            most = max(seen.values())
            yield f"{len(chosen)} {'specialty' if len(chosen) == 1 else 'specialties'}: {sum(seen.values())} writing statements in {len(seen)} tables, at most {most} per table (goal 1)"
    yield f"{len(MANY)} specialties in 5 departments / 1 specialty: {taken[len(MANY)] / taken[1]:.2f} × the time ({taken[len(MANY)] * 1000:.0f} ms / {taken[1] * 1000:.0f} ms)"
    db.Session.remove()
    db.engine().dispose()
    house.drop("ruku_submit")
