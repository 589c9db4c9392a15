"""Application forms: sections of fields, what is shown and required when, and checking answers all at once.

The applicant's form is the centre's sections followed by each competent department's (`merge`). A department's answers live
under its code. Conditions look only at fields further up, so one pass from top to bottom settles what is shown.
Storing answers and rendering fields are the portal's business.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

from pydantic import Field as Pydantic

from rules.documents import Document, Path, Problem, dotted, meant
from rules.evaluation import Compiled, compile_scope
from rules.fact_types import FactType
from rules.facts import DERIVED, REGISTER_FACTS, complete
from rules.fields import Around, BaseField, Field, FieldError, GroupField
from rules.parts import Id, Part, Text, Words
from rules.tree import Reader

_NOT_IN_FORMS = REGISTER_FACTS | {"specialties", "decided_on", "age", "age_applied"}


class SectionPart(Part):
    id: Id
    title: Words
    help: Words | None = None
    show_when: Any = None
    fields: Annotated[tuple[Field, ...], Pydantic(min_length=1, max_length=200)]  # type: ignore[assignment]


class FormDocument(Part):
    """application.yaml as written."""

    sections: Annotated[tuple[SectionPart, ...], Pydantic(min_length=1, max_length=50)]


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with the answers; `path` is dotted: `work_periods.0.months.end`, `transport.projects`."""

    path: str
    zh: str
    en: str

    def show(self, lang: str = "zh") -> str:
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True)
class Question:
    """A field in its place: with its conditions, and (`parts`) the questions of one entry of a group."""

    field: BaseField
    path: Path
    show_when: Compiled | None
    required_when: Compiled | None
    parts: tuple[Question, ...] = ()

    @property
    def id(self) -> str:
        return self.field.id

    @property
    def key(self) -> str:
        """The dotted path; an entry's field has `*` for the number of the entry."""
        return dotted(self.path)


@dataclass(frozen=True)
class Section:
    """`department` is None for the shared sections of the centre."""

    id: str
    department: str | None
    title: Text
    help: Text | None
    show_when: Compiled | None
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Form:
    sections: tuple[Section, ...]

    def questions(self) -> Iterator[Question]:
        """Every top-level question in order."""
        for section in self.sections:
            yield from section.questions

    def fact_types(self, department: str | None = None) -> dict[str, FactType]:
        """The fields of the shared sections (None) or of one department, as facts."""
        return {question.id: question.field.fact_type for section in self.sections if section.department == department
                for question in section.questions}

    def find(self, path: str) -> Question | None:
        """The question at a dotted path such as `transport.projects.0.name`; None when there is none."""
        parts = path.split(".")
        for section in self.sections:
            start = parts[1:] if section.department and parts[0] == section.department else parts if not section.department else []
            for question in section.questions:
                if start and question.id == start[0]:
                    if len(start) == 1:
                        return question
                    if len(start) == 3 and start[1].isascii() and start[1].isdigit():
                        return next((part for part in question.parts if part.id == start[2]), None)
        return None


def build(document: FormDocument, source: Document, *, department: str | None, shared: Form | None, problems: list[Problem]) -> Form:
    """Compile the conditions and check names; adds every problem with its line."""

    def report(path: Path, zh: str, en: str, code: str = "C001") -> None:
        problems.append(source.problem(path, zh, en, code))

    known: dict[str, FactType] = {name: kind for name, kind in DERIVED.items() if name not in _NOT_IN_FORMS}
    theirs = shared.fact_types() if shared else {}
    known |= theirs
    if department in theirs:
        report((), f"交易中心的表单里有名为“{department}”的字段，与部门代码相同，请改名。", f"The centre's form has a field called '{department}', like this department; rename one.")
    taken: set[str] = set()
    sections: list[Section] = []
    section_ids: set[str] = set()
    for at, part in enumerate(document.sections):
        path: Path = ("sections", at)
        if part.id in section_ids:
            report((*path, "id"), f"栏目“{part.id}”重复出现，请改名。", f"The section '{part.id}' appears twice; rename one.")
        section_ids.add(part.id)
        shows = _condition(part.show_when, (*path, "show_when"), known, None, report)
        questions: list[Question] = []
        for number, field in enumerate(part.fields):
            here: Path = (*path, "fields", number)
            for clash, zh, en in ((field.id in taken, "与本表的另一字段同名", "another field of this form has it"),
                                  (field.id in theirs, "与交易中心的共用字段同名", "the centre's form has it"),
                                  (field.id in DERIVED, "是系统推导的事实名", "a derived fact has it"),
                                  (field.id == department, "与部门代码同名", "the department is called so")):
                if clash:
                    report((*here, "id"), f"字段名“{field.id}”{zh}，请改名。", f"Rename the field '{field.id}': {en}.")
            taken.add(field.id)
            questions.append(question_of(field, here, known, report, department=department))
            known[field.id] = field.fact_type
        sections.append(Section(part.id, department, part.title, part.help, shows, tuple(questions)))
    _check_evidence(document, known, report)
    return Form(tuple(sections))


def _check_evidence(document: FormDocument, known: Mapping[str, FactType], report: Any) -> None:
    """What a field names as evidence is a field of kind file: of the same entry, of this form, or of the centre's."""
    for at, part in enumerate(document.sections):
        for number, field in enumerate(part.fields):
            path: Path = ("sections", at, "fields", number)
            inner = field.fields if isinstance(field, GroupField) else ()
            beside = {one.id: one.fact_type for one in inner}
            for here, asked, near in ((path, field, {}), *(((*path, "fields", place), one, beside) for place, one in enumerate(inner))):
                for place, name in enumerate(asked.evidence):
                    there = {**known, **near}
                    if name not in there or there[name].kind != "files":
                        zh, en = meant(name, (one for one, kind in there.items() if kind.kind == "files"))
                        report((*here, "evidence", place), f"“{name}”不是材料（file）字段，不能作为佐证。{zh}", f"'{name}' is not a field of kind file and cannot be evidence. {en}")


def question_of(field: Any, path: Path, known: Mapping[str, FactType], report: Any, *, department: str | None = None) -> Question:
    """A field in its place, its conditions compiled against what is known further up."""
    place: Path = (department, field.id) if department else (field.id,)
    parts: list[Question] = []
    if isinstance(field, GroupField):
        entry: dict[str, FactType] = {}
        for at, inner in enumerate(field.fields):
            here: Path = (*path, "fields", at)
            parts.append(Question(inner, (*place, "*", inner.id), _condition(inner.show_when, (*here, "show_when"), known, entry, report),
                                  _condition(inner.required_when, (*here, "required_when"), known, entry, report)))
            entry[inner.id] = inner.fact_type
    return Question(field, place, _condition(field.show_when, (*path, "show_when"), known, None, report),
                    _condition(field.required_when, (*path, "required_when"), known, None, report), tuple(parts))


def _condition(raw: Any, path: Path, known: Mapping[str, FactType], entry: Mapping[str, FactType] | None, report: Any) -> Compiled | None:
    if raw is None:
        return None
    scope = Reader(dict(known), {}, report).scope(raw, path, entry=dict(entry) if entry is not None else None)
    return compile_scope(scope) if scope is not None else None


def merge(centre_form: Form, department_forms: Mapping[str, Form | None]) -> Form:
    """One form: the shared sections first, then each department's, in the order given."""
    return Form(centre_form.sections + tuple(section for form in department_forms.values() if form for section in form.sections))


# -- answers ----------------------------------------------------------------------------------------------------------

def check(form: Form, answers: Any, *, today: date, divisions: Container[str] | None = None,
          specialties: Container[tuple[str, str]] | None = None) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Clean answers in stored form, and every problem there is. What is hidden or unknown to the form is dropped."""
    checking = _Checking(Around(today, divisions, specialties), complete_form=True)
    return checking.form(form, answers), checking.problems


def alone(form: Form, name: str) -> Form:
    """The form of one question, asked whatever others are answered."""
    question = replace(next(one for one in form.questions() if one.id == name), show_when=None, required_when=None)
    return Form((replace(form.sections[0], show_when=None, questions=(question,)),))


def check_partial(form: Form, answers: Any, path: str, raw: Any, *, today: date, divisions: Container[str] | None = None,
                  specialties: Container[tuple[str, str]] | None = None) -> tuple[Any, list[FieldProblem]]:
    """One answer on its way (autosave): its stored value and what is wrong with it. An empty answer is no problem yet."""
    question = form.find(path)
    if question is None:
        return None, [FieldProblem(path, "表单中没有这个字段，请刷新页面。", "The form has no such field; please reload the page.")]
    checking = _Checking(Around(today, divisions, specialties), complete_form=False)
    return checking.value(question, raw, tuple(path.split(".")), {}), checking.problems


def visible(form: Form, answers: Any, *, today: date) -> set[str]:
    """The dotted paths of the fields to show for these answers, entries' fields included; sections as `section:<department>:<id>`."""
    checking = _Checking(Around(today), complete_form=False)
    checking.form(form, answers)
    return checking.shown


def placed(answers: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the answers with one value put at a dotted path; None removes it. Entries are added at the end only."""
    result: dict[str, Any] = copy.deepcopy(dict(answers))
    at: Any = result
    steps = path.split(".")
    for step, below in zip(steps, [*steps[1:], None], strict=True):
        key: Any = int(step) if isinstance(at, list) and step.isascii() and step.isdigit() else step
        if isinstance(at, list):
            if not isinstance(key, int) or key > len(at):
                raise KeyError(path)
            if key == len(at):
                at.append({})
        if below is None:
            if value is None:
                at.pop(key) if isinstance(at, list) else at.pop(key, None)
            else:
                at[key] = value
            break
        if not isinstance(at, list) and not isinstance(at.get(key), (dict, list)):
            at[key] = [] if below.isascii() and below.isdigit() else {}
        at = at[key]
    return result


class _Checking:
    """One walk over a form from top to bottom."""

    def __init__(self, around: Around, *, complete_form: bool):
        self.around, self.complete = around, complete_form
        self.problems: list[FieldProblem] = []
        self.shown: set[str] = set()

    def form(self, form: Form, answers: Any) -> dict[str, Any]:
        answers = answers if isinstance(answers, dict) else {}
        clean: dict[str, Any] = {}
        for section in form.sections:
            raw = answers if section.department is None else answers.get(section.department)
            raw = raw if isinstance(raw, dict) else {}
            if section.show_when is not None and not self._holds(section.show_when, self._facts(clean, section.department)):
                continue
            self.shown.add(f"section:{section.department or ''}:{section.id}")
            into = clean if section.department is None else clean.setdefault(section.department, {})
            for question in section.questions:
                facts = self._facts(clean, section.department) if question.show_when or question.required_when or question.parts else {}
                value = self._ask(question, raw.get(question.id), question.path, facts, {})
                if value is not None:
                    into[question.id] = value
        return clean

    def _ask(self, question: Question, raw: Any, path: Path, facts: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
        if question.show_when is not None and not self._holds(question.show_when, facts, entry):
            return None
        self.shown.add(dotted(path))
        before = len(self.problems)
        value = self.value(question, raw, path, facts)
        required = question.field.is_required or (question.required_when is not None and self._holds(question.required_when, facts, entry))
        if self.complete and required and not value and value is not False and value != 0 and len(self.problems) == before:
            zh, en = question.field.label.zh, question.field.label.show("en")
            self.problems.append(FieldProblem(dotted(path), f"请填写“{zh}”。", f"Please fill in '{en}'."))
        return value

    def value(self, question: Question, raw: Any, path: Path, facts: Mapping[str, Any]) -> Any:
        """The stored value of one question; problems are noted, and what could not be read is None."""
        try:
            if isinstance(question.field, GroupField):
                return self._group(question, question.field, raw, path, facts)
            return question.field.parse(raw, self.around)
        except FieldError as error:
            self.problems.append(FieldProblem(dotted((*path, *error.path)), error.zh, error.en))
            return None

    def _group(self, question: Question, field: GroupField, raw: Any, path: Path, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
        values: list[dict[str, Any]] = []
        for at, entry in enumerate(field.entries(raw)):
            value: dict[str, Any] = {}
            for part in question.parts:
                one = self._ask(part, entry.get(part.id), (*path, at, part.id), facts, value)
                if one is not None:
                    value[part.id] = one
            values.append(value)
        if (self.complete and 0 < len(values) < field.min_entries) or (self.complete and not values and question.field.is_required):
            self.problems.append(FieldProblem(dotted(path), f"“{field.label.zh}”至少填写 {field.min_entries} 条，现为 {len(values)} 条。",
                                              f"'{field.label.show('en')}' needs at least {field.min_entries} entries; found {len(values)}."))
        return values

    def _facts(self, clean: Mapping[str, Any], department: str | None) -> dict[str, Any]:
        facts = dict(clean)
        if department and isinstance(own := facts.pop(department, None), dict):
            facts |= own
        facts["applied_on"] = self.around.today.isoformat()
        return complete(facts)

    def _holds(self, condition: Compiled, facts: Mapping[str, Any], entry: Mapping[str, Any] | None = None) -> bool:
        """A condition that cannot be judged yet does not hold."""
        return condition.ask(facts, {}, self.around.today, entry=entry or {})[0] is True
