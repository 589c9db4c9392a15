"""The JSON Schemas in docs/schemas: whether they are those of this program, and writing them."""

from __future__ import annotations

from pathlib import Path

from rules.schemas import texts

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def differing(folder: Path = FOLDER) -> list[str]:
    """The names of files that are missing, stale, or of no document any more."""
    wanted = texts()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")} if folder.is_dir() else {}
    return sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))


def write(folder: Path = FOLDER) -> list[str]:
    """Make the folder agree with the program; the names of the files that were changed."""
    changed, wanted = differing(folder), texts()
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return changed
