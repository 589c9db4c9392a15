"""One field of many rows of a register: the declaration's own field on the page, and the register's service for each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import request
from sqlalchemy.orm import Session

from console.doors.preferences import language
from console.errors import N_, Conflict, InvalidAnswers
from console.forms.build import put_problems, section_form
from console.registers import services
from console.registers.loading import Loaded
from console.registers.shapes import is_secret, stored
from console.registers.tables import Declared
from console.scope import current
from rules import forms
from rules.fields import FileField, GroupField

_ONE_BY_ONE = (GroupField, FileField)


class NotAskedHere(Conflict):
    message = N_("“%(field)s”在这一条里不用填写：要不要填，由它的其他内容决定。")


def changeable(declared: Declared) -> dict[str, str]:
    """The fields that many rows can have the same of: neither secrets, entries and papers, nor what only one row may say."""
    alone = {together[0] for together in declared.document.unique if len(together) == 1}
    return {
        name: field.label.show(language()) for name, field in declared.fields.items()
        if name not in alone and not is_secret(field) and not isinstance(field, _ONE_BY_ONE)
    }  # fmt: skip


class ManyRows:
    """Stands in for what `console.crud.changing` does with a generic form."""

    one_register: ClassVar[Loaded]
    _around: Any

    def changeable(self) -> Mapping[str, Any]:
        """None for whoever may change no row of this register, at their level."""
        declared = self.one_register.declared
        return changeable(declared) if services.may(current(), declared, declared.document.edit) else {}

    def form_of(self, session: Session, name: str, like: Any | None) -> Any:
        declared = self.one_register.declared
        section = forms.alone(declared.register.form, name).sections[0]
        answers = {name: services.answers(declared, like).get(name)} if like is not None else {}
        return section_form((declared.content_hash, name), section)(request.form if request.method == "POST" else None, answers=answers)

    def problems_of(self, session: Session, form: Any, name: str) -> list[tuple[str, str]]:
        try:
            form.wanted = stored(self.one_register.declared.fields[name], services.read(session, self.one_register, form.raw(), only=name).get(name))
        except InvalidAnswers as error:
            return [(path, words) for path, _name, words in put_problems(form, error.problems)]
        return []

    def says(self, row: Any, form: Any, name: str) -> bool:
        return bool(getattr(row, self.one_register.declared.shapes[name].column) == form.wanted)

    def put(self, session: Session, row: Any, form: Any, name: str, reason: str) -> None:
        """The register's own service; NotAskedHere where what else the row says leaves no place for the field."""
        services.change(session, self.one_register, row, form.raw(), actor=current(), version=row.version, reason=reason)
        if not self.says(row, form, name):
            raise NotAskedHere(field=self.one_register.declared.fields[name].label.show(language()))

    def around(self, session: Session, form: Any) -> dict[str, Any]:
        return {"around": self._around(session, form)}
