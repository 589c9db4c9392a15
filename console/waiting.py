"""Waiting for PostgreSQL at the start, so that machines which come up together come up in any order.

Waited for is a server that is away or only just starting. One that answers and refuses us (password, login, database) is said at once: waiting would not help.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg
from psycopg.pq import PGconn, Ping

from console import logins, process

log = logging.getLogger("ruku.waiting")

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between two tries; the last again and again
_PATIENCE = 5  # seconds for a server to take a connection


def whats_wrong(url: str) -> str | None:
    """Why PostgreSQL does not let us in yet, for as long as it may be waited for; None when it does. NotReady when it answers and refuses."""
    for _ in range(2):  # it may come up between the two questions
        try:
            psycopg.connect(logins.plain(url), connect_timeout=_PATIENCE).close()
            return None
        except psycopg.OperationalError as error:
            said = process.reason(error)
            if isinstance(error, psycopg.errors.ConnectionTimeout) or _is_away(url):
                return said
    raise process.NotReady(f"PostgreSQL answers and does not let this process in: {said}. Correct the address, login or password, or make what is missing.")


def _is_away(url: str) -> bool:
    """By libpq's own word, which depends on no language and no login: nobody there, or one who is starting or stopping."""
    within = psycopg.conninfo.make_conninfo(logins.plain(url), connect_timeout=_PATIENCE)
    return PGconn.ping(within.encode()) in (Ping.NO_RESPONSE, Ping.REJECT)


def until_it_answers(url: str) -> None:
    """Return when PostgreSQL lets us in, with a line in the log for every try before; SIGTERM and SIGINT end the process at once."""
    began = time.monotonic()
    with _ending_at_once():
        tries = 0
        while (said := whats_wrong(url)) is not None:
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            log.warning("PostgreSQL is away, waiting for it; the next look is in %d s: %s", pause, said, extra={"facts": {"tries": tries, "seconds": round(time.monotonic() - began)}})
            time.sleep(pause)
    if tries:
        log.info("PostgreSQL answers, going on", extra={"facts": {"tries": tries, "seconds": round(time.monotonic() - began)}})


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Nothing has begun that would have to be finished. Said by a handler, because process 1 of a container has none by nature."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: Any) -> NoReturn:
        raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
