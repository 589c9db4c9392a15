"""Everything that waits for a person, in one list: what was given up, gathered by its cause, with since when and what to do; and the safe way to try again.

Trying again is safe because every job looks again whether there is anything to do. Who does it gives a reason, and the audit keeps it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import assembly, audit, clock, outbox, setbacks
from console.db import transaction
from console.doors.preferences import language
from console.errors import N_
from console.ops import deliveries
from console.ops.access import Behind, may
from console.ops.wording import carriage_title, channel_title, job_title, topic_title
from console.outbox import OutboxMessage
from console.roles import Act
from console.scope import current, require
from console.setbacks import Setback

MOST = 1_000  # of each kind are looked at
SHOWN = 50  # of one cause are listed
MESSAGE, LETTER, ROW = "message", "letter", "row"

_FRAME = re.compile(r"[\w.]+: \d+ failed \((?:\d+: )?(.*)\)", re.DOTALL)  # what running.py puts around the fault of a row
_IDS = re.compile(r"(?<!代码 )(?<!\d)\d+")


@dataclass(frozen=True)
class Item:
    """One thing that was given up."""

    id: int
    since: dt.datetime
    attempts: int
    place: str
    error: str


@dataclass
class Group:
    """Things that were given up for one cause. `of` is the topic, the table of letters or the job; `key` names the group in a form."""

    kind: str
    of: str
    title: str
    sub: str
    cause: str
    cure: str
    items: list[Item] = field(default_factory=list)

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self.kind}|{self.of}|{self.sub}|{self.cause}".encode()).hexdigest()[:16]

    @property
    def since(self) -> dt.datetime:
        return min(item.since for item in self.items)

    @property
    def last(self) -> dt.datetime:
        return max(item.since for item in self.items)


def cause_of(error: str | None) -> str:
    """An error without numbers of rows, so that the same fault of many rows is one; the code of a gateway stays."""
    said = (error or "").strip()
    framed = _FRAME.fullmatch(said)
    said = framed[1] if framed else said
    return _IDS.sub("…", re.split(r"[\n;]", said, maxsplit=1)[0])[:200]


def groups(session: Session) -> list[Group]:
    """What waits for a person, the longest waiting first."""
    found: dict[str, Group] = {}
    for group, item in (*_messages(session), *_letters(session), *_rows(session)):
        found.setdefault(group.key, group).items.append(item)
    return sorted(found.values(), key=lambda group: group.since)


def _messages(session: Session) -> Iterator[tuple[Group, Item]]:
    rows = session.execute(
        select(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.attempts, OutboxMessage.gave_up_at, OutboxMessage.last_error)
        .where(OutboxMessage.gave_up_at.is_not(None), OutboxMessage.done_at.is_(None)).order_by(OutboxMessage.gave_up_at.desc()).limit(MOST)
    )  # fmt: skip
    cure = N_("先弄清失败原因。能重做的，排除后重做；对象已经不在、不必再做的，归档。")
    for key, topic, attempts, at, error in rows:
        assert at is not None
        yield Group(MESSAGE, topic, topic_title(topic), topic, cause_of(error), cure), Item(key, at, attempts, "", error or "")


def _letters(session: Session) -> Iterator[tuple[Group, Item]]:
    cure = N_("地址不对的，由承办机构联系收件人更正；网关的问题，恢复后重做。站内的函件不受影响，期限照常。")
    for row in deliveries.given_up(session, limit=MOST):
        assert row.gave_up_at is not None
        title = carriage_title(row.kind) + _("，") + channel_title(row.channel)
        place = row.office_en if language() == "en" else row.office
        yield Group(LETTER, row.kind, title, row.channel, cause_of(row.last_error), cure), Item(row.id, row.gave_up_at, row.attempts, place, row.last_error or "")


def _rows(session: Session) -> Iterator[tuple[Group, Item]]:
    rows = session.scalars(select(Setback).where(Setback.gave_up_at.is_not(None)).order_by(Setback.gave_up_at.desc()).limit(MOST))
    cure = N_("到期的对象一直办不成，其余的都办了。按原因处理后重做；要改数据的，交给承办机构。")
    for row in rows:
        assert row.gave_up_at is not None
        yield Group(ROW, row.job, job_title(row.job), row.job, cause_of(row.last_error), cure), Item(row.subject_id, row.gave_up_at, row.attempts, "", row.last_error)


# ── trying again ─────────────────────────────────────────────────────────────────────────────────────────────


def try_again(session: Session, group: Group, ids: list[int], *, reason: str) -> int:
    """Put these back where they came from, with all their tries; how many that was. Whoever was first has done it: a second press finds nothing."""
    require(current(), Act.RETRY_JOB)
    if group.kind == MESSAGE:
        asked = _change(session, ids, gave_up_at=None, attempts=0, due_at=clock.now(session), claimed_until=None)
        for key in asked:
            audit.record(session, "outbox.asked_again", f"outbox:{key}", topic=group.of, reason=reason)
        return len(asked)
    if group.kind == LETTER:
        carriage = next(carriage for carriage in assembly.CARRIAGES if carriage.name == group.of)
        for key in ids:
            audit.record(session, "delivery.retry_asked", f"{carriage.model.__tablename__}:{key}", reason=reason)
        outbox.publish(session, carriage.again, ids)
        return len(ids)
    setbacks.forget(session, group.of, ids)
    for key in ids:
        audit.record(session, "setback.asked_again", f"setback:{key}", job=group.of, reason=reason)
    return len(ids)


def put_away(session: Session, group: Group, ids: list[int], *, reason: str) -> int:
    """Say of messages that they need not be done any more; they stay in the table, with who gave them up and why in the audit."""
    require(current(), Act.RETRY_JOB)
    put = _change(session, ids, done_at=clock.now(session)) if group.kind == MESSAGE else []
    for key in put:
        audit.record(session, "outbox.put_away", f"outbox:{key}", topic=group.of, reason=reason)
    return len(put)


def _change(session: Session, ids: list[int], **values: Any) -> list[int]:
    changed = session.scalars(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.gave_up_at.is_not(None), OutboxMessage.done_at.is_(None))
        .values(**values)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(changed)


class Waiting(Behind, BaseView):
    """待人工"""

    title, icon = N_("待人工"), "flag"

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint="ops_waiting", url="/ops/waiting")

    @expose("/")
    def index_view(self) -> Any:
        with transaction() as session:
            found = groups(session)
            return self.render("ops/waiting.html", title=_(self.title), groups=found, shown=SHOWN, may=may, total=sum(len(group.items) for group in found), most=MOST)

    @expose("/do", methods=("POST",))
    def do(self) -> Any:
        """Try again, or put away: those that were picked, or all of one cause."""
        if not may("can_retry"):
            abort(403)
        act, reason = request.form.get("act", ""), request.form.get("reason", "").strip()[:500]
        if not reason:
            flash(_("请写明理由，审计里要留下。"), "bad")
            return redirect(url_for(".index_view"), 303)
        with transaction() as session:
            group = next((group for group in groups(session) if group.key == request.form.get("group")), None)
            if group is None:
                flash(_("这一组已经没有了：别人处理过，或者已经重做。"), "warn")
                return redirect(url_for(".index_view"), 303)
            there = {item.id for item in group.items}
            picked = {int(key) for key in request.form.getlist("rowid") if key.isascii() and key.isdecimal() and len(key) < 19}
            ids = sorted(there if request.form.get("all") else there & picked)
            done = put_away(session, group, ids, reason=reason) if act == "put_away" else try_again(session, group, ids, reason=reason)
        if not done:
            flash(_("一件也没有选。"), "warn")
        elif act == "put_away":
            flash(ngettext("%(num)s 件已归档，不再重做。", "%(num)s 件已归档，不再重做。", done), "ok")
        else:
            flash(ngettext("%(num)s 件已放回去重做。", "%(num)s 件已放回去重做。", done), "ok")
        return redirect(url_for(".index_view"), 303)
