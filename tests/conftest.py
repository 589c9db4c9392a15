"""Real servers, real databases, one process's apps; see docs/architecture.md, "Tests".

`session` is rolled back after each test. `committed_db` is a database of the test's own, for what needs real commits: the two apps,
the worker, a browser. Ask for one of them, not both.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import config
from console import clock as console_clock
from console import db, maintenance, passwords, process, scope
from console.embedded import Servers, die_with_parent
from console.scope import NOBODY, Principal, System, become
from tests.servers import PREFIX, House, data_in_memory

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# a window has an address bar, whose two pop-ups are pages of their own: half of the processor a test's window costs
SWITCHES = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"]

sys.dont_write_bytecode = False  # to rewrite the asserts of all test modules again is half of collecting, in every process of a run

_quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
# the same examples every time: what passed here passes where it is landed; `make matrix` looks for new ones
hypothesis_settings.register_profile("test", max_examples=40, deadline=None, suppress_health_check=_quiet, print_blob=True, derandomize=True)
hypothesis_settings.register_profile("matrix", max_examples=3_000, deadline=None, suppress_health_check=_quiet, print_blob=True)
maintenance.LOOK_EVERY = 0.0  # the apps of a run serve all its tests: a sign that one of them hung up is not believed in the next
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


# ── servers: started and stopped by the controller ───────────────────────────────────────────────────────────

_servers: Servers | None = None
_undo = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before anything is collected, unless only pure tests were asked for."""
    global _servers
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help or _only_pure(config.args):
        return
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.exit("terminated", returncode=143))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _undo.callback(shutil.rmtree, folder, ignore_errors=True)
    _undo.enter_context(data_in_memory(folder))
    servers = Servers(folder, durable=False).prepare()
    _servers = servers
    _undo.callback(servers.stop)  # before starting: a start that fails half-way is stopped too
    servers.start_postgres()
    servers.start_valkey()


def _only_pure(args: list[str]) -> bool:
    return all(re.search(r"(^|/)tests/(rules|plugins)(/|$)|tests/test_(architecture|asvs|workshop|words|config)\.py", arg) for arg in args)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    if _servers is not None:
        node.workerinput["ruku"] = {"folder": str(_servers.folder), "sockets": str(_servers.sockets)}


def pytest_unconfigure(config: pytest.Config) -> None:
    global _servers
    _servers = None
    _undo.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is loaded stays: nothing to collect yet."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests are named by the fixture they use; without Chromium they are skipped, and that is said."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the collector need not walk through it again and again, which was a quarter of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    counted = [value for report in reports for name, value in report.user_properties if name == "matrix"]
    if counted:
        seed = os.environ.get("MATRIX_SEED", "20261")
        cells, wrong = (sum(figures) for figures in zip(*counted, strict=True))
        terminalreporter.line(f"matrix: {cells} cells, {wrong} wrong (MATRIX_SEED={seed})")
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "no Chromium" in str(r.longrepr)]
    if skipped:
        terminalreporter.section("browser tests", sep="!", red=True)
        terminalreporter.line(
            f"{len(skipped)} browser tests were SKIPPED: there is no Chromium here. Install the package 'chromium' and run again."
        )


@pytest.fixture(scope="session")
def house(request: pytest.FixtureRequest) -> House:
    """The servers of this run."""
    given = getattr(request.config, "workerinput", {}).get("ruku")
    if given is None and _servers is None:
        pytest.exit("This test needs the servers; run it through pytest from the project's folder.", returncode=4)
    folder, sockets = (Path(given["folder"]), Path(given["sockets"])) if given else (_servers.folder, _servers.sockets)  # type: ignore[union-attr]
    return House(folder, sockets, redis_number=1 + int(_worker_id(request).removeprefix("gw") or 0))


def _worker_id(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "gw0")


# ── one session, rolled back ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Database:
    """A clone of the template, and an engine for each login."""

    name: str
    settings: config.Settings
    web: Engine
    worker: Engine
    owner: Engine

    def dispose(self) -> None:
        for engine in (self.web, self.worker, self.owner):
            engine.dispose()

    @contextmanager
    def committing(self, engine: Engine, principal: Principal) -> Iterator[None]:
        """Inside, `db.transaction()` is this login's and this principal's, and commits for good."""
        before = db._engine
        with become(principal):
            _use(engine)
            try:
                yield
            finally:
                _use(before)

    def as_worker(self, reason: str = "test") -> AbstractContextManager[None]:
        """Inside, this process works as the worker does: to arrange what a test needs, and to run jobs."""
        return self.committing(self.worker, System(reason))


def _use(engine: Engine | None) -> None:
    db.Session.remove()
    db._engine = engine
    db.factory.configure(bind=engine)


def _open(house: House, name: str) -> Database:
    settings, before = house.settings(name), db._engine
    process.begin("worker", settings, check=False)
    _use(before)  # a database that is dropped is not left behind as the process's own
    urls = (settings.database_url, settings.database_worker_url, settings.database_owner_url or "")
    web, worker, owner = (db.make_engine(url, pool_pre_ping=False) for url in urls)
    return Database(name, settings, web, worker, owner)


@pytest.fixture(scope="session")
def database(house: House, request: pytest.FixtureRequest) -> Iterator[Database]:
    """This process's own clone, for tests that roll back."""
    name = f"ruku_{_worker_id(request)}"
    house.clone(name)
    database = _open(house, name)
    _use(database.worker)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def settings(database: Database) -> config.Settings:
    """The settings of this process's clone."""
    return database.settings


CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its least: as it is in the product a password costs 0.2 s of processor, and tests make hundreds.
    tests/console/test_passwords.py, about passwords, has the product's own."""
    monkeypatch.setattr(passwords, "_hasher", CHEAP)


@pytest.fixture
def session(database: Database, cheap_passwords: None) -> Iterator[Session]:
    """The thread's own session under the worker's login as System("test"): every commit inside is a savepoint, all is undone."""
    db.Session.remove()
    with database.worker.connect() as connection, become(System("test")):
        transaction = connection.begin()
        db._engine = database.worker
        db.factory.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield db.Session()
        finally:
            db.Session.remove()
            db.factory.configure(bind=database.worker, join_transaction_mode="conditional_savepoint")
            transaction.rollback()


@pytest.fixture
def as_() -> Callable[[Principal], AbstractContextManager[Principal]]:
    """`with as_(principal):` — the block is that person's."""
    return become


@pytest.fixture
def web_engine(request: pytest.FixtureRequest) -> Engine:
    """The web's login, which may never be System: on the test's own database when it has one."""
    return _database(request).web


@pytest.fixture
def owner_engine(request: pytest.FixtureRequest) -> Engine:
    """The owner's login."""
    return _database(request).owner


def _database(request: pytest.FixtureRequest) -> Database:
    own = "committed_db" in request.fixturenames
    return request.getfixturevalue("committed_db" if own else "database")  # type: ignore[no-any-return]


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    """The simulated clock of the database under test."""

    def __init__(self, change: Callable[[Callable[[Session], Any]], Any]) -> None:
        self._change = change

    def set(self, when: dt.date | dt.datetime) -> dt.datetime:
        """Make it this instant, or 09:00 in the province on this day."""
        if not isinstance(when, dt.datetime):
            when = dt.datetime.combine(when, dt.time(9), tzinfo=console_clock.ZONE)
        elif when.tzinfo is None:
            when = when.replace(tzinfo=console_clock.ZONE)
        return self._change(lambda session: console_clock.set_to(session, when))  # type: ignore[no-any-return]

    def advance(self, **by: float) -> dt.datetime:
        """`advance(days=3)`: the arguments of timedelta."""
        return self._change(lambda session: console_clock.advance(session, dt.timedelta(**by)))  # type: ignore[no-any-return]

    def now(self) -> dt.datetime:
        return self._change(console_clock.now)  # type: ignore[no-any-return]

    def today(self) -> dt.date:
        return self.now().date()


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Clock:
    """The clock of `session`, or of `committed_db` when the test uses that."""
    if "committed_db" in request.fixturenames:
        own: Database = request.getfixturevalue("committed_db")

        def commit(change: Callable[[Session], Any]) -> Any:
            with own.as_worker("clock"), db.transaction() as session:
                return change(session)

        return Clock(commit)
    session: Session = request.getfixturevalue("session")
    return Clock(lambda change: change(session))


# ── real commits: apps, worker, browser ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def redis(house: House) -> Iterator[Redis]:
    """This process's own Redis database, empty."""
    with Redis.from_url(f"unix://{house.sockets}/valkey.sock?db={house.redis_number}") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def committed_db(house: House, request: pytest.FixtureRequest, redis: Redis, cheap_passwords: None) -> Iterator[Database]:
    """A fresh clone, dropped afterwards; `db` is bound to the web's login and nobody, as in a web process between requests."""
    name = f"ruku_{_worker_id(request)}_own"
    house.clone(name)
    own = _open(house, name)
    with own.committing(own.web, NOBODY):
        yield own
    own.dispose()
    house.drop(name)


class Browsing(FlaskClient):
    """Reads an answer to its end and closes it, as a browser does: a file that is sent stays open otherwise, either way."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().open(*args, **{"buffered": True} | kwargs)
        answer.request.environ["wsgi.input"].close()
        return answer


@pytest.fixture(scope="session")
def apps(database: Database) -> Any:
    """`(portal, console)`, built once per process; whichever database `db` is bound to is theirs."""
    from console import apps as assembled

    settings = database.settings
    with database.committing(database.web, NOBODY):
        both = assembled.create_portal(settings), assembled.create_console(settings)
    for app in both:
        app.test_client_class = Browsing
    return both


@pytest.fixture(scope="session")
def portal_app(apps: Any) -> Any:
    return apps[0]


@pytest.fixture(scope="session")
def console_app(apps: Any) -> Any:
    return apps[1]


@pytest.fixture
def portal(committed_db: Database, portal_app: Any) -> Any:
    """A citizen's browser without scripts: Flask's test client, signed out."""
    return portal_app.test_client()


@pytest.fixture
def console(committed_db: Database, console_app: Any) -> Any:
    """An officer's, signed out."""
    return console_app.test_client()


@pytest.fixture
def live_server(committed_db: Database, apps: Any) -> Iterator[str]:
    """Both apps in a process of their own over `committed_db`; the value is its address, without a slash at the end."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import make_server

    portal, console = apps
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                if ask := die_with_parent(signal.SIGKILL):
                    ask()
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)
                scope._current.set(NOBODY)
                _use(db.make_engine(committed_db.settings.database_url))
                app = DispatcherMiddleware(portal, {"/console": console})
                server = make_server("127.0.0.1", port, app, threaded=True, fd=listener.fileno())
                server.log = lambda *args, **kwargs: None  # type: ignore[method-assign]
                threading.current_thread().name = "live server"
                server.serve_forever()
            os._exit(0)
    try:
        address = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:  # noqa: S310 - our own address
            assert answer.status == 200
        yield address
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium per process; tests take a page of their own from `browser`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        engine = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield engine
        engine.close()


@pytest.fixture
def browser(chromium: Any, live_server: str) -> Iterator[Any]:
    """A Chromium context on the live server (`browser.new_page()`, then `page.goto("/")`), in Chinese, on a phone's width."""
    context = chromium.new_context(
        base_url=live_server, locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 390, "height": 844}
    )
    context.set_default_timeout(15_000)
    yield context
    context.close()
