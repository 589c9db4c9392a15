"""Messages into a folder on trial installations, where the ops desk shows them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from console.post.channels import NotSent

FOLDER = "folder:"


def folder_of(url: str) -> Path | None:
    """The folder that stands in for a server, if the setting names one."""
    return Path(url.removeprefix(FOLDER)) if url.startswith(FOLDER) else None


def put(folder: Path, key: str, suffix: str, content: bytes) -> None:
    """Write a message whole or not at all; the same key again replaces it. Readable by its user only."""
    name = f"{digest(key)}.{suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f".{name}.{os.getpid()}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(folder / name)
    except OSError as error:
        raise NotSent(why=f"信箱文件夹 {type(error).__name__}") from None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]
