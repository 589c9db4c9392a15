"""One line per request (JSON, by the log of console.process), without personal data: no query string, no form, no name; the principal by number."""

from __future__ import annotations

import logging
import secrets
import time

from flask import Flask, Response, g, request

from console.scope import current

log = logging.getLogger("ruku.request")


def install(app: Flask, *, door: str) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(6)
        g.began = time.perf_counter()

    @app.after_request
    def write(response: Response) -> Response:
        if request.endpoint != "static":
            took = time.perf_counter() - g.get("began", time.perf_counter())
            facts = {
                "id": g.get("request_id"),
                "door": door,
                "method": request.method,
                # the route, not the address: an address may hold a certificate code or a name someone searched for
                "route": request.url_rule.rule if request.url_rule else None,
                "status": response.status_code,
                "ms": round(took * 1000, 1),
                "who": current().who,
            }
            log.info("request", extra={"facts": facts})
        response.headers.setdefault("X-Request-Id", g.get("request_id", "-"))
        return response
