"""One POST to one address: no redirects, no proxy, an end to the whole of it, and of the answer its code and no more than was asked for."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from console.post.deadline import within


class Answer(NamedTuple):
    code: int
    said: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, connection: http.client.HTTPConnection | None = None, most: int = 0) -> Answer:
    """The answer; OSError or HTTPException when there was none. Of what it says no more than `most` bytes are read: it may be endless."""
    parts = urlsplit(url)
    line = connection or connect(url, timeout=timeout)
    with within(2 * timeout, lambda: line.sock):
        try:
            line.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body=body, headers=dict(headers))
            response = line.getresponse()
            return Answer(response.status, response.read(most) if most else b"")
        finally:
            line.close()


def connect(url: str, *, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port or 443, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port or 80, timeout=timeout)
