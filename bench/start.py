"""Start of one web process with all screens: statements, time and memory against plain Flask-AppBuilder, syncing off and as it comes.

Time is the processor's: a start waits for nobody, and a busy machine then changes the ratio little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.house import interleaved
from tests.servers import House

ROOT = Path(__file__).parent.parent

_COUNT = """
import json, sys, time
started = time.process_time()
from sqlalchemy import event
from sqlalchemy.engine import Engine
sent = []
event.listen(Engine, "before_cursor_execute", lambda c, cursor, statement, *rest: sent.append(statement))

def told(views):
    took = time.process_time() - started
    resident = next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))
    print(json.dumps([took, len(sent), views, resident]))
"""
_OURS = _COUNT + """
import wsgi
application = wsgi.application
from console import apps
screens, pages = apps.sources()
told(len(screens) + len(pages))
"""
# the same number of stock views, each over a table of eight columns and a key to another; no words of ours, no portal
_PLAIN = _COUNT + """
import config
from flask import Flask
from flask_appbuilder import AppBuilder, ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Column, Date, ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, relationship
from console import db

class Base(DeclarativeBase): ...

settings = config.load()
db.configure(settings.database_owner_url)  # it makes its own role rows
app = Flask("plain")
app.config.update(SECRET_KEY="x" * 40, FAB_UPDATE_PERMS=len(sys.argv) > 2, FAB_CREATE_DB=False, FAB_ADD_SECURITY_API=False)
with app.app_context():
    builder = AppBuilder(app, db.Session)
    for number in range(int(sys.argv[1])):
        columns = {f"text_{n}": Column(String(80)) for n in range(5)} | {"day": Column(Date), "count": Column(Integer)}
        columns |= {"id": Column(Integer, primary_key=True), "__tablename__": f"plain_{number}"}
        if number:
            columns |= {"other_id": Column(ForeignKey(f"plain_{number - 1}.id")), "other": relationship(f"Plain{number - 1}")}
        model = type(f"Plain{number}", (Base,), columns)
        shown = ["text_0", "text_1", "day"]
        lists = {name: shown for name in ("list_columns", "show_columns", "add_columns", "edit_columns", "search_columns")}
        builder.add_view(type(f"View{number}", (ModelView,), {"datamodel": SQLAInterface(model), **lists}), f"View {number}", category="All")
told(int(sys.argv[1]))
"""


def measure(house: House) -> Iterator[str]:
    """Ours ≤ 25 statements, ≤ 1.1 × plain, ≤ 0.45 × plain that writes its permissions anew at each start, ≤ 1.15 × its memory."""
    house.clone("ruku_start")
    environment = {**os.environ, **house.environment("ruku_start"), "PYTHONPATH": str(ROOT)}
    # both find their bytecode as an installed program does, whatever the shell says: the first, unmeasured start writes it
    environment |= {"PYTHONPYCACHEPREFIX": str(house.folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}

    def start(program: str, *arguments: str) -> tuple[float, int, int, float]:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        seconds, sent, views, resident = json.loads(done.stdout.splitlines()[-1])
        return seconds, sent, views, resident

    _, statements, views, memory = start(_OURS)
    _, plain_statements, _, plain_memory = start(_PLAIN, str(views))
    start(_PLAIN, str(views), "synced")  # the first one writes all of them
    _, synced_statements, _, _ = start(_PLAIN, str(views), "synced")
    ours, plain = interleaved(lambda: start(_OURS)[0], lambda: start(_PLAIN, str(views))[0])
    again, synced = interleaved(lambda: start(_OURS)[0], lambda: start(_PLAIN, str(views), "synced")[0])
    yield f"statements with {views} screens and pages: {statements} (goal ≤ 25; plain Flask-AppBuilder {plain_statements})"
    yield f"portal, console and desk / plain Flask-AppBuilder with {views} views: {ours / plain:.2f} × ({ours:.2f} s / {plain:.2f} s of processor; goal ≤ 1.1)"
    yield f"the same / with its permissions synced ({synced_statements} statements): {again / synced:.2f} × ({again:.2f} s / {synced:.2f} s; goal ≤ 0.45)"
    yield f"memory of the process then: {memory / plain_memory:.2f} × ({memory:.0f} / {plain_memory:.0f} MiB; goal ≤ 1.15)"
    house.drop("ruku_start")
