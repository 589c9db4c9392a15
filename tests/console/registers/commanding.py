"""`python -m console registers …` on a database of the test's own, over folders that may be changed: plug-ins and migrations are copies."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console import prepare, registers_command, schema
from console.registers import applying, loading
from console.scope import System


@contextmanager
def copies(folder: Path) -> Iterator[Path]:
    """The shipped folders and migrations, copied to `folder` and used from there; afterwards nothing is known of what was applied."""
    shutil.copytree(prepare.PLUGINS, folder / "plugins")
    shutil.copytree(schema.REGISTERS, folder / "migrations")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "REGISTERS", folder / "migrations")
        patched.setattr(applying, "PLUGINS", folder / "plugins")
        yield folder
    loading._loaded = None  # this database goes, and what was applied to it


def command(words: list[str], committed_db: Any) -> int:
    """The command as it runs there."""
    parser = argparse.ArgumentParser()
    registers_command.add(parser)
    with pytest.MonkeyPatch.context() as patched, committed_db.committing(committed_db.owner, System("registers")):
        patched.setattr("console.process.begin", lambda _kind: committed_db.settings)
        return registers_command.run(parser.parse_args(words))
