"""`python -m console registers`: what registers there are, what would change, and changing it.

    registers plan              every difference between the declarations in plugins/ and the tables, with the SQL
    registers apply agencies    write the migration, run it, tell every process
    registers purge agencies telephone
                                drop the column of a field that is declared no more, with its values
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.registers.applying import Proposal
    from console.registers.tables import Declared


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "plan", "apply", "purge"), nargs="?", default="list")
    parser.add_argument("registers", nargs="*", metavar="register", help="only these, by id; default: all. purge: the register and the hidden field")
    parser.add_argument("--plugins", type=Path, metavar="FOLDER", help="where the departments' folders lie; default: ours")
    parser.add_argument("--yes", action="store_true", help="purge: do not ask for the field's name again")
    parser.add_argument("--migration", action="store_true", help="plan: print the migration too")


def run(options: argparse.Namespace) -> int:
    from console import apps, audit, db, process, schema
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
    if options.action == "purge":
        return _purge(settings.database_owner_url, declared, options)
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
        done = applying.apply(settings.database_owner_url, declared, only=options.registers)
    except ConsoleError as error:
        print(error.message % error.facts, file=sys.stderr)
        return 1
    with become(System("registers")), db.transaction() as session:
        for one in done:
            facts = {"revision": one.written.revision} if one.written is not None else {}
            audit.record(session, "register.applied", f"register:{one.plan.new.table}", content_hash=one.plan.new.content_hash, steps=[step.en for step in one.plan.steps], **facts)
        permissions.sync(session, apps.role_table())
    print("Applied. Running processes take it up by themselves.")
    return 0


def _purge(owner_url: str, declared: list[Declared], options: argparse.Namespace) -> int:
    from console import schema
    from console.errors import ConsoleError
    from console.registers import applying
    from console.scope import System, become

    if len(options.registers) != 2:
        print("Which field of which register? python -m console registers purge REGISTER FIELD", file=sys.stderr)
        return 2
    register, field = options.registers
    try:
        with become(System("registers")), schema.connected(owner_url) as connection:
            found = applying.purging(connection, declared, register, field)
        _say(found, migration=options.migration)
        print(f"The values cannot be brought back. Keep a copy first: pg_dump --format=custom --table={found.plan.new.table} --file={found.plan.new.table}.dump DATABASE")
        if not options.yes and _typed(f"Type {field} to drop it: ") != field:
            print("Nothing was dropped.", file=sys.stderr)
            return 1
        with become(System("registers")):
            applying.purge(owner_url, found)
    except ConsoleError as error:
        print(error.message % error.facts, file=sys.stderr)
        return 1
    print(f"Dropped. Keep {found.written.path.name if found.written else ''} with the others: it says what happened to the table.")
    return 0


def _typed(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:  # nobody there to ask
        return ""


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
