"""`python -m console upgrade`: look, back up, close the doors, migrate and seed, look again; and the way back.

    upgrade --to /backup/ruku                 with the new version's code, while the old version runs
    upgrade rollback /backup/ruku             back to the newest backup, after a list of what happened since

What fails before the structure is changed leaves everything as it was; so does a migration that fails, because all of them are one transaction. What
fails afterwards is undone by restoring the backup.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from config import Settings
from console import audit, backup_command, db, maintenance, prepare, process, schema
from console.backup import making, manifest, restoring, snapshot
from console.backup.manifest import BackupProblem
from console.backup.restoring import Wish
from console.doctor import examination
from console.doctor.finding import Finding, State
from console.scope import System, become

#: what must be well before anything is begun; what is behind by nature, or waits, is not
BEFORE = ("settings", "SM3", "disk", "pg_dump", "database", "version", "roles", "clock", "redis", "store")
AFTER = ("database", "tables", "registers", "rules", "keys", "papers", "audit", "administrators")
PATIENCE = 60  # seconds for transactions that are open when the doors close
_HELD = """
SELECT count(DISTINCT a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND l.locktype = 'relation' AND pg_has_role(a.usesysid, 'ruku_app', 'member')
"""


class NotUpgraded(BackupProblem):
    """It was not done; the sentence says what is as it was, and what to do."""


def run(options: argparse.Namespace) -> int:
    settings = process.begin("worker", check=False)
    if options.action == "rollback":
        return rollback(settings, options)
    if not options.to:
        raise BackupProblem(what="Where does the backup go that it begins with? python -m console upgrade --to FOLDER")
    return upgrade(settings, Path(options.to), keep=options.keep)


def upgrade(settings: Settings, to: Path, *, keep: int | None = None) -> int:
    """0 when this version's structure, base data and bundles are there and well. The process has begun as worker."""
    waiting = _what_waits(settings)
    _look(settings, BEFORE, "Nothing was changed. Cure that first.")
    made = backup_command.take(settings, to, keep=keep)
    if made.problems:
        print("\n".join(made.problems), file=sys.stderr)
    before = made.manifest.facts.revision
    print("\n".join([f"{len(waiting)} migrations:", *(f"  {one}" for one in waiting)]) if waiting else "The structure is of this version; base data and bundles are loaded.")
    with _doors_closed(settings, needed=bool(waiting)):
        _change(settings, made)
    process.begin("worker", settings, check=False)
    with become(System("upgrade")), db.transaction() as session:
        audit.record(session, "upgrade.done", f"revision:{schema.head()}", before=before, backup=made.manifest.name, program=making.program())
    restoring.seal_all()
    found = _findings(settings, AFTER)
    for one in found:
        print(one)
    print(f"The database was at revision {before} and is at {schema.head()}. Now start web, worker, relay and cron of this version: those of an older one stand still.")
    if any(one.state is State.BAD for one in found):
        print(f"Something is bad. To go back: python -m console upgrade rollback {made.folder}", file=sys.stderr)
        return 1
    return 0


def _what_waits(settings: Settings) -> list[str]:
    if settings.database_owner_url is None:
        raise NotUpgraded(what="DATABASE_OWNER_URL is missing: only the owner of the tables may change them. Nothing was changed.")
    with schema.connected(settings.database_owner_url) as connection:
        there, known = schema.current(connection), schema.history()
        if there is None:
            raise NotUpgraded(what="This database is empty: `python -m console migrate --seed` makes it.")
        if there not in known:
            raise NotUpgraded(what=f"The database is at revision {there}, which this version (at {schema.head()}) does not know: a newer one was here. Nothing was changed.")
        return [*schema.pending(connection), *schema.waiting_register_files(connection)]


def _findings(settings: Settings, names: tuple[str, ...]) -> list[Finding]:
    return list(examination.look_around(settings, only=names))


def _look(settings: Settings, names: tuple[str, ...], said: str) -> None:
    found = _findings(settings, names)
    for one in found:
        if one.state is not State.OK:
            print(one)
    if any(one.state is State.BAD for one in found):
        raise NotUpgraded(what=said)


@contextmanager
def _doors_closed(settings: Settings, *, needed: bool) -> Iterator[None]:
    """Inside, web answers "in a few minutes" and no job is begun; nobody is in the middle of anything. Afterwards whoever is of this version goes on."""
    if not needed:
        yield
        return
    client = Redis.from_url(settings.redis_url, socket_timeout=3)
    try:
        maintenance.hang_up(client, process.REVISION)
        _await_quiet(settings)
        yield
    except BaseException:
        maintenance.take_down(client)  # everything is as it was
        raise
    maintenance.let_in(client, process.REVISION)


def _await_quiet(settings: Settings) -> None:
    until = time.monotonic() + PATIENCE
    time.sleep(2 * maintenance.LOOK_EVERY)  # until everybody has seen the sign
    while True:
        with snapshot.moment(settings.database_owner_url or "") as (connection, _):
            held = int((connection.execute(_HELD).fetchone() or (0,))[0])
        if not held:
            return
        if time.monotonic() > until:
            raise NotUpgraded(what=f"{held} transactions are still open after {PATIENCE} seconds: a long job, or somebody at a prompt. Nothing was changed; the doors are open again. Try when they are over.")
        time.sleep(0.5)


def _change(settings: Settings, made: making.Made) -> None:
    """Structure, permissions, base data, bundles. NotUpgraded when it did not work, and then everything is as it was."""
    process.begin("owner", settings, check=False)
    try:
        prepare.migrate(settings)
        done = prepare.seed()
    except BaseException as error:
        _undo(settings, made, error)
        raise NotUpgraded(what=f"It did not work: {process.reason(error) if isinstance(error, Exception) else 'interrupted'}. Everything is as it was before, at revision {made.manifest.facts.revision}; the backup is {made.folder}. Go on with the version that ran, and keep this sentence for whoever wrote the migration.") from error
    print(f"Base data: {done.rows} rows new or changed. Releases: {', '.join(done.releases) or 'none new'}.")
    for one in done.apart:
        print(one.show("en"))


def _undo(settings: Settings, made: making.Made, error: BaseException) -> None:
    """Our migrations are one transaction and have undone themselves; whatever was finished after them is undone by the backup."""
    db.Session.remove()
    with schema.connected(settings.database_owner_url or "") as connection:
        unchanged = schema.current(connection) == made.manifest.facts.revision and bool(schema.pending(connection))
    if unchanged:
        return
    print(f"It did not work ({process.reason(error) if isinstance(error, Exception) else 'interrupted'}); the backup is put back ...", flush=True)
    wish = Wish(replace=True, without_backup=True, as_it_was=True, beside_others=True)
    try:
        restoring.restore(settings, made.folder, wish, say=print)
    except Exception as worse:
        raise NotUpgraded(
            what=f"It did not work, and putting the backup back did not either: {process.reason(worse)}. Stop web, worker, relay and cron, then run: python -m console restore {made.folder} --replace --without-backup --as-it-was"
        ) from worse


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────


def rollback(settings: Settings, options: argparse.Namespace) -> int:
    """Back to a backup, after a list of what happened since and a confirmation; what is there now is backed up first."""
    if not options.folder:
        raise BackupProblem(what="To which backup? python -m console upgrade rollback FOLDER")
    _, folder = manifest.find(Path(options.folder))
    made = manifest.read(folder)
    happened = restoring.since(settings.database_owner_url or "", made)
    print(f"Back to {folder.name}, taken {made.facts.at} at revision {made.facts.revision} by version {made.program}. Since then, and gone afterwards:")
    for what, count in happened.items():
        if count:
            print(f"  {count:>7}  {what}")
    if not any(happened.values()):
        print("  nothing")
    if not options.yes and _typed(f"Type {folder.name} to go back: ") != folder.name:
        print("Nothing was changed.", file=sys.stderr)
        return 1
    code = restoring.restore(settings, folder, Wish(replace=True, as_it_was=True), say=print)
    try:
        maintenance.take_down(Redis.from_url(settings.redis_url, socket_timeout=3))
    except RedisError:
        print("Redis does not answer; the sign that older processes stand still ends by itself within a day.", file=sys.stderr)
    print(f"Now start the version that made it ({made.program}, revision {made.facts.revision}). Letters that waited then go out again.")
    return code


def _typed(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:  # nobody there to ask
        return ""
