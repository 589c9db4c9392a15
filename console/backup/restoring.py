"""Putting a backup back, and proving that it is all there.

What is loaded is looked at in a schema beside the one in use: the old one goes only when rows, chains and keys have been compared, so that a
restore that fails, at whatever point, leaves the database as it was.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from cryptography.exceptions import InvalidTag
from psycopg import sql
from sqlalchemy import String, exists, select, type_coerce

from config import Settings
from console import audit, audit_verifier, db, keys, logins, prepare, process, schema
from console.audit import AuditEntry, AuditLink
from console.backup import content, doors, keybox, making, manifest, programs, snapshot
from console.backup.manifest import DUMP, FILES, REGISTERS, BackupProblem, Home, Manifest
from console.errors import ConsoleError
from console.scope import System, become
from console.secrecy import decrypt, hash_under

BEFORE = "ruku_before_restore"
_OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'ruku_app', 'member')
"""
_OWNERS_POLICY = re.compile(r"^\d+; \d+ \d+ POLICY public (\S+) owner_all ", re.MULTILINE)
Say = Callable[[str], Any]


@dataclass(frozen=True)
class Wish:
    """How it is to be restored; `beside_others`: processes that are connected have been told to stand still."""

    into: str | None = None
    replace: bool = False
    without_backup: bool = False
    as_it_was: bool = False
    beside_others: bool = False


def settings_for(settings: Settings, wish: Wish) -> Settings:
    """The settings, on the other database of the same server when one is named."""
    if wish.into is None:
        return settings

    def there(url: str) -> str:
        return urlsplit(logins.plain(url))._replace(path="/" + quote(wish.into or "", safe="")).geturl()

    owner = settings.database_owner_url
    return dataclasses.replace(
        settings, database_url=there(settings.database_url), database_worker_url=there(settings.database_worker_url), database_owner_url=there(owner) if owner else None
    )


def restore(settings: Settings, given: Path, wish: Wish, *, say: Say) -> int:
    """0 when everything is back and the audit is whole. BackupProblem, before anything is changed, when it cannot be.

    The process is bound to the target's owner on the way, and to its worker at the end.
    """
    home, folder = manifest.find(given)
    made = manifest.read(folder)
    wrong = [sentence for sentence in making.verify(folder)[2] if not sentence.startswith("files/")]
    if wrong:
        raise BackupProblem(what=f"{folder.name} is not whole: {'; '.join(wrong)}. Nothing was changed. Take another backup.")
    _refuse_unfit(settings, made, wish)
    url = settings.database_owner_url or ""
    process.begin("owner", settings, check=False)
    _look_at_target(settings, home, wish, say)
    known = _newer(url, made)
    say(f"Loading {folder.name}, made {made.facts.at} at revision {made.facts.revision} ...")
    with beside(url) as accept:
        _load(url, folder, made)
        _compare(url, made)
        _prove_keys(settings)
        accept()
    say(f"{sum(made.facts.rows.values())} rows of {len(made.facts.rows)} tables, as many as were taken; keys fit.")
    return _finish(settings, home, folder, made, wish, known, say)


# ── before ───────────────────────────────────────────────────────────────────────────────────────────────────


def _refuse_unfit(settings: Settings, made: Manifest, wish: Wish) -> None:
    if settings.database_owner_url is None:
        raise BackupProblem(what="DATABASE_OWNER_URL is missing: only the owner of the tables can restore them.")
    if made.facts.simulated and settings.is_production:
        raise BackupProblem(what="This backup is of a database with a simulated clock: it was made for demo or test, and may not become production. Nothing was changed.")
    if not wish.as_it_was and made.facts.revision not in schema.history():
        raise BackupProblem(
            what=f"This backup is at revision {made.facts.revision}, which this version ({making.program()}, at {schema.head()}) does not know: it was made by a newer one. "
            "Install that version and restore with it. Nothing was changed."
        )
    if problems := keybox.differing(made.key_checks, settings):
        raise BackupProblem(what=f"{' '.join(problems)} Nothing was changed. `restore keys FILE` prints the keys that were written apart.")


def _look_at_target(settings: Settings, home: Home, wish: Wish, say: Say) -> None:
    """An empty database, or one that may be replaced and has been backed up."""
    url = settings.database_owner_url or ""
    name = urlsplit(logins.plain(url)).path.lstrip("/")
    try:
        with psycopg.connect(logins.plain(url), autocommit=True) as connection:
            if was_interrupted(connection):
                _take_back(connection)
                say("A restore that was interrupted is undone: what was there before it is back.")
            there = snapshot.tables(connection)
            others = int((connection.execute(_OTHERS).fetchone() or (0,))[0])
    except psycopg.OperationalError as error:
        owner = logins.login_of(url)
        raise BackupProblem(what=f'The database {name} cannot be used: {process.reason(error)}. When it is missing, an administrator makes it: CREATE DATABASE "{name}" OWNER "{owner}" ENCODING \'UTF8\';') from None
    if others and not wish.beside_others:
        raise BackupProblem(what=f"{others} connections of web, worker, relay or cron to {name} are open. Stop them first. Nothing was changed.")
    if not there:
        return
    if not wish.replace:
        raise BackupProblem(what=f"The database {name} is not empty ({len(there)} tables). Restore into an empty one, or say --replace: then what is there is backed up first. Nothing was changed.")
    if not wish.without_backup:
        say("What is there is backed up first ...")
        kept = making.make(settings, home.folder)
        say(f"  {kept.folder}")


def _newer(url: str, made: Manifest) -> doors.Newer | None:
    try:
        return doors.newer(url, made)
    except psycopg.Error:  # empty, of an old structure, or damaged: all is asked again
        return None


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def beside(url: str) -> Iterator[Callable[[], None]]:
    """Inside, `public` is empty and the old one stands aside; unless what is yielded is called, the old one comes back."""
    accepted = False

    def accept() -> None:
        nonlocal accepted
        accepted = True

    db.Session.remove()
    db.engine().dispose()
    with psycopg.connect(logins.plain(url), autocommit=True) as connection:
        with connection.transaction():
            connection.execute(f"ALTER SCHEMA public RENAME TO {BEFORE}")
            connection.execute("CREATE SCHEMA public")
            connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
            connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        try:
            yield accept
        finally:
            db.Session.remove()
            db.engine().dispose()
            if accepted:
                connection.execute(f"DROP SCHEMA {BEFORE} CASCADE")
            else:
                _take_back(connection)


def was_interrupted(connection: snapshot.Connection) -> bool:
    """Whether a restore was killed half-way: what was there before it still stands aside."""
    return bool((connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (BEFORE,)).fetchone() or (False,))[0])


def _take_back(connection: snapshot.Connection) -> None:
    with connection.transaction():
        connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
        connection.execute(f"ALTER SCHEMA {BEFORE} RENAME TO public")


def _load(url: str, folder: Path, made: Manifest) -> None:
    """Tables, rows, rights and walls, in one transaction. The policy that lets the owner see everything names the owner, who may have another
    name here: it is made anew."""
    tools = programs.fitting(_server(url), programs.installed())
    contents = programs.call(tools.folder / "pg_restore", ["--list", str(folder / DUMP)], "")
    walled = _OWNERS_POLICY.findall(contents)
    wanted = "".join(line for line in contents.splitlines(keepends=True) if not _OWNERS_POLICY.match(line))
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listed:
        listed.write(wanted)
        listed.flush()
        database = urlsplit(logins.plain(url)).path.lstrip("/")
        options = ["--single-transaction", "--exit-on-error", "--no-owner", f"--use-list={listed.name}", f"--dbname={database}", str(folder / DUMP)]
        programs.call(tools.folder / "pg_restore", options, logins.plain(url))
    with psycopg.connect(logins.plain(url)) as connection:
        for table in walled:
            connection.execute(sql.SQL("CREATE POLICY owner_all ON {} TO CURRENT_USER USING (true) WITH CHECK (true)").format(sql.Identifier(table)))
    with psycopg.connect(logins.plain(url), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _server(url: str) -> str:
    with psycopg.connect(logins.plain(url)) as connection:
        return str((connection.execute("SELECT split_part(current_setting('server_version'), ' ', 1)").fetchone() or ("",))[0])


def _compare(url: str, made: Manifest) -> None:
    """As many rows as were taken, the same revision, every chain to its end."""
    with snapshot.moment(url) as (connection, _):
        found = snapshot.look(connection)
    wrong = [f"{name}: {found.rows.get(name, 0)} rows instead of {count}" for name, count in made.facts.rows.items() if found.rows.get(name, 0) != count]
    wrong += [f"revision {found.revision} instead of {made.facts.revision}"] if found.revision != made.facts.revision else []
    ends = {(one["stream"], one["seq"], one["sha256"], one["sm3"]) for one in found.heads}
    wrong += [f"audit chain {one['stream']} does not end as it did" for one in made.facts.heads if (one["stream"], one["seq"], one["sha256"], one["sm3"]) not in ends]
    if wrong:
        raise BackupProblem(what=f"What was loaded is not what was taken: {'; '.join(wrong[:10])}. Nothing was changed. Take another backup.")


def _prove_keys(settings: Settings) -> None:
    """Every key id that is in use is there and opens a value of every column; what people are found by comes out the same."""
    with become(System("restore")), db.transaction() as session:
        unknown = sorted({ident for idents in keys.status(session).values() for ident in idents} - settings.data_keys.keys())
        if unknown:
            raise BackupProblem(what=f"Values of this backup lie under {', '.join(unknown)}, which DATA_KEYS does not name: add the key behind the first one. Nothing was changed.")
        for place in keys.places_in(session):
            if place.in_json:
                continue
            for (stored,) in session.execute(select(place.raw).where(place.raw != "").limit(3)):
                try:
                    decrypt(stored)
                except InvalidTag:
                    raise BackupProblem(what=f"A value of {place.name} does not open: DATA_KEYS has another key under that name. Nothing was changed.") from None
        for source, target in keys.hashed():
            rows = session.execute(select(type_coerce(source, String), target).where(source.is_not(None), type_coerce(source, String) != "", ~target.startswith("erased:")).limit(3))
            if any(hash_ != hash_under(settings.hash_key, decrypt(stored), source.name) for stored, hash_ in rows):
                raise BackupProblem(what="HASH_KEY is not the one under which people are found in this backup. Nothing was changed. `restore keys FILE` prints the one written apart.")


# ── after ────────────────────────────────────────────────────────────────────────────────────────────────────


def _finish(settings: Settings, home: Home, folder: Path, made: Manifest, wish: Wish, known: doors.Newer | None, say: Say) -> int:
    listed = content.read_list(folder) if (folder / FILES).exists() else {}
    wrong = content.wrong(home, listed)
    lost = {sentence.removeprefix("files/").partition(":")[0] for sentence in wrong}
    put = content.put_back(home, {name: part for name, part in listed.items() if name not in lost})
    say(f"{len(listed) - len(lost)} files, {put} of them put back.")
    for name in sorted(path.name for path in (folder / REGISTERS).glob("*.py")):
        if not (schema.REGISTERS / "versions" / name).exists():
            shutil.copyfile(folder / REGISTERS / name, schema.REGISTERS / "versions" / name)
            say(f"migrations/registers/versions/{name} was missing on this machine and is back.")
    if not wish.as_it_was:
        try:
            say(f"Structure: revision {prepare.migrate(settings)}.")
        except ConsoleError:
            raise
        except Exception as error:
            raise BackupProblem(what=f"The backup is back at revision {made.facts.revision}, and bringing it to this version failed: {process.reason(error)}. Go on with the version that made it ({made.program}).") from error
    faults = [*wrong, *_prove(settings, made, wish, known, say)]
    for sentence in faults:
        say(sentence)
    say("Restored." if not faults else f"Restored, with {len(faults)} faults.")
    return 1 if faults else 0


def _prove(settings: Settings, made: Manifest, wish: Wish, known: doors.Newer | None, say: Say) -> list[str]:
    """Everybody signs in again, the restore stands in the audit, and the audit is verified to the ends it had."""
    process.begin("worker", settings, check=False)
    with psycopg.connect(logins.plain(settings.database_owner_url or "")) as connection:
        connection.execute("DELETE FROM heartbeat")
        closed = doors.close(connection, known, same_moment=wish.beside_others, say=say)
    with become(System("restore")), db.transaction() as session:
        audit.record(session, audit.RESTORED, f"backup:{made.name}", owner=made.facts.owner, manifest=made.sha256, taken=made.facts.at, by=os.environ.get("USER", ""), as_it_was=wish.as_it_was, closed=closed)
        session.flush()
        owners = [part for name in audit.earlier_owners(session) for part in ("--owner", name)]
    seal_all()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as ends:
        json.dump({"anchors": made.facts.heads}, ends)
        ends.flush()
        say(f"audit verify, to the ends of {len(made.facts.heads)} chains as they were then:")
        code = audit_verifier.main([logins.plain(settings.database_worker_url), "--anchors", ends.name, *owners])
    if code == 2 and wish.as_it_was:
        say("This version cannot read that structure: run `audit verify` with the version that goes with the backup.")
        return []
    return ["The audit is not whole: see above."] if code else []


def seal_all(patience: float = 10) -> None:
    """Entries that were written and not yet in a chain: no relay runs that would do it. What another transaction of the server still holds back
    is waited for."""
    until = time.monotonic() + patience
    while True:
        with become(System("restore")), db.transaction() as session:
            sealed = audit.seal(session)
            left = session.scalar(select(AuditEntry.id).where(~exists().where(AuditLink.entry_id == AuditEntry.id)).limit(1))
        if left is None or time.monotonic() > until:
            return
        if not sealed:
            time.sleep(0.1)


def since(url: str, made: Manifest) -> dict[str, int]:
    """What happened after the backup, that going back to it would undo: kind → how many."""
    found: dict[str, int] = {}
    with snapshot.moment(url) as (connection, _):
        there = set(snapshot.tables(connection))
        for table, mark in made.facts.marks.items():
            if table in there and table != "audit_entry":
                question = sql.SQL("SELECT count(*) FROM {} WHERE id > %s").format(sql.Identifier(table))
                found[table] = int((connection.execute(question, (mark,)).fetchone() or (0,))[0])
        rows = connection.execute(
            "SELECT action, count(*) FROM audit_entry WHERE id > %s AND stream <> 'rows' GROUP BY 1 ORDER BY 2 DESC, 1", (made.facts.marks.get("audit_entry", 0),)
        )
        found |= {str(action): int(count) for action, count in rows}
    return found


def taken_at(made: Manifest) -> dt.datetime:
    """When the backup was taken."""
    return dt.datetime.fromisoformat(made.facts.at)
