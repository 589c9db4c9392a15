"""What every page of a screen stands on: registration under Flask-AppBuilder, rows fetched through scope, values in words.

What FAB ships and we replace, because of what it really does: its list counts whole tables, loads relations one by one and keeps
filters in a shared object; its `action` and `download` routes fetch past every scope; its writes commit by themselves. Here every
row is fetched by a select through scope, every write happens inside `transaction()` and is audited, and no GET writes.
The pages themselves are parts: `listing showing writing acting changing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

from flask import url_for
from flask_appbuilder import ModelView
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape
from sqlalchemy import Select, and_, select
from sqlalchemy import inspect as mapped
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import defer, joinedload

from console import audit
from console.crud import columns, forms
from console.crud.screen import Screen
from console.doors.look import said
from console.doors.preferences import language
from console.errors import NotFound


class ScopedInterface(SQLAInterface):
    """FAB's view of a model, without its own commits."""

    def add(self, item: Any, commit: bool = False) -> None:
        self.session.add(item)
        self.session.flush()

    def edit(self, item: Any, commit: bool = False) -> None:
        self.session.flush()

    def delete(self, item: Any, commit: bool = False) -> None:
        self.session.delete(item)
        self.session.flush()


class ScreenView(ModelView):
    """Made from a Screen by `make_view`; a room's `extend` class comes before it and may override the hooks."""

    screen: ClassVar[Screen]
    # FAB declares these as None until a class fills them
    include_route_methods: Any
    datamodel: Any
    appbuilder: Any
    add_form: Any
    edit_form: Any
    order_columns: Any

    @classmethod
    def routes_of(cls, screen: Screen) -> set[str]:
        """The route methods this part has for a screen; an extension adds its own in `routes`."""
        return set()

    # ── what FAB asks for at registration ────────────────────────────────────────────────────────────────────

    def _init_properties(self) -> None:
        screen = self.screen
        _keep_secrets_out(screen)
        self.list_columns = list(screen.columns)
        self.show_columns = list(screen.shown)
        self.add_columns = list(screen.add)
        self.edit_columns = list(screen.edit)
        self.search_columns = list(screen.search)
        self.order_columns = self.order_columns or self._sortable()
        self.related_views, self._related_views = [], []
        self.label_columns = {
            name: _lazily(screen.labels.get(name) or columns.label(screen.model, name))
            for name in {*screen.columns, *screen.optional, *screen.shown, *screen.add, *screen.edit, *screen.filters, *screen.exported, *screen.importable}
        }
        self.description_columns = {name: _lazily(words) for name, words in screen.help.items()}
        self.base_filters, self._base_filters, self._filters = [], None, None
        self.validators_columns = dict(self.validators_columns or {})
        self.actions = {}

    def _init_forms(self) -> None:
        converter = forms.Converter(self.datamodel, self.screen, lambda name: url_for(".options", name=name))
        extra = {"add": self.add_form_extra_fields, "edit": self.edit_form_extra_fields}
        for kind, names in (("add", self.add_columns), ("edit", self.edit_columns)):
            if names and getattr(self, f"{kind}_form") is None:
                form = converter.create_form(
                    self.label_columns, names, self.description_columns, self.validators_columns, extra[kind]
                )
                setattr(self, f"{kind}_form", form)

    def _sortable(self) -> list[str]:
        screen = self.screen
        if screen.sortable is not None:
            return list(screen.sortable)
        own = [name for name in screen.columns if "." not in name and columns.column(screen.model, name) is not None]
        return [
            name
            for name in own
            if name in mapped(screen.model).column_attrs and not columns.is_secret(screen.model, name)
        ]

    def columns_for(self) -> tuple[str, ...]:
        """The columns of the list of this request."""
        return self.screen.columns

    def elsewhere(self) -> Any:
        """Where the list of this request is really to be found; None: here."""
        return None

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def statement(self, names: tuple[str, ...]) -> Select[Any]:
        """Rows with every many-to-one relation these columns need, in one statement; a room may narrow it."""
        return select(self.screen.model).options(*self._loading(names))

    def _loading(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What is loaded with the rows, and what is not: secrets nobody looks at stay sealed. Found out once for each choice of columns."""
        known: dict[tuple[str, ...], tuple[Any, ...]] = self.__dict__.setdefault("_loadings", {})
        if names not in known:
            options = [defer(attribute) for attribute in columns.sealed(self.screen.model, names, ())]
            for chain in columns.relations(self.screen.model, names):
                option: Any = None
                model = self.screen.model
                for name in chain:
                    attribute = getattr(model, name)
                    option = joinedload(attribute) if option is None else option.joinedload(attribute)
                    model = attribute.property.mapper.class_
                options += [option, *(option.defer(one) for one in columns.sealed(model, names, chain))]
            known[names] = tuple(options)
        return known[names]

    def one(self, session: OrmSession, key: str, names: tuple[str, ...] = ()) -> Any:
        """The row, through scope; NotFound for one that is not there and for one that is not yours."""
        row = session.scalars(self.statement(names).where(self._is(key))).unique().one_or_none()
        if row is None:
            raise NotFound()
        return row

    def _is(self, key: str) -> Any:
        keys = mapped(self.screen.model).primary_key
        parts = key.split("~") if len(keys) > 1 else [key]
        if len(parts) != len(keys):
            raise NotFound()
        return and_(*(column == read_key(column, part) for column, part in zip(keys, parts, strict=True)))

    def key(self, row: Any) -> str:
        return "~".join(str(part) for part in mapped(row).identity)

    def cell(self, row: Any, name: str) -> Any:
        """One value in words; a room's formats come first."""
        return self.words_of(row, name, columns.in_language(row, (name,)) or columns.value_at(row, name))

    def words_of(self, row: Any, name: str, value: Any) -> Any:
        """A value that a column of this row has, or may get, in words."""
        chosen = None if columns.is_secret(self.screen.model, name) else self.screen.formats.get(name)
        if chosen is not None:
            return chosen(value)
        if value is not None and name in self.screen.choices:
            return dict(self.screen.choices[name]()).get(str(value), value)
        return columns.words(self.screen.model, name, value, row)

    def reader(self, name: str) -> Callable[[Any], str]:
        """`cell()` of one column for many rows, as HTML: what is the same for all of them is found out once."""
        screen = self.screen
        if columns.is_secret(screen.model, name) or name in screen.formats or (language() == "en" and columns.has_english(screen.model, name)):
            return lambda row: escape(self.cell(row, name))
        get = attrgetter(name) if "." not in name else lambda row: columns.value_at(row, name)
        if name in screen.choices:
            chosen = dict(screen.choices[name]())
            return lambda row: "—" if (value := get(row)) is None else escape(chosen.get(str(value), value))
        wording = columns.wording(screen.model, name)
        return lambda row: wording(get(row), row)

    def name_of(self, row: Any) -> str:
        """What a row is called in headings and messages: in its own words, else by its first column."""
        own: Any = type(row).__str__
        if own is not object.__str__:
            return columns.in_language(row, ("name", "title")) or str(row)
        first = self.screen.columns[0]
        value = columns.value_at(row, first)
        if value is None or isinstance(value, (bool, int)):
            return f"{_(self.screen.title)} {self.key(row)}"
        return str(Markup(self.cell(row, first)).striptags())

    def may(self, permission: str) -> bool:
        """Whether the person may open this permission of this screen."""
        name = PERMISSION_PREFIX + permission
        return name in self.base_permissions and self.appbuilder.sm.has_access(name, self.class_permission_name)

    def may_edit(self, row: Any) -> bool:
        """Whether this row may be changed as it lies, for whoever may change rows of this screen."""
        return True

    # ── what the audit is told ───────────────────────────────────────────────────────────────────────────────

    def _subject(self, row: Any) -> str:
        return f"{self.screen.model.__tablename__}:{self.key(row)}"

    def _told(self, row: Any, name: str) -> Any:
        """A value, fit for the trail: of who somebody is, that it changed and not what it is."""
        value = columns.value_at(row, name)
        return audit.fingerprint(value) if columns.is_personal(self.screen.model, name) else _plain(value)


def _lazily(words: Any) -> Any:
    """A sentence of ours, translated when shown; what knows its languages by itself stays as it is."""
    return LazyString(lambda: str(said(words))) if isinstance(words, str) else words


def _keep_secrets_out(screen: Screen) -> None:
    """A secret is shown as `console.visibility` says and nothing else: to look for it, sort by it or write it in a form would tell it."""
    asked = {*screen.search, *screen.filters, *(screen.sortable or ()), screen.order.removeprefix("-"), *screen.add, *screen.edit, *screen.choices}
    if screen.enter_rows is None:
        asked |= {*screen.importable}
    if told := sorted(name for name in asked if name and columns.is_secret(screen.model, name)):
        raise ValueError(f"screen {screen.name!r} searches, sorts or writes {', '.join(told)}, which is encrypted")


def read_key(column: Any, part: str) -> Any:
    """One part of a key from an address; NotFound for what cannot be one."""
    kind = column.type.python_type
    try:
        if kind is dt.date:
            return dt.date.fromisoformat(part)
        if kind is int:
            if not (part.isascii() and part.isdecimal() and len(part) < 10):
                raise NotFound()
            return int(part)
    except ValueError:
        raise NotFound() from None
    return part


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
