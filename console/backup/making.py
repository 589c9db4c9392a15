"""Making a backup, and looking at one: whole or not there at all, cheap the second time, and never more of them than asked for."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import Settings
from console import logins, schema
from console.backup import content, keybox, manifest, programs, snapshot
from console.backup.manifest import DUMP, FILES, MANIFEST, MARK, REGISTERS, BackupProblem, Home, Manifest, Part

_PARTIAL = ".partial-"
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Made:
    """`fresh`: contents copied now, the others lay there; `removed`: older backups that went."""

    folder: Path
    manifest: Manifest
    fresh: int
    removed: list[str]

    @property
    def problems(self) -> list[str]:
        """What the backup could not take along, though a row names it."""
        return [f"file {name} is named by a row and is not in the store" for name in self.manifest.missing] + [
            f"file {name} in the store is not what its name says: it was changed or damaged" for name in self.manifest.damaged
        ]


def make(settings: Settings, to: Path, *, keep: int | None = None) -> Made:
    """Database, files and the registers' migrations into a new folder below `to`; the process has begun, so that the store is known.

    The dump is of one moment; contents are copied after it. The folder gets its name at the very end: what has a name is whole. `keep`: of the
    whole ones so many stay.
    """
    os.umask(0o077)  # nothing of it is anybody else's to read
    home = _prepare(settings, to.expanduser().resolve())
    with _alone(home):
        fresh = home.folder / f"{_PARTIAL}{os.getpid()}"
        try:
            fresh.mkdir()
            done = _fill(settings, home, fresh)
            manifest.settle(fresh)
            target = home.folder / done.manifest.name
            os.rename(fresh, target)
            manifest.settle(home.folder)
        except OSError as error:
            raise BackupProblem(what=f"The backup could not be written to {home.folder} ({error.strerror}). Nothing of it is left; older backups are as they were.") from None
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        removed = rotate(home, keep) if keep is not None else []
    return Made(target, done.manifest, done.fresh, removed)


def _prepare(settings: Settings, folder: Path) -> Home:
    if settings.database_owner_url is None:
        raise BackupProblem(what="DATABASE_OWNER_URL is missing: only the login that owns the tables sees all of every table.")
    if "://" not in settings.files_url:
        store = Path(settings.files_url).expanduser().resolve()
        if folder == store or store in folder.parents:
            raise BackupProblem(what=f"{folder} lies in the store of files ({store}), and would be backed up into itself: choose another folder, better on another disk.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MARK).exists() and any(folder.iterdir()):
            raise BackupProblem(what=f"{folder} holds other things: name an empty or a new folder, or the one of earlier backups.")
        for beside in folder.iterdir():
            if keybox.is_box(beside):
                raise BackupProblem(what=f"{beside} holds the keys. Whoever finds both reads everybody's data: move the keys to another machine or medium first.")
        folder.chmod(0o700)
        (folder / MARK).write_text("Backups of one Ruku. Its keys are kept elsewhere. docs/backup.md says how to verify and restore.\n")
    except OSError as error:
        raise BackupProblem(what=f"{folder} cannot be used ({error.strerror}): name a folder that this user may write.") from None
    return Home(folder)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """One backup at a time; what one that was killed has left is removed."""
    with (home.folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupProblem(what=f"Another backup into {home.folder} is running: wait for it.") from None
        for left in home.folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@dataclass(frozen=True)
class _Filled:
    manifest: Manifest
    fresh: int


def _fill(settings: Settings, home: Home, folder: Path) -> _Filled:
    url = settings.database_owner_url or ""
    with snapshot.moment(url, export=True) as (connection, name):
        facts = snapshot.look(connection)
        tools = programs.fitting(facts.postgres, programs.installed())
        options = ["--format=custom", "--no-owner", "--enable-row-security", f"--snapshot={name}", f"--file={folder / DUMP}"]
        programs.call(tools.folder / "pg_dump", options, logins.plain(url))
        named = snapshot.named_files(connection)
    earlier = home.backups()
    copied = content.copy(home, named, content.read_list(earlier[-1]) if earlier else {})
    content.write_list(folder / FILES, copied.listed)
    (folder / REGISTERS).mkdir()
    for path in (schema.REGISTERS / "versions").glob("*.py"):
        shutil.copyfile(path, folder / REGISTERS / path.name)
    parts = {str(path.relative_to(folder)): manifest.digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    made = Manifest(
        name=home.fresh_name(dt.datetime.fromisoformat(facts.at)), program=program(), mode=str(settings.mode), dumped_with=tools.version, facts=facts,
        key_checks=keybox.checks(settings), parts=parts, files=len(copied.listed), bytes=sum(part.size for part in copied.listed.values()),
        missing=_still_named(url, copied.gone), damaged=copied.damaged,
    )  # fmt: skip
    (folder / MANIFEST).write_text(made.text(), encoding="utf-8")
    return _Filled(made, copied.fresh)


def _still_named(url: str, gone: list[str]) -> list[str]:
    """Of what was not in the store: what rows name also now. The rest retention erased between dump and copy."""
    if not gone:
        return []
    with snapshot.moment(url) as (connection, _):
        return sorted(set(gone) & snapshot.named_files(connection).keys())


def program() -> str:
    """The version of this program."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


# ── looking at what is there ─────────────────────────────────────────────────────────────────────────────────


def verify(given: Path) -> tuple[Path, Manifest, list[str]]:
    """Every part read and compared, one sentence for each that is missing or was changed."""
    home, folder = manifest.find(given)
    made = manifest.read(folder)
    wrong = []
    for name, part in made.parts.items():
        wrong += _wrong_part(folder / name, name, part)
    listed = content.read_list(folder) if (folder / FILES).exists() else {}
    wrong += content.wrong(home, listed)
    if len(listed) != made.files:
        wrong.append(f"{FILES} lists {len(listed)} contents, and the backup was made with {made.files}")
    wrong += [f"files/{name}: was missing already when the backup was made" for name in made.missing]
    wrong += [f"files/{name}: was damaged already when the backup was made" for name in made.damaged]
    return folder, made, wrong


def _wrong_part(path: Path, name: str, part: Part) -> list[str]:
    if not path.exists():
        return [f"{name}: missing"]
    return [] if manifest.digest(path) == part else [f"{name}: its content was changed or cut off"]


def rotate(home: Home, keep: int) -> list[str]:
    """Remove the oldest beyond `keep`, and the contents that only they needed; the names that went."""
    there = home.backups()
    old = there[: max(0, len(there) - max(1, keep))]
    for folder in old:
        gone = folder.with_name(f"{_PARTIAL}{folder.name}")  # a half-removed one is never taken for whole
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    if old:
        content.sweep(home, [content.read_list(one) for one in home.backups()])
    return [folder.name for folder in old]
