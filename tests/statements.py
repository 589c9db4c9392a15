"""Every shape a statement can take, for any mapped class: what reads, and what would change or copy.

A reading shape returns the keys of the rows it was given to see. A writing shape tries to do its work and returns nothing: what
it did is looked up afterwards by one who sees everything. `passes_by` marks what the ORM's listener does not see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    DateTime,
    Integer,
    String,
    bindparam,
    delete,
    exists,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased, class_mapper, joinedload, make_transient_to_detached, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from console import db, jobs
from tests.walled import key_of

Values = dict[str, dict[str, Any]]  # own and foreign: the row by column


#: tables of which the application may write some columns only, and one of them
WRITABLE = {"access_token": "ended_why", "account_notice": "last_error", "admission": "holder_id", "register_letter": "last_error", "staff_digest": "last_error", "staff_grant": "ended_by"}


@dataclass(frozen=True)
class Of:
    """The class under test, its two rows, and how to name them in SQL."""

    cls: type[Any]
    values: Values

    @property
    def table(self) -> Any:
        return self.cls.__table__

    @property
    def name(self) -> str:
        return str(self.table.name)

    @property
    def sql_key(self) -> str:
        return f"concat_ws('~', {', '.join(column.name for column in self.table.primary_key)})"

    @property
    def key(self) -> Any:
        return func.concat_ws("~", *(getattr(self.cls, name) for name in self.identity_names))

    @property
    def identity_names(self) -> list[str]:
        return [inspect(self.cls).get_property_by_column(column).key for column in self.table.primary_key]

    def identity(self, side: str) -> tuple[Any, ...]:
        return tuple(self.values[side][column.name] for column in self.table.primary_key)

    def key_at(self, side: str) -> str:
        return "~".join(map(str, self.identity(side)))

    def is_at(self, side: str, of: Any = None) -> Any:
        columns = self.table.c if of is None else of
        return [columns[c.name] == self.values[side][c.name] for c in self.table.primary_key]

    @property
    def sql_written(self) -> str:
        """Every column but the generated ones, which nobody writes."""
        return ", ".join(f'"{column.name}"' for column in self.table.columns if column.computed is None)

    @cached_property
    def change(self) -> tuple[str, Any] | None:
        """(column, a new value) that no constraint minds; None where every column is a key or a link."""
        for kind, value in ((String, "x"), (DateTime, func.now()), (Integer, 7)):
            for column in self.table.columns:
                spoken_for = column.computed is not None or column.unique or column.primary_key or column.foreign_keys or column.name in {"version", "lock"}
                checked = any(column.name in str(check.sqltext) for check in self.table.constraints if hasattr(check, "sqltext"))
                if not (spoken_for or checked) and isinstance(column.type, kind) and WRITABLE.get(self.name, column.name) == column.name:
                    return inspect(self.cls).get_property_by_column(column).key, value
        return None


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def orm_select(session: Session, of: Of) -> set[str]:
    return {key_of(row) for row in session.scalars(select(of.cls)).unique()}


def orm_count(session: Session, of: Of) -> set[str]:
    sides = [side for side in of.values if session.scalar(select(func.count()).select_from(of.cls).where(*of.is_at(side)))]
    return {of.key_at(side) for side in sides}


def orm_alias(session: Session, of: Of) -> set[str]:
    other = aliased(of.cls)
    return set(session.scalars(select(func.concat_ws("~", *(getattr(other, name) for name in of.identity_names)))))


def orm_exists(session: Session, of: Of) -> set[str]:
    return {of.key_at(side) for side in of.values if session.scalar(select(exists().where(*of.is_at(side))))}


def orm_in_subquery(session: Session, of: Of) -> set[str]:
    asked = [literal(of.key_at(side)) for side in of.values]
    return {key for one in asked for key in session.scalars(select(one).where(one.in_(select(of.key))))}


def orm_cte(session: Session, of: Of) -> set[str]:
    return set(session.scalars(select(select(of.key.label("key")).cte("seen").c.key)))


def orm_union(session: Session, of: Of) -> set[str]:
    return set(session.scalars(union_all(select(of.key), select(of.key))))


def orm_get(session: Session, of: Of) -> set[str]:
    found = {side: session.get(of.cls, of.identity(side)) for side in of.values}
    return {of.key_at(side) for side, row in found.items() if row is not None}


def orm_lock(session: Session, of: Of) -> set[str]:
    return {key_of(row) for row in session.scalars(select(of.cls).with_for_update(of=of.cls)).unique()}


def lazy_relationships(session: Session, of: Of) -> set[str]:
    """Parents that stand in the session with the foreign key in hand: what they load when the relation is asked for."""
    found = set()
    for relation in relations_to(of.cls):
        for number, side in enumerate(of.values):
            parent = _parent(relation, of.values[side], number)
            session.add(parent)
            loaded = getattr(parent, relation.key)
            found |= {key_of(row) for row in (loaded if relation.uselist else [loaded]) if row is not None}
            session.expunge_all()
    return found


def eager_relationships(session: Session, of: Of) -> set[str]:
    found = set()
    for relation in relations_to(of.cls):
        for strategy in (joinedload, selectinload):
            parents = session.scalars(select(relation.parent.class_).options(strategy(relation.class_attribute))).unique().all()
            for parent in parents:
                loaded = inspect(parent).dict[relation.key]
                found |= {key_of(row) for row in (loaded if relation.uselist else [loaded]) if row is not None}
            session.expunge_all()
    return found


def relations_to(cls: type[Any]) -> list[Any]:
    return [
        relation
        for mapper in sorted(db.Base.registry.mappers, key=lambda m: m.class_.__name__)
        for relation in mapper.relationships
        if relation.mapper.class_ is cls
    ]


def _parent(relation: Any, row: dict[str, Any], number: int) -> Any:
    mapper = relation.parent
    parent = mapper.class_()
    for column in mapper.primary_key:
        name = mapper.get_property_by_column(column).key
        set_committed_value(parent, name, -1 - number if isinstance(column.type, Integer) else f"-{number}")
    for local, remote in relation.local_remote_pairs:
        set_committed_value(parent, mapper.get_property_by_column(local).key, row[remote.name])
    make_transient_to_detached(parent)
    return parent


def from_statement(session: Session, of: Of) -> set[str]:
    return {key_of(row) for row in session.scalars(select(of.cls).from_statement(text(f"SELECT * FROM {of.name}"))).unique()}


def core_select(session: Session, of: Of) -> set[str]:
    found = session.connection().execute(select(*of.table.primary_key))
    return {"~".join(map(str, row)) for row in found}


def as_text(session: Session, of: Of) -> set[str]:
    return set(session.scalars(text(f"SELECT {of.sql_key} FROM {of.name}")))


def raw_cursor(session: Session, of: Of) -> set[str]:
    with session.connection().connection.cursor() as cursor:
        cursor.execute(f"WITH seen AS MATERIALIZED (SELECT * FROM ONLY {of.name}) SELECT {of.sql_key} FROM seen")
        return {row[0] for row in cursor.fetchall()}


def copy_to(session: Session, of: Of) -> set[str]:
    keys = ", ".join(column.name for column in of.table.primary_key)
    with session.connection().connection.cursor() as cursor, cursor.copy(f"COPY {of.name} ({keys}) TO STDOUT") as copy:
        return {"~".join(map(str, row)) for row in copy.rows()}


def insert_select(session: Session, of: Of) -> set[str]:
    """Into a table that every login of ours may write, by the ORM's own statement."""
    copied = insert(jobs.JobRun).from_select(
        ["job", "result", "subject_count", "started_at"], select(literal("wall"), of.key, literal(1), func.now())
    )
    return set(session.scalars(copied.returning(jobs.JobRun.result)))


def core_insert_select(session: Session, of: Of) -> set[str]:
    copied = insert(jobs.JobRun.__table__).from_select(
        ["job", "result", "subject_count", "started_at"],
        select(literal("wall"), literal_column(of.sql_key), literal(1), func.now()).select_from(of.table),
    )
    return set(session.connection().execute(copied.returning(jobs.JobRun.__table__.c.result)).scalars())


def insert_from_cte(session: Session, of: Of) -> set[str]:
    """The sweep's shape: rows are taken under a lock and written down in the same statement."""
    statement = (
        f"WITH taken AS (SELECT {of.sql_key} AS key FROM {of.name} FOR UPDATE SKIP LOCKED)"
        " INSERT INTO job_run (job, result, subject_count, started_at) SELECT 'wall', key, 1, now() FROM taken RETURNING result"
    )
    return set(session.scalars(text(statement)))


READING: dict[str, Callable[[Session, Of], set[str]]] = {
    found.__name__: found
    for found in (
        orm_select, orm_count, orm_alias, orm_exists, orm_in_subquery, orm_cte, orm_union, orm_get, orm_lock, lazy_relationships,
        eager_relationships, from_statement, core_select, as_text, raw_cursor, copy_to, insert_select, core_insert_select, insert_from_cte,
    )
}  # fmt: skip
#: they lock, which needs the right to change: where that is missing they are refused, and read nothing
LOCKING = {"orm_lock", "insert_from_cte"}
#: what they bring depends on the parents there are
WITH_PARENTS = {"lazy_relationships", "eager_relationships"}


# ── changing ─────────────────────────────────────────────────────────────────────────────────────────────────


def orm_update(session: Session, of: Of) -> None:
    session.execute(update(of.cls).values(dict([of.change or _itself(of)])).execution_options(synchronize_session=False))


def orm_delete(session: Session, of: Of) -> None:
    session.execute(delete(of.cls).execution_options(synchronize_session=False))


def update_rows(session: Session, of: Of) -> None:
    """`update(M)` with a list of rows, by primary key."""
    session.execute(update(of.cls), [_change_at(of, "foreign")])


def bulk_update(session: Session, of: Of) -> None:
    session.bulk_update_mappings(inspect(of.cls), [_change_at(of, "foreign")])


def bulk_save(session: Session, of: Of) -> None:
    row = of.cls()
    for name, value in (_identity_at(of, "foreign") | _version(of)).items():
        set_committed_value(row, name, value)
    make_transient_to_detached(row)
    name, value = _change(of)
    setattr(row, name, _plain(value))
    session.bulk_save_objects([row])


def merge(session: Session, of: Of) -> None:
    session.merge(of.cls(**{name: value for name, value in _change_at(of, "foreign").items() if name not in {"version", "lock"}}))
    session.flush()


def core_update(session: Session, of: Of) -> None:
    session.connection().execute(update(of.table).values({_column(of): _change(of)[1]}))


def core_update_many(session: Session, of: Of) -> None:
    keys = [column == bindparam(f"key_{column.name}") for column in of.table.primary_key]
    statement = update(of.table).where(*keys).values({_column(of): bindparam("new")})
    rows = [
        {f"key_{c.name}": of.values[side][c.name] for c in of.table.primary_key} | {"new": of.values[side][_column(of)]}
        for side in of.values
    ]
    session.connection().execute(statement, rows)


def core_delete(session: Session, of: Of) -> None:
    session.connection().execute(delete(of.table))


def text_update(session: Session, of: Of) -> None:
    session.execute(text(f"UPDATE {of.name} SET {_column(of)} = {_column(of)}"))


def update_returning_in_cte(session: Session, of: Of) -> None:
    """The sweep's other shape."""
    column = _column(of)
    statement = (
        f"WITH taken AS (UPDATE {of.name} SET {column} = {column} RETURNING {of.sql_key} AS key)"
        " INSERT INTO job_run (job, result, subject_count, started_at) SELECT 'wall', key, 1, now() FROM taken"
    )
    session.execute(text(statement))


def upsert(session: Session, of: Of) -> None:
    """INSERT … ON CONFLICT DO UPDATE on the key of the foreign row."""
    keys = ", ".join(column.name for column in of.table.primary_key)
    statement = (
        f"INSERT INTO {of.name} ({of.sql_written}) SELECT {of.sql_written} FROM jsonb_populate_record(NULL::{of.name}, :row)"
        f" ON CONFLICT ({keys}) DO UPDATE SET {_column(of)} = excluded.{_column(of)}"
    )
    session.execute(text(statement), {"row": as_json(of.values["foreign"])})


CHANGING: dict[str, Callable[[Session, Of], None]] = {
    found.__name__: found
    for found in (
        orm_update, orm_delete, update_rows, bulk_update, bulk_save, merge, core_update, core_update_many, core_delete, text_update,
        update_returning_in_cte, upsert,
    )
}  # fmt: skip
#: by the ORM's own bookkeeping these need a column that is neither key nor link
BY_COLUMN = {"update_rows", "bulk_update", "bulk_save", "merge"}


def changing(of: Of) -> Iterator[tuple[str, Callable[[Session, Of], None]]]:
    """The shapes that can be tried on this class."""
    for name, shape in CHANGING.items():
        if of.change is not None or name not in BY_COLUMN:
            yield name, shape


def plant(session: Session, of: Of, row: dict[str, Any]) -> None:
    """INSERT of a whole row, given as the database holds it."""
    session.execute(
        text(f"INSERT INTO {of.name} ({of.sql_written}) SELECT {of.sql_written} FROM jsonb_populate_record(NULL::{of.name}, :row)"),
        {"row": as_json(row)},
    )


def as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, default=str, ensure_ascii=False)


def _itself(of: Of) -> tuple[str, Any]:
    column = next(column for column in reversed(list(of.table.columns)) if column.computed is None)
    return inspect(of.cls).get_property_by_column(column).key, column


def _change(of: Of) -> tuple[str, Any]:
    return of.change or _itself(of)


def _column(of: Of) -> str:
    return str(class_mapper(of.cls).attrs[_change(of)[0]].columns[0].name)


def _plain(value: Any) -> Any:
    """A value for a parameter, where an expression will not do."""
    return "2026-01-01T00:00:00+08:00" if not isinstance(value, (str, int)) else value


def _identity_at(of: Of, side: str) -> dict[str, Any]:
    return dict(zip(of.identity_names, of.identity(side), strict=True))


def _version(of: Of) -> dict[str, Any]:
    column = inspect(of.cls).version_id_col
    return {} if column is None else {column.name: of.values["foreign"][column.name]}


def _change_at(of: Of, side: str) -> dict[str, Any]:
    name, value = _change(of)
    return _identity_at(of, side) | {name: _plain(value)} | _version(of)
