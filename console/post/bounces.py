"""What comes back: mails of a Maildir that say that another mail did not arrive (RFC 3464), and which one that was.

Whoever may write to that folder is nobody we know. A mail is believed for the key in it (`tokens`), which the mail server saw on the envelope and in the
Message-ID of what we sent, and which nobody makes up; for nothing else.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.errors import MessageError
from email.message import Message
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from console.post import tokens
from console.post.reports import Report
from console.post.tokens import Sent

BIGGEST = 1_000_000  # bytes of a mail that is read
MOST_PARTS = 50
_STATUS = re.compile(r"([245])\.([0-9]{1,2})\.([0-9]{1,3})\b", re.ASCII)
_ADDRESSED = ("to", "delivered-to", "x-original-to", "envelope-to")
_NAMED = ("message-id", "return-path")  # of the mail that came back, where the server put it in


class Bounce(NamedTuple):
    kind: str
    report: Report


def waiting(folder: Path, *, most: int) -> list[Path]:
    """Mails nobody has looked at, oldest names first."""
    fresh = folder / "new"
    try:
        return sorted(islice((path for path in fresh.iterdir() if path.is_file() and not path.name.startswith(".")), most))
    except FileNotFoundError:
        return []


def set_aside(path: Path) -> None:
    """Mark a mail as seen, the Maildir's way: it is for a person to read."""
    seen = path.parent.parent / "cur"
    seen.mkdir(mode=0o700, exist_ok=True)
    path.replace(seen / f"{path.name.partition(':')[0]}:2,S")


def read(path: Path) -> Bounce | None:
    """What a mail says of one of ours that did not arrive; None when it says nothing of that kind, whatever is in it."""
    try:
        with path.open("rb") as file:
            raw = file.read(BIGGEST)
        mail = email.message_from_bytes(raw, policy=email.policy.compat32)
        parts = list(islice(mail.walk(), MOST_PARTS))
        sent, status = _sent(parts), _status(parts)
    except (OSError, MessageError, RecursionError, ValueError, LookupError):
        return None
    if sent is None or status is None:
        return None
    return Bounce(sent.kind, Report(sent.id, sent.round, status))


def _status(parts: list[Message]) -> tuple[int, int, int] | None:
    """The code of the first recipient that failed; a delay is no failure, and a person's answer has none."""
    for part in parts:
        if part.get_content_type() != "message/delivery-status" or not isinstance(part.get_payload(), list):
            continue
        for block in part.get_payload():
            if not isinstance(block, Message) or str(block.get("action", "")).strip().lower() != "failed":
                continue
            found = _STATUS.match(str(block.get("status", "")).strip())
            first, second, third = map(int, found.groups()) if found else (5, 0, 0)
            return (first if first != 2 else 5, min(second, 15), third)
    return None


def _sent(parts: list[Message]) -> Sent | None:
    """Which of our mails: by whom the bounce is addressed to, then by what it brings along of ours."""
    texts = [str(value) for part in parts for name in (*_ADDRESSED, *_NAMED) for value in part.get_all(name) or ()]
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            texts.append(str(part.get_payload())[:20_000])
    for text in texts:
        for found in tokens.TOKEN.finditer(text.lower()):
            if (sent := tokens.read(found.group())) is not None:
                return sent
    return None
