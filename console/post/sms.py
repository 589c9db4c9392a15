"""Short messages: into a folder on trial installations, through an HTTPS gateway otherwise.

The gateway gets `POST {"to", "text"}` with an `Idempotency-Key`. A gateway that honours the key sends each message once however
often we ask; one that ignores it may send a message twice when we lose its answer, which is why the key is asked of the supplier.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from console.post.channels import TIMEOUT, NotSent, OutgoingMessage, Undeliverable
from console.post.mail import put_in_folder

LATER = (401, 403, 404, 407, 408, 425, 429)  # ours or theirs to mend; the message itself is not at fault
SEEN = (208, 409)  # "I have this key already" is what a retry hopes to hear


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None  # a message with a phone number goes to the configured address or nowhere


# the gateway is named in the settings; a proxy from the environment would see phone numbers
_open = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({})).open


def send(message: OutgoingMessage, *, url: str) -> None:
    """Raises NotSent (no answer in time, 5xx, not now) or Undeliverable (the gateway refuses this message)."""
    if url.startswith("folder:"):
        name = f"{hashlib.sha256(message.key.encode()).hexdigest()[:24]}.txt"
        content = f"{message.text}\n\n→ {message.to}\n"
        put_in_folder(Path(url.removeprefix("folder:")), name, content.encode())
        return
    try:
        with _open(_request(message, url), timeout=TIMEOUT) as answer:
            answer.read(4_096)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in SEEN:
            return
        if 400 <= error.code < 500 and error.code not in LATER:
            raise Undeliverable(why=f"短信网关拒收，代码 {error.code}") from None
        raise NotSent(why=f"短信网关暂时不收，代码 {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(why=f"短信网关 {type(error).__name__}") from None


def _request(message: OutgoingMessage, url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.key}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    body = json.dumps({"to": message.to, "text": message.text}, ensure_ascii=False).encode()
    return urllib.request.Request(  # noqa: S310  # the address is a setting, checked at start
        urlunsplit(parts._replace(netloc=host)), data=body, headers=headers, method="POST"
    )
