"""Short messages: into a folder on trial installations, through an HTTPS gateway otherwise.

The gateway gets `POST {"to", "text"}` with an `Idempotency-Key`. A gateway that honours the key sends each message once however
often we ask; one that ignores it may send a message twice when we lose its answer, which is why the key is asked of the supplier. Many say 200
to everything they have read: when the answer is JSON, `"accepted": false` or a filled `error` there says that the message was not taken.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from console.errors import N_
from console.post import folder, posting
from console.post.channels import SMS, TIMEOUT, Channel, NotSent, OutgoingMessage, Send, Undeliverable

if TYPE_CHECKING:
    from config import Settings

LATER = (401, 403, 404, 407, 408, 425, 429)  # ours or theirs to mend; the message itself is not at fault
SEEN = (208, 409)  # "I have this key already" is what a retry hopes to hear
MOST_SAID = 4_096  # bytes of an answer that are looked at


@contextmanager
def open_line(settings: Settings) -> Iterator[Send]:
    yield lambda message: send(message, url=settings.sms_url)


CHANNEL = Channel(SMS, N_("短信"), address="phone", settings=("SMS_URL",), open=open_line, whole=False, keeps_quiet=True)


def send(message: OutgoingMessage, *, url: str) -> None:
    """Raises NotSent (no answer in time, 5xx, not now) or Undeliverable (the gateway refuses this message)."""
    target = folder.folder_of(url)
    if target is not None:
        folder.put(target, message.key, "txt", f"{message.text}\n\n→ {message.to}\n".encode())
        return
    try:
        code, said = posting.post(*_request(message, url), timeout=TIMEOUT, most=MOST_SAID)
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(why=f"短信网关 {type(error).__name__}") from None
    if 200 <= code < 300 and _denies(said):
        raise NotSent(why=f"短信网关答 {code}，内容却说没有收下")
    if 200 <= code < 300 or code in SEEN:
        return
    if 400 <= code < 500 and code not in LATER:
        raise Undeliverable(why=f"短信网关拒收，代码 {code}")
    raise NotSent(why=f"短信网关暂时不收，代码 {code}")


def _denies(said: bytes) -> bool:
    """What the answer says is not quoted anywhere: it may repeat the number."""
    try:
        answer = json.loads(said)
    except ValueError:  # no JSON, or cut off
        return False
    return isinstance(answer, dict) and (answer.get("accepted") is False or bool(answer.get("error")))


def _request(message: OutgoingMessage, url: str) -> tuple[str, bytes, dict[str, str]]:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.key}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    body = json.dumps({"to": message.to, "text": message.text}, ensure_ascii=False).encode()
    return urlunsplit(parts._replace(netloc=host)), body, headers
