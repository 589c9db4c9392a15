"""What was written to whom, and what did not arrive."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from console.applications.models import Admission, Application
from console.errors import NotFound
from console.notifications.models import Delivery, Letter, Message


def letters_of(session: Session, application: Application) -> list[Letter]:
    """Every letter about the application's admissions, newest first, with its deliveries."""
    return list(
        session.scalars(
            select(Letter)
            .join(Admission, Admission.id == Letter.admission_id)
            .where(Admission.application_id == application.id)
            .options(selectinload(Letter.deliveries))
            .order_by(Letter.id.desc())
        )
    )


def letters_in(session: Session, admission: Admission) -> list[Letter]:
    """Every letter of one file, newest first, with its deliveries and the machines among them."""
    return list(
        session.scalars(
            select(Letter)
            .where(Letter.admission_id == admission.id)
            .options(selectinload(Letter.deliveries).joinedload(Delivery.webhook))
            .order_by(Letter.id.desc())
            .limit(200)
        )
    )


def letter(session: Session, letter_id: int) -> Letter:
    """A letter the principal may see; NotFound otherwise."""
    found = session.scalar(select(Letter).where(Letter.id == letter_id))
    if found is None:
        raise NotFound()
    return found


def unread(session: Session) -> int:
    """How many letters the signed-in applicant has not opened."""
    return session.scalar(select(func.count(Letter.id)).where(Letter.read_at.is_(None))) or 0


def messages(session: Session, *, limit: int = 20) -> list[Message]:
    """The newest messages to the offices the officer may read."""
    return list(session.scalars(select(Message).order_by(Message.id.desc()).limit(limit)))


def given_up(session: Session, *, limit: int = 100) -> list[Delivery]:
    """Deliveries that wait for a human, newest first."""
    return list(
        session.scalars(
            select(Delivery)
            .where(Delivery.gave_up_at.is_not(None))
            .options(selectinload(Delivery.letter))
            .order_by(Delivery.gave_up_at.desc())
            .limit(limit)
        )
    )
