"""Requests, counted: by route and outcome, and how long they took. Routes are named by their endpoints, never by addresses.

A scrape reaches one web process of many. So each keeps what it counted in memory, and a thread adds it to one hash in Redis every few seconds;
whoever scrapes reads that. When Redis is wiped counting begins anew, as at a restart; what a killed process had not handed over is lost.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from bisect import bisect_left
from collections import Counter

from redis import Redis, RedisError

log = logging.getLogger("ruku.traffic")

KEY = "ruku:traffic"
EVERY = 5.0  # seconds between two deliveries to Redis
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds; the last is everything
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_lock = threading.Lock()
_counted: Counter[str] = Counter()  # `requests|door|endpoint|method|2xx`, `micros|door|endpoint`, `bucket|door|number`
_url: str | None = None
_started_in: int | None = None


def configure(redis_url: str, *, by_itself: bool) -> None:
    """Where to hand over; `by_itself`: a thread of each process does so. Otherwise whoever reads has to `hand_over()` first."""
    global _url, _started_in
    _url, _started_in = redis_url, None if by_itself else os.getpid()


def count(door: str, endpoint: str | None, method: str, status: int, seconds: float) -> None:
    """One request more. What is no route of ours is `none`, and a method nobody knows `other`: labels are bounded whatever is sent."""
    known, method = endpoint or "none", method if method in METHODS else "other"
    with _lock:
        _counted[f"requests|{door}|{known}|{method}|{status // 100}xx"] += 1
        _counted[f"micros|{door}|{known}"] += round(seconds * 1_000_000)
        _counted[f"bucket|{door}|{bisect_left(BUCKETS, seconds)}"] += 1
    if _url is not None and _started_in != os.getpid():
        _start()


def hand_over() -> bool:
    """Add what was counted to Redis; False when it does not answer: then it is kept for the next time."""
    global _counted
    if _url is None:
        return False
    with _lock:
        taken, _counted = _counted, Counter()
    if not taken:
        return True
    try:
        with Redis.from_url(_url, socket_timeout=1, socket_connect_timeout=1) as client, client.pipeline(transaction=True) as pipe:
            for name, number in taken.items():
                pipe.hincrby(KEY, name, number)
            pipe.execute()
        return True
    except (RedisError, OSError) as error:
        log.debug("not counted now: %s", type(error).__name__)
        with _lock:
            _counted.update(taken)
        return False


def read(client: Redis) -> dict[tuple[str, ...], int]:
    """Everything counted by all processes, by the parts of its name."""
    return {tuple(name.decode().split("|")): int(number) for name, number in client.hgetall(KEY).items()}  # type: ignore[union-attr]


def _start() -> None:
    """One thread a process, begun by its first request: a fork keeps none of its parent's."""
    global _started_in
    with _lock:
        if _started_in == os.getpid():
            return
        _started_in = os.getpid()
    atexit.register(hand_over)
    threading.Thread(target=_go_on, name="traffic", daemon=True).start()


def _go_on() -> None:
    while True:
        time.sleep(EVERY)
        hand_over()
