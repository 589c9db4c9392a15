"""The clock over reviews: told once, never decided."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.applications.models import Admission
from console.departments.models import Office
from console.notifications.models import Message
from console.reviews import reminders
from rules.pipeline import Step
from tests.factories import HOHHOT, make_admission


def test_warning_is_given_once(session: Session, clock: Any) -> None:
    now = clock.set(dt.date(2026, 11, 11))
    admission = make_admission(session, due_in=7, warn_at=now + dt.timedelta(days=5))

    assert reminders.warn(session, [admission.id]) == 0
    clock.set(dt.date(2026, 11, 17))
    assert [reminders.warn(session, [admission.id]) for _ in range(2)] == [1, 0]

    message = session.scalars(select(Message)).one()
    assert (message.office_id, message.event, message.admission_id) == (
        admission.office_id,
        "review_due_soon",
        admission.id,
    )
    assert message.text == f"{admission.number} 的审核快到期了：7 个工作日，至 11 月 20 日（周五）。"


def test_overdue_is_told_to_office_and_coordinating_unit_and_decides_nothing(session: Session, clock: Any) -> None:
    clock.set(dt.date(2026, 11, 11))
    admission = make_admission(session, level=2, division=HOHHOT, due_in=2)
    elsewhere = make_admission(session, step=Step.CORRECTION, due_in=2)
    unit = session.scalars(
        select(Office.id).where(Office.department_id == admission.department_id, Office.is_coordinating)
    ).one()
    clock.set(dt.date(2026, 11, 16))

    assert [reminders.escalate(session, [admission.id, elsewhere.id]) for _ in range(2)] == [1, 0]

    told = session.scalars(select(Message.office_id).order_by(Message.id)).all()
    after = session.get_one(Admission, admission.id)
    assert told == [admission.office_id, unit] and unit != admission.office_id
    assert (after.step, after.overdue_told_at is not None) == (Step.FIRST_REVIEW, True)
