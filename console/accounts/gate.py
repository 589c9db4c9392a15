"""What an officer must do after signing in, before anything else: an ordered list, asked at every request.

A check costs no statement: it reads what rides with the session (`Found`). Rooms that have something of the kind (a yearly declaration) add
a `Before` to the list; while it is due, every page but its own leads to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app

from console.accounts import two_factor
from console.accounts.queries import Found

#: what stays open whatever is due: going away, reading the page in one's own language
OPEN = frozenset({"static", "SignIn.logout", "preferences.lang", "preferences.theme", "health.healthz", "health.readyz"})


@dataclass(frozen=True)
class Before:
    """`endpoint`: the page where it is done; `also`: further endpoints that page needs."""

    endpoint: str
    is_due: Callable[[Found], bool]
    also: frozenset[str] = frozenset()


def needs_second_step(found: Found) -> bool:
    """True for whoever must sign in in two steps and came in by one: they have no device yet."""
    return not found.data.get("second") and two_factor.required(current_app.config["RUKU"].totp_for, (grant.role for grant in found.grants))


BEFORE_GOING_ON: list[Before] = [Before("Account.two_step", needs_second_step)]


def due(found: Found, endpoint: str | None) -> str | None:
    """The endpoint to go to first, when this request asks for anything else."""
    if endpoint in OPEN:
        return None
    for before in BEFORE_GOING_ON:
        if before.is_due(found):
            return None if endpoint == before.endpoint or endpoint in before.also else before.endpoint
    return None
