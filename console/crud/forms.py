"""Forms from columns: Flask-AppBuilder converts them, we choose the widgets and fetch what people choose through scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_appbuilder.forms import GeneralModelConverter
from flask_appbuilder.validators import Unique
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import Integer, inspect, select
from sqlalchemy.orm import Session as OrmSession
from wtforms import BooleanField, DateField, DateTimeLocalField, Field, SelectField, StringField, TextAreaField
from wtforms.fields.numeric import IntegerField
from wtforms.utils import unset_value
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError
from wtforms.widgets import TextInput

from console import clock
from console.crud import columns, searching
from console.db import Session

MAX_OPTIONS = 20
_NAMES = ("name", "title", "username", "number", "code")


def search_in(model: type[Any], words: str) -> Any:
    """The criterion of a look-up: the words anywhere in the columns people know a row by: those its class names, or those that are called so."""
    known = getattr(model, "known_by", None)
    if known is None:
        known = [name for name in _NAMES if name in inspect(model).column_attrs]
    return searching.having(model, known, words)


def options(session: OrmSession, model: type[Any], words: str) -> list[dict[str, str]]:
    """What a look-up offers, at most twenty, all inside the reader's scope."""
    statement = select(model).order_by(*inspect(model).primary_key).limit(MAX_OPTIONS)
    if words:
        statement = statement.where(search_in(model, words))
    return [{"id": key_of(row), "text": str(row)} for row in session.scalars(statement)]


def key_of(row: Any) -> str:
    return str(inspect(row).identity[0])


def fetch(session: OrmSession, model: type[Any], key: str) -> Any | None:
    """One row by its key, through scope: a select, not `get()`, because the identity map asks nobody."""
    found = inspect(model).primary_key[0]
    if isinstance(found.type, Integer):
        if not (key.isascii() and key.isdecimal() and len(key) < 19):
            return None
        return session.scalars(select(model).where(found == int(key))).one_or_none()
    return session.scalars(select(model).where(found == key)).one_or_none()


class LookupWidget:
    """A text box that finds, with the key in a hidden field. Without script the typed words themselves are looked up."""

    def __call__(self, field: LookupField, **attrs: Any) -> Markup:
        marks = Markup(" ").join(
            Markup('{}="{}"').format(name.replace("_", "-"), value) for name, value in attrs.items() if name != "class"
        )
        return Markup(
            '<div class="lookup" data-url="{url}" data-none="{none}"><input type="hidden" name="{name}" value="{key}">'
            '<input type="text" class="form-control" id="{id}" name="{name}-words" value="{text}" data-shown="{text}" {marks}'
            ' role="combobox" autocomplete="off" aria-autocomplete="list" aria-expanded="false" aria-controls="{id}-list">'
            '<div class="lookup-list" id="{id}-list" role="listbox" hidden></div></div>'
        ).format(
            url=field.options_url() if field.options_url else "",
            none=_("没有找到。换几个字试试。"),
            name=field.name,
            id=field.id,
            key=key_of(field.data) if field.data is not None else "",
            text=field.typed if field.data is None else str(field.data),
            marks=marks,
        )


class LookupField(Field):
    """A many-to-one relation chosen by name."""

    widget = LookupWidget()

    def __init__(
        self,
        label: str = "",
        validators: Any = (),
        *,
        model: type[Any],
        options_url: Callable[[], str] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(label, validators, **rest)
        self.model = model
        self.options_url = options_url
        self.typed = ""
        self.unknown = False

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        if formdata is not None:
            self.typed = (formdata.get(f"{self.name}-words") or "").strip()
        super().process(formdata, data, extra_filters)

    def process_formdata(self, valuelist: list[str]) -> None:
        key = valuelist[0].strip() if valuelist else ""
        self.data = None
        if key:
            self.data = fetch(Session(), self.model, key)
            self.unknown = self.data is None
        elif self.typed:
            found = list(Session().scalars(select(self.model).where(search_in(self.model, self.typed)).limit(2)))
            self.data = found[0] if len(found) == 1 else None
            self.unknown = self.data is None

    def pre_validate(self, form: Any) -> None:
        if self.unknown:
            raise ValidationError(_("没有这一项，或者它不在您的范围内。请从列表里选。"))


def _tidy(value: str | None) -> str | None:
    """As it was typed, without blanks around it and with one kind of line end; nothing is None."""
    return value.strip().replace("\r\n", "\n") if value else None


class InstantField(DateTimeLocalField):
    """An instant by the clock on the wall: shown and read in the province's time, stored as the instant it is."""

    def process_data(self, value: Any) -> None:
        self.data = value.astimezone(clock.ZONE).replace(tzinfo=None) if value is not None and value.tzinfo else value

    def populate_obj(self, obj: Any, name: str) -> None:
        setattr(obj, name, self.data.replace(tzinfo=clock.ZONE) if self.data is not None else None)


class Converter(GeneralModelConverter):
    """FAB's converter with native inputs, relations found by name, and declared choices."""

    def __init__(self, datamodel: Any, screen: Any, options_url: Callable[[str], str]) -> None:
        super().__init__(datamodel)
        self.screen = screen
        self.options_url = options_url

    def _convert_many_to_one(
        self, col_name: str, label: Any, description: Any, lst_validators: list[Any], filter_rel_fields: Any, form_props: Any
    ) -> Any:
        need = not self.datamodel.is_nullable(col_name)
        form_props[col_name] = LookupField(
            label,
            [*lst_validators, DataRequired(_l("请选一项。")) if need else Optional()],
            description=description,
            model=self.datamodel.get_related_model(col_name),
            options_url=lambda: self.options_url(col_name),
        )
        return form_props

    def _convert_simple(
        self, col_name: str, label: Any, description: Any, lst_validators: list[Any], form_props: Any
    ) -> Any:
        if col_name in self.screen.choices:
            form_props[col_name] = SelectField(
                label, [*lst_validators, InputRequired()], description=description, choices=self.screen.choices[col_name]
            )
            return form_props
        props = super()._convert_simple(col_name, label, description, list(lst_validators), form_props)
        made = props[col_name]  # an unbound field: its class and arguments
        kwargs = {key: value for key, value in made.kwargs.items() if key != "widget"}
        kind = made.field_class
        # what is taken is said by the database, at the field: asking first costs a statement and proves nothing
        kwargs["validators"] = [] if kind is BooleanField else [v for v in kwargs["validators"] if not isinstance(v, Unique)]
        if self.datamodel.is_datetime(col_name):
            kind = InstantField
        elif self.datamodel.is_date(col_name):
            kind = DateField
        elif columns.is_long(self.screen.model, col_name):
            kind, kwargs["filters"] = TextAreaField, [_tidy]
        elif kind is StringField:
            kwargs["filters"] = [_tidy]
        elif kind is IntegerField:
            kwargs["widget"] = TextInput()
        props[col_name] = kind(*made.args, **kwargs)
        return props
