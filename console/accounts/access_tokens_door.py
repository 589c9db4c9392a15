"""The door for machines: `Authorization: Bearer …`, under /api/ only. A request that carries one has no cookies, whatever it sends.

The rate is counted per token, in Redis, as failures of signing in are; an unknown token is answered like none.
"""

from __future__ import annotations

from flask import Request, g, request
from flask_wtf.csrf import CSRFProtect

from console.accounts import access_tokens, sessions
from console.accounts.access_tokens import Bearer
from console.accounts.attempts import Limit
from console.accounts.guarding import attempts, caller
from console.db import transaction
from console.doors import problems
from console.doors.browsers import masked_place

#: what a machine of the other side posts without a session: nobody is let in by a cookie there, and what is not signed is answered with 400
SIGNED = frozenset({"machines.message_status"})
PACE = Limit(times=300, seconds=60)


def carried(asked: Request | None = None) -> bool:
    """Whether this request comes with a token of its own instead of a browser's cookie."""
    return problems.wanted() and "Authorization" in (asked or request).headers


def shown() -> Bearer | None:
    """The token of this request with its owner; None when it is not a good one."""
    scheme, _space, words = request.headers.get("Authorization", "").partition(" ")
    return access_tokens.bearer(words.strip()) if scheme.casefold() == "bearer" else None


def wait(bearer: Bearer) -> int:
    """Seconds until this token may ask again; 0 when it may now."""
    return attempts().pace("token", str(bearer.token_id), PACE)


def note_use() -> None:
    """After the answer, as its owner: when and from where the token was used."""
    bearer: Bearer | None = g.get("bearer")
    if bearer is not None:
        with transaction() as session:
            access_tokens.note_use(session, bearer, place=masked_place(caller()))


class FormTokens(CSRFProtect):
    """The form token, asked of every write that a browser could have been tricked into: all but those that bring no cookie's authority."""

    def protect(self, apply_exemptions: bool = False) -> None:
        if problems.wanted():
            request.max_content_length = problems.MAX_BODY
            if carried() or sessions.found() is None:  # without either, the door answers 401
                return
        if request.endpoint in SIGNED:
            return
        super().protect(apply_exemptions)
