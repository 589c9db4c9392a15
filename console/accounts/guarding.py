"""Every door that can be tried at is counted: by account and by address, each failure and each lock-out audited.

Passwords, codes of the second step, links, the provider's answers, the change of a password: all of them go through `guarded()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, request

from console import audit
from console.accounts.attempts import Attempts
from console.db import transaction
from console.errors import ConsoleError
from console.scope import System, become
from console.secrecy import keyed_hash


def attempts() -> Attempts:
    """This app's counters of failures."""
    return current_app.extensions["attempts"]  # type: ignore[no-any-return]


def caller() -> str:
    """The address this request came from."""
    return request.remote_addr or ""


@contextmanager
def guarded(door: str, account: str, *failures: type[ConsoleError]) -> Iterator[None]:
    """Around one try at a door: TooMany before it when there were too many; a failure of these kinds is counted and audited, anything
    else is not a try. `account` is what was tried, as typed; the audit keeps it as a keyed hash, since people type passwords there."""
    attempts().check(door, account=account, address=caller())
    try:
        yield
    except failures:
        locked = attempts().failed(door, account=account, address=caller())
        subject = f"sign_in:{keyed_hash(account.strip().casefold(), 'sign_in_tried')[:32]}"
        with become(System("sign_in")), transaction() as session:
            audit.record(session, "staff.sign_in_failed", subject, door=door, **{"from": caller()})
            if locked:
                audit.record(session, "staff.locked_out", subject, door=door, **{"from": caller()})
        raise
    attempts().forget(door, account=account)
