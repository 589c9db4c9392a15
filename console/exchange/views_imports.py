"""The page of a file that was brought: what it would do, the question, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import flash, redirect, request, send_file, url_for
from flask_babel import gettext as _

from console import clock, files
from console.crud import known
from console.crud.pages import Page, allowed, expose
from console.crud.screen import EVERYONE
from console.crud.telling import sentence
from console.crud.views import view_name
from console.db import transaction
from console.errors import N_, Conflict, ConsoleError, NotFound
from console.exchange import imports
from console.exchange.models import UNDER_WAY, DataImport, State
from console.scope import current

STATE_WORDS = {
    "waiting": N_("等待核对"), "running": N_("正在核对"), "checked": N_("等您确认"), "ordered": N_("等待写入"), "writing": N_("正在写入"),
    "done": N_("已导入"), "cancelled": N_("已放弃"), "failed": N_("没有导入"),
}  # fmt: skip
TEMPLATES = str(Path(__file__).parent / "templates")
STATE_STATUS = {
    "waiting": "wait", "running": "go", "checked": "back", "ordered": "wait", "writing": "go", "done": "done", "cancelled": "hold", "failed": "no",
}  # fmt: skip


class Imports(Page):
    """One's own files; nobody sees another's."""

    name, title = "imports", N_("我的导入")
    permissions = {"can_read": EVERYONE}
    template_folder = TEMPLATES

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            lines = [_Line(brought) for brought in imports.mine(session, actor=current())]
            return self.render_template("exchange/imports.html", title=_(self.title), lines=lines)

    @expose("/<int:import_id>")
    @allowed("read")
    def show(self, import_id: int) -> Any:
        return self._page(import_id, "exchange/import.html")

    @expose("/<int:import_id>/part")
    @allowed("read")
    def part(self, import_id: int) -> Any:
        """The part of the page that changes, for the page that looks again."""
        return self._page(import_id, "exchange/_import.html")

    @expose("/<int:import_id>/confirm", methods=["POST"])
    @allowed("read")
    def confirm(self, import_id: int) -> Any:
        try:
            with transaction() as session:
                brought = imports.own(session, import_id, actor=current(), lock=True)
                imports.confirm(
                    session, brought, known.find(brought.screen), actor=current(), content_hash=request.form.get("hash", ""),
                    leave_wrong=request.form.get("leave_wrong") == "yes",
                )  # fmt: skip
        except (Conflict, imports.WrongRowsLeft) as error:
            flash(sentence(error), "bad")
        return redirect(url_for(".show", import_id=import_id), 303)

    @expose("/<int:import_id>/cancel", methods=["POST"])
    @allowed("read")
    def cancel(self, import_id: int) -> Any:
        with transaction() as session:
            imports.cancel(session, imports.own(session, import_id, actor=current(), lock=True), actor=current())
        return redirect(url_for(".show", import_id=import_id), 303)

    @expose("/<int:import_id>/wrong.csv")
    @allowed("read")
    def wrong(self, import_id: int) -> Any:
        """Every wrong row as it came, with what is wrong: put right, it can be brought again as it is."""
        with transaction() as session:
            brought = imports.own(session, import_id, actor=current())
            if brought.problems_place is None:
                raise NotFound()
            name = f"{brought.file_name.rpartition('.')[0] or brought.file_name}-{_('有误的行')}.csv"
            return send_file(files.opened(brought.problems_place), mimetype="text/csv", as_attachment=True, download_name=name, max_age=0)

    def _page(self, import_id: int, template: str) -> Any:
        with transaction() as session:
            brought = imports.own(session, import_id, actor=current())
            is_open = brought.state == State.CHECKED and brought.expires_at > clock.now(session)
            return self.render_template(template, line=_Line(brought), brought=brought, is_open=is_open, title=_("导入“%(file)s”", file=brought.file_name))


class _Line:
    """One import as its page and the list show it."""

    def __init__(self, brought: DataImport) -> None:
        self.brought = brought
        self.is_under_way = brought.state in UNDER_WAY
        self.words, self.status = _(STATE_WORDS[brought.state]), STATE_STATUS[brought.state]
        self.to_write = (brought.fresh or 0) + (brought.changed or 0)
        try:
            screen = known.find(brought.screen)
            self.title, self.list_url, self.again_url = _(screen.title), url_for(f"{view_name(screen.name)}.list"), url_for(f"{view_name(screen.name)}.import_file")
        except (NotFound, ConsoleError):
            self.title, self.list_url, self.again_url = brought.screen, "", ""



