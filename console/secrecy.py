"""Personal values: encrypted at rest, found by keyed hash, shown masked.

`Encrypted` writes `<key id>.<base64 of nonce + AES-256-GCM ciphertext>`; the first key of `DATA_KEYS` writes, every key reads, so
keys rotate by rewriting at leisure. The keyed hash is HMAC-SHA256 with the purpose mixed in, so that the same number in two columns
does not look the same: under `HASH_KEY` for what people are found by and can be made again from the value (`FOUND_BY`), under
`FINGERPRINT_KEY` for what cannot, such as the audit's fingerprints. `console.keys` changes keys.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from console.errors import N_, ConsoleError

SEALED = "sealed"  # {"sealed": "<ciphertext>"}: a secret inside JSON
FOUND_BY = frozenset({"id_number", "phone"})  # the purposes whose hashes `keys rehash` makes anew


class UnknownKey(ConsoleError):
    message = N_("有内容是用密钥“%(key)s”加密的，这把密钥没有配置。请运维把它加回 DATA_KEYS。")
    status = 500


@dataclass(frozen=True)
class Keys:
    """`data`: key id → 32 bytes, the first writes; `hash`, `fingerprint`: 32 bytes, the second is the first when not given."""

    data: dict[str, bytes]
    hash: bytes
    fingerprint: bytes = b""


_keys: Keys | None = None


def configure(keys: Keys) -> None:
    """Once per process, from the settings."""
    global _keys
    _keys = keys


def _current() -> Keys:
    if _keys is None:
        raise RuntimeError("secrecy.configure() has not been called in this process")
    return _keys


def encrypt(value: str) -> str:
    keys = _current()
    key_id, key = next(iter(keys.data.items()))
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, value.encode(), key_id.encode())
    return f"{key_id}.{base64.b64encode(sealed).decode()}"


def decrypt(stored: str) -> str:
    """The plain value; UnknownKey names a key id that is no longer configured."""
    ident, _, body = stored.partition(".")
    key = _current().data.get(ident)
    if key is None:
        raise UnknownKey(key=ident[:40])
    sealed = base64.b64decode(body)
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], ident.encode()).decode()


def key_id(stored: str) -> str:
    """Under which key a stored value lies."""
    return stored.partition(".")[0]


def keyed_hash(value: str, purpose: str) -> str:
    """64 hex digits; the same value under the same purpose always gives the same."""
    keys = _current()
    return hash_under(keys.hash if purpose in FOUND_BY else keys.fingerprint or keys.hash, value, purpose)


def hash_under(key: bytes, value: str, purpose: str) -> str:
    return hmac.new(key, f"{purpose}\x1f{value}".encode(), hashlib.sha256).hexdigest()


class Encrypted(TypeDecorator[str]):
    """A text column nobody can read in the database, a dump or a log."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return decrypt(value) if value else value  # empty: it was erased


def mask_id_number(value: str | None) -> str:
    """150105********0*3X: the birth date stays hidden."""
    if not value:
        return ""
    return f"{value[:6]}********{value[14]}*{value[16:]}" if len(value) == 18 else "*" * len(value)


def mask_phone(value: str | None) -> str:
    """139****0471"""
    if not value:
        return ""
    return f"{value[:3]}****{value[-4:]}" if len(value) >= 11 else "*" * len(value)


def mask_email(value: str | None) -> str:
    """g***@example.cn"""
    if not value:
        return ""
    if "@" not in value:
        return "***"
    name, _, host = value.partition("@")
    return f"{name[:1]}***@{host}"


def mask_bank_account(value: str | None) -> str:
    """****1234"""
    return "" if not value else f"****{value[-4:]}" if len(value) >= 8 else "****"


def mask_text(value: str | None) -> str:
    """内***: for what has no form of its own; its length is not told either."""
    return "" if not value else f"{value[0]}***"


def mask_name(value: str | None) -> str:
    """高*, 欧阳*: for public pages that confirm a person without publishing them."""
    return "" if not value else value[0] + "*" * (len(value) - 1)
