"""What automatic admission would do: with everybody whose window has ended, or will have by a given instant, were it asked today. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.orm import Session, joinedload

from console import bulk, clock
from console.applications.models import Admission
from console.automatic.declaring import Outcome as Said
from console.automatic.declaring import Rule
from console.errors import N_
from console.publicity import troubled
from console.publicity.closing import RULE, due
from console.publicity.models import Notice, NoticeItem
from console.publicity.persons import notice_item
from console.publicity.recheck import Outcome, Recheck, load, recheck
from console.roles import Role
from console.scope import Principal
from rules.pipeline import Step

WORDS = {Outcome.ADMIT: N_("会入库"), Outcome.REFUSE: N_("会不予通过"), Outcome.HOLD: N_("会转人工查看")}
KINDS = {Outcome.ADMIT: "done", Outcome.REFUSE: "no", Outcome.HOLD: "hold"}


@dataclass(frozen=True)
class Would:
    """What the next run would do with one person, were it to run now."""

    item: NoticeItem
    notice: Notice
    check: Recheck

    @property
    def outcome(self) -> Outcome:
        return self.check.outcome


def would_admit(session: Session, *, notice: Notice | None = None, items: Sequence[int] | None = None, limit: int = 500) -> list[Would]:
    """Everybody whose window has ended and who is not settled or held, with what the re-check says today; `items`: these people, whenever theirs ends."""
    statement = (
        select(NoticeItem)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .options(joinedload(NoticeItem.notice).joinedload(Notice.department))
        .order_by(Notice.due_at, NoticeItem.id)
        .limit(limit)
    )
    statement = statement.where(*due(clock.now(session))) if items is None else statement.where(bulk.among(NoticeItem.id, items))
    if notice is not None:
        statement = statement.where(Notice.id == notice.id)
    by_admission = {item.admission_id: item for item in session.scalars(statement)}
    admissions: list[Admission] = [a for a in load(session, list(by_admission)) if a.step == Step.PUBLICITY]
    checks = recheck(session, admissions, on=clock.today(session))
    return [
        Would(by_admission[check.admission.id], by_admission[check.admission.id].notice, check) for check in checks
    ]


def _would(until: dt.datetime) -> Select[*tuple[Any, ...]]:
    return (
        select(
            NoticeItem.id, Notice.department_id, Notice.due_at, NoticeItem.name.label("who"), Notice.number, NoticeItem.admission_id, literal(1).label("many")
        )
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .where(*due(until, foreseen=True))
    )  # fmt: skip


def _outcomes(session: Session, items: Sequence[int]) -> Mapping[int, Said]:
    return {w.item.id: Said(WORDS[w.outcome], KINDS[w.outcome], w.check.reasons) for w in would_admit(session, items=items)}


def _again(session: Session, item_id: int, *, actor: Principal) -> None:
    troubled.try_again(session, notice_item(session, item_id), actor=actor)


ADMISSION = Rule(
    RULE,
    title=N_("公示期满自动入库"),
    does=N_("公示期满、没有未决异议的人，当天再核一遍条件和联合惩戒，没有问题的即入库，发编号、证书和通知；核出问题的按条款不予通过，拿不准的转人工。停住时人留在公示环节，公示已满的不用重来，聘期从入库那天起算。"),
    owner=Role.COORDINATOR,
    would=_would,
    comes_to=N_("已离开公示环节"),
    outcomes=_outcomes,
    failed=troubled.listed,
    again=_again,
)
