"""The processes of an installation, each in a group of its own, started again when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.embedded import die_with_parent

ROOT = Path(__file__).parents[2]
POINTS = "tests.crash.points"


@dataclass
class Crew:
    """`start` names the processes; `keep` starts again whoever died, whatever the reason."""

    environment: Mapping[str, str]
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)
    deaths: int = 0
    _started: dict[str, float] = field(default_factory=dict)

    def start(self, *kinds: str) -> None:
        for number, kind in enumerate(kinds, start=1):
            self.commands[f"{kind}-{number}"] = [sys.executable, "-m", POINTS, kind]
        self.keep()

    def serve(self, port: int, *, workers: int) -> None:
        web = ["--workers", str(workers), "--worker-class", "gthread", "--threads", "4", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
        self.commands["web"] = [sys.executable, "-m", "gunicorn", *web, "--graceful-timeout", "3", f"{POINTS}:application"]
        self.keep()

    def keep(self) -> None:
        for name, command in self.commands.items():
            process = self.running.get(name)
            if (process is None or process.poll() is not None) and time.monotonic() - self._started.get(name, -10.0) > 1:
                self._started[name] = time.monotonic()
                self.deaths += process is not None
                with (self.logs / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        command, cwd=ROOT, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                        start_new_session=True, preexec_fn=die_with_parent(signal.SIGKILL),
                    )  # fmt: skip

    def kill(self, name: str) -> None:
        """kill -9 of one process; of the web, of the one that forks the others."""
        self.running[name].kill()
        self.running[name].wait(20)

    def kill_child(self, name: str) -> None:
        """kill -9 of one of the processes that the web forked."""
        pid = self.running[name].pid
        found = Path(f"/proc/{pid}/task/{pid}/children")
        children = found.read_text().split() if found.exists() else []
        if children:
            os.kill(int(children[0]), signal.SIGKILL)

    def stop(self) -> None:
        """Ask everybody to end, and insist."""
        self.commands.clear()
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 20
        for process in self.running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        self.running.clear()
