"""`gunicorn wsgi:application`: the portal at /, the console at /console, or each on its own host with `CONSOLE_HOST`."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import config

_log = logging.getLogger("ruku.waiting")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ByHost:
    """Sends requests for the console's host to the console, everything else to the portal."""

    def __init__(self, portal: Wsgi, console: Wsgi, host: str) -> None:
        self.portal, self.console, self.host = portal, console, host.lower()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "").lower()
        return (self.console if host == self.host else self.portal)(environ, start_response)


class Waiting:
    """Stands in for the apps, which cannot be made before PostgreSQL answers: a calm page with `Retry-After`. The first request after that makes them."""

    PAUSE = 1.0  # seconds between two looks
    PAGE = (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="15">'
        "<title>503</title><h1>系统正在启动</h1><p>请稍等片刻，本页会自动刷新。已经保存的内容都在。</p>"
        '<p lang="en">The system is starting. Please wait a moment; this page reloads by itself. Whatever was saved is there.</p></html>'
    )

    def __init__(self, make: Callable[[], Wsgi], away: Callable[[], str | None]) -> None:
        self._make, self._away = make, away
        self._lock = threading.Lock()
        self._apps: Wsgi | None = None
        self._looked = time.monotonic()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        apps = self._apps or self._look()
        if apps is not None:
            return apps(environ, start_response)
        headers = [("Retry-After", "5"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY")]
        if environ.get("PATH_INFO") in ("/healthz", "/readyz"):
            lives = environ["PATH_INFO"] == "/healthz"
            start_response("200 OK" if lives else "503 Service Unavailable", [*headers, ("Content-Type", "application/json")])
            return [json.dumps({"ok": lives} if lives else {"ok": False, "checks": {"database": {"ok": False, "detail": "away"}}}).encode()]
        start_response("503 Service Unavailable", [*headers, ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")])
        return [self.PAGE.encode()]

    def _look(self) -> Wsgi | None:
        """One request at a time looks, and not every one; the others are told to wait."""
        if not self._lock.acquire(blocking=False):
            return self._apps
        try:
            if self._apps is None and time.monotonic() - self._looked >= self.PAUSE:
                self._looked = time.monotonic()
                if self._away() is None:
                    self._apps = self._make()
                    _log.info("PostgreSQL answers, going on")
        except Exception:
            _log.exception("the apps could not be made")
        finally:
            self._lock.release()
        return self._apps


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


def _now_or_later(settings: config.Settings) -> Wsgi:
    """The apps, or what stands in for them as long as PostgreSQL is away. NotReady when it answers and refuses us."""
    from console import process, waiting  # slow: as in `create`

    process.begin("web", settings, check=False)
    if (said := waiting.whats_wrong(settings.database_url)) is None:
        return create(settings)
    _log.warning("PostgreSQL is away: every page says 503 until it answers: %s", said)
    return Waiting(lambda: create(settings), lambda: waiting.whats_wrong(settings.database_url))


def __getattr__(name: str) -> Wsgi:
    """`application` is made when it is first asked for, so that importing this module reads no settings."""
    if name != "application":
        raise AttributeError(name)
    try:
        globals()["application"] = _now_or_later(config.load())
    except AttributeError as error:  # the server would only say that `application` is missing
        raise RuntimeError(f"the apps could not be made: {error}") from error
    return globals()["application"]  # type: ignore[no-any-return]
