"""Mail by a real SMTP server: one connection for a batch, TLS, signing in, what servers refuse, and what cannot become a header."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import pytest

from console.post import mail
from console.post.channels import NoSuchAddress, NotSent, OutgoingMessage, Undeliverable
from tests.console.post import peers

MESSAGE = OutgoingMessage("d7-0-abcdef", "gaowa@example.cn", "关于您申报的补正通知", "第一行\n第二行\n")
SENDER = "评标专家库 <no-reply@ruku.example>"


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A server's TLS context whose authority this process trusts."""
    context, authority = peers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return context


def _send(peer, **changed) -> None:
    mail.send(replace(MESSAGE, **changed), url=peer.url, sender=SENDER)


def test_a_batch_goes_over_one_connection_also_past_a_refusal():
    with peers.mail_server() as peer:
        line = mail.Line(peer.url, SENDER)
        peer.manner = ["ok", "ok", "no_such_address", "later", "ok"]
        for number in range(6):
            try:
                line.send(replace(MESSAGE, key=f"k{number}"))
            except (NotSent, Undeliverable):
                assert number in (2, 3)
        line.close()
        assert (len(peer.keys), len(peer.connections)) == (4, 1)


def test_a_server_that_hangs_up_between_letters_gets_a_new_connection_and_each_letter_once():
    with peers.mail_server() as peer:
        line = mail.Line(peer.url, SENDER)
        peer.manner = ["hang_up", "ok", "hang_up", "ok"]
        for number in range(4):
            line.send(replace(MESSAGE, key=f"k{number}"))
            if number in (0, 2):
                assert line.server is not None
                line.server.sock.settimeout(5)
                assert line.server.sock.recv(100) == b""  # it has hung up
        line.close()
        assert (len(peer.keys), len(set(peer.keys)), len(peer.connections)) == (4, 4, 3)


def test_a_connection_lost_after_the_letter_is_told_as_not_sent_and_the_next_try_is_known_by_its_id():
    with peers.mail_server() as peer:
        peer.manner = ["gone"]
        with pytest.raises(NotSent, match="Disconnected"):
            _send(peer)
        _send(peer)
        assert (len(peer.keys), len(set(peer.keys))) == (2, 1)


def test_password_goes_only_over_starttls_that_an_authority_vouches_for(trusted, monkeypatch, tmp_path):
    with peers.mail_server(starttls=trusted, auth=True) as peer:
        _send(peer)
        assert (peer.users, len(peer.keys)) == (["ruku"], 1)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
        (tmp_path / "nobody.pem").write_text("")
        with pytest.raises(NotSent, match="SSL"):
            _send(peer)
        assert peer.users == ["ruku"]


def test_smtps_and_signing_in_are_spoken_too(trusted):
    with peers.mail_server(smtps=trusted, auth=True) as peer:
        _send(peer)
        peer.url = peer.url.replace("p%40ss", "wrong")
        with pytest.raises(NotSent, match="535"):  # ours to mend: the letter waits
            _send(peer)
        assert len(peer.keys) == 1


@pytest.mark.parametrize(("manner", "kind"), [("no_such_address", NoSuchAddress), ("mailbox_full", Undeliverable), ("refused", Undeliverable)])
def test_a_refusal_says_whether_the_address_is_at_fault(manner, kind):
    with peers.mail_server() as peer:
        peer.manner = [manner]
        with pytest.raises(Undeliverable) as error:
            _send(peer)
        assert type(error.value) is kind and "gaowa" not in str(error.value)


def test_nothing_in_a_letter_becomes_a_header_and_chinese_and_long_lines_arrive():
    subject = "关于您申报的\r\nBcc: other@example.cn\r\n\r\n<script>" + "补正" * 80
    text = "长" * 4_000 + "\n.\n" + "x" * 3_000 + "\n" + "末行\n"
    with peers.mail_server() as peer:
        _send(peer, subject=subject, text=text)
        raw = peer.bodies[0]
        arrived = email.message_from_bytes(raw, policy=email.policy.default)
        assert max(map(len, raw.splitlines())) <= 998
        assert (arrived["bcc"], peer.recipients) == (None, [["gaowa@example.cn"]])
        assert arrived["subject"] == " ".join(subject.split())
        assert arrived["from"].addresses[0].display_name == "评标专家库"
        assert arrived.get_content().splitlines() == text.splitlines()
        assert arrived["list-unsubscribe"] is None and arrived["auto-submitted"] == "auto-generated"


@pytest.mark.parametrize("address", ["", "a b@c d", "x@y\nBcc: z@example.cn", "a@b.cn, c@d.cn", "<>", "@", "x@", "高娃@例子.中国"])
def test_an_address_that_is_none_is_for_a_person(address):
    with peers.mail_server() as peer:
        with pytest.raises(Undeliverable):
            _send(peer, to=address)
        assert peer.keys == []
