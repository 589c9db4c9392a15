"""`python -m console doctor`: every look, whatever the others find; the sentences, or JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator

import config
from config import Settings
from console import db, process
from console.doctor import content, database, ground, work  # noqa: F401  # put their looks on the list
from console.doctor.finding import LOOKS, Finding, State

_ORDER = ("settings", "SM3", "words", "disk", "certificate", "pg_dump", "database")  # then as they are written


def examine(*, as_json: bool = False) -> int:
    """Print every finding; 1 when something is bad. Settings that cannot be read end it at once (ConfigProblems)."""
    settings = config.load()
    process.begin("worker", settings, check=False)
    found = []
    for finding in look_around(settings):
        found.append(finding)
        if not as_json:
            print(finding, flush=True)  # noqa: T201 - this command's result
    bad = sum(one.state is State.BAD for one in found)
    if as_json:
        print(json.dumps({"well": not bad, "findings": [dataclasses.asdict(one) for one in found]}, ensure_ascii=False, indent=1))  # noqa: T201
    else:
        warned = sum(one.state is State.WARNING for one in found)
        print(f"{len(found)} looked at, {bad} bad, {warned} to be looked at soon.")  # noqa: T201
    return 1 if bad else 0


def look_around(settings: Settings, *, only: Iterable[str] | None = None, but: Iterable[str] = ()) -> Iterator[Finding]:
    """The findings of all looks, or of these. A look that needs what is not well is not asked: it would say the same again."""
    unwell: dict[str, str] = {}
    names = [*_ORDER, *(name for name in LOOKS if name not in _ORDER)]
    for name in names:
        if name in but or (only is not None and name not in only):
            continue
        one = LOOKS[name]
        if missing := next((need for need in one.needs if need in unwell), None):
            yield Finding(name, State.UNSEEN, f"not looked at: {unwell[missing]}")
            continue
        for finding in _guarded(name, settings):
            if finding.state is State.BAD and name in ("database", "tables"):
                unwell[name] = "PostgreSQL is away" if name == "database" else "the tables are of another version"
            yield finding


def _guarded(name: str, settings: Settings) -> Iterator[Finding]:
    try:
        yield from LOOKS[name].find(settings)
    except Exception as error:  # one organ that cannot be examined must not hide the others
        db.Session.remove()
        yield Finding(name, State.BAD, f"could not be examined: {process.reason(error)}", "This is a fault of the program or of what it looked at: keep the sentence and ask.")
