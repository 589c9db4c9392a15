"""A submitted form as an officer reads it: section by section, groups as tables, evidence beside the answer it proves.

An officer sees the shared sections and their own department's; another department's answers and evidence are not there.
Secrets are shown as `console.visibility` says; see `services.reveal`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import visibility
from console.applications import queries as files
from console.applications import services as applications
from console.applications.answers import get, is_secret
from console.applications.models import Admission, Application, Attachment
from console.departments.models import Department, Division, Specialty
from console.errors import NotFound
from console.scope import current
from rules import forms
from rules.parts import Text

EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Answer:
    """One answer in words; of a secret what this officer may see, None when that is nothing. `reveal` is its path when they may
    ask for the value behind the mask."""

    path: str
    label: Text
    kind: str
    words: str | None
    files: tuple[Attachment, ...] = ()
    is_secret: bool = False
    reveal: str | None = None


@dataclass(frozen=True)
class Entries:
    """A repeatable group as a table: heads, and one row of answers per entry."""

    path: str
    label: Text
    heads: tuple[Text, ...]
    rows: tuple[tuple[Answer, ...], ...]
    kind: str = "group"


@dataclass(frozen=True)
class SheetSection:
    """A section as it is shown: single answers, then tables."""

    key: str
    title: Text
    department: str | None
    answers: tuple[Answer, ...]
    tables: tuple[Entries, ...]

    @property
    def facts(self) -> list[Answer]:
        return [one for one in self.answers if one.kind != "boolean"]

    @property
    def statements(self) -> list[Answer]:
        """Declarations answered yes or no: whole sentences, which want a line each."""
        return [one for one in self.answers if one.kind == "boolean"]


@dataclass(frozen=True)
class Evidence:
    """One attachment with the name of the item it belongs to."""

    attachment: Attachment
    label: Text


@dataclass(frozen=True)
class FormPage:
    sections: tuple[SheetSection, ...]
    evidence: tuple[Evidence, ...]
    labels: Mapping[str, Text] = field(default_factory=dict)  # every path that may be returned
    returnable: tuple[tuple[Text, Mapping[str, Text]], ...] = ()  # the same, by section


@dataclass(frozen=True)
class _Names:
    """What codes are called, read once per page."""

    divisions: Mapping[str, tuple[str, str]]
    specialties: Mapping[tuple[str, str], str]


def form_page(session: Session, admission: Admission, *, lang: str = "zh") -> FormPage:
    """The whole form of this file as its department may read it."""
    application = session.get_one(Application, admission.application_id)
    form = applications.form_of(session, application)
    answers = applications.open_answers(application)
    handed_in = files.attachments(session, application)
    own = admission.department.code
    sections = [section for section in form.sections if section.department in (None, own)]
    shown = forms.visible(form, answers, today=application.applied_on or admission.opened_at.date())
    names = _names(session, sections, answers)
    read = _Reader(answers, handed_in, names, shown, lang, admission)
    pages = tuple(read.section(section) for section in sections)
    by_section = tuple((section.title, _labels([section], answers, shown)) for section in sections)
    labels = {path: label for _, some in by_section for path, label in some.items()}
    foreign = _foreign(session, own)
    evidence = tuple(
        Evidence(one, labels.get(one.field) or Text(zh=one.field))
        for one in handed_in
        if one.field.partition(".")[0] not in foreign
    )
    filled = tuple(page for page in pages if page.answers or page.tables)
    return FormPage(filled, evidence, labels, tuple((title, some) for title, some in by_section if some))


def returnable(session: Session, admission: Admission) -> dict[str, Text]:
    """Every path of this file's form that may be sent back, with its name."""
    application = session.get_one(Application, admission.application_id)
    form = applications.form_of(session, application)
    answers = applications.open_answers(application)
    sections = [section for section in form.sections if section.department in (None, admission.department.code)]
    shown = forms.visible(form, answers, today=application.applied_on or admission.opened_at.date())
    return _labels(sections, answers, shown)


def secret_answer(session: Session, admission: Admission, path: str) -> tuple[str, str]:
    """(the line of `console.visibility`, the value) of a secret answer this file's department may read; NotFound for anything else."""
    application = session.get_one(Application, admission.application_id)
    form, answers = applications.form_of(session, application), applications.open_answers(application)
    sections = [section for section in form.sections if section.department in (None, admission.department.code)]
    shown = forms.visible(form, answers, today=application.applied_on or admission.opened_at.date())
    question, value = form.find(path), get(answers, path)
    if path not in _labels(sections, answers, shown) or question is None or value in EMPTY:
        raise NotFound()
    above = form.find(re.sub(r"\.\d+\.[^.]+$", "", path))
    if not (is_secret(question.field) or (above is not None and is_secret(above.field))):
        raise NotFound()
    return visibility.answer(question.field.kind), str(question.field.show(value, "zh"))


def evidence_of(session: Session, attachment_id: int) -> Attachment:
    """An attachment this principal may look at: of a visible file, and of a shared section or of the file's own department.

    NotFound otherwise, also for another department's evidence of a person whose file is visible here.
    """
    attachment = files.attachment(session, attachment_id)
    codes = set(
        session.scalars(
            select(Department.code)
            .join(Admission, Admission.department_id == Department.id)
            .where(Admission.application_id == attachment.application_id)
        )
    )
    head = attachment.field.partition(".")[0]
    departments = set(session.scalars(select(Department.code)))
    if not codes or (head in departments and head not in codes):
        raise NotFound()
    return attachment


def _foreign(session: Session, own: str) -> set[str]:
    return set(session.scalars(select(Department.code).where(Department.code != own)))


def _labels(sections: Sequence[Any], answers: Mapping[str, Any], shown: set[str]) -> dict[str, Text]:
    labels: dict[str, Text] = {}
    for question in (question for section in sections for question in section.questions):
        if question.key not in shown:
            continue
        labels[question.key] = question.field.label
        for index in range(len(get(answers, question.key) or [])) if question.parts else ():
            for part in question.parts:
                path, group, inner = f"{question.key}.{index}.{part.id}", question.field.label, part.field.label
                if path in shown:
                    labels[path] = Text(
                        zh=f"{group.zh} {index + 1}：{inner.zh}",
                        en=f"{group.show('en')} {index + 1}: {inner.show('en')}",
                    )
    return labels


# ── answers in words ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Reader:
    answers: Mapping[str, Any]
    handed_in: Sequence[Attachment]
    names: _Names
    shown: set[str]
    lang: str
    admission: Admission

    def section(self, section: Any) -> SheetSection:
        singles, tables = [], []
        for question in section.questions:
            path = question.key
            if path not in self.shown:
                continue
            if question.parts:
                tables.append(self._table(question))
            else:
                singles.append(self._answer(question.field, path, get(self.answers, path)))
        return SheetSection(section.id, section.title, section.department, tuple(singles), tuple(tables))

    def _table(self, question: Any) -> Entries:
        entries = [entry for entry in get(self.answers, question.key) or [] if isinstance(entry, Mapping)]
        rows = tuple(
            tuple(
                self._answer(part.field, f"{question.key}.{index}.{part.id}", entry.get(part.id), secret=is_secret(question.field))
                for part in question.parts
            )
            for index, entry in enumerate(entries)
        )
        heads = tuple(part.field.label for part in question.parts)
        return Entries(question.key, question.field.label, heads, rows)

    def _answer(self, one: Any, path: str, value: Any, *, secret: bool = False) -> Answer:
        """`secret`: because of the group it stands in."""
        attached = tuple(a for a in self.handed_in if a.field == path) if one.kind == "file" else ()
        secret = secret or is_secret(one)
        return Answer(
            path=path,
            label=one.label,
            kind=one.kind,
            words=self._secret(one, value) if secret else self._words(one, value),
            files=attached,
            is_secret=secret,
            reveal=path if secret and self._may_unmask(one, value) else None,
        )

    def _may_unmask(self, one: Any, value: Any) -> bool:
        return value not in EMPTY and visibility.unmasking(current(), visibility.answer(one.kind), self.admission) is not None

    def _secret(self, one: Any, value: Any) -> str | None:
        if value in EMPTY:
            return ""
        return visibility.shown(current(), visibility.answer(one.kind), one.show(value, "zh"), self.admission)

    def _words(self, one: Any, value: Any) -> str:
        if value in EMPTY:
            return ""
        if one.kind == "division":
            zh, en = self.names.divisions.get(str(value), (str(value), str(value)))
            return en if self.lang == "en" else zh
        if one.kind == "specialty" and isinstance(value, Mapping):
            name = self.names.specialties.get((value.get("standard", ""), value.get("code", "")), "")
            return f"{value.get('code', '')} {name}".strip()
        return str(one.show(value, self.lang))


def _names(session: Session, sections: Sequence[Any], answers: Mapping[str, Any]) -> _Names:
    """Names of the codes in these answers: two statements, none when there is nothing to name."""
    divisions: set[str] = set()
    codes: set[str] = set()
    for question in (question for section in sections for question in section.questions):
        value = get(answers, question.key)
        for part in question.parts or (question,):
            entries = value if question.parts and isinstance(value, list) else [{part.id: value}]
            for entry in entries:
                held = entry.get(part.id) if isinstance(entry, Mapping) else None
                if part.field.kind == "division" and isinstance(held, str):
                    divisions.add(held)
                elif part.field.kind == "specialty" and isinstance(held, Mapping):
                    codes.add(str(held.get("code", "")))
    places = place_names(session, divisions) if divisions else {}
    found: dict[tuple[str, str], str] = {}
    if codes:
        rows_ = session.execute(
            select(Specialty.standard, Specialty.code, Specialty.name).where(Specialty.code.in_(codes))
        )
        found = {(standard, code): name for standard, code, name in rows_}
    return _Names(places, found)


def place_names(session: Session, codes: set[str]) -> dict[str, tuple[str, str]]:
    """Code → (呼和浩特市赛罕区, Saihan, Hohhot): a county is named with its league."""
    wanted = codes | {code[:4].ljust(6, "0") for code in codes}
    rows = {row.code: row for row in session.scalars(select(Division).where(Division.code.in_(wanted)))}
    places = {}
    for code in codes:
        row, above = rows.get(code), rows.get(code[:4].ljust(6, "0"))
        if row is None:
            places[code] = (code, code)
        elif above is None or above.code == code:
            places[code] = (row.name, row.name_en)
        else:
            places[code] = (f"{above.name}{row.name}", f"{row.name_en}, {above.name_en}")
    return places
