"""Reading a replay: its totals, and who would flip page by page. The names are those the viewer may see, no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from console.errors import N_, NotFound
from console.studio.models import Replay, ReplayOutcome, RuleDraft
from console.studio.replay.judging import Kind
from console.studio.replay.totals import place
from rules.pipeline import Step

PAGE = 50
KIND_WORDS: Mapping[str, str] = {
    Kind.ADMITTED: N_("将获通过"), Kind.REFUSED: N_("将不予通过"), Kind.RETURNED: N_("将退回补正"), Kind.REFERRED: N_("将转人工认定"),
    Kind.FLAGGED: N_("将加提示"), Kind.NOT_ASKED: N_("当时没有问，无法重算"), "unchanged": N_("结论不变"),
}  # fmt: skip
DECISION_WORDS: Mapping[str, str] = {
    "pass": N_("通过"), "reject": N_("不予通过"), "return": N_("退回补正"), "refer": N_("转人工认定"), "not_asked": N_("无法重算"),
}  # fmt: skip
PLACE_WORDS: Mapping[str, str] = {"roster": N_("已入库"), "open": N_("在办"), "refused": N_("已不予通过"), "ended": N_("以其他方式办结")}


@dataclass(frozen=True)
class Asked:
    """What a page shows of a replay: None does not narrow. `league` is a division code of any level."""

    kind: str | None = None
    criterion: str | None = None
    league: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Page:
    """`after` continues behind the last row; None: there is no more."""

    rows: list[ReplayOutcome]
    after: int | None


def replay_by_id(session: Session, replay_id: int) -> Replay:
    found = session.get(Replay, replay_id)
    if found is None:
        raise NotFound()
    return found


def of_draft(session: Session, draft: RuleDraft) -> list[Replay]:
    """A draft's replays, the newest first."""
    return list(session.scalars(select(Replay).where(Replay.draft_id == draft.id).order_by(Replay.id.desc())))


def page(session: Session, replay: Replay, asked: Asked = Asked(), *, after: int = 0, size: int = PAGE) -> Page:
    """The next outcomes behind the one with id `after`, as the viewer may see them."""
    rows = list(session.scalars(outcomes(replay, asked).where(ReplayOutcome.id > after).limit(size + 1)))
    return Page(rows[:size], rows[size - 1].id if len(rows) > size else None)


def visible(session: Session, replay: Replay, asked: Asked = Asked()) -> dict[str, int]:
    """Kind → outcomes the viewer may see: what the page's filters are labelled with, beside the totals of the whole region."""
    rows = outcomes(replay, asked).order_by(None).with_only_columns(ReplayOutcome.kind, func.count()).group_by(ReplayOutcome.kind)
    return {kind: count for kind, count in session.execute(rows)}


def outcomes(replay: Replay, asked: Asked) -> Select[ReplayOutcome]:
    found = select(ReplayOutcome).where(ReplayOutcome.replay_id == replay.id).order_by(ReplayOutcome.id)
    if asked.kind:
        found = found.where(ReplayOutcome.kind == asked.kind)
    if asked.criterion:
        found = found.where(ReplayOutcome.flips.contains([{"criterion": asked.criterion}]))
    if asked.league:
        found = found.where(ReplayOutcome.division_code.startswith(re.sub(r"(00){1,2}$", "", asked.league), autoescape=True))
    if asked.place:
        found = found.where(ReplayOutcome.step.in_([str(step) for step in Step if place(str(step)) == asked.place]))
    return found
