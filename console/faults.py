"""What may be written down about an error: where it happened and of what kind, without the values it met.

A driver's message repeats whole rows, a conversion repeats what was typed. Logs, `job_run`, the outbox and Redis outlive the request
and are read by people who may not read files, so they get this instead.
"""

from __future__ import annotations

import re
import traceback
from typing import Any

from sqlalchemy.exc import StatementError

from console.errors import ConsoleError

# e-mail addresses; phones, identity numbers, bank accounts and whatever else is a long number
_PERSONAL = re.compile(
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|(?<![0-9A-Za-z])(?:1[3-9]\d{9}|\d{12,30}[Xx]?)(?![0-9A-Za-z])"
)


def scrub(text: str) -> str:
    """The text with everything that looks like an address or a number of a person taken out."""
    return _PERSONAL.sub("***", text)


def told(error: BaseException) -> str:
    """The kind of an error and its sentence, without rows, parameters or what somebody typed."""
    kind = type(error).__name__
    if isinstance(error, StatementError):
        # PostgreSQL's DETAIL repeats the row; its first line names table and constraint
        return f"{kind}: {_first_line(error.orig)}"
    if isinstance(error, ConsoleError):
        facts = {key: value if isinstance(value, int) or key == "number" else "…" for key, value in error.facts.items()}
        return f"{kind}: {scrub(error.message % facts if facts else error.message)}"
    if hasattr(error, "diag"):  # psycopg's own, from a connection that is not SQLAlchemy's
        return f"{kind}: {_first_line(error)}"
    return f"{kind}: {scrub(str(error))}"


def _first_line(error: Any) -> str:
    """PostgreSQL's own sentence; of a value it could not take (class 22) without the value."""
    said = getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__
    if (getattr(error, "sqlstate", None) or "").startswith("22"):
        said = re.sub(r'".*"', "…", said, flags=re.DOTALL)
    return scrub(said)


def trace(error: BaseException | None) -> str:
    """The way an error took, oldest cause first, each told as above."""
    parts: list[str] = []
    met: set[int] = set()
    while error is not None and id(error) not in met:
        met.add(id(error))
        parts.append("".join(traceback.format_tb(error.__traceback__)) + told(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nThen:\n".join(reversed(parts))


def of(exc_info: Any) -> str:
    """The same for what `logging` hands a formatter."""
    return trace(exc_info[1] if isinstance(exc_info, tuple) else exc_info if isinstance(exc_info, BaseException) else None)
