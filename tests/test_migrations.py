"""The migrations make what the models describe, from nothing and back, and run when two start at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import inspect, select

from console import audit, db, schema, setbacks
from console.publicity import troubled
from console.setbacks import Setback
from tests.conftest import House
from tests.console.publicity.people import item_of, make_person, open_for
from tests.walled import registers


@pytest.fixture
def empty(house: House, request: pytest.FixtureRequest) -> Iterator[str]:
    """The owner's address of a database without tables."""
    name = f"ruku_empty_{getattr(request.config, 'workerinput', {}).get('workerid', 'gw0')}"
    house.empty(name)
    yield house.environment(name)["DATABASE_OWNER_URL"]
    house.drop(name)


def tables(url: str) -> set[str]:
    engine = db.make_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def functions_and_sequences(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace UNION ALL"
            " SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    return sorted(row[0] for row in rows)


def test_up_down_up(empty):
    first = schema.upgrade(empty)
    there = tables(empty)
    bottom = schema.downgrade(empty, "base")
    left = tables(empty)
    leftovers = functions_and_sequences(empty)
    again = schema.upgrade(empty)

    assert (first, bottom, again) == (schema.head(), None, schema.head())
    assert left == {"alembic_version", "alembic_version_registers"}
    assert leftovers == []
    assert tables(empty) == there


def test_models_and_database_agree(empty):
    schema.upgrade(empty)

    assert schema.differences(empty) == []


def test_migrating_twice_at_once_is_one_after_the_other(empty):
    revisions: list[str | None] = []
    threads = [threading.Thread(target=lambda: revisions.append(schema.upgrade(empty))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert revisions == [schema.head()] * 2


def test_every_scoped_model_has_its_policies_and_no_other_table_has(database):
    from console import scope
    from console.registers.tables import RegisterBase

    in_force = {one.rows for one in registers()}  # mapped when they are first asked for, which another test need not have done
    with database.owner.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
            " array_agg(p.polname ORDER BY p.polname) FILTER (WHERE p.polname LIKE 'scope_%%')"
            " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1, 2"
        ).all()
    walled = {name for name, forced, policies in rows if forced and policies and "scope_read" in policies}
    half_walled = {name for name, forced, policies in rows if bool(forced) != bool(policies)}

    assert half_walled == set()
    # registers that a test added to a database of its own are none of this one's
    assert {cls.__tablename__ for cls in scope.guarded_classes() if not issubclass(cls, RegisterBase) or cls in in_force} == walled


def test_logins_own_nothing_and_cannot_go_past_the_wall(database):
    with database.owner.connect() as connection:
        owners = connection.exec_driver_sql(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).all()
        logins = connection.exec_driver_sql(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, pg_has_role(rolname, 'ruku_worker', 'member')"
            " FROM pg_roles WHERE rolname IN ('ruku_owner', 'ruku_web', 'ruku_jobs') ORDER BY 1"
        ).all()
    assert [tuple(row) for row in owners] == [("ruku_owner",)]
    assert [tuple(row) for row in logins] == [
        ("ruku_jobs", False, False, False, False, True),
        ("ruku_owner", False, False, False, False, False),
        ("ruku_web", False, False, False, False, False),
    ]


def test_servers_hold_only_private_sockets(house):
    with house.administrator() as connection:
        listening = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert listening == ("",)
    assert house.sockets.stat().st_mode & 0o077 == 0


def test_who_could_not_be_settled_is_carried_over_and_back(committed_db):
    """0041: the columns of the notice's line become a setback."""
    owner = committed_db.settings.database_owner_url
    with committed_db.as_worker():
        with db.transaction() as session:
            people = [make_person(session, name) for name in ("丙", "丁", "敖登")]
            notice = open_for(session, people)
            ill, lost = (item_of(session, notice, person).id for person in people[:2])
            for key, tries in ((ill, 1), (lost, setbacks.MOST_ATTEMPTS)):
                for _ in range(tries):
                    setbacks.note(session, troubled.PERSON, {key: "KeyError"})
                    session.flush()
        db.Session.remove()
        committed_db.dispose()
        schema.downgrade(owner, "0038")
        with psycopg.connect(owner) as connection:
            before = connection.execute("SELECT id, tries, failure FROM notice_item ORDER BY position").fetchall()
        schema.upgrade(owner)
        with db.transaction() as session:
            rows = session.execute(select(Setback.subject_id, Setback.attempts, Setback.gave_up_at.is_not(None), Setback.last_error).order_by(Setback.subject_id)).all()
            assert [found for found in audit.verify(session) if "notice_item" in found] == []

    assert before[:2] == [(ill, 1, "KeyError"), (lost, 8, "KeyError")] and before[2][1:] == (None, None)
    assert [tuple(row) for row in rows] == [(ill, 1, False, "KeyError"), (lost, 8, True, "KeyError")]
