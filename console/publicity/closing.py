"""When a window ends: look again, admit who may be admitted, refuse who may not, leave the rest as they are.

The promise and the danger of the whole house, so it is built to be run by anybody at any time: notices and people are locked with
SKIP LOCKED, what somebody else holds is left to them, what is settled is never touched again, and one person's trouble stays
that person's. Doing it twice is doing it once.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from console import audit, bulk, clock, codes, outbox, setbacks
from console.applications.models import Finding
from console.applications.pipeline import advance
from console.errors import ConsoleError, NotAllowed
from console.jobs import gate, is_wanted
from console.publicity import troubled
from console.publicity.models import (
    ADMITTED,
    RECHECK_CODE,
    REFUSED,
    WITHDRAWN,
    Notice,
    NoticeItem,
    Objection,
    objection_ids,
)
from console.publicity.persons import open_objection
from console.publicity.recheck import Outcome, Recheck, load, recheck
from console.scope import Principal, System
from rules import facts as derivations
from rules.pipeline import Action, Step

log = logging.getLogger("ruku.publicity")

RULE = "admission"  # the name of the brake
BATCH = 1_000  # as quick by the row as 10,000, in a third of the memory; and whoever pulls the brake waits for no more than this
PASSED = "公示期满，没有未决异议，复核通过"  # the reason in the trail
#: what one person's data can raise; a time limit or a lost connection is nobody's fault and ends the whole run
_ONE_PERSONS = (ConsoleError, SQLAlchemyError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_LEFT = {Step.WITHDRAWN: WITHDRAWN, Step.ROSTER: ADMITTED}


@dataclass
class Closing:
    """What a run came to, by admission id. `left`: now held, an officer must look; `failed`: id → what went wrong.

    `more`: the batch was full and another run is needed at once; `interrupted`: somebody waits to pull the brake, the rest was left.
    """

    admitted: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    more: bool = False
    interrupted: bool = False

    @property
    def done(self) -> list[int]:
        return [*self.admitted, *self.refused, *self.withdrawn, *self.left]

    def __str__(self) -> str:
        words = f"入库 {len(self.admitted)}，不予通过 {len(self.refused)}，撤回 {len(self.withdrawn)}，待查 {len(self.left)}"
        return words + (f"，没办成 {self.failed}" if self.failed else "")


def due(now: dt.datetime, *, foreseen: bool = False) -> list[ColumnElement[bool]]:
    """SQL: conditions on Notice and NoticeItem joined: the window is over and proved, the person is not settled and not held. `foreseen`: what
    is still to come has no proof yet."""
    return [
        Notice.due_at <= now,
        Notice.published_at.is_not(None) if foreseen else Notice.is_settleable(),
        Notice.closed_at.is_(None),
        NoticeItem.settled_at.is_(None),
        ~troubled.holds(now=now),
        ~open_objection(NoticeItem.id),
    ]


def has_work() -> ColumnElement[bool]:
    """SQL on Notice, for the sweep: somebody can be settled, or everybody is and only the notice itself is open.

    A notice that waits for a ruling, for another try or for somebody to look gives no work, so that it is not claimed again and again.
    """
    unsettled = exists().where(NoticeItem.notice_id == Notice.id, NoticeItem.settled_at.is_(None))
    free = exists().where(
        NoticeItem.notice_id == Notice.id, NoticeItem.settled_at.is_(None), ~troubled.holds(), ~open_objection(NoticeItem.id)
    )
    return Notice.is_settleable() & (Notice.closed_at.is_(None)) & (free | ~unsettled)


def close_due(session: Session, notice_ids: Sequence[int], *, actor: Principal, most: int = BATCH) -> Closing:
    """Settle everybody on these notices whose window has ended and against whom nothing is open, and close what is done.

    Each person is looked at again as of today, then admitted (`advance(PASS_STEP)`, set-wise) or refused with the clause. Where
    the re-check needs an officer's eye it files an objection of its own. Who is held stays, and keeps the notice open.
    At most `most` people a run. Notices and people that another run holds are left to it.
    """
    if not isinstance(actor, System):
        raise NotAllowed()
    now, result = clock.now(session), Closing()
    stopped = gate(session, RULE)
    if None in stopped:
        return result
    mine = session.scalars(
        select(Notice.id)
        .where(
            Notice.id.in_(notice_ids),
            Notice.due_at <= now,
            Notice.is_settleable(),
            Notice.closed_at.is_(None),
            Notice.department_id.not_in(stopped),
        )
        .order_by(Notice.id)
        .with_for_update(skip_locked=True)
    ).all()
    if not mine:
        return result
    locked = session.execute(
        select(NoticeItem.id, NoticeItem.admission_id)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(NoticeItem.notice_id.in_(mine), *due(now))
        .order_by(NoticeItem.id)
        .limit(most)
        .with_for_update(of=NoticeItem, skip_locked=True)
    ).all()
    # an objection written while we waited for nothing: now that the rows are ours, ask once more
    ids = [item_id for item_id, _ in locked]
    free = set(session.scalars(select(NoticeItem.id).where(bulk.among(NoticeItem.id, ids), ~open_objection(NoticeItem.id))))
    items = {admission: item for item, admission in locked if item in free}
    before = setbacks.among(session, troubled.PERSON, ids)
    _settle(session, {admission: item for admission, item in items.items() if item not in before}, result, actor=actor)
    for admission, item in items.items():
        if item in before and not result.interrupted:  # alone, so that it takes no other with it
            _settle(session, {admission: item}, result, actor=actor)
    troubled.settled(session, [items[admission] for admission in result.done if items[admission] in before])
    setbacks.note(session, troubled.PERSON, {items[admission]: words for admission, words in result.failed.items()})
    _close(session, mine, now, result)
    result.more = not result.interrupted and len(locked) == most and bool(result.admitted or result.refused or result.withdrawn)
    return result


# ── one batch, halved until the culprit is alone ─────────────────────────────────────────────────────────────


def _settle(session: Session, items: dict[int, int], result: Closing, *, actor: Principal) -> None:
    """`items`: admission id → item id. All together inside a savepoint; when that fails, each half by itself."""
    if not items:
        return
    try:
        with bulk.undisturbed(), session.begin_nested():
            done = _settle_together(session, items, actor=actor)
    except _ONE_PERSONS as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        if len(items) == 1:
            _note_failure(session, next(iter(items)), error, result)
            return
        if is_wanted(session, RULE):  # looking for the culprit takes long: whoever pulls the brake must not wait for it
            result.interrupted = True
            return
        ordered = sorted(items)
        for part in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
            _settle(session, {admission: items[admission] for admission in part}, result, actor=actor)
        return
    for name in ("admitted", "refused", "withdrawn", "left"):
        getattr(result, name).extend(getattr(done, name))


def _settle_together(session: Session, items: dict[int, int], *, actor: Principal) -> Closing:
    now, today, done = clock.now(session), clock.today(session), Closing()
    admissions = load(session, list(items))
    here = [admission for admission in admissions if admission.step == Step.PUBLICITY]
    for admission in admissions:
        if admission.step != Step.PUBLICITY:  # withdrawn meanwhile, or decided by a person
            outcome = _LEFT.get(Step(admission.step), REFUSED)
            _outcome(session, [items[admission.id]], outcome, now)
            done.withdrawn.append(admission.id)
    checks = recheck(session, here, on=today)
    cleared = _cleared(session, [(items[c.admission.id], c) for c in checks if c.outcome is Outcome.HOLD])
    passed = [c for c in checks if c.outcome is Outcome.ADMIT or items[c.admission.id] in cleared]
    moved = advance(
        session, [check.admission for check in passed], Action.PASS_STEP, actor=actor, reason=PASSED, lenient=True
    )
    done.admitted = [move.admission.id for move in moved]
    _outcome(session, [items[admission_id] for admission_id in done.admitted], ADMITTED, now)
    for check in checks:
        if check.outcome is Outcome.REFUSE:
            gone = advance(
                session, [check.admission], Action.REFUSE, actor=actor, reason=check.reasons, items=check.items, lenient=True
            )
            done.refused += [move.admission.id for move in gone]
            _outcome(session, [items[move.admission.id] for move in gone], REFUSED, now)
    unsure = [c for c in checks if c.outcome is Outcome.HOLD and items[c.admission.id] not in cleared]
    done.left = [check.admission.id for check in unsure]
    doubts = [_doubt(session, items[check.admission.id], check, now) for check in unsure]
    session.add_all(doubts)
    told = {*done.admitted, *done.refused, *done.left}
    bulk.write(session, Finding, [_finding(check, today, now) for check in checks if check.admission.id in told])
    outbox.publish(session, "notice.person_left", [doubt.id for doubt in doubts])
    session.flush()
    return done


def _cleared(session: Session, held: list[tuple[int, Recheck]]) -> set[int]:
    """Items whose doubt an officer has already looked into and dismissed: the very same words do not hold them again."""
    if not held:
        return set()
    rows = session.execute(
        select(Objection.notice_item_id, Objection.ground).where(
            Objection.notice_item_id.in_([item_id for item_id, _ in held]),
            Objection.code.startswith(RECHECK_CODE),
            Objection.upheld.is_(False),
        )
    )
    dismissed = set(rows)
    return {item_id for item_id, check in held if (item_id, check.reasons) in dismissed}


def _doubt(session: Session, item_id: int, check: Recheck, now: dt.datetime) -> Objection:
    """The re-check's own objection: an officer must look, and rules on it as on any other."""
    return Objection(
        id=session.scalar(objection_ids),
        code=f"{RECHECK_CODE}{codes.drawn(14)}",
        notice_item_id=item_id,
        admission_id=check.admission.id,
        applicant_id=check.admission.applicant_id,
        office_id=check.admission.office_id,
        objector="期满复核",
        contact="—",
        ground=check.reasons,
        made_at=now,
    )


def _outcome(session: Session, item_ids: list[int], outcome: str, now: dt.datetime) -> None:
    if item_ids:
        session.execute(
            update(NoticeItem)
            .where(bulk.among(NoticeItem.id, item_ids), NoticeItem.settled_at.is_(None))
            .values(outcome=outcome, settled_at=now)
            .execution_options(synchronize_session=False)
        )


def _finding(check: Recheck, today: dt.date, now: dt.datetime) -> dict[str, Any]:
    admission, verdict = check.admission, check.verdict
    return {
        "admission_id": admission.id,
        "applicant_id": admission.applicant_id,
        "office_id": admission.office_id,
        "release_id": check.release_id,
        "moment": "decided",
        "evaluated_on": today,
        "at": now,
        "decision": "reject" if check.outcome is Outcome.REFUSE else verdict.decision,
        "facts": check.facts,
        "derivation_version": derivations.DERIVATION_VERSION,
        "trace": verdict.to_data(),
    }


def _note_failure(session: Session, admission_id: int, error: Exception, result: Closing) -> None:
    """The others go on; the person is listed at the end of the batch."""
    words = troubled.words_of(error)
    log.error("admission could not be settled", extra={"admission_id": admission_id, "error": words})
    audit.record(session, "notice.person_failed", f"admission:{admission_id}", error=words)
    result.failed[admission_id] = words


def _close(session: Session, mine: Sequence[int], now: dt.datetime, result: Closing) -> None:
    """Close notices on which everybody is settled."""
    unsettled = exists().where(NoticeItem.notice_id == Notice.id, NoticeItem.settled_at.is_(None))
    closed = session.scalars(
        update(Notice)
        .where(Notice.id.in_(mine), Notice.closed_at.is_(None), ~unsettled)
        .values(closed_at=now, claimed_until=None)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    ).all()
    result.closed = sorted(closed)
    for notice_id in result.closed:
        audit.record(session, "notice.closed", f"notice:{notice_id}")
    outbox.publish(session, "notice.closed", result.closed)
    session.flush()


def wake(session: Session) -> None:
    """End the claims on notices whose window is over, so that the next sweep takes them."""
    session.execute(
        update(Notice)
        .where(Notice.closed_at.is_(None), Notice.due_at <= clock.now(session), Notice.claimed_until.is_not(None))
        .values(claimed_until=None)
        .execution_options(synchronize_session=False)
    )
