"""Which machines are told of events: named, tried and stopped by an administrator, of one department or of all."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import audit, clock
from console.departments.models import Department
from console.errors import N_, Conflict, InvalidAnswers, NotAllowed, NotFound
from console.notifications import events_out
from console.notifications.models import Webhook
from console.post import channels, webhook
from console.post.channels import OutgoingMessage
from console.roles import ROLES, Act, Role
from console.scope import Principal, Staff, Whole, may, require

SHORTEST, LONGEST = 16, 200  # of a secret
MOST = 20  # machines of one department


class AlreadyStopped(Conflict):
    message = N_("这个接口已经停用了。")


def may_set(actor: Principal, department_id: int | None) -> bool:
    """Whether this is theirs to name; a machine of all departments is for whoever administers all of them."""
    return may(actor, Act.SET_WEBHOOK, _whole(department_id))


def _whole(department_id: int | None) -> Any:
    return Whole(department_id)  # type: ignore[arg-type]  # None: of all departments, which a grant of one does not cover


def all_of(session: Session, *, actor: Principal) -> list[Webhook]:
    """The machines of the departments this person administers or supervises, those in use first."""
    rows = session.scalars(select(Webhook).order_by(Webhook.stopped_at.is_not(None), Webhook.id.desc())).all()
    return [row for row in rows if _concerns(actor, row, looking=True)]


def name(session: Session, *, department_id: int | None, title: str, url: str, secret: str, actor: Principal) -> Webhook:
    """Have a machine told from the next event on. What it is called, its address and the secret are checked together."""
    require(actor, Act.SET_WEBHOOK, _whole(department_id))
    if department_id is not None and session.scalar(select(Department.id).where(Department.id == department_id)) is None:
        raise NotAllowed()  # of a department that is none, nobody may
    title, url, problems = " ".join(title.split()), url.strip(), {}
    if not 2 <= len(title) <= 60:
        problems["title"] = N_("请写明给谁用，2 到 60 个字。")
    if len(url) > 500:
        problems["url"] = N_("地址太长，最多 500 个字符。")
    else:
        try:
            webhook.check(url, plain=not channels.settings().is_production)
        except webhook.NotThere as error:
            problems["url"] = error.why  # type: ignore[attr-defined]
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isascii() or not secret.isprintable():
        problems["secret"] = N_("签名密钥要 16 到 200 个英文字符，越随机越好。")
    in_use = select(Webhook.id).where(Webhook.stopped_at.is_(None), Webhook.department_id.is_not_distinct_from(department_id))
    if len(session.scalars(in_use).all()) >= MOST:
        problems["title"] = N_("已经有 20 个接口，请先停用不用的。")
    if problems:
        raise InvalidAnswers(problems)
    row = Webhook(department_id=department_id, title=title, url=url, secret=secret, created_by=actor.who, created_at=clock.now(session))
    session.add(row)
    session.flush()
    audit.record(session, "webhook.named", f"webhook:{row.id}", title=title, url=url, department=department_id)
    return row


def _concerns(actor: Principal, row: Webhook, *, looking: bool = False) -> bool:
    """Whether it tells of files of a department this person administers somewhere, or, to look, supervises."""
    grants = actor.grants if isinstance(actor, Staff) else ()
    roles = {role for role, definition in ROLES.items() if Act.SET_WEBHOOK in definition.acts} | ({Role.SUPERVISOR} if looking else set())
    return any(grant.role in roles and grant.department_id in (None, row.department_id) for grant in grants)


def found(session: Session, webhook_id: int, *, actor: Principal) -> Webhook:
    """One that this person may set; NotFound when it is no concern of theirs."""
    row = session.scalars(select(Webhook).where(Webhook.id == webhook_id)).one_or_none()
    if row is None or not _concerns(actor, row):
        raise NotFound()
    require(actor, Act.SET_WEBHOOK, _whole(row.department_id))
    return row


def stop(session: Session, row: Webhook, *, reason: str, actor: Principal) -> None:
    """Tell it nothing more; what waits for it is given up at its next try."""
    require(actor, Act.SET_WEBHOOK, _whole(row.department_id))
    reason = " ".join(reason.split())[:500]
    if not reason:
        raise InvalidAnswers({"reason": N_("请写明为什么停用。")})
    if row.stopped_at is not None:
        raise AlreadyStopped()
    row.stopped_at, row.stopped_by, row.stopped_why = clock.now(session), actor.who, reason
    session.flush()
    audit.record(session, "webhook.stopped", f"webhook:{row.id}", reason=reason)


def trial(session: Session, row: Webhook, *, actor: Principal) -> OutgoingMessage:
    """An event named `test`, to be sent at once by whoever asked, outside of any transaction; that it was sent is on record."""
    require(actor, Act.SET_WEBHOOK, _whole(row.department_id))
    if row.stopped_at is not None:
        raise AlreadyStopped()
    department = row.department.code if row.department is not None else ""
    text = events_out.body("test", file=None, department=department, office="", at=clock.now(session).isoformat(timespec="seconds"))
    audit.record(session, "webhook.tried", f"webhook:{row.id}")
    return OutgoingMessage(f"test-{row.id}-{secrets.token_hex(16)}", row.url, "", text, secret=row.secret)


def send_trial(message: OutgoingMessage) -> None:
    """Raises NotSent or Undeliverable, as any other event."""
    known = channels.settings()
    webhook.send(message, plain=not known.is_production, allowed=known.webhook_private)
