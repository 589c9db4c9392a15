"""The one list of rooms: what exists, joined. Imported by the doors, never by a room."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from console import erasure, housekeeping
from console.automatic import declaring
from console.jobs import Job, Sweep, Watch
from console.post.carriage import Carriage
from rules import hooks

ROOMS = (
    "departments",
    "accounts",
    "exchange",
    "automatic",
    "applications",
    "reviews",
    "dashboards",
    "training",
    "exams",
    "publicity",
    "roster",
    "notifications",
    "registers",
    "studio",
    "retention",
)


def modules(name: str) -> list[ModuleType]:
    """The rooms' modules of this name (`models`, `screens`, `jobs`), for the rooms that have one."""
    found = []
    for room in ROOMS:
        path = f"console.{room}.{name}"
        if importlib.util.find_spec(path) is not None:
            found.append(importlib.import_module(path))
    return found


def screens() -> list[Any]:
    """Every declared screen, in the rooms' order. Registers make theirs of what is stored: asked in a process that has a database."""
    return [screen for module in modules("screens") for screen in (module.SCREENS if hasattr(module, "SCREENS") else module.screens())]


def models() -> None:
    """Map every table."""
    importlib.import_module("console.audit")
    importlib.import_module("console.outbox")
    importlib.import_module("console.jobs")
    importlib.import_module("console.setbacks")
    importlib.import_module("console.vitals")
    modules("models")


def join() -> None:
    """Map the tables and tie the rooms to each other: called once by every door, worker and test process."""
    global _joined
    models()
    if _joined:
        return
    _joined = True
    hooks.install(Path(__file__).parent.parent / "plugins")
    from console.applications.pipeline import HOOKS  # the trunk; imported late so that models alone stay light
    from console.crud import known  # the same
    from console.departments.recounting import KEEPERS  # the same

    known.SOURCES.append(screens)
    for module in [housekeeping, *modules("retention")]:
        erasure.announce(module.RETENTION)
        erasure.NAMED_BY.extend([module.names_content] if hasattr(module, "names_content") else [])
    for module in modules("deadlines"):
        KEEPERS.extend(module.KEEPERS)
    for module in modules("jobs"):
        HOOKS.on_move.extend(getattr(module, "ON_MOVE", ()))
        for step, hook in getattr(module, "ON_ENTER", {}).items():
            HOOKS.on_enter[step].append(hook)
        for topic, jobs in getattr(module, "SUBSCRIPTIONS", {}).items():
            SUBSCRIPTIONS.setdefault(topic, []).extend(jobs)
        SWEEPS.extend(getattr(module, "SWEEPS", ()))
        DAILY.extend(getattr(module, "DAILY", ()))
        CARRIAGES.extend(getattr(module, "CARRIAGES", ()))
        declaring.announce(getattr(module, "AUTOMATIC", ()))
        WATCHES.extend(getattr(module, "WATCHES", ()))


SUBSCRIPTIONS: dict[str, list[Job]] = {}  # outbox topic → jobs that take its ids
SWEEPS: list[Sweep] = []
DAILY: list[Job] = []
CARRIAGES: list[Carriage] = []
WATCHES: list[Watch] = []
_joined = False
