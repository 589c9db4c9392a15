"""`python -m console replay`: one old file made again from its pinned release, or a draft asked of every past file.

    replay RK2026-000001-JT --explain      the stored decisions of a file, criterion by criterion; 1 when a byte differs
    replay --draft 3 --as-if 2026-12-01    who would flip under a draft with the parameters of that day
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.studio.models import Replay

SHOWN = 200  # names on the screen; the page and its workbook have them all


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", nargs="?", help="of the admission, such as RK2026-000001-JT")
    parser.add_argument("--explain", action="store_true", help="tell every criterion with words, values seen, clauses and evidence")
    parser.add_argument("--reason", default="asked on the command line", help="why the file is looked at; kept in the audit log")
    parser.add_argument("--draft", type=int, metavar="N", help="instead of a file: replay this draft on every past file")
    parser.add_argument("--as-if", type=dt.date.fromisoformat, metavar="DAY", help="with the parameters of that day; default: the draft's, else today")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")


def run(options: argparse.Namespace) -> int:
    if (options.number is None) == (options.draft is None):
        print("Name a file, or a draft with --draft N.", file=sys.stderr)
        return 2
    from console import process

    process.begin("worker")
    return _draft(options) if options.number is None else _file(options)


def _file(options: argparse.Namespace) -> int:
    from console import db
    from console.applications import explaining
    from console.scope import System, become

    with become(System("explain")), db.transaction() as session:
        found = explaining.explain_file(session, options.number, lang=options.lang, reason=options.reason)
    for one in found:
        print(f"{options.number}, finding {one.finding_id}, {one.evaluated_on}, release {one.release}")
        if options.explain:
            print("\n".join(one.lines))
        print("same bytes" if one.difference is None else f"DIFFERENT at {one.difference}")
        print()
    if not found:
        print(f"{options.number}: no finding is stored.", file=sys.stderr)
    return 1 if not found or any(one.difference is not None for one in found) else 0


def _draft(options: argparse.Namespace) -> int:
    """Ask, go through the files in this process (a worker that is up takes turns), and print totals and names."""
    from console import db
    from console.errors import NotFound
    from console.scope import System, become
    from console.studio.models import RuleDraft
    from console.studio.replay import services as replays

    actor = System("replay")
    with become(actor), db.transaction() as session:
        draft = session.get(RuleDraft, options.draft)
        if draft is None:
            raise NotFound()
        replay_id = replays.ask(session, draft, as_if=options.as_if, actor=actor).id
    going = True
    while going:
        with become(actor), db.transaction() as session:
            going = replays.step(session, replay_id)
    with become(actor), db.transaction() as session:
        return _told(session, replay_id, options.lang)


def _told(session: Session, replay_id: int, lang: str) -> int:
    from console.studio.models import ReplayState
    from console.studio.replay import queries as replay_queries

    replay: Replay = replay_queries.replay_by_id(session, replay_id)
    totals = replay.summary or {"total": 0, "seconds": 0, "kinds": {}, "criteria": {}}
    print(f"Replay {replay.id} of draft {replay.draft_id}, revision {replay.revision}, parameters of {replay.as_if}: {replay.state}")
    print(f"{totals['total']} files in {totals['seconds']} s")
    for kind, count in totals["kinds"].items():
        print(f"  {kind:<12}{count:>8}")
    for name, row in totals["criteria"].items():
        print(f"  {name}: {row['title'][lang]}  " + ", ".join(f"{to} {n}" for to, n in row.items() if to != "title"))
    page = replay_queries.page(session, replay, size=SHOWN)
    for row in page.rows:
        why = "; ".join(flip["why"][lang] for flip in row.flips if flip.get("why"))
        print(f"  {row.number}  {row.name}  {row.before} -> {row.after or 'not asked: ' + ', '.join(row.missing)}  {why}")
    if page.after is not None:
        print(f"  … more on the page of the replay, and in its workbook (the first {SHOWN} are shown)")
    return 0 if replay.state == ReplayState.DONE else 1
