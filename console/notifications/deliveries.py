"""Carrying letters: one delivery at a time, each in a transaction of its own; and what becomes of those that came back.

The row is locked while the other side is spoken to, so two workers never send the same delivery at once; a worker that dies
leaves it unsent, and the next try carries the same idempotency key. At least once to the gateway, exactly one record here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from console import audit, clock
from console.applications.models import Applicant
from console.notifications import account_notices, events_out
from console.notifications.kinds import kind_of, muting
from console.notifications.models import Delivery, Letter
from console.notifications.preferences import quiet_of, reach_of
from console.post import reports, tokens, trying
from console.post.channels import MAIL, SMS, WEBHOOK, OutgoingMessage, Undeliverable
from console.post.registry import Lines, channels
from console.post.reports import Report
from rules.quiet_hours import QuietHours


def waiting() -> Any:
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
    now = clock.now(session)
    if delivery.channel == WEBHOOK:
        trying.carry(delivery, lambda: events_out.message(session, delivery), now=now, lines=lines, quiet=None)
    else:
        person = _person(session, delivery)
        no_such_address = trying.carry(delivery, lambda: _message(delivery, person), now=now, lines=lines, quiet=_quiet(person))
        if delivery.gave_up_at is not None:
            _otherwise(session, delivery, person, address_is_bad=no_such_address)
    session.flush()
    return True


def try_again(session: Session, delivery_ids: Sequence[int]) -> None:
    """Put deliveries that were given up or came back in the queue, with all their tries; the others are left as they are."""
    now = clock.now(session)
    for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id).with_for_update()):
        if trying.may_go_again(delivery):
            trying.again(delivery, now=now, quiet=_quiet(_person(session, delivery)))
    session.flush()


def take_reports(session: Session, numbers: Sequence[int]) -> None:
    """Note what the other side says of deliveries it had taken; what names no delivery, or an earlier round of one, changes nothing."""
    now = clock.now(session)
    for report in filter(None, map(Report.unpacked, numbers)):
        delivery = session.scalar(
            select(Delivery).where(Delivery.id == report.id, Delivery.channel != WEBHOOK).options(joinedload(Delivery.letter, innerjoin=True)).with_for_update(of=Delivery)
        )
        if delivery is None:
            continue
        sent_at = delivery.sent_at
        if not reports.note(delivery, report, now=now):
            continue
        person = _person(session, delivery)
        changed = person.email_changed_at if delivery.channel == MAIL else person.phone_changed_at
        stands = changed is None or sent_at is None or changed < sent_at  # else it is about the address before
        if report.came_back:
            _otherwise(session, delivery, person, address_is_bad=report.no_such_address and stands)
        elif delivery.channel == SMS and stands and person.phone_failed_at is not None:
            person.phone_failed_at = None  # it rings again
            audit.record(session, "applicant.phone_works", f"applicant:{person.id}", delivery=delivery.id)
    session.flush()


def _otherwise(session: Session, delivery: Delivery, person: Applicant, *, address_is_bad: bool) -> None:
    """A letter did not arrive: remember that the address does not work, and have the other channel tell of it, if that works and its reader lets us."""
    now = clock.now(session)
    if address_is_bad:
        _mark(session, person, delivery.channel, now)
    letter, other = delivery.letter, SMS if delivery.channel == MAIL else MAIL
    kind = kind_of(letter.event)
    if other not in reach_of(person).addresses or (not kind.must and muting(kind, other) in (person.muted or ())):
        return
    once = insert(Delivery).on_conflict_do_nothing(index_elements=["idempotency_key"])
    due_at = trying.put_off(other, now, _quiet(person))
    session.execute(
        once.values(
            letter_id=letter.id, admission_id=letter.admission_id, applicant_id=letter.applicant_id, office_id=letter.office_id,
            channel=other, idempotency_key=f"{letter.key}:{other}", due_at=due_at,
        )
    )  # fmt: skip


def _mark(session: Session, person: Applicant, channel: str, now: dt.datetime) -> None:
    """Nothing more goes to this address by itself until it is changed; its owner is told where else they can be reached."""
    if channel == MAIL and person.email_failed_at is None:
        person.email_failed_at = now
    elif channel == SMS and person.phone_failed_at is None:
        person.phone_failed_at = now
        account_notices.tell(session, person, account_notices.PHONE_FAILED, to=account_notices.where_now(person, MAIL))
    session.flush()


def _person(session: Session, delivery: Delivery) -> Applicant:
    return session.scalars(select(Applicant).where(Applicant.id == delivery.applicant_id)).one()


def _quiet(person: Applicant) -> QuietHours | None:
    return quiet_of(person)


def _message(delivery: Delivery, person: Applicant) -> OutgoingMessage:
    """The letter and, only now, the address: it is kept nowhere but in the applicant's own row."""
    letter, channel = delivery.letter, channels()[delivery.channel]
    to = getattr(person, channel.address or "")
    if not to:
        raise Undeliverable(why="申报人没有留邮箱")
    if channel.name == SMS and person.phone_failed_at is not None and not delivery.round:
        raise Undeliverable(why="申报人的手机收不到短信")  # what came back from there and a person sends again does go
    key = tokens.token("delivery", delivery.id, delivery.round)
    if not channel.whole:
        return OutgoingMessage(key, to, letter.title, letter.sms or letter.title)
    english = person.language.startswith("en") and letter.title_en != ""
    return OutgoingMessage(key, to, *_text(letter, english=english))


def _text(letter: Letter, *, english: bool) -> tuple[str, str]:
    return (letter.title_en, letter.body_en) if english else (letter.title, letter.body)


