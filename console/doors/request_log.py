"""One line per request, without personal data: no query string, no form, no name; an officer by number. The request's own number
stands in every line written meanwhile, in the answer's `X-Request-Id`, and on error pages, so that people can quote it.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import Any

from flask import Flask, Response, g, request

from console import logs
from console.doors import traffic
from console.scope import Staff, current

log = logging.getLogger("ruku.request")


def install(app: Flask, *, door: str, trusted_proxies: int, slow_ms: int) -> None:
    """A request's number is taken from `X-Request-Id` only where a proxy of ours stands in front. `slow_ms` 0: no request is slow."""

    @app.before_request
    def begin() -> None:
        g.request_id = logs.request_id(request.headers.get("X-Request-Id") if trusted_proxies else None)
        g.began = time.perf_counter()
        g.log = ExitStack()
        g.log.enter_context(logs.about(request=g.request_id, door=door))
        g.cost = g.log.enter_context(logs.counting())

    @app.after_request
    def write(response: Response) -> Response:
        if "request_id" in g:
            if request.endpoint != "static":
                _line(response, door, slow_ms)
            response.headers.setdefault("X-Request-Id", g.request_id)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        if (entered := g.pop("log", None)) is not None:
            entered.close()


def who() -> str:
    """An officer's number; of everybody else only the kind."""
    principal: Any = current()
    return principal.who if isinstance(principal, Staff) else str(principal.who).partition(":")[0]


def _line(response: Response, door: str, slow_ms: int) -> None:
    took = time.perf_counter() - g.began
    route = request.url_rule.rule if request.url_rule else None  # not the address: it may hold a certificate code or a name someone searched for
    facts = {
        "method": request.method, "route": route, "status": response.status_code, "ms": round(took * 1000, 1),
        "statements": g.cost.statements, "sql_ms": round(g.cost.seconds * 1000, 1), "who": who(),
    }  # fmt: skip
    if slow_ms and took * 1000 >= slow_ms:
        log.warning("slow request", extra={"facts": facts})
    else:
        log.info("request", extra={"facts": facts})
    traffic.count(door, request.endpoint if request.url_rule else None, request.method, response.status_code, took)
