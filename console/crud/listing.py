"""The list of a screen: one page of rows, its chips, its order, and the look-ups its relations are found by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from flask import g, request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _

from console.crud import filters, forms, paging, rows
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.db import transaction
from console.errors import NotFound

_PLAIN = "!$'()*,/:;?@"  # may stand in a query as they are
_KEY = "-KEY-"  # stands for a row's key in an address that is made once


class Listing(ScreenView):
    list_template = "appbuilder/general/model/list.html"

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        return {"list", "options"}

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        if (elsewhere := self.elsewhere()) is not None:
            return elsewhere
        screen, names = self.screen, self.columns_for()
        size = paging.size_of(request.args.get("size")) or screen.page_size
        with transaction() as session:
            page = paging.page(self, session, request.args, names, size=size)
            heads = [(name, str(self.label_columns[name])) for name in names]
            actions = [action for action in screen.actions if self.may(action.name)]
            changes = self.may("edit") and bool(self.changeable())
            readers = [self.reader(name) for name in names]
            drawn = [(self.key(row), [read(row) for read in readers], row) for row in page.rows]
            chips = filters.chips(
                screen, request.args, titles=self.label_columns, options_url=lambda name: url_for(".options", name=name)
            )
            return self.render_template(
                self.list_template,
                screen=screen,
                title=_(screen.title),
                heads=heads,
                rows=drawn,
                chips=chips,
                any_filter=bool(request.args.get("q")) or any(chip.on for chip in chips),
                order=paging.order_of(self, request.args.get("order", "")).said,
                order_link=self._order_link,
                order_columns=self.order_columns,
                view_link=self._without,
                previous=self._link(before=page.before, after="") if page.before else "",
                next=self._link(after=page.after, before="") if page.after else "",
                count_words=_count_words(page, bool(request.args.get(paging.AFTER) or request.args.get(paging.BEFORE))),
                is_lost=page.is_lost,
                unread=filters.unread(screen, request.args),
                sizes=paging.SIZES,
                size=size,
                size_link=lambda wanted: self._link(size=str(wanted), after="", before=""),
                may=self.may,
                body=rows.body(drawn, heads, self.row_links, picked_by=self.name_of if actions or changes else None),
                actions=actions,
                changes=changes,
            )

    def _link(self, **changes: str) -> str:
        """This list, which is the page of this request, with other parameters."""
        known = filters.parameters(self.screen)
        asked = {key: value for key, value in request.args.items() if key in known} | changes
        query = urlencode({key: value for key, value in asked.items() if value}, safe=_PLAIN)
        return f"{request.script_root}{request.path}{'?' if query else ''}{query}"

    def _without(self, chip: filters.Chip) -> str:
        """This list without one of its chips."""
        return self._link(**{f"{chip.name}-{part}" if part != "value" else chip.name: "" for part in chip.values}, after="", before="")

    def _order_link(self, name: str) -> str:
        now = request.args.get("order", self.screen.order)
        return self._link(order=f"-{name}" if now == name else name, after="", before="")

    def row_links(self, row: Any, key: str) -> Sequence[tuple[str, str]]:
        """What a row offers, in words; a room's extension may say more, or something better."""
        offers = self._offers()
        if len(offers) > 1 and not self.may_edit(row):
            offers = offers[:1]
        return [(words, address.replace(_KEY, quote(key, safe="~"))) for words, address in offers]

    def _offers(self) -> Sequence[tuple[str, str]]:
        """The links of every row of this request, made once: making an address costs more than anything else in a row."""
        offers: dict[str, Sequence[tuple[str, str]]] = g.setdefault("row_offers", {})
        if self.screen.name not in offers:
            links = [(_("查看"), url_for(".show", pk=_KEY))]
            if self.may("edit"):
                links.append((_("修改"), url_for(".edit", pk=_KEY)))
            offers[self.screen.name] = links
        return offers[self.screen.name]

    def changeable(self) -> dict[str, Any]:
        """The fields that may be changed in many rows at once, each with its title; the part `changing` knows them."""
        return {}

    @expose("/options/<name>")
    @has_access
    @permission_name("list")
    def options(self, name: str) -> Any:
        model = self.offered(name)
        with transaction() as session:
            return {"options": forms.options(session, model, request.args.get("q", "").strip()[:60])}

    def offered(self, name: str) -> type[Any]:
        """The model a relation of this screen looks its rows up in, for whoever filters or writes by it; NotFound otherwise."""
        offered = {*self.screen.filters}
        if self.may("add") or self.may("edit"):
            offered |= {*self.screen.add, *self.screen.edit}
        if name not in offered or not self.datamodel.is_relation(name):
            raise NotFound()
        return self.datamodel.get_related_model(name)  # type: ignore[no-any-return]


def _count_words(page: paging.Page, is_further: bool) -> str:
    here = len(page.rows)
    if page.is_least:
        return _("本页 %(here)s 件，符合的有 1,000 件以上", here=here)
    if is_further:
        return _("本页 %(here)s 件，共 %(total)s 件", here=here, total=page.total)
    return _("共 %(total)s 件", total=page.total) if page.total == here else _("前 %(here)s 件，共 %(total)s 件", here=here, total=page.total)
