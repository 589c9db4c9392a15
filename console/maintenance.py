"""A sign that everything stands still while the structure changes: hung up by `upgrade`, read by web, worker, relay and cron on every machine.

It lies in Redis, which all of them can reach, and names the revision it is about. Until the change is done everybody stands still; afterwards whoever is
of that revision goes on, and processes of an older version stand still until they are replaced. A sign that nobody takes down ends by itself.
"""

from __future__ import annotations

import json
import threading
import time

from redis import Redis
from redis.exceptions import RedisError

SIGN = "ruku:maintenance"
LOOK_EVERY = 1.0  # seconds: between two looks a process believes what it saw
_WHILE_CHANGING, _AFTERWARDS = 3_600, 86_400


def hang_up(client: Redis, revision: str) -> None:
    """From now on everybody stands still, for an hour at most."""
    client.set(SIGN, json.dumps({"revision": revision, "done": False}), ex=_WHILE_CHANGING)


def let_in(client: Redis, revision: str) -> None:
    """The change is done: who is of this revision goes on."""
    client.set(SIGN, json.dumps({"revision": revision, "done": True}), ex=_AFTERWARDS)


def take_down(client: Redis) -> None:
    """Everything is as it was: everybody goes on."""
    client.delete(SIGN)


class Watch:
    """Whether this process stands still; asks Redis once a second at most, and goes on when Redis does not answer."""

    def __init__(self, url: str, revision: str) -> None:
        self.revision = revision
        self._client = Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._lock = threading.Lock()
        self._looked, self._still = -LOOK_EVERY, False

    def stands_still(self) -> bool:
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            with self._lock:
                if now - self._looked >= LOOK_EVERY:
                    self._looked, self._still = now, self._look()
        return self._still

    def _look(self) -> bool:
        try:
            found = self._client.get(SIGN)
            sign = json.loads(found) if found else None  # type: ignore[arg-type]
            return sign is not None and not (sign["done"] and sign["revision"] == self.revision)
        except (RedisError, ValueError, KeyError, TypeError):
            return False
