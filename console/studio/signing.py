"""Who vouches for an archive: an Ed25519 signature over its manifest, which names every file by its hash.

The signature lies in the archive (`SIGNATURE.json`) and names what it was given for, so that one moved to another archive, an altered
byte and a stranger's key get different answers. Private keys stay in files of whoever signs; the house knows public ones.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from console.errors import N_, ConsoleError
from console.studio.archive import Archive
from rules.documents import Problems, canonical, read_json

_PURPOSE = b"ruku bundle signature, format 1\n"


class KeyProblem(ConsoleError):
    """The key file cannot be used."""

    message = N_("密钥文件 %(path)s 不能用：%(why)s")


class Standing(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    MISSING = "missing"
    OTHER_KEY = "other_key"  # signed, but not by a key that was given
    OTHER_ARCHIVE = "other_archive"  # a true signature that was given for something else
    BROKEN = "broken"  # the signature or the manifest was altered, or the signature cannot be read


@dataclass(frozen=True)
class Verdict:
    """The answer about one archive; `signer` is the name of the key, `fingerprint` of whichever key the signature says it is by."""

    standing: Standing
    signer: str | None = None
    fingerprint: str | None = None

    @property
    def is_good(self) -> bool:
        return self.standing is Standing.GOOD

    def show(self, lang: str = "zh") -> str:
        zh, en = _SENTENCES[self.standing]
        return (en if lang == "en" else zh).format(signer=self.signer or "?", fingerprint=self.fingerprint or "?")


_SENTENCES = {
    Standing.GOOD: ("签名有效，签署人：{signer}（{fingerprint}）。", "Signed by {signer} ({fingerprint}); the signature is good."),
    Standing.MISSING: ("没有签名。", "It is not signed."),
    Standing.OTHER_KEY: ("有签名，但不是所给的公钥签的（签署密钥 {fingerprint}）。", "It is signed, but by another key ({fingerprint}) than those given."),
    Standing.OTHER_ARCHIVE: ("签名是真的，但签的是另一个规则包。", "The signature is true, but it was given for another archive."),
    Standing.BROKEN: ("签名与内容不符：签名或清单被改动过。", "The signature does not fit: it or the manifest was altered."),
}


def sign(archive: Archive, key: Ed25519PrivateKey) -> bytes:
    """The text of `SIGNATURE.json` for this archive."""
    statement = _statement(archive)
    made = key.sign(_PURPOSE + canonical(statement).encode())
    return (
        canonical({"statement": statement, "key": fingerprint(key.public_key()), "signature": base64.b64encode(made).decode()}) + "\n"
    ).encode()


def verify(archive: Archive, keys: Mapping[str, Ed25519PublicKey]) -> Verdict:
    """Who of `keys` (name → key) signed this archive. Its files are known to match the manifest: `unpack()` asked."""
    if archive.signature is None:
        return Verdict(Standing.MISSING)
    try:
        told = read_json(archive.signature, name="SIGNATURE.json")
        statement, given, made = told["statement"], str(told["key"])[:64], base64.b64decode(told["signature"], validate=True)
        text = _PURPOSE + canonical(statement).encode()
    except (Problems, KeyError, TypeError, ValueError):
        return Verdict(Standing.BROKEN)
    signer = next((name for name, key in keys.items() if fingerprint(key) == given), None)
    if signer is None:
        return Verdict(Standing.OTHER_KEY, fingerprint=given if given.isalnum() else None)
    try:
        keys[signer].verify(made, text)
    except InvalidSignature:
        return Verdict(Standing.BROKEN, signer, given)
    if statement == _statement(archive):
        return Verdict(Standing.GOOD, signer, given)
    # the key did say this, only not about these bytes: this one's manifest was written anew, or it is another's signature
    about = {**statement, "manifest": None} if isinstance(statement, dict) else None
    rewritten = about == {**_statement(archive), "manifest": None}
    return Verdict(Standing.BROKEN if rewritten else Standing.OTHER_ARCHIVE, signer, given)


def _statement(archive: Archive) -> dict[str, Any]:
    return {
        "code": archive.code,
        "version": archive.version,
        "hash": archive.content_hash,
        "manifest": hashlib.sha256(archive.manifest_text).hexdigest(),
    }


def fingerprint(key: Ed25519PublicKey) -> str:
    """The first 32 letters of the key's SHA-256: what people compare over the telephone."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def new_key() -> tuple[bytes, bytes]:
    """A new pair as PEM: private, public."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), public


def read_private(path: Path) -> Ed25519PrivateKey:
    """The signing key in a PEM file that only its owner can read. KeyProblem."""
    if path.is_file() and path.stat().st_mode & 0o077:
        raise KeyProblem(path=str(path), why="others can read it; `chmod 600` first")
    try:
        key = load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyProblem(path=str(path), why="no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(path=str(path), why="not an Ed25519 key")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file. KeyProblem."""
    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyProblem(path=str(path), why="no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(path=str(path), why="not an Ed25519 key")
    return key


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()[:20_000]
    except OSError as error:
        raise KeyProblem(path=str(path), why=error.strerror or "cannot be read") from None
