"""The interface for machines, explained to the person who writes one: our own page, of the caller's own screens, with commands to copy."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_babel import gettext as _

from console.crud import known, openapi
from console.crud.api_reach import MAX_SIZE
from console.crud.pages import Page, expose
from console.doors.error_pages import MACHINE_WORDS, TITLES
from console.errors import N_, NotFound

#: what may come back, in the order a program's author meets it
STATUSES = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429)


class ApiDocs(Page):
    """Open to every officer: it shows what they may ask for, and that is nothing for who holds no grant."""

    name, title, menu, icon = "api-docs", N_("接口说明"), None, "log"
    route_base = "/api/v1/docs"
    permissions = {}

    @expose("")
    def home(self) -> Any:
        wanted = request.args.get("screen", "")
        views = {name: view for name, view in known.views().items() if view.may("list")}
        if wanted and wanted not in views:
            raise NotFound()
        return self.render_template(
            "console/api_docs.html",
            title=_("接口说明"),
            screens=[(name, _(view.screen.title), openapi.methods_of(view)) for name, view in views.items()],
            one=self._one(views[wanted]) if wanted else None,
            base=url_for("api.index", _external=True).rstrip("/"),
            statuses=[(status, _(TITLES[status]), _(more) if (more := MACHINE_WORDS.get(status)) else "") for status in STATUSES],
            max_size=MAX_SIZE,
        )

    @staticmethod
    def _one(view: Any) -> dict[str, Any]:
        """One screen: what a row has, what narrows the list, what may be sent."""
        screen = view.screen
        return {
            "name": screen.name,
            "title": _(screen.title),
            "may": openapi.methods_of(view),
            "read": openapi.read_fields(view),
            "narrow": list(openapi.parameters(view)),
            "relations": openapi.relations(view),
            "new": openapi.written_fields(view, "add") if view.may("add") else [],
            "change": openapi.written_fields(view, "edit") if view.may("edit") else [],
            "deletes": view.may("delete"),
            "actions": [
                (action.name, _(action.title), _(action.consequence), [(name, _(label)) for name, label in action.fields.items()])
                for action in openapi.actions(view)
            ],
        }
