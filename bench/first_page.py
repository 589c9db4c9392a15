"""`make run` in a clean clone to the first page, with whatever is in pip's cache; and a second time on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.servers import House

ROOT = Path(__file__).parent.parent


def measure(house: House) -> Iterator[str]:
    """Seconds, for the README; they belong to the machine."""
    folder = Path(tempfile.mkdtemp(prefix="ruku-clone-"))
    folder.chmod(0o711)  # the servers' user walks through it
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)
        for what in ("from a clean clone", "a second time on the same data"):
            yield f"make run {what}: {_until_the_first_page(folder):.1f} s to the first page"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_the_first_page(folder: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DATA_DIR": str(folder / "data"), "PORT": str(port)}
    started = time.perf_counter()
    run = subprocess.Popen(
        ["make", "run"], cwd=folder / "clone", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        while time.perf_counter() - started < 1_200:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10):
                    return time.perf_counter() - started
            except (urllib.error.URLError, OSError):
                if run.poll() is not None:
                    assert run.stderr is not None
                    raise RuntimeError(run.stderr.read().decode(errors="replace")) from None
                time.sleep(0.1)
        raise RuntimeError("make run did not serve a page within 20 minutes")
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
            run.wait(120)
