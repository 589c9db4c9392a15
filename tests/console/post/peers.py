"""The other sides of the house's channels, well and badly behaved: a mail server that speaks SMTP, and a gateway that speaks HTTP.

`manner` says how the next messages are met; a list is used up one by one, after it all is well.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SILENCE = 1.0  # seconds: longer than what the tests wait for


@dataclass
class Peer:
    """What came, and how it is met: ok, later, refused, no_such_address, silent, gone, nonsense, endless."""

    url: str = ""
    manner: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # of every message that was taken, in order
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    users: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def next(self) -> str:
        return self.manner.pop(0) if self.manner else "ok"


# ── SMTP ─────────────────────────────────────────────────────────────────────────────────────────────────────

_ANSWERS = {"ok": "250 OK", "later": "451 4.3.0 try later", "refused": "554 5.7.1 no", "nonsense": "welcome to my shop"}


class _Box:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if self.peer.manner[:1] == ["no_such_address"]:
            self.peer.next()
            return f"550 5.1.1 no mailbox {address}"
        if self.peer.manner[:1] == ["mailbox_full"]:
            self.peer.next()
            return f"552 5.2.2 {address} is full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        manner = self.peer.next()
        self.peer.connections.add(id(server))
        if manner in ("silent", "endless"):
            await asyncio.sleep(SILENCE)
        if manner in ("ok", "gone", "hang_up"):
            self.peer.bodies.append(envelope.content)
            self.peer.recipients.append(envelope.rcpt_tos)
            self.peer.senders.append(envelope.mail_from)
            self.peer.keys.append(next(line for line in envelope.content.decode().splitlines() if line.lower().startswith("message-id")))
        if manner == "gone":  # it has the letter, and its answer is lost
            server.transport.abort()
            return "250 OK"
        if manner == "hang_up":  # it took the letter and wants no more of this connection
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
            return "250 OK"
        return _ANSWERS.get(manner, "250 OK")


class _Controller(Controller):
    def __init__(self, *args, smtps=None, **options) -> None:
        super().__init__(*args, ssl_context=smtps, **options)

    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.SMTP_kwargs)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def mail_server(*, starttls: ssl.SSLContext | None = None, smtps: ssl.SSLContext | None = None, auth: bool = False) -> Iterator[Peer]:
    """A mail server on 127.0.0.1; with a context it speaks TLS, with `auth` it wants ruku / p@ss first."""
    peer, port = Peer(), _free_port()
    options: dict = {"tls_context": starttls, "require_starttls": starttls is not None, "enable_SMTPUTF8": False}
    if auth:

        def authenticate(server, session, envelope, mechanism, data):
            peer.users.append(data.login.decode())
            return AuthResult(success=(data.login, data.password) == (b"ruku", b"p@ss"), handled=False)

        options |= {"authenticator": authenticate, "auth_require_tls": starttls is not None}
    server = _Controller(_Box(peer), hostname="127.0.0.1", port=port, smtps=smtps, ready_timeout=10, **options)
    server.start()
    peer.url = f"{'smtps' if smtps else 'smtp'}://{'ruku:p%40ss@' if auth else ''}{'localhost' if starttls or smtps else '127.0.0.1'}:{port}"
    try:
        yield peer
    finally:
        server.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for localhost and the file of the authority that vouches for it: itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1)).not_valid_after(today + dt.timedelta(days=1)).add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = folder / "peer.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    authority = folder / "authority.pem"
    authority.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, authority


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SAYS = {"denied": {"accepted": False, "to": "13755550001"}, "wrong": {"error": "quota"}, "no_error": {"error": None}}
_CODES = {"ok": 200, "denied": 200, "wrong": 202, "no_error": 200, "later": 503, "refused": 422, "no_such_address": 410, "moved": 302, "seen": 409}


@contextmanager
def gateway(context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """A gateway on 127.0.0.1 that honours keys: what it has it answers with 409."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            manner, key = peer.next(), self.headers["Idempotency-Key"]
            peer.headers.append(dict(self.headers))
            peer.connections.add(id(self.connection))
            if manner in ("ok", "silent", "gone", "endless"):
                manner = "seen" if key in peer.keys and manner == "ok" else manner
                if manner != "seen":
                    peer.keys.append(key)
                    peer.bodies.append(body)
            if manner == "silent":
                peer.over.wait(SILENCE)
            elif manner == "nonsense":
                self.wfile.write(b"welcome to my shop\r\n" * 20)
            elif manner == "endless":  # one byte at a time, each in time
                self.wfile.write(b"HTTP/1.1 200 ")
                for _ in range(200):
                    if peer.over.wait(0.1):
                        return
                    self.wfile.write(b"K")
            elif manner != "gone":
                self.send_response(_CODES[manner])
                if manner == "moved":
                    self.send_header("Location", f"{peer.url}/elsewhere")
                self.end_headers()
                self.wfile.write(json.dumps(_SAYS.get(manner, {"code": 0})).encode())

        def log_message(self, *args) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    peer.url = f"{'https' if context else 'http'}://{'localhost' if context else '127.0.0.1'}:{server.server_port}/send"
    try:
        yield peer
    finally:
        peer.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def took(seconds: float, since: float) -> bool:
    return time.monotonic() - since < seconds
