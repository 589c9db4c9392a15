"""How the answer to each kind of field is read from a posted form, and what its widget needs to show it again.

A field here holds the raw answer: text, a list, or a mapping of texts. It never judges; problems are put on it by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from werkzeug.datastructures import MultiDict
from wtforms import Field
from wtforms.form import BaseForm
from wtforms.utils import unset_value

from console.forms.widgets import TemplateWidget
from rules.fields import BaseField, GroupField

Formdata = MultiDict[str, str]
MOST_POSTED_ENTRIES = 200  # as many as a bundle can allow; what is beyond is not read


class Answer(Field):
    """One question. `rule` is the department's declaration; `data` the raw answer."""

    widget = TemplateWidget()
    rule: BaseField

    def __init__(self, rule: BaseField, **kwargs: Any) -> None:
        super().__init__(label=rule.label.zh, **kwargs)
        self.rule = rule
        self.problems: list[str] = []
        self.is_shown = True
        self.is_open = True  # a correction opens only what was returned

    @property
    def path(self) -> str:
        return self.name

    def process(self, formdata: Formdata | None, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.object_data = None if data is unset_value else data
        self.data = self.object_data if formdata is None else self.read(formdata)

    def read(self, formdata: Formdata) -> Any:
        """The raw answer as posted; a control that was not posted is an empty answer."""
        return formdata.get(self.name, "")

    def posted(self, formdata: Formdata) -> bool:
        return any(key == self.name or key.startswith(f"{self.name}.") for key in formdata)

    @property
    def text(self) -> str:
        """The answer as the value of a text control."""
        return self.data if isinstance(self.data, str) else "" if self.data is None else str(self.data)


class Several(Answer):
    """Checkboxes: the list of those ticked."""

    def read(self, formdata: Formdata) -> list[str]:
        return [value for value in formdata.getlist(self.name) if value]

    @property
    def chosen(self) -> list[str]:
        return [str(value) for value in self.data] if isinstance(self.data, list | tuple) else [self.text] if self.text else []


class YesNo(Answer):
    """Yes, no, or not answered."""

    @property
    def text(self) -> str:
        return {True: "true", False: "false"}.get(self.data, super().text) if isinstance(self.data, bool) else super().text


class Period(Answer):
    """Two months; `now` is a tick beside the second."""

    def read(self, formdata: Formdata) -> dict[str, str]:
        end = "now" if formdata.get(f"{self.name}.now") else formdata.get(f"{self.name}.end", "")
        return {"start": formdata.get(f"{self.name}.start", ""), "end": end}

    def part(self, name: str) -> str:
        value = self.data.get(name) if isinstance(self.data, Mapping) else ""
        return "" if value in (None, "now") else str(value)

    @property
    def lasts(self) -> bool:
        return isinstance(self.data, Mapping) and self.data.get("end") == "now"


class SpecialtyChoice(Answer):
    """A code within a standard: two controls where the field allows several standards."""

    def read(self, formdata: Formdata) -> dict[str, str] | str:
        code = formdata.get(f"{self.name}.code", "").strip()
        if not code:
            return ""
        standard = formdata.get(f"{self.name}.standard", self.standards[0])
        # “A040303 桥梁（设计）”, as the list under the box offers it: the code is the first word
        return {"standard": standard, "code": code.split()[0]}

    @property
    def standards(self) -> Sequence[str]:
        return self.rule.standards  # type: ignore[attr-defined, no-any-return]

    def part(self, name: str) -> str:
        return str(self.data.get(name) or "") if isinstance(self.data, Mapping) else ""


class Files(Answer):
    """Evidence is uploaded by itself and never read from a form: a posted hash would be a claim, not a file."""

    def read(self, formdata: Formdata) -> Any:
        return self.object_data

    def posted(self, formdata: Formdata) -> bool:
        return False

    @property
    def files(self) -> list[Mapping[str, Any]]:
        return [item for item in self.data or [] if isinstance(item, Mapping)] if isinstance(self.data, list) else []

    @property
    def room(self) -> int:
        """How many more may be added."""
        return max(0, self.rule.max_count - len(self.files))  # type: ignore[attr-defined]

    @property
    def endings(self) -> str:
        """For the file dialog: `.pdf,.jpg,.jpeg,.png`"""
        kinds = self.rule.accept  # type: ignore[attr-defined]
        return ",".join(ending for kind in kinds for ending in ((".jpg", ".jpeg") if kind == "jpg" else (f".{kind}",)))


class Entry(BaseForm):
    """One entry of a repeatable group."""

    def __init__(self, rules: Sequence[BaseField], prefix: str) -> None:
        super().__init__({rule.id: unbound(rule) for rule in rules}, prefix=prefix)

    @property
    def problems(self) -> int:
        return sum(len(field.problems) for field in self if field.is_shown)

    @property
    def is_blank(self) -> bool:
        return all(_blank(field.data) for field in self)


def _blank(value: Any) -> bool:
    return all(_blank(part) for part in value.values()) if isinstance(value, Mapping) else value in (None, "", [], False)


class Group(Answer):
    """Entries, in order. Which entries there are is told by the names that were posted, however they are numbered."""

    rule: GroupField
    entries: list[Entry]

    def process(self, formdata: Formdata | None, data: Any = unset_value, extra_filters: Any = None) -> None:
        stored = data if isinstance(data, list) else []
        numbers = range(len(stored)) if formdata is None else self._numbers(formdata)
        self.entries = []
        for place, number in enumerate(numbers):
            old = stored[number] if number < len(stored) and isinstance(stored[number], Mapping) else {}
            entry = Entry(self.rule.fields, prefix=f"{self.name}.{number}.")
            entry.process(formdata, data=old)
            if number != place:  # shown again without the gap that removing left
                entry = self._renumbered(entry, place)
            self.entries.append(entry)
        self.object_data = stored

    def _numbers(self, formdata: Formdata) -> list[int]:
        start = f"{self.name}."
        parts = (key[len(start) :].partition(".")[0] for key in formdata if key.startswith(start))
        return sorted({int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 5})[:MOST_POSTED_ENTRIES]

    def _renumbered(self, entry: Entry, place: int) -> Entry:
        moved = Entry(self.rule.fields, prefix=f"{self.name}.{place}.")
        moved.process(None, data={field.rule.id: field.data for field in entry})
        return moved

    @property
    def data(self) -> list[dict[str, Any]]:
        return [{field.rule.id: field.data for field in entry} for entry in self.entries]

    @data.setter
    def data(self, value: Any) -> None:
        """WTForms clears `data` before processing; a group's data is its entries'."""

    def posted(self, formdata: Formdata) -> bool:
        return f"{self.name}.entries" in formdata or super().posted(formdata)

    def grow(self) -> None:
        """One blank entry more, to be filled in."""
        entry = Entry(self.rule.fields, prefix=f"{self.name}.{len(self.entries)}.")
        entry.process(None, data={})
        self.entries.append(entry)

    def shrink(self, number: int) -> None:
        """Take one entry away; those after it move up."""
        self.process(None, data=[entry for at, entry in enumerate(self.data) if at != number])

    @property
    def may_grow(self) -> bool:
        return len(self.entries) < self.rule.max_entries

    def fields(self) -> Iterator[Answer]:
        for entry in self.entries:
            yield from entry


SHAPES: Mapping[str, Callable[..., Answer]] = {
    "checkboxes": Several,
    "yes_no": YesNo,
    "pledge": YesNo,
    "period": Period,
    "specialty": SpecialtyChoice,
    "file": Files,
    "group": Group,
}


def unbound(rule: BaseField) -> Any:
    """The WTForms field of a rules field, to be bound by its form."""
    return SHAPES.get(rule.widget, Answer)(rule)


class SectionForm(BaseForm):
    """The questions of one section. A subclass per section and release is made by `forms.build.section_form`."""

    rules: ClassVar[tuple[BaseField, ...]] = ()
    start: ClassVar[str] = ""

    def __init__(self, formdata: Formdata | None = None, answers: Mapping[str, Any] | None = None) -> None:
        super().__init__({rule.id: unbound(rule) for rule in self.rules}, prefix=self.start)
        self.process(formdata, data=dict(answers or {}))

    def raw(self, formdata: Formdata | None = None) -> dict[str, Any]:
        """The raw answers by field id, ready for `applications.services.save_section`; with `formdata`, only what was posted."""
        return {
            field.rule.id: field.data
            for field in self
            if not isinstance(field, Files) and field.is_open and (formdata is None or field.posted(formdata))
        }

    def questions(self) -> Iterator[Answer]:
        """Every field, those inside groups too."""
        for field in self:
            yield field
            if isinstance(field, Group):
                yield from field.fields()

    def find(self, path: str) -> Answer | None:
        return next((field for field in self.questions() if field.path == path), None)
