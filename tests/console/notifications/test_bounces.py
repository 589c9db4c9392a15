"""What comes back: refused at once, returned later as a mail, reported by the gateway; and what only looks like it."""

from __future__ import annotations

import email
import email.policy
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from console import clock as console_clock
from console import db, relay
from console.applications.models import Applicant
from console.notifications import contact, jobs, preferences
from console.notifications.facts import Occasion
from console.notifications.kinds import CHANNELS, KINDS, muting
from console.notifications.letters import write
from console.notifications.models import BounceBox, Delivery
from console.outbox import OutboxMessage
from console.post import bounces, channels, tokens, webhook
from console.post.reports import Report
from console.scope import Applicant as Citizen
from console.scope import become
from tests.console.post import peers
from tests.factories import make_admission, make_applicant

ALL = {muting(kind, channel) for kind in KINDS for channel in CHANNELS}
SECRET = "status-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def box(settings, tmp_path) -> Iterator[Path]:
    """A Maildir that is read, and folders for what goes out."""
    (tmp_path / "back" / "new").mkdir(parents=True)
    channels.configure(
        replace(settings, mail_url=f"folder:{tmp_path / 'mail'}", sms_url=f"folder:{tmp_path / 'sms'}", bounces_url=f"folder:{tmp_path / 'back'}", bounces_to="bounces@ruku.example")
    )
    yield tmp_path / "back"
    channels.configure(settings)


def _letter(session, event: str = "withdrawn", **applicant) -> tuple[Applicant, dict[str, int]]:
    person = make_applicant(session, **applicant)
    admission = make_admission(session, applicant=person)
    write(session, [Occasion(event, admission, f"{event}:{admission.id}:1", admission.office_id)])
    rows = session.scalars(select(Delivery).where(Delivery.admission_id == admission.id).order_by(Delivery.channel))
    return person, {row.channel: row.id for row in rows}


def returned(to: str = "bounces@ruku.example", *, status: str = "5.1.1", action: str = "failed", original: str | bytes = "") -> bytes:
    """A mail as a mail server writes it when it gives up (RFC 3464)."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "MAILER-DAEMON@mx.example.cn", to, "Undelivered Mail Returned to Sender"
    mail.set_content("I'm sorry to have to inform you.\n")
    mail.make_mixed()
    mail.set_type("multipart/report")
    mail.set_param("report-type", "delivery-status")
    report = email.message_from_string(
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.cn\n\nFinal-Recipient: rfc822; gaowa@example.cn\nAction: {action}\nStatus: {status}\n\n"
    )
    mail.attach(report)
    if original:
        part = EmailMessage()
        part["Content-Type"] = "text/rfc822-headers"
        part.set_payload(original if isinstance(original, str) else original.decode())
        mail.attach(part)
    return mail.as_bytes()


def put(box: Path, content: bytes) -> Path:
    path = box / "new" / f"{time.time_ns()}.{uuid4().hex}.mx"
    path.write_bytes(content)
    return path


def _reported(session) -> None:
    """The relay's part: read the folder, and give what was published to its job."""
    session.execute(update(BounceBox).values(due_at=console_clock.now(session)))
    jobs.read_bounces([session.scalars(select(BounceBox.id)).one()])
    for message in session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "delivery.reported", OutboxMessage.done_at.is_(None))).all():
        jobs.take_reports(list(message.ids))
        message.done_at = console_clock.now(session)
    session.flush()


def _state(session, delivery_id: int) -> str:
    session.expire_all()
    return session.get_one(Delivery, delivery_id).state


# ── mails that come back ──


def test_what_came_back_is_matched_by_its_key_and_the_letter_goes_by_short_message(session, box):
    """Its reader wanted no short messages for what must be told: the mail does not arrive, so it is told all the same."""
    person, ids = _letter(session, email="gaowa@example.cn")
    me = Citizen(person.id)
    with become(me):
        preferences.choose(session, wanted=ALL - {"act:sms"}, quiet_from="", quiet_until="", actor=me)
    _, ids = _letter_again(session, person, "refused")
    jobs.deliver([ids["mail"]])
    assert set(ids) == {"mail"} and _state(session, ids["mail"]) == "sent"

    path = put(box, returned(f"bounces+{tokens.token('delivery', ids['mail'])}@ruku.example"))
    _reported(session)

    row = session.get_one(Delivery, ids["mail"])
    assert (row.state, row.last_error) == ("bounced", "被退回，代码 5.1.1") and not path.exists()
    assert session.get_one(Applicant, person.id).email_failed_at is not None
    told = session.scalars(select(Delivery).where(Delivery.letter_id == row.letter_id, Delivery.channel == "sms")).one()
    assert jobs.deliver([told.id]) == 1 and _state(session, told.id) == "sent"
    assert set(_letter_again(session, person, "submitted")[1]) == {"sms"}  # the next letters do not try the address


def _letter_again(session, person, event):
    admission = make_admission(session, applicant=person)
    write(session, [Occasion(event, admission, f"{event}:{admission.id}:1", admission.office_id)])
    rows = session.scalars(select(Delivery).where(Delivery.admission_id == admission.id))
    return admission, {row.channel: row.id for row in rows}


@pytest.mark.parametrize("how", ["Message-ID of what was sent", "Return-Path of what was sent", "X-Original-To"])
def test_what_came_back_is_matched_wherever_the_server_put_the_key(session, box, how):
    _, ids = _letter(session)
    jobs.deliver([ids["mail"]])
    (sent,) = (box.parent / "mail").iterdir()
    message_id = email.message_from_bytes(sent.read_bytes(), policy=email.policy.default)["message-id"]
    token = tokens.token("delivery", ids["mail"])
    assert token in message_id
    if how.startswith("Message-ID"):
        content = returned(original=f"From: a@b.cn\nMessage-ID: {message_id}\nSubject: x\n")
    elif how.startswith("Return-Path"):
        content = returned(original=f"Return-Path: <bounces+{token.upper()}@ruku.example>\n")
    else:
        content = f"X-Original-To: bounces+{token}@ruku.example\n".encode() + returned()
    put(box, content)
    _reported(session)
    assert _state(session, ids["mail"]) == "bounced"


@pytest.mark.parametrize(("status", "bad"), [("5.1.1", True), ("5.1.2", True), ("5.2.1", True), ("5.2.2", False), ("4.4.7", False), ("5.7.1", False), ("5.0.0", False), ("nonsense", False)])
def test_only_an_address_that_does_not_exist_is_held_against_it(session, box, status, bad):
    person, ids = _letter(session)
    jobs.deliver([ids["mail"]])
    put(box, returned(f"bounces+{tokens.token('delivery', ids['mail'])}@ruku.example", status=status))
    _reported(session)
    assert _state(session, ids["mail"]) == "bounced"
    assert (session.get_one(Applicant, person.id).email_failed_at is not None) == bad


def test_what_is_forged_late_or_says_nothing_changes_nothing_and_waits_for_a_person(session, box):
    person, ids = _letter(session)
    jobs.deliver([ids["mail"]])
    good = tokens.token("delivery", ids["mail"])
    other = tokens.token("delivery", 999_999)
    forged = good[:-1] + ("0" if good[-1] != "0" else "1")
    put(box, returned(f"bounces+{forged}@ruku.example"))
    put(box, returned(f"bounces+d{ids['mail']}-0-00000000000000000000@ruku.example"))
    put(box, returned(f"bounces+{good}@ruku.example", action="delayed"))  # it is still being tried
    put(box, f"From: gaowa@example.cn\nTo: bounces+{good}@ruku.example\nSubject: Re: 收到\n\n谢谢\n".encode())  # a person answered
    put(box, b"\xff\xfe\x00 no mail at all")
    put(box, b"")
    put(box, b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 2_000)
    unknown = len(list((box / "new").iterdir()))
    put(box, returned(f"bounces+{tokens.token('delivery', ids['mail'], 1)}@ruku.example"))  # of a sending that never was
    put(box, returned(f"bounces+{other}@ruku.example"))  # of a delivery that is no more
    _reported(session)

    assert _state(session, ids["mail"]) == "sent" and session.get_one(Applicant, person.id).email_failed_at is None
    row = session.scalars(select(BounceBox)).one()
    assert (row.known, row.unknown) == (2, unknown)
    assert len(list((box / "cur").iterdir())) == unknown and list((box / "new").iterdir()) == []


@given(st.binary(max_size=400), st.sampled_from(["", "Content-Type: message/delivery-status\n\n", "Content-Type: multipart/report; boundary=b\n\n--b\n"]))
def test_no_mail_whatever_is_in_it_is_more_than_not_understood(tmp_path_factory, content, head):
    path = tmp_path_factory.mktemp("m") / "x"
    path.write_bytes(head.encode() + content)
    assert bounces.read(path) is None


def test_a_mail_read_twice_counts_once_and_an_address_corrected_meanwhile_stands(session, box, clock):
    person, ids = _letter(session, email="old@example.cn")
    jobs.deliver([ids["mail"]])
    clock.advance(minutes=5)
    me = Citizen(person.id)
    with become(me):
        code: list[str] = []
        contact.ask(session, "email", "new@example.cn", send=lambda _to, sent: code.append(sent), actor=me)
        contact.confirm(session, "email", "new@example.cn", code[0], actor=me)
    report = Report(ids["mail"], 0, (5, 1, 1)).packed()
    clock.advance(minutes=5)
    for _ in range(2):
        jobs.take_reports([report])
    session.expire_all()
    assert session.get_one(Applicant, person.id).email_failed_at is None
    count = select(func.count(Delivery.id)).where(Delivery.applicant_id == person.id)
    assert session.get_one(Delivery, ids["mail"]).state == "bounced" and session.scalar(count) == 2


def test_a_folder_that_is_not_there_or_not_named_is_no_trouble(session, settings, box):
    channels.configure(replace(settings, bounces_url=f"folder:{box / 'nowhere'}", bounces_to="bounces@ruku.example"))
    _reported(session)
    channels.configure(replace(settings, bounces_url=""))
    _reported(session)
    assert session.scalars(select(BounceBox.unknown)).one() == 0


# ── refused at once ──


def test_an_address_refused_at_once_is_remembered_and_told_by_short_message(session, settings, box):
    with peers.mail_server() as peer:
        channels.configure(replace(channels.settings(), mail_url=peer.url))
        person, ids = _letter(session, email="gaowa@example.cn")
        peer.manner = ["no_such_address"]
        jobs.deliver([ids["mail"]])
        assert _state(session, ids["mail"]) == "given_up"
        assert session.get_one(Applicant, person.id).email_failed_at is not None
        other, ids = _letter(session, email="full@example.cn")
        peer.manner = ["mailbox_full"]
        jobs.deliver([ids["mail"]])
        assert session.get_one(Applicant, other.id).email_failed_at is None
        _, ids = _letter(session, email="baatar@example.cn")
        jobs.deliver([ids["mail"]])
        assert peer.senders == [f"bounces+{tokens.token('delivery', ids['mail'])}@ruku.example"]  # so that it can come back


# ── what the gateway says ──


def _post(client, body: object, *, secret: str = SECRET, stamp: str | None = None):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = stamp if stamp is not None else str(int(time.time()))
    headers = {"X-Ruku-Timestamp": stamp, "X-Ruku-Signature": webhook.signature(secret, stamp, content)}
    return client.post("/messages/status", data=content, headers=headers, content_type="application/json").status_code


def test_gateway_reports_by_key_and_only_when_it_signs(committed_db, portal_app, monkeypatch):
    with committed_db.as_worker(), db.transaction() as session:
        _, first = _letter(session)
        _, second = _letter(session)
        jobs_ids = [first["sms"], second["sms"]]
    with committed_db.as_worker():
        jobs.deliver(jobs_ids)
    keys = [tokens.token("delivery", one) for one in jobs_ids]
    told = {"messages": [{"key": keys[0], "status": "delivered"}, {"key": keys[1], "status": "no_such_number"}, {"key": keys[0][:-1] + "z", "status": "failed"}]}
    client = portal_app.test_client()
    assert _post(client, told) == 400  # no secret is set: nothing is taken
    monkeypatch.setitem(portal_app.config, "RUKU", replace(committed_db.settings, sms_status_secret=SECRET))

    for wrong in (
        {"secret": SECRET + "x"}, {"stamp": "1"}, {"stamp": ""}, {"body": b"{"}, {"body": b"[]"}, {"body": {"messages": [{"key": keys[0]}]}}, {"body": {"messages": 3}},
        {"body": {"messages": [{"key": keys[0], "status": "read"}]}}, {"body": {"messages": [{"key": keys[0], "status": "failed"}] * 201}}, {"body": b"x" * 70_000},
    ):  # fmt: skip
        assert _post(client, **{"body": told, **wrong}) == 400
    assert client.post("/messages/status", data=b"{}").status_code == 400
    assert client.get("/messages/status").status_code == 405

    assert _post(client, told) == 204 and _post(client, told) == 204
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            assert [session.get_one(Delivery, one).state for one in jobs_ids] == ["arrived", "bounced"]
    contrary = {"messages": [{"key": keys[0], "status": "failed"}, {"key": keys[1], "status": "delivered"}]}
    assert _post(client, contrary) == 204  # it lies now, or lied then: the first word holds
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            assert [session.get_one(Delivery, one).state for one in jobs_ids] == ["arrived", "bounced"]
