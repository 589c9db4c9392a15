"""Admin pages over a million rows with three references: ours with everything on, beside plain and tuned peers and the bare limit.

Every program is served by two processes on the same PostgreSQL, and all are asked in turn, round after round, so that whatever else the machine
does falls on all alike. Ours is a register made from its declaration (`lists_register.yaml`): signed in, under row-level security, grants, scope and
audit; a peer has what its documentation gives it, and no login where it has none. The limit is one prepared statement and a page by hand.
Django is measured where it is installed; requests a second need `wrk`. What is missing is said.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from bench.lists_rows import DEEP, PEER_ROWS, TERM, product
from tests.servers import House

ROWS = 1_000_000
ROUNDS, REQUESTS, BURST = 3, 15, 2
PAGES = ("list", "search", "filter", "deep", "detail", "edit")
HERE = Path(__file__).parent
APPS = HERE / "peers"
WORD = quote(TERM)


@dataclass
class Program:
    """One program to be asked: where it is served from, how one signs in, and the address of each page."""

    name: str
    target: str
    paths: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    sign_in: str = ""
    folder: Path = APPS
    base: str = ""
    cookie: str = ""
    took: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)


def _peers(rows: int) -> list[Program]:
    middle, last = rows // 2, rows // 50
    fab = {
        "list": "/applicationview/list/", "search": f"/applicationview/list/?_flt_2_name={WORD}", "filter": "/applicationview/list/?_flt_3_status=review",
        "deep": f"/applicationview/list/?page_ApplicationView={last - 1}", "detail": f"/applicationview/show/{middle}", "edit": f"/applicationview/edit/{middle}",
    }  # fmt: skip
    flask_admin = {
        "list": "/admin/application/", "search": f"/admin/application/?search={WORD}", "filter": "/admin/application/?flt0_2=review",
        "deep": f"/admin/application/?page={last - 1}", "detail": f"/admin/application/details/?id={middle}", "edit": f"/admin/application/edit/?id={middle}",
    }  # fmt: skip
    pool = "/admin/pool/application/"
    django = {"list": pool, "search": f"{pool}?q={WORD}", "filter": f"{pool}?status__exact=review", "deep": f"{pool}?p={last}", "edit": f"{pool}{middle}/change/"}
    limit = {"list": "/", "search": f"/?q={WORD}", "filter": "/?status=review", "deep": f"/?before={middle}", "detail": f"/show/{middle}", "edit": f"/edit/{middle}"}
    found = [
        Program("Flask-AppBuilder", "fab:app", fab, sign_in="fab"),
        Program("Flask-AppBuilder, tuned", "fab:app", fab, {"FAB_TUNED": "1"}, "fab"),
        Program("Flask-Admin (no login)", "flask_admin_plain:app", flask_admin),
    ]
    if importlib.util.find_spec("django"):
        found += [
            Program("Django admin", "django_admin:application", django, sign_in="django"),
            Program("Django admin, tuned", "django_admin:application", django, {"DJ_TUNED": "1"}, "django"),
        ]
    return [*found, Program("limit", "limit:app", limit)]


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    """Goals beside each figure; the last lines say which are met."""
    peers = "ruku_peers"
    house.empty(peers)
    dsn = house.url("postgres", peers)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PEER_ROWS.format(rows=rows))
        connection.execute("VACUUM ANALYZE")
    environment = {**os.environ, "PEER_DSN": dsn, "PYTHONPATH": os.pathsep.join([str(APPS), *sys.path])}
    programs = _peers(rows)
    if any(one.sign_in == "django" for one in programs):
        subprocess.run([sys.executable, "django_admin.py"], cwd=APPS, check=True, env=environment)
    else:
        yield "Django is not installed here: its rows are left out"
    ours = product(house, rows)
    programs.append(Program("Ruku", "wsgi:application", ours.paths, ours.environment, folder=HERE.parent, cookie=ours.cookie))
    with contextlib.ExitStack() as running:
        for one in programs:
            one.base = running.enter_context(_served(one, environment))
            one.cookie = one.cookie or _signed_in(one)
        log = _Log(house)
        for page in PAGES:
            asked = [one for one in programs if page in one.paths]
            for one in asked:
                for _ in range(16):  # each of its processes has met the page
                    one.size[page] = len(_ask(one, page))
                one.sent[page] = log.statements(lambda one=one, page=page: _ask(one, page))  # type: ignore[misc]
            for _ in range(ROUNDS):
                for one in asked:
                    one.took.setdefault(page, []).extend(_timed(one, page) for _ in range(REQUESTS))
                    if page in ("list", "edit") and shutil.which("wrk"):
                        one.rates.setdefault(page, []).append(_rate(one, page))
            yield from _table(page, asked, rows)
    if not shutil.which("wrk"):
        yield "wrk is not installed here: no requests a second"
    yield from _verdict(programs)
    house.drop(peers)
    ours.end()


# ── serving and asking ───────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _served(one: Program, environment: Mapping[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error", "--backlog", "512", "--timeout", "120", "--preload"]
    own = {**environment, **one.environment}
    with subprocess.Popen([*command, one.target], cwd=one.folder, env=own, start_new_session=True) as process:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
                    break
                if process.poll() is not None:
                    raise RuntimeError(f"{one.name} did not start")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _signed_in(one: Program) -> str:
    if not one.sign_in:
        return ""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = one.base + ("/admin/login/" if one.sign_in == "django" else "/login/")
    browser.open(address).read()
    form = {"username": "admin", "password": "admin", "next": "/admin/"}
    if token := next((str(cookie.value) for cookie in jar if cookie.name == "csrftoken"), ""):
        form["csrfmiddlewaretoken"] = token
    browser.open(address, urlencode(form).encode()).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect())


def _ask(one: Program, page: str) -> bytes:
    asked = urllib.request.Request(one.base + one.paths[page], headers={"Cookie": one.cookie})
    with _opener.open(asked, timeout=120) as answer:
        return bytes(answer.read())


def _timed(one: Program, page: str) -> float:
    started = time.perf_counter()
    _ask(one, page)
    return (time.perf_counter() - started) * 1000


def _rate(one: Program, page: str) -> float:
    """Requests a second of sixteen clients; RuntimeError when any answer is not a page."""
    command = ["wrk", "-t1", "-c16", f"-d{BURST}s", "--timeout", "30s", "-H", f"Cookie: {one.cookie}", one.base + one.paths[page]]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(f"{one.name}, {page}: {said}")
    for _ in range(2):
        _ask(one, page)  # what is left in its backlog is answered before the next one is asked
    return float(said.split("Requests/sec:")[1].split()[0])


class _Log:
    """Counts statements by the server's own log, which sees every program alike; BEGIN, COMMIT and ROLLBACK are left out."""

    def __init__(self, house: House) -> None:
        self.house = house

    def _set(self, value: str) -> None:
        with self.house.administrator() as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)  # each server process reads it before its next statement

    def statements(self, work: Any) -> int:
        log = next(iter(self.house.folder.rglob("postgres*.log")))
        self._set("all")
        before = log.stat().st_size
        work()
        time.sleep(0.1)
        with log.open("rb") as written:
            written.seek(before)
            lines = written.read().decode(errors="replace").splitlines()
        self._set("none")
        found = [re.search(r"LOG:\s+(?:statement|execute [^:]*): *(.*)", line) for line in lines]
        sent = [match[1].strip() for match in found if match]
        return sum(not re.match(r"(?i)(BEGIN|COMMIT|ROLLBACK|ALTER SYSTEM|SELECT pg_reload_conf)", said) for said in sent)


# ── what is printed ──────────────────────────────────────────────────────────────────────────────────────────


def _p50(one: Program, page: str) -> float:
    return statistics.median(one.took[page])


def _table(page: str, asked: list[Program], rows: int) -> Iterator[str]:
    limit = next(one for one in asked if one.name == "limit")
    yield f"{page}, {rows:,} rows: program | statements | kB | p50 ms | p95 ms | × limit | requests/s of 16 clients"
    for one in asked:
        took = sorted(one.took[page])
        rate = f"{statistics.median(one.rates[page]):,.0f}" if page in one.rates else ""
        yield (
            f"  {one.name} | {one.sent[page]} | {one.size[page] / 1024:.0f} | {_p50(one, page):.1f} | {took[int(len(took) * 0.95) - 1]:.1f}"
            f" | {_p50(one, page) / _p50(limit, page):.2f} | {rate}"
        )


def _verdict(programs: list[Program]) -> Iterator[str]:
    """Each goal beside what was measured."""
    ours = next(one for one in programs if one.name == "Ruku")
    limit = next(one for one in programs if one.name == "limit")
    peers = [one for one in programs if one not in (ours, limit)]

    def best(page: str) -> Program:
        return min((one for one in peers if page in one.paths), key=lambda one: _p50(one, page))

    goals: list[tuple[str, float, float, bool]] = []  # words, measured, goal, at most?
    for page, goal, of_limit in (("list", 0.5, 3.2),):
        peer = best(page)
        goals.append((f"{page} against the best peer ({peer.name})", _p50(ours, page) / _p50(peer, page), goal, True))
        goals.append((f"{page} against the limit", _p50(ours, page) / _p50(limit, page), of_limit, True))
    if "list" in ours.rates:
        most = max(peers, key=lambda one: statistics.median(one.rates["list"]))
        goals.append((f"requests/s against the best peer ({most.name})", statistics.median(ours.rates["list"]) / statistics.median(most.rates["list"]), 2.5, False))
    for page, goal in (("list", 4), ("detail", 4), ("edit", 6)):
        goals.append((f"statements, {page}", ours.sent[page], goal, True))
    peer = best("search")
    goals.append((f"search of two characters against the fastest peer ({peer.name})", _p50(ours, "search") / _p50(peer, "search"), 0.06, True))
    goals.append(("that search against our own list", _p50(ours, "search") / _p50(ours, "list"), 1.2, True))
    goals.append(("a filter against our own list", _p50(ours, "filter") / _p50(ours, "list"), 1.5, True))
    goals.append((f"page {DEEP:,} against page 1", _p50(ours, "deep") / _p50(ours, "list"), 1.2, True))
    tuned = next(one for one in peers if one.name == "Flask-AppBuilder, tuned")
    plain = next(one for one in peers if one.name == "Flask-AppBuilder")
    goals.append(("edit with a relation of 5,000 against tuned Flask-AppBuilder", _p50(ours, "edit") / _p50(tuned, "edit"), 0.6, True))
    goals.append(("edit against the limit", _p50(ours, "edit") / _p50(limit, "edit"), 5.2, True))
    goals.append(("kB of the edit page", ours.size["edit"] / 1024, 40, True))
    goals.append(("detail against Flask-AppBuilder", _p50(ours, "detail") / _p50(plain, "detail"), 0.25, True))
    goals.append(("detail against the limit", _p50(ours, "detail") / _p50(limit, "detail"), 3, True))
    for words, measured, goal, at_most in goals:
        met = measured <= goal if at_most else measured >= goal
        yield f"{words}: {measured:.3g} (goal {'≤' if at_most else '≥'} {goal:g}){'' if met else '  MISSED'}"
