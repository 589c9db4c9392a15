"""How a message leaves the house: what every channel answers, and what the settings say about it.

A driver is `send(message) -> None`. It raises `NotSent` when trying again later may help and `Undeliverable` when it will not;
neither says an address, because what they say is stored and logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import config
from console.errors import N_, ConsoleError

if TYPE_CHECKING:
    from config import Settings

MAIL, SMS = "mail", "sms"
TIMEOUT = 10  # seconds for one conversation with a mail server or gateway


class NotSent(ConsoleError):
    """The other side did not take it this time."""

    message = N_("没有送出：%(why)s。稍后自动重试。")


class Undeliverable(ConsoleError):
    """The other side will never take it."""

    message = N_("无法送达：%(why)s。请人工处理。")


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to one address; `key` is the same each time the same message is tried."""

    key: str
    to: str
    subject: str
    text: str


_settings: Settings | None = None


def configure(settings: Settings | None) -> None:
    """Once per process, at start; without it the environment is read when it is first needed."""
    global _settings
    _settings = settings
    _from_environment.cache_clear()


@cache
def _from_environment() -> Settings:
    return config.load()


def settings() -> Settings:
    return _settings or _from_environment()


def portal_url() -> str:
    """Where the citizen signs in, as written in letters; without slash at the end."""
    if _settings is None:
        try:
            known = _from_environment()
        except config.ConfigProblems:
            return "http://127.0.0.1:8000"  # a library user who moves files without any settings
    else:
        known = _settings
    scheme = "https" if known.https else "http"
    return f"{scheme}://{known.portal_host or f'{known.host}:{known.port}'}"
