"""Every job on the list, by enumeration: asked for rows that are gone or not due it changes nothing, and run again it changes nothing more."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from console import assembly, db, housekeeping, worker
from console.jobs import REGISTRY
from rules.pipeline import Step
from tests.console.publicity.people import make_person, open_for
from tests.factories import make_admission

GONE = [987_654, 987_655, 987_656]
#: what says only that something was looked at, and when
LOOKED_AT = {"job_run", "heartbeat", "audit_link", "audit_horizon", "retention_outlook", "retention_run"}


def names(daily: bool) -> list[str]:
    worker.prepare()
    every_day = {job.name for job in [*assembly.DAILY, *housekeeping.list_jobs()]}
    return sorted(name for name in REGISTRY if (name in every_day) is daily)


def contents(owner_engine) -> dict[str, str]:
    """A digest of every table."""
    with owner_engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).scalars().all()
        found = {}
        for table in tables:
            if table not in LOOKED_AT:
                rows = f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM {table} t"
                found[table] = connection.execute(text(rows)).scalar_one()
        return found


@pytest.fixture
def world(committed_db):
    """A file at every step and an open notice, nothing of it due."""
    with committed_db.as_worker(), db.transaction() as session:
        for step in Step:
            make_admission(session, step=step)
        open_for(session, [make_person(session)])
    return committed_db


def test_every_job_asked_for_rows_that_are_gone_changes_nothing(world, owner_engine):
    before = contents(owner_engine)
    with world.as_worker():
        for name in names(daily=False):
            for _ in range(2):
                REGISTRY[name](list(GONE))
                db.Session.remove()
            assert contents(owner_engine) == before, name


def test_every_sweep_asked_for_rows_that_are_not_due_changes_nothing(world, owner_engine):
    worker.prepare()
    before = contents(owner_engine)
    with world.as_worker():
        for sweep in assembly.SWEEPS:
            with db.transaction() as session:
                ids = list(session.scalars(select(sweep.model.id)))
            for _ in range(2):
                sweep.job(ids)
                db.Session.remove()
            assert contents(owner_engine) == before, sweep.job.name


def test_every_daily_job_run_again_changes_nothing_more(world, owner_engine):
    with world.as_worker():
        for name in names(daily=True):
            REGISTRY[name]()
            db.Session.remove()
            once = contents(owner_engine)
            REGISTRY[name]()
            db.Session.remove()
            assert contents(owner_engine) == once, name
