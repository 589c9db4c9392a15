"""An application as the portal shows it: its sections with how far each is, its questions with what is wrong, its answers in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock, visibility
from console.applications import carrying, queries, services
from console.applications.answers import get, is_secret
from console.applications.checking import Filed
from console.applications.models import Application, Attachment
from console.departments.models import Department, Division, Specialty
from console.departments.queries import places
from console.forms.build import Surroundings, section_form
from console.forms.fields import Group, SectionForm
from console.portal.door import lang, words
from console.scope import current
from rules import forms
from rules.fields import BaseField, GroupField


@dataclass(frozen=True)
class Stage:
    """One section in the list of steps: `state` is `done`, `bad`, or empty."""

    key: str
    title: str
    department: str
    url: str
    state: str
    wrong: int
    missing: int


def is_blank(value: Any) -> bool:
    """Nothing was answered (a tick left off and an empty list are nothing; a zero and a “no” are something)."""
    if isinstance(value, Mapping):
        return all(is_blank(part) for part in value.values())
    if isinstance(value, list):
        return all(is_blank(part) for part in value)
    return value is None or value == ""


class Filling:
    """One application being filled in, on one day, in one language."""

    def __init__(self, session: Session, application: Application) -> None:
        self.session, self.application = session, application
        self.today: dt.date = clock.today(session)
        self.filed = Filed.read(session, application, on=self.today)
        self.form: forms.Form = self.filed.form
        self.answers = services.open_answers(application)

    @cached_property
    def renewed(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """What a newer form means for this draft: (sentence, [(where to go, label)]), empty when nothing changed."""
        found = carrying.carried(self.session, self.application, self.filed)
        if found is None:
            return []
        told = [
            (_("新增要填的"), found.new),
            (_("要求有变、需要重填的"), found.again),
            (_("不再需要的，提交时不带上"), found.gone),
        ]
        lines = [(title, [(self._address(place.path), place.label.show(lang())) for place in places]) for title, places in told]
        return [(_("照原样保留的 %(n)s 项", n=len(found.kept)), []), *((title, places) for title, places in lines if places)]

    def _address(self, path: str) -> str:
        section = self.section_of(path.partition(".*")[0])
        if section is None:
            return ""
        return url_for("portal.section", application_id=self.application.id, key=services.section_key(section), _anchor=path.partition(".*")[0])

    @cached_property
    def _checked(self) -> tuple[dict[str, Any], list[forms.FieldProblem]]:
        codes = {place.code for league, counties in self.around.divisions for place in (league, *counties)}
        return forms.check(self.form, self.answers, today=self.today, divisions=codes)

    @property
    def clean(self) -> dict[str, Any]:
        return self._checked[0]

    @cached_property
    def problems(self) -> dict[str, str]:
        """What is missing or wrong, by path, in the reader's language."""
        return {problem.path: problem.show(lang()) for problem in self._checked[1]}

    @cached_property
    def wrong(self) -> dict[str, str]:
        """What was answered and cannot be taken; what is only missing is left out."""
        return {path: text for path, text in self.problems.items() if not self._is_missing(path)}

    def _is_missing(self, path: str) -> bool:
        value = get(self.answers, path)
        owner, _dot, part = path.rpartition(".")
        if part in ("start", "end") and isinstance(get(self.answers, owner), Mapping):
            return False  # half a period is not a missing one
        return is_blank(value)

    @cached_property
    def shown(self) -> set[str]:
        return forms.visible(self.form, self.answers, today=self.today)

    @cached_property
    def sections(self) -> list[forms.Section]:
        return [s for s in self.form.sections if f"section:{s.department or ''}:{s.id}" in self.shown]

    def section(self, key: str) -> forms.Section | None:
        return next((s for s in self.sections if services.section_key(s) == key), None)

    def of_section(self, section: forms.Section, problems: Mapping[str, str]) -> dict[str, str]:
        keys = [question.key for question in section.questions]
        return {path: text for path, text in problems.items() if any(path == k or path.startswith(f"{k}.") for k in keys)}

    def section_of(self, path: str) -> forms.Section | None:
        return next((s for s in self.sections if self.of_section(s, {path: ""})), None)

    @cached_property
    def stages(self) -> list[Stage]:
        return [self._stage(section) for section in self.sections]

    def _stage(self, section: forms.Section) -> Stage:
        wrong = self.of_section(section, self.wrong)
        missing = len(self.of_section(section, self.problems)) - len(wrong)
        touched = any(not is_blank(get(self.answers, question.key)) for question in section.questions)
        state = "bad" if wrong else "done" if not missing and touched else ""
        key = services.section_key(section)
        url = url_for("portal.section", application_id=self.application.id, key=key)
        return Stage(key, section.title.show(lang()), self._department(section.department), url, state, len(wrong), missing)

    def _department(self, code: str | None) -> str:
        found = next((d for d in self.filed.departments.values() if d.code == code), None)
        return "" if found is None else words(found) if lang() == "en" else found.short_name

    @property
    def progress(self) -> tuple[int, int]:
        """(stages done, stages in all), the choice of specialties counted first."""
        chosen = bool(self.application.chosen and self.application.division_code)
        return chosen + sum(stage.state == "done" for stage in self.stages), 1 + len(self.stages)

    # ── forms ────────────────────────────────────────────────────────────────────────────────────────────────

    def form_of(self, section: forms.Section, formdata: Any = None) -> SectionForm:
        """The section's form: with `formdata` as it was posted, else as it is stored."""
        releases = sorted(release.content_hash for release in self.filed.releases.values())
        stored = self.answers.get(section.department, {}) if section.department else self.answers
        form = section_form(releases, section)(formdata, stored if isinstance(stored, Mapping) else {})
        for question in form:
            if isinstance(question, Group) and not question.entries and question.rule.is_required:
                question.grow()
        for question in form.questions():
            question.is_shown = question.path in self.shown or not self._is_stored(question.path)
        return form

    def _is_stored(self, path: str) -> bool:
        """A question of an entry that is not in the answers yet: asked, until something says otherwise."""
        number = next((part for part in path.split(".") if part.isdigit()), None)
        return number is None or get(self.answers, path[: path.index(f".{number}.") + len(number) + 1]) not in (None, {})

    @cached_property
    def around(self) -> Surroundings:
        return Surroundings(
            attachments={one.hash: one for one in self.attachments},
            divisions=places(self.session),
            specialties_url=url_for("portal.find_specialties"),
            name_of=lambda standard, code: self.specialty_names.get((standard, code), ""),
        )

    @cached_property
    def attachments(self) -> list[Attachment]:
        return queries.attachments(self.session, self.application)

    # ── answers in words ─────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def specialty_names(self) -> dict[tuple[str, str], str]:
        wanted = {(item["standard"], item["code"]) for item in self.application.chosen}
        for question in self.form.questions():
            for field, value in _values(question, self.answers):
                if field.kind == "specialty" and isinstance(value, Mapping) and value.get("code"):
                    wanted.add((str(value.get("standard")), str(value.get("code"))))
        return specialty_names(self.session, wanted)

    def said(self, field: BaseField, value: Any) -> str:
        """An answer in words: places and specialties by name, secrets masked, what cannot be read as it was typed."""
        if is_blank(value):
            return ""
        if is_secret(field):
            return visibility.shown(current(), visibility.answer(field.kind), field.show(value, lang()) or str(value)) or "••••••"
        if field.kind == "division":
            return place_name(self.session, str(value)) or str(value)
        if field.kind == "specialty" and isinstance(value, Mapping):
            code = str(value.get("code") or "")
            return f"{code} {self.specialty_names.get((str(value.get('standard')), code), '')}".strip()
        if field.kind == "boolean" and not isinstance(value, bool):
            value = {"true": True, "false": False}.get(str(value), value)
        return field.show(value, lang()) or str(value)

    def read_out(self, section: forms.Section) -> Iterator[tuple[forms.Question, Any]]:
        """(question, what to print): a text, a list of files, or the entries of a group as lists of the same pairs."""
        for question in section.questions:
            if question.key in self.shown:
                yield question, self._printed(question, get(self.answers, question.key), question.key)

    def _printed(self, question: forms.Question, value: Any, path: str) -> Any:
        if question.field.kind == "file":
            return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
        if isinstance(question.field, GroupField):
            entries = [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
            return [
                [
                    (part, self._printed(part, entry.get(part.id), f"{path}.{index}.{part.id}"))
                    for part in question.parts
                    if f"{path}.{index}.{part.id}" in self.shown
                ]
                for index, entry in enumerate(entries)
            ]
        return self.said(question.field, value)

    def label_of(self, path: str) -> str:
        """“工作经历，第 2 条，单位”: where a problem lies."""
        question = self.form.find(path) or self.form.find(path.rpartition(".")[0])
        if question is None:
            return {"specialties": _("申报专业"), services.WORK_DIVISION: _("工作所在地")}.get(path, path)
        label = question.field.label.show(lang())
        parts = path.split(".")
        number = next((part for part in parts if part.isdigit()), None)
        if number is None:
            return label
        owner = self.form.find(path[: path.index(f".{number}")])
        group = owner.field.label.show(lang()) if owner else ""
        return _("%(group)s第 %(n)s 条：%(label)s", group=group, n=int(number) + 1, label=label)

    def by_department(self) -> list[tuple[Department, list[tuple[str, str, str]]]]:
        """Each competent department with its chosen specialties (standard, code, name)."""
        return [
            (department, [(standard, code, self.specialty_names.get((standard, code), "")) for standard, code in chosen])
            for department, chosen in self.filed.by_department().items()
        ]


def _values(question: forms.Question, answers: Mapping[str, Any]) -> Iterator[tuple[BaseField, Any]]:
    value = get(answers, question.key)
    if not question.parts:
        yield question.field, value
    for entry in value if question.parts and isinstance(value, list) else ():
        for part in question.parts:
            yield part.field, entry.get(part.id) if isinstance(entry, Mapping) else None


def specialty_names(session: Session, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    if not wanted:
        return {}
    codes = {code for _standard, code in wanted}
    rows = session.execute(select(Specialty.standard, Specialty.code, Specialty.name).where(Specialty.code.in_(codes)))
    return {(standard, code): name for standard, code, name in rows if (standard, code) in wanted}


def place_name(session: Session, code: str) -> str:
    """“呼和浩特市赛罕区”, “Saihan District, Hohhot City”."""
    rows = {d.code: d for d in session.scalars(select(Division).where(Division.code.in_({code, code[:4] + "00"})))}
    here, league = rows.get(code), rows.get(code[:4] + "00")
    if here is None:
        return ""
    if league is None or league is here:
        return words(here)
    return f"{words(here)}, {words(league)}" if lang() == "en" else f"{league.name}{here.name}"
