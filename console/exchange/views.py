"""The page of one's own exports: how far they are, where to fetch them, until when."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from console import clock
from console.crud import known
from console.crud.pages import Page, allowed, expose
from console.crud.screen import EVERYONE, MANAGE
from console.db import transaction
from console.errors import N_, NotFound
from console.exchange import exports
from console.exchange.models import UNDER_WAY, DataExport, State
from console.exchange.sheets import MEDIA
from console.exchange.terms import terms
from console.exchange.views_imports import TEMPLATES, Imports
from console.scope import current

STATE_WORDS = {
    "waiting": N_("等待"), "running": N_("正在写"), "done": N_("可以下载"), "cancelled": N_("已停止"), "failed": N_("没有做成"), "over": N_("已过期"),
}  # fmt: skip
STATE_STATUS = {"waiting": "wait", "running": "go", "done": "done", "cancelled": "hold", "failed": "no", "over": "wait"}


class Exports(Page):
    """What this officer exported; nobody sees another's."""

    name, title, menu, icon = "exports", N_("我的导出"), MANAGE, "download"
    permissions = {"can_read": EVERYONE}
    template_folder = TEMPLATES

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        return self._page("exchange/exports.html")

    @expose("/list")
    @allowed("read")
    def table(self) -> Any:
        """The table alone, for the page that looks again."""
        return self._page("exchange/_exports.html")

    @expose("/<int:export_id>/cancel", methods=["POST"])
    @allowed("read")
    def cancel(self, export_id: int) -> Any:
        with transaction() as session:
            exports.cancel(session, exports.own(session, export_id, actor=current(), lock=True), actor=current())
        flash(_("已要求停止，不会留下半份文件。"), "info")
        return redirect(url_for(".home"), 303)

    @expose("/<int:export_id>/file")
    @allowed("read")
    def file(self, export_id: int) -> Any:
        """The file, for whom its address was made; a reader's look is all this writes."""
        with transaction() as session:
            export = exports.own(session, export_id, actor=current())
            _require_signed(export, request.args.get("key", ""))
            screen = known.find(export.screen)
            content = exports.fetch(session, export, screen, actor=current())
            name = f"{_(screen.title)}-{clock.day_of(export.asked_at).isoformat()}.{export.format}"
            media, size = MEDIA[export.format], export.size
        answer = send_file(content, mimetype=media, as_attachment=True, download_name=name, max_age=0)
        if size is not None:
            answer.content_length = size
        return answer

    def _page(self, template: str) -> Any:
        with transaction() as session:
            found = exports.mine(session, actor=current())
            now = clock.now(session)
            return self.render_template(
                template, title=_(self.title), exports=[_Line(export, exports.is_over(export, now)) for export in found],
                hours=terms().hours,
                under_way=any(export.state in UNDER_WAY for export in found),
            )  # fmt: skip


class _Line:
    """One export as the table shows it."""

    def __init__(self, export: DataExport, over: bool) -> None:
        self.export = export
        self.is_under_way = export.state in UNDER_WAY
        self.state = "over" if export.state == State.DONE and over else export.state
        self.words, self.status = _(STATE_WORDS[self.state]), STATE_STATUS[self.state]
        self.url = url_for(".file", export_id=export.id, key=_signer().dumps([export.id, export.staff_id])) if self.state == "done" else ""

    @property
    def title(self) -> str:
        try:
            return _(known.find(self.export.screen).title)
        except NotFound:
            return self.export.screen

    @property
    def conditions(self) -> str:
        """That it is narrowed, and by which words: what every condition was called stands in the file itself."""
        query = {name: value for name, value in self.export.query.items() if name != "order"}
        if words := query.pop("q", ""):
            return _("查找：%(words)s", words=words)
        return _("有 %(count)s 个条件", count=len(query)) if query else ""

    @property
    def size_words(self) -> str:
        size = self.export.size or 0
        return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{max(size / 1_000, 0.1):.1f} KB"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="exchange.export")


def _require_signed(export: DataExport, key: str) -> None:
    try:
        said = _signer().loads(key)
    except BadSignature:
        raise NotFound() from None
    if said != [export.id, export.staff_id]:
        raise NotFound()


PAGES = (Exports, Imports)
