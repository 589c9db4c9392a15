"""Two sessions at one row: the second is begun while the first holds it, and goes on when the first has committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from console import db
from console.scope import Principal, become

_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")


def one_after_the_other(principals: tuple[Principal, Principal], first: Callable[[Any], Any], second: Callable[[Any], Any]) -> tuple[Any, Any]:
    """What each gave, or the error it raised. `first` has done its work and not committed when `second` comes to the row."""

    def late() -> Any:
        with become(principals[1]), db.transaction() as session:
            return second(session)

    return meanwhile(principals[0], first, late)


def meanwhile(principal: Principal, first: Callable[[Any], Any], late: Callable[[], Any]) -> tuple[Any, Any]:
    """The same for a second one that comes through a door and begins its own transaction."""
    outcome: list[Any] = []

    def come() -> None:
        try:
            outcome.append(late())
        except Exception as error:  # the test looks at it
            outcome.append(error)
        finally:
            db.Session.remove()

    thread = threading.Thread(target=come)
    with become(principal), db.transaction() as session:
        done = first(session)
        session.flush()
        thread.start()
        until = time.monotonic() + 20
        while not session.scalar(_WAITING):
            assert thread.is_alive() and time.monotonic() < until, f"the second did not wait: {outcome}"
            thread.join(0.02)
    thread.join(20)
    return done, outcome[0]
