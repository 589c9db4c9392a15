"""One engine, one session registry, one declarative base; whoever opens a door owns the transaction.

`configure()` is called once per process (and per fork child the pool is dropped); everything else imports `Session` and
`transaction`. A transaction is re-entrant: an inner `with transaction()` joins the outer one, so services compose.
"""

from __future__ import annotations

import datetime as dt
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from psycopg import Error as DriverError
from sqlalchemy import ARRAY, DateTime, MetaData, String, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker
from sqlalchemy.orm import Session as OrmSession

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table of ours; columns carry `comment=` with the official term, which screens use as labels."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        dt.datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: ARRAY(String),
    }


class WithId:
    """The ordinary key: a number given by the database."""

    id: Mapped[int] = mapped_column(primary_key=True, comment="编号")


factory = sessionmaker(autoflush=True, expire_on_commit=False)
Session = scoped_session(factory)
_engine: Engine | None = None


def driver_url(url: str) -> str:
    """`postgresql://…` as people write it, with the driver we use."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def make_engine(url: str, **options: Any) -> Engine:
    """An engine with our defaults: liveness checked on checkout of a connection that has rested, small pools, no values in messages of errors."""
    options = {"pool_size": 5, "max_overflow": 5, "pool_use_lifo": True, "hide_parameters": True, **options}
    made = create_engine(driver_url(url), **options)
    event.listen(made, "checkin", _note_rest)
    event.listen(made, "checkout", _look_whether_it_lives)
    return made


RESTED = 2.0  # seconds: a connection used since then lives, and asking it would cost every page a way there and back


def _note_rest(connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _look_whether_it_lives(connection: Any, record: Any, proxy: Any) -> None:
    if time.monotonic() - record.info.get("used", time.monotonic()) < RESTED and not _has_news(connection):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except DriverError as error:
        raise DisconnectionError() from error  # the pool opens another


def _has_news(connection: Any) -> bool:
    """Whether the server has said something unasked, which is mostly that it goes: known here without asking it."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def configure(url: str, **options: Any) -> Engine:
    """Bind `Session` to this database; a second call replaces the first (tests do that)."""
    global _engine
    if _engine is not None:
        Session.remove()
        _engine.dispose()
    _engine = make_engine(url, **options)
    factory.configure(bind=_engine)
    return _engine


def engine() -> Engine:
    """The process's engine; RuntimeError before `configure()`."""
    if _engine is None:
        raise RuntimeError("db.configure() has not been called in this process")
    return _engine


def one_statement() -> Engine:
    """The same pool for one statement that is a transaction by itself, without the ways there and back that begin and end one."""
    return _one_statement(engine())


@lru_cache(maxsize=4)
def _one_statement(of: Engine) -> Engine:
    return of.execution_options(isolation_level="AUTOCOMMIT")


def _drop_pool() -> None:
    """After a fork the parent's connections are not ours; forget them without closing them."""
    if _engine is not None:
        _engine.dispose(close=False)


os.register_at_fork(after_in_child=_drop_pool)


@contextmanager
def transaction(*, durable: bool = True) -> Iterator[OrmSession]:
    """The thread's session inside one transaction: commit at the end, roll back on any exception.

    An inner block joins the outer one: only the outermost commits. Not `durable`: what it writes may be lost when the server falls within
    the next second, as is right for what is then simply done again; nobody waits for the disk.
    """
    session = Session()
    if session.info.get("owned"):
        yield session
        return
    session.info |= {"owned": True, "durable": durable}
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        del session.info["owned"], session.info["durable"]
