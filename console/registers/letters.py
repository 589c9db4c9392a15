"""Letters about moves of a register's rows, and about what everybody sends in: written from the trail, once for each entry and address, and carried.

A declaration says which move has a letter, to which fields and in what words; the text is kept as it was written, in Chinese. The address stays
in the row: it is read at the moment the letter is sent, and written down nowhere else.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from console import audit, clock, outbox
from console.audit import AuditEntry
from console.departments.calendars import Reckoning
from console.departments.models import Office
from console.post import channels, reports, tokens, trying
from console.post.channels import MAIL, SMS, OutgoingMessage, Undeliverable
from console.post.registry import Lines
from console.registers import loading
from console.registers.loading import Loaded
from console.registers.models import RegisterLetter
from console.registers.shapes import answer
from console.registers.words import state_of
from console.roles import Act
from console.scope import Principal, require
from rules.fields import EmailField
from rules.letters import render
from rules.registers import RECEIVED, State

NOWHERE = ""  # the channel of a letter whose row has no address
_HOURS = "工作日办公时间"


def write(session: Session, entry_ids: Sequence[int]) -> None:
    """Write the letters that these entries of the audit call for; an entry that has its letters is left as it is, whatever its row says by now.

    A row, a register or a letter that is no more has nothing to say.
    """
    told = set(session.scalars(select(RegisterLetter.entry_id).where(RegisterLetter.entry_id.in_(entry_ids))))
    wanted = (AuditEntry.id.in_({*entry_ids} - told), AuditEntry.action.in_(("register.moved", "register.entered")))
    entries = session.scalars(select(AuditEntry).where(*wanted).order_by(AuditEntry.id))
    by_table: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        by_table[entry.subject.partition(":")[0]].append(entry)
    calendar = Reckoning(session)
    found = [letter for one in loading.current() for letter in _letters(session, one, by_table.get(one.declared.table, ()), calendar)]
    if found:
        once = insert(RegisterLetter).on_conflict_do_nothing(index_elements=["key"])
        session.execute(once.returning(RegisterLetter.id), found)  # with RETURNING the set goes in one statement


def _letters(session: Session, one: Loaded, entries: Sequence[AuditEntry], calendar: Reckoning) -> Iterable[dict[str, Any]]:
    if not entries:
        return
    declared, now, quiet = one.declared, clock.now(session), channels.settings().quiet_hours
    asked = select(one.rows).where(one.rows.id.in_([_row_of(entry) for entry in entries])).options(joinedload(one.rows.office).joinedload(Office.department))
    rows = {row.id: row for row in session.scalars(asked).unique()}
    for entry in entries:
        row, event = rows.get(_row_of(entry)), str(entry.facts.get("move", RECEIVED))
        letter = declared.document.letters.get(event)
        if row is None or letter is None:
            continue
        text = render(letter, _values(one, row, entry, calendar), lang="zh")
        same = {
            "office_id": row.office_id, "entry_id": entry.id, "register": declared.table, "row_id": row.id, "event": event,
            "title": text.subject.strip()[:200], "body": text.body.strip(), "sms": (text.sms or text.subject).strip(), "written_at": now,
        }  # fmt: skip
        reached = [name for name in letter.to if getattr(row, declared.shapes[name].column)]
        for name in reached:
            channel = MAIL if isinstance(declared.fields[name], EmailField) else SMS
            yield {**same, "key": f"{entry.id}:{name}", "address": name, "channel": channel, "due_at": trying.put_off(channel, now, quiet)}
        if not reached:
            yield {**same, "key": f"{entry.id}:", "address": "", "channel": NOWHERE, "due_at": None}


def _row_of(entry: AuditEntry) -> int:
    return int(entry.subject.rpartition(":")[2])


def _values(one: Loaded, row: Any, entry: AuditEntry, calendar: Reckoning) -> Mapping[str, str]:
    """Every place a letter may use, as it was when the move was made; a field's value is the row's."""
    declared, office, on = one.declared, row.office, clock.day_of(entry.at)
    state = state_of(declared, entry.facts.get("changes", {}).get("state", ["", declared.first_state])[1] if entry.action == "register.moved" else declared.first_state)
    values = {name: _in_words(one, row, name) for name in declared.fields if not declared.fields[name].fact_type.secret}
    return values | {
        "entered_on": _day(clock.day_of(row.entered_at)), "changed_on": _day(clock.day_of(row.changed_at)), "number": str(row.id),
        "register": declared.document.title.zh, "state": state.title.zh, "reason": str(entry.facts.get("reason", "")), "today": _day(on),
        "due_on": _due_on(one, row, state, calendar, on),
        "office": office.name, "department": office.department.name, "phone": office.phone, "hours": office.hours or _HOURS, "portal_url": channels.portal_url(),
    }  # fmt: skip


def _due_on(one: Loaded, row: Any, state: State, calendar: Reckoning, on: dt.date) -> str:
    if state.within is not None:
        return _day(calendar.calendar(row.office_id).due_date(on, state.within.value).last_day)
    last_day = getattr(row, one.declared.shapes[state.until].column) if state.until is not None else None
    return _day(last_day) if last_day is not None else "另行通知的日期"


def _in_words(one: Loaded, row: Any, name: str) -> str:
    shape, field = one.declared.shapes[name], one.declared.fields[name]
    value = getattr(row, name if shape.relation else shape.column)
    if value is None:
        return "未填写"
    if shape.relation:
        return str(value)
    return _day(value) if isinstance(value, dt.date) else field.show(answer(field, value), "zh")


def _day(value: dt.date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


# ── carrying ─────────────────────────────────────────────────────────────────────────────────────────────────


def waiting() -> Any:
    """What is neither sent nor given up."""
    return RegisterLetter.sent_at.is_(None) & RegisterLetter.gave_up_at.is_(None)


def deliver(session: Session, letter_id: int, *, lines: Lines) -> bool:
    """Try one letter that is due, holding its row; False when there was nothing to do. A failure is noted, never raised."""
    letter = session.scalar(
        select(RegisterLetter)
        .where(RegisterLetter.id == letter_id, waiting(), RegisterLetter.due_at <= clock.now(session))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if letter is None:
        return False
    trying.carry(letter, lambda: _message(session, letter), now=clock.now(session), lines=lines, quiet=channels.settings().quiet_hours)
    session.flush()
    return True


def try_again(session: Session, letter_ids: Sequence[int]) -> int:
    """Put letters that were given up or came back in the queue, with all their tries; how many. The others are left as they are."""
    now, quiet = clock.now(session), channels.settings().quiet_hours
    rows = session.scalars(select(RegisterLetter).where(RegisterLetter.id.in_(letter_ids)).order_by(RegisterLetter.id).with_for_update()).all()
    wanted = [letter for letter in rows if trying.may_go_again(letter)]
    for letter in wanted:
        trying.again(letter, now=now, quiet=quiet)
    session.flush()
    return len(wanted)


def resend(session: Session, letters: Sequence[RegisterLetter], *, reason: str, actor: Principal) -> int:
    """Ask the worker to send these again; those that are on their way or arrived are left out. How many were asked for."""
    reason = trying.reason_for(reason)
    for letter in letters:
        require(actor, Act.RESEND_LETTER, letter)
    wanted = [letter for letter in letters if trying.may_go_again(letter)]
    if not wanted:
        raise trying.NothingToResend()
    for letter in wanted:
        audit.record(session, "register_letter.retry_asked", f"register_letter:{letter.id}", reason=reason)
    outbox.publish(session, "register.retry_asked", [letter.id for letter in wanted])
    return len(wanted)


def take_reports(session: Session, numbers: Sequence[int]) -> None:
    """Note what the other side says of letters it had taken; what names none, or an earlier round of one, changes nothing."""
    for report in filter(None, map(reports.Report.unpacked, numbers)):
        letter = session.scalar(select(RegisterLetter).where(RegisterLetter.id == report.id).with_for_update())
        if letter is not None:
            reports.note(letter, report, now=clock.now(session))
    session.flush()


def _message(session: Session, letter: RegisterLetter) -> OutgoingMessage:
    one = loading.of_table(letter.register, among=loading.current())
    row = session.scalars(select(one.rows).where(one.rows.id == letter.row_id)).unique().one_or_none() if one is not None else None
    to = getattr(row, letter.address, None)
    if not to:
        raise Undeliverable(why="记录里没有收件地址")
    return OutgoingMessage(tokens.token("register_letter", letter.id, letter.round), to, letter.title, letter.body if letter.channel == MAIL else letter.sms)
