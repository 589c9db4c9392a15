"""The audit: writing with its leaf, sealing, and verifying a million entries, beside what can be had for less."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import psycopg

from bench.house import timed
from console import audit, audit_verifier, db, process
from console.scope import System, become
from tests.servers import House

ENTRIES = 1_000_000
TURNS, WITNESSED = 3, 10_000  # a batch of a sweep
# half of them what services say, half what rows say of themselves: each row twice, when it was written and when it was changed
SAID = """
INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf)
SELECT '15' || lpad((1 + n %% 12)::text, 2, '0'), now(), 'staff:7', 'file.read', 'file:' || n, body, encode(sha256(convert_to(body, 'UTF8')), 'hex')
FROM generate_series(1, %s) n, LATERAL (SELECT jsonb_build_object('action', 'file.read', 'at', now(), 'subject', 'file:' || n, 'who', 'staff:7',
  'grants', '[3, 11]'::jsonb, 'grant', 11, 'from', '10.1.2.3', 'reason', '核对职称证书原件与系统登记是否一致')::text body) b
"""
ROWS = """
INSERT INTO restriction (id_number_hash, kind, source, basis, valid_from)
SELECT encode(sha256(n::text::bytea), 'hex'), '严重失信', '某旗人民法院', '测量', '2026-01-01' FROM generate_series(1, %s) n
"""
WITNESSES = """
INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf)
SELECT 'rows', now(), 'system:bench', 'row.written', 'restriction', body, encode(sha256(convert_to(body, 'UTF8')), 'hex')
FROM (SELECT jsonb_build_object('action', 'row.written', 'at', now(), 'subject', 'restriction', 'op', 'insert', 'who', 'system:bench',
  'login', 'ruku_jobs', 'rows', jsonb_build_object(r.id, encode(sha256((SELECT key FROM audit_key)
  || convert_to(jsonb_strip_nulls(to_jsonb(r))::text, 'UTF8')), 'hex')))::text body FROM restriction r, generate_series(1, 2)) w
"""
UPDATE = "UPDATE restriction SET valid_to = coalesce(valid_to, '2026-06-01') + 1"


def measure(house: House, entries: int = ENTRIES) -> Iterator[str]:
    """Goal: 100,000 entries verified a second, both chains, witnesses and meaning included."""
    half = entries // 2
    house.clone("ruku_audit")
    process.begin("worker", house.settings("ruku_audit"), check=False)
    with psycopg.connect(house.url("ruku_owner", "ruku_audit"), options="-c TimeZone=UTC") as owner:
        said = timed(lambda: owner.execute(SAID, [half]))
        owner.commit()
        yield f"writing entries with their leaf, set-wise: {half / said:,.0f}/s"
        inserting, updating = _witnesses_cost(owner, WITNESSED)
        owner.execute("ALTER TABLE restriction DISABLE TRIGGER USER")
        owner.execute(ROWS, [half // 2])
        owner.execute("ALTER TABLE restriction ENABLE TRIGGER USER")
        owner.execute(WITNESSES)
        owner.commit()
        owner.execute("ANALYZE audit_entry")
        owner.commit()
    sealed = timed(_seal)
    yield f"sealing, SHA-256 and SM3: {entries / sealed:,.0f} entries/s"
    with psycopg.connect(house.url("ruku_owner", "ruku_audit"), options="-c TimeZone=UTC") as owner:
        owner.execute("ANALYZE audit_link")
        owner.commit()
        report = audit_verifier.Report(faults=["not run"])

        def whole() -> None:
            nonlocal report
            report = audit_verifier.verify(owner)

        verified = timed(whole)
        owner.rollback()
        read = timed(lambda: _read(owner))
        owner.rollback()
        bodies = [body.encode() for (body,) in owner.execute("SELECT body FROM audit_entry ORDER BY id")]
        hashed = timed(lambda: [hashlib.sha256(body).hexdigest() for body in bodies])
    yield (
        f"verifying {report.entries:,} entries and {report.rows:,} rows: {report.entries / verified:,.0f} entries/s"
        f" (goal 100,000), {len(report.faults)} faults"
    )
    yield f"  reading the same rows and doing nothing: {report.entries / read:,.0f}/s; bare SHA-256 over the same texts: {len(bodies) / hashed:,.0f}/s"
    yield f"  verifying / (reading + bare SHA-256): {verified / (read + hashed):.1f} × the time"
    for what, (without, witnessed) in (("inserting", inserting), ("updating", updating)):
        yield f"{what} rows set-wise without witnesses / with: {without / witnessed:.2f} of the speed ({without / WITNESSED * 1e6:.0f} µs / {witnessed / WITNESSED * 1e6:.0f} µs a row)"
    db.Session.remove()
    db.engine().dispose()
    house.drop("ruku_audit")


def _witnesses_cost(owner: psycopg.Connection, rows: int) -> list[tuple[float, float]]:
    """Seconds of one INSERT and one UPDATE of all its rows, with the triggers off and on, in turns; nothing stays."""
    best: dict[tuple[str, bool], float] = {}
    for turn in range(2 * TURNS):
        on = turn % 2 == 0
        owner.rollback()
        owner.execute(f"ALTER TABLE restriction {'ENABLE' if on else 'DISABLE'} TRIGGER USER")
        for what, statement, values in (("insert", ROWS, [rows]), ("update", UPDATE, None)):
            seconds = timed(lambda statement=statement, values=values: owner.execute(statement, values))
            best[what, on] = min(seconds, best.get((what, on), seconds))
    owner.rollback()
    return [(best[what, False], best[what, True]) for what in ("insert", "update")]


def _seal() -> None:
    with become(System("bench")):
        while True:
            with db.transaction() as session:
                if not audit.seal(session):
                    return


def _read(owner: psycopg.Connection) -> None:
    owner.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off")
    for _ in owner.cursor().stream(audit_verifier.READ.format("LEFT", "ORDER BY l.stream, l.seq"), binary=True, size=1_000):
        pass
