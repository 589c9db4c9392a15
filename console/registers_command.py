"""`python -m console registers`: what registers there are, what would change, and changing it.

    registers plan              every difference between the declarations in plugins/ and the tables, with the SQL
    registers apply agencies    write the migration, run it, tell every process
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.registers.applying import Proposal


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "plan", "apply"), nargs="?", default="list")
    parser.add_argument("registers", nargs="*", metavar="register", help="only these, by id; default: all")
    parser.add_argument("--plugins", type=Path, metavar="FOLDER", help="where the departments' folders lie; default: ours")
    parser.add_argument("--migration", action="store_true", help="plan: print the migration too")


def run(options: argparse.Namespace) -> int:
    from console import apps, db, process, schema
    from console.accounts import permissions
    from console.errors import ConsoleError
    from console.registers import applying, loading
    from console.scope import System, become
    from rules.documents import Problems

    settings = process.begin("owner")
    assert settings.database_owner_url is not None
    if options.action == "list":
        for there in loading.registers():
            print(f"{there.declared.table}  {there.declared.document.title.zh} / {there.declared.document.title.show('en')}")
        return 0
    try:
        declared = applying.wanted(applying.read(options.plugins or applying.PLUGINS))
    except Problems as problems:
        for problem in problems.problems:
            print(problem, file=sys.stderr)
        return 1
    with become(System("registers")), schema.connected(settings.database_owner_url) as connection:
        found = applying.proposals(connection, declared, only=options.registers)
    for one in found:
        _say(one, migration=options.migration)
    if not found:
        print("Every register is as declared.")
        return 0
    refused = any(one.plan.refusals for one in found)
    if options.action == "plan" or refused:
        return 1 if refused else 0
    try:
        applying.apply(settings.database_owner_url, declared, only=options.registers)
    except ConsoleError as error:
        print(error.message % error.facts, file=sys.stderr)
        return 1
    with become(System("registers")), db.transaction() as session:
        permissions.sync(session, apps.role_table())
    print("Applied. Running processes take it up by themselves.")
    return 0


def _say(one: Proposal, *, migration: bool) -> None:
    new = one.plan.new
    print(f"{new.table}: {new.document.title.zh} / {new.document.title.show('en')}")
    for step in one.plan.steps:
        print(f"  {step.zh} / {step.en}")
    for refusal in one.plan.refusals:
        print(f"  REFUSED {refusal.zh} / {refusal.en}: {refusal.count}")
        for number, seen in refusal.rows:
            print(f"    {number}  {seen}")
    if migration and one.written is not None:
        print(one.written.text)
