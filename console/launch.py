"""`python -m console run`: everything on one machine, in order, and nothing left behind.

Servers, roles, structure, base data, the demo people; then web, worker, relay and cron, each in a process group of its own with a log
of its own. Ctrl-C, SIGTERM or the death of any of them stops all, in the reverse order.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
import redis

import config
from config import Mode, Settings
from console import logins
from console.embedded import ServerProblem, Servers, die_with_parent
from console.process import NotReady, reason

ROOT = Path(__file__).parent.parent
_LOG_LIMIT = 5 * 1024 * 1024


def run() -> int:
    """Serve until a signal; 0 when it was asked to stop, 1 when something died."""
    with ExitStack() as stack:
        over = _stop_on_signals()
        house = _House(stack, over)
        settings = house.start_servers()
        if settings.mode is Mode.DEMO:
            house.command("migrate", "tables, base data, bundles, demo people (a minute, the first time)", "--seed", "--demo")
        else:
            house.command("migrate", "tables, base data, bundles", "--seed")
        house.start_processes(settings)
        _welcome(settings, house.data)
        return house.watch()


def demo() -> int:
    """The whole walk on a scratch database with servers of its own; its exit code says whether everybody ended as declared."""
    with ExitStack() as stack:
        _stop_on_signals(raising=True)
        folder = Path(tempfile.mkdtemp(prefix="ruku-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = {"RUKU_MODE": "demo", "DATA_DIR": str(folder), **_new_keys()}
        servers = Servers(folder, durable=False)
        stack.callback(servers.stop)
        _start_embedded(servers, environment, postgres=True, valkey=True)
        from console import prepare, process  # slow: both apps
        from seed import demo as population

        settings = config.load({**environment, "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")})
        process.begin("owner", settings, check=False)
        prepare.migrate(settings)
        prepare.seed()
        process.begin("worker", settings)
        return population.prove(settings, environment=environment)


# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class _House:
    """What is running; everything that was started is undone by the stack, last first."""

    stack: ExitStack
    over: threading.Event
    environment: dict[str, str] = field(default_factory=lambda: {k: v for k, v in os.environ.items() if v.strip()})
    children: list[_Child] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return Path(self.environment["DATA_DIR"])

    def start_servers(self) -> Settings:
        """Check folder and port, start what no address was given for, and read the settings."""
        given = self.environment
        mode = given.get("RUKU_MODE", Mode.DEMO)
        given["DATA_DIR"] = str(Path(given.get("DATA_DIR") or config.default_data_dir()).expanduser().resolve())
        servers = Servers(self.data).prepare()
        self._lock()
        _check_port(given.get("HOST", "127.0.0.1"), given.get("PORT", "8000"))
        if mode != Mode.PRODUCTION:
            for name, value in _kept_keys(self.data).items():
                given.setdefault(name, value)
            self.stack.callback(servers.stop)
            _start_embedded(servers, given, postgres="DATABASE_URL" not in given, valkey="REDIS_URL" not in given)
            _worker_login(given)
        settings = config.load(given)
        _check_addresses(settings)
        if mode != Mode.PRODUCTION:
            self._tell_other_commands(settings)
        return settings

    def command(self, name: str, meaning: str, *options: str) -> None:
        """Run one of our commands to its end; NotReady repeats what it said when it fails."""
        started = time.monotonic()
        _say(f"{meaning} ...", end="")
        done = subprocess.Popen(
            [sys.executable, "-m", "console", name, *options],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        while True:
            try:
                said, error = done.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if self.over.is_set():
                    _end(done, patience=10)
                    raise KeyboardInterrupt from None
        if done.returncode:
            (self.data / "logs" / f"{name}.log").write_text(said + error)
            print()
            raise NotReady(f"`python -m console {name}` failed:\n{_tail(error or said, 12)}")
        last = said.strip().splitlines()[-1:] or ["done."]
        print(f" {time.monotonic() - started:.1f} s. {last[0]}", flush=True)

    def start_processes(self, settings: Settings) -> None:
        """The web first, because somebody waits for it, then worker, relay and cron; returns when the web answers."""
        web = ["--workers", str(settings.web_workers), "--worker-class", "gthread", "--threads", "4"]
        web += ["--bind", f"{settings.host}:{settings.port}", "--graceful-timeout", "3", "--no-control-socket"]
        self._start("web", [sys.executable, "-m", "gunicorn", *web, "wsgi:application"])
        _say("web, worker, relay and cron ...", end="")
        started = time.monotonic()
        while not _answers(settings):
            self._notice_deaths()
            if self.over.wait(0.1):
                raise KeyboardInterrupt
            if time.monotonic() - started > 90:
                raise NotReady(f"The web does not answer; see {self.data / 'logs' / 'web.log'}")
        for name in ("worker", "relay", "cron"):
            self._start(name, [sys.executable, "-m", "console", name])
        self.stack.callback(self._ask_all_to_end)  # all are asked before the first is waited for
        print(f" {time.monotonic() - started:.1f} s.", flush=True)

    def watch(self) -> int:
        """Wait for a signal (0) or a death (NotReady, after saying whose)."""
        while not self.over.wait(0.3):
            self._notice_deaths()
        print("\nStopping ...", flush=True)
        return 0

    def _start(self, name: str, command: list[str]) -> None:
        log = self.data / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.children.append(_Child(name, process, log))
        self.stack.callback(_end, process)

    def _ask_all_to_end(self) -> None:
        for child in reversed(self.children):
            _ask_to_end(child.process)

    def _notice_deaths(self) -> None:
        for child in self.children:
            code = child.process.poll()
            if code is not None:
                how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
                raise NotReady(f"\nThe {child.name} {how}; everything is stopped. The end of {child.log}:\n{_tail(child.log.read_text(errors='replace'), 10)}")

    def _lock(self) -> None:
        file: IO[str] = (self.data / "run.lock").open("a+")
        self.stack.callback(file.close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise NotReady(
                f"Another run (process {file.read().strip() or '?'}) uses the data folder {self.data}: stop it, or name another "
                "folder with DATA_DIR=/path."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()

    def _tell_other_commands(self, settings: Settings) -> None:
        names = ["DATABASE_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL", "REDIS_URL", *_new_keys()]
        path = config.running_file(settings.data_dir)
        _write_private(path, "".join(f"{n}={self.environment[n]}\n" for n in names if n in self.environment))
        self.stack.callback(path.unlink, missing_ok=True)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────


def _start_embedded(servers: Servers, environment: dict[str, str], *, postgres: bool, valkey: bool) -> None:
    servers.prepare()
    started = time.monotonic()
    if postgres:
        servers.start_postgres()
        with psycopg.connect(servers.url(), autocommit=True) as connection:
            logins.ensure_roles(connection)
            logins.ensure_database(connection)
        environment["DATABASE_URL"] = servers.url(logins.WEB_LOGIN, logins.DATABASE)
        environment["DATABASE_WORKER_URL"] = servers.url(logins.WORKER_LOGIN, logins.DATABASE)
        environment["DATABASE_OWNER_URL"] = servers.url(logins.OWNER_LOGIN, logins.DATABASE)
    if valkey:
        servers.start_valkey()
        environment["REDIS_URL"] = servers.redis_url
    if postgres or valkey:
        names = " and ".join(name for name, wanted in (("PostgreSQL", postgres), ("Valkey", valkey)) if wanted)
        user = servers.user or pwd.getpwuid(os.geteuid()).pw_name
        _say(f"{names} as user '{user}', data in {servers.folder}: {time.monotonic() - started:.1f} s.")


def _worker_login(environment: dict[str, str]) -> None:
    """With a database of one's own and no worker's login: make one, when the owner may."""
    if "DATABASE_WORKER_URL" in environment or "DATABASE_URL" not in environment:
        return
    owner = environment.get("DATABASE_OWNER_URL")
    if owner is None:
        raise NotReady("DATABASE_OWNER_URL is missing: with a DATABASE_URL of your own, give the owner's address too.")
    kept = Path(environment["DATA_DIR"]) / "worker.password"
    password = kept.read_text().strip() if kept.exists() else secrets.token_urlsafe(24)
    try:
        environment["DATABASE_WORKER_URL"] = logins.derive_worker_url(owner, environment["DATABASE_URL"], password=password)
    except psycopg.Error as error:
        raise NotReady(
            "DATABASE_WORKER_URL is missing, and the owner could not make a login for the worker "
            f"({str(error).splitlines()[0]}). `python -m console roles print` shows the SQL for an administrator."
        ) from None
    _write_private(kept, password)


def _check_addresses(settings: Settings) -> None:
    """Each address answers, or one sentence says which does not."""
    for name, url in (
        ("DATABASE_URL", settings.database_url),
        ("DATABASE_WORKER_URL", settings.database_worker_url),
        ("DATABASE_OWNER_URL", settings.database_owner_url),
    ):
        if not url:
            raise NotReady(f"{name} is missing: `run` migrates and loads base data, which needs it.")
        try:
            psycopg.connect(logins.plain(url), connect_timeout=5).close()
        except psycopg.Error as error:
            raise NotReady(f"{name} does not lead to a PostgreSQL: {reason(error)}") from None
    try:
        with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise NotReady(f"REDIS_URL does not lead to a Redis: {error}") from None
    if settings.is_production:
        return
    ours = logins.Logins(*(logins.login_of(u) for u in (settings.database_owner_url or "", settings.database_url, settings.database_worker_url)))
    with psycopg.connect(logins.plain(settings.database_owner_url or "")) as connection:
        problems = logins.missing(connection, ours)
    if problems:
        raise NotReady(f"The database's roles are not in order: {'; '.join(problems)}. `python -m console roles print` shows the SQL.")


def _check_port(host: str, port: str) -> None:
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        return  # config says it better, with everything else
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise NotReady(f"Port {port} on {host} is in use: stop the program that has it, or choose another with PORT=8001.") from None
        raise NotReady(f"The web cannot listen on {host}, port {port} ({error.strerror}): choose others with HOST and PORT.") from None


def _new_keys() -> dict[str, str]:
    def key() -> str:
        return base64.b64encode(os.urandom(32)).decode()

    signing = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "PORTAL_SECRET_KEY")}
    return {**signing, "DATA_KEYS": f"k1:{key()}", "HASH_KEY": key()}


def _kept_keys(data: Path) -> dict[str, str]:
    """The keys of this data folder, made on the first run: without them what is encrypted in it cannot be read."""
    path = data / "keys.env"
    if not path.exists():
        _write_private(path, "".join(f"{name}={value}\n" for name, value in _new_keys().items()))
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def _write_private(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise ServerProblem(f"{path} cannot be written ({error.strerror}): name another folder with DATA_DIR=/path.") from None


def _answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    request = urllib.request.Request(f"http://{host}:{settings.port}/healthz")
    if settings.hosts:
        request.add_header("Host", settings.hosts[0])
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


_asked: set[int] = set()


def _ask_to_end(process: subprocess.Popen[Any]) -> None:
    """Once: a second signal would make the worker drop the job at hand."""
    if process.pid not in _asked and process.poll() is None:
        _asked.add(process.pid)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def _end(process: subprocess.Popen[Any], *, patience: int = 15) -> None:
    """Ask the process group to end, and make it."""
    _ask_to_end(process)
    with suppress(ProcessLookupError):
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        os.killpg(process.pid, signal.SIGKILL)  # whoever of the group is left
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)


def _stop_on_signals(*, raising: bool = False) -> threading.Event:
    over = threading.Event()

    def stop(number: int, frame: object) -> None:
        if raising:
            raise KeyboardInterrupt
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return over


def _tail(text: str, lines: int) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


def _say(text: str, end: str = "\n") -> None:
    print(f"· {text}", end=end, flush=True)


def _welcome(settings: Settings, data: Path) -> None:
    portal = f"http://{settings.portal_host or settings.host}:{settings.port}"
    console = f"http://{settings.console_host}:{settings.port}" if settings.console_host else f"{portal}/console"
    rows = [("portal", f"{portal}/"), ("console", f"{console}/"), ("ops desk", f"{console}/ops/"), ("logs", str(data / "logs"))]
    print("\nRuku 入库")
    for name, value in rows:
        print(f"  {name:<10}{value}")
    if settings.mode is Mode.DEMO:
        from console import process  # slow
        from seed import demo as population

        process.begin("worker", settings, check=False)
        print(f"\n{population.sign_ins()}")
    print("\nCtrl-C stops everything.", flush=True)
