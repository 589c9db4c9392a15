"""The key by which the other side names a message, and by which we know it again when it comes back.

`d123-0-5f0c…`: a letter of which class (`d`, `r`), the number of its row, for the how-manieth time it was sent, and a keyed digest of that, so that
nobody makes one up. It is the idempotency key of a gateway, the Message-ID of a mail and the end of its envelope's sender.
"""

from __future__ import annotations

import hmac
import re
from typing import NamedTuple

from console.secrecy import keyed_hash

KINDS = {"delivery": "d", "register_letter": "r", "digest": "m"}
_NAMES = {letter: kind for kind, letter in KINDS.items()}
TOKEN = re.compile(r"([drm])([0-9]{1,10})-([0-9]{1,3})-([0-9a-f]{20})", re.ASCII)


class Sent(NamedTuple):
    """One message that was sent: `round` counts from 0."""

    kind: str
    id: int
    round: int


def token(kind: str, row_id: int, round_: int | None = None) -> str:
    body = f"{KINDS[kind]}{row_id}-{round_ or 0}"
    return f"{body}-{_digest(body)}"


def read(text: str) -> Sent | None:
    """What a token names; None when it was not made by us."""
    found = TOKEN.fullmatch(text.lower())
    if found is None:
        return None
    letter, row_id, round_, digest = found.groups()
    if not hmac.compare_digest(digest, _digest(f"{letter}{row_id}-{round_}")):
        return None
    return Sent(_NAMES[letter], int(row_id), int(round_))


def _digest(body: str) -> str:
    return keyed_hash(body, "message")[:20]
