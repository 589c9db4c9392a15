"""What every channel does, whatever is at its other end: one contract, asked of each file that declares one."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import config
import console.post
from console.post import channels, mail, registry, sms, webhook
from console.post.channels import NotSent, OutgoingMessage, Undeliverable
from tests.console.post import peers
from tests.console.post.peers import Peer

MESSAGE = OutgoingMessage("d7-0-abcdef", "13755550001", "补正通知", "请改好三处。\n")


@dataclass(frozen=True)
class Way:
    """A channel, whose it is, and how its other end is brought up."""

    name: str
    setting: str
    server: object
    to: str  # empty: where the peer is
    scheme: str = "http"


WAYS = {way.name: way for way in (
    Way("mail", "mail_url", peers.mail_server, "gaowa@example.cn", scheme="smtp"),
    Way("sms", "sms_url", peers.gateway, "13755550001"),
    Way("webhook", "", peers.gateway, ""),
)}  # fmt: skip
CARRYING = [name for name, channel in registry.channels().items() if channel.open is not None]


@pytest.fixture(params=CARRYING)
def way(request, settings, monkeypatch) -> Iterator[tuple[Way, Peer]]:
    found = WAYS[request.param]
    for module in (mail, sms, webhook):
        monkeypatch.setattr(module, "TIMEOUT", 0.3)
    with found.server() as peer:
        channels.configure(replace(settings, webhook_private=("127.0.0.1",), **({found.setting: peer.url} if found.setting else {})))
        yield replace(found, to=found.to or peer.url), peer
    channels.configure(settings)


@contextmanager
def sending(way: Way) -> Iterator:
    with registry.Lines() as lines:
        yield lambda **changed: lines.line(way.name)(replace(MESSAGE, **{"to": way.to, **changed}))


def test_every_file_with_a_channel_is_found_and_has_its_other_end_here():
    declaring = [name for _, name, _ in pkgutil.iter_modules(console.post.__path__) if hasattr(importlib.import_module(f"console.post.{name}"), "CHANNEL")]
    assert sorted(declaring) == list(registry.channels()) and sorted(WAYS) == CARRYING
    known = {name for name, _, _ in config.variables()}
    for channel in registry.channels().values():
        assert set(channel.settings) <= known and channel.title
        assert (channel.open is None) == (channel.address is None)


def test_what_is_taken_is_sent_whole_and_two_in_a_row_go_the_same_way(way):
    found, peer = way
    with sending(found) as send:
        send(key="a")
        send(key="b")
    assert len(set(peer.keys)) == 2 and len(peer.bodies) == 2


def test_the_same_message_tried_twice_has_the_same_key_and_both_tries_are_good_news(way):
    found, peer = way
    with sending(found) as send:
        send()
        send()
    assert len(set(peer.keys)) == 1


@pytest.mark.parametrize("manner", ["later", "silent", "gone", "nonsense", "endless"])
def test_what_may_go_better_is_tried_again_in_time_and_says_no_address(way, manner):
    found, peer = way
    peer.manner, since = [manner], time.monotonic()
    with pytest.raises(NotSent) as error, sending(found) as send:
        send()
    assert found.to not in str(error.value) + repr(error.value) + repr(replace(MESSAGE, to=found.to))
    assert peers.took(3, since)


def test_what_will_not_go_better_is_for_a_person(way):
    found, peer = way
    peer.manner = ["refused"]
    with pytest.raises(Undeliverable) as error, sending(found) as send:
        send()
    assert found.to not in str(error.value) and peer.keys == []


def test_a_message_that_fails_does_not_hold_the_next_one(way):
    found, peer = way
    peer.manner = ["gone", "refused", "later"]
    with sending(found) as send:
        for _ in range(3):
            with pytest.raises((NotSent, Undeliverable)):
                send(key="bad")
        send(key="good")
    assert len(peer.keys) == 2  # the one whose answer was lost, and the good one


def test_nobody_there_is_tried_again(settings, way, monkeypatch):
    found, _ = way
    nowhere = f"{found.scheme}://127.0.0.1:1"
    channels.configure(replace(settings, webhook_private=("127.0.0.1",), **({found.setting: nowhere} if found.setting else {})))
    with pytest.raises(NotSent), sending(found) as send:
        send(**({} if found.setting else {"to": nowhere}))


def test_a_folder_stands_in_for_the_server_and_keeps_a_message_once(settings, tmp_path: Path):
    channels.configure(replace(settings, mail_url=f"folder:{tmp_path}", sms_url=f"folder:{tmp_path}"))
    for _ in range(2):
        with registry.Lines() as lines:
            lines.line("mail")(replace(MESSAGE, to="gaowa@example.cn"))
            lines.line("sms")(MESSAGE)
    channels.configure(settings)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".eml", ".txt"]
