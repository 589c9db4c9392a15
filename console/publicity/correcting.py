"""What is done about a notice that is wrong, without rewriting what was published.

A slip of the pen is *corrected*: a document of its own, frozen and hashed, names the notice and what changed, and the window runs on.
What keeps the public from recognising a person, or a list that should not have been, is *withdrawn* or *issued again*: the people leave
the notice with the reason, the notice stays to be read, and on a new one their window begins anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.applications import duties
from console.applications.models import Admission
from console.departments.models import Office
from console.errors import N_, InvalidAnswers
from console.publicity import queries, troubled
from console.publicity.errors import (
    NobodyChosen,
    NothingToCorrect,
    NoticeMovedOn,
    NotPublicYet,
    NotRecognisable,
    PersonSettled,
    UnderObjection,
)
from console.publicity.models import Notice, NoticeCorrection, NoticeItem
from console.publicity.opening import Replaced, open_notice
from console.roles import Act
from console.scope import Principal, Staff, require
from rules.documents import canonical

Printed = tuple[str, str]  # name, employer


def correct(session: Session, item: NoticeItem, printed: Printed, *, actor: Principal, reason: str) -> NoticeCorrection:
    """Say what was printed wrong of one person and what is right; the window is not touched.

    Only while the person is not settled, and only one of name and employer: with both changed nobody could know who it is, and the
    person is issued again. Raises InvalidAnswers (`name`, `employer`, `reason`), NothingToCorrect, NotRecognisable, PersonSettled,
    NotPublicYet, and what `duties` raises.
    """
    notice = _entered(session, item, actor)
    name, employer = (" ".join(part.split()) for part in printed)
    if problems := _wrong_print(name, employer) | _wrong_reason(reason):
        raise InvalidAnswers(problems)
    reason = reason.strip()
    now_printed = queries.printed(session, notice)[item.id]
    if (name, employer) == now_printed:
        raise NothingToCorrect()
    original = queries.frozen_people(notice)[item.position]
    if name != original["name"] and employer != original["employer"]:
        raise NotRecognisable()
    now = clock.now(session)
    earlier = session.scalar(select(func.count(NoticeCorrection.id)).where(NoticeCorrection.notice_id == notice.id)) or 0
    corrected_by = actor.name if isinstance(actor, Staff) else notice.opened_by_name
    made = NoticeCorrection(
        notice_id=notice.id,
        notice_item_id=item.id,
        admission_id=item.admission_id,
        applicant_id=item.applicant_id,
        office_id=item.office_id,
        number=f"{notice.number}-G{earlier + 1}",
        name=name,
        employer=employer,
        reason=reason,
        corrected_by=actor.who,
        corrected_by_name=corrected_by,
        corrected_at=now,
        content="",
        content_hash="",
    )
    made.content = canonical(
        {
            "number": made.number,
            "corrects": {"number": notice.number, "sha256": notice.content_hash, "position": item.position},
            "from": {"name": now_printed[0], "employer": now_printed[1]},
            "to": {"name": name, "employer": employer},
            "reason": reason,
            "corrected_at": now.isoformat(),
            "corrected_by": corrected_by,
        }
    )
    made.content_hash = hashlib.sha256(made.content.encode()).hexdigest()
    session.add(made)
    session.flush()
    audit.record(
        session, "notice.corrected", f"notice:{notice.id}", division_code=_division(session, notice), reason=reason,
        number=made.number, content_hash=made.content_hash, item=item.id,
    )  # fmt: skip
    return made


def withdraw(session: Session, notice: Notice, *, actor: Principal, reason: str, was_public: bool) -> Notice:
    """Take a whole notice back with a reason: one that waits is never published, one that runs ends here. Who is not settled waits for
    a notice again; who is settled stays so. `was_public`: as the officer saw it, because to take back what the clock has published
    meanwhile is another decision. Raises NoticeMovedOn, UnderObjection, InvalidAnswers (`reason`), what `duties` raises."""
    reason = _words(reason)
    items = _lock(session, notice, actor, None)
    if (notice.published_at is not None) is not was_public:
        raise NoticeMovedOn(number=notice.number)
    _leave(session, notice, items, queries.TAKEN_OFF, actor=actor, reason=reason)
    session.flush()
    return notice


def reissue(
    session: Session,
    notice: Notice,
    item_ids: Sequence[int] | None,
    *,
    actor: Principal,
    reason: str,
    printed: Mapping[int, Printed] | None = None,
    publish_at: dt.datetime | None = None,
) -> Notice:
    """Take these people (None: all who are not settled) off a published notice and put them on a new one with a window of its own.

    `printed`: item id → name and employer as the new notice says them; the others' are read from their files again. The new notice names
    the one it follows and the reason; the old one stays to be read. Raises as `withdraw` and `open_notice` do.
    """
    if notice.published_at is None:
        raise NotPublicYet(number=notice.number)
    reason = _words(reason)
    chosen = {item_id: _checked(words) for item_id, words in (printed or {}).items()}
    items = _lock(session, notice, actor, item_ids)
    return follow(session, notice, items, chosen, actor=actor, reason=reason, publish_at=publish_at)


def follow(
    session: Session,
    notice: Notice,
    items: Sequence[NoticeItem],
    printed: Mapping[int, Printed],
    *,
    actor: Principal,
    reason: str,
    publish_at: dt.datetime | None = None,
) -> Notice:
    """The second half of issuing again, for whoever has locked these items and seen to what is open against them."""
    _leave(session, notice, items, queries.REISSUED, actor=actor, reason=reason)
    session.flush()
    office = session.get_one(Office, notice.office_id)
    admissions = session.scalars(select(Admission).where(Admission.id.in_([item.admission_id for item in items])).order_by(Admission.id)).all()
    now_printed = queries.printed(session, notice)
    # a correction that was made stays made; who was not corrected is read from the file again
    corrected = {i.id: now_printed[i.id] for i in items if now_printed[i.id] != (i.name, i.employer)}
    by_admission = {item.admission_id: words for item in items if (words := {**corrected, **printed}.get(item.id))}
    made = open_notice(
        session, office, admissions, actor=actor, publish_at=publish_at, replaces=Replaced(notice, reason, by_admission)
    )  # fmt: skip
    audit.record(
        session, "notice.reissued", f"notice:{notice.id}", division_code=_division(session, notice), reason=reason,
        number=made.number, items=[item.id for item in items],
    )  # fmt: skip
    return made


# ── who and what ─────────────────────────────────────────────────────────────────────────────────────────────


def _entered(session: Session, item: NoticeItem, actor: Principal) -> Notice:
    notice = session.get_one(Notice, item.notice_id)
    if notice.published_at is None:
        raise NotPublicYet(number=notice.number)
    _lock(session, notice, actor, [item.id], under_objection=True)
    return notice


def _lock(session: Session, notice: Notice, actor: Principal, item_ids: Sequence[int] | None, *, under_objection: bool = False) -> list[NoticeItem]:
    """These people's lines, all unsettled ones for None, locked in the order in which everybody locks: people, then their notice."""
    require(actor, Act.OPEN_NOTICE, notice)
    wanted = NoticeItem.settled_at.is_(None) if item_ids is None else NoticeItem.id.in_(item_ids)
    items = list(
        session.scalars(
            select(NoticeItem)
            .where(NoticeItem.notice_id == notice.id, wanted)
            .order_by(NoticeItem.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    session.scalars(select(Notice).where(Notice.id == notice.id).with_for_update().execution_options(populate_existing=True)).one()
    if notice.closed_at is not None:
        raise NoticeMovedOn(number=notice.number)
    if not items:
        raise NobodyChosen()
    if (settled := next((item for item in items if item.settled_at is not None), None)) is not None:
        raise PersonSettled(name=settled.name)
    if isinstance(actor, Staff):
        files = session.scalars(select(Admission).where(Admission.id.in_([item.admission_id for item in items]))).all()
        duties.require_free(session, files, staff_id=actor.id, act=Act.OPEN_NOTICE)
    if not under_objection and (held := queries.held_items(session, notice)):
        names = [item.name for item in items if item.id in held]
        if names:
            raise UnderObjection(names="、".join(names))
    return items


def _leave(session: Session, notice: Notice, items: Sequence[NoticeItem], outcome: str, *, actor: Principal, reason: str) -> None:
    """These people are no longer on this notice; the notice is over when nobody is."""
    now = clock.now(session)
    for item in items:
        item.outcome, item.settled_at = outcome, now
    session.flush()
    troubled.settled(session, [item.id for item in items])
    left = session.scalar(select(func.count(NoticeItem.id)).where(NoticeItem.notice_id == notice.id, NoticeItem.settled_at.is_(None)))
    whole = not left
    if whole:
        notice.closed_at, notice.claimed_until = now, None
        if not session.scalar(select(NoticeItem.id).where(NoticeItem.notice_id == notice.id, NoticeItem.outcome.not_in(queries.OFF)).limit(1)):
            notice.withdrawn_at, notice.withdrawn_by, notice.withdrawn_reason = now, actor.who, reason
    if outcome == queries.TAKEN_OFF:
        audit.record(
            session, "notice.withdrawn", f"notice:{notice.id}", division_code=_division(session, notice), reason=reason,
            number=notice.number, items=[item.id for item in items],
        )  # fmt: skip
    if notice.published_at is not None and whole:
        outbox.publish(session, "notice.closed", [notice.id])


def _division(session: Session, notice: Notice) -> str | None:
    return session.scalar(select(Office.division_code).where(Office.id == notice.office_id))


def _words(reason: str) -> str:
    if problems := _wrong_reason(reason):
        raise InvalidAnswers(problems)
    return reason.strip()


def _wrong_reason(reason: str) -> dict[str, str]:
    return {} if 5 <= len(reason.strip()) <= 1_000 else {"reason": N_("请写明理由，5 到 1000 个字。")}


def _checked(printed: Printed) -> Printed:
    name, employer = (" ".join(part.split()) for part in printed)
    if problems := _wrong_print(name, employer):
        raise InvalidAnswers(problems)
    return name, employer


def _wrong_print(name: str, employer: str) -> dict[str, str]:
    problems = {}
    if not 1 <= len(name) <= 60:
        problems["name"] = N_("请写姓名，60 个字以内。")
    if not len(employer) <= 120:
        problems["employer"] = N_("单位名称最多 120 个字。")
    return problems
