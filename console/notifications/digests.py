"""The morning mail of officers who want one: on each working day, in numbers, what waits for them, with the way there. No file and no person is named in it.

A set of officers costs the statements of one; what is counted is what each may see and has in hand.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from console import clock
from console.accounts import queries as accounts
from console.accounts.models import StaffAccount
from console.applications.models import Admission
from console.departments import queries as departments
from console.notifications.events import DESK_STEPS
from console.notifications.models import Digest, Message
from console.post import channels, reports, tokens, trying
from console.post.channels import OutgoingMessage
from console.post.registry import Lines
from console.post.reports import Report
from console.roles import Subject
from console.scope import Staff

AT = dt.time(8, 0)  # of the province: before the working day
SOON = 3  # working days


@dataclass
class _Waiting:
    """What was counted, by office and by who has it in hand."""

    messages: Counter[tuple[int, bool]] = field(default_factory=Counter)  # (office, about a register)
    mine: Counter[int] = field(default_factory=Counter)
    late: Counter[int] = field(default_factory=Counter)
    soon: Counter[int] = field(default_factory=Counter)
    unassigned: Counter[int] = field(default_factory=Counter)


def write(session: Session) -> int:
    """Write this morning's mails, one for each officer who wants one and for whom something waits; on a day off, none. How many are new."""
    today, now = clock.today(session), clock.now(session)
    calendar, _ = departments.working_calendar(session)
    if not calendar.is_workday(today):
        return 0
    wanting = select(StaffAccount.staff_id).where(StaffAccount.morning_mail.is_(True), StaffAccount.mail.is_not(None), StaffAccount.left_at.is_(None))
    staff_ids = session.scalars(wanting.order_by(StaffAccount.staff_id)).all()
    if not staff_ids:
        return 0
    grants = accounts.grants_of_many(session, staff_ids)
    before = today - dt.timedelta(days=1)
    while not calendar.is_workday(before):
        before -= dt.timedelta(days=1)
    waiting = _count(session, since=clock.at_midnight(before), soon=clock.at_midnight(calendar.due_date(today, SOON).due_on), staff_ids=staff_ids)
    due_at = max(now, dt.datetime.combine(today, AT, tzinfo=clock.ZONE))
    rows = []
    for staff_id in staff_ids:
        lines = _lines(Staff(staff_id, "", grants.get(staff_id, ())), waiting)
        if lines:
            title = f"{today.month}月{today.day}日早报：{lines[0]}" if len(lines) == 1 else f"{today.month}月{today.day}日早报：{len(lines)} 项待看"
            rows.append({"staff_id": staff_id, "day": today, "title": title, "body": _body(lines), "due_at": due_at})
    if not rows:
        return 0
    once = insert(Digest).on_conflict_do_nothing(index_elements=["staff_id", "day"])
    return len(session.execute(once.returning(Digest.id), rows).all())


def _count(session: Session, *, since: dt.datetime, soon: dt.datetime, staff_ids: Sequence[int]) -> _Waiting:
    now, found = clock.now(session), _Waiting()
    about_register = Message.register.is_not(None)
    for office_id, register, count in session.execute(
        select(Message.office_id, about_register, func.count()).where(Message.written_at >= since).group_by(Message.office_id, about_register)
    ):
        found.messages[office_id, register] = count
    when = case((Admission.due_at <= now, "late"), (Admission.due_at <= soon, "soon"), else_="")
    at_work = Admission.step.in_([str(step) for step in DESK_STEPS])
    in_hand = select(Admission.holder_id, when, func.count()).where(at_work, Admission.holder_id.in_(staff_ids)).group_by(Admission.holder_id, when)
    for staff_id, how, count in session.execute(in_hand):
        found.mine[staff_id] += count
        if how:
            (found.late if how == "late" else found.soon)[staff_id] += count
    unheld = select(Admission.office_id, func.count()).where(at_work, Admission.holder_id.is_(None)).group_by(Admission.office_id)
    for office_id, count in session.execute(unheld):
        found.unassigned[office_id] = count
    return found


def _lines(officer: Staff, waiting: _Waiting) -> list[str]:
    files, registers = officer.offices(Subject.FILES), officer.offices(Subject.REGISTERS)
    messages = sum(waiting.messages[office, False] for office in files) + sum(waiting.messages[office, True] for office in registers)
    mine, late, soon = waiting.mine[officer.id], waiting.late[officer.id], waiting.soon[officer.id]
    unassigned = sum(waiting.unassigned[office] for office in files)
    lines = []
    if mine:
        of_these = "，".join([f"其中 {late} 件已超期"] * bool(late) + [f"{'其中 ' * (not late)}{soon} 件 {SOON} 个工作日内到期"] * bool(soon))
        lines.append(f"您手上有 {mine} 件{'，' if of_these else ''}{of_these}")
    if unassigned:
        lines.append(f"本机构有 {unassigned} 件还没有人承办")
    if messages:
        lines.append(f"上个工作日以来有 {messages} 条新的站内信")
    return lines


def _body(lines: Sequence[str]) -> str:
    console = channels.console_url()
    said = "\n".join(f"· {line}。" for line in lines)
    return (
        f"{said}\n\n办件：{console}/files/\n站内信：{console}/screens/messages/\n\n"
        f"这封信只有数字，不含申报人的信息；详情请登录后查看。不想再收早报，在“我的账号 › 通知”里关掉：{console}/account/notices/\n"
    )


# ── carrying ─────────────────────────────────────────────────────────────────────────────────────────────────


def waiting() -> Any:
    """What is neither sent nor given up."""
    return Digest.sent_at.is_(None) & Digest.gave_up_at.is_(None)


def deliver(session: Session, digest_id: int, *, lines: Lines) -> bool:
    """Try one mail that is due; False when there was nothing to do. A failure is noted, never raised."""
    now = clock.now(session)
    digest = session.scalar(
        select(Digest).where(Digest.id == digest_id, waiting(), Digest.due_at <= now).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    )
    if digest is None:
        return False
    account = session.scalars(select(StaffAccount).where(StaffAccount.staff_id == digest.staff_id)).one_or_none()
    address = account.mail if account is not None and account.morning_mail and account.left_at is None else None
    if address:
        trying.carry(digest, lambda: _message(digest, address), now=now, lines=lines, quiet=None)
    else:  # nobody wants it any more: no try, and nothing for the operator
        digest.claimed_until, digest.gave_up_at, digest.last_error = None, now, "不再要早报，或者账号里没有邮箱"
    session.flush()
    return True


def _message(digest: Digest, address: str) -> OutgoingMessage:
    return OutgoingMessage(tokens.token("digest", digest.id, digest.round), address, digest.title, digest.body)


def try_again(session: Session, digest_ids: Sequence[int]) -> None:
    """Put mails that were given up or came back in the queue, with all their tries; the others are left as they are."""
    now = clock.now(session)
    for digest in session.scalars(select(Digest).where(Digest.id.in_(digest_ids)).order_by(Digest.id).with_for_update()):
        if trying.may_go_again(digest):
            trying.again(digest, now=now, quiet=None)
    session.flush()


def take_reports(session: Session, numbers: Sequence[int]) -> None:
    """Note what the mail server says later of mails it had taken."""
    now = clock.now(session)
    for report in filter(None, map(Report.unpacked, numbers)):
        digest = session.scalar(select(Digest).where(Digest.id == report.id).with_for_update())
        if digest is not None:
            reports.note(digest, report, now=now)
    session.flush()
