"""The keys, apart: in one file that opens with a passphrase, and never in the folder of the backups.

A backup knows of a key only what recognises it (`check`): 64 bits of a keyed digest over a constant, from which nothing can be computed back.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from config import Settings
from console.backup.manifest import MARK, BackupProblem
from console.secrecy import hash_under

KIND = "ruku-keys-1"
LEAST = 16  # characters of a passphrase
_COST = {"n": 2**17, "r": 8, "p": 1}  # 128 MB and a third of a second for each guess
_NAMES = ("SECRET_KEY", "PORTAL_SECRET_KEY", "DATA_KEYS", "HASH_KEY", "FINGERPRINT_KEY")


def variables(settings: Settings) -> dict[str, str]:
    """The keys as the environment has them."""
    def text(key: bytes) -> str:
        return base64.b64encode(key).decode()

    data = ",".join(f"{name}:{text(key)}" for name, key in settings.data_keys.items())
    values = (settings.secret_key, settings.portal_secret_key, data, text(settings.hash_key), text(settings.fingerprint_key))
    return dict(zip(_NAMES, values, strict=True))


def checks(settings: Settings) -> dict[str, str]:
    """By which each key is recognised: `HASH_KEY`, `FINGERPRINT_KEY`, and `DATA_KEYS:<id>` for each data key."""
    keys = {"HASH_KEY": settings.hash_key, "FINGERPRINT_KEY": settings.fingerprint_key} | {f"DATA_KEYS:{name}": key for name, key in settings.data_keys.items()}
    return {name: hash_under(key, name, "backup check")[:16] for name, key in keys.items()}


def differing(then: Mapping[str, str], settings: Settings) -> list[str]:
    """A sentence for each key that is another one than that of the backup. A data key that is not there any more is no matter until a value lies under it."""
    now = checks(settings)
    return [f"{name.replace('DATA_KEYS:', 'DATA_KEYS, key ')} is another key than when the backup was made." for name, check in then.items() if now.get(name, check) != check]


def write(path: Path, settings: Settings, passphrase: str) -> None:
    """0600, there whole or not at all. BackupProblem when the passphrase is short, or the place is that of the backups."""
    path = path.expanduser().resolve()
    if len(passphrase) < LEAST or len(set(passphrase)) < 6:
        raise BackupProblem(what=f"The passphrase is too easy to guess: use {LEAST} characters or more, such as five words that have nothing to do with each other.")
    if any((folder / MARK).exists() for folder in path.parents):
        raise BackupProblem(what=f"{path.parent} is the folder of the backups. Whoever finds both reads everybody's data: put the keys on another machine or medium.")
    if path.is_dir():
        raise BackupProblem(what=f"{path} is a folder: name the file that the keys are to be written to.")
    salt, nonce = os.urandom(16), os.urandom(12)
    box = AESGCM(_derive(passphrase, salt, _COST)).encrypt(nonce, json.dumps(variables(settings)).encode(), KIND.encode())
    told = {"kind": KIND, "scrypt": _COST, "salt": _text(salt), "nonce": _text(nonce), "box": _text(box)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line, fresh = tempfile.mkstemp(dir=path.parent, prefix=".ruku-keys-")  # 0600
        with os.fdopen(line, "w") as file:
            file.write(json.dumps(told, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        raise BackupProblem(what=f"{path} cannot be written ({error.strerror}).") from None


def read(path: Path, passphrase: str) -> dict[str, str]:
    """The variables again. BackupProblem when it is no such file, or the passphrase does not open it."""
    try:
        told = json.loads(path.read_text())
        if told["kind"] != KIND:
            raise ValueError
        cost = {name: int(told["scrypt"][name]) for name in _COST}
        salt, nonce, box = (base64.b64decode(told[name], validate=True) for name in ("salt", "nonce", "box"))
        if not (cost["n"] <= 2**20 and cost["r"] <= 16 and cost["p"] <= 4):
            raise ValueError
        found: dict[str, str] = json.loads(AESGCM(_derive(passphrase, salt, cost)).decrypt(nonce, box, KIND.encode()))
    except InvalidTag:
        raise BackupProblem(what=f"The passphrase does not open {path}, or the file was changed.") from None
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        raise BackupProblem(what=f"{path} is no file of keys made by `backup keys`.") from None
    return found


def is_box(path: Path) -> bool:
    """Whether a file is one of ours, so that a backup is not put beside it."""
    try:
        return path.is_file() and path.stat().st_size < 100_000 and KIND in path.read_text(errors="ignore")
    except OSError:
        return False


def _derive(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, **cost).derive(passphrase.encode())


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
