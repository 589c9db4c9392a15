"""One person and the notices: where they are shown, whether something holds them, who is on the list of joint restriction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from console.applications.models import Admission, Applicant, RestrictionEntry
from console.errors import NotFound
from console.publicity.models import OFF, Notice, NoticeItem, Objection


def open_objection(item_id: Any) -> Any:
    """SQL: somebody objected to this item and nobody has ruled yet."""
    return select(Objection.id).where(Objection.notice_item_id == item_id, Objection.ruled_at.is_(None)).exists()


def notice_item(session: Session, item_id: int) -> NoticeItem:
    """One person on a notice, for the objection form; NotFound when there is none."""
    item = session.scalar(select(NoticeItem).where(NoticeItem.id == item_id).options(joinedload(NoticeItem.notice)))
    if item is None:
        raise NotFound()
    return item


def notice_of(session: Session, admission: Admission) -> Notice | None:
    """The notice that shows this file now, or showed it last; for the applicant's status page."""
    return session.scalar(
        select(Notice)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(NoticeItem.admission_id == admission.id, Notice.published_at.is_not(None), func.coalesce(NoticeItem.outcome, "").not_in(OFF))
        .order_by(Notice.id.desc())
        .limit(1)
    )


def shown_elsewhere(session: Session, admission_ids: Sequence[int]) -> dict[int, str]:
    """Admission id → number of the notice on which it is shown and not settled."""
    rows = session.execute(
        select(NoticeItem.admission_id, Notice.number)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(NoticeItem.admission_id.in_(admission_ids), NoticeItem.settled_at.is_(None))
    )
    return dict(rows.all())


def restricted_people(session: Session, applicants: Sequence[int], on: dt.date) -> dict[int, list[RestrictionEntry]]:
    """Applicant id → entries of the joint restriction list that hold on this day."""
    rows = session.execute(
        select(Applicant.id, RestrictionEntry)
        .join(RestrictionEntry, RestrictionEntry.id_number_hash == Applicant.id_number_hash)
        .where(
            Applicant.id.in_(applicants),
            RestrictionEntry.valid_from <= on,
            (RestrictionEntry.valid_to.is_(None)) | (RestrictionEntry.valid_to >= on),
        )
        .order_by(RestrictionEntry.id)
    )
    found: dict[int, list[RestrictionEntry]] = {}
    for applicant_id, entry in rows:
        found.setdefault(applicant_id, []).append(entry)
    return found
