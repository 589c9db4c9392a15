"""A list of 1,000,000 rows as CSV and as XLSX, by the job an officer's order starts: rows a second, and the memory of the process that writes."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import psycopg
from sqlalchemy import select

from bench.house import timed
from console import db, process
from console.crud import known
from console.exchange import exports, jobs
from console.exchange.models import DataExport
from console.logins import plain
from console.roles import Role
from console.scope import Staff, System, become
from tests.factories import make_staff
from tests.servers import House
from tests.venues import REGION, TABLE, VENUES

ROWS = 1_000_000
_FILL = """
INSERT INTO t_venue (office_id, code, name, seats, opened, fee, is_open, kind, note, version)
SELECT (SELECT id FROM office WHERE name = %s), lpad(i::text, 9, '0'), '考场' || i, i %% 300, date '2020-01-01' + i %% 2000, i %% 900, i %% 2 = 0,
  'hall', '备注，第 ' || i || ' 号', 1 FROM generate_series(1, %s) i
"""


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    name = "ruku_exporting"
    house.clone(name)
    settings = house.settings(name)
    with psycopg.connect(plain(settings.database_owner_url or ""), autocommit=True) as owner:
        owner.execute(TABLE)
        owner.execute(_FILL, (REGION, rows))
        owner.execute("ANALYZE t_venue")
        out = Path(os.devnull).open("wb")  # noqa: SIM115 - closed below

        def bare() -> None:
            with owner.cursor() as cursor, cursor.copy("COPY (SELECT * FROM t_venue ORDER BY code) TO STDOUT (FORMAT csv)") as copy:
                for part in copy:
                    out.write(part)

        least = timed(bare)
        out.close()
    process.begin("worker", settings, check=False)
    known.SOURCES.insert(0, lambda: [VENUES])
    with become(System("bench")), db.transaction() as session:
        asker = make_staff(session, Role.DEPARTMENT_ADMIN)
    yield f"bare COPY of {rows:,} rows to nowhere: {rows / least:,.0f} rows/s"
    for kind in ("csv", "xlsx"):
        order = _ordered(asker, kind)
        seconds, peak = _apart(order)
        written, size = _result(order)
        yield (
            f"{kind}: {written:,} rows of ten columns, {size / 1_000_000:.0f} MB, {written / seconds:,.0f} rows/s, {seconds / least:.1f} × bare COPY;"
            f" peak memory {peak} MiB, {_idle()} MiB before"
        )
    known.SOURCES.pop(0)
    db.Session.remove()
    db.engine().dispose()
    house.drop(name)


def _ordered(asker: Staff, kind: str) -> int:
    with become(asker), db.transaction() as session:
        return exports.ask(session, VENUES, actor=asker, query={}, kind=kind, language="zh").id


def _apart(order: int) -> tuple[float, int]:
    """Seconds and peak memory of a process of its own that writes the file."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            seconds = timed(lambda: jobs.export([order]))
            os.write(writing, f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        seconds, peak = said.read().split()
    return float(seconds), int(peak)


def _idle() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _result(order: int) -> tuple[int, int]:
    with become(System("bench")), db.transaction() as session:
        row = session.execute(select(DataExport.rows, DataExport.size, DataExport.state).where(DataExport.id == order)).one()
        assert row.state == "done", row
        return int(row.rows), int(row.size)
