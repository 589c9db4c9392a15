"""The citizen's door: applying, following one's file, learning and sitting the exam, the public board, checking a certificate.

A page opens a transaction, asks a room, and shows the answer. It decides nothing and writes only through services. Every request runs
as `Applicant` or `Public` (set by `console.apps`); which pages are public is listed in `door.PUBLIC`.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader


def register(app: Flask) -> None:
    """Hang the portal's pages into an app that already has sessions, headers, look and the map of errors."""
    from console.forms import build
    from console.portal import (  # each adds its pages
        account,
        applying,
        board,
        contact,
        door,
        following,
        learning,
        public,
        reaching,
        registers,
        registers_intake,
        reports,
    )

    assert app.jinja_loader is not None  # the shared templates
    app.jinja_loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent / "templates"), app.jinja_loader])
    build.install(app)
    app.register_blueprint(door.door)
    app.register_blueprint(reports.machines)
    app.jinja_env.globals.update(
        applicant=door.applicant, to_do=door.to_do, service_phones=door.service_phones, words=door.words, said=door.said
    )
    for module in (account, applying, board, contact, following, learning, public, reaching, registers, registers_intake):
        assert module.door is door.door
