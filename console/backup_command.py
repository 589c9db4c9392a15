"""`python -m console backup` and `restore`: docs/backup.md is the manual.

    backup --to FOLDER --keep 14        database and files; the keys go elsewhere:
    backup keys --to FILE               the keys, behind a passphrase
    backup verify FOLDER                read every part of the newest, and say what is missing
    restore FOLDER                      into the empty database of the settings
    restore keys FILE                   print the keys for the environment
"""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from config import Settings
from console import audit, db, process
from console.backup import keybox, making, restoring
from console.backup.manifest import BackupProblem
from console.backup.restoring import Wish
from console.scope import System, become


def backup(options: argparse.Namespace) -> int:
    if options.action == "verify":
        return _verify(options)
    if options.action == "keys":
        return _write_keys(process.begin("worker", check=False), options)
    if not options.to:
        raise BackupProblem(what="Where to? python -m console backup --to FOLDER")
    made = take(process.begin("worker"), Path(options.to), keep=options.keep)
    for problem in made.problems:
        print(problem, file=sys.stderr)
    return 1 if made.problems else 0


def take(settings: Settings, to: Path, *, keep: int | None = None) -> making.Made:
    """Make one, write it down in the audit, and say it; the process has begun as worker."""
    made = making.make(settings, to, keep=keep)
    told = made.manifest
    with become(System("backup")), db.transaction() as session:
        audit.record(
            session, audit.MADE, f"backup:{told.name}", manifest=told.sha256, files=told.files, total=sum(told.facts.rows.values()), missing=len(told.missing), damaged=len(told.damaged)
        )
    print(f"{made.folder}: {sum(told.facts.rows.values())} rows of {len(told.facts.rows)} tables, {told.files} files ({made.fresh} new), {told.bytes / 2**20:.1f} MiB beside the database.")
    print(f"manifest {told.sha256}")
    if made.removed:
        print(f"Removed: {', '.join(made.removed)}")
    return made


def _verify(options: argparse.Namespace) -> int:
    if not options.what:
        raise BackupProblem(what="Which? python -m console backup verify FOLDER")
    folder, made, wrong = making.verify(Path(options.what))
    for sentence in wrong:
        print(sentence)
    print(f"{folder.name}, made {made.facts.at}: {len(made.parts)} parts and {made.files} contents read, {len(wrong)} wrong. manifest {made.sha256}")
    return 1 if wrong else 0


def _write_keys(settings: Settings, options: argparse.Namespace) -> int:
    if not options.to:
        raise BackupProblem(what="Where to? python -m console backup keys --to FILE, on another machine or medium than the backups.")
    keybox.write(Path(options.to), settings, _passphrase(options, twice=True))
    print(f"The keys are in {options.to}. Without the passphrase nobody opens it, nor do you: keep it where neither the file nor the backups lie.")
    return 0


def restore(options: argparse.Namespace) -> int:
    if options.what[0] == "keys":
        if len(options.what) != 2:
            raise BackupProblem(what="Which file? python -m console restore keys FILE")
        for name, value in keybox.read(Path(options.what[1]), _passphrase(options, twice=False)).items():
            print(f"{name}={value}")
        return 0
    if len(options.what) != 1:
        raise BackupProblem(what="Which backup? python -m console restore FOLDER")
    wish = Wish(into=options.into, replace=options.replace, as_it_was=options.as_it_was, without_backup=options.without_backup)
    settings = restoring.settings_for(process.begin("owner", check=False), wish)
    return restoring.restore(settings, Path(options.what[0]), wish, say=print)


def _passphrase(options: argparse.Namespace, *, twice: bool) -> str:
    if options.passphrase_file:
        try:
            return Path(options.passphrase_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BackupProblem(what=f"{options.passphrase_file} cannot be read ({error.strerror}).") from None
    try:
        given = getpass.getpass("Passphrase of the keys: ")
        if twice and getpass.getpass("Once more: ") != given:
            raise BackupProblem(what="The two are not the same; nothing was written.")
    except EOFError:
        raise BackupProblem(what="Nobody is there to ask for the passphrase: use --passphrase-file FILE.") from None
    return given
