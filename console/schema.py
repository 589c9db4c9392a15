"""The database's structure, brought to where the code expects it. Runs as the owner, one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from console import db

FOLDER = Path(__file__).parent.parent / "migrations"
REGISTERS = FOLDER / "registers"
_LOCK = 7_402_602


def config(connection: Connection | None = None, folder: Path = FOLDER) -> Config:
    """Alembic's configuration, without an .ini file; `REGISTERS` is the folder of the registers' own line."""
    settings = Config()
    settings.set_main_option("script_location", str(folder))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def upgrade(owner_url: str, revision: str = "head") -> str | None:
    """Run the missing migrations, to the newest also those of registers; the revision the database is at afterwards."""
    reached = under_lock(owner_url, lambda c: command.upgrade(config(c), revision))
    if revision == "head":
        upgrade_registers(owner_url)
    return reached


def upgrade_registers(owner_url: str) -> None:
    """Run the missing migrations of every register. A file that this machine lacks is not missed: it has been run."""
    under_lock(owner_url, lambda c: command.upgrade(config(c, REGISTERS), "heads"))


def downgrade(owner_url: str, revision: str) -> str | None:
    """Undo migrations down to this revision (`base`: all of them). Tables of registers, which point at ours, go first."""
    under_lock(owner_url, lambda c: command.downgrade(config(c, REGISTERS), "base"))
    return under_lock(owner_url, lambda c: command.downgrade(config(c), revision))


def head() -> str | None:
    """The newest revision on disk."""
    return ScriptDirectory.from_config(config()).get_current_head()


def current(connection: Connection) -> str | None:
    """The revision this database is at; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def differences(owner_url: str) -> list[Any]:
    """What the models say and the database does not have, or the reverse."""
    from migrations import targets  # slow: loads Flask-AppBuilder

    with connected(owner_url) as connection:
        options = {"compare_type": True, "include_object": targets.ours, "target_metadata": targets.TARGETS}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, targets.TARGETS))  # type: ignore[arg-type]  # it takes a list too


def under_lock(owner_url: str, work: Callable[[Connection], None]) -> str | None:
    """Run this with the owner's login while nobody else changes the structure; the revision of the main line afterwards."""
    with connected(owner_url) as connection:
        # a lock of the session, not of a transaction: each migration commits by itself
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        # rows that a migration writes say so in the audit
        connection.execute(text("SELECT set_config('ruku.who', 'migration', false)"))
        connection.commit()
        try:
            work(connection)
            connection.commit()
            return current(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


@contextmanager
def connected(owner_url: str) -> Iterator[Connection]:
    """A connection with the owner's login, for as long as the block lasts."""
    engine = create_engine(db.driver_url(owner_url), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
