"""`python -m console staff`: the first administrator, and the way back in for whoever runs the machine. Audited as system:bootstrap."""

from __future__ import annotations

import argparse
import getpass
import sys

from config import Settings
from console import audit, db, prepare, process
from console.accounts import links, staff, two_factor
from console.accounts.attempts import Attempts
from console.accounts.links import Purpose
from console.accounts.models import StaffAccount
from console.scope import System, become


def run(options: argparse.Namespace) -> None:
    settings = process.begin("worker")
    if options.action == "bootstrap":
        if not options.name:
            raise SystemExit("staff bootstrap needs the person's name")
        password = None if options.link else _ask()
        token = prepare.bootstrap(options.username, name=options.name, password=password)
        print(f"'{options.username}' may now give grants; " + ("sign in at /console." if token is None else _said(settings, token)))
    elif options.action == "link":
        print(_said(settings, link(options.username, two_step=options.two_step)))
    else:
        unlock(settings, options.username)
        print(f"'{options.username}' may try again.")


def link(username: str, *, two_step: bool = False) -> str:
    """A one-time link for an account that is open; its sessions end. With `two_step` its second step is reset as well: nobody is
    placed above the last platform admin who lost a phone. The token."""
    with become(System("bootstrap")), db.transaction() as session:
        staff_id = staff.open_account(session, username)
        if two_step:
            two_factor.reset(session, session.get_one(StaffAccount, staff_id), reason="command line")
        purpose = Purpose.RESET if staff.has_password(session, staff_id) else Purpose.FIRST
        return links.make(session, staff_id, purpose, reason="command line")


def unlock(settings: Settings, username: str) -> None:
    """Forget the failures counted against an account, at each of its doors; those of addresses stay."""
    with become(System("bootstrap")), db.transaction() as session:
        staff_id = staff.open_account(session, username)
        audit.record(session, "staff.unlocked", f"staff:{staff_id}", reason="command line")
    counted = Attempts(settings.redis_url)
    for door, account in (("console", username), ("password", username), ("code", f"staff:{staff_id}")):
        counted.forget(door, account=account)


def _ask() -> str:
    question = "Password of the first administrator: "
    return getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _said(settings: Settings, token: str) -> str:
    return f"open this once, within {int(links.LIFE.total_seconds() // 3600)} hours, to choose a password:\n{links.address(settings, token)}"
