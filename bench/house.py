"""Where figures are measured: servers of this run alone, a fresh clone for each figure, and the ways of counting and timing."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from console.embedded import Servers
from tests.servers import House

ROUNDS = 9


@contextmanager
def house() -> Iterator[House]:
    """The servers of the tests, with nobody else on them, commits as safe as in production; stopped and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ruku-bench-"))
    servers = Servers(folder)
    try:
        servers.prepare()
        servers.start_postgres()
        servers.start_valkey()
        yield House(folder, servers.sockets, redis_number=1)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the block sends to any database, savepoints left out."""
    sent: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "SAVEPOINT" not in statement:
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def timed(work: Callable[[], object]) -> float:
    """Seconds of one run; garbage of what came before is collected first, not during."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(one: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The best of both, measured in turns: whatever else the machine does can only add, and meets both."""
    taken = [(one(), other()) for _ in range(rounds)]
    return min(t[0] for t in taken), min(t[1] for t in taken)
