"""Who somebody is and what they were granted, read in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.db import one_statement, transaction
from console.roles import Grant, Role
from console.scope import System, become

# Everything a request needs to know about an officer, before anyone is the principal: so the grants come from a function that
# answers for one person (migration 0007). A withdrawn grant is gone at the next request: nothing of this is cached.
# `views` come along because every list shows them and none should pay a statement for it.
# `permissions` is the version of the role table in the database; see accounts.permissions.
_STAFF_SESSION = text("""
    SELECT w.data, w.created_at, w.seen_at, w.expires_at, u.id, u.username, u.last_name || u.first_name AS name,
           ruku_grants_of(u.id) AS grants,
           (SELECT count(*) || ':' || coalesce(max(id), 0) FROM ab_permission_view_role) AS permissions,
           (SELECT string_agg(content_hash, ' ' ORDER BY table_name) FROM register_definition) AS registers,
           CASE WHEN :screen <> '' THEN ruku_views_of(u.id, :screen) END AS views
    FROM web_session w JOIN ab_user u ON u.id = w.person_id AND u.active
    WHERE w.token_hash = :token AND w.door = 'console' AND w.ended_at IS NULL AND w.expires_at > :real_now
""")
_BEARER = text("""
    SELECT t.id AS token_id, t.title, t.writes, t.screens, t.second_step, t.created_at, t.expires_at, t.used_at,
           u.id, u.username, u.last_name || u.first_name AS name, ruku_grants_of(u.id) AS grants,
           (SELECT count(*) || ':' || coalesce(max(id), 0) FROM ab_permission_view_role) AS permissions
    FROM ruku_token_bearer(:fingerprint) t JOIN ab_user u ON u.id = t.staff_id AND u.active
    WHERE t.expires_at > :real_now
""")
_APPLICANT_SESSION = text("""
    SELECT w.data, w.created_at, w.seen_at, w.expires_at, a.id, a.name
    FROM web_session w JOIN applicant a ON a.id = w.person_id
    WHERE w.token_hash = :token AND w.door = 'portal' AND w.ended_at IS NULL AND w.expires_at > :real_now
""")
_GRANTS_OF = text("SELECT ruku_grants_of(:staff_id)")
_GRANTS_OF_MANY = text("SELECT id, ruku_grants_of(id) FROM unnest(CAST(:staff_ids AS int[])) id")


@dataclass(frozen=True)
class GrantWords:
    """A grant as the top line says it: whose, where, as what."""

    role: Role
    department: str | None
    department_en: str | None
    division: str
    division_en: str
    level: int


@dataclass(frozen=True)
class KeptView:
    """A saved view of the list that is asked for: the person's own, or shared by somebody (`by`) of their department."""

    id: int
    title: str
    query: str
    own: bool
    is_default: bool
    shared: bool
    by: str


@dataclass(frozen=True)
class Found:
    """A live session with its person; `grants`, `permissions` and `views` are the console's."""

    data: dict[str, Any]
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    person_id: int
    name: str
    username: str = ""
    grants: tuple[Grant, ...] = ()
    grant_words: tuple[GrantWords, ...] = ()
    permissions: str = ""
    views: tuple[KeptView, ...] = ()
    registers: str = ""  # which declarations of registers are applied now: a process that was made for others makes way


def _grants(rows: list[dict[str, Any]]) -> tuple[tuple[Grant, ...], tuple[GrantWords, ...]]:
    known = [row for row in rows if row["role"] in set(Role)]  # a role this version does not know grants nothing
    return (
        tuple(
            Grant(r["id"], Role(r["role"]), r["department_id"], r["division_code"], frozenset(r["offices"])) for r in known
        ),
        tuple(
            GrantWords(Role(r["role"]), r["department"], r["department_en"], r["division"], r["division_en"], r["level"])
            for r in known
        ),
    )


def staff_session(token_hash: str, *, real_now: dt.datetime, screen: str = "") -> Found | None:
    """The officer behind a cookie, with the grants valid now and their views of the list `screen`; None when the session or the account is over.

    None of these tables is scoped, so this is one statement on a connection of its own, before anyone is the principal.
    """
    with one_statement().connect() as connection:
        row = connection.execute(_STAFF_SESSION, {"token": token_hash, "real_now": real_now, "screen": screen}).one_or_none()
    if row is None:
        return None
    found = found_by(row, data=row.data, seen_at=row.seen_at)
    return replace(found, views=tuple(KeptView(**view) for view in row.views or ()), registers=row.registers or "")


def token_bearer(fingerprint: str, *, real_now: dt.datetime) -> Any | None:
    """The access token of this fingerprint with its owner, who works here still; in one statement, before anyone is the principal."""
    with one_statement().connect() as connection:
        return connection.execute(_BEARER, {"fingerprint": fingerprint, "real_now": real_now}).one_or_none()


def found_by(row: Any, *, data: dict[str, Any], seen_at: dt.datetime) -> Found:
    """The officer of a row that was found by a session's or an access token's fingerprint."""
    grants, words = _grants(row.grants)
    return Found(data, row.created_at, seen_at, row.expires_at, row.id, row.name, row.username, grants, words, row.permissions)


def applicant_session(token_hash: str, *, real_now: dt.datetime) -> Found | None:
    """The citizen behind a cookie; None when the session is over."""
    with become(System("sign_in")), transaction() as session:
        row = session.execute(_APPLICANT_SESSION, {"token": token_hash, "real_now": real_now}).one_or_none()
    return Found(row.data, row.created_at, row.seen_at, row.expires_at, row.id, row.name) if row else None


def grants_of(session: Session, staff_id: int) -> tuple[Grant, ...]:
    """The grants of one officer that are valid now, offices resolved."""
    rows = session.scalar(_GRANTS_OF, {"staff_id": staff_id})
    return _grants(rows or [])[0]


def grants_of_many(session: Session, staff_ids: Sequence[int]) -> dict[int, tuple[Grant, ...]]:
    """The same of several officers, in one statement; for a job, which may know of everybody."""
    return {staff_id: _grants(rows or [])[0] for staff_id, rows in session.execute(_GRANTS_OF_MANY, {"staff_ids": list(staff_ids)})}
