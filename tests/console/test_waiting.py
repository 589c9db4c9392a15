"""Processes that start before PostgreSQL wait for it; one that answers and refuses is said at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from werkzeug.test import Client

import wsgi
from console import process, waiting
from console.embedded import die_with_parent

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def elsewhere(house):
    """A place where the run's own server answers once `arrive()` is called: until then it is away."""
    folder = Path(tempfile.mkdtemp(prefix="ruku-"))  # a short path: a socket's may not be long

    def arrive() -> None:
        (folder / ".s.PGSQL.5432").symlink_to(house.sockets / ".s.PGSQL.5432")

    yield folder, arrive
    shutil.rmtree(folder)


def at(url: str, sockets: Path) -> str:
    return f"{url.partition('?host=')[0]}?host={sockets}"


def test_a_server_that_is_away_is_waited_for_longer_and_longer(house, elsewhere, database, monkeypatch, caplog):
    sockets, arrive = elsewhere
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            arrive()

    monkeypatch.setattr(waiting.time, "sleep", pause)
    with caplog.at_level("INFO", "ruku.waiting"):
        waiting.until_it_answers(at(house.url("ruku_jobs", database.name), sockets))

    assert pauses == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert caplog.messages[0].startswith("PostgreSQL is away, waiting for it; the next look is in 1 s: ")
    assert caplog.messages[0].endswith("No such file or directory")
    assert caplog.messages[-1] == "PostgreSQL answers, going on"


@pytest.mark.parametrize(("login", "name"), [("ruku_jobs", "no_such_database"), ("no_such_login", "postgres")])
def test_a_server_that_refuses_is_not_waited_for(house, login, name):
    with pytest.raises(process.NotReady, match=r"^PostgreSQL answers and does not let this process in: .*no_such_"):
        waiting.until_it_answers(house.url(login, name))


@pytest.mark.parametrize("kind", ["worker", "relay", "cron"])
def test_what_starts_with_the_machine_waits(monkeypatch, kind):
    from console import __main__ as commands
    from console import relay, worker

    done: list[str] = []
    monkeypatch.setattr(process, "begin", lambda role, *, check: done.append(f"begin {role} {check}") or _Settings)
    monkeypatch.setattr(waiting, "until_it_answers", lambda url: done.append(f"wait for {url}"))
    monkeypatch.setattr(process, "check_database", lambda settings: done.append("check"))
    for module, name in ((worker, "work"), (relay, "carry"), (relay, "ask_daily")):
        monkeypatch.setattr(module, name, lambda settings: done.append("work"))

    assert commands.main([kind]) == 0
    assert done == ["begin worker False", "wait for postgresql://worker", "check", "work"]


class _Settings:
    database_worker_url = "postgresql://worker"


def test_who_waits_ends_at_once_when_asked(elsewhere, house):
    program = "import logging, sys; from console import waiting; logging.basicConfig(); waiting.PAUSES = (600,); waiting.until_it_answers(sys.argv[1])"
    asked = [sys.executable, "-c", program, at(house.url("ruku_jobs", "any"), elsewhere[0])]
    with subprocess.Popen(asked, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent(signal.SIGKILL)) as waits:
        said = waits.stderr.readline()
        waits.terminate()
        ended = waits.wait(10)

    assert said.startswith("WARNING:ruku.waiting:PostgreSQL is away, waiting for it; the next look is in 600 s:")
    assert ended == 0


def test_the_web_answers_calmly_until_the_apps_can_be_made(monkeypatch, caplog):
    away, made = ["no such file"], []

    def make() -> wsgi.Wsgi:
        made.append(1)
        return lambda environ, start_response: (start_response("200 OK", []), [b"portal"])[1]

    monkeypatch.setattr(wsgi.Waiting, "PAUSE", 0.0)
    client = Client(wsgi.Waiting(make, lambda: away[0] if away else None))
    page, health, ready = client.get("/"), client.get("/healthz"), client.get("/readyz")
    away.clear()
    after = [client.get("/").text, client.get("/healthz").text]

    assert (page.status_code, page.headers["Retry-After"], page.headers["Cache-Control"]) == (503, "5", "no-store")
    assert "系统正在启动" in page.text and "The system is starting" in page.text
    assert (health.status_code, health.json, ready.status_code) == (200, {"ok": True}, 503)
    assert (after, made) == (["portal", "portal"], [1])
