"""What both locks cost a list: row-level security in the database and the listener of the ORM, on and off in one run.

Without either, the page has the one condition that somebody writes by hand who trusts everything else: the offices, on the table the list is of; and a
supervisor of the whole region has none. All pages are asked of the console itself, signed in; the states take turns, and the best of each counts.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.orm import Session as OrmSession

from bench.house import statements
from console import apps, db, process, scope, secrecy
from console.applications.models import Admission, Application
from console.notifications.models import Letter
from console.roles import Role, Subject
from console.scope import System, become
from tests.factories import make_staff
from tests.officers import begin_session
from tests.servers import House

ROWS = 100_000
ROUNDS, REQUESTS = 5, 5
PAGES: dict[str, type[Any]] = {
    "/files/?view=office": Admission, "/files/?view=closed": Admission, "/screens/admissions/": Admission, "/screens/applications/": Application, "/screens/letters/": Letter,
}  # fmt: skip

FILL = """
SET session_replication_role = replica;
INSERT INTO applicant (id, name, phone, phone_hash, password_hash, created_at, consent_version, consented_at)
  SELECT i, '某某某', %(phone)s, 'bench-' || i, '-', now(), '2026-01', now() FROM generate_series(1, %(rows)s::int) i;
INSERT INTO application (id, number, applicant_id, answers, chosen, division_code, begun_at, saved_at, submitted_at)
  SELECT i, 'BENCH-' || i, i, '{}', '[]', '150105', at, at, at FROM generate_series(1, %(rows)s::int) i, LATERAL (SELECT now() - i * interval '7 minutes' AS at) x;
INSERT INTO admission (id, number, application_id, applicant_id, department_id, division_code, release_id, office_id, step, since, opened_at, due_at)
  SELECT i, 'BENCH-' || i, i, i, o.department_id, o.division_code, r.id, o.id, step, x.at, x.at, CASE WHEN i %% 10 < 2 THEN now() + (i %% 900) * interval '1 hour' END
  FROM generate_series(1, %(rows)s::int) i
  JOIN (SELECT o.id, o.division_code, o.department_id, row_number() OVER (ORDER BY md5(o.id::text)) - 1 AS nth, count(*) OVER () AS all_of_them
        FROM office o JOIN department d ON d.id = o.department_id WHERE NOT d.is_centre) o ON o.nth = (i * 7919::bigint) %% o.all_of_them
  JOIN release r ON r.department_id = o.department_id,
  LATERAL (SELECT now() - i * interval '7 minutes' AS at,
           CASE WHEN i %% 10 >= 2 THEN (ARRAY['roster', 'refused', 'lapsed'])[1 + i %% 3] ELSE (ARRAY['first_review', 'second_review', 'exam'])[1 + i %% 3] END AS step) x;
INSERT INTO application_specialty (application_id, applicant_id, standard, code, admission_id)
  SELECT i, i, '316-2018', 'A050302', i FROM generate_series(1, %(rows)s::int) i;
INSERT INTO letter (key, admission_id, applicant_id, office_id, event, title, title_en, body, body_en, written_at)
  SELECT 'bench-' || id, id, applicant_id, office_id, 'received', '受理通知', 'Received', '[]', '[]', opened_at FROM admission;
"""


@dataclass(frozen=True)
class Viewer:
    words: str
    client: FlaskClient
    offices: list[int]  # [] for somebody who sees everything


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    """Goals: at most 1.15 × the time of the page without locks, and at most one statement more."""
    name = "ruku_locks"
    house.clone(name)
    settings = house.settings(name)
    process.begin("worker", settings, check=False)
    _fill(house, name, rows)
    viewers = _viewers(apps.create_console(settings))
    process.begin("web", settings, check=False)
    tables = [cls.__tablename__ for cls in scope.guarded_classes()]
    worst, more = 0.0, 0
    for viewer in viewers:
        for path, model in PAGES.items():
            by_hand = partial(_by_hand, model=model, offices=viewer.offices)
            best: dict[str, float] = {}
            sent: dict[str, int] = {}
            with psycopg.connect(house.url("postgres", name), autocommit=True) as server:
                for _ in range(ROUNDS):
                    for state in ("both", "database", "listener", "neither"):
                        with _locks(server, tables, state, by_hand):
                            seconds, count = _asked(viewer.client, path)
                        best[state] = min(seconds, best.get(state, 60.0))
                        sent[state] = count
            ratio = best["both"] / best["neither"]
            worst, more = max(worst, ratio), max(more, sent["both"] - sent["neither"])
            yield (
                f"{viewer.words}, {path}: both / neither {ratio:.2f} × ({best['both'] * 1000:.1f} / {best['neither'] * 1000:.1f} ms); "
                f"database alone {best['database'] / best['neither']:.2f} ×, listener alone {best['listener'] / best['neither']:.2f} ×; "
                f"statements {sent['both']} / {sent['neither']}"
            )
    yield f"{rows:,} files in all offices: at worst {worst:.2f} × the page without locks (goal ≤ 1.15), at most {more} statement more (goal 1)"
    db.Session.remove()
    db.engine().dispose()
    house.drop(name)


def _fill(house: House, name: str, rows: int) -> None:
    with psycopg.connect(house.url("postgres", name), autocommit=True) as connection:
        psycopg.ClientCursor(connection).execute(FILL, {"rows": rows, "phone": secrecy.encrypt("13900001234")})
        connection.execute("VACUUM ANALYZE")


def _viewers(app: Any) -> list[Viewer]:
    with become(System("bench")), db.transaction() as session:
        people = [
            ("a county's coordinator", make_staff(session, Role.COORDINATOR, division="150105")),
            ("a league's coordinator", make_staff(session, Role.COORDINATOR, division="150100")),
            ("the region's coordinator", make_staff(session, Role.COORDINATOR)),
            ("a supervisor of all", make_staff(session, Role.SUPERVISOR, department_code=None)),
        ]
    wide = people[-1][1].id
    return [Viewer(words, begin_session(app, staff.id), [] if staff.id == wide else staff.offices(Subject.FILES)) for words, staff in people]


@contextmanager
def _locks(server: Any, tables: list[str], state: str, by_hand: Any) -> Iterator[None]:
    """`both`, `database`, `listener` or `neither`: without the database's nothing is told to it, and the time is this process's."""
    told, heard = state in ("both", "database"), state in ("both", "listener")
    if not told:
        server.execute(";".join(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in tables))
        event.remove(OrmSession, "after_begin", scope.arm)
        event.listen(OrmSession, "after_begin", _tell_nobody)
    if not heard:
        event.remove(OrmSession, "do_orm_execute", scope._narrow)
    if state == "neither":
        event.listen(OrmSession, "do_orm_execute", by_hand)
    try:
        yield
    finally:
        if state == "neither":
            event.remove(OrmSession, "do_orm_execute", by_hand)
        if not heard:
            event.listen(OrmSession, "do_orm_execute", scope._narrow)
        if not told:
            event.remove(OrmSession, "after_begin", _tell_nobody)
            event.listen(OrmSession, "after_begin", scope.arm)
            server.execute(";".join(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in tables))


def _tell_nobody(session: OrmSession, transaction: Any, connection: Any) -> None:
    session.info["now"] = dt.datetime.now(dt.UTC)


def _by_hand(state: ORMExecuteState, *, model: type[Any], offices: list[int]) -> None:
    if offices and state.is_select and not state.is_column_load and any(m.class_ is model for m in state.all_mappers):
        mine = Admission.application_id == model.id if model is Application else None
        seen = scope._among(model.office_id, offices) if mine is None else scope.exists().where(mine, scope._among(Admission.office_id, offices))
        state.statement = state.statement.options(with_loader_criteria(model, seen))


def _asked(client: FlaskClient, path: str) -> tuple[float, int]:
    """The best of some requests, after two that warm up what the change of state has thrown away; and the statements of one."""
    for _ in range(2):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[:500])
    best = 60.0
    for _ in range(REQUESTS):
        started = time.perf_counter()
        client.get(path)
        best = min(best, time.perf_counter() - started)
    with statements() as sent:
        client.get(path)
    return best, len(sent)
