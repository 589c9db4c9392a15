"""The operator's desk: health, lags, what waits for a person, jobs, what comes next, outbox, deliveries, mailbox, brakes, raw tables, and /metrics.
The only package that knows Flask-Admin.

Read-mostly and out of the decision path: nothing here can move a file. It lies behind the console's sign-in; its permission is
a row of the same role table as every screen's.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from console import assembly, housekeeping
from console.crud.navigation import Entry
from console.crud.screen import CARE
from console.doors import headers
from console.errors import N_
from console.ops.access import DESK
from console.ops.deliveries import Deliveries
from console.ops.desk import Desk
from console.ops.mailbox import Mailbox
from console.ops.metrics import metrics
from console.ops.runs import Jobs, Schedule
from console.ops.tables import TABLES, Outbox, Tables
from console.ops.waiting import Waiting


def register(app: Flask) -> None:
    """Mount the desk at /ops of the console app and put it into the navigation; /metrics lies beside it."""
    assembly.modules("jobs")  # the automatic rules it lists are declared there
    housekeeping.list_jobs()
    desk = Desk(name="运维概览", endpoint="ops", url="/ops")
    theme = Bootstrap4Theme(base_template="console/base.html")
    admin = Admin(app, index_view=desk, theme=theme, csp_nonce_generator=headers.nonce)
    menu = app.extensions["navigation"]
    read = ("can_read", DESK.name)
    menu.add(Entry(CARE, N_("运维概览"), "board", "ops.index", read))
    pages: list[Any] = [Waiting(), Jobs(), Schedule(), Outbox(), Deliveries()]
    for view in pages:
        admin.add_view(view)
        menu.add(Entry(CARE, view.title, view.icon, f"{view.endpoint}.index_view", read))
    admin.add_view(Mailbox(name="信箱", endpoint="ops_mailbox", url="/ops/mailbox"))
    menu.add(Entry(CARE, N_("信箱"), "clip", "ops_mailbox.index", read))
    tables: list[Any] = [Tables(), *(make() for make in TABLES if make is not Outbox)]
    for view in tables:
        admin.add_view(view)
    menu.add(Entry(CARE, Tables.title, Tables.icon, "ops_tables.index_view", read))
    app.register_blueprint(metrics)
