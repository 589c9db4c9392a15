"""The mailbox of trial installations: what the folder mail driver wrote, newest first. Production mails leave the house.

Whose letter it is the desk does not tell: addresses and numbers are taken out here as they are in a log."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import current_app, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _

from console.doors.dates import instant
from console.errors import NotFound
from console.faults import scrub
from console.ops.access import Behind

PAGE = 50
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(eml|txt|json)")


@dataclass(frozen=True)
class Mail:
    """One message of the folder."""

    name: str
    to: str
    subject: str
    date: str
    body: str


class Mailbox(Behind, BaseView):
    """信箱"""

    @expose("/")
    def index(self) -> Any:
        page = request.args.get("page", "1")
        number = int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
        folders = self._folders()
        names = sorted((path for folder in folders for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_age)
        shown = names[(number - 1) * PAGE : number * PAGE]
        return self.render(
            "ops/mailbox.html",
            title=_("信箱"),
            mails=[read(path) for path in shown],
            folders=bool(folders),
            page=number,
            more=len(names) > number * PAGE,
        )

    @expose("/<file>")
    def message(self, file: str) -> Any:
        """One message, found by its name among the names that are there: no path is ever built from the address."""
        for folder in self._folders():
            for path in folder.iterdir():
                if path.name == file and _NAME.fullmatch(file):
                    return self.render("ops/mail.html", title=_("信箱"), mail=read(path))
        raise NotFound()

    @staticmethod
    def _folders() -> list[Path]:
        settings = current_app.config["RUKU"]
        found = [Path(url.removeprefix("folder:")) for url in (settings.mail_url, settings.sms_url) if url.startswith("folder:")]
        return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def read(path: Path) -> Mail:
    """A message as text: an .eml is parsed, anything else is shown as it is."""
    content = path.read_bytes()[:200_000]
    if path.suffix != ".eml":
        text = scrub(content.decode("utf-8", "replace"))
        return Mail(path.name, "", text.strip().splitlines()[0][:80] if text.strip() else path.name, "", text)
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(preferencelist=("plain", "html"))
    text = body.get_content() if body is not None else ""
    return Mail(path.name, scrub(str(message["to"] or "")), scrub(str(message["subject"] or "")), _when(message), scrub(text))


def _when(message: EmailMessage) -> str:
    """The Date line in the house's own time."""
    at = getattr(message["date"], "datetime", None)
    return instant(at) if at is not None else ""
