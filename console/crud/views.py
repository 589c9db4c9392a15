"""The one base view: a `Screen` becomes pages under Flask-AppBuilder's permissions, menus and forms.

What FAB ships and we replace, because of what it really does: its list counts whole tables, loads relations one by one and keeps
filters in a shared object; its `action` and `download` routes fetch past every scope; its writes commit by themselves. Here every
row is fetched by a select through scope, every write happens inside `transaction()` and is audited, and no GET writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import Select, and_, func, literal, select
from sqlalchemy import inspect as mapped
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from console import audit
from console.accounts import whereabouts, why
from console.crud import columns, filters, forms
from console.crud.screen import RowAction, Screen
from console.db import transaction
from console.errors import Conflict, ConsoleError, NotFound
from console.scope import current

COUNT_LIMIT = 1_000
MAX_PAGE = 400
MAX_PICKED = 200


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
    list_template = "appbuilder/general/model/list.html"
    show_template = "appbuilder/general/model/show.html"
    add_template = "appbuilder/general/model/add.html"
    edit_template = "appbuilder/general/model/edit.html"
    delete_template = "appbuilder/general/model/delete.html"
    act_template = "appbuilder/general/model/act.html"

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
            name: lazy_gettext(screen.labels.get(name) or columns.label(screen.model, name))
            for name in {*screen.columns, *screen.shown, *screen.add, *screen.edit, *screen.filters}
        }
        self.description_columns = {name: lazy_gettext(words) for name, words in screen.help.items()}
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

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────

    def statement(self, names: tuple[str, ...]) -> Select[Any]:
        """Rows with every many-to-one relation these columns need, in one statement; a room may narrow it."""
        statement = select(self.screen.model)
        for chain in columns.relations(self.screen.model, names):
            option: Any = None
            model = self.screen.model
            for name in chain:
                attribute = getattr(model, name)
                option = joinedload(attribute) if option is None else option.joinedload(attribute)
                model = attribute.property.mapper.class_
            statement = statement.options(option)
        return statement

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
        return and_(*(column == _read_key(column, part) for column, part in zip(keys, parts, strict=True)))

    def key(self, row: Any) -> str:
        return "~".join(str(part) for part in mapped(row).identity)

    def cell(self, row: Any, name: str) -> Any:
        """One value in words; a room's formats come first."""
        value = columns.in_language(row, (name,)) or columns.value_at(row, name)
        chosen = None if columns.is_secret(self.screen.model, name) else self.screen.formats.get(name)
        if chosen is not None:
            return chosen(value)
        if value is not None and name in self.screen.choices:
            return dict(self.screen.choices[name]()).get(str(value), value)
        return columns.words(self.screen.model, name, value, row)

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

    def _order(self, statement: Select[Any]) -> tuple[Select[Any], str]:
        wanted = request.args.get("order", "")
        chosen = wanted if wanted.removeprefix("-") in self.order_columns else self.screen.order
        keys = list(mapped(self.screen.model).primary_key)
        if chosen:
            attribute = getattr(self.screen.model, chosen.removeprefix("-"))
            first = attribute.desc().nulls_last() if chosen.startswith("-") else attribute.asc().nulls_last()
            return statement.order_by(first, *(k.desc() if chosen.startswith("-") else k for k in keys)), chosen
        return statement.order_by(*keys), ""

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        screen = self.screen
        page = _whole(request.args.get("page"), 1, MAX_PAGE)
        with transaction() as session:
            narrowed = filters.narrow(self.statement(screen.columns), screen, request.args)
            counted = filters.narrow(select(literal(1)).select_from(screen.model), screen, request.args)
            count = select(func.count()).select_from(counted.limit(COUNT_LIMIT + 1).subquery()).scalar_subquery()
            ordered, order = self._order(narrowed)
            found = session.execute(
                ordered.add_columns(count).limit(screen.page_size + 1).offset((page - 1) * screen.page_size)
            ).unique()
            rows = found.all()
            drawn = [
                (self.key(row), [self.cell(row, name) for name in screen.columns], row)
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
                heads=[(name, self.label_columns[name]) for name in screen.columns],
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

    @expose("/<pk>")
    @has_access
    @permission_name("show")
    def show(self, pk: str) -> Any:
        screen = self.screen
        with transaction() as session:
            row = self.one(session, pk, screen.shown)
            return self.render_template(
                self.show_template,
                screen=screen,
                title=_(screen.title),
                row=row,
                key=pk,
                name=self.name_of(row),
                pairs=[(self.label_columns[name], self.cell(row, name)) for name in screen.shown],
                may=self.may,
                actions=[action for action in screen.actions if self.may(action.name)],
                more=self.more(session, row),
                guarded=whereabouts.is_guarded(screen.model),
            )

    @expose("/<pk>/why")
    @has_access
    @permission_name("show")
    def why(self, pk: str) -> Any:
        """Why this row is shown to me, or to `?staff=`, and what may be done with it."""
        with transaction() as session:
            row = self.one(session, pk, self.screen.shown)
            page = why.page(session, row, name=self.name_of(row), back=url_for(".show", pk=pk))
            return self.render_template(why.TEMPLATE, **page)

    def more(self, session: OrmSession, row: Any) -> Sequence[tuple[str, Any]]:
        """Further sheets under the shown one: pairs (title, markup). For a room's extension."""
        return []

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Any:
        with _telling() as told, transaction() as session:
            form = self.add_form()
            if request.method == "POST" and form.validate():
                row = self.screen.model()
                self.fill(form, row, self.screen.add)
                self.pre_add(row)
                self.datamodel.add(row)
                self.post_add(row)
                audit.record(session, f"{self.screen.name}.added", self._subject(row), changes=self._written(form, row))
                told.success = _("已新增“%(name)s”。", name=self.name_of(row))
                told.address = url_for(".show", pk=self.key(row))
        return told.answer or self._form_page(self.add_template, form, _("新增%(what)s", what=_(self.screen.title)))

    @expose("/<pk>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk: str) -> Any:
        with _telling() as told, transaction() as session:
            row = self.one(session, pk, self.screen.edit)
            name = self.name_of(row)
            form = self.edit_form(obj=row)
            form._id = self.datamodel.get_pk_value(row)  # FAB's Unique validator leaves the row itself out
            if request.method == "POST" and form.validate():
                before = {field: self._told(row, field) for field in self.screen.edit}
                self.fill(form, row, self.screen.edit)
                self.pre_update(row)
                self.datamodel.edit(row)
                self.post_update(row)
                after = self._written(form, row)
                changes = {field: [before[field], after[field]] for field in after if before[field] != after[field]}
                if changes:
                    audit.record(session, f"{self.screen.name}.changed", self._subject(row), changes=changes)
                told.success = _("已保存“%(name)s”。", name=self.name_of(row))
                told.address = url_for(".show", pk=pk)
        return told.answer or self._form_page(self.edit_template, form, _("修改“%(name)s”", name=name), key=pk)

    @expose("/<pk>/delete", methods=["GET", "POST"])
    @has_access
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        with _telling() as told, transaction() as session:
            row = self.one(session, pk)
            name = self.name_of(row)
            if request.method == "POST":
                subject = self._subject(row)
                self.pre_delete(row)
                self.datamodel.delete(row)
                self.post_delete(row)
                audit.record(session, f"{self.screen.name}.deleted", subject)
                told.success = _("已删除“%(name)s”。", name=name)
                told.address = url_for(".list")
        if told.answer is not None:
            return told.answer
        return self.render_template(
            self.delete_template, screen=self.screen, title=_("删除“%(name)s”？", name=name), key=pk, name=name
        )

    def fill(self, form: Any, row: Any, names: tuple[str, ...]) -> None:
        """Only the declared fields reach the row, whatever was posted."""
        for name in names:
            form[name].populate_obj(row, name)

    def _form_page(self, template: str, form: Any, title: str, **more: Any) -> Any:
        return self.render_template(template, screen=self.screen, title=title, form=form, may=self.may, **more)

    def _subject(self, row: Any) -> str:
        return f"{self.screen.model.__tablename__}:{self.key(row)}"

    def _written(self, form: Any, row: Any) -> dict[str, Any]:
        return {name: self._told(row, name) for name in form.data if name not in {"csrf_token"} and hasattr(row, name)}

    def _told(self, row: Any, name: str) -> Any:
        """A value, fit for the trail: of who somebody is, that it changed and not what it is."""
        value = columns.value_at(row, name)
        return audit.fingerprint(value) if columns.is_personal(self.screen.model, name) else _plain(value)

    # ── relations by name, and acts ──────────────────────────────────────────────────────────────────────────

    @expose("/options/<name>")
    @has_access
    @permission_name("list")
    def options(self, name: str) -> Any:
        offered = {*self.screen.filters}
        if self.may("add") or self.may("edit"):
            offered |= {*self.screen.add, *self.screen.edit}
        if name not in offered or not self.datamodel.is_relation(name):
            raise NotFound()
        with transaction() as session:
            model = self.datamodel.get_related_model(name)
            return {"options": forms.options(session, model, request.args.get("q", "").strip()[:60])}

    @expose("/act/<name>", methods=["GET", "POST"])
    def act(self, name: str) -> Any:
        """Ask (GET) and do (POST) a declared action on picked rows; rows outside the scope are left out and counted."""
        action = next((a for a in self.screen.actions if a.name == name), None)
        if action is None:
            raise NotFound()
        if not self.may(action.name):
            abort(403)
        keys = list(dict.fromkeys(request.values.getlist("rowid")))[:MAX_PICKED]
        if not keys:
            flash(_("请先选中要办的行。"), "warn")
            return redirect(url_for(".list"))
        with _telling() as told, transaction() as session:
            rows = self._picked(session, keys)
            missing = len(keys) - len(rows)
            names = [self.name_of(row) for row in rows]  # before the act: one that is refused shows this page again
            asked = request.method == "POST" and request.form.get("sure") == "yes"
            if asked and rows:
                answers = {field: request.form.get(field, "").strip() for field in action.fields}
                if all(answers.values()):
                    told.success = self._do(session, action, rows, answers)
                    told.address = url_for(".list") if len(rows) > 1 else url_for(".show", pk=keys[0])
                else:
                    flash(_("请把要填的都填上。"), "bad")
        if told.answer is not None:
            return told.answer
        return self.render_template(
            self.act_template, screen=self.screen, title=_(action.title), action=action, names=names, keys=keys, missing=missing
        )

    def _picked(self, session: OrmSession, keys: Any) -> Any:
        key = mapped(self.screen.model).primary_key[0]
        if key.type.python_type is int:
            keys = [int(k) for k in keys if k.isascii() and k.isdecimal() and len(k) < 19]
        return session.scalars(self.statement(()).where(key.in_(keys)).order_by(key)).unique().all()

    def _do(self, session: OrmSession, action: RowAction, rows: Any, answers: dict[str, str]) -> str:
        said = action.run(session, [*rows], actor=current(), **answers)
        return said or _("已办：%(what)s。", what=_(action.title))

    def may(self, permission: str) -> bool:
        """Whether the person may open this permission of this screen."""
        name = PERMISSION_PREFIX + permission
        return name in self.base_permissions and self.appbuilder.sm.has_access(name, self.class_permission_name)


def _keep_secrets_out(screen: Screen) -> None:
    """A secret is shown as `console.visibility` says and nothing else: to look for it, sort by it or write it in a form would tell it."""
    asked = {*screen.search, *screen.filters, *(screen.sortable or ()), screen.order.removeprefix("-"), *screen.add, *screen.edit, *screen.choices}
    if told := sorted(name for name in asked if name and columns.is_secret(screen.model, name)):
        raise ValueError(f"screen {screen.name!r} searches, sorts or writes {', '.join(told)}, which is encrypted")


class _Told:
    """What a writing page has to say when its transaction has committed: a sentence, and where to go."""

    success: str | None = None
    address: str = ""

    @property
    def answer(self) -> Any:
        if self.success is None:
            return None
        flash(self.success, "ok")
        return redirect(self.address, 303)


@contextmanager
def _telling() -> Iterator[_Told]:
    """Stands outside the transaction, so that what it catches has been rolled back: our errors become a flash, and the page
    is shown again with everything typed."""
    told = _Told()
    try:
        yield told
    except (ConsoleError, IntegrityError, StaleDataError, StatementError) as error:
        if isinstance(error, NotFound) or request.method != "POST":
            raise
        flash(_sentence(error), "bad")
        told.success = None


def _sentence(error: Exception) -> str:
    if isinstance(error, ConsoleError):
        return str(_(error.message, **error.facts))
    if isinstance(error, IntegrityError):
        return _("没有保存：与已有内容重复，或者还有别的内容引用着它。")
    if isinstance(error, StaleDataError):
        return str(_(Conflict.message))
    return _("没有保存：有一项内容超出了允许的长度或范围。")


def _read_key(column: Any, part: str) -> Any:
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


def _whole(text: str | None, least: int, most: int) -> int:
    if not text or not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return least
    return min(max(int(text), least), most)


def _count_words(total: int, here: int, page: int) -> str:
    if total > COUNT_LIMIT:
        return _("第 %(page)s 页，本页 %(here)s 件，符合的有 1,000 件以上", page=page, here=here)
    return _("第 %(page)s 页，本页 %(here)s 件，共 %(total)s 件", page=page, here=here, total=total)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


ROUTES = {"list", "show", "options", "why"}


def make_view(screen: Screen) -> type[ScreenView]:
    """The view class of a screen; its class name, permission name and address are the screen's name, for good."""
    routes = set(ROUTES)
    routes |= {name for name, wanted in (("add", screen.add), ("edit", screen.edit), ("delete", screen.delete)) if wanted}
    if screen.actions:
        routes.add("act")
    extras: set[str] = set(getattr(screen.extend, "routes", ()))
    parents: tuple[type[Any], ...] = (screen.extend, ScreenView) if screen.extend else (ScreenView,)
    attributes: dict[str, Any] = {
        "screen": screen,
        "datamodel": ScopedInterface(screen.model),
        "class_permission_name": screen.name,
        "route_base": f"/screens/{screen.name}",
        "include_route_methods": routes | extras,
        "base_permissions": [*screen.permissions, *getattr(screen.extend, "permissions", {})],
    }
    return type(view_name(screen.name), parents, attributes)


def view_name(name: str) -> str:
    """The endpoint of a screen: `url_for(view_name("venues") + ".list")`."""
    return f"screen_{name.replace('-', '_')}"


