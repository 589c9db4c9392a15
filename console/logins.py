"""The database's own users: who may do what, below every line of ours.

`ruku_owner` owns the tables. The group `ruku_app` may use them, the group `ruku_worker` may be System. Logins belong to groups and own
nothing. On the embedded server we make all of it; elsewhere `python -m console roles` prints the SQL for whoever administers it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import psycopg
from psycopg import sql

APP, WORKER = "ruku_app", "ruku_worker"
OWNER_LOGIN, WEB_LOGIN, WORKER_LOGIN = "ruku_owner", "ruku_web", "ruku_jobs"
DATABASE = "ruku"


@dataclass(frozen=True)
class Logins:
    """The three logins' names."""

    owner: str = OWNER_LOGIN
    web: str = WEB_LOGIN
    worker: str = WORKER_LOGIN


def login_of(url: str) -> str:
    """The user an address signs in as."""
    return unquote(urlsplit(url.replace("postgresql+psycopg", "postgresql", 1)).username or "")


def ensure_roles(connection: psycopg.Connection[tuple[object, ...]], logins: Logins = Logins()) -> None:
    """Make groups and logins and their memberships; twice changes nothing. Needs a superuser, or CREATEROLE."""
    with connection.transaction():
        # two launchers at once would both find the role missing
        connection.execute("SELECT pg_advisory_xact_lock(7402600)")
        for role, may_log_in in ((APP, False), (WORKER, False), (logins.owner, True), (logins.web, True), (logins.worker, True)):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                connection.execute(_create(role, may_log_in))
        for group, member in _memberships(logins):
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member)))


def ensure_database(connection: psycopg.Connection[tuple[object, ...]], name: str = DATABASE, *, owner: str = OWNER_LOGIN) -> bool:
    """Make the database when it is missing; True when it was. The connection must be in autocommit."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
        return False
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    return True


def missing(connection: psycopg.Connection[tuple[object, ...]], logins: Logins) -> list[str]:
    """What the database administrator still has to do, in sentences; empty when all is well."""
    problems = []
    for group, member in _memberships(logins):
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member"
            " WHERE g.rolname = %s AND u.rolname = %s)",
            (group, member),
        ).fetchone()
        if row is None or not row[0]:
            problems.append(f"login '{member}' is not in the group '{group}'")
    if connection.execute("SELECT 1 FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member"
                          " WHERE g.rolname = %s AND u.rolname = %s", (WORKER, logins.web)).fetchone():
        problems.append(f"login '{logins.web}' of the web must not be in '{WORKER}'")
    for name, can_bypass in connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)",
        ([logins.owner, logins.web, logins.worker],),
    ).fetchall():
        if can_bypass:
            problems.append(f"login '{name}' is a superuser or may bypass row security")
    return problems


def script(logins: Logins = Logins(), database: str = DATABASE) -> str:
    """The SQL an administrator runs once, as superuser, with passwords to be filled in."""
    lines = [f"CREATE ROLE {role} NOLOGIN;" for role in (APP, WORKER)]
    lines += [
        f"CREATE ROLE {_quoted(login)} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '…';"
        for login in (logins.owner, logins.web, logins.worker)
    ]
    lines += [f"GRANT {group} TO {_quoted(member)};" for group, member in _memberships(logins)]
    lines.append(f"CREATE DATABASE {_quoted(database)} OWNER {_quoted(logins.owner)} ENCODING 'UTF8';")
    return "\n".join(lines)


def derive_worker_url(owner_url: str, web_url: str, *, password: str | None = None) -> str:
    """A worker's login beside the web's, made by an owner that may create roles (never used in production).

    Raises psycopg.Error when the owner may not.
    """
    password = password or secrets.token_urlsafe(24)
    with psycopg.connect(plain(owner_url), autocommit=True) as connection:
        ensure_roles(connection, Logins(login_of(owner_url), login_of(web_url), WORKER_LOGIN))
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(WORKER_LOGIN), sql.Literal(password))
        )
    parts = urlsplit(plain(web_url))
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{WORKER_LOGIN}:{quote(password, safe='')}@{place}").geturl()


def plain(url: str) -> str:
    """The address as libpq reads it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _memberships(logins: Logins) -> list[tuple[str, str]]:
    return [(APP, logins.web), (APP, logins.worker), (WORKER, logins.worker)]


def _create(role: str, may_log_in: bool) -> sql.Composed:
    kind = sql.SQL("LOGIN" if may_log_in else "NOLOGIN")
    return sql.SQL("CREATE ROLE {} {} NOCREATEDB NOCREATEROLE").format(sql.Identifier(role), kind)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
