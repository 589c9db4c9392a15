"""Files, applications and reviews as plain tables: to look things up, never to change them."""

from __future__ import annotations

from flask_babel import gettext as _

from console.applications.models import Admission, Application
from console.crud.screen import STEPS, Screen
from console.doors.look import step_label
from console.errors import N_
from console.reviews.levels import DECISION_WORDS, FILE_READERS, REVIEW_STEPS
from console.reviews.models import Review

SCREENS = (
    Screen(
        "admissions",
        Admission,
        title=N_("办件总表"),
        menu=STEPS,
        icon="file",
        columns=("number", "applicant.name", "department", "office", "step", "due_at"),
        show=(
            "number",
            "applicant.name",
            "department",
            "office",
            "division_code",
            "step",
            "since",
            "due_at",
            "is_provisional",
            "flags",
            "verdict",
            "release",
            "opened_at",
        ),
        search=("number",),
        filters=("step", "department", "office", "due_at"),
        order="-opened_at",
        sortable=("due_at", "opened_at"),
        read=FILE_READERS,
        read_only=True,
        empty=N_("您的办理范围内还没有办件。"),
    ),
    Screen(
        "applications",
        Application,
        title=N_("申报总表"),
        menu=STEPS,
        icon="log",
        columns=("number", "applicant.name", "division_code", "applied_on", "submitted_at"),
        show=(
            "number",
            "applicant.name",
            "division_code",
            "applied_on",
            "submitted_at",
            "consent_version",
            "submitted_hash",
        ),
        search=("number",),
        filters=("applied_on",),
        order="-submitted_at",
        sortable=("applied_on", "submitted_at"),
        read=FILE_READERS,
        read_only=True,
        empty=N_("您的办理范围内还没有申报。"),
    ),
    Screen(
        "reviews",
        Review,
        title=N_("审核记录"),
        menu=STEPS,
        icon="check",
        columns=("admission", "level", "round", "reviewer_name", "decision", "decided_at"),
        show=(
            "admission",
            "level",
            "round",
            "reviewer_name",
            "decision",
            "reason",
            "items",
            "rulings",
            "score",
            "decided_at",
        ),
        labels={"admission": N_("办件")},
        choices={
            "level": lambda: [(step, step_label(step)) for step in REVIEW_STEPS],
            "decision": lambda: [(str(decision), _(words)) for decision, words in DECISION_WORDS.items()],
        },
        search=("reviewer_name",),
        filters=("level", "decision", "decided_at"),
        order="-decided_at",
        sortable=("decided_at",),
        read=FILE_READERS,
        read_only=True,
        empty=N_("还没有审核记录。"),
    ),
)
