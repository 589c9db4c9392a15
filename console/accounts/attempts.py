"""How often something may be tried: counted by account and by address, in Redis, under keyed hashes (no personal data there).

When Redis does not answer, this process counts for itself: signing in goes on, and guessing is still slow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import redis

from console import secrecy
from console.errors import TooMany


@dataclass(frozen=True)
class Limit:
    """`times` within `seconds`."""

    times: int
    seconds: int


ACCOUNT = Limit(times=5, seconds=15 * 60)
ADDRESS = Limit(times=30, seconds=15 * 60)


class Attempts:
    """One counter store per process; `check` before the work, `failed` after a failure, `forget` after success."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self._own: dict[str, tuple[int, float]] = {}

    @staticmethod
    def _key(purpose: str, kind: str, value: str) -> str:
        return f"ruku:attempts:{purpose}:{kind}:{secrecy.keyed_hash(value.strip().casefold(), 'attempts')[:32]}"

    def check(self, purpose: str, *, account: str, address: str) -> None:
        """Raise TooMany when the account or the address has failed too often."""
        for key, limit in self._pairs(purpose, account, address):
            count, left = self._read(key)
            if count >= limit.times:
                raise TooMany(minutes=max(1, -(-left // 60)))

    def failed(self, purpose: str, *, account: str, address: str) -> bool:
        """Count a failure; True when this one closed the account or the address for a while."""
        closed = False
        for key, limit in self._pairs(purpose, account, address):
            try:
                with self._redis.pipeline() as pipe:
                    pipe.incr(key)
                    pipe.expire(key, limit.seconds, nx=True)
                    count = int(pipe.execute()[0])
            except redis.RedisError:
                count = self._read_own(key)[0] + 1
                self._own[key] = (count, time.monotonic() + limit.seconds)
            closed = closed or count == limit.times
        return closed

    def forget(self, purpose: str, *, account: str) -> None:
        """A success clears the account's counter, never the address's: one good account must not buy guesses at others."""
        key = self._key(purpose, "account", account)
        self._own.pop(key, None)
        try:
            self._redis.delete(key)
        except redis.RedisError:
            return

    def pace(self, purpose: str, who: str, limit: Limit) -> int:
        """Count one more request of this caller; the seconds to wait when it was one too many, else 0."""
        key = self._key(purpose, "pace", who)
        try:
            with self._redis.pipeline() as pipe:
                pipe.incr(key)
                pipe.expire(key, limit.seconds, nx=True)
                pipe.ttl(key)
                count, _set, left = pipe.execute()
        except redis.RedisError:
            before, left = self._read_own(key)
            count, left = before + 1, left or limit.seconds
            self._own[key] = (count, time.monotonic() + left)
        return max(1, int(left)) if int(count) > limit.times else 0

    def _pairs(self, purpose: str, account: str, address: str) -> Iterable[tuple[str, Limit]]:
        return (
            (self._key(purpose, "account", account), ACCOUNT),
            (self._key(purpose, "address", address), ADDRESS),
        )

    def _read(self, key: str) -> tuple[int, int]:
        try:
            with self._redis.pipeline() as pipe:
                pipe.get(key)
                pipe.ttl(key)
                count, left = pipe.execute()
            return int(count or 0), int(left)
        except redis.RedisError:
            return self._read_own(key)

    def _read_own(self, key: str) -> tuple[int, int]:
        count, until = self._own.get(key, (0, 0.0))
        left = until - time.monotonic()
        return (count, int(left) + 1) if left > 0 else (0, 0)
