"""What a backup says of itself, and where its parts lie.

    FOLDER/                         one house's backups; never the place of its keys
      RUKU-BACKUPS                  says so
      files/ab/cd/<name>            contents, each once, for all backups
      20261126T153012Z/             one backup: there whole, or not at all
        manifest.json  database.dump  files.txt  registers/*.py
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.errors import ConsoleError

FORMAT = 1
MARK = "RUKU-BACKUPS"
MANIFEST, DUMP, FILES, REGISTERS = "manifest.json", "database.dump", "files.txt", "registers"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")


class BackupProblem(ConsoleError):
    """What stands in the way, for whoever typed the command."""

    message = "%(what)s"


@dataclass(frozen=True)
class Part:
    """One file of a backup."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Facts:
    """What the database was in the moment of the snapshot. `rows`: how many in each table; `heads`: the end of every chain of the audit, as
    anchors are written; `marks`: the last number given in tables whose later rows tell what happened since."""

    at: str
    owner: str
    postgres: str
    revision: str | None
    registers: list[str]
    simulated: bool
    rows: dict[str, int]
    heads: list[dict[str, Any]]
    marks: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """The whole of it. `key_checks`: by which a key is recognised and never guessed; `missing`: files that rows name and the store did not have."""

    name: str
    program: str
    mode: str
    dumped_with: str
    facts: Facts
    key_checks: dict[str, str]
    parts: dict[str, Part]
    files: int
    bytes: int
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text().encode()).hexdigest()


def read(folder: Path) -> Manifest:
    """BackupProblem when it is no manifest of ours."""
    try:
        given = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if given["format"] != FORMAT:
            raise BackupProblem(what=f"{folder} was made in format {given['format']}, and this version reads {FORMAT}: use the version of Ruku that made it ({given.get('program', '?')}).")
        facts, parts = Facts(**given.pop("facts")), {name: Part(**part) for name, part in given.pop("parts").items()}
        return Manifest(**given, facts=facts, parts=parts)
    except FileNotFoundError:
        raise BackupProblem(what=f"{folder} is no backup: it has no {MANIFEST}. Name the folder given to `backup --to`, or one backup in it.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupProblem(what=f"{folder / MANIFEST} cannot be read ({type(error).__name__}): it was changed or cut off. Take another backup.") from None


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Home:
    """The folder of one house's backups."""

    folder: Path

    @property
    def contents(self) -> Path:
        return self.folder / "files"

    def backups(self) -> list[Path]:
        """The whole ones, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(one for one in self.folder.iterdir() if _NAME.fullmatch(one.name) and (one / MANIFEST).exists())

    def fresh_name(self, now: dt.datetime) -> str:
        stem = f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
        names = [stem, *(f"{stem}-{number}" for number in range(2, 100))]
        return next(name for name in names if not (self.folder / name).exists())


def find(given: Path) -> tuple[Home, Path]:
    """The home and one backup: the one named, or the newest of the home that is named."""
    given = given.expanduser().resolve()
    if (given / MANIFEST).exists():
        return Home(given.parent), given
    home = Home(given)
    if not (given / MARK).exists() or not (found := home.backups()):
        raise BackupProblem(what=f"There is no backup in {given}. Name the folder given to `backup --to`, or one backup in it.")
    return home, found[-1]


def digest(path: Path) -> Part:
    """SHA-256 and size of a file as it lies there."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while part := source.read(1 << 20):
            found.update(part)
            size += len(part)
    return Part(found.hexdigest(), size)


def settle(folder: Path) -> None:
    """On the disk, not only on the way there: every file of the folder, and the folder itself."""
    for path in [*(one for one in folder.rglob("*")), folder]:
        line = os.open(path, os.O_RDONLY)
        try:
            os.fsync(line)
        finally:
            os.close(line)
