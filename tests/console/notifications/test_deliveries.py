"""Letters leave the house: by folder, by real SMTP, by a real HTTP gateway that behaves well and badly."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import json
import logging
import socket
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select, text

from console import clock as console_clock
from console import db
from console.notifications import jobs, queries, services
from console.notifications.facts import Occasion
from console.notifications.letters import write
from console.notifications.models import Delivery, Letter
from console.outbox import OutboxMessage
from console.post import channels, mail, sms, trying
from console.post.channels import NotSent, OutgoingMessage, Undeliverable
from console.scope import Public, System, become
from tests.factories import make_admission, make_applicant

MESSAGE = OutgoingMessage("refused:1:2:mail", "gaowa@example.cn", "关于您申报的\r\nBcc: other@example.cn", "第一行\n第二行\n")


@pytest.fixture
def settings_with(settings, tmp_path) -> Iterator:
    """`settings_with(sms_url=…)`: this process's channels for the length of the test; folders unless said otherwise."""

    def use(**changed):
        folders = {"mail_url": f"folder:{tmp_path / 'mail'}", "sms_url": f"folder:{tmp_path / 'sms'}"}
        channels.configure(replace(settings, **{**folders, **changed}))

    use()
    yield use
    channels.configure(settings)


def _letter(session, **applicant) -> list[int]:
    """The ids of the deliveries of one fresh letter: mail, then sms."""
    admission = make_admission(session, applicant=make_applicant(session, **applicant))
    write(session, [Occasion("withdrawn", admission, f"withdrawn:{admission.id}:1", admission.office_id)])
    return list(session.scalars(select(Delivery.id).where(Delivery.admission_id == admission.id).order_by(Delivery.channel)))


# ── SMTP ──


@dataclass
class Postbox:
    """What the mail server got, and what it answers."""

    answers: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.mails.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("nobody"):
            return f"550 no mailbox {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def postbox() -> Iterator[tuple[str, Postbox]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield f"smtp://127.0.0.1:{port}", box
    server.stop()


def test_mail_arrives_by_smtp_with_a_subject_that_cannot_become_a_header(postbox):
    url, box = postbox

    mail.send(MESSAGE, url=url, sender="入库 <no-reply@ruku.example>")
    mail.send(MESSAGE, url=url, sender="入库 <no-reply@ruku.example>")

    first, second = (email.message_from_bytes(raw, policy=email.policy.default) for raw in box.mails)
    assert box.recipients == [["gaowa@example.cn"]] * 2
    assert (first["to"], first["bcc"], first["subject"]) == ("gaowa@example.cn", None, "关于您申报的 Bcc: other@example.cn")
    assert first.get_content().splitlines() == ["第一行", "第二行"]
    assert first["message-id"] == second["message-id"]  # the same letter tried twice


def test_mail_server_that_cannot_now_is_asked_later_and_one_that_will_not_is_not(postbox):
    url, box = postbox
    box.answers = ["451 try later", "554 no"]

    with pytest.raises(NotSent, match="451"):
        mail.send(MESSAGE, url=url, sender="no-reply@ruku.example")
    with pytest.raises(Undeliverable, match="554"):
        mail.send(MESSAGE, url=url, sender="no-reply@ruku.example")
    with pytest.raises(Undeliverable, match="550") as error:
        mail.send(replace(MESSAGE, to="nobody@example.cn"), url=url, sender="no-reply@ruku.example")
    assert "nobody" not in str(error.value)
    assert box.mails == []


def test_mail_server_that_is_not_there_is_asked_later():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent):
            mail.send(MESSAGE, url=f"smtp://127.0.0.1:{taken.getsockname()[1]}", sender="no-reply@ruku.example")


def test_mail_address_that_is_none_is_for_a_human(tmp_path):
    for address in ("", "a b@c d", "x@y\nBcc: z@example.cn"):
        with pytest.raises(Undeliverable):
            mail.send(replace(MESSAGE, to=address), url=f"folder:{tmp_path}", sender="no-reply@ruku.example")
    assert list(tmp_path.iterdir()) == []


def test_folder_keeps_one_file_for_a_letter_tried_twice_and_only_for_its_user(tmp_path):
    folder = tmp_path / "mail"

    for _ in range(2):
        mail.send(MESSAGE, url=f"folder:{folder}", sender="no-reply@ruku.example")

    (file,) = folder.iterdir()
    assert file.suffix == ".eml" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert email.message_from_bytes(file.read_bytes(), policy=email.policy.default).get_content() == MESSAGE.text


# ── the gateway ──


@dataclass
class Gateway:
    """A gateway that honours keys; `answers` are the codes it gives first (0: it sends and then says nothing in time)."""

    answers: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    url: str = ""


@pytest.fixture
def gateway(monkeypatch) -> Iterator[Gateway]:
    monkeypatch.setattr(sms, "TIMEOUT", 0.4)
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append((dict(self.headers), body))
            code = state.answers.pop(0) if state.answers else 200
            key = self.headers["Idempotency-Key"]
            if code in (0, 200):
                if key in state.sent and code == 200:
                    code = 409
                state.sent[key] = body
            if code == 0:
                time.sleep(1)  # the other side's silence, not ours
                return
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://user:p%40ss@127.0.0.1:{server.server_port}/send"
    yield state
    server.shutdown()
    server.server_close()


def test_gateway_gets_the_message_its_key_and_our_name(gateway):
    sms.send(OutgoingMessage("k1", "13900000001", "", "您好"), url=gateway.url)

    ((headers, body),) = gateway.requests
    assert body == {"to": "13900000001", "text": "您好"}
    assert headers["Idempotency-Key"] == "k1"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"user:p@ss"


@pytest.mark.parametrize("code", [500, 503, 429, 401, 302])
def test_gateway_that_cannot_now_is_asked_later(gateway, code):
    gateway.answers = [code]
    with pytest.raises(NotSent, match=str(code)):
        sms.send(OutgoingMessage("k", "13900000001", "", "您好"), url=gateway.url)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("code", [400, 422])
def test_gateway_that_refuses_the_message_is_for_a_human(gateway, code):
    gateway.answers = [code]
    with pytest.raises(Undeliverable, match=str(code)) as error:
        sms.send(OutgoingMessage("k", "13900000001", "", "您好"), url=gateway.url)
    assert "139" not in str(error.value)


def test_answer_that_was_lost_leads_to_one_message_and_a_duplicate_answer_is_good_news(session, settings_with, gateway, clock):
    settings_with(sms_url=gateway.url)
    _, sms_id = _letter(session)
    gateway.answers = [0]

    assert jobs.deliver([sms_id]) == 1
    delivery = session.get_one(Delivery, sms_id)
    assert (delivery.sent_at, delivery.attempts, delivery.gave_up_at) == (None, 1, None)
    clock.advance(minutes=2)
    assert jobs.deliver([sms_id]) == 1

    delivery = session.get_one(Delivery, sms_id)
    assert delivery.sent_at is not None and delivery.last_error is None
    assert len(gateway.requests) == 2 and len(gateway.sent) == 1


# ── deliveries ──


def test_letter_is_carried_once_on_each_channel_in_its_readers_language(session, settings_with, tmp_path):
    ids = _letter(session, email="gaowa@example.cn", phone="13911110000", language="en")

    assert jobs.deliver(ids) == 2
    assert jobs.deliver(ids) == 0

    (eml,), (txt,) = (tmp_path / "mail").iterdir(), (tmp_path / "sms").iterdir()
    arrived = email.message_from_bytes(eml.read_bytes(), policy=email.policy.default)
    assert arrived["to"] == "gaowa@example.cn" and arrived.get_content().startswith("Dear 高娃")
    assert txt.read_text().endswith("→ 13911110000\n")
    rows = session.scalars(select(Delivery).where(Delivery.id.in_(ids))).all()
    assert [(row.attempts, row.sent_at is not None, row.last_error) for row in rows] == [(1, True, None)] * 2


def test_failures_wait_longer_each_time_and_then_for_a_human(session, settings_with, gateway, clock):
    settings_with(sms_url=gateway.url)
    _, sms_id = _letter(session)
    gateway.answers = [503] * 20
    waits = []
    for _ in range(trying.GIVE_UP_AFTER):
        before = console_clock.now(session)
        assert jobs.deliver([sms_id]) == 1
        row = session.get_one(Delivery, sms_id)
        if row.gave_up_at is None:
            waits.append((row.due_at - before) // dt.timedelta(minutes=1))
            assert jobs.deliver([sms_id]) == 0  # not due yet
            clock.set(session.get_one(Delivery, sms_id).due_at)

    assert waits == [1, 2, 4, 8, 16, 32, 64]
    assert [row.id for row in queries.given_up(session)] == [sms_id]
    assert "503" in session.get_one(Delivery, sms_id).last_error
    assert jobs.deliver([sms_id]) == 0


def test_reader_without_an_address_any_more_is_for_a_human(session, settings_with):
    applicant = make_applicant(session)
    admission = make_admission(session, applicant=applicant)
    write(session, [Occasion("withdrawn", admission, "k", admission.office_id)])
    applicant.email = None
    session.flush()
    mail_id = session.scalars(select(Delivery.id).where(Delivery.channel == "mail")).one()

    jobs.deliver([mail_id])

    row = session.get_one(Delivery, mail_id)
    assert row.gave_up_at is not None and "邮箱" in row.last_error


def test_no_address_is_written_anywhere_but_in_the_applicants_row(session, settings_with, gateway, caplog):
    settings_with(sms_url=gateway.url, mail_url="smtp://127.0.0.1:1")
    gateway.answers = [503]
    with caplog.at_level(logging.DEBUG):
        ids = _letter(session, email="geheim-1@example.cn", phone="13755550001")
        jobs.deliver(ids)
    assert gateway.requests[0][1]["to"] == "13755550001"  # it was there to leak

    names = session.scalars(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN"
             " ('letter', 'delivery', 'outbox', 'audit_entry', 'job_run', 'applicant', 'staff_message')")
    ).all()  # fmt: skip
    assert len(names) == 7
    written = " ".join(
        session.scalar(text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t")) for name in names
    )
    assert not any(secret in written + caplog.text for secret in ("geheim-1", "13755550001"))


def test_two_workers_never_carry_the_same_delivery_at_once(committed_db, settings_with, gateway, monkeypatch):
    settings_with(sms_url=gateway.url)
    monkeypatch.setattr(sms, "TIMEOUT", 5)
    with committed_db.as_worker(), db.transaction() as session:
        _, sms_id = _letter(session)
    gateway.answers = [0]
    tried: list[int] = []
    with committed_db.as_worker():
        threads = [threading.Thread(target=lambda: tried.append(jobs.deliver([sms_id]))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert (sorted(tried), len(gateway.requests)) == ([0, 1], 1)


# ── codes ──


def _code_sent(folder: Path) -> str:
    (file,) = folder.iterdir()
    return file.read_text()


def test_code_reaches_the_phone_and_no_table(session, settings_with, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG), become(System("sign_in")):
        services.send_code("13988887777", "407193")

    assert "407193" in _code_sent(tmp_path / "sms")
    assert session.scalar(select(func.count(Letter.id))) == session.scalar(select(func.count(OutboxMessage.id))) == 0
    assert "407193" not in caplog.text and "13988887777" not in caplog.text


def test_code_that_no_gateway_takes_is_given_up_without_saying_it(session, settings_with, gateway, caplog):
    settings_with(sms_url=gateway.url)
    gateway.answers = [503, 503]

    with become(Public()):
        services.send_code("13988887777", "407193")
    for thread in threading.enumerate():
        if thread.name == "sign-in code":
            thread.join(10)

    assert [body["to"] for _, body in gateway.requests] == ["13988887777"] * 2
    assert len({headers["Idempotency-Key"] for headers, _ in gateway.requests}) == 1
    assert "503" in caplog.text and "407193" not in caplog.text and "13988887777" not in caplog.text
