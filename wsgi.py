"""`gunicorn wsgi:application`: the portal at /, the console at /console, or each on its own host with `CONSOLE_HOST`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import config

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ByHost:
    """Sends requests for the console's host to the console, everything else to the portal."""

    def __init__(self, portal: Wsgi, console: Wsgi, host: str) -> None:
        self.portal, self.console, self.host = portal, console, host.lower()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").lower()
        return (self.console if host == self.host else self.portal)(environ, start_response)


def create(settings: config.Settings) -> Wsgi:
    """Both apps over one engine, which every forked worker opens anew (console.db drops the parent's connections)."""
    with _without_collecting():
        from werkzeug.middleware.dispatcher import DispatcherMiddleware

        from console import apps, process  # slow: the greater part of the start, and none of it is garbage

        process.begin("web", settings, check=False)
        portal, console = apps.create_portal(settings), apps.create_console(settings)
    if settings.console_host:
        return ByHost(portal, console, settings.console_host)
    return DispatcherMiddleware(portal, {"/console": console})


@contextmanager
def _without_collecting() -> Iterator[None]:
    """The collector would go through everything again and again while it is made (a third of the start) and find nothing; frozen
    afterwards, it also stays shared between forked workers."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def __getattr__(name: str) -> Wsgi:
    """`application` is made when it is first asked for, so that importing this module reads no settings."""
    if name != "application":
        raise AttributeError(name)
    try:
        globals()["application"] = create(config.load())
    except AttributeError as error:  # the server would only say that `application` is missing
        raise RuntimeError(f"the apps could not be made: {error}") from error
    return globals()["application"]  # type: ignore[no-any-return]
