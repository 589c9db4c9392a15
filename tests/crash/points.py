"""A process of ours with places at which it can be told to die: `python -m tests.crash.points worker`, or `tests.crash.points:application` for gunicorn.

The product knows nothing of it. The functions at these places are wrapped from outside, and whoever passes one looks whether a file of that name lies
in the folder `CRASH_POINTS`. The first to take it away dies at once, by kill -9 of itself.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

#: where → (module, what is called there, before or after the call)
POINTS = {
    "relay claimed, not asked": ("console.queueing", "ask", "before"),
    "relay asked": ("console.queueing", "ask", "after"),
    "relay sealing, not committed": ("console.audit", "seal", "after"),
    "worker begun, nothing done": ("console.running", "split", "before"),
    "worker moved the files, not committed": ("console.publicity.closing", "advance", "after"),
    "worker done, not ticked off": ("console.running", "_end", "before"),
    "worker ticked off, not committed": ("console.running", "_end", "after"),
    "worker writing letters, not committed": ("console.notifications.letters", "write", "after"),
    "gateway has the message, not recorded": ("console.post.posting", "post", "after"),
    "mail server has the letter, not recorded": ("console.post.mail", "Line.send", "after"),
    "cron ordered, not committed": ("console.outbox", "publish", "after"),
    "web submitting, not committed": ("console.applications.services", "submit", "after"),
    "web deciding, not committed": ("console.reviews.services", "decide", "after"),
}
#: whom a place belongs to, where several pass it: kinds of processes
ONLY = {"cron ordered, not committed": "cron"}


def pass_by(name: str) -> None:
    """Die when this place was named, and nobody died of it yet."""
    folder = Path(os.environ["CRASH_POINTS"])
    try:
        (folder / name).unlink()
    except FileNotFoundError:
        return
    (folder / f"{name}.fell").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)


def wrap(name: str, module: str, path: str, when: str) -> None:
    *owners, attribute = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    inner = getattr(owner, attribute)

    @functools.wraps(inner)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            pass_by(name)
        result = inner(*arguments, **named)
        if when == "after":
            pass_by(name)
        return result

    setattr(owner, attribute, wrapped)


def prepare(kind: str) -> None:
    if os.environ.get("CRASH_HURRY"):
        hurry()
    from console import assembly

    assembly.join()
    for name, place in POINTS.items():
        if ONLY.get(name, kind) == kind:
            wrap(name, *place)


def hurry() -> None:
    """The short form cannot wait two minutes for a lease: what is counted in minutes is counted in seconds."""
    from console import outbox

    outbox.LEASE = dt.timedelta(seconds=3)
    from console import relay, running, setbacks, worker
    from console.post import trying

    relay.BURY_EVERY, worker.BEAT, running.SILENT = 1.0, 1, dt.timedelta(seconds=4)
    setbacks._FIRST_WAIT = dt.timedelta(seconds=1)
    trying.wait_before = lambda attempt: dt.timedelta(seconds=1)


def __getattr__(name: str) -> Any:
    if name != "application":
        raise AttributeError(name)
    prepare("web")
    import config
    import wsgi

    globals()["application"] = wsgi.create(config.load())
    return globals()["application"]


if __name__ == "__main__":
    prepare(sys.argv[1])
    from console.__main__ import main

    sys.exit(main(sys.argv[1:]))
