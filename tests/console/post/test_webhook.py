"""Where events may go and where not, how they are signed, and that nobody leads them elsewhere."""

from __future__ import annotations

import json
import socket
import time

import pytest

from console.post import tokens, webhook
from console.post.channels import NotSent, OutgoingMessage, Undeliverable
from console.post.reports import Report
from tests.console.post import peers

SECRET = "0123456789abcdef-gongxiang"
MESSAGE = OutgoingMessage("d7-0-abc", "", "", json.dumps({"event": "submitted", "file": "RK26-0001-JT"}), secret=SECRET)


def _to(url: str) -> OutgoingMessage:
    return OutgoingMessage(MESSAGE.key, url, "", MESSAGE.text, secret=SECRET)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "::1", "fe80::1", "fc00::1",
     "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::", "fe80::1%eth0", "nonsense", ""],
)  # fmt: skip
def test_addresses_of_private_networks_are_none(address):
    assert not webhook.is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "2400:3200::1", "::ffff:1.1.1.1"])
def test_addresses_of_the_world_are_some(address):
    assert webhook.is_public(address)


@pytest.mark.parametrize(
    "url",
    ["", "http://oa.example.gov.cn/", "ftp://oa.example.gov.cn/", "https://", "https:///path", "https://user:pass@oa.example.gov.cn/", "https://oa.example.gov.cn/#x",
     "https://oa.example.gov.cn:99999/", "https://oa.example.gov.cn/a b", "https://oa.example.gov.cn/\r\nX: y", "https://审核.example.cn/", "https://a\\@b.cn/", "javascript:alert(1)",
     "file:///etc/passwd", "//oa.example.gov.cn/", "https://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url):
    with pytest.raises(webhook.NotThere):
        webhook.check(url, plain=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_whatever_leads_inside_is_refused_before_anything_is_said(host):
    with peers.gateway() as peer:
        port = peer.url.split(":")[2].split("/")[0]
        with pytest.raises((webhook.NotThere, NotSent)) as error:
            webhook.send(_to(f"http://{host}:{port}/"), plain=True, allowed=())
        assert peer.connections == set() and SECRET not in str(error.value)


def test_a_name_that_leads_outside_and_inside_is_refused(monkeypatch):
    there = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443)), (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: there)
    with pytest.raises(webhook.NotThere):
        webhook.send(_to("https://oa.example.gov.cn/"), plain=False, allowed=())


def test_the_address_that_was_checked_is_the_one_spoken_to_and_the_certificate_is_the_names(tmp_path, monkeypatch):
    """A name that means something else the second time leads nowhere; over TLS another's certificate is none."""
    context, authority = peers.certificate(tmp_path)
    with peers.gateway(context) as peer:
        port = int(peer.url.rpartition(":")[2].split("/")[0])
        asked: list[str] = []
        really = socket.getaddrinfo

        def look_up(host, *args, **options):
            if host != "localhost":
                return really(host, *args, **options)
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "10.9.9.9", port))]

        with monkeypatch.context() as patched:
            patched.setattr(webhook.socket, "getaddrinfo", look_up)
            patched.setenv("SSL_CERT_FILE", str(authority))
            webhook.send(_to(f"https://localhost:{port}/hook"), plain=False, allowed=("localhost",))
            assert asked == ["localhost"] and len(peer.keys) == 1
        with pytest.raises(NotSent, match="SSL"):  # no authority vouches for it now
            webhook.send(_to(f"https://localhost:{port}/hook"), plain=False, allowed=("localhost",))
        assert len(peer.keys) == 1


def test_a_redirect_is_not_followed():
    with peers.gateway() as peer:
        peer.manner = ["moved"]
        with pytest.raises(NotSent, match="302"):
            webhook.send(_to(peer.url), plain=True, allowed=("127.0.0.1",))
        assert len(peer.headers) == 1


def test_a_body_that_is_too_long_is_not_sent():
    with peers.gateway() as peer, pytest.raises(Undeliverable):
        webhook.send(OutgoingMessage("k", peer.url, "", "x" * 9_000, secret=SECRET), plain=True, allowed=("127.0.0.1",))


def test_what_is_sent_is_signed_with_its_time_and_nothing_else_passes_for_it():
    with peers.gateway() as peer:
        webhook.send(_to(peer.url), plain=True, allowed=("127.0.0.1",))
        (headers,), (body,) = peer.headers, peer.bodies
    stamp, said = headers["X-Ruku-Timestamp"], headers["X-Ruku-Signature"]
    assert headers["Idempotency-Key"] == MESSAGE.key and SECRET not in str(headers)
    assert webhook.is_signed(SECRET, stamp, body, said)
    old = str(int(time.time()) - 301)
    for secret, at, content, signature in (
        (SECRET + "x", stamp, body, said), (SECRET, str(int(stamp) + 1), body, said), (SECRET, stamp, body + b" ", said), (SECRET, stamp, body, said[:-1]),
        (SECRET, stamp, body, ""), (SECRET, "", body, said), (SECRET, "１", body, said), (SECRET, old, body, webhook.signature(SECRET, old, body)), (SECRET, stamp, body, "签"),
    ):  # fmt: skip
        assert not webhook.is_signed(secret, at, content, signature)


def test_a_token_names_one_sending_and_nobody_makes_one_up(session):
    token = tokens.token("delivery", 123, None)
    assert tokens.read(token) == ("delivery", 123, 0) and tokens.read(token.upper()) == ("delivery", 123, 0)  # mail servers may change case
    assert tokens.read(tokens.token("register_letter", 5, 7)) == ("register_letter", 5, 7)
    for forged in (token[:-1], token[:-1] + ("0" if token[-1] != "0" else "1"), token.replace("d123", "d124"), token.replace("-0-", "-1-"), "r" + token[1:], "", token + "\n"):
        assert tokens.read(forged) is None


def test_a_report_survives_as_one_whole_number():
    for report in (Report(1, 0, (2, 0, 0)), Report(2**31 - 1, 999, (5, 15, 1023)), Report(77, 3, (4, 4, 7))):
        assert Report.unpacked(report.packed()) == report and report.packed() < 2**63
    with pytest.raises(ValueError):
        Report(1, 0, (3, 0, 0))
