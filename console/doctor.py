"""`python -m console doctor`: look at everything the house stands on, and say what is wrong and what to do. Changes nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import redis
from sqlalchemy import text

import config
from config import Settings
from console import audit, clock, db, logins, process, schema, worker
from console.departments import queries as departments
from console.scope import System, become


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `cure` says what to do when it is not well."""

    name: str
    well: bool
    seen: str
    cure: str = ""

    def __str__(self) -> str:
        mark = "ok  " if self.well else "BAD "
        return f"{mark}{self.name:<16}{self.seen}" + (f"\n    → {self.cure}" if not self.well and self.cure else "")


def examine() -> int:
    """Print every finding; 1 when something is not well. Settings that cannot be read end it at once (ConfigProblems)."""
    settings = config.load()
    process.begin("worker", settings, check=False)
    bad = 0
    for look in (_settings, _database, _logins, _structure, _clock, _redis, _processes, _audit, _rules, _files, _digests):
        for finding in _guarded(look, settings):
            print(finding)  # noqa: T201 - this command's result
            bad += not finding.well
    return 1 if bad else 0


def _guarded(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except Exception as error:  # one organ that cannot be examined must not hide the others
        yield Finding(look.__name__.strip("_"), False, f"could not be examined: {process.reason(error)}")


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", True, f"mode {settings.mode}, data in {settings.data_dir}, https {'on' if settings.https else 'off'}")


def _database(settings: Settings) -> Iterator[Finding]:
    with db.engine().connect() as connection:
        version = int(connection.execute(text("SELECT current_setting('server_version_num')")).scalar_one())
        encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one()
    yield Finding("PostgreSQL", version >= 150_000, f"{version // 10_000}.{version % 10_000}", "Use PostgreSQL 15 or newer.")
    yield Finding("encoding", encoding == "UTF8", str(encoding), "Create the database with ENCODING 'UTF8'.")


def _logins(settings: Settings) -> Iterator[Finding]:
    names = logins.Logins(
        logins.login_of(settings.database_owner_url or "") or logins.OWNER_LOGIN,
        logins.login_of(settings.database_url),
        logins.login_of(settings.database_worker_url),
    )
    with psycopg.connect(logins.plain(settings.database_url)) as connection:
        problems = logins.missing(connection, names)
    yield Finding("database roles", not problems, "; ".join(problems) or "in order", "`python -m console roles print` shows the SQL.")


def _structure(settings: Settings) -> Iterator[Finding]:
    with db.engine().connect() as connection:
        found, wanted = schema.current(connection), schema.head()
    yield Finding("tables", found == wanted, f"revision {found}", f"Run `python -m console migrate`: this version wants {wanted}.")


def _clock(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        simulated, now = clock.is_simulated(session), clock.now(session)
    well = not (simulated and settings.is_production)
    kind = "simulated" if simulated else "real"
    yield Finding("clock", well, f"{now:%Y-%m-%d %H:%M} ({kind})", "This database was made for demo or test: use another.")


def _redis(settings: Settings) -> Iterator[Finding]:
    with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=3, socket_timeout=3) as client:
        info = client.info()
    version = str(info.get("redis_version", "0"))
    yield Finding("Redis", tuple(map(int, version.split(".")[:2])) >= (6, 2), version, "Use Redis 6.2 or newer, or Valkey.")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    yield Finding("eviction", policy == "noeviction", policy, "Set maxmemory-policy noeviction: evicted orders come late.")


def _processes(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        for kind in ("worker", "relay", "cron"):
            alive = worker.alive(session, kind)
            yield Finding(kind, alive, "alive" if alive else "no heartbeat for half a minute", f"Start `python -m console {kind}`.")


def _audit(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        faults = audit.verify(session, wait=3)
    seen = "chains, rows and decisions are whole" if not faults else f"{len(faults)} faults, first: {faults[0]}"
    yield Finding("audit", not faults, seen, "Somebody changed the past: keep this database as it is and tell the supervisor.")


def _rules(settings: Settings) -> Iterator[Finding]:
    """Every release in force can be read, and the functions it derives facts by are installed."""
    with become(System("doctor")), db.transaction() as session:
        bundles, centre, releases = departments.bundles_in_force(session, clock.today(session))
        missing = [f"{b.code}: {one.name} ({one.function})" for b in bundles.values() if b.criteria for one in b.criteria.derived if one.hook is None]
    well = centre is not None and not missing
    seen = f"{len(releases)} releases in force" if well else "; ".join(missing) or "the centre has no release in force"
    yield Finding("rules", well, seen, "Put the department's hooks.py back into its folder, or run `python -m console seed`.")


def _files(settings: Settings) -> Iterator[Finding]:
    if "://" in settings.files_url:
        yield Finding("files", True, settings.files_url.split("://")[0])
        return
    free = shutil.disk_usage(settings.data_dir).free / 2**30
    yield Finding("disk", free > 1, f"{free:.1f} GiB free", f"Make room: uploads are written to {settings.files_url}.")


def _digests(settings: Settings) -> Iterator[Finding]:
    well = "sm3" in hashlib.algorithms_available
    yield Finding("SM3", well, "available" if well else "missing", process.NO_SM3)
