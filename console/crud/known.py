"""Every declared screen by its name, for work that has only the name: a job, a file that waits. The doors say where screens are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import current_app

from console.crud.screen import Screen
from console.errors import NotFound

SOURCES: list[Callable[[], Iterable[Screen]]] = []  # filled by console.assembly; asked each time, because registers come and go


def find(name: str) -> Screen:
    """The screen of this name; NotFound when nobody declares it (any more)."""
    for source in SOURCES:
        for screen in source():
            if screen.name == name:
                return screen
    raise NotFound()


def views() -> Mapping[str, Any]:
    """The running app's `ScreenView`s by their screens' names, in the order they were declared."""
    return current_app.extensions["screens"]  # type: ignore[no-any-return]
