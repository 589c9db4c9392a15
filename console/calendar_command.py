"""`python -m console calendar`: what the calendar says, what a file would move, and loading it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from console import clock, db, process
from console.departments import calendar_drafts as drafts
from console.departments import recounting
from console.departments.calendar_year import year_of
from console.departments.calendars import calendars
from console.departments.models import CalendarDraft
from console.errors import InvalidAnswers
from console.scope import System, become
from rules import decrees

ACTOR = System("calendar")


def run(options: argparse.Namespace) -> int:
    process.begin("worker")
    with become(ACTOR), db.transaction() as session:
        return act(session, options)


def act(session: Session, options: argparse.Namespace) -> int:
    """The exit code; `show` ends with 1 when a year that is due is not decreed."""
    if options.action == "show":
        return _show(session)
    if not options.file:
        raise process.NotReady(f"calendar {options.action} needs a CSV file, with the columns of seed/data/workdays.csv.")
    try:
        return _with_file(session, options)
    except InvalidAnswers as error:  # in a terminal there is no form to say it beside
        raise process.NotReady(str(error) if isinstance(error, drafts.BadDays) else "\n".join(error.problems.values())) from None


def _with_file(session: Session, options: argparse.Namespace) -> int:
    draft = _draft(session, Path(options.file), source=options.source or Path(options.file).name)
    _say(draft)
    if options.action == "preview":
        drafts.drop(session, draft, actor=ACTOR)
        print("Nothing was recorded; `calendar load` with --reason '…' records it.")
        return 0
    version = drafts.confirm(session, draft, reason=options.reason or "", actor=ACTOR)
    print(f"Version {version.version} is recorded; the worker counts every running deadline again.")
    return 0


def _show(session: Session) -> int:
    found, missing = calendars(session), drafts.undecreed(session)
    for one in drafts.versions(session):
        print(f"{one.version}  {one.loaded_at:%Y-%m-%d %H:%M}  {one.recorded_by}  {one.years}  {one.source}  {one.reason}")
    latest = max(found.years, default=0)
    if latest:
        year = year_of(found, latest, division=decrees.COUNTRY, today=clock.today(session))
        print(f"{latest}: {year.workdays} working days, {year.off} days off, {year.worked} make-up days")
    for number in missing:
        print(f"{number} has no decree: deadlines over it are provisional. Load it with `calendar load FILE`.")
    return 1 if missing else 0


def _draft(session: Session, path: Path, *, source: str) -> CalendarDraft:
    if not path.is_file():
        raise process.NotReady(f"{path} is not a file.")
    with path.open("rb") as opened:
        text, problems = decrees.text_of(opened.read(decrees.LARGEST + 1), file=path.name)
    lines, problems = ([], problems) if problems else decrees.read_csv(text, file=path.name)
    draft = drafts.propose(session, lines, source=source, whole_years=True, actor=ACTOR, problems=problems, file=path.name)
    draft.report, draft.looked_at = recounting.preview(session, draft), clock.now(session)
    session.flush()
    return draft


def _say(draft: CalendarDraft) -> None:
    report: dict[str, Any] = draft.report or {"rooms": []}
    print(f"{len(draft.days)} days differ from version {draft.base_version}; decreed years would be {draft.years}.")
    for room in report["rooms"]:
        print(f"{room['keeper']}: {room['open']} running, {room['later']} move later, {room['kept']} stay as they were told, {room['provisional']} stay provisional")
        for move in room["moves"]:
            print(f"  {move['from']} → {move['to']}: {move['count']}  ({', '.join(one['name'] for one in move['named'])})")
