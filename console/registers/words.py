"""Sentences of a register in the language of whoever reads them; a declaration brings its own."""

from __future__ import annotations

from flask_babel import gettext as _

from console.doors.preferences import language
from console.registers.tables import Declared
from rules.parts import Text
from rules.registers import State

ENTERED = State(id="entered", title="已登记")  # type: ignore[arg-type]  # of a register without states


def said(text: Text) -> str:
    """A text of a declaration."""
    return text.show(language())


def choose_from_the_list() -> str:
    return _("没有这一项，或者它不在您的范围内。请从列表里选。")


def used_already(labels: list[str], row: str) -> str:
    return _("%(labels)s已由“%(row)s”使用，请核对。", labels="、".join(labels), row=row)


def used_by_another(labels: list[str]) -> str:
    """Of a row the reader may not see, or that has been there for a moment only; without labels of whatever must be the only one."""
    return _("%(labels)s已由另一条记录使用，请核对。", labels="、".join(labels)) if labels else _("不得重复的内容已由另一条记录使用，请核对。")


def changing() -> str:
    return _("修改")


def state_of(declared: Declared, name: str) -> State:
    """The state of this name; a register without states has one."""
    return next((one for one in declared.document.states.states if one.id == name), ENTERED) if declared.document.states else ENTERED


def state_words(declared: Declared, name: str) -> str:
    return said(state_of(declared, name).title)


def english() -> bool:
    return language() == "en"
