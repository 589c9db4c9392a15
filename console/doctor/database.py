"""PostgreSQL and Redis, and whether what lies in them is of this version."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import psycopg
import redis
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from config import Settings
from console import clock, db, logins, process, schema
from console.backup import restoring
from console.doctor.finding import Finding, State, judged, look, well
from console.registers import applying, loading, planning
from console.scope import System, become
from rules.documents import Problems

DRIFT, APART = 2.0, 60.0  # seconds between this machine's clock and the database's
DATABASE = "database"


@look(DATABASE)
def reachable(settings: Settings) -> Iterator[Finding]:
    for name, url in (("DATABASE_URL", settings.database_url), ("DATABASE_WORKER_URL", settings.database_worker_url), ("DATABASE_OWNER_URL", settings.database_owner_url)):
        if url is None:
            yield well(DATABASE, f"{name} is not set here: only `migrate`, `registers`, `backup` need it")
            continue
        try:
            with psycopg.connect(logins.plain(url), connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            yield Finding(DATABASE, State.BAD, f"{name}: {process.reason(error)}", "Start PostgreSQL, or correct the address, login or password; nothing works without it.")
        else:
            yield well(DATABASE, f"{name} answers")


@look("version", DATABASE)
def version(settings: Settings) -> Iterator[Finding]:
    with db.engine().connect() as connection:
        number = int(connection.execute(text("SELECT current_setting('server_version_num')")).scalar_one())
        encoding = str(connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one())
    yield judged("PostgreSQL", number >= 150_000, f"{number // 10_000}.{number % 10_000}", "Use PostgreSQL 15 or newer.")
    yield judged("encoding", encoding == "UTF8", encoding, "Create the database with ENCODING 'UTF8'.")


@look("roles", DATABASE)
def roles(settings: Settings) -> Iterator[Finding]:
    owner = logins.login_of(settings.database_owner_url or "") or logins.OWNER_LOGIN
    names = logins.Logins(owner, logins.login_of(settings.database_url), logins.login_of(settings.database_worker_url))
    with psycopg.connect(logins.plain(settings.database_url)) as connection:
        problems = logins.missing(connection, names)
    yield judged("database roles", not problems, "; ".join(problems) or "in order", "`python -m console roles print` shows the SQL.")


@look("restore", DATABASE)
def interrupted(settings: Settings) -> Iterator[Finding]:
    """A restore that was killed leaves what was there before it standing aside."""
    with psycopg.connect(logins.plain(settings.database_worker_url), connect_timeout=5) as connection:
        half = restoring.was_interrupted(connection)
    yield judged("restore", not half, "none was interrupted" if not half else "one was interrupted: what was there before it stands aside", "Run `python -m console restore` again: it first brings back what was there.")


@look("tables", DATABASE)
def tables(settings: Settings) -> Iterator[Finding]:
    with db.engine().connect() as connection:
        found, wanted = schema.current(connection), schema.head()
    if found is not None and found not in schema.history():
        yield Finding("tables", State.BAD, f"revision {found}, which this version ({wanted}) does not know", "A newer version was here: start that one, or restore the backup made before it (`upgrade rollback`).")
        return
    yield judged("tables", found == wanted, f"revision {found}", f"Run `python -m console upgrade --to FOLDER`: this version wants {wanted}.")


@look("registers", DATABASE)
def registers(settings: Settings) -> Iterator[Finding]:
    """Their migrations: run here, and the files of those that ran elsewhere."""
    try:
        with db.engine().connect() as connection:
            lacking = schema.missing_register_files(connection)
            waiting = schema.waiting_register_files(connection)
    except schema.RegisterFileMissing as error:
        yield Finding("registers", State.BAD, f"the migration {error.facts['name']} is not here, and others build upon it", f"Copy {error.facts['name']}.py to migrations/registers/versions from the machine that applied it, or from `registers/` of a backup.")
        return
    if lacking:
        cure = f"Copy {', '.join(lacking)} to migrations/registers/versions from the machine that applied them, or from `registers/` of a backup. Until then these registers cannot be changed; others can."
        yield Finding("registers", State.WARNING, f"{len(lacking)} migrations ran elsewhere, and their files are not here", cure)
    yield judged("registers", not waiting, f"not run: {', '.join(waiting)}" if waiting else "every migration here has been run", "Run `python -m console migrate`.")


@look("declarations", DATABASE)
def declarations(settings: Settings) -> Iterator[Finding]:
    """What plug-ins declare and no table has yet."""
    try:
        wanted = applying.wanted(applying.read(applying.PLUGINS))
    except Problems as problems:
        yield Finding("declarations", State.WARNING, f"cannot be read: {str(problems).splitlines()[0]}", "`python -m console registers plan` names every line; the registers in force go on.")
        return
    with become(System("doctor")), db.engine().connect() as connection:
        applied = {one.declared.table: one.declared for one in loading.refresh()}
        differing = [new.table for new in wanted if not planning.plan(applied.get(new.table), new, connection).is_empty]
    seen = "every register is as declared" if not differing else f"not as declared: {', '.join(differing)}"
    yield judged("declarations", not differing, seen, "`python -m console registers plan` says what would change, `apply` does it.", otherwise=State.WARNING)


@look("clock", DATABASE)
def time_of_day(settings: Settings) -> Iterator[Finding]:
    with become(System("doctor")), db.transaction() as session:
        simulated, now = clock.is_simulated(session), clock.now(session)
    with db.engine().connect() as connection:
        theirs = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    kind = "simulated" if simulated else "real"
    yield judged("clock", not (simulated and settings.is_production), f"{now:%Y-%m-%d %H:%M} ({kind})", "This database was made for demo or test: use another.")
    apart = abs(theirs - time.time())
    state = State.OK if apart <= DRIFT else State.WARNING if apart <= APART else State.BAD
    yield Finding("clocks", state, f"this machine and PostgreSQL are {apart:.1f} s apart", "Let both follow the same time server (chrony, ntpd): deadlines and leases are counted by the database's clock.")


@look("redis")
def queue(settings: Settings) -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=3, socket_timeout=3) as client:
            info = client.info()
    except (redis.RedisError, ValueError) as error:
        yield Finding("Redis", State.BAD, f"does not answer: {process.reason(error)}", "Start Redis or correct REDIS_URL. Nothing is lost meanwhile; jobs wait, and nobody's tries at signing in are counted.")
        return
    number = str(info.get("redis_version", "0"))
    yield judged("Redis", tuple(map(int, number.split(".")[:2])) >= (6, 2), number, "Use Redis 6.2 or newer, or Valkey.")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    yield judged("eviction", policy == "noeviction", policy, "Set maxmemory-policy noeviction: evicted orders come late.")


@look("connected", DATABASE)
def connected(settings: Settings) -> Iterator[Finding]:
    """Processes of ours that hold a connection, by the version they are of."""
    ours = process.REVISION
    try:
        with db.engine().connect() as connection:
            names = connection.execute(text("SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ruku %' GROUP BY 1")).all()
    except ProgrammingError as error:  # a PostgreSQL-compatible one without that view
        yield Finding("connected", State.UNSEEN, process.reason(error))
        return
    others: dict[str, int] = {}
    for name, count in names:
        found = re.fullmatch(r"ruku (\w+)(?: (\w+))?", name)
        if found and found[2] != ours:
            others[f"{found[1]} of {found[2] or 'an older version'}"] = others.get(f"{found[1]} of {found[2] or 'an older version'}", 0) + int(count)
    seen = ", ".join(f"{name} ({count})" for name, count in sorted(others.items()))
    yield judged("connected", not others, f"all of version {ours}" if not others else f"{seen}; this is {ours}", "Restart these processes: they do not know what changed.")
