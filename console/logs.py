"""The log: one JSON object per line on standard error, each with what is being done — the request, the job, the message of the outbox.

`about()` says it once and every line written inside carries it, whoever writes. No line has personal data: officers are a number, citizens are
"applicant", values that look like somebody's are taken out, and what a statement was given is never written.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from console import faults

log = logging.getLogger("ruku.statement")

_NOTHING: Mapping[str, Any] = {}
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=_NOTHING)
#: what a proxy may call a request: a UUID or a hexadecimal number, and nothing somebody could be recognised by
_REQUEST = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


# ── what is being done ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Lines written inside carry these facts, beside those around; None says nothing."""
    token = _about.set({**_about.get(), **{name: value for name, value in facts.items() if value is not None}})
    try:
        yield
    finally:
        _about.reset(token)


def known(name: str) -> Any:
    """A fact of what is being done; None outside it."""
    return _about.get().get(name)


def request_id(said: str | None = None) -> str:
    """The number under which a request is found in every log: the proxy's own when it is well formed, else a new one."""
    if said and _REQUEST.fullmatch(said) and faults.scrub(said) == said:
        return said.lower()
    return secrets.token_hex(8)


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Cost:
    """The statements of one request or job."""

    statements: int = 0
    seconds: float = 0.0


_cost: ContextVar[Cost | None] = ContextVar("cost", default=None)


@contextmanager
def counting() -> Iterator[Cost]:
    """Count the statements made inside."""
    cost = Cost()
    token = _cost.set(cost)
    try:
        yield cost
    finally:
        _cost.reset(token)


def watch(engine: Engine, *, slow_ms: float) -> None:
    """Count this engine's statements, and write down those that take longer than `slow_ms` (0: none): their text, never their values."""

    def begin(connection: Any, *_: Any) -> None:
        connection.info["began"] = time.perf_counter()

    def end(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        took = time.perf_counter() - connection.info.pop("began", time.perf_counter())
        if (cost := _cost.get()) is not None:
            cost.statements += 1
            cost.seconds += took
        if slow_ms and took * 1000 >= slow_ms:
            log.warning("slow statement", extra={"facts": {"ms": round(took * 1000, 1), "statement": " ".join(statement.split())[:500]}})

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)


# ── the lines ────────────────────────────────────────────────────────────────────────────────────────────────


class JsonLines(logging.Formatter):
    """One JSON object per line: a name with a line break in it cannot forge an entry, and nobody's numbers are kept."""

    converter = staticmethod(time.gmtime)  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": faults.scrub(record.getMessage()),
            **{name: _clean(value) for name, value in {**_about.get(), **getattr(record, "facts", {})}.items()},
        }
        if record.exc_info:
            entry["traceback"] = faults.of(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def _clean(value: Any) -> Any:
    return faults.scrub(value) if isinstance(value, str) else value


def set_up(level: str) -> None:
    """Everything goes to standard error as JSON lines, the web server's own words too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("rq.worker", "alembic", "fontTools", "PIL"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    served = logging.getLogger("gunicorn.error")
    if served.handlers:
        served.handlers.clear()
        served.propagate = True
