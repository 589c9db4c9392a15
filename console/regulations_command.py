"""`python -m console regulations`: the paragraphs on file, what is stale, and a CSV of changes with a look at what would move."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from sqlalchemy.orm import Session

from console import clock, db, process
from console.departments import regulations
from console.departments.regulations import Paragraph, Stale
from console.scope import System, become
from seed import tables
from seed.rows import File, Problem, SeedProblems, read_files

ACTOR = System("regulations")


def run(options: argparse.Namespace) -> int:
    process.begin("worker")
    with become(ACTOR), db.transaction() as session:
        return act(session, options)


def act(session: Session, options: argparse.Namespace) -> int:
    """The exit code; 1 when `stale` finds something."""
    if options.action == "list":
        return _list(session)
    if options.action == "stale":
        places = regulations.stale(session, clock.today(session))
        _say(places)
        return 1 if places else 0
    if not options.file:
        raise process.NotReady("regulations load needs a CSV file, with the columns of seed/data/regulation_paragraphs.csv.")
    return _load(session, Path(options.file), reason=options.reason, apply=options.apply)


def _list(session: Session) -> int:
    for (reg, article), row in regulations.latest(session).items():
        days = f"{row.in_force_from or '…'} – {row.in_force_to or '…'}"
        print(f"{reg} {article}  v{row.version}  {days}  {'' if row.verified else '未核实  '}{row.text_hash[:12]}  {row.title}")
    return 0


def _say(places: list[Stale]) -> None:
    for one in places:
        since = f" {one.since}" if one.since else ""
        where = f"{one.department.code} {'draft ' if one.is_draft else ''}{one.source} {one.file}:{one.key}"
        print(f"{one.kind}{since}: {one.reg or '?'} {one.article} ← {where}")
    counted = Counter(one.department.code for one in places)
    print(", ".join(f"{code} {count}" for code, count in sorted(counted.items())) or "Nothing cites a paragraph that has changed.")


def _load(session: Session, path: Path, *, reason: str | None, apply: bool) -> int:
    """All or nothing; without `--apply` it only says what would be recorded and which places that touches."""
    rows = _read(path)
    known = regulations.latest(session)
    changed = [
        (line, one)
        for line, one in rows
        if (last := known.get((one.regulation_id, one.article))) is None or not regulations.same(one, last)
    ]
    problems = [
        Problem(path.name, line, field, what)
        for line, one in changed
        for field, what in regulations.check(session, one, known.get((one.regulation_id, one.article))).items()
    ]
    if problems:
        raise SeedProblems(problems)
    today = clock.today(session)
    on = max([today, *(one.in_force_from for _, one in changed if one.in_force_from)])
    there = {(one.source, one.file, one.key, one.article) for one in regulations.stale(session, on)}
    would = regulations.stale(session, on, as_if=[one for _, one in changed])
    for _, one in changed:
        last = known.get((one.regulation_id, one.article))
        print(f"{'new' if last is None else f'v{last.version} → v{last.version + 1}'}: {one.regulation_id} {one.article}")
    print(f"{len(rows) - len(changed)} rows are on file as they are, {len(changed)} would be recorded.")
    _say([one for one in would if (one.source, one.file, one.key, one.article) not in there])
    if not apply:
        print("Nothing was written; --apply --reason '…' records them.")
        return 0
    for _, one in changed:
        regulations.record(session, one, actor=ACTOR, reason=reason or "")
    print(f"{len(changed)} paragraphs recorded.")
    return 0


def _read(path: Path) -> list[tuple[int, Paragraph]]:
    file = File(path.name, tables.PARAGRAPHS.columns, tables.PARAGRAPHS.key)
    read = read_files(path.parent, (file,))[path.name]
    return [(row.line, Paragraph(**row.values)) for row in read]

