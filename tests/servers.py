"""One PostgreSQL and one Valkey for the whole test run, and the databases made on them.

The controller (the process that was started by hand) starts and stops the servers; xdist workers are told the folder. Whichever
worker needs it first builds the template database, once; everything else is a clone of it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

import config
from console import db, logins, process

TEMPLATE = "ruku_template"
Administrator = psycopg.Connection[tuple[Any, ...]]


def _key(name: str) -> str:
    return base64.b64encode(hashlib.sha256(f"test {name}".encode()).digest()).decode()


@dataclass(frozen=True)
class House:
    """The servers of this run, as a worker sees them."""

    folder: Path
    sockets: Path
    redis_number: int

    def url(self, login: str, database: str) -> str:
        return f"postgresql://{login}@/{database}?host={self.sockets}"

    @contextmanager
    def administrator(self) -> Iterator[Administrator]:
        """A superuser's connection, outside transactions."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            yield connection

    def settings(self, database: str) -> config.Settings:
        """Settings as a process of this database would load them."""
        return config.load(self.environment(database))

    def environment(self, database: str) -> dict[str, str]:
        return {
            "RUKU_MODE": "test",
            "DATABASE_URL": self.url(logins.WEB_LOGIN, database),
            "DATABASE_WORKER_URL": self.url(logins.WORKER_LOGIN, database),
            "DATABASE_OWNER_URL": self.url(logins.OWNER_LOGIN, database),
            "REDIS_URL": f"unix://{self.sockets}/valkey.sock?db={self.redis_number}",
            "DATA_DIR": str(self.folder / "data"),
            "FILES_URL": str(self.folder / "data" / database / "files"),
            "MAIL_URL": f"folder:{self.folder / 'data' / database / 'mail'}",
            "SMS_URL": f"folder:{self.folder / 'data' / database / 'sms'}",
            "SECRET_KEY": _key("console"),
            "PORTAL_SECRET_KEY": _key("portal"),
            "DATA_KEYS": f"k1:{_key('data')}",
            "HASH_KEY": _key("hash"),
            "LOG_LEVEL": "WARNING",
        }

    def clone(self, name: str) -> None:
        """A fresh copy of the template under this name."""
        self._build_template()
        with self.administrator() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE), sql.Identifier(logins.OWNER_LOGIN)
                )
            )

    def empty(self, name: str) -> None:
        """A new database without any table, owned by the owner."""
        self._build_template()  # makes the roles
        with self.administrator() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            logins.ensure_database(connection, name)

    def drop(self, name: str) -> None:
        with self.administrator() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _build_template(self) -> None:
        done = self.folder / "template.done"
        if done.exists():
            return
        with (self.folder / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if done.exists():
                return
            with self.administrator() as connection:
                logins.ensure_roles(connection)
                connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
                logins.ensure_database(connection, TEMPLATE)
            fill(self.settings(TEMPLATE))
            done.touch()


def fill(settings: config.Settings) -> None:
    """What `migrate` and `seed` do to a new database, in this process."""
    from console import prepare  # slow: both apps

    process.begin("owner", settings, check=False)
    try:
        prepare.migrate(settings)
        prepare.seed()
    finally:
        db.Session.remove()
        db.engine().dispose()
