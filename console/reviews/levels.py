"""The three places where an officer decides, and what belongs to each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from console.errors import N_
from console.roles import Act, Role
from rules.pipeline import Action, Step


class Decision(StrEnum):
    """What an officer may decide on a file."""

    PASS = "pass"
    RETURN = "return_for_correction"
    REFUSE = "refuse"
    REOPEN = "reopen"
    UPHOLD = "uphold_refusal"

ACTIONS: dict[Decision, Action] = {
    Decision.PASS: Action.PASS_STEP,
    Decision.RETURN: Action.RETURN_FOR_CORRECTION,
    Decision.REFUSE: Action.REFUSE,
    Decision.REOPEN: Action.REOPEN,
    Decision.UPHOLD: Action.UPHOLD_REFUSAL,
}

DECISION_WORDS: dict[str, str] = {
    Decision.PASS: N_("通过"),
    Decision.RETURN: N_("退回补正"),
    Decision.REFUSE: N_("不予通过"),
    Decision.REOPEN: N_("撤销原决定，重新初审"),
    Decision.UPHOLD: N_("维持原决定"),
}

@dataclass(frozen=True)
class Level:
    """A review step: who works there by which right, and its name in `review.yaml`."""

    step: Step
    act: Act
    role: Role
    name: str | None  # first | second in review.yaml; None: reconsideration, which has no checklist
    verb: str
    passes: str = ""  # the button
    sheet: str = ""  # the heading of the checklist

LEVELS: dict[str, Level] = {
    Step.FIRST_REVIEW: Level(
        Step.FIRST_REVIEW, Act.FIRST_REVIEW, Role.FIRST_REVIEWER, "first", N_("初审"), N_("初审通过"), N_("初审核对单")
    ),
    Step.SECOND_REVIEW: Level(
        Step.SECOND_REVIEW,
        Act.SECOND_REVIEW,
        Role.SECOND_REVIEWER,
        "second",
        N_("复审"),
        N_("复审通过"),
        N_("复审核对单"),
    ),
    Step.RECONSIDERATION: Level(Step.RECONSIDERATION, Act.RECONSIDER, Role.COORDINATOR, None, N_("复核")),
}
REVIEW_STEPS = tuple(str(step) for step in LEVELS)
REVIEW_ROLES = frozenset(level.role for level in LEVELS.values())
FILE_READERS = REVIEW_ROLES | {Role.SUPERVISOR}
