"""Recording the calendar: days are proposed, the worker says what that would move, somebody confirms with a reason, and a version is there.

A version is never changed and never removed; a mistake is put right by the next one. Whoever proposed from a version that is no longer
the newest begins again from the newest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import column, func, select, table, text, union
from sqlalchemy.orm import Session

from console import audit, clock, outbox
from console.departments import queries
from console.departments.calendars import calendars
from console.departments.models import CalendarDay, CalendarDraft, CalendarVersion, Division
from console.errors import N_, Conflict, InvalidAnswers, NotFound
from console.roles import Act
from console.scope import Principal, Whole, may, require
from rules import decrees
from rules.decrees import COUNTRY, DaySaid, Line
from rules.documents import Problem

CHANGED, PROPOSED = "calendar.changed", "calendar.proposed"  # topics: [version], [draft]
SHORTEST_REASON, LONGEST_TEXT = 4, 2_000
_LOCK = 7_402_631


class CalendarMovedOn(Conflict):
    """Another version was recorded since the draft began."""

    message = N_("日历已经有了第 %(version)s 版，这份草稿是从第 %(base)s 版起草的。请在新版上重新预览。")


class DraftOver(Conflict):
    message = N_("这份草稿已经载入或者放弃了。")


class NotLookedAt(Conflict):
    message = N_("影响还没有算完，请稍等几秒再确认。")


class NothingNew(InvalidAnswers):
    """Every day is recorded like this already."""

    def __init__(self) -> None:
        super().__init__({"csv": N_("这些日子现行日历都已经是这样，没有要改的。")})


class BadDays(InvalidAnswers):
    """The days cannot be recorded; `found` has each problem with its line, in both languages, in the order of the lines and last what is
    wrong with the whole. `source` is among `problems` when it is wrong as well."""

    def __init__(self, found: Sequence[Problem], others: Mapping[str, str]) -> None:
        self.found = sorted(found, key=lambda problem: (not problem.key, problem.line))
        super().__init__({f"csv-{at}": problem.zh for at, problem in enumerate(self.found)} | dict(others))

    def __str__(self) -> str:
        return "\n".join(problem.show("zh") for problem in self.found)


def may_keep(session: Session, actor: Principal) -> bool:
    """The calendar holds for everybody: it takes a grant for the centre and the whole region."""
    return may(actor, Act.KEEP_CALENDAR, Whole(queries.centre(session).id))


def _require(session: Session, actor: Principal) -> None:
    require(actor, Act.KEEP_CALENDAR, Whole(queries.centre(session).id))


# ── proposing ────────────────────────────────────────────────────────────────────────────────────────────────


def propose(
    session: Session, lines: Sequence[Line], *, source: str, whole_years: bool, actor: Principal, problems: Sequence[Problem] = (), file: str = "calendar.csv"
) -> CalendarDraft:
    """Keep these days as a draft and ask the worker what they would move. With `whole_years` they are the decrees of their years: a day of such a
    year that they leave out is taken back.

    `problems`: what reading them has found already; raised together with what checking finds as BadDays. NothingNew, InvalidAnswers (`source`).
    """
    _require(session, actor)
    source = source.strip()[:LONGEST_TEXT]
    current = calendars(session)
    codes = set(session.scalars(select(Division.code)))
    found = [*problems, *decrees.check(lines, current.said, current.years, today=clock.today(session), divisions=codes, file=file)]
    no_source = {} if len(source) >= SHORTEST_REASON else {"source": N_("请写明依据：文件的名称和文号。")}
    if found:
        raise BadDays(found, no_source)
    changes = decrees.differences(lines, current.said, whole_years=whole_years)
    years = current.years | decrees.changed_years(lines, current.said)
    if not changes and years == current.years:
        raise NothingNew()
    if no_source:
        raise InvalidAnswers(no_source)
    draft = CalendarDraft(
        base_version=current.version, source=source, days=[_data(one) for one in changes], years=decrees.years_text(years),
        made_by=actor.who, made_at=clock.now(session),
    )  # fmt: skip
    session.add(draft)
    session.flush()
    outbox.publish(session, PROPOSED, [draft.id])
    return draft


def _data(one: DaySaid) -> dict[str, Any]:
    return {"day": one.day.isoformat(), "division": one.division, "kind": one.kind, "name": one.name}


def days_of(draft: CalendarDraft) -> list[DaySaid]:
    """What the draft says otherwise."""
    return [DaySaid(dt.date.fromisoformat(one["day"]), one["division"], one["kind"], one["name"]) for one in draft.days]


def draft_by_id(session: Session, draft_id: int) -> CalendarDraft:
    found = session.get(CalendarDraft, draft_id)
    if found is None:
        raise NotFound()
    return found


def open_drafts(session: Session) -> Sequence[CalendarDraft]:
    """Drafts that may still become a version: those of the newest version, the latest first."""
    asked = select(CalendarDraft).where(
        CalendarDraft.version.is_(None), CalendarDraft.dropped_at.is_(None), CalendarDraft.base_version == calendars(session).version
    )
    return session.scalars(asked.order_by(CalendarDraft.id.desc())).all()


def drop(session: Session, draft: CalendarDraft, *, actor: Principal) -> None:
    """Leave it; nothing was changed by it."""
    _require(session, actor)
    if draft.version is not None or draft.dropped_at is not None:
        raise DraftOver()
    draft.dropped_at = clock.now(session)


# ── recording ────────────────────────────────────────────────────────────────────────────────────────────────


def confirm(session: Session, draft: CalendarDraft, *, reason: str, actor: Principal) -> CalendarVersion:
    """Make the draft the next version; a job counts every open deadline again. Raises InvalidAnswers (`reason`), DraftOver, NotLookedAt, CalendarMovedOn."""
    _require(session, actor)
    reason = reason.strip()[:LONGEST_TEXT]
    if len(reason) < SHORTEST_REASON:
        raise InvalidAnswers({"reason": N_("请写明理由。")})
    _lock(session)
    session.refresh(draft, with_for_update=True)
    if draft.version is not None or draft.dropped_at is not None:
        raise DraftOver()
    current = calendars(session)
    if draft.base_version != current.version:
        raise CalendarMovedOn(version=current.version, base=draft.base_version)
    if draft.report is None:
        raise NotLookedAt()
    version = record(session, days_of(draft), years=decrees.years_of(draft.years), source=draft.source, recorded_by=actor.who, reason=reason)
    draft.version = version.version
    return version


def record(
    session: Session, changes: Iterable[DaySaid], *, years: Iterable[int], source: str, recorded_by: str, reason: str = ""
) -> CalendarVersion:
    """The next version, which says these days otherwise; audited, and every open deadline is counted again. Whether somebody may, and whether
    the days hold together, was asked before."""
    _lock(session)
    current = calendars(session)
    number, changes = current.version + 1, sorted(changes)
    version = CalendarVersion(
        version=number, loaded_at=clock.now(session), years=decrees.years_text(years), source=source, recorded_by=recorded_by, reason=reason
    )
    session.add(version)
    session.flush()
    session.add_all(
        CalendarDay(version=number, day=one.day, division_code=one.division or None, kind=one.kind, is_workday=one.is_workday, name=one.name)
        for one in changes
    )
    session.flush()
    audit.record(
        session, "calendar.recorded", f"calendar_version:{number}", reason=reason or None, source=source,
        changes={"version": [current.version, number], "years": [decrees.years_text(current.years), version.years]}, days=len(changes),
        said=[f"{one.day} {one.kind}{f' {one.division}' if one.division != COUNTRY else ''}" for one in changes[:100]],
    )  # fmt: skip
    if current.version:
        outbox.publish(session, CHANGED, [number])
    return version


def _lock(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def versions(session: Session) -> Sequence[CalendarVersion]:
    """Every version, the newest first."""
    return session.scalars(select(CalendarVersion).order_by(CalendarVersion.version.desc())).all()


def undecreed(session: Session) -> list[int]:
    """The years for which a decree is due and none is recorded: this one, and from the first of December the next."""
    today = clock.today(session)
    due = [today.year, *([today.year + 1] if today.month == 12 else [])]
    return [year for year in due if year not in calendars(session).years]


# Flask-AppBuilder's table of people; a plain table keeps its package out of the rooms
_staff = table("ab_user", column("id"), column("first_name"), column("last_name"))


def names(session: Session) -> dict[str, str]:
    """Who recorded or drafted something of the calendar → their name, for officers."""
    who = union(select(CalendarVersion.recorded_by), select(CalendarDraft.made_by)).subquery()
    rows = session.execute(select(_staff).join(who, who.c[0] == func.concat("staff:", _staff.c.id)))
    return {f"staff:{row.id}": f"{row.last_name}{row.first_name}" for row in rows}
