"""What the database or a service refused, put beside the field it is about: which value is taken and by whom, what still refers to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Column, Index, Table, UniqueConstraint
from sqlalchemy import inspect as mapped
from sqlalchemy.exc import IntegrityError

from console.crud import columns, telling
from console.db import Base, transaction
from console.errors import InvalidAnswers

_UNIQUE, _REFERRED, _MISSING = "23505", "23503", "23502"


def place(view: Any, error: Exception, form: Any) -> bool:
    """Put the refusal at its fields; False when it is about none of them."""
    problems = error.problems if isinstance(error, InvalidAnswers) else _of_database(view, error, form)
    known = {name: words for name, words in problems.items() if name in form}
    for name, words in known.items():
        form[name].errors = [*form[name].errors, words]
    return bool(problems) and len(known) == len(problems)


def words(view: Any, error: Exception, form: Any) -> str:
    """The refusal as sentences, for a page that has no place beside the field it is about."""
    problems = error.problems if isinstance(error, InvalidAnswers) else _of_database(view, error, form)
    return " ".join(dict.fromkeys(problems.values())) or telling.sentence(error)


def still_referred_to(error: Exception) -> str:
    """Why a row is not deleted: which table still refers to it, in words; empty for another refusal."""
    said = _said_by(error)
    table = Base.metadata.tables.get(str(said.table_name)) if said is not None and said.sqlstate == _REFERRED else None
    if table is None:
        return ""
    return _("没有删除：还有“%(what)s”引用着它。先去改掉那些引用，或者留着它。", what=_(table.comment or table.name))


def _said_by(error: Exception) -> Any:
    return getattr(error.orig, "diag", None) if isinstance(error, IntegrityError) else None


def _of_database(view: Any, error: Exception, form: Any) -> Mapping[str, str]:
    said = _said_by(error)
    model = view.screen.model
    if said is None or said.table_name != model.__tablename__:
        return {}
    fields = {column.name: name for name in form.data if (column := columns.column(model, name)) is not None}
    if said.sqlstate == _MISSING and said.column_name in fields:
        return {fields[said.column_name]: _("请填上这一项。")}
    if said.sqlstate == _REFERRED:
        names = [fields[column.name] for column in _columns_of(Base.metadata.tables[model.__tablename__], said.constraint_name) if column.name in fields]
        return {names[0]: _("没有这一项，或者它刚刚被删掉了。请重新选。")} if names else {}
    if said.sqlstate != _UNIQUE:
        return {}
    unique = _columns_of(Base.metadata.tables[model.__tablename__], said.constraint_name)
    names = [fields[column.name] for column in unique if column.name in fields]
    if not names:
        return {}
    holder = _holder(view, form, names) if len(names) == len(unique) else ""
    label = _("、").join(str(view.label_columns[name]) for name in names)
    if holder:
        return {names[-1]: _("%(label)s已被“%(holder)s”使用。请换一个，或者去改那一条。", label=label, holder=holder)}
    return {names[-1]: _("%(label)s已被别的内容使用。请换一个。", label=label)}


def _columns_of(table: Table, constraint: str | None) -> list[Column[Any]]:
    """The columns of a unique constraint, index or foreign key, by its name in the database."""
    uniques = [found for found in (*table.constraints, *table.indexes) if isinstance(found, UniqueConstraint | Index)]
    for found in uniques:
        if found.name == constraint:
            return list(found.columns)
    return [column for column in table.columns if any(key.constraint is not None and key.constraint.name == constraint for key in column.foreign_keys)]


def _holder(view: Any, form: Any, names: list[str]) -> str:
    """The name of the row that has this value already, when the reader may see it."""
    model = view.screen.model
    where = []
    for name in names:
        value = form[name].data
        state = mapped(value, raiseerr=False)
        if state is not None and getattr(state, "identity", None):
            value = state.identity[0]
        where.append(columns.column(model, name) == value)
    with transaction() as session:
        row = session.scalars(view.statement(()).where(*where).limit(1)).first()
        return view.name_of(row) if row is not None else ""
