"""One row as its page: what it says, what may be done with it, and why it is shown to me."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy.orm import Session as OrmSession

from console.accounts import whereabouts, why
from console.crud.base import ScreenView
from console.crud.screen import RowAction, Screen
from console.db import transaction


class Showing(ScreenView):
    show_template = "appbuilder/general/model/show.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"show", "why"}

    @expose("/<pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: str) -> Any:
        screen = self.screen
        with transaction() as session:
            row = self.one(session, pk, screen.shown)
            return self.render_template(
                self.show_template,
                **self.sheet(row, pk, "show"),
                row=row,
                pairs=[(self.label_columns[name], self.cell(row, name)) for name in screen.shown],
                may=self.may,
                actions=self.actions_for(row),
                may_edit=self.may("edit") and self.may_edit(row),
                more=self.more(session, row),
            )

    @expose("/<pk>/why")
    @has_access
    @permission_name("show")
    def why(self, pk: str) -> Any:
        """Why this row is shown to me, or to `?staff=`, and what may be done with it."""
        with transaction() as session:
            row = self.one(session, pk, self.screen.shown)
            page = why.page(session, row, name=self.name_of(row), back=url_for(".show", pk=pk))
            return self.render_template(why.TEMPLATE, tabs=self._tabs(pk, "why"), **page)

    def sheet(self, row: Any, key: str, here: str) -> dict[str, Any]:
        """The head of every page about one row: what it is called, and the tabs, of which `here` is open."""
        screen = self.screen
        return {"screen": screen, "title": _(screen.title), "key": key, "name": self.name_of(row), "tabs": self._tabs(key, here)}

    def _tabs(self, key: str, here: str) -> list[tuple[str, str, bool]]:
        tabs = [("show", _("内容")), ("history", _("经过"))]
        if whereabouts.is_guarded(self.screen.model):
            tabs.append(("why", _("我为什么看得到")))
        return [(words, url_for(f".{name}", pk=key), name == here) for name, words in tabs]

    def actions_for(self, row: Any) -> list[RowAction]:
        """What may be done with this row; a room that knows more of it says so."""
        return [action for action in self.screen.actions if self.may(action.name)]

    def more(self, session: OrmSession, row: Any) -> Sequence[tuple[str, Any]]:
        """Further sheets under the shown one: pairs (title, markup). For a room's extension."""
        return []
