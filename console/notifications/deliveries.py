"""Carrying letters: one delivery at a time, each in a transaction of its own.

The row is locked while the other side is spoken to, so two workers never send the same delivery at once; a worker that dies
leaves it unsent, and the next try carries the same idempotency key. At least once to the gateway, exactly one record here.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.applications.models import Applicant
from console.notifications.models import Delivery, Letter
from console.post import trying
from console.post.channels import OutgoingMessage, Undeliverable
from console.post.registry import Lines, channels


def waiting():  # type: ignore[no-untyped-def]
    """What is neither sent nor given up."""
    return Delivery.sent_at.is_(None) & Delivery.gave_up_at.is_(None)


def deliver(session: Session, delivery_id: int, *, lines: Lines) -> bool:
    """Try one delivery that is due; False when there was nothing to do. A failure is noted, never raised."""
    delivery = session.scalar(
        select(Delivery)
        .where(Delivery.id == delivery_id, waiting(), Delivery.due_at <= clock.now(session))
        .options(joinedload(Delivery.letter, innerjoin=True))
        .with_for_update(of=Delivery, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if delivery is None:
        return False
    trying.carry(delivery, lambda: _message(session, delivery), now=clock.now(session), lines=lines)
    session.flush()
    return True


def try_again(session: Session, delivery_ids: list[int]) -> None:
    """Put deliveries that were given up back in the queue, with all their tries."""
    for delivery in session.scalars(
        select(Delivery).where(Delivery.id.in_(delivery_ids), Delivery.gave_up_at.is_not(None), Delivery.sent_at.is_(None)).with_for_update()
    ):
        trying.again(delivery, now=clock.now(session))
    session.flush()


def _message(session: Session, delivery: Delivery) -> OutgoingMessage:
    """The letter and, only now, the address: it is kept nowhere but in the applicant's own row."""
    letter, channel = delivery.letter, channels()[delivery.channel]
    applicant = session.scalars(select(Applicant).where(Applicant.id == delivery.applicant_id)).one()
    to = getattr(applicant, channel.address or "")
    if not to:
        raise Undeliverable(why="申报人没有留邮箱")
    if not channel.whole:
        return OutgoingMessage(delivery.idempotency_key, to, letter.title, letter.sms or letter.title)
    english = applicant.language.startswith("en") and letter.title_en != ""
    return OutgoingMessage(delivery.idempotency_key, to, *_text(letter, english=english))


def _text(letter: Letter, *, english: bool) -> tuple[str, str]:
    return (letter.title_en, letter.body_en) if english else (letter.title, letter.body)
