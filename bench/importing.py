"""A file of 100,000 rows, three of them broken, brought to a screen as an officer does it: looked at, confirmed, written, beside what PostgreSQL
takes at least: COPY of the same values into a plain table of the same columns, without keys, policies, checks and trail."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from bench.house import timed
from console import db, process
from console.crud import known
from console.exchange import imports, jobs
from console.exchange.models import DataImport
from console.logins import plain
from console.roles import Role
from console.scope import Staff, System, become
from tests.factories import make_staff
from tests.servers import House
from tests.venues import REGION, TABLE, VENUES

ROWS = 100_000
BROKEN = {1_000: "二", 50_000: "1.5", 99_999: "99999999999"}  # row → what stands for its seats
_BARE = """CREATE TABLE bare (office text, code varchar(10), name varchar(20), seats int, opened date, fee numeric(10, 2), is_open boolean, kind varchar(10), note text)"""


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    name = "ruku_importing"
    house.clone(name)
    settings = house.settings(name)
    with psycopg.connect(plain(settings.database_owner_url or ""), autocommit=True) as owner:
        owner.execute(TABLE)
        owner.execute(_BARE)
        bare = timed(lambda: _copy(owner, _text(rows, broken={})))
    process.begin("worker", settings, check=False)
    known.SOURCES.insert(0, lambda: [VENUES])
    with become(System("bench")), db.transaction() as session:
        sender = make_staff(session, Role.DEPARTMENT_ADMIN)
    yield f"bare COPY of {rows:,} rows of nine columns: {rows / bare:,.0f} rows/s"
    order = _brought(sender, _text(rows, broken=BROKEN))
    looked = timed(lambda: jobs.check([order]))
    with become(sender), db.transaction() as session:
        found = imports.own(session, order, actor=sender)
        assert (found.fresh, found.wrong, found.error) == (rows - len(BROKEN), len(BROKEN), None), found.error
        imports.confirm(session, found, VENUES, actor=sender, content_hash=found.content_hash, leave_wrong=True)
    written = timed(lambda: jobs.enter([order]))
    assert _state(order) == "done"
    yield f"looked at, {len(BROKEN)} wrong rows named: {rows / looked:,.0f} rows/s, {looked / bare:.1f} × the time of bare COPY"
    yield f"written under the sender's scope with unique keys, version and an entry of the audit a row: {rows / written:,.0f} rows/s, {written / bare:.1f} ×"
    yield f"both: {rows / (looked + written):,.0f} rows/s, {(looked + written) / bare:.1f} × bare COPY"
    again = _brought(sender, _text(rows, broken={}, seats=7))
    looked = timed(lambda: jobs.check([again]))
    with become(sender), db.transaction() as session:
        found = imports.own(session, again, actor=sender)
        changed = found.changed or 0
        imports.confirm(session, found, VENUES, actor=sender, content_hash=found.content_hash, leave_wrong=False)
    written = timed(lambda: jobs.enter([again]))
    assert _state(again) == "done"
    yield f"the file again with {changed:,} rows changed, from what to what in the audit: {rows / (looked + written):,.0f} rows/s, {(looked + written) / bare:.1f} ×"
    known.SOURCES.pop(0)
    db.Session.remove()
    db.engine().dispose()
    house.drop(name)


def _text(rows: int, *, broken: dict[int, str], seats: int = 0) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["office", "code", "name", "seats", "opened", "fee", "is_open", "kind", "note"])
    for at in range(rows):
        writer.writerow([REGION, f"{at:07d}", f"考场{at}", broken.get(at, at % 300 + seats), f"2026-01-{at % 28 + 1:02d}", f"{at % 900}.50", "true", "hall", f"备注，第 {at} 号"])
    return text.getvalue().encode()


def _copy(owner: psycopg.Connection[Any], content: bytes) -> None:
    with owner.cursor() as cursor, cursor.copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
        copy.write(content)


def _brought(sender: Staff, content: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder, become(sender), db.transaction() as session:
        path = Path(folder) / "venues.csv"
        path.write_bytes(content)
        return imports.bring(session, VENUES, path, "venues.csv", actor=sender, language="zh").id


def _state(order: int) -> str:
    with become(System("bench")), db.transaction() as session:
        return str(session.scalar(select(DataImport.state).where(DataImport.id == order)))
