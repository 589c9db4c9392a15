"""One PostgreSQL and one Valkey for the whole test run, and the databases made on them.

The controller (the process that was started by hand) starts and stops the servers; xdist workers are told the folder. Whichever
worker needs it first builds the template database, once; everything else is a clone of it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

import config
from console import db, logins, process

TEMPLATE = "ruku_template"
PREFIX = "ruku-test-"
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3
Administrator = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def data_in_memory(folder: Path) -> Iterator[None]:
    """Inside, PostgreSQL's data under `folder` lies in memory where the machine has room for it: a clone is a thousand files, and
    making them on a disk costs fifteen times the processor. Elsewhere they stay on the disk.

    Only the data: binaries may not be run from there everywhere. A run that is killed leaves its files, and the next removes them.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield
        return
    sweep(MEMORY)
    memory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=MEMORY))
    lock = os.open(memory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "postgres").symlink_to(memory)
        yield
    finally:
        shutil.rmtree(memory, ignore_errors=True)
        os.close(lock)


def sweep(memory: Path) -> None:
    """Remove what nobody holds any more; a minute is left between making a folder and holding it."""
    for left in memory.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or another run removes it
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - left.stat().st_mtime > 60:
                    shutil.rmtree(left)
            finally:
                os.close(lock)


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
            "QUIET_HOURS": "off",  # or a suite run at night would wait for the morning
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
