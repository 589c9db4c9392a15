"""The one list of rooms: what exists, joined. Imported by the doors, never by a room."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

ROOMS = (
    "departments",
    "accounts",
    "applications",
    "reviews",
    "training",
    "exams",
    "publicity",
    "roster",
    "notifications",
)


def modules(name: str) -> list[ModuleType]:
    """The rooms' modules of this name (`models`, `screens`, `jobs`), for the rooms that have one."""
    found = []
    for room in ROOMS:
        path = f"console.{room}.{name}"
        if importlib.util.find_spec(path) is not None:
            found.append(importlib.import_module(path))
    return found


def models() -> None:
    """Map every table."""
    importlib.import_module("console.audit")
    importlib.import_module("console.outbox")
    importlib.import_module("console.jobs")
    modules("models")
