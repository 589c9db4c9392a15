"""Events to the machines of departments: which of them are told of a letter's event, what is said, and where it goes. No person is in it:
a file's number, what happened, where and when."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from console import clock
from console.applications.models import Admission
from console.departments.models import Office
from console.notifications.models import Delivery, Webhook
from console.post import tokens
from console.post.channels import WEBHOOK, OutgoingMessage, Undeliverable


def told(session: Session) -> dict[int | None, list[int]]:
    """The machines that are told, by department; None: of every department."""
    found: dict[int | None, list[int]] = defaultdict(list)
    for department_id, webhook_id in session.execute(select(Webhook.department_id, Webhook.id).where(Webhook.stopped_at.is_(None)).order_by(Webhook.id)):
        found[department_id].append(webhook_id)
    return found


def deliveries(written: Sequence[tuple[int, dict[str, Any]]], *, departments: dict[int, int], told: dict[int | None, list[int]], now: Any) -> list[dict[str, Any]]:
    """The rows that carry these letters' events; `departments`: admission → department."""
    return [
        {
            "letter_id": letter_id, "admission_id": row["admission_id"], "applicant_id": row["applicant_id"], "office_id": row["office_id"],
            "channel": WEBHOOK, "idempotency_key": f"{row['key']}:{WEBHOOK}:{webhook_id}", "due_at": now, "webhook_id": webhook_id,
        }
        for letter_id, row in written
        for webhook_id in (*told.get(None, ()), *told.get(departments[row["admission_id"]], ()))
    ]  # fmt: skip


def message(session: Session, delivery: Delivery) -> OutgoingMessage:
    """The event and, only now, the machine's address and secret."""
    hook = session.scalars(select(Webhook).where(Webhook.id == delivery.webhook_id)).one()
    if hook.stopped_at is not None:
        raise Undeliverable(why="接口已停用")
    letter = delivery.letter
    number = session.scalars(select(Admission.number).where(Admission.id == delivery.admission_id)).one()
    office = session.scalars(select(Office).where(Office.id == letter.office_id).options(joinedload(Office.department))).one()
    text = body(
        letter.event, file=number, department=office.department.code, office=office.name, at=letter.written_at.astimezone(clock.ZONE).isoformat(timespec="seconds")
    )
    return OutgoingMessage(tokens.token("delivery", delivery.id, delivery.round), hook.url, "", text, secret=hook.secret)


def body(event: str, *, file: str | None, department: str, office: str, at: str) -> str:
    """What a machine is told."""
    return json.dumps({"event": event, "file": file, "department": department, "office": office, "at": at}, ensure_ascii=False, separators=(",", ":"))
