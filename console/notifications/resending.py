"""A person has a letter sent once more: an officer of the office where the file lies, with a reason, and on record. The operator, who sees no file, does so
by number (`post.carriage`)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, outbox
from console.applications import duties
from console.applications.models import Admission
from console.errors import NotFound
from console.notifications.models import Delivery
from console.post import trying
from console.roles import Act
from console.scope import Principal, Staff, require


def resend(session: Session, deliveries: Sequence[Delivery], *, reason: str, actor: Principal) -> int:
    """Ask the worker to send these again; those that are on their way or arrived are left out. How many were asked for.

    The act is asked about the office where each file lies now, and of an officer who is to keep out of it, refused.
    """
    reason = trying.reason_for(reason)
    ids = {delivery.admission_id for delivery in deliveries}
    admissions = {admission.id: admission for admission in session.scalars(select(Admission).where(Admission.id.in_(ids)))}
    if len(admissions) < len(ids):
        raise NotFound()
    for admission in admissions.values():
        require(actor, Act.RESEND_LETTER, admission)
    if isinstance(actor, Staff):
        duties.require_free(session, list(admissions.values()), staff_id=actor.id, act=Act.RESEND_LETTER)
    wanted = [delivery for delivery in deliveries if trying.may_go_again(delivery)]
    if not wanted:
        raise trying.NothingToResend()
    for delivery in wanted:
        audit.record(session, "delivery.retry_asked", f"delivery:{delivery.id}", reason=reason, admission=delivery.admission_id, channel=delivery.channel)
    outbox.publish(session, "delivery.retry_asked", [delivery.id for delivery in wanted])
    return len(wanted)
