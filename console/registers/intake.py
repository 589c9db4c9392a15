"""Something sent in by everybody: entered as a row, with a code for whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock, codes
from console.departments.models import Department
from console.doors.preferences import language
from console.errors import InvalidAnswers
from console.registers import loading, published, services
from console.registers.loading import Loaded
from console.registers.published import code_hash, intake_of
from console.scope import Public
from rules import forms
from rules.fields import DepartmentField, ReferenceField

MOST_OFFERED = 100


@dataclass(frozen=True)
class Offer:
    """What a question that points may choose from. `asks`: there is more than a list holds, so that words are asked for; `words` narrowed it to `found`,
    and what was chosen before stays among the options."""

    options: Sequence[tuple[str, str]]
    asks: bool = False
    words: str = ""
    found: int = 0


def receive(session: Session, one: Loaded, raw: Mapping[str, Any], *, consented: bool, actor: Public) -> str:
    """Enter a row from the public's answers, and give the code of its receipt; it is not stored and cannot be given again.

    Only the fields of `intake` are taken. Raises InvalidAnswers by field; a failing check under `check:<id>`, a missing consent under `consent`.
    """
    missing = {} if consented else {"consent": _("请勾选，表示已经看过并同意。")}
    code = codes.receipt()
    try:
        if missing:
            services.read(session, one, {name: value for name, value in raw.items() if name in intake_of(one).fields})
            raise InvalidAnswers({})
        services.enter(session, one, raw, actor=actor, only=intake_of(one).fields, receipt=code_hash(code))
    except InvalidAnswers as error:
        raise InvalidAnswers({**error.problems, **missing}) from None
    return code


def shown(session: Session, one: Loaded, raw: Mapping[str, Any]) -> set[str]:
    """The fields to ask for these answers so far."""
    return forms.visible(one.declared.register.form, dict(raw), today=clock.today(session))


def offered(session: Session, one: Loaded, chosen: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Offer]:
    """By question, what can be chosen where it points at something: departments, and the published rows of another register that have these words."""
    found: dict[str, Offer] = {}
    for name in intake_of(one).fields:
        field = one.declared.fields[name]
        if isinstance(field, DepartmentField):
            rows = session.execute(select(Department.code, Department.name, Department.name_en).order_by(Department.id))
            found[name] = Offer([(code, english if language() == "en" else chinese) for code, chinese, english in rows])
        elif isinstance(field, ReferenceField):
            found[name] = _rows(session, one.declared.shapes[name].points_at.partition(".")[0], str(chosen.get(name) or ""), words.get(name, "").strip())
    return found


def _rows(session: Session, table: str, chosen: str, words: str) -> Offer:
    target = loading.of_table(table, among=published.published())
    if target is None:
        return Offer([])
    rows = published.having(session, target, words, most=MOST_OFFERED + 1)
    asks = bool(words) or len(rows) > MOST_OFFERED
    options = [(str(row.id), str(row)) for row in rows[:MOST_OFFERED]]
    if chosen.isdecimal() and len(chosen) < 10 and chosen not in dict(options):
        options = [(str(number), name) for number, name in published.named(session, target, [int(chosen)]).items()] + options
    return Offer(options, asks, words, min(len(rows), MOST_OFFERED))
