"""A list leaves as a file: ordered here, written by a job, fetched on the page of one's exports (`console.exchange`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name

from console.crud import filters
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.crud.telling import sentence
from console.db import transaction
from console.doors.preferences import language
from console.exchange import exports
from console.scope import current


@dataclass(frozen=True)
class Flows:
    """What the list's page needs to offer its file: what the list is narrowed to, and the columns there are."""

    query: dict[str, str]
    columns: list[tuple[str, Any]]


class Exporting(ScreenView):
    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"export"}

    def render_template(self, template: str, **values: Any) -> Any:
        """The list's page offers its file: `_flows.html` reads this."""
        if template == self.list_template:  # type: ignore[attr-defined]
            values["flows"] = Flows({name: value for name, value in request.args.items() if name in self._asked()}, self._heads())
        return super().render_template(template, **values)

    def _asked(self) -> frozenset[str]:
        return filters.parameters(self.screen) - {"page", "columns"}

    def _heads(self) -> list[tuple[str, Any]]:
        return [(name, self.label_columns[name]) for name in self.screen.exported]

    @expose("/export", methods=["POST"])
    @has_access
    @permission_name("export")
    def export(self) -> Any:
        """Order a file of the list as it stands on the page that sent this form: its conditions, its order, its columns."""
        query = {name: value for name, value in request.form.items() if name in self._asked()}
        try:
            with transaction() as session:
                exports.ask(
                    session, self.screen, actor=current(), query=query, columns=tuple(request.form.getlist("column")),
                    kind=request.form.get("format", ""), language=language(),
                )  # fmt: skip
        except exports.TooManyWaiting as error:
            flash(sentence(error), "warn")
        return redirect(url_for("Exports.home"), 303)
