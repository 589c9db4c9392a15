"""Files: copied once under the name they have in the store, and known by the SHA-256 of what was copied.

Contents are only ever added to a store, except by retention; so what the rows of a dump name is there when the copying begins after the dump, or
retention has just erased it and its row. Each backup lists what it needs; contents that no list needs any more go with the last of them.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console import files
from console.backup.manifest import FILES, BackupProblem, Home, Part, digest
from console.errors import NotFound


@dataclass
class Copied:
    """`listed`: name → what lies in the backup; `fresh`: how many were copied now; `damaged`: the content is not what its name says."""

    listed: dict[str, Part] = field(default_factory=dict)
    fresh: int = 0
    gone: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def place(home: Home, name: str) -> Path:
    return home.contents / name[:2] / name[2:4] / name


def copy(home: Home, named: Mapping[str, str], before: Mapping[str, Part]) -> Copied:
    """Everything in the store, and whatever `named` rows say should be; `before` is the list of the last backup, so that nothing is read twice."""
    done = Copied()
    for name in sorted({*files.held(), *named}):
        target, known = place(home, name), before.get(name)
        if known is not None and target.exists() and target.stat().st_size == known.size:
            part = known
        else:
            try:
                part = _fetch(name, target)
            except NotFound:
                done.gone.append(name)
                continue
            done.fresh += 1
        done.listed[name] = part
        if named.get(name, "") not in ("", part.sha256):
            done.damaged.append(name)
            target.unlink(missing_ok=True)  # perhaps only on its way: the next backup reads it again
            done.listed.pop(name)
    return done


def _fetch(name: str, target: Path) -> Part:
    found, size = hashlib.sha256(), 0
    with files.opened(name) as source:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{name}.{uuid.uuid4().hex}")
        try:
            with fresh.open("wb") as written:
                while part := source.read(1 << 20):
                    found.update(part)
                    size += len(part)
                    written.write(part)
                written.flush()
                os.fsync(written.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    return Part(found.hexdigest(), size)


def write_list(path: Path, listed: Mapping[str, Part]) -> None:
    path.write_text("".join(f"{name} {part.sha256} {part.size}\n" for name, part in sorted(listed.items())))


def read_list(folder: Path) -> dict[str, Part]:
    """What a backup needs; BackupProblem when the list is broken."""
    try:
        lines = [line.split(" ") for line in (folder / FILES).read_text().splitlines()]
        return {name: Part(sha256, int(size)) for name, sha256, size in lines}
    except (OSError, ValueError):
        raise BackupProblem(what=f"{folder / FILES} is missing or cannot be read: this backup is not whole.") from None


def wrong(home: Home, listed: Mapping[str, Part]) -> list[str]:
    """A sentence for every content that is missing or is not what the list says."""
    found = []
    for name, part in listed.items():
        path = place(home, name)
        if not path.exists():
            found.append(f"files/{name}: missing")
        elif digest(path) != part:
            found.append(f"files/{name}: its content was changed")
    return found


def put_back(home: Home, listed: Mapping[str, Part]) -> int:
    """Into the store, what is not there; how many. What is there is read, and replaced where it is not the same."""
    put = 0
    for name, part in listed.items():
        if files.has(name):
            with files.opened(name) as source:
                if hashlib.file_digest(source, "sha256").hexdigest() == part.sha256:
                    continue
        files.put_back(name, place(home, name))
        put += 1
    return put


def sweep(home: Home, lists: Iterable[Mapping[str, Part]]) -> int:
    """Remove contents that no backup lists; how many."""
    needed = {name for listed in lists for name in listed}
    gone = 0
    for path in home.contents.glob("*/*/*"):
        if path.name not in needed:
            path.unlink()
            gone += 1
    return gone
