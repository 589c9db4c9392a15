"""A register's rows out of a file: the columns a file may bring, and the register's own service for each row, so that its checks hold here too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.crud.screen import FileRow, RowProblem
from console.errors import N_, Conflict, InvalidAnswers
from console.registers import services
from console.registers.loading import Loaded
from console.registers.shapes import answer, is_secret
from console.registers.tables import Declared
from console.registers.words import said
from console.scope import Principal
from rules.registers import Register


class RowRefused(Conflict):
    """Something has changed since the file was looked at: a value of a row is taken by now, a check no longer holds."""

    message = N_("第 %(line)s 行：%(what)s 文件中的内容都没有写入，请核对后再导入。")


_CELLS = {"uscc": N_("统一社会信用代码，18 位"), "email": N_("邮箱地址，例如 name@example.cn")}
_KINDS = ("text", "long_text", "uscc", "email", "choice", "integer", "decimal", "date", "boolean")


def columns(declared: Declared) -> tuple[str, ...]:
    """The fields a file may bring: one value each, found by name where they point at something. Secrets, papers and groups are typed."""
    return tuple(
        name for name, field in declared.fields.items() if not is_secret(field) and (field.kind in _KINDS or declared.shapes[name].relation)
    )  # fmt: skip


def key(declared: Declared) -> tuple[str, ...]:
    """What a row is found again by: the first thing that the register says there is only one of, when a file can bring it."""
    brought = set(columns(declared))
    return next((together for together in declared.document.unique if set(together) <= brought), ())


def fields_of(one: Loaded) -> dict[str, Any]:
    """The fields of the register's `Screen` that say how files come in; nothing for a register no file can fill."""
    if not columns(one.declared) or not one.declared.document.edit.roles:
        return {}
    return {
        "importable": columns(one.declared), "required": tuple(name for name in columns(one.declared) if one.declared.fields[name].is_required),
        "key": key(one.declared), "cells": {name: _CELLS[field.kind] for name, field in one.declared.fields.items() if field.kind in _CELLS}, "check_rows": partial(_check, one), "enter_rows": partial(_enter, one),
        "change_rows": partial(_change, one),
    }  # fmt: skip


def _answers(one: Loaded, values: Any) -> dict[str, Any]:
    return {name: answer(one.declared.fields[name], value) for name, value in values.items() if value is not None}


def _check(one: Loaded, session: Session, rows: Iterable[FileRow], *, actor: Principal) -> Iterator[RowProblem]:
    """What the form would say of each row, and the register's checks that stop a row."""
    today = clock.today(session)
    register: Register = one.declared.register
    rows = list(rows)
    there = [int(row.target) for row in rows if row.target is not None]
    kept = {str(row.id): services.answers(one.declared, row) for row in session.scalars(select(one.rows).where(one.rows.id.in_(there)))} if there else {}
    for row in rows:
        given = {**kept.get(row.target or "", {}), **dict.fromkeys(row.values), **_answers(one, row.values)}
        try:
            values = services.read(session, one, given)
        except InvalidAnswers as wrong:
            for path, say in wrong.problems.items():
                name = path.partition(".")[0]
                yield RowProblem(row.line, name, str(row.values.get(name) or ""), say)
            continue
        for check in register.failing(services.facts(one.declared, values, entered_on=today, changed_on=today), on=today):
            if check.severity == "error":
                yield RowProblem(row.line, "", "", said(check.message))


def _enter(one: Loaded, session: Session, rows: Sequence[FileRow], *, actor: Principal) -> None:
    for row in rows:
        with _at_line(row):
            services.enter(session, one, _answers(one, row.values), actor=actor)


def _change(one: Loaded, session: Session, pairs: Sequence[tuple[Any, FileRow]], *, actor: Principal) -> None:
    """Columns the file lacks keep their values; an empty cell empties."""
    for row, brought in pairs:
        given = _answers(one, brought.values) | {name: None for name, value in brought.values.items() if value is None}
        with _at_line(brought):
            services.change(session, one, row, given, actor=actor, version=row.version)


@contextmanager
def _at_line(row: FileRow) -> Iterator[None]:
    """What stands against a row that was found right when the file was looked at."""
    try:
        yield
    except InvalidAnswers as wrong:
        raise RowRefused(line=row.line, what=" ".join(wrong.problems.values())) from None
