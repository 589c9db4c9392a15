"""A `Screen` becomes a view: the parts of its pages, put together under the screen's name."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from console.crud.acting import Acting
from console.crud.base import ScopedInterface, ScreenView
from console.crud.changing import Changing
from console.crud.exporting import Exporting
from console.crud.history import History
from console.crud.importing import Importing
from console.crud.listing import Listing
from console.crud.screen import Screen
from console.crud.showing import Showing
from console.crud.views_kept import Keeping
from console.crud.writing import Writing

PARTS: tuple[type[ScreenView], ...] = (  # a part stands before those it builds on
    Acting,
    Changing,
    Writing,
    History,
    Showing,
    Keeping,
    Listing,
    Exporting,
    Importing,
)


def make_view(screen: Screen) -> type[ScreenView]:
    """The view class of a screen; its class name, permission name and address are the screen's name, for good."""
    routes = {name for part in PARTS for name in part.routes_of(screen)} | set(getattr(screen.extend, "routes", ()))
    attributes: dict[str, Any] = {
        "screen": screen,
        "datamodel": ScopedInterface(screen.model),
        "class_permission_name": screen.name,
        "route_base": f"/screens/{screen.name}",
        "include_route_methods": routes,
        "base_permissions": [*screen.permissions, *getattr(screen.extend, "permissions", {})],
    }
    parents: tuple[type[Any], ...] = (screen.extend, *PARTS) if screen.extend else PARTS
    return type(view_name(screen.name), parents, attributes)


def view_name(name: str) -> str:
    """The endpoint of a screen: `url_for(view_name("venues") + ".list")`."""
    return f"screen_{name.replace('-', '_')}"


def row_url(name: str | None, key: int | None) -> str | None:
    """Where a row of another screen is shown; None when there is no such screen, or the reader may not open it."""
    endpoint = f"{view_name(name)}.show" if name else ""
    if endpoint not in current_app.view_functions or not current_app.extensions["appbuilder"].sm.has_access("can_show", name):
        return None
    return url_for(endpoint, pk=key)
