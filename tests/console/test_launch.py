"""`python -m console run`: up, answering, down, nothing left; and one clear sentence when it cannot be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from console.embedded import die_with_parent

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's may not be long. Servers run as another user when we are root, so it is open to walk through."""
    path = Path(tempfile.mkdtemp(prefix="ruku-run-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # as a test: without the demo people, whose walk has a test of its own
    return {**kept, "RUKU_MODE": "test", "DATA_DIR": str(folder / "data"), "PORT": str(free_port()), "WEB_WORKERS": "1", **more}


def start(env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "console", "run"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # when the test run itself is killed
    )


def refused(env: dict[str, str]) -> tuple[int, str]:
    """(exit code, last line) of a run that cannot be; a traceback never."""
    run = start(env)
    said, _ = run.communicate(timeout=60)
    assert "Traceback" not in said, said
    return run.returncode, said.strip().splitlines()[-1].strip()


def processes(folder: Path) -> list[str]:
    """Whatever still runs on this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        command, env = process.info["cmdline"] or [], process.info["environ"] or {}
        if str(folder) in " ".join(command) or env.get("DATA_DIR", "").startswith(str(folder)):
            found.append(" ".join(command))
    return found


def ready(port: str) -> dict[str, bool]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    return {name: check["ok"] for name, check in body["checks"].items()}


def until_it_says(run: subprocess.Popen[str], sentence: str) -> str:
    """What the run said up to this sentence, or to its end."""
    said = ""
    assert run.stdout is not None
    for line in run.stdout:
        said += line
        if sentence in line:
            break
    return said


def test_run_serves_until_it_is_told_to_stop_and_leaves_nothing(folder):
    env = environment(folder)
    run = start(env)
    try:
        said = until_it_says(run, "Ctrl-C stops everything")
        assert run.poll() is None, said
        until = time.monotonic() + 60
        while not all((state := ready(env["PORT"])).values()) and time.monotonic() < until:
            time.sleep(0.2)
        second = refused({**env, "PORT": str(free_port())})
        show = subprocess.run([sys.executable, "-m", "console", "clock"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=90)
    finally:
        run.kill()  # its children hear of it
        run.wait()

    assert state == {"database": True, "redis": True, "worker": True, "relay": True}
    assert second == (1, f"Another run (process {run.pid}) uses the data folder {folder / 'data'}: stop it, or name another folder with DATA_DIR=/path.")
    assert show.returncode == 0, show.stderr
    assert run.returncode == 0, rest
    assert processes(folder) == []
    assert not (folder / "data/running.env").exists()
    assert (folder / "data/keys.env").stat().st_mode & 0o777 == 0o600


def test_port_in_use(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        code, sentence = refused(environment(folder, PORT=port))
    assert (code, sentence) == (1, f"Port {port} on 127.0.0.1 is in use: stop the program that has it, or choose another with PORT=8001.")
    assert processes(folder) == []


def test_folder_that_cannot_be_written(folder):
    (folder / "file").write_text("")
    code, sentence = refused(environment(folder, DATA_DIR=str(folder / "file" / "data")))
    assert code == 1
    assert sentence.startswith(f"The data folder {folder / 'file' / 'data'} cannot be used (Not a directory)")


def test_redis_that_does_not_answer(folder):
    code, sentence = refused(environment(folder, REDIS_URL=f"redis://127.0.0.1:{free_port()}"))
    assert code == 1
    assert sentence.startswith("REDIS_URL does not lead to a Redis:")
    assert processes(folder) == []


def test_database_that_does_not_answer(folder, house):
    base = f"@/ruku_nowhere?host={house.sockets}"
    env = environment(
        folder,
        DATABASE_URL=f"postgresql://ruku_web{base}",
        DATABASE_WORKER_URL=f"postgresql://ruku_jobs{base}",
        DATABASE_OWNER_URL=f"postgresql://ruku_owner{base}",
    )
    code, sentence = refused(env)
    assert code == 1
    assert sentence.startswith("DATABASE_URL does not lead to a PostgreSQL:")
    assert processes(folder) == []


def test_bad_settings_end_with_2(folder):
    code, sentence = refused(environment(folder, LOG_LEVEL="loud"))
    assert (code, sentence) == (2, "- LOG_LEVEL is 'LOUD'; it must be DEBUG, INFO, WARNING or ERROR.")


def test_servers_stop_when_their_launcher_is_killed(folder):
    if sys.platform != "linux":
        pytest.skip("only Linux tells children that their parent died")
    program = (
        "import pathlib, sys, time; from console.embedded import Servers\n"
        "s = Servers(pathlib.Path(sys.argv[1]), durable=False).prepare(); s.start_postgres(); s.start_valkey(); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program, str(folder / "data")], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == "up\n"
    launcher.kill()
    launcher.communicate()
    until = time.monotonic() + 20
    while processes(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes(folder) == []
