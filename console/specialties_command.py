"""`python -m console specialties`: what another edition of a classification standard would move, and loading it.

    specialties                              the versions on file
    specialties preview FILE.csv             what is new, renamed, gone; who decides what; who names what would end
    specialties load FILE.csv --from 2027-01-01 --reason '…'
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import clock, db, process
from console.departments import standards
from console.departments.models import Department, Specialty, SpecialtyVersion
from console.errors import InvalidAnswers
from console.scope import System, become
from rules.standards import Standard, StandardProblems, read

ACTOR = System("specialties")
SHOWN = 20


def run(options: argparse.Namespace) -> int:
    process.begin("worker")
    if options.action == "list":
        with become(ACTOR), db.transaction() as session:
            return _list(session)
    if not options.file:
        raise process.NotReady(f"specialties {options.action} needs a CSV file with the columns of seed/data/specialties_316_2018.csv.")
    try:
        new = read(Path(options.file).read_bytes())
    except OSError as error:
        raise process.NotReady(f"{options.file} cannot be read ({error.strerror}).") from None
    except StandardProblems as problems:
        print("\n".join(map(str, problems.problems[:100])), file=sys.stderr)
        print(f"{len(problems.problems)} problems; nothing was loaded.", file=sys.stderr)
        return 1
    with become(ACTOR), db.transaction() as session:
        seen = standards.preview(session, new)
        say(session, seen)
        if options.action == "load":
            _load(session, new, seen, options)
    return 0


def _load(session: Session, new: Standard, seen: standards.Preview, options: argparse.Namespace) -> None:
    try:
        on = dt.date.fromisoformat(options.day) if options.day else clock.today(session)
    except ValueError:
        raise process.NotReady("--from needs a day such as 2027-01-01.") from None
    try:
        standards.load(session, new, after=seen.version, on=on, source=Path(options.file).name, reason=options.reason or "", many=options.many, actor=ACTOR)
    except InvalidAnswers as error:
        raise process.NotReady(" ".join(error.problems.values())) from None
    print(f"Loaded as version {seen.version + 1} of {new.name}; what has gone ends on {on}.")


def _list(session: Session) -> int:
    counted = session.execute(select(Specialty.standard, func.count(), func.count(Specialty.until)).group_by(Specialty.standard).order_by(Specialty.standard))
    for standard, codes, ended in counted:
        print(f"{standard}: {codes - ended} codes, {ended} ended")
        for one in session.scalars(select(SpecialtyVersion).where(SpecialtyVersion.standard == standard).order_by(SpecialtyVersion.number)):
            print(f"  v{one.number}  {one.loaded_at:%Y-%m-%d}  from {one.in_force_from}  +{one.added} ~{one.renamed} ±{one.moved} -{one.ended}  {one.source}  {one.reason}")
    return 0


def say(session: Session, seen: standards.Preview) -> None:
    """The preview in lines, the first twenty of each kind."""
    found, names = seen.difference, {row.id: row.code for row in session.scalars(select(Department))}
    print(f"{seen.standard}: {seen.codes} codes in the file, version {seen.version} is on file.")
    lines: dict[str, list[str]] = {
        "new": [f"{one.code} {one.name}" for one in found.added],
        "back": [f"{one.code} {one.name}" for one in found.returned],
        "renamed": [f"{new.code} {old.name} → {new.name}" for old, new in found.renamed],
        "moved": [f"{new.code} {new.name}: parent {old.parent} → {new.parent}, level {old.level} → {new.level}, selectable {int(old.selectable)} → {int(new.selectable)}" for old, new in found.moved],
        "gone": [f"{one.code} {one.name}" for one in found.gone],
        "named by people": [f"{one.code}: {one.drafts} drafts, {one.files} files at work, {one.experts} in the roster" for one in seen.cited],
        "claims": [f"{names.get(one.department, one.department)}: {one.before} → {one.after} codes" + (f"; find nothing: {', '.join(one.empty)}" if one.empty else "") for one in seen.claimed],
        "newly claimed by nobody": [f"{one.code} {one.name}" for one in seen.unclaimed],
    }
    for kind, told in lines.items():
        print(f"{kind}: {len(told)}")
        for line in told[:SHOWN]:
            print(f"  {line}")
        if len(told) > SHOWN:
            print(f"  … and {len(told) - SHOWN} more")
    if seen.is_much:
        print("More than a fifth of the codes would end. Is the file whole? `load` wants --many then.")
