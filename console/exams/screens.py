"""Who sat when, and with what result; the papers themselves are shown to their applicants only."""

from __future__ import annotations

from flask_babel import gettext as _
from markupsafe import Markup

from console.crud.screen import STEPS, Screen
from console.errors import N_
from console.exams.models import Attempt
from console.roles import ROLES, Act

READERS = frozenset(role for role, definition in ROLES.items() if Act.READ_FILE in definition.acts)


def passed_mark(passed: bool | None) -> Markup:
    """合格, 未合格, or 考试中."""
    kind, words = {True: ("done", _("合格")), False: ("no", _("未合格")), None: ("wait", _("考试中"))}[passed]
    return Markup('<span class="status status-{}">{}</span>').format(kind, words)


SCREENS = (
    Screen(
        "attempts",
        Attempt,
        title=N_("应考"),
        menu=STEPS,
        icon="learn",
        columns=("admission", "number", "started_at", "finished_at", "marks", "passed"),
        show=("admission", "number", "started_at", "ends_at", "finished_at", "marks", "passed"),
        labels={"admission": N_("办件")},
        filters=("passed", "started_at"),
        order="-started_at",
        sortable=("started_at",),
        formats={"passed": passed_mark},
        read=READERS,
        empty=N_("还没有人参加考试。"),
        read_only=True,
    ),
)
