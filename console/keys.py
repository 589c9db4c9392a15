"""Changing the keys under which personal values lie: encryption at leisure and in batches, keyed hashes all at once.

What is encrypted is found by looking at the models, so nothing is forgotten: every `Encrypted` column, and sealed answers inside the JSON
of columns marked `info={"sealed": True}`. A keyed hash is found beside the value it is made of: `phone_hash` beside `phone`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    Integer,
    String,
    Table,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
    true,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Session

from console import audit
from console.db import Base
from console.errors import ConsoleError
from console.secrecy import SEALED, Encrypted, Keys, decrypt, encrypt, hash_under

BATCH = 1_000
_COLUMNS = table("columns", column("table_schema"), column("table_name"), column("column_name"), schema="information_schema")
_SEALED = f"strict $.** ? (exists(@.{SEALED})).{SEALED}"
_OLDER = f"strict $.** ? (exists(@.{SEALED}) && !(@.{SEALED} starts with $first))"

Opening = Callable[[], AbstractContextManager[Session]]


class KeysProblem(ConsoleError):
    """What stands in the way, for whoever typed the command."""

    message = "%(what)s"


@dataclass(frozen=True)
class Place:
    """A column that holds encrypted values: as text of its own, or sealed inside JSON."""

    column: Column[Any]
    in_json: bool = False

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"

    @property
    def table(self) -> Table:
        return self.column.table  # type: ignore[return-value]

    @property
    def key(self) -> Column[Any]:
        return next(iter(self.table.primary_key.columns))

    @property
    def raw(self) -> Any:
        """The column as it lies there, not decrypted on the way."""
        return type_coerce(self.column, JSONB if self.in_json else String)


def places() -> list[Place]:
    """Every column with encrypted values, from the models."""
    found = []
    for its in Base.metadata.sorted_tables:
        for one in its.columns:
            if isinstance(one.type, Encrypted):
                found.append(Place(one))
            elif one.info.get("sealed"):
                found.append(Place(one, in_json=True))
    return found


def places_in(session: Session) -> list[Place]:
    """Those of them that this database has: one of an earlier version, as a backup brings it, has fewer."""
    asked = select(_COLUMNS.c.table_name, _COLUMNS.c.column_name).where(_COLUMNS.c.table_schema == func.current_schema())
    there = {(name, column_name) for name, column_name in session.execute(asked)}
    return [place for place in places() if (place.table.name, place.column.name) in there]


def status(session: Session) -> dict[str, Counter[str]]:
    """Place → how many values under which key id."""
    counted = {}
    for place in places_in(session):
        if place.in_json:
            inner = select(func.split_part(_sealed(place), ".", 1).label("id")).select_from(place.table).subquery()
            statement = select(inner.c.id, func.count()).group_by(inner.c.id)
        else:
            ident = func.split_part(place.raw, ".", 1)
            statement = select(ident, func.count()).where(place.raw != "").group_by(text("1"))
        counted[place.name] = Counter({ident: count for ident, count in session.execute(statement)})
    return counted


def _sealed(place: Place) -> Any:
    """Each sealed value of a row, as text; a set-returning expression."""
    return func.jsonb_path_query(place.raw, cast(_SEALED, JSONPATH), cast({}, JSONB), true()).op("#>>")(cast([], ARRAY(String)))


# ── encryption ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Rotated:
    """What one run did: columns of rows rewritten, rows somebody changed meanwhile, values left under each older key id."""

    rewritten: int = 0
    missed: int = 0
    left: Counter[str] = field(default_factory=Counter)


def rotate(opening: Opening, keys: Keys, *, batch: int = BATCH, on_batch: Callable[[str, int], None] = lambda *_: None) -> Rotated:
    """Bring every value under the first key. Each batch is a transaction of its own, each row is compared and set: web and worker go on,
    a killed run is simply started again. A key id that is not configured is named before anything is written."""
    first = next(iter(keys.data))
    with opening() as session:
        _refuse_unknown(status(session), keys)
    done = Rotated()
    for place in places():
        after: Any = None
        while True:
            with opening() as session:
                rows = session.execute(_older(place, first, after).limit(batch)).all()
                for key, value in rows:
                    if _set(session, place, key, value):
                        done.rewritten += 1
                    else:
                        done.missed += 1  # its owner was writing: what they wrote is under the first key already
            if not rows:
                break
            after = rows[-1][0]
            on_batch(place.name, len(rows))
    with opening() as session:
        left = sum(status(session).values(), Counter())
        done.left = Counter({ident: count for ident, count in left.items() if ident != first})
        audit.record(session, "keys.rotated", "keys:data", key=first, rewritten=done.rewritten, left=sum(done.left.values()))
    return done


def _refuse_unknown(counted: dict[str, Counter[str]], keys: Keys) -> None:
    unknown = [
        f"{name}: {count} under key '{ident}'" for name, idents in counted.items() for ident, count in idents.items() if ident not in keys.data
    ]
    if unknown:
        raise KeysProblem(what="Nothing was rewritten. DATA_KEYS does not name every key that is in use; add the old key back behind the new one.\n  " + "\n  ".join(unknown))


def _older(place: Place, first: str, after: Any) -> Any:
    """Rows, in order, that hold anything under another key than the first."""
    if place.in_json:
        condition: Any = func.jsonb_path_exists(place.raw, cast(_OLDER, JSONPATH), cast({"first": f"{first}."}, JSONB), true())
    else:
        condition = (place.raw != "") & (func.split_part(place.raw, ".", 1) != first)
    statement = select(place.key, place.raw).where(place.raw.is_not(None), condition).order_by(place.key)
    return statement if after is None else statement.where(place.key > after)


def _set(session: Session, place: Place, key: Any, value: Any) -> bool:
    fresh = _resealed(value) if place.in_json else encrypt(decrypt(value))
    kind = JSONB() if place.in_json else String()
    same = place.raw == literal(value, kind)
    statement = update(place.table).where(place.key == key, same).values({place.column.name: literal(fresh, kind)})
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _resealed(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {SEALED}:
            return {SEALED: encrypt(decrypt(value[SEALED]))}
        return {name: _resealed(inner) for name, inner in value.items()}
    return [_resealed(inner) for inner in value] if isinstance(value, list) else value


# ── keyed hashes ─────────────────────────────────────────────────────────────────────────────────────────────


def hashed() -> Iterator[tuple[Column[Any], Column[Any]]]:
    """(the encrypted column, its keyed hash): `phone` and `phone_hash`; the value's name is the purpose mixed in."""
    for place in places():
        beside = place.table.columns.get(f"{place.column.name}_hash")
        if not place.in_json and beside is not None:
            yield place.column, beside


#: keyed or plain digests that no command rewrites → why not; a test holds every `*_hash` column against this and `hashed()`
NOT_REWRITTEN: dict[str, str] = {
    "applicant.password_hash": "argon2id of a password, no key",
    "application.submitted_hash": "SHA-256 of what was submitted",
    "notice.content_hash": "SHA-256 of what was published",
    "notice_correction.content_hash": "SHA-256 of what was published",
    "roster_specialty.notice_hash": "SHA-256 of what was published",
    "specialty_version.content_hash": "SHA-256 of a file",
    "release.content_hash": "SHA-256 of a release",
    "draft_revision.content_hash": "SHA-256 of a draft",
    "replay.content_hash": "SHA-256 of a draft",
    "regulation_paragraph.text_hash": "SHA-256 of a paragraph",
    "web_session.token_hash": "SHA-256 of a random token",
    "sign_in_link.token_hash": "SHA-256 of a random token",
    "access_token.token_hash": "of a random token, under the key of fingerprints, which stays",
    "register_definition.content_hash": "SHA-256 of a declaration",
    "data_export.content_hash": "SHA-256 of a file",
    "data_import.content_hash": "SHA-256 of a file",
    "sign_in_code.phone_hash": "lives ten minutes: asked for again",
    "sign_in_code.code_hash": "lives ten minutes: asked for again",
}


@dataclass(frozen=True)
class Rehashed:
    """Rows written per column; rows without the value they are a hash of, which stay as they are and are found no more."""

    written: dict[str, int]
    lost: dict[str, int]


def rehash(session: Session, *, old: bytes, new: bytes, leave: bool = False) -> Rehashed:
    """Make every keyed hash anew, in the caller's one transaction: whoever signs in sees all of them old or all of them new.

    Every old hash is checked on the way: one that was made under neither key stops everything. Rows whose value is not kept
    cannot be made anew; they stop it too unless `leave` says that they may be lost.
    """
    written: dict[str, int] = {}
    lost: dict[str, int] = {}
    wrong = Counter[str]()
    for source, target in hashed():
        table, name = target.table, f"{target.table.name}.{target.name}"
        key = next(iter(table.primary_key.columns))
        session.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
        rows = session.execute(select(key, type_coerce(source, String), target).where(target.is_not(None), ~target.startswith("erased:")).order_by(key)).all()
        fresh = {}
        for ident, stored, hash_ in rows:
            if not stored:
                lost[name] = lost.get(name, 0) + 1
                continue
            value = decrypt(stored)
            wanted = hash_under(new, value, source.name)
            if hash_ == wanted:
                continue
            if hash_ != hash_under(old, value, source.name):
                wrong[name] += 1
            fresh[ident] = wanted
        if fresh and not wrong:
            _write(session, table, key, target, fresh)
        written[name] = len(fresh)
    if wrong:
        said = ", ".join(f"{name}: {count}" for name, count in wrong.items())
        raise KeysProblem(what=f"Nothing was rewritten. These hashes were made under neither the old nor the new HASH_KEY: {said}. Is HASH_KEY_OLD the key that was in use?")
    if lost and not leave:
        said = ", ".join(f"{name}: {count}" for name, count in lost.items())
        raise KeysProblem(what=f"Nothing was rewritten. These rows keep a hash without its value and would be found no more: {said}. Enter them again from their source, or repeat with --leave.")
    audit.record(session, "keys.rehashed", "keys:hash", written=written, lost=lost)
    return Rehashed(written, lost)


def _write(session: Session, table: Table, key: Column[Any], target: Column[Any], fresh: dict[Any, str]) -> None:
    idents = list(fresh)
    for start in range(0, len(idents), BATCH):
        part = idents[start : start + BATCH]
        hashes = literal([fresh[ident] for ident in part], ARRAY(String))
        pairs = func.unnest(literal(part, ARRAY(Integer)), hashes).table_valued("ident", "hash", name="n").render_derived()
        session.execute(update(table).where(key == pairs.c.ident).values({target.name: pairs.c.hash}))


def others_at_work(session: Session) -> int:
    """Connections to this database beside ours: while one is open, a process may still hash with the old key."""
    session.execute(text("SELECT pg_stat_clear_snapshot()"))  # a transaction would go on seeing what it saw first
    return int(
        session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND pg_has_role(usesysid, 'ruku_app', 'member')"
            )
        )
        or 0
    )
