"""What goes wrong under /api/, for a machine: RFC 9457, `application/problem+json`, in the language the caller accepts.

`console.doors.error_pages` asks here first, so that every error of the house, and HTTP's own, has one shape there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response, current_app, g, request

UNDER = "/api/"
HUMAN = "/api/v1/docs"  # the one address below it that is a page
TYPE = "application/problem+json"
MAX_BODY = 2 * 1024 * 1024


def install(app: Any) -> None:
    """This app answers machines under /api/."""
    app.config["ANSWERS_MACHINES"] = True


def wanted() -> bool:
    """Whether this request is a machine's: decided by the address alone, since it is asked before there is a route."""
    return bool(current_app.config.get("ANSWERS_MACHINES")) and request.path.startswith(UNDER) and request.path.rstrip("/") != HUMAN


def answer(
    status: int, title: str, detail: str, *, errors: Iterable[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """`errors`: pairs of a field of the body, or a parameter of the address, and what is wrong with it."""
    body: dict[str, Any] = {"type": f"{request.script_root}{HUMAN}#problem-{status}", "title": title, "status": status, "detail": detail}
    if listed := [{"field": field, "message": message} for field, message in errors]:
        body["errors"] = listed
    if g.get("request_id"):
        body["instance"] = f"urn:ruku:request:{g.request_id}"
    response = Response(json.dumps(body, ensure_ascii=False) + "\n", status, content_type=TYPE)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="ruku"'
    response.headers.update(headers or {})
    return response
