"""A list as one likes to look at it: which of its columns, and under a name to come back to (`console.accounts.saved_views`).

A list is its address: what a view keeps is the list's own parameters in one canonical order, so that a view is a link, and is open when
the address says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import g, redirect, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from console.accounts import saved_views
from console.accounts.queries import KeptView
from console.crud import filters
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.crud.telling import telling
from console.db import transaction
from console.scope import current

_ALL = "all"  # `?view=all` opens the list without its default view
_ACTS = ("rename", "default", "plain", "share", "unshare", "drop")


@dataclass(frozen=True)
class Kept:
    """What the list's page shows of all this."""

    views: list[tuple[KeptView, str, bool]]  # with its address, and whether it is open
    open: KeptView | None
    query: str  # of the list as it stands
    columns: list[tuple[str, Any, bool]]  # name, label, whether it is shown
    rest: list[tuple[str, str]]  # the parameters beside the columns
    everything: str  # the address of the list without conditions
    is_everything: bool
    lost: list[str]  # what the address asks for and the list does not have


class Keeping(ScreenView):
    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"views"}

    def columns_for(self) -> tuple[str, ...]:
        """The columns the address names, in its order; what the screen does not offer is left out, and nothing left is the declared ones."""
        offered = self._offered()
        asked = dict.fromkeys(name for name in request.args.get("columns", "").split(",") if name in offered)
        return tuple(asked) or self.screen.columns

    def elsewhere(self) -> Any:
        if "column" in request.args:  # the boxes of the panel, made one parameter
            args = dict(request.args.items())
            del args["column"]
            return redirect(self._to(canonical(self.screen, args | {"columns": ",".join(request.args.getlist("column"))})))
        default = next((view for view in _views() if view.is_default), None)
        return redirect(self._to(default.query)) if default is not None and not request.args else None

    def render_template(self, template: str, **values: Any) -> Any:
        """The list's page shows its views: `_views.html` and `_keeping.html` read this."""
        if template == self.list_template:  # type: ignore[attr-defined]
            values["kept"] = self._kept()
        return super().render_template(template, **values)

    @expose("/views", methods=["POST"])
    @has_access
    @permission_name("list")
    def views(self) -> Any:
        """Keep the list as it stands on the page that sent this, or do something to a view of one's own."""
        act, number = request.form.get("act", ""), request.form.get("view", "")
        query = canonical(self.screen, dict(parse_qsl(request.form.get("query", "")[:8_000])))
        with telling() as told, transaction() as session:
            title, actor = request.form.get("title", ""), current()
            if act in _ACTS:
                view = saved_views.one(session, self.screen.name, int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0, actor=actor)
                told.success = _do(session, view, act, title)
            else:
                view = saved_views.keep(session, self.screen.name, title, query, actor=actor)
                if request.form.get("default"):
                    saved_views.open_by_default(session, view)
                if request.form.get("share"):
                    saved_views.share(session, view)
                told.success = _("已存为视图“%(title)s”。", title=view.title)
            told.address = self._to(_ALL if act == "drop" else view.query)
        return told.answer or redirect(self._to(query), 303)

    def _offered(self) -> tuple[str, ...]:
        return (*self.screen.columns, *self.screen.optional)

    def _to(self, query: str) -> str:
        """The list with these parameters; without any, past the view it would open by default."""
        address = url_for(".list")
        return f"{address}?{query}" if query and query != _ALL else f"{address}?view={_ALL}" if any(view.is_default for view in _views()) or query == _ALL else address

    def _link(self, **changes: str) -> str:
        """A link of the list; one that leaves no condition does not fall back to the default view."""
        address: str = super()._link(**changes)  # type: ignore[misc]
        return address if "?" in address else self._to("")

    def _kept(self) -> Kept:
        screen, shown = self.screen, self.columns_for()
        query = canonical(screen, request.args)
        drawn = [(view, self._to(view.query), view.query == query) for view in _views()]
        return Kept(
            views=drawn,
            open=next((view for view, _url, here in drawn if here), None),
            query=query,
            columns=[(name, self.label_columns[name], name in shown) for name in self._offered()],
            rest=[(name, value) for name, value in parse_qsl(query) if name != "columns"],
            everything=self._to(""),
            is_everything=not query,
            lost=lost(screen, request.args),
        )


def canonical(screen: Screen, args: Mapping[str, str]) -> str:
    """What a list shows, as one string: its parameters in the screen's order. A list of the declared columns says nothing of columns."""
    known = [name for name in _in_order(screen) if name not in filters.PLACES]
    said = {name: args[name].strip() for name in known if args.get(name, "").strip()}
    if said.get("columns") == ",".join(screen.columns):
        del said["columns"]
    return urlencode(said)


def lost(screen: Screen, args: Mapping[str, str]) -> list[str]:
    """What an address, perhaps of an older view, asks for and this list does not have."""
    known = filters.parameters(screen) | {"view", "column"}
    offered = {*screen.columns, *screen.optional}
    asked = [name for name in args.get("columns", "").split(",") if name and name not in offered]
    return [name[:60] for name in dict.fromkeys([*(name for name in args if name not in known), *asked])][:10]


def _in_order(screen: Screen) -> Iterable[str]:
    first = ["q", *(f"{name}{part}" for name in screen.filters for part in ("", "-from", "-to")), "order", "columns"]
    known = filters.parameters(screen)
    return [name for name in first if name in known] + sorted(known - set(first))


def _views() -> tuple[KeptView, ...]:
    officer = g.get("officer")
    return officer.found.views if officer is not None else ()


def _do(session: Any, view: Any, act: str, title: str) -> str:
    if act == "rename":
        saved_views.rename(session, view, title)
        return _("视图改名为“%(title)s”。", title=view.title)
    if act == "drop":
        saved_views.drop(session, view)
        return _("已删除视图“%(title)s”。", title=view.title)
    if act in ("default", "plain"):
        saved_views.open_by_default(session, view, on=act == "default")
        return _("以后打开这个名单，先看“%(title)s”。", title=view.title) if view.is_default else _("以后打开这个名单，先看全部。")
    saved_views.share(session, view, on=act == "share")
    return _("本部门的人现在都看得到视图“%(title)s”。", title=view.title) if view.department_id else _("视图“%(title)s”只有您自己看得到。", title=view.title)
