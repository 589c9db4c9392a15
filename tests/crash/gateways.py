"""A mail server and a message gateway that remember what arrived, line by line in a file, and now and then behave badly."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class Arrivals:
    """What came in: {"key", "digest"} a line; the digest is of address and text together, and tells whether a repeat is the same message."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        self._lock = threading.Lock()
        self.count = 0

    def note(self, key: str, *parts: str) -> None:
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        with self._lock:
            self.count += 1
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "digest": digest}) + "\n")


class Manners:
    """How a gateway behaves; `bad` is the share of times it does something else than answer at once."""

    def __init__(self, dice: random.Random, bad: float) -> None:
        self._dice, self.bad = dice, bad
        self._lock = threading.Lock()

    def now(self) -> str:
        with self._lock:
            return self._dice.choice(("refuses", "lies", "slow", "silent")) if self._dice.random() < self.bad else "well"


@contextmanager
def message_gateway(arrivals: Arrivals, manners: Manners) -> Iterator[str]:
    """Its address. It may refuse for now, say that it failed when it has sent, answer late, or take the message and hang up."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            how = manners.now()
            if how == "refuses":
                return self._say(503)
            arrivals.note(self.headers["Idempotency-Key"], body["to"], body["text"])
            if how == "silent":
                self.close_connection = True
                return None
            if how == "slow":
                time.sleep(0.3)
            return self._say(500 if how == "lies" else 200)

        def _say(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sms"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def mail_server(arrivals: Arrivals, manners: Manners) -> Iterator[str]:
    """Its address. It may refuse for now, or say that it failed when it has the letter."""

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            how = manners.now()
            if how == "refuses":
                return "451 try again"
            mail = message_from_bytes(envelope.content, policy=default)
            arrivals.note(str(mail["Message-ID"]).strip("<>").partition("@")[0], *envelope.rcpt_tos, str(mail["Subject"]), mail.get_content())
            return "451 lost it" if how == "lies" else "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Box(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
