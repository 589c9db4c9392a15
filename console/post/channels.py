"""How a message leaves the house: what every channel answers, and what the settings say about it.

A channel is one file of this package with a `CHANNEL`; `registry` finds it by being there. A try raises `NotSent` when trying again
later may help and `Undeliverable` when it will not (`NoSuchAddress` when the address is at fault); none of them says an address,
because what they say is stored and logged.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import config
from console.errors import N_, ConsoleError

if TYPE_CHECKING:
    from config import Settings

INAPP, MAIL, SMS, WEBHOOK = "inapp", "mail", "sms", "webhook"
TIMEOUT = 10  # seconds for one answer of a mail server or gateway


class NotSent(ConsoleError):
    """The other side did not take it this time."""

    message = N_("没有送出：%(why)s。")


class Undeliverable(ConsoleError):
    """The other side will never take it."""

    message = N_("无法送达：%(why)s。请人工处理。")


class NoSuchAddress(Undeliverable):
    """It will not take it because there is no such address: no other letter will arrive there either."""


@dataclass(frozen=True)
class OutgoingMessage:
    """One message to one address; `key` is the same each time the same message is tried, `secret` signs it where the other side asks for that."""

    key: str
    to: str = field(repr=False)
    subject: str
    text: str
    secret: str = field(default="", repr=False)


Send = Callable[[OutgoingMessage], None]


@dataclass(frozen=True)
class Channel:
    """One way out. `open(settings)` is held while a batch is carried and gives what sends one message; a channel that carries nothing has none.

    `address` is what of its reader it needs to know; `settings` are the variables it reads; `whole` says that it carries the whole letter
    and not the short text; `keeps_quiet` that it rings in somebody's pocket and leaves people in peace at night.
    """

    name: str
    title: str
    address: str | None
    settings: tuple[str, ...]
    open: Callable[[Settings], AbstractContextManager[Send]] | None
    whole: bool = True
    keeps_quiet: bool = False


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


def console_url() -> str:
    """Where officers sign in, as written in their mails; without slash at the end."""
    known = settings()
    if known.console_host:
        return f"{'https' if known.https else 'http'}://{known.console_host}"
    return f"{portal_url()}/console"
