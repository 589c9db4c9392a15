"""Which letter a move calls for. Pure: what is not here says nothing."""

from __future__ import annotations

from collections.abc import Collection

from rules.pipeline import Action, Step

REVIEWS = (Step.FIRST_REVIEW, Step.SECOND_REVIEW)
#: steps at which an office finds something new on its desk
DESK_STEPS = (*REVIEWS, Step.ASSIGNMENT, Step.RECONSIDERATION)

_BY_ACTION = {
    Action.RETURN_FOR_CORRECTION: "returned",
    Action.RESUBMIT: "corrected",
    Action.REFUSE: "refused",
    Action.FAIL: "exam_failed",
    Action.LAPSE: "lapsed",
    Action.WITHDRAW: "withdrawn",
    Action.ASSIGN: "assigned",
    Action.REQUEST_RECONSIDERATION: "reconsideration_received",
    Action.REOPEN: "reconsideration_granted",
    Action.UPHOLD_REFUSAL: "reconsideration_refused",
}


def events_of(
    action: Action,
    from_step: Step | None,
    to_step: Step,
    *,
    flags: Collection[str] = (),
    was_reconsidered: bool = False,
) -> tuple[str, ...]:
    """The events of `docs/bundles.md` that this move is, in the order their letters are written.

    Not every move is one: an unclaimed file waits for the centre without a letter, a first review that passes to a second says
    nothing yet, and entering the roster is told when the number exists (`ADMITTED`, after the roster has done its part).
    """
    if action == Action.PASS_STEP:
        if from_step == Step.SCREENING:
            return ("submitted", "flagged") if flags else ("submitted",)
        if from_step in REVIEWS and to_step in (Step.TRAINING, Step.EXAM):
            return ("passed_review",)
        return ("exam_passed",) if from_step == Step.EXAM else ()
    if action == Action.REFUSE and was_reconsidered:
        return ("reconsideration_refused",)  # there is no second request, so the ordinary letter would promise too much
    event = _BY_ACTION.get(action)
    return (event,) if event else ()


ADMITTED = "admitted"
