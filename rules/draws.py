"""A draw that anybody can do again: the pool is frozen and committed to before the number that decides is known.

`commitment` binds the share, the pool and a secret number. Later a public value that did not exist then is mixed in: `seed`. Everybody in the
pool is ranked by HMAC under the seed, and the first ones are drawn. Whoever has the published numbers recomputes all of it with a few lines.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

from rules.documents import canonical


def frozen(pool: Iterable[int]) -> tuple[int, ...]:
    """The pool in the one order there is: sorted, each once."""
    return tuple(sorted(set(pool)))


def size(pool: Sequence[int], rate: str) -> int:
    """How many are drawn: the share of the pool, rounded up, so that it is never less than the law asks for."""
    return int((len(pool) * Decimal(rate)).to_integral_value(ROUND_CEILING))


def commitment(register: str, period: str, rate: str, pool: Sequence[int], nonce: str) -> str:
    """SHA-256 over what is to be drawn and the secret number's own hash; published before the draw."""
    bound = {"register": register, "period": period, "rate": rate, "pool": list(frozen(pool)), "nonce_sha256": hashlib.sha256(nonce.encode()).hexdigest()}
    return hashlib.sha256(canonical(bound).encode()).hexdigest()


def seed(nonce: str, commitment: str, beacon: str) -> str:
    """The number that decides: from the secret, what was committed to, and the public value of later."""
    return hmac.new(nonce.encode(), f"{commitment}|{beacon}".encode(), hashlib.sha256).hexdigest()


def ranked(pool: Sequence[int], seed: str) -> tuple[int, ...]:
    """Everybody in the pool in the order of the draw; whoever comes after the drawn ones is next in line."""
    return tuple(sorted(frozen(pool), key=lambda one: hmac.new(seed.encode(), str(one).encode(), hashlib.sha256).hexdigest()))


def drawn(pool: Sequence[int], rate: str, seed: str) -> tuple[int, ...]:
    return ranked(pool, seed)[: size(pool, rate)]
