"""Events to a machine: `POST` of a small JSON to an address an administrator named, signed so that it knows us and a copy sent again later is no good.

    X-Ruku-Timestamp: 1772416800
    X-Ruku-Signature: v1=<HMAC-SHA256 of "timestamp.body" under the shared secret, in hex>
    Idempotency-Key:  the same for each try of the same event

The address is looked up once and that very address is spoken to, so that a name cannot lead elsewhere in between. Private networks are refused unless
`WEBHOOK_PRIVATE` names the host; redirects are not followed; of the answer only its code is read.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from console.errors import N_
from console.post import posting
from console.post.channels import WEBHOOK, Channel, NotSent, OutgoingMessage, Send, Undeliverable
from console.post.sms import LATER, SEEN

if TYPE_CHECKING:
    from config import Settings

TIMEOUT = 5  # seconds
MOST = 8_000  # bytes of a body
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotThere(Undeliverable):
    """The address leads where no event may go."""

    message = N_("这个地址不能用：%(why)s。")


@contextmanager
def open_line(settings: Settings) -> Iterator[Send]:
    yield lambda message: send(message, plain=not settings.is_production, allowed=settings.webhook_private)


CHANNEL = Channel(WEBHOOK, N_("接口"), address="webhook", settings=("WEBHOOK_PRIVATE",), open=open_line)


def send(message: OutgoingMessage, *, plain: bool, allowed: Collection[str]) -> None:
    """Raises NotSent (no answer in time, not now, not found, moved) or Undeliverable (refused, or an address that is none)."""
    body = message.text.encode()
    if len(body) > MOST:
        raise Undeliverable(why="内容太长")
    try:
        line = _connect(message.to, plain=plain, allowed=allowed)
        code = posting.post(message.to, body, _headers(message, body), timeout=TIMEOUT, connection=line).code
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(why=f"接口 {type(error).__name__}") from None
    if 200 <= code < 300 or code in SEEN:
        return
    if 300 <= code < 400:
        raise NotSent(why=f"接口要转到别的地址，代码 {code}，没有跟去")
    if 400 <= code < 500 and code not in LATER:
        raise Undeliverable(why=f"接口拒收，代码 {code}")
    raise NotSent(why=f"接口暂时不收，代码 {code}")


def check(url: str, *, plain: bool) -> None:
    """Raises NotThere when an address cannot be one, whatever it leads to. `plain` lets HTTP pass, on trial installations."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise NotThere(why=N_("看不懂")) from None
    if parts.scheme != "https" and not (plain and parts.scheme == "http"):
        raise NotThere(why=N_("要以 https:// 开头"))
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise NotThere(why=N_("要有主机名，不能带用户名、密码和 #"))
    if not url.isascii() or any(letter.isspace() or not letter.isprintable() for letter in url) or "\\" in url:
        raise NotThere(why=N_("有空格、中文或看不见的字符"))


def _connect(url: str, *, plain: bool, allowed: Collection[str]) -> http.client.HTTPConnection:
    check(url, plain=plain)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    if host not in {name.lower() for name in allowed} and not all(is_public(str(one[4][0])) for one in found):
        raise NotThere(why=N_("在内部网络里，运维没有把它列入 WEBHOOK_PRIVATE"))
    return _Pinned(host, port, address, secure=parts.scheme == "https")


def is_public(address: str) -> bool:
    """Whether an address lies in nobody's private network, this machine included."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPConnection):
    """Speaks to one address, whatever its name means by then; over TLS the certificate is the name's."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self.address, self.secure = address, secure

    def connect(self) -> None:
        line = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(line, server_hostname=self.host) if self.secure else line


def _headers(message: OutgoingMessage, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": message.key,
        "X-Ruku-Timestamp": stamp,
        "X-Ruku-Signature": signature(message.secret, stamp, body),
    }


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What both sides compute; the time is signed too, so that an old request is not taken again."""
    return "v1=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, stamp: str, body: bytes, said: str, *, within: int = 300) -> bool:
    """Whether a request is the other side's, and of these minutes."""
    fresh = stamp.isascii() and stamp.isdecimal() and len(stamp) < 12 and abs(time.time() - int(stamp)) <= within
    return hmac.compare_digest(signature(secret, stamp, body).encode(), said.encode("utf-8", "replace")) and fresh
