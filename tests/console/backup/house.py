"""Databases that are backed up and restored for good: a process of ours begins on them as the commands do, and this process is given back as it was."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

import config
from config import Settings
from console import __main__ as command_line
from console import db, files, process
from console.registers import loading
from console.scope import NOBODY, become
from tests.conftest import _use
from tests.servers import House


@contextmanager
def as_a_command(environment: dict[str, str], monkeypatch: Any) -> Iterator[Settings]:
    """Inside, settings come from this environment and `process.begin` binds this process; afterwards it is bound as before."""
    settings, engine, root = config.load(environment), db._engine, files._root
    monkeypatch.setattr(config, "load", lambda env=None: settings if env is None else config_load(env))
    mask = os.umask(0o022)
    db.Session.remove()
    db._engine = None
    try:
        with become(NOBODY):
            yield settings
    finally:
        os.umask(mask)
        db.Session.remove()
        if db._engine is not None:
            db._engine.dispose()
        _use(engine)
        files._root = root
        loading._loaded = None
        monkeypatch.setattr(config, "load", config_load)


config_load = config.load


def run(environment: dict[str, str], monkeypatch: Any, *words: Any) -> int:
    """`python -m console …` in this process; its exit code. Sentences go where they went."""
    with as_a_command(environment, monkeypatch):
        return command_line.main([str(word) for word in words])


def content(url: str, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Every table → a digest of its rows in an order of their own; read past every wall."""
    found = {}
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1")]
        for name in names:
            if name not in without:
                question = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(name))
                found[name] = hashlib.sha256("\n".join(row[0] for row in connection.execute(question)).encode()).hexdigest()
    return found


def rights(url: str) -> dict[str, Any]:
    """Policies, grants, functions and triggers, without the owner's name."""
    asked = {
        "policies": "SELECT tablename, policyname, permissive, array_remove(roles::text[], tableowner::text)::text, cmd, qual, with_check FROM pg_policies JOIN pg_tables USING (schemaname, tablename) WHERE schemaname = 'public' ORDER BY 1, 2",
        "walls": "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
        "tables": "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants WHERE table_schema = 'public' AND grantee LIKE 'ruku\\_%' AND grantee <> (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) ORDER BY 1, 2, 3",
        "columns": "SELECT c.relname, a.attname, (SELECT array_agg(x::text ORDER BY 1) FROM unnest(a.attacl) x WHERE x::text LIKE 'ruku_app%' OR x::text LIKE 'ruku_worker%')::text IS NOT NULL FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL ORDER BY 1, 2",
        "functions": "SELECT oid::regprocedure::text, prosecdef, md5(prosrc), proconfig::text, has_function_privilege('ruku_app', oid, 'execute'), has_function_privilege('ruku_worker', oid, 'execute'), has_function_privilege('pg_monitor', oid, 'execute'),"
        " proowner = (SELECT datdba FROM pg_database WHERE datname = current_database()) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "triggers": "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "sequences": "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
        "schema": "SELECT nspowner::regrole::text, has_schema_privilege('ruku_app', oid, 'usage'), has_schema_privilege('pg_monitor', oid, 'usage') FROM pg_namespace WHERE nspname = 'public'",
    }
    with psycopg.connect(url) as connection:
        return {name: [tuple(map(_plain, row)) for row in connection.execute(question)] for name, question in asked.items()}


def _plain(value: Any) -> Any:
    """An expression without the casts that PostgreSQL writes otherwise once it has read its own text."""
    return re.sub(r"::(?:character varying|text)(?:\[\])?|[()]", "", value) if isinstance(value, str) else value


def passphrase(folder: Path) -> Path:
    path = folder / "passphrase"
    path.write_text("sun rope cellar violin 92\n")
    return path


def begun(environment: dict[str, str], monkeypatch: Any) -> Any:
    """`as_a_command`, begun as the worker."""

    @contextmanager
    def inside() -> Iterator[Settings]:
        with as_a_command(environment, monkeypatch) as settings:
            process.begin("worker", settings, check=False)
            yield settings

    return inside()


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**given)


__all__ = ["House", "as_a_command", "begun", "content", "options", "passphrase", "rights", "run"]
