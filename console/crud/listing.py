"""The list of a screen: one page of rows, its chips, its order, and the look-ups its relations are found by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from sqlalchemy import Select, func, literal, select
from sqlalchemy import inspect as mapped

from console.crud import filters, forms
from console.crud.base import ScreenView
from console.crud.screen import Screen
from console.db import transaction
from console.errors import NotFound

COUNT_LIMIT = 1_000
MAX_PAGE = 400


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
        page = _whole(request.args.get("page"), 1, MAX_PAGE)
        with transaction() as session:
            narrowed = filters.narrow(self.statement(names), screen, request.args)
            counted = filters.narrow(select(literal(1)).select_from(screen.model), screen, request.args)
            count = select(func.count()).select_from(counted.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()
            ordered, order = self._order(narrowed)
            found = session.execute(
                ordered.add_columns(count).limit(screen.page_size + 1).offset((page - 1) * screen.page_size)
            ).unique()
            rows = found.all()
            drawn = [
                (self.key(row), [self.cell(row, name) for name in names], row)
                for row, _count in rows[: screen.page_size]
            ]
            chips = filters.chips(
                screen, request.args, titles=self.label_columns, options_url=lambda name: url_for(".options", name=name)
            )
            total = rows[0][1] if rows else 0
            return self.render_template(
                self.list_template,
                screen=screen,
                title=_(screen.title),
                heads=[(name, self.label_columns[name]) for name in names],
                rows=drawn,
                chips=chips,
                any_filter=bool(request.args.get("q")) or any(chip.on for chip in chips),
                order=order,
                order_link=self._order_link,
                order_columns=self.order_columns,
                view_link=self._without,
                previous=self._page_link(page - 1) if page > 1 else "",
                next=self._page_link(page + 1) if len(rows) > screen.page_size and page < MAX_PAGE else "",
                count_words=_count_words(total, len(drawn), page),
                may=self.may,
                row_links=self.row_links,
                name_of=self.name_of,
                actions=[action for action in screen.actions if self.may(action.name)],
            )

    def _order(self, statement: Select[Any]) -> tuple[Select[Any], str]:
        wanted = request.args.get("order", "")
        chosen = wanted if wanted.removeprefix("-") in self.order_columns else self.screen.order
        keys = list(mapped(self.screen.model).primary_key)
        if chosen:
            attribute = getattr(self.screen.model, chosen.removeprefix("-"))
            first = attribute.desc().nulls_last() if chosen.startswith("-") else attribute.asc().nulls_last()
            return statement.order_by(first, *(k.desc() if chosen.startswith("-") else k for k in keys)), chosen
        return statement.order_by(*keys), ""

    def _link(self, **changes: str) -> str:
        known = filters.parameters(self.screen)
        args = {key: value for key, value in request.args.items() if key in known and value}
        args |= changes
        known_args: Any = {key: value for key, value in args.items() if value}
        return url_for(".list", **known_args)

    def _without(self, chip: filters.Chip) -> str:
        """This list without one of its chips."""
        return self._link(**{f"{chip.name}-{part}" if part != "value" else chip.name: "" for part in chip.values}, page="")

    def _page_link(self, page: int) -> str:
        return self._link(page=str(page) if page > 1 else "")

    def _order_link(self, name: str) -> str:
        now = request.args.get("order", self.screen.order)
        return self._link(order=f"-{name}" if now == name else name, page="")

    def row_links(self, row: Any, key: str) -> Sequence[tuple[str, str]]:
        """What a row offers, in words; a room's extension may say more, or something better."""
        links = [(_("查看"), url_for(".show", pk=key))]
        if self.may("edit"):
            links.append((_("修改"), url_for(".edit", pk=key)))
        return links

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


def _whole(text: str | None, least: int, most: int) -> int:
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return least
    return min(max(int(text), least), most)


def _count_words(total: int, here: int, page: int) -> str:
    if total > COUNT_LIMIT:
        return _("第 %(page)s 页，本页 %(here)s 件，符合的有 1,000 件以上", page=page, here=here)
    return _("第 %(page)s 页，本页 %(here)s 件，共 %(total)s 件", page=page, here=here, total=total)
