"""Form classes made from a release's sections, what surrounds a form on its page, and the filters its templates use."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from console.errors import N_
from console.forms.fields import Entry, Group, SectionForm
from rules.forms import Section

MOST_CLASSES = 512
STANDARD_WORDS = {
    "316-2018": N_("公共资源交易评标专家专业分类（2018）"),
    "mof-2022": N_("政府采购品目分类（2022）"),
}
STANDARD_SHORT = {"316-2018": N_("评标专业 2018"), "mof-2022": N_("采购品目 2022")}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_classes: OrderedDict[tuple[str, ...], type[SectionForm]] = OrderedDict()


@dataclass(frozen=True)
class Surroundings:
    """What controls need to know beyond their own answer; a page without files or places leaves those out."""

    attachments: Mapping[str, Any] = field(default_factory=dict)  # by content hash
    divisions: Sequence[tuple[Any, Sequence[Any]]] = ()  # league, its counties
    specialties_url: str = ""
    name_of: Callable[[str, str], str] = lambda standard, code: ""
    kept: Mapping[str, str] = field(default_factory=dict)  # content hash → the signed note by which a page carries a file
    offered: Mapping[str, Any] = field(default_factory=dict)  # by path: what a question that points may choose from (`options asks words`)

    def specialty_name(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return ""
        return self.name_of(str(value.get("standard") or ""), str(value.get("code") or ""))


def section_form(releases: Sequence[str], section: Section) -> type[SectionForm]:
    """The form class of one section; `releases` are the content hashes of the releases the form was merged from."""
    key = (*releases, section.department or "", section.id)
    made = _classes.get(key)
    if made is None:
        start = f"{section.department}." if section.department else ""
        made = type("SectionForm", (SectionForm,), {"rules": tuple(question.field for question in section.questions), "start": start})
        _classes[key] = made
        while len(_classes) > MOST_CLASSES:
            _classes.popitem(last=False)
    return made


def put_problems(form: SectionForm, problems: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Lay problems (by path) on the fields they belong to; answers (id to jump to, label, sentence) in the form's order.

    A problem below a field (`period.end`) lies on that field; one on a group's entry count lies on the group.
    """
    left = dict(problems)
    found: list[tuple[str, str, str]] = []
    for question in form.questions():
        inside = [path for path in left if path == question.path or (not isinstance(question, Group) and path.startswith(f"{question.path}."))]
        for path in inside:
            sentence = left.pop(path)
            question.problems.append(sentence)
            found.append((question.path, question.rule.id, sentence))
    return found


def rearrange(form: SectionForm, do: str) -> bool:
    """Press `add:<group>` or `remove:<group>.<n>`, which change the form and save nothing; answers whether it was such a button.

    What cannot be done (no such group, no such entry, no room) changes nothing.
    """
    what, _colon, path = do.partition(":")
    if what not in ("add", "remove"):
        return False
    above, _dot, number = path.rpartition(".")
    group = form.find(path if what == "add" else above)
    if isinstance(group, Group):
        if what == "add" and group.may_grow:
            group.grow()
        elif what == "remove" and number.isascii() and number.isdecimal():
            group.shrink(int(number))
    return True


def install(app: Flask) -> None:
    """The filters of `templates/forms/`."""
    app.jinja_env.filters.update(
        is_iso_date=lambda text: bool(_DATE.fullmatch(text or "")),
        is_iso_month=lambda text: bool(_MONTH.fullmatch(text or "")),
        file_size=file_size,
        entry_title=entry_title,
        standard_short=lambda standard: _(STANDARD_SHORT[standard]) if standard in STANDARD_SHORT else standard,
        standard_words=lambda standard: _(STANDARD_WORDS[standard]) if standard in STANDARD_WORDS else standard,
    )


def file_size(size: int | None) -> str:
    """“2.1 MB”, “86 KB”"""
    size = size or 0
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, round(size / 1024))} KB"


def entry_title(entry: Entry) -> str:
    """What tells one entry from the next: its first line of text."""
    for question in entry:
        if question.rule.widget == "text" and question.text.strip():
            return question.text.strip()[:40]
    return ""
