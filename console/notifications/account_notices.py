"""What is said about an account itself, not about a file: on the account's page, and where its owner could be reached until now.

Whoever takes over a phone or a session changes the address first: the one before is told in the transaction of the change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Applicant
from console.notifications.models import AccountNotice
from console.notifications.preferences import quiet_of, reach_of
from console.notifications.said import Said
from console.post import channels, trying
from console.post.channels import INAPP, MAIL, SMS, OutgoingMessage
from console.post.registry import Lines

PHONE_CHANGED, EMAIL_CHANGED, EMAIL_DROPPED, PHONE_FAILED = "phone_changed", "email_changed", "email_dropped", "phone_failed"
SHOWN = 10
_NOT_YOU = Said("不是您本人改的，请马上登录改密码，并拨打系统咨询电话。", "If this was not you, sign in, change your password at once and call our helpline.")
TITLES = {
    PHONE_CHANGED: Said("您的账户换了手机号", "The phone number of your account was changed"),
    EMAIL_CHANGED: Said("您的账户换了邮箱", "The e-mail address of your account was changed"),
    EMAIL_DROPPED: Said("您的账户删去了邮箱", "The e-mail address of your account was removed"),
    PHONE_FAILED: Said("您的手机收不到短信", "Short messages do not reach your phone"),
}
BODIES = {
    PHONE_CHANGED: Said(f"今后用新号码登录，短信也发到新号码。{_NOT_YOU.zh}", f"Sign in with the new number from now on; short messages go there. {_NOT_YOU.en}"),
    EMAIL_CHANGED: Said(f"今后的邮件发到新邮箱，不再发到原来的邮箱。{_NOT_YOU.zh}", f"Mail goes to the new address from now on, not to the old one. {_NOT_YOU.en}"),
    EMAIL_DROPPED: Said(f"今后不再发邮件。{_NOT_YOU.zh}", f"No more mail is sent. {_NOT_YOU.en}"),
    PHONE_FAILED: Said(
        "运营商说您的手机号不通，今后不再往这个号码发短信，验证码除外。换了号码的，请登录后在“我的账户”里改；函件仍在站内。",
        "The network says that your phone number does not exist. No more short messages go there, except codes. If you have another number, sign in and change it under My account; your letters are in the portal.",
    ),
}  # fmt: skip


class Told(NamedTuple):
    """What the account's page says of one event: when, and how it fared on its ways out."""

    event: str
    at: dt.datetime
    ways: list[AccountNotice]


def tell(session: Session, person: Applicant, event: str, *, to: Iterable[tuple[str, str]]) -> None:
    """Write it down for the account's page and send it to these (channel, address); with none it stands on the page alone."""
    now = clock.now(session)
    quiet = quiet_of(person)
    ways = [(channel, address) for channel, address in to if address]
    for channel, address in ways:
        due_at = trying.put_off(channel, now, quiet)
        session.add(AccountNotice(applicant_id=person.id, event=event, written_at=now, channel=channel, address=address, due_at=due_at))
    if not ways:
        session.add(AccountNotice(applicant_id=person.id, event=event, written_at=now, channel=INAPP))
    session.flush()


def where_now(person: Applicant, *channels_wanted: str) -> list[tuple[str, str]]:
    """The person's addresses on these channels, as far as they work."""
    works = reach_of(person).addresses
    known = {MAIL: person.email or "", SMS: person.phone}
    return [(channel, known[channel]) for channel in channels_wanted if channel in works]


def latest(session: Session, person: Applicant) -> list[Told]:
    """What was said about this account, newest first."""
    rows = session.scalars(select(AccountNotice).where(AccountNotice.applicant_id == person.id).order_by(AccountNotice.id.desc()).limit(2 * SHOWN))
    found: dict[tuple[str, dt.datetime], Told] = {}
    for row in rows:
        found.setdefault((row.event, row.written_at), Told(row.event, row.written_at, [])).ways.append(row)
    return list(found.values())[:SHOWN]


# ── carrying ─────────────────────────────────────────────────────────────────────────────────────────────────


def waiting() -> Any:
    """What is neither sent nor given up."""
    return AccountNotice.sent_at.is_(None) & AccountNotice.gave_up_at.is_(None)


def deliver(session: Session, notice_id: int, *, lines: Lines) -> bool:
    """Try one that is due; False when there was nothing to do. A failure is noted, never raised; the address goes with the last try."""
    now = clock.now(session)
    notice = session.scalar(
        select(AccountNotice).where(AccountNotice.id == notice_id, waiting(), AccountNotice.due_at <= now).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    )
    if notice is None:
        return False
    person = session.scalars(select(Applicant).where(Applicant.id == notice.applicant_id)).one()
    trying.carry(notice, lambda: _message(notice, person), now=now, lines=lines, quiet=quiet_of(person))
    if notice.sent_at is not None or notice.gave_up_at is not None:
        notice.address = None
    session.flush()
    return True


def _message(notice: AccountNotice, person: Applicant) -> OutgoingMessage:
    lang = "en" if person.language.startswith("en") else "zh"
    title, body = TITLES[notice.event].show(lang), BODIES[notice.event].show(lang)
    key = f"account-notice-{notice.id}"
    if notice.channel == SMS:
        return OutgoingMessage(key, notice.address or "", title, f"{title}{'. ' if lang == 'en' else '。'}{body}")
    return OutgoingMessage(key, notice.address or "", title, f"{body}\n\n{channels.portal_url()}/account\n")
