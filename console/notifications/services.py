"""Telling people: letters to applicants about moves and what is not a move, messages to offices, codes for signing in."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sqlalchemy import column as col
from sqlalchemy import or_, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from console import clock, db, outbox
from console.applications.models import Admission, StepEntry
from console.applications.pipeline import Moved
from console.applications.queries import term_of
from console.departments import queries as departments
from console.departments.calendars import Reckoning
from console.errors import N_, ConsoleError
from console.notifications import letters
from console.notifications.events import ADMITTED, DESK_STEPS, events_of
from console.notifications.facts import Occasion
from console.notifications.models import Letter, Message
from console.notifications.said import TASKS
from console.post import channels, mail, sms
from console.post.channels import OutgoingMessage
from console.scope import Principal
from rules.deadline_words import deadline_words
from rules.letters import render
from rules.pipeline import APPLICANT_STEPS, Action, Step

log = logging.getLogger(__name__)
CODE_MINUTES = 10  # what the message says; applications.registration decides
REMIND_WORKING_DAYS = 3


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────


def tell_moves(session: Session, moves: Sequence[Moved], *, actor: Principal) -> None:
    """Write the letters these moves call for, in their transaction; a set of moves costs what one costs.

    What the actor may no longer see (the file left for an office above) is written by the worker a moment later.
    """
    later = _write_moves(session, moves)
    outbox.publish(session, "letters.wanted", [move.entry.id for move in later])


def tell_entries(session: Session, entry_ids: Sequence[int]) -> None:
    """The same from the trail: writes whatever letter of these moves is not there yet."""
    entries = session.scalars(select(StepEntry).where(StepEntry.id.in_(entry_ids)).order_by(StepEntry.id)).all()
    wanted = {entry.admission_id for entry in entries}
    found = session.scalars(select(Admission).where(Admission.id.in_(wanted)).options(joinedload(Admission.application)))
    admissions = {admission.id: admission for admission in found}
    _write_moves(
        session,
        [
            Moved(
                admissions[e.admission_id],
                Action(e.action),
                Step(e.from_step) if e.from_step else None,
                Step(e.to_step),
                e.reason,
                e.items,
                e,
            )
            for e in entries
        ],
    )


def tell_admitted(session: Session, moves: Sequence[Moved], *, actor: Principal) -> None:
    """Write the letters of admission, once the roster has given the numbers."""
    letters.write(session, [_occasion(move, ADMITTED) for move in moves])


def _write_moves(session: Session, moves: Sequence[Moved]) -> list[Moved]:
    refused = [move.admission.id for move in moves if move.action == Action.REFUSE]
    reconsidered = _reconsidered(session, refused)
    occasions: dict[str, tuple[Moved, Occasion]] = {}
    for move in moves:
        for event in events_of(
            move.action,
            move.from_step,
            move.to_step,
            flags=move.admission.flags,
            was_reconsidered=move.admission.id in reconsidered,
        ):
            occasion = _occasion(move, event)
            occasions[occasion.key] = (move, occasion)
    unseen = letters.write(session, [occasion for _, occasion in occasions.values()])
    return list({move.entry.id: move for move, _ in (occasions[occasion.key] for occasion in unseen)}.values())


def _occasion(move: Moved, event: str) -> Occasion:
    # the trail's entry names the move for good; the admission's version may have grown when the worker writes
    return Occasion(
        event=event,
        admission=move.admission,
        key=f"{event}:{move.admission.id}:{move.entry.id}",
        office_id=move.entry.office_id,
        from_step=move.from_step,
        reason=move.reason,
        items=move.items,
    )


def _reconsidered(session: Session, admission_ids: Sequence[int]) -> set[int]:
    if not admission_ids:
        return set()
    return set(
        session.scalars(
            select(StepEntry.admission_id).where(
                StepEntry.admission_id.in_(admission_ids), StepEntry.action == Action.REQUEST_RECONSIDERATION
            )
        )
    )


# ── what is not a move ───────────────────────────────────────────────────────────────────────────────────────

_ABOUT = {  # event → the table its ids belong to
    "exam_failed": "attempt",
    "notice_opened": "notice_item",
    "objection_received": "objection",
    "objection_dismissed": "objection",
}


def tell_about(session: Session, event: str, ids: Sequence[int]) -> None:
    """Write the letters of an event that is not a move; `ids` are the attempts, notice items or objections it is about."""
    source = table(_ABOUT[event], col("id"), col("admission_id"), col("office_id"))
    rows = session.execute(select(source).where(source.c.id.in_(ids)).order_by(source.c.id)).all()
    found = session.scalars(select(Admission).where(Admission.id.in_({row.admission_id for row in rows})))
    admissions = {admission.id: admission for admission in found}
    for batch in _one_each(rows):
        letters.write(
            session,
            [
                Occasion(
                    event=event,
                    admission=admissions[row.admission_id],
                    key=f"{event}:{row.admission_id}:{source.name}-{row.id}",
                    office_id=row.office_id,
                    about=row.id,
                )
                for row in batch
                if row.admission_id in admissions
            ],
        )


def _one_each(rows: Iterable) -> Iterable[list]:  # type: ignore[type-arg]
    """Batches in which each admission appears once; nearly always one batch."""
    left = list(rows)
    while left:
        first = {row.admission_id: row for row in reversed(left)}
        yield list(first.values())
        left = [row for row in left if first[row.admission_id] is not row]


def tell_notice(session: Session, notice_ids: Sequence[int]) -> None:
    """Tell everybody on these notices that their name is on the board; not who has left, before or since.

    Who was decided meanwhile is told nevertheless: when Redis or the workers were away for long, the window may have ended before this runs.
    """
    item = table("notice_item", *map(col, ("id", "notice_id", "settled_at", "outcome")))
    stayed = or_(item.c.settled_at.is_(None), item.c.outcome.in_(("admitted", "refused")))
    shown = select(item.c.id).where(item.c.notice_id.in_(notice_ids), stayed)
    tell_about(session, "notice_opened", list(session.scalars(shown)))


def tell_extended(session: Session, extension_ids: Sequence[int]) -> None:
    """Tell who is still shown that their notice runs longer; once for each time it is extended."""
    item = table("notice_item", *map(col, ("id", "notice_id", "admission_id", "office_id", "settled_at")))
    extension = table("notice_extension", col("id"), col("notice_id"))
    for extension_id in extension_ids:
        rows = session.execute(
            select(item.c.id, item.c.admission_id, item.c.office_id)
            .join_from(extension, item, item.c.notice_id == extension.c.notice_id)
            .where(extension.c.id == extension_id, item.c.settled_at.is_(None))
            .order_by(item.c.id)
        ).all()
        found = session.scalars(select(Admission).where(Admission.id.in_([row.admission_id for row in rows])))
        admissions = {admission.id: admission for admission in found}
        letters.write(
            session,
            [
                Occasion("notice_extended", admissions[row.admission_id], f"notice_extended:{row.admission_id}:{extension_id}", row.office_id, about=row.id)
                for row in rows
                if row.admission_id in admissions
            ],
        )


def remind(session: Session) -> int:
    """Remind whoever must act within three working days; once for each step a file waits at. Returns how many are due."""
    calendar, _ = departments.working_calendar(session)
    today = clock.today(session)
    until = clock.at_midnight(calendar.due_date(today, REMIND_WORKING_DAYS).due_on)
    due = session.scalars(
        select(Admission)
        .where(
            Admission.step.in_([str(step) for step in APPLICANT_STEPS]),
            Admission.due_at > clock.now(session),
            Admission.due_at <= until,
        )
        .order_by(Admission.id)
    ).all()
    letters.write(
        session,
        [Occasion("reminder", a, f"reminder:{a.id}:{a.version}", a.office_id, Step(a.step)) for a in due if a.step in TASKS],
    )
    return len(due)


# ── offices ──────────────────────────────────────────────────────────────────────────────────────────────────

_DESK_WORDS = {
    Step.FIRST_REVIEW: "有新的申报推送到本机构",
    Step.SECOND_REVIEW: "有初审通过的申报推送到本机构复审",
    Step.ASSIGNMENT: "有主管部门不明的申报，待指派",
    Step.RECONSIDERATION: "有复核申请推送到本机构",
}


def tell_offices(session: Session, admission_ids: Sequence[int]) -> None:
    """Leave a message at the offices on whose desks these files now lie; a second time changes nothing."""
    found = session.scalars(select(Admission).where(Admission.id.in_(admission_ids)).order_by(Admission.id)).all()
    now, reckoning = clock.now(session), Reckoning(session)
    rows = []
    for admission in found:
        step = Step(admission.step)
        if step not in DESK_STEPS:
            continue  # somebody was quicker than the message
        term = term_of(reckoning, admission)
        limit = f"，办理期限：{deadline_words(term.last, term.days, provisional=term.provisional)}" if term else ""
        rows.append(
            {
                "office_id": admission.office_id,
                "key": f"{step}:{admission.id}:{admission.version}",
                "admission_id": admission.id,
                "event": f"entered_{step}",
                "text": f"{_DESK_WORDS[step]}：{admission.number}{limit}。",
                "written_at": now,
            }
        )
    if rows:
        once = insert(Message).on_conflict_do_nothing(index_elements=["key"])
        session.execute(once.returning(Message.id), rows)  # with RETURNING the set goes in one statement


# ── reading ────────────────────────────────────────────────────────────────────────────────


def mark_read(session: Session, letter: Letter, *, actor: Principal) -> None:
    """Note the first time the applicant opened the letter."""
    session.execute(
        update(Letter).where(Letter.id == letter.id, Letter.read_at.is_(None)).values(read_at=clock.now(session))
    )


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────


class CodeNotSent(ConsoleError):
    """There is no text to put the code in."""

    message = N_("验证码暂时发不出去，请稍后再试，或拨打系统咨询电话。")
    status = 503


def send_code(address: str, code: str) -> None:
    """Send a code to a phone or a mailbox at once, from this process: the code is written to no table, queue or log.

    A gateway is spoken to in the background, so that the page takes as long for an unknown phone as for a known one. When it
    cannot be reached, nothing is kept: the person asks for another code. Fits `registration.request_code(send=…)`.
    """
    session = db.Session()
    release = departments.release_in_force(session, departments.centre(session).id, clock.today(session))
    text = departments.bundle_of(session, release.id).letter("sign_in_code") if release is not None else None
    if text is None:
        raise CodeNotSent()
    rendered = render(text, {"code": code, "minutes": str(CODE_MINUTES)}, lang="zh")
    known, key = channels.settings(), f"code:{secrets.token_hex(12)}"
    if "@" in address:
        letter, url = OutgoingMessage(key, address, rendered.subject, rendered.body), known.mail_url
        send = partial(mail.send, letter, url=url, sender=known.mail_from)
    else:
        letter, url = OutgoingMessage(key, address, rendered.subject, rendered.sms or rendered.body), known.sms_url
        send = partial(sms.send, letter, url=url)
    if url.startswith("folder:"):
        _send_quietly(send)
    else:
        threading.Thread(target=_send_quietly, args=(send,), name="sign-in code", daemon=True).start()


def _send_quietly(send: Callable[[], None]) -> None:
    for last in (False, True):
        try:
            return send()
        except channels.Undeliverable as error:
            log.warning("a sign-in code was not sent: %s", error)
            return None
        except channels.NotSent as error:
            if last:
                log.warning("a sign-in code was not sent: %s", error)
    return None
