"""The calendar in words: kinds of days, and a problem in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from console.doors.preferences import language
from console.errors import N_
from rules.decrees import HOLIDAY, IN_LIEU, KINDS, MAKEUP, ORDINARY
from rules.documents import Problem

KIND_WORDS = {HOLIDAY: N_("放假"), IN_LIEU: N_("调休放假"), MAKEUP: N_("调休上班"), ORDINARY: N_("照平常（取消安排）")}


def kinds() -> list[tuple[str, str]]:
    return [(kind, _(KIND_WORDS[kind])) for kind in KINDS]


def kind_words(kind: str) -> str:
    return _(KIND_WORDS[kind])


def problem_words(problem: Problem) -> str:
    """A problem with its line, as the list at the top of the page says it; one of the whole (no key) without."""
    words = problem.en if language() == "en" else problem.zh
    if not problem.key and problem.line == 1:
        return words
    return _("第 %(line)s 行：%(words)s", line=problem.line, words=words)
