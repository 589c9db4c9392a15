"""The numbers of files and reviews: my queue, the offices' queues, deadlines, pass rates, what refusals stand on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, column, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from console import clock
from console.applications.models import Admission, StepEntry
from console.crud.paging import COUNT_LIMIT
from console.dashboards.declaring import Args, Board, Figure, ScreenList, Split
from console.departments.models import Office
from console.doors.look import step_label
from console.doors.preferences import language
from console.reviews import queries
from console.reviews.levels import LEVELS, Decision
from console.reviews.models import Review
from console.roles import Act, Role
from console.scope import Principal, Staff, current, may
from rules.pipeline import OPEN_STEPS, Step

MONTHS = 6
DAYS = 10
RATED = (Step.FIRST_REVIEW, Step.SECOND_REVIEW)


@dataclass(frozen=True)
class FilesList:
    """The officers' list of files, by view and filter."""

    permission: tuple[str, str] = ("can_read", "files")
    model: type[Any] = Admission
    most: int = COUNT_LIMIT

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        return queries.criteria(session, current(), **args)

    def address(self, args: Args) -> str:
        given: dict[str, Any] = dict(args)
        return url_for("Files.home", **given)


@dataclass(frozen=True)
class UnclaimedList:
    """What no department claims, as far as its page shows."""

    permission: tuple[str, str] = ("can_assign", "unclaimed")
    model: type[Any] = Admission
    most: int = queries.MOST_UNCLAIMED

    def criteria(self, session: Session, args: Args) -> Sequence[ColumnElement[bool]]:
        return queries.no_department_claims()

    def address(self, args: Args) -> str:
        return url_for("Unclaimed.home")


FILES, REVIEWS = FilesList(), ScreenList("reviews")


def boards(session: Session, actor: Principal) -> Iterator[Board]:
    oversees = may(actor, Act.DISTRIBUTE) or (isinstance(actor, Staff) and any(grant.role == Role.SUPERVISOR for grant in actor.grants))
    if any(may(actor, level.act) for level in LEVELS.values()):
        yield _mine(session)
    yield _at_work(session, may_distribute=may(actor, Act.DISTRIBUTE))
    if oversees:
        yield _by_last_day(session)
        yield _by_office("overdue-by-office", _("超期，按机构"), {"view": "overdue"}, _("没有超期的件。"))
        yield _by_office("unassigned-by-office", _("没有分派，按机构"), {"view": "unassigned"}, _("每一件都有人承办。"))
    yield Board("unclaimed", _("待指派"), UnclaimedList(), figures=(Figure(_("没有部门认领"), {}, "soon"),), empty=_("每一件都有部门认领。"))
    for step in RATED:
        yield _decided(session, step)
    yield _grounds()


# ── queues ───────────────────────────────────────────────────────────────────────────────────────────────────


def _mine(session: Session) -> Board:
    mine = {"view": "mine"}
    return Board(
        "mine",
        _("等我办的"),
        FILES,
        figures=(
            Figure(_("等我办"), mine),
            Figure(_("其中超期"), {**mine, "due": queries.LATE}, "late"),
            Figure(_("今天到期"), {**mine, "due": clock.today(session).isoformat()}, "soon"),
        ),
        split=_last_days(session, mine),
        empty=_("没有等您办的件。没有分派的件，打开一件就可以由您承办。"),
        lead=(_("看没有分派的"), url_for("Files.home", view="unassigned")),
    )


def _at_work(session: Session, *, may_distribute: bool) -> Board:
    figures = [Figure(_("在办"), {"view": "office"}), Figure(_("超期"), {"view": "overdue"}, "late")]
    figures += [Figure(_("没有分派"), {"view": "unassigned"}, "soon" if may_distribute else "")]
    figures += [Figure(_("待申报人补正"), {"view": "returned"})]
    return Board(
        "at-work",
        _("在办，按环节"),
        FILES,
        figures=figures,
        split=Split(
            {"view": "office"},
            (Admission.step,),
            asked=lambda step, part: {"step": step},
            said=lambda session, steps: {step: step_label(step) for step in steps},
            head=_("环节"),
            order=[str(step) for step in OPEN_STEPS],
            quiet=frozenset({str(Step.CORRECTION)}),
        ),
        note=_("灰色一项的时钟停着，不计入审核时限。"),
        empty=_("您的办理范围内没有在办的件。有新申报推送过来，会出现在这里。"),
        lead=(_("看办结的"), url_for("Files.home", view="closed")),
    )


def _by_last_day(session: Session) -> Board:
    return Board(
        "last-days",
        _("在办，按最后一天"),
        FILES,
        split=_last_days(session, {"view": "office"}),
        note=_("最近的几天。没有期限的环节不在其中。"),
        empty=_("没有在走的期限。"),
    )


def _last_days(session: Session, args: Args) -> Split:
    """By the last day people are told; what is late is one group, the longest ago and yesterday's alike."""
    last = func.timezone(clock.ZONE.key, Admission.due_at - dt.timedelta(microseconds=1))
    return Split(
        args,
        (case((Admission.due_at <= clock.now(session), queries.LATE), else_=func.to_char(last, "YYYY-MM-DD")),),
        asked=lambda day, part: {"due": day},
        said=lambda session, days: {day: _("超期") if day == queries.LATE else _short(day, clock.today(session)) for day in days},
        head=_("最后一天"),
        order=[queries.LATE],
        late=frozenset({queries.LATE}),
        most=DAYS,
    )


def _short(day: str, today: dt.date) -> str:
    found = dt.date.fromisoformat(day)
    return _("今天") if found == today else f"{found.month}-{found.day}" if found.year == today.year else day


def _by_office(name: str, title: str, args: Args, empty: str) -> Board:
    return Board(
        name,
        title,
        FILES,
        split=Split(args, (Admission.office_id,), asked=lambda office, part: {"office": office}, said=_offices, head=_("机构")),
        empty=empty,
    )


def _offices(session: Session, ids: Sequence[str]) -> Mapping[str, str]:
    if not ids:
        return {}
    rows = session.execute(select(Office.id, Office.name, Office.name_en).where(Office.id.in_([int(key) for key in ids])))
    return {str(key): english if language() == "en" else name for key, name, english in rows}


# ── what came of reviews ─────────────────────────────────────────────────────────────────────────────────────


def _decided(session: Session, step: Step) -> Board:
    """Six months of one level, month by month: how many were decided, and how."""
    today = clock.today(session)
    firsts = [_month(today, -back) for back in range(MONTHS - 1, -1, -1)]
    months = [f"{first:%Y-%m}" for first in firsts]
    args = {"level": str(step), "decided_at-from": firsts[0].isoformat()}
    titles = {Step.FIRST_REVIEW: _("初审通过率，按月"), Step.SECOND_REVIEW: _("复审通过率，按月")}

    def asked(month: str, decision: str | None) -> Mapping[str, str]:
        first = dt.date.fromisoformat(f"{month}-01")
        window = {"decided_at-from": first.isoformat(), "decided_at-to": (_month(first, 1) - dt.timedelta(days=1)).isoformat()}
        return window if decision is None else {**window, "decision": decision}

    return Board(
        f"rate-{step}",
        titles[step],
        REVIEWS,
        split=Split(
            args,
            (func.to_char(func.timezone(clock.ZONE.key, Review.decided_at), "YYYY-MM"), Review.decision),
            asked=asked,
            said=lambda session, keys: {},
            head=_("月份"),
            every=months,
            order=months,
            parts={Decision.PASS: _("通过"), Decision.RETURN: _("退回补正"), Decision.REFUSE: _("不予通过")},
            good=Decision.PASS,
            rate=_("通过率"),
        ),
        empty=_("近六个月还没有作出决定的审核。"),
    )


def _month(day: dt.date, further: int) -> dt.date:
    """The first day of the month that lies so many months further."""
    at = day.year * 12 + day.month - 1 + further
    return dt.date(at // 12, at % 12 + 1, 1)


def _grounds() -> Board:
    item = func.jsonb_array_elements(StepEntry.items).table_valued(column("value", JSONB), name="item")
    return Board(
        "grounds",
        _("不予通过的依据"),
        FILES,
        split=Split(
            {"view": "closed", "step": str(Step.REFUSED)},
            (_named(item),),
            asked=lambda ground, part: {"ground": ground},
            said=lambda session, grounds: {},
            head=_("依据"),
            label=func.max(_titled(item)),
            joined=((StepEntry, (StepEntry.admission_id == Admission.id) & (StepEntry.to_step == Step.REFUSED)), (item, true())),
        ),
        note=_("一件可以有几条依据，各算一次。"),
        empty=_("没有不予通过的件。"),
    )


def _named(item: Any) -> Any:
    return func.coalesce(*(item.c.value[kind].astext for kind in queries.GROUND_KINDS))


def _titled(item: Any) -> Any:
    return item.c.value["title_en" if language() == "en" else "title"].astext


def ground_words(session: Session, ground: str) -> str:
    """What a ground is called, from a refusal that stands on it; its id where none is seen."""
    item = func.jsonb_array_elements(StepEntry.items).table_valued(column("value", JSONB), name="item")
    named = select(func.max(_titled(item))).select_from(StepEntry).join(item, true())
    return session.scalar(named.where(StepEntry.to_step == Step.REFUSED, _named(item) == ground)) or ground
