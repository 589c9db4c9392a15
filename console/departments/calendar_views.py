"""The calendar's pages: a year of twelve months, its versions, changing days, loading a year's decree, and what that would move."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from console import clock
from console.crud.pages import Page, allowed, expose
from console.crud.screen import EVERYONE, REFERENCE
from console.db import transaction
from console.departments import calendar_drafts as drafts
from console.departments import calendar_words as words
from console.departments import recounting
from console.departments.calendar_year import year_of
from console.departments.calendars import calendars
from console.departments.models import SEEDED, CalendarDraft, Division
from console.doors.preferences import language
from console.errors import N_, InvalidAnswers
from console.roles import ROLES, Act
from console.scope import current
from rules import decrees
from rules.decrees import COUNTRY, Line
from rules.documents import Problem

_KEEPERS = frozenset(role for role, definition in ROLES.items() if Act.KEEP_CALENDAR in definition.acts)
ROWS = 6
_PARTS = ("day", "kind", "name", "division")


class CalendarPages(Page):
    """The calendar everybody's deadlines are counted by."""

    name, title, menu, icon = "calendar", N_("工作日历"), REFERENCE, "clock"
    template_folder = str(Path(__file__).parent / "templates")
    permissions = {"can_read": EVERYONE, "can_keep": _KEEPERS}

    @expose("/")
    @allowed("read")
    def home(self) -> Any:
        with transaction() as session:
            today, versions = clock.today(session), drafts.versions(session)
            asked = request.args.get("version", type=int)
            found = calendars(session, asked)
            year = min(max(request.args.get("year", today.year, type=int), 2004), today.year + decrees.YEARS_AHEAD)
            places = _places(session)
            division = request.args.get("division", "")
            division = division if division in dict(places) else COUNTRY
            newest = versions[0].version if versions else 0
            return self.render_template(
                "departments/calendar.html", title=_("工作日历"), year=year_of(found, year, division=division, today=today), shown=found.version, newest=newest,
                version=next((one for one in versions if one.version == found.version), None), versions=versions, division=division, places=places, own=found.divisions,
                first=min(found.years, default=2004), latest=today.year + decrees.YEARS_AHEAD, undecreed=drafts.undecreed(session), today=today,
                may_keep=drafts.may_keep(session, current()), waiting=drafts.open_drafts(session), kind_words=words.kind_words, who=_who(session), month_words=_month_words,
                weekdays=_weekdays(), place_words=dict(places).get, run_words=_run_words,
            )  # fmt: skip

    @expose("/change", methods=["GET", "POST"])
    @allowed("keep")
    def change(self) -> Any:
        """A few days; the form is filled with the day that was clicked on."""
        rows = [{part: request.form.get(f"{part}-{at}", "").strip()[:60] for part in _PARTS} for at in range(ROWS)]
        typed = {"source": request.form.get("source", "")}
        if request.method == "GET":
            rows[0]["day"] = request.args.get("day", "")[:10]
            return self._change(rows, typed)
        lines: list[Line] = []
        problems: list[Problem] = []
        for at, row in enumerate(rows):
            if row["day"] or row["name"]:
                decrees.read_line(row | {"is_workday": ""}, at + 1, "", lines, problems)
        if not lines and not problems:
            problems.append(Problem("", 1, "", "请至少写一天。", "Write one day at least."))
        return self._propose(lines, problems, typed, whole_years=False, again=lambda found: self._change(rows, typed, found), place=_place)

    @expose("/load", methods=["GET", "POST"])
    @allowed("keep")
    def load(self) -> Any:
        """A year's decree, pasted or as a file."""
        typed = {"csv": request.form.get("csv", "")[: decrees.LARGEST], "source": request.form.get("source", "")}
        if request.method == "GET":
            return self._load(typed)
        sent = request.files.get("file")
        if sent is not None and sent.filename:
            typed["csv"], problems = decrees.text_of(sent.read(decrees.LARGEST + 1))
            if problems:
                return self._propose([], problems, typed, whole_years=True, again=lambda found: self._load(typed, found), place=lambda _problem: "file")
        lines, problems = decrees.read_csv(typed["csv"])
        return self._propose(lines, problems, typed, whole_years=True, again=lambda found: self._load(typed, found))

    def _propose(self, lines: list[Line], problems: list[Problem], typed: dict[str, str], *, whole_years: bool, again: Any, place: Any = lambda _problem: "days") -> Any:
        """The draft; or the form `again` with what is wrong, each at the field that `place` names for it."""
        try:
            with transaction() as session:
                draft = drafts.propose(session, lines, source=typed["source"], whole_years=whole_years, actor=current(), problems=problems)
                number = draft.id
        except drafts.BadDays as error:
            others = [(name, _(sentence)) for name, sentence in error.problems.items() if name == "source"]
            return again([*((place(one), words.problem_words(one)) for one in error.found), *others]), 422
        except InvalidAnswers as error:
            return again([(name if name == "source" else "days", _(sentence)) for name, sentence in error.problems.items()]), 422
        return redirect(url_for(".draft", draft_id=number), 303)

    def _change(self, rows: list[dict[str, str]], typed: dict[str, str], problems: list[tuple[str, str]] | None = None) -> Any:
        with transaction() as session:
            return self.render_template(
                "departments/calendar_change.html", title=_("改几天"), rows=rows, typed=typed, problems=problems or [], kinds=words.kinds(), places=_places(session)
            )

    def _load(self, typed: dict[str, str], problems: list[tuple[str, str]] | None = None) -> Any:
        with transaction() as session:
            return self.render_template(
                "departments/calendar_load.html", title=_("载入一年的安排"), typed=typed, problems=problems or [], next_year=max(calendars(session).years, default=2025) + 1
            )

    @expose("/drafts/<int:draft_id>")
    @allowed("read")
    def draft(self, draft_id: int) -> Any:
        """What a draft says otherwise and what it would move."""
        return self._draft(draft_id)

    @expose("/drafts/<int:draft_id>/confirm", methods=["POST"])
    @allowed("keep")
    def confirm(self, draft_id: int) -> Any:
        try:
            with transaction() as session:
                version = drafts.confirm(session, drafts.draft_by_id(session, draft_id), reason=request.form.get("reason", ""), actor=current())
                said = _("日历第 %(version)s 版已载入。在算的期限马上按它重算，只会延后；有变化的会告知申报人和机构。", version=version.version)
        except InvalidAnswers as error:
            return self._draft(draft_id, problems=[(name, _(sentence)) for name, sentence in error.problems.items()]), 422
        except (drafts.CalendarMovedOn, drafts.DraftOver, drafts.NotLookedAt) as error:
            return self._draft(draft_id, failure=_(error.message, **error.facts)), error.status
        flash(said, "ok")
        return redirect(url_for(".home"), 303)

    @expose("/drafts/<int:draft_id>/drop", methods=["POST"])
    @allowed("keep")
    def drop(self, draft_id: int) -> Any:
        try:
            with transaction() as session:
                drafts.drop(session, drafts.draft_by_id(session, draft_id), actor=current())
        except drafts.DraftOver as error:
            return self._draft(draft_id, failure=_(error.message)), error.status
        flash(_("草稿放弃了，日历没有变。"), "info")
        return redirect(url_for(".home"), 303)

    def _draft(self, draft_id: int, *, problems: list[tuple[str, str]] | None = None, failure: str = "") -> Any:
        with transaction() as session:
            draft = drafts.draft_by_id(session, draft_id)
            newest = calendars(session)
            places = dict(_places(session))
            return self.render_template(
                "departments/calendar_draft.html", title=_("预览"), draft=draft, days=drafts.days_of(draft), rooms=_rooms(session, draft), problems=problems or [], failure=failure,
                typed=request.form, newest=newest.version, new_years=sorted(decrees.years_of(draft.years) - newest.years), kind_words=words.kind_words, who=_who(session),
                may_keep=drafts.may_keep(session, current()), before=calendars(session, draft.base_version).said, place_words=places.get,
                is_open=draft.version is None and draft.dropped_at is None, is_stale=draft.version is None and draft.base_version != newest.version,
            )  # fmt: skip


def _place(problem: Problem) -> str:
    """The field of the form of a few days that a problem is about."""
    return f"{problem.key}-{problem.line - 1}" if problem.key in _PARTS else "days"


def _rooms(session: Session, draft: CalendarDraft) -> list[dict[str, Any]]:
    """The report with titles and links to what the reader may open."""
    found = []
    for room in (draft.report or {}).get("rooms", []):
        keeper = recounting.keeper_of(room["keeper"])
        ids = [one["id"] for move in room["moves"] for one in move["named"]]
        seen = keeper.readable(session, ids) if keeper is not None and ids else set()
        moves = [
            move | {"from": dt.date.fromisoformat(move["from"]), "to": dt.date.fromisoformat(move["to"]), "named": [_named(one, keeper, seen) for one in move["named"]]}
            for move in room["moves"]
        ]
        found.append(room | {"title": _(keeper.title) if keeper is not None else room["keeper"], "moves": moves})
    return found


def _named(one: dict[str, Any], keeper: recounting.Keeper | None, seen: set[int]) -> tuple[str, str]:
    if keeper is None or one["id"] not in seen:
        return one["name"], ""
    endpoint, arguments = keeper.link(one["id"], one["name"])
    return one["name"], url_for(endpoint, **arguments)


def _places(session: Session) -> list[tuple[str, str]]:
    """The divisions that may have days of their own: the region and its leagues; a banner's come by file."""
    rows = session.scalars(select(Division).order_by(Division.code))
    return [(one.code, one.name_en if language() == "en" else one.name) for one in rows]


def _who(session: Session) -> Any:
    """A recorder in words."""
    names = drafts.names(session)

    def said(who: str) -> str:
        return names.get(who) or (_("安装程序") if who == SEEDED else _("命令行"))

    return said


def _weekdays() -> list[str]:
    return [_("一"), _("二"), _("三"), _("四"), _("五"), _("六"), _("日")]


def _month_words(first: dt.date) -> str:
    return f"{first:%B}" if language() == "en" else f"{first.month} 月"


def _run_words(run: Any) -> str:
    """“1–3 日”, “1–3”."""
    days = str(run.first.day) if run.first == run.last else f"{run.first.day}–{run.last.day}"
    return _("%(days)s 日", days=days)


PAGES = (CalendarPages,)
