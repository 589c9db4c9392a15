"""Which app answers: by path, or by host when the console has its own."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

import wsgi


def _door(name: str) -> wsgi.Wsgi:
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [name.encode()]

    return app


@pytest.mark.parametrize(
    ("host", "answers"), [("console.example.cn", "console"), ("CONSOLE.example.cn", "console"), ("www.example.cn", "portal"), ("", "portal")]
)
def test_the_consoles_host_gets_the_console_and_everything_else_the_portal(host, answers):
    client = Client(wsgi.ByHost(_door("portal"), _door("console"), "console.example.cn"))

    assert client.get("/console/", headers={"Host": host}).text == answers


def test_importing_the_module_reads_no_settings():
    with pytest.raises(AttributeError):
        _ = wsgi.nothing
