"""What the database is at one moment, read as the owner of its tables: the same moment that the dump is of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from console import logins
from console.backup.manifest import BackupProblem, Facts

Connection = psycopg.Connection[tuple[Any, ...]]
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
# behind the wall also for its owner: without this policy a dump would lack rows and say nothing
_WALLED = """
SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relrowsecurity AND c.relforcerowsecurity
  AND NOT EXISTS (SELECT FROM pg_policy p, LATERAL unnest(p.polroles) r WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd = '*'
    AND pg_has_role(current_user, r, 'member') AND pg_get_expr(p.polqual, c.oid) = 'true')
"""
_HEADS = """
SELECT DISTINCT ON (l.stream) l.stream, l.seq, l.hash, l.sm3 FROM audit_link l ORDER BY l.stream, l.seq DESC
"""
MARKS = ("audit_entry", "step_entry", "outbox", "application")


@contextmanager
def moment(url: str, *, export: bool = False) -> Iterator[tuple[Connection, str]]:
    """A read-only transaction that sees one moment, and the name under which `pg_dump` sees the same."""
    with psycopg.connect(logins.plain(url), connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection, str(_one(connection, "SELECT pg_export_snapshot()")) if export else ""
        connection.rollback()


def tables(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES)]


def look(connection: Connection) -> Facts:
    """BackupProblem when it is no database of ours, or the owner would not see all of it."""
    there = tables(connection)
    if "alembic_version" not in there:
        raise BackupProblem(what="This database has none of our tables: there is nothing to back up. Is DATABASE_OWNER_URL the right one?")
    if hidden := [name for (name,) in connection.execute(_WALLED)]:
        raise BackupProblem(what=f"The login of DATABASE_OWNER_URL does not see every row of {', '.join(hidden)}: a backup would lack rows. Use the login that owns the tables.")
    at = _one(connection, "SELECT now()")
    heads = [
        {"stream": stream, "seq": seq, "at": at.isoformat(), "sha256": sha256, "sm3": sm3} for stream, seq, sha256, sm3 in connection.execute(_HEADS)
    ]
    return Facts(
        at=at.isoformat(),
        owner=str(_one(connection, "SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = 'audit_entry'")),
        postgres=str(_one(connection, "SELECT split_part(current_setting('server_version'), ' ', 1)")),
        revision=_one(connection, "SELECT min(version_num) FROM alembic_version"),
        registers=[name for (name,) in connection.execute("SELECT version_num FROM alembic_version_registers ORDER BY 1")] if "alembic_version_registers" in there else [],
        simulated="clock_offset" in there,
        rows={name: int(_one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))) for name in there},
        heads=heads,
        marks={name: int(_one(connection, sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(name)))) for name in MARKS if name in there},
    )


def named_files(connection: Connection) -> dict[str, str]:
    """Every content that a row names → the SHA-256 it must have, or nothing where that is not its name."""
    found: dict[str, str] = {}
    there = set(tables(connection))
    if "data_export" in there:
        for name, content in connection.execute(
            "SELECT place, coalesce(content_hash, '') FROM data_export WHERE place IS NOT NULL UNION ALL"
            " SELECT place, content_hash FROM data_import WHERE place IS NOT NULL UNION ALL SELECT problems_place, '' FROM data_import WHERE problems_place IS NOT NULL"
        ):
            found[name] = content
    found |= {name: name for (name,) in connection.execute("SELECT DISTINCT hash FROM attachment WHERE hash ~ '^[0-9a-f]{64}$'")}
    for table, column in _register_columns(connection) if "register_definition" in there else ():
        question = sql.SQL("SELECT DISTINCT f #>> '{{}}' FROM {}, LATERAL jsonb_path_query({}, 'lax $[*].hash') f WHERE f #>> '{{}}' ~ '^[0-9a-f]{{64}}$'")
        found |= {name: name for (name,) in connection.execute(question.format(sql.Identifier(table), sql.Identifier(column)))}
    return found


def _register_columns(connection: Connection) -> list[tuple[str, str]]:
    return [
        (table, column)
        for table, column in connection.execute(
            "SELECT c.relname, a.attname FROM register_definition d JOIN pg_class c ON c.oid = to_regclass(d.table_name) JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.atttypid = 'jsonb'::regtype AND a.attnum > 0 AND NOT a.attisdropped"
        )
    ]


def _one(connection: Connection, question: Any) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None
