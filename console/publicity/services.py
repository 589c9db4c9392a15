"""The face of the room: everything that is written about notices. What happens when a window ends is in `closing`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission
from console.errors import NotAllowed
from console.publicity import queries, troubled
from console.publicity.closing import Closing, close_due
from console.publicity.correcting import correct, reissue, withdraw
from console.publicity.foreseeing import would_admit
from console.publicity.models import NoticeItem
from console.publicity.objecting import (
    LONGEST_GROUND,
    SECRETS,
    able_to_rule,
    assign,
    give_limits,
    object_to,
    put_back,
    reveal,
    rule_on,
    take_back,
    wrong_words,
)
from console.publicity.opening import open_notice, publish_due
from console.publicity.proof import sum_up, weigh
from console.publicity.queries import waiting
from console.publicity.troubled import try_again
from console.scope import Principal, System
from rules.pipeline import Step

__all__ = [
    "LONGEST_GROUND", "SECRETS", "Closing", "able_to_rule", "assign", "close_due", "correct", "give_limits", "object_to", "open_notice",
    "publish_due", "put_back", "reissue", "reveal", "rule_on", "settle_withdrawn", "sum_up", "take_back", "try_again", "waiting", "weigh", "withdraw", "would_admit", "wrong_words",
]  # fmt: skip


# ── people who leave a notice by themselves ──────────────────────────────────────────────────────────────────


def settle_withdrawn(session: Session, admission_ids: Sequence[int], *, actor: Principal) -> int:
    """Note on their notices that these people have withdrawn; returns how many were. Safe to run twice."""
    if not isinstance(actor, System):
        raise NotAllowed()
    gone = select(Admission.id).where(Admission.id.in_(admission_ids), Admission.step == Step.WITHDRAWN)
    settled = session.scalars(
        update(NoticeItem)
        .where(NoticeItem.admission_id.in_(gone), NoticeItem.settled_at.is_(None))
        .values(outcome=queries.WITHDRAWN, settled_at=clock.now(session))
        .returning(NoticeItem.id)
        .execution_options(synchronize_session=False)
    ).all()
    troubled.settled(session, settled)
    return len(settled)
