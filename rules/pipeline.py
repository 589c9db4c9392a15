"""Where a file lies, what may be done to it there, and where that takes it.

Steps are nouns, actions are verbs. The table `MOVES` is the whole of the law of movement: what is not in it
cannot happen. A department's bundle says which of the steps it uses (a department may have no exam, or a single
review); `Route` is that choice, and `destination()` reads table and route together.
Who exactly may act is asked elsewhere (grants, offices, separated duties); the table names only the kind of actor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """Where an admission lies (办件所处环节)."""

    SCREENING = "screening"  # 条件核对: passed through in the same transaction, never waited in
    ASSIGNMENT = "assignment"  # 待指派: no department claims the specialty; the centre assigns
    FIRST_REVIEW = "first_review"
    SECOND_REVIEW = "second_review"
    CORRECTION = "correction"  # 待补正: the applicant's turn; the review clock stands still
    TRAINING = "training"
    EXAM = "exam"
    PUBLICITY = "publicity"  # 公示: waiting for a notice, or shown in one
    ROSTER = "roster"  # 入库
    REFUSED = "refused"
    FAILED = "failed"  # 考试未通过，机会用完
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    RECONSIDERATION = "reconsideration"


class Action(StrEnum):
    """What is done to a file."""

    SUBMIT = "submit"
    PASS_STEP = "pass_step"
    RETURN_FOR_CORRECTION = "return_for_correction"
    RESUBMIT = "resubmit"
    REFUSE = "refuse"
    FAIL = "fail"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"
    ASSIGN = "assign"
    RESCREEN = "rescreen"  # 按过渡安排重新核对: the rules changed while the file lay with its applicant
    REQUEST_RECONSIDERATION = "request_reconsideration"
    REOPEN = "reopen"
    UPHOLD_REFUSAL = "uphold_refusal"


class Doer(StrEnum):
    """The kind of actor a move belongs to; the grant of a staff member carries the same word as its role."""

    APPLICANT = "applicant"
    CLOCK = "clock"  # a background job, naming its reason
    FIRST_REVIEWER = "first_reviewer"
    SECOND_REVIEWER = "second_reviewer"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Move:
    """One legal move: `to` is a step, or NEXT (the next step of the route), or BACK (where it was returned from)."""

    to: Step | str
    doers: frozenset[Doer]


NEXT = "next"
BACK = "back"

_REVIEW = {Step.FIRST_REVIEW: Doer.FIRST_REVIEWER, Step.SECOND_REVIEW: Doer.SECOND_REVIEWER}
OPEN_STEPS = (
    Step.ASSIGNMENT,
    Step.FIRST_REVIEW,
    Step.SECOND_REVIEW,
    Step.CORRECTION,
    Step.TRAINING,
    Step.EXAM,
    Step.PUBLICITY,
    Step.RECONSIDERATION,
)
CLOSED_STEPS = (Step.ROSTER, Step.REFUSED, Step.FAILED, Step.LAPSED, Step.WITHDRAWN)
APPLICANT_STEPS = (Step.CORRECTION, Step.TRAINING, Step.EXAM)  # a file here waits for its applicant, and may lapse


def _moves() -> dict[tuple[Step, Action], Move]:
    applicant, clock = frozenset({Doer.APPLICANT}), frozenset({Doer.CLOCK})
    either = applicant | clock
    moves = {
        (Step.SCREENING, Action.PASS_STEP): Move(NEXT, either),
        (Step.SCREENING, Action.RETURN_FOR_CORRECTION): Move(Step.CORRECTION, either),
        (Step.SCREENING, Action.REFUSE): Move(Step.REFUSED, either),
        (Step.ASSIGNMENT, Action.ASSIGN): Move(Step.SCREENING, clock | {Doer.OPERATOR}),
        (Step.CORRECTION, Action.RESUBMIT): Move(BACK, applicant),
        (Step.CORRECTION, Action.RESCREEN): Move(Step.SCREENING, clock),
        (Step.CORRECTION, Action.REFUSE): Move(Step.REFUSED, applicant),
        (Step.TRAINING, Action.PASS_STEP): Move(NEXT, either),  # the clock: who finished before the file came here
        (Step.EXAM, Action.PASS_STEP): Move(NEXT, either),
        (Step.EXAM, Action.FAIL): Move(Step.FAILED, either),
        (Step.PUBLICITY, Action.PASS_STEP): Move(Step.ROSTER, clock),
        (Step.PUBLICITY, Action.REFUSE): Move(Step.REFUSED, clock | {Doer.COORDINATOR}),
        (Step.REFUSED, Action.REQUEST_RECONSIDERATION): Move(Step.RECONSIDERATION, applicant),
        (Step.RECONSIDERATION, Action.REOPEN): Move(Step.FIRST_REVIEW, frozenset({Doer.COORDINATOR})),
        (Step.RECONSIDERATION, Action.UPHOLD_REFUSAL): Move(Step.REFUSED, frozenset({Doer.COORDINATOR})),
    }
    for step, reviewer in _REVIEW.items():
        moves[step, Action.PASS_STEP] = Move(NEXT, frozenset({reviewer}))
        moves[step, Action.RETURN_FOR_CORRECTION] = Move(Step.CORRECTION, frozenset({reviewer}))
        moves[step, Action.REFUSE] = Move(Step.REFUSED, frozenset({reviewer}))
    for step in APPLICANT_STEPS:
        moves[step, Action.LAPSE] = Move(Step.LAPSED, clock)
    for step in OPEN_STEPS:
        moves[step, Action.WITHDRAW] = Move(Step.WITHDRAWN, applicant)
    return moves


MOVES = _moves()


@dataclass(frozen=True)
class Route:
    """The steps one department uses, in order; always review first and roster last."""

    steps: tuple[Step, ...]

    @classmethod
    def of(cls, *, second_review: bool = True, training: bool = True, exam: bool = True) -> Route:
        optional = {Step.SECOND_REVIEW: second_review, Step.TRAINING: training, Step.EXAM: exam}
        order = (Step.FIRST_REVIEW, Step.SECOND_REVIEW, Step.TRAINING, Step.EXAM, Step.PUBLICITY, Step.ROSTER)
        return cls(tuple(step for step in order if optional.get(step, True)))

    def after(self, step: Step) -> Step:
        """The step that follows; what comes after screening is the first of the route."""
        return self.steps[0] if step == Step.SCREENING else self.steps[self.steps.index(step) + 1]


class IllegalMove(Exception):
    """The table has no such move."""

    def __init__(self, step: Step, action: Action) -> None:
        super().__init__(f"“{step}”环节没有“{action}”这一动作。")
        self.step, self.action = step, action


def move(step: Step, action: Action) -> Move:
    """The legal move, or IllegalMove."""
    try:
        return MOVES[step, action]
    except KeyError:
        raise IllegalMove(step, action) from None


def destination(route: Route, step: Step, action: Action, *, back_to: Step | None = None) -> Step:
    """Where the action takes a file that lies at `step`; `back_to` is where it was returned from, if it was.

    A file returned by screening, before any officer saw it, comes back to the first step of its route.
    """
    to = move(step, action).to
    if to == NEXT:
        return route.after(step)
    if to == BACK:
        return route.steps[0] if back_to in (None, Step.SCREENING) else back_to
    return Step(to)


def actions_at(step: Step, doer: Doer) -> tuple[Action, ...]:
    """What this kind of actor may do here, in the order of the table: the buttons of a page."""
    return tuple(action for (at, action), found in MOVES.items() if at == step and doer in found.doers)


def diagram() -> str:
    """The table as a Mermaid state diagram, for the docs; a test keeps docs and table the same."""
    lines = ["stateDiagram-v2"]
    for (step, action), found in MOVES.items():
        lines.append(f"    {step} --> {found.to}: {action}")
    return "\n".join(lines) + "\n"
