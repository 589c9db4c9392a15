"""The database's structure, brought to where the code expects it. Runs as the owner, one process at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, column, create_engine, delete, insert, select, table, text

from console import db
from console.errors import N_, ConsoleError

FOLDER = Path(__file__).parent.parent / "migrations"
REGISTERS = FOLDER / "registers"
VERSIONS = table("alembic_version_registers", column("version_num"))
_LOCK = 7_402_602


class RegisterFileMissing(ConsoleError):
    """A register's migration that is here points at another that is not."""

    message = N_("migrations/registers/versions 里缺少 %(name)s.py，其他登记表的迁移以它为基础。请从执行过它的机器或备份的 registers/ 中把它拷来，再运行一次。")
    status = 409


def config(connection: Connection | None = None, folder: Path | None = None) -> Config:
    """Alembic's configuration, without an .ini file; `REGISTERS` is the folder of the registers' own line."""
    settings = Config()
    settings.set_main_option("script_location", str(folder or FOLDER))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def upgrade(owner_url: str, revision: str = "head") -> str | None:
    """Run the missing migrations, to the newest also those of registers; the revision the database is at afterwards.

    Ours are one transaction: when one fails, the database is as it was.
    """
    if revision == "head":
        _register_files()  # what cannot be run afterwards is said before
    reached = under_lock(owner_url, lambda c: command.upgrade(config(c), revision))
    if revision == "head":
        upgrade_registers(owner_url)
    return reached


def upgrade_registers(owner_url: str) -> None:
    """Run the missing migrations of every register. A file that this machine lacks has been run on another, and stops no other register's unless it
    builds upon it: RegisterFileMissing."""
    under_lock(owner_url, _run_register_files)


def _run_register_files(connection: Connection) -> None:
    """Alembic refuses a revision it has no file for. Where one is missing, its register stands meanwhile for the newest file that is here, and for
    what it is again afterwards: in one transaction, so that nobody ever sees it otherwise."""
    scripts = _register_files()
    standing = _standing(connection, scripts)
    for lacking, stands_in in standing.items():
        connection.execute(delete(VERSIONS).where(VERSIONS.c.version_num == lacking))
        if stands_in is not None:
            connection.execute(insert(VERSIONS).values(version_num=stands_in))
    if not standing:
        connection.rollback()  # each migration commits by itself
    command.upgrade(config(connection, REGISTERS), "heads")
    for lacking, stands_in in standing.items():
        connection.execute(delete(VERSIONS).where(VERSIONS.c.version_num == stands_in))
        connection.execute(insert(VERSIONS).values(version_num=lacking))


def missing_register_files(connection: Connection) -> list[str]:
    """Revisions of registers that have been run and whose files are not on this machine."""
    return sorted(_standing(connection, _register_files()))


def waiting_register_files(connection: Connection) -> list[str]:
    """Revisions of registers whose files are here and have not been run."""
    scripts = _register_files()
    standing = _standing(connection, scripts)
    there = tuple(one for one in (standing.get(one, one) for one in _applied(connection)) if one is not None)
    run = {one.revision for one in scripts.iterate_revisions(there, "base", implicit_base=True)} if there else set()
    return sorted(one.revision for one in scripts.walk_revisions() if one.revision not in run)


def _register_files() -> ScriptDirectory:
    """RegisterFileMissing when a file builds upon one that is not here: of that one Alembic cannot do without."""
    scripts = ScriptDirectory.from_config(config(folder=REGISTERS))
    try:
        list(scripts.walk_revisions())
    except KeyError as lacking:
        raise RegisterFileMissing(name=str(lacking.args[0])) from None
    return scripts


def _applied(connection: Connection) -> list[str]:
    if connection.execute(text("SELECT to_regclass('alembic_version_registers')")).scalar() is None:
        return []
    return list(connection.execute(select(VERSIONS.c.version_num).order_by(VERSIONS.c.version_num)).scalars())


def _standing(connection: Connection, scripts: ScriptDirectory) -> dict[str, str | None]:
    """Revision without a file → the newest of the same register that has one (None: no file of it is here)."""
    known = {one.revision: one for one in scripts.walk_revisions()}
    lacking = [one for one in _applied(connection) if one not in known]
    if not lacking:
        return {}
    newest = {str(known[head].module.TABLE): head for head in scripts.get_heads()}
    question = text("SELECT revision, table_name FROM register_definition WHERE revision = ANY(:them)")
    tables = {revision: table_name for revision, table_name in connection.execute(question, {"them": lacking})}
    return {one: newest.get(tables.get(one, "")) for one in lacking}


def downgrade(owner_url: str, revision: str) -> str | None:
    """Undo migrations down to this revision (`base`: all of them). Tables of registers, which point at ours, go first."""
    under_lock(owner_url, lambda c: command.downgrade(config(c, REGISTERS), "base"))
    return under_lock(owner_url, lambda c: command.downgrade(config(c), revision))


def head() -> str | None:
    """The newest revision on disk."""
    return ScriptDirectory.from_config(config()).get_current_head()


def history() -> list[str]:
    """Every revision this version knows."""
    return [one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()]


def pending(connection: Connection) -> list[str]:
    """Our migrations that have not been run, first to last, each by its revision and title."""
    scripts = ScriptDirectory.from_config(config())
    there = current(connection) or "base"
    return [f"{one.revision} {str(one.doc).splitlines()[0]}" for one in reversed(list(scripts.iterate_revisions("heads", there)))]


def current(connection: Connection) -> str | None:
    """The revision this database is at; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def differences(owner_url: str) -> list[Any]:
    """What the models say and the database does not have, or the reverse."""
    from migrations import targets  # slow: loads Flask-AppBuilder

    with connected(owner_url) as connection:
        options = {"compare_type": True, "include_object": targets.ours, "target_metadata": targets.TARGETS}
        context = MigrationContext.configure(connection, opts=options)
        with warnings.catch_warnings():  # SQLAlchemy reads a check that is NOT VALID (0004) under a name that it then does not know itself
            warnings.filterwarnings("ignore", "Can't validate argument 'dialect_options'")
            return list(compare_metadata(context, targets.TARGETS))  # type: ignore[arg-type]  # it takes a list too


def under_lock(owner_url: str, work: Callable[[Connection], None]) -> str | None:
    """Run this with the owner's login while nobody else changes the structure; the revision of the main line afterwards."""
    with connected(owner_url) as connection:
        # a lock of the session, not of a transaction: each migration of a register commits by itself
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
