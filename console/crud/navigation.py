"""The side navigation: by work, not by table; only what the person may open; built once per set of permissions and language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from console.crud.screen import GROUPS
from console.doors.preferences import language

_TEMPLATE = "console/_navigation.html"


@dataclass(frozen=True)
class Entry:
    """One line of the navigation, before anyone looks at it. `permission` is a (permission, view) pair."""

    group: str
    title: str
    icon: str
    endpoint: str
    permission: tuple[str, str]
    count: Callable[[], int] | None = None


@dataclass(frozen=True)
class Line:
    """One line as a person sees it."""

    title: str
    icon: str
    url: str
    root: str
    here: bool = False
    count: int = 0
    due: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    entries: tuple[Line, ...]


Built = list[tuple[str, list[tuple[Line, Entry]]]]


class Navigation:
    """The entries of an app, and what each kind of person sees of them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._drawn: dict[tuple[Any, ...], Markup] = {}
        self._kept: dict[tuple[Any, ...], Built] = {}

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def groups(self, granted: frozenset[tuple[str, str]]) -> list[Group]:
        """The groups for these permissions, in reading order; the longest address that begins this one is marked as here."""
        built = self._built(granted)
        here = _root_of(built)
        return [
            Group(title, tuple(replace(line, here=line.root == here, count=entry.count() if entry.count else 0) for line, entry in lines))
            for title, lines in built
        ]

    def html(self, granted: frozenset[tuple[str, str]]) -> Markup:
        """The same, drawn. It is the same for everybody who may open the same pages and looks at the same one; where numbers stand beside the
        entries it is drawn anew."""
        built = self._built(granted)
        if any(entry.count() for _title, lines in built for _line, entry in lines if entry.count):
            return Markup(render_template(_TEMPLATE, groups=self.groups(granted)))
        key = (granted, language(), request.script_root, _root_of(built))
        if key not in self._drawn:
            if len(self._drawn) > 500:
                self._drawn.clear()
            self._drawn[key] = Markup(render_template(_TEMPLATE, groups=self.groups(granted)))
        return self._drawn[key]

    def _built(self, granted: frozenset[tuple[str, str]]) -> Built:
        key = (granted, language(), request.script_root)
        if key not in self._kept:
            if len(self._kept) > 200:
                self._kept.clear()
            self._kept[key] = self._build(granted)
        return self._kept[key]

    def _build(self, granted: frozenset[tuple[str, str]]) -> Built:
        groups: Built = []
        for group in GROUPS:
            lines = []
            for entry in self.entries:
                if entry.group == group and entry.permission in granted:
                    url = url_for(entry.endpoint)
                    lines.append((Line(_(entry.title), entry.icon, url, url), entry))
            if lines:
                groups.append((_(group), lines))
        return groups


def _root_of(built: Built) -> str:
    """The address of the line this request's page belongs to."""
    path = request.script_root + request.path
    roots = [line.root for _title, lines in built for line, _entry in lines]
    return max((root for root in roots if path == root or path.startswith(root.rstrip("/") + "/")), key=len, default="")


def navigation() -> Navigation:
    """This app's navigation."""
    return current_app.extensions["navigation"]  # type: ignore[no-any-return]
