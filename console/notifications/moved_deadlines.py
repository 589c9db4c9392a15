"""Deadlines that became later because the calendar changed: a letter to each applicant, one message to each office."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import column, select, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission
from console.departments.calendars import calendars
from console.departments.models import Office
from console.notifications import letters
from console.notifications.facts import Occasion
from console.notifications.models import Message

EVENT, AT_OFFICE = "deadline_moved", "deadlines_moved"
_notice = table("notice", *map(column, ("id", "last_day", "closed_at")))
_item = table("notice_item", *map(column, ("id", "notice_id", "admission_id", "office_id", "settled_at")))


def tell_applicants(session: Session, admission_ids: Sequence[int]) -> None:
    """Tell whoever waits for these files, once for each day they were moved to; a file that has moved on has another deadline by now."""
    found = session.scalars(select(Admission).where(Admission.id.in_(admission_ids), Admission.due_at.is_not(None)).order_by(Admission.id)).all()
    letters.write(session, [Occasion(EVENT, one, f"{EVENT}:{one.id}:{one.due_at:%Y%m%d}", one.office_id) for one in found if one.due_at is not None])


def tell_shown(session: Session, notice_ids: Sequence[int]) -> None:
    """Tell everybody who is still shown on these notices."""
    rows = session.execute(
        select(_item.c.id, _item.c.admission_id, _item.c.office_id, _notice.c.last_day)
        .join(_notice, _notice.c.id == _item.c.notice_id)
        .where(_notice.c.id.in_(notice_ids), _item.c.settled_at.is_(None))
        .order_by(_item.c.id)
    ).all()
    found = session.scalars(select(Admission).where(Admission.id.in_({row.admission_id for row in rows})))
    admissions = {one.id: one for one in found}
    letters.write(
        session,
        [
            Occasion(EVENT, admissions[row.admission_id], f"{EVENT}:{row.admission_id}:item-{row.id}:{row.last_day:%Y%m%d}", row.office_id, about=row.id)
            for row in rows
            if row.admission_id in admissions
        ],
    )


def tell_offices(session: Session, office_ids: Sequence[int]) -> None:
    """One message to each office for this version of the calendar; a second time changes nothing."""
    version, now = calendars(session).version, clock.now(session)
    text = f"工作日历有了第 {version} 版，本机构有办理期限往后延了，列表里已按新的日子排。"
    rows = [
        {"office_id": office_id, "key": f"calendar:{version}:{office_id}", "event": AT_OFFICE, "text": text, "written_at": now}
        for office_id in session.scalars(select(Office.id).where(Office.id.in_(office_ids)).order_by(Office.id))
    ]
    if rows:
        session.execute(insert(Message).on_conflict_do_nothing(index_elements=["key"]).returning(Message.id), rows)
