"""Expired notices into the roster, everything on: against the same one person at a time, a plain program row by row, and a bare statement.

The real thing is the job as the relay asks for it: every person looked at again, entered, with number, certificate, letter and its deliveries, trail,
audit, witnesses and outbox. Nothing is doubled when it runs again. `lag` is what somebody waits from the instant, with relay and workers as in production.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, create_engine, event, func, select, text
from sqlalchemy.orm import Session, declarative_base, relationship

from bench import sweep_people
from bench.house import statements, timed
from console import db, scope
from console.publicity import closing, jobs
from console.publicity.models import Notice
from console.scope import System, become
from tests.servers import House

ROWS = 10_000
ALONE = 200  # people settled one at a time, and rows of the plain program: reckoned up
PLAIN = 2_000
NAME = "ruku_sweep"
ROOT = Path(__file__).parent.parent

# the program of performance.md §3, on its own tables: no re-check, trail, audit, letter, certificate, scope
_PLAIN_TABLES = """
DROP TABLE IF EXISTS sw_notice, sw_roster, sw_outbox, sw_application;
CREATE TABLE sw_application(id serial PRIMARY KEY, name text, status text NOT NULL);
CREATE TABLE sw_notice(id serial PRIMARY KEY, application_id int NOT NULL REFERENCES sw_application, ends_at timestamp NOT NULL, state text NOT NULL);
CREATE TABLE sw_roster(id serial PRIMARY KEY, application_id int NOT NULL UNIQUE REFERENCES sw_application, admitted_at timestamp NOT NULL);
CREATE TABLE sw_outbox(id serial PRIMARY KEY, application_id int NOT NULL, kind text NOT NULL, dedupe text NOT NULL UNIQUE, body text NOT NULL, sent_at timestamp);
INSERT INTO sw_application(name,status) SELECT 'n'||i,'public' FROM generate_series(1,{n}) i;
INSERT INTO sw_notice(application_id,ends_at,state) SELECT id, timestamp '2026-01-01', 'open' FROM sw_application;
CREATE INDEX ON sw_notice(ends_at) WHERE state='open';
ANALYZE sw_application; ANALYZE sw_notice;
"""
_BARE = """
WITH due AS (UPDATE sw_notice SET state='done' WHERE id IN (
    SELECT id FROM sw_notice WHERE state='open' AND ends_at < now() ORDER BY ends_at, id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING application_id),
app AS (UPDATE sw_application a SET status='roster' FROM due WHERE a.id=due.application_id AND a.status='public' RETURNING a.id, a.name),
ros AS (INSERT INTO sw_roster(application_id, admitted_at) SELECT id, now() FROM app ON CONFLICT DO NOTHING RETURNING application_id)
INSERT INTO sw_outbox(application_id, kind, dedupe, body)
  SELECT app.id, 'admitted', 'admitted:'||app.id, app.name||' admitted' FROM app JOIN ros ON ros.application_id=app.id
"""
# the same thought on the product's own tables, with their constraints and indexes, but as a superuser, without policies and witnesses
_BARE_HERE = """
WITH due AS (UPDATE notice_item SET outcome = 'admitted', settled_at = now() WHERE settled_at IS NULL RETURNING admission_id),
moved AS (UPDATE admission a SET step = 'roster', version = version + 1, since = now() FROM due WHERE a.id = due.admission_id RETURNING a.*),
entry AS (INSERT INTO roster_entry (applicant_id, office_id, number, code, name, employer, division_code, entered_at)
  SELECT applicant_id, office_id, lpad(id::text, 17, '0'), md5(id::text)::char(24), '专家', '草原公路工程监理有限公司', division_code, now() FROM moved RETURNING id, applicant_id),
held AS (INSERT INTO roster_specialty (entry_id, applicant_id, office_id, standard, code, department_id, admission_id, term_from, term_to, responsible)
  SELECT e.id, e.applicant_id, m.office_id, s.standard, s.code, m.department_id, m.id, '2026-11-26', '2029-11-25', '白玉兰'
  FROM entry e JOIN moved m USING (applicant_id) JOIN application_specialty s ON s.admission_id = m.id RETURNING id)
INSERT INTO outbox (topic, ids, created_at, due_at) SELECT 'admission.entered_roster', array_agg(id), now(), now() FROM moved
"""
_WITNESSED = ("notice_item", "admission", "roster_entry", "roster_specialty")


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    """Goals: ≥ 30 × the same one row at a time; ≥ 0.3 of a bare statement; twice changes nothing; 0 early."""
    plain, bare = _plain(house, rows)
    sweep_people.fill(house, NAME, min(rows, 10_000))
    here = _bare_here(house)
    sweep_people.fill(house, NAME, ALONE)
    alone = _one_at_a_time()
    sweep_people.fill(house, NAME, rows)
    ids = _notices()
    with statements() as sent:
        seconds = timed(lambda: jobs.close_due(ids))
    real = rows / seconds
    again = timed(lambda: jobs.close_due(ids))
    if wrong := _wrong(rows):
        raise AssertionError(f"what was measured is not what it should be: {wrong} of {rows}")
    batches = -(-rows // closing.BATCH)
    yield f"{rows:,} people, everything on: {real:,.0f} rows/s ({seconds:.1f} s), {len(sent) / batches:.0f} statements a batch of {closing.BATCH:,}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    yield f"again: {again * 1000:.0f} ms, nothing changes; each has entry, term, letter, trail, finding and audit once"
    yield f"/ our own service one person at a time ({alone:,.0f} rows/s): {real / alone:.1f} × (goal 30)"
    yield f"/ a plain ORM program row by row, without any of that ({plain:,.0f} rows/s): {real / plain:.2f} ×"
    yield f"/ one bare statement on tables of its own ({bare:,.0f} rows/s): {real / bare:.3f} (goal 0.3)"
    yield f"/ one bare statement on these tables, no policies and witnesses ({here:,.0f} rows/s): {real / here:.3f}"
    yield from _lag(house, rows)
    db.Session.remove()
    db.engine().dispose()
    house.drop(NAME)


def _notices() -> list[int]:
    with become(System("bench")), db.transaction() as session:
        found = list(session.scalars(select(Notice.id).order_by(Notice.id)))
    db.Session.remove()
    return found


def _one_at_a_time() -> float:
    ids = _notices()

    def work() -> None:
        more = True
        while more:
            with become(System("bench")) as actor, db.transaction() as session:
                more = closing.close_due(session, ids, actor=actor, most=1).more
            db.Session.remove()

    return ALONE / timed(work)


def _wrong(rows: int) -> list[str]:
    """What the sweep should have left once for each, and did not."""
    counts = {
        "roster_entry": "TRUE", "roster_specialty": "TRUE", "roster_event": "TRUE", "letter": "event = 'admitted'", "step_entry": "to_step = 'roster'",
        "finding": "moment = 'decided'", "notice_item": "outcome = 'admitted'", "audit_entry": "action = 'admission.pass_step'",
    }  # fmt: skip
    with become(System("bench")), db.transaction() as session:
        found = {table: session.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}")) for table, where in counts.items()}
    db.Session.remove()
    return [f"{table} {count}" for table, count in found.items() if count != rows]


# ── others ───────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(house: House, rows: int) -> tuple[float, float]:
    """(rows/s of the ORM with a commit each, of the bare statement in batches of 10,000), each the best of three in turns."""
    house.empty(NAME)
    url = house.url("postgres", NAME)
    best = [0.0, 0.0]
    for _ in range(3):
        for at, (count, work) in enumerate(((PLAIN, lambda: _orm(url)), (rows, lambda: _bare(url, rows)))):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(_PLAIN_TABLES.format(n=count))
            best[at] = max(best[at], count / timed(work))
    return best[0], best[1]


def _bare(url: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(0, rows, 10_000):
            connection.execute(_BARE, (10_000,))


def _orm(url: str) -> None:
    base: Any = declarative_base()

    class App(base):  # type: ignore[misc]
        __tablename__ = "sw_application"
        id, name, status = Column(Integer, primary_key=True), Column(String), Column(String)

    class Shown(base):  # type: ignore[misc]
        __tablename__ = "sw_notice"
        id, application_id = Column(Integer, primary_key=True), Column(ForeignKey("sw_application.id"))
        ends_at, state = Column(DateTime), Column(String)
        application = relationship(App)

    class Roster(base):  # type: ignore[misc]
        __tablename__ = "sw_roster"
        id, application_id, admitted_at = Column(Integer, primary_key=True), Column(Integer), Column(DateTime)

    class Outbox(base):  # type: ignore[misc]
        __tablename__ = "sw_outbox"
        id, application_id, kind, dedupe, body = Column(Integer, primary_key=True), Column(Integer), Column(String), Column(String), Column(String)

    engine = create_engine(db.driver_url(url))
    with _plain_sessions(), Session(engine) as session:
        for number in session.scalars(select(Shown.id).where(Shown.state == "open")).all():
            notice = session.get_one(Shown, number)
            notice.state, notice.application.status = "done", "roster"
            session.add(Roster(application_id=notice.application_id, admitted_at=func.now()))
            session.add(Outbox(application_id=notice.application_id, kind="admitted", body="admitted", dedupe=f"admitted:{notice.application_id}"))
            session.commit()
    engine.dispose()


@contextmanager
def _plain_sessions() -> Iterator[None]:
    """Sessions without the house's ears: no principal, no scope."""
    event.remove(Session, "after_begin", scope.arm)
    event.remove(Session, "do_orm_execute", scope._narrow)
    try:
        yield
    finally:
        event.listen(Session, "do_orm_execute", scope._narrow)
        event.listen(Session, "after_begin", scope.arm)


def _bare_here(house: House) -> float:
    best = 0.0
    with psycopg.connect(house.url("postgres", NAME)) as connection:
        rows = connection.execute("SELECT count(*) FROM notice_item").fetchone()
        for table in _WITNESSED:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for _ in range(3):
            with connection.transaction(force_rollback=True):
                best = max(best, rows[0] / timed(lambda: connection.execute(_BARE_HERE)) if rows else 0)
        connection.rollback()
    return best


# ── from the instant to the effect ───────────────────────────────────────────────────────────────────────────


def _lag(house: House, rows: int) -> Iterator[str]:
    """All due at one instant, with a relay and two workers; looked at from outside, so that an effect counts when it can be seen."""
    sweep_people.fill(house, NAME, rows, after=-dt.timedelta(hours=1))
    db.Session.remove()
    with psycopg.connect(house.url("postgres", NAME), autocommit=True) as look, _processes(house, "relay", "worker", "worker"):
        look.execute("UPDATE clock_offset SET shift = %s::timestamptz - interval '6 seconds' - now()", (sweep_people.due_at(),))
        seen, done, early, until = [], 0, 0, time.monotonic() + 60 + rows / 50
        while done < rows and time.monotonic() < until:
            row = look.execute(
                "SELECT count(*) FILTER (WHERE settled_at IS NOT NULL), extract(epoch FROM ruku_now() - %s::timestamptz)::float8 FROM notice_item", (sweep_people.due_at(),)
            ).fetchone()
            assert row is not None
            now, since = row
            if now > done:
                early += now - done if since < 0 else 0
                seen.append((since, now - done))
                done = now
            time.sleep(0.2)
    yield f"lag of {done:,} due at one instant, a relay and two workers: p50 {_at(seen, 0.5):.1f} s, p99 {_at(seen, 0.99):.1f} s, {early} early, {done / max(0.001, seen[-1][0]):,.0f} rows/s"


def _at(seen: list[tuple[float, int]], share: float) -> float:
    wanted, so_far = share * sum(count for _, count in seen), 0
    for since, count in seen:
        so_far += count
        if so_far >= wanted:
            return since
    return float("inf")


@contextmanager
def _processes(house: House, *names: str) -> Iterator[None]:
    environment = {**os.environ, **house.environment(NAME)}
    started = [subprocess.Popen([sys.executable, "-m", "console", name], cwd=ROOT, env=environment, start_new_session=True) for name in names]
    try:
        time.sleep(5)  # each says nothing when it is ready; the clock is set to before the instant afterwards
        yield
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
        for one in started:
            with suppress(subprocess.TimeoutExpired):
                one.wait(timeout=15)
            if one.poll() is None:
                one.kill()
                one.wait()
