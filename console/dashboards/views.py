"""The page itself: the boards of every room whose lists this person may open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from console import clock
from console.crud.pages import Page, allowed, expose
from console.crud.screen import EVERYONE, MY_WORK
from console.dashboards import counting
from console.db import transaction
from console.errors import N_
from console.scope import current


class Dashboard(Page):
    """Numbers that lead to work. Whoever may open a list sees its numbers, within their own scope; nobody else does."""

    name, title, menu, icon = "dashboard", N_("工作看板"), MY_WORK, "chart"
    permissions = {"can_read": EVERYONE}
    template_folder = str(Path(__file__).parent / "templates")

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        granted, sources = current_app.extensions["appbuilder"].sm.granted(), current_app.extensions["boards"]
        with transaction() as session:
            found = [board for boards in sources for board in boards(session, current()) if board.source.permission in granted]
            wanted = sorted(found, key=lambda board: board.place)
            return self.render_template(
                "dashboards/dashboard.html",
                title=_("工作看板"),
                today=clock.today(session),
                boards=counting.drawn(session, wanted),
            )


PAGES = (Dashboard,)
