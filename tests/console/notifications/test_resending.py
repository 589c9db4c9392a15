"""A letter that did not arrive is sent once more by whoever may, with a reason; what arrived or waits is left alone, and nothing goes twice under one key."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from console import clock as console_clock
from console import db, relay
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed
from console.notifications import jobs, resending
from console.notifications.facts import Occasion
from console.notifications.letters import write
from console.notifications.models import Delivery
from console.outbox import OutboxMessage
from console.post import channels, trying
from console.post.channels import NotSent, OutgoingMessage, Undeliverable
from console.post.reports import Report, note
from console.registers import letters as register_letters
from console.registers.models import RegisterLetter
from console.roles import Role
from console.scope import Applicant, System, become
from rules.quiet_hours import QuietHours
from tests.console.post import peers
from tests.factories import make_admission, make_applicant, make_staff
from tests.officers import officer, token


@pytest.fixture
def gateway(settings):
    """A gateway that honours keys, at the other end of this process's short messages."""
    with peers.gateway() as peer:
        channels.configure(replace(settings, sms_url=peer.url))
        yield peer
        channels.configure(settings)


def _given_up(session, peer, *, manner: str = "refused") -> Delivery:
    applicant = make_applicant(session, email=None)
    admission = make_admission(session, applicant=applicant)
    write(session, [Occasion("withdrawn", admission, f"withdrawn:{admission.id}:1", admission.office_id)])
    sms_id = session.scalars(select(Delivery.id).where(Delivery.admission_id == admission.id)).one()
    peer.manner = [manner]
    jobs.deliver([sms_id])
    return session.get_one(Delivery, sms_id)


def _asked(session) -> list[int]:
    ids: list[int] = []
    for message in session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "delivery.retry_asked")):
        ids += message.ids
    return ids


def test_officer_of_the_office_has_it_sent_again_with_a_reason_on_record(session, gateway):
    row = _given_up(session, gateway)
    assert row.state == "given_up"
    coordinator = make_staff(session, Role.COORDINATOR)

    assert resending.resend(session, [row], reason=" 号码\n已更正 ", actor=coordinator) == 1
    jobs.try_again(_asked(session))
    session.expire_all()
    jobs.deliver([row.id])

    session.expire_all()
    assert session.get_one(Delivery, row.id).state == "sent" and len(gateway.keys) == 1
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "delivery.retry_asked")).one()
    assert (entry.subject, entry.facts["reason"]) == (f"delivery:{row.id}", "号码 已更正")


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.RULE_EDITOR, Role.DEPARTMENT_ADMIN, Role.PLATFORM_ADMIN, Role.OPERATOR])
def test_who_may_only_look_and_who_decides_nothing_may_not(session, gateway, role):
    row = _given_up(session, gateway)
    with pytest.raises(NotAllowed):
        resending.resend(session, [row], reason="试", actor=make_staff(session, role))
    for other in (make_staff(session, Role.COORDINATOR, department_code="water"), make_staff(session, Role.COORDINATOR, division="150200"), Applicant(row.applicant_id)):
        with pytest.raises(NotAllowed):
            resending.resend(session, [row], reason="试", actor=other)
    assert _asked(session) == []


def test_what_was_sent_or_waits_is_left_and_a_reason_is_asked(session, gateway):
    failed, sent = _given_up(session, gateway), _given_up(session, gateway, manner="ok")
    waiting = _given_up(session, gateway, manner="later")
    coordinator = make_staff(session, Role.COORDINATOR)
    for reason in ("", "  \n ", "长" * 501):
        with pytest.raises(InvalidAnswers):
            resending.resend(session, [failed], reason=reason, actor=coordinator)
    with pytest.raises(trying.NothingToResend):
        resending.resend(session, [sent, waiting], reason="再发", actor=coordinator)
    assert resending.resend(session, [failed, sent, waiting], reason="再发", actor=coordinator) == 1
    assert _asked(session) == [failed.id]
    jobs.try_again([failed.id, sent.id, waiting.id])  # a job asked for more than it should be
    session.expire_all()
    assert [session.get_one(Delivery, row.id).state for row in (failed, sent, waiting)] == ["waiting", "sent", "again"]


def test_what_came_back_gets_another_key_and_what_nobody_took_keeps_its_own(session, gateway, clock):
    """A gateway that honours keys would do nothing for one it has; and would send twice what it took without our hearing of it."""
    row = _given_up(session, gateway, manner="silent")
    for _ in range(trying.GIVE_UP_AFTER - 1):
        clock.advance(hours=3)
        gateway.manner = ["later"]
        jobs.deliver([row.id])
    session.expire_all()
    assert session.get_one(Delivery, row.id).state == "given_up" and len(gateway.keys) == 1
    jobs.try_again([row.id])
    jobs.deliver([row.id])
    session.expire_all()
    assert session.get_one(Delivery, row.id).state == "sent" and len(gateway.keys) == 1  # it had it: one message

    back = session.get_one(Delivery, row.id)
    back.bounced_at = console_clock.now(session)
    session.flush()
    jobs.try_again([row.id])
    jobs.deliver([row.id])
    session.expire_all()
    back = session.get_one(Delivery, row.id)
    assert (back.state, back.round, len(gateway.keys), len(set(gateway.keys))) == ("sent", 1, 2, 2)
    assert session.scalar(select(func.count(Delivery.id)).where(Delivery.letter_id == back.letter_id)) == 1


def _register_letter(session, *, state: str) -> RegisterLetter:
    office_id = session.scalar(text("SELECT o.id FROM office o JOIN department d ON d.id = o.department_id WHERE d.code = 'centre' AND o.division_code = '150000'"))
    now = console_clock.now(session)
    row = RegisterLetter(
        key=f"{state}:1", office_id=office_id, entry_id=1, register="register_centre_complaints", row_id=1, event="accept", address="contact_phone", channel="sms", title="函",
        body="正文", sms="短信", written_at=now, due_at=now, attempts=1, sent_at=now if state != "given_up" else None,
        gave_up_at=now if state == "given_up" else None, bounced_at=now if state == "bounced" else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


@pytest.mark.parametrize("state", ["given_up", "bounced"])
def test_a_letter_of_a_register_is_sent_again_too(session, settings, state):
    row = _register_letter(session, state=state)
    coordinator = make_staff(session, Role.COORDINATOR, department_code="centre")
    with pytest.raises(NotAllowed):
        register_letters.resend(session, [row], reason="试", actor=make_staff(session, Role.COORDINATOR, department_code="water"))
    with pytest.raises(InvalidAnswers):
        register_letters.resend(session, [row], reason="", actor=coordinator)
    assert register_letters.resend(session, [row], reason="号码已更正", actor=coordinator) == 1
    (asked,) = session.scalars(select(OutboxMessage.ids).where(OutboxMessage.topic == "register.retry_asked"))
    register_letters.try_again(session, asked)
    assert (row.state, row.attempts, row.round) == ("waiting", 0, 1 if state == "bounced" else None)
    with pytest.raises(trying.NothingToResend):
        register_letters.resend(session, [row], reason="再来", actor=coordinator)


# ── whatever happens to a row ──


class _Row:
    """A row in memory, as `trying` sees one."""

    def __init__(self) -> None:
        self.channel, self.attempts, self.round, self.last_error = "sms", 0, None, None
        self.claimed_until = self.sent_at = self.gave_up_at = self.confirmed_at = self.bounced_at = None
        self.due_at = dt.datetime(2026, 3, 2, 8, 0, tzinfo=console_clock.ZONE)


STEPS = st.lists(st.tuples(st.sampled_from(["ok", "later", "refused", "again", "back", "arrived"]), st.integers(0, 30 * 60)), max_size=25)


@given(STEPS, st.sampled_from([None, QuietHours.read("22:00-07:00"), QuietHours.read("12:00-14:00")]))
def test_a_row_is_never_early_never_lost_and_has_one_record_for_each_key(steps, quiet):
    row, now, sent = _Row(), dt.datetime(2026, 3, 2, 8, 0, tzinfo=console_clock.ZONE), []

    class Lines:
        answer = "ok"

        def line(self, _name):
            def send(message):
                if self.answer == "later":
                    raise NotSent(why="x")
                if self.answer == "refused":
                    raise Undeliverable(why="x")
                sent.append((message.key, now))

            return send

    lines = Lines()
    for what, minutes in steps:
        now += dt.timedelta(minutes=minutes)
        if what == "again":
            if trying.may_go_again(row):
                trying.again(row, now=now, quiet=quiet)
        elif what in ("back", "arrived"):
            note(row, Report(1, row.round or 0, (5, 1, 1) if what == "back" else (2, 0, 0)), now=now)
        elif row.sent_at is None and row.gave_up_at is None and row.due_at <= now:
            lines.answer = what
            trying.carry(row, lambda: OutgoingMessage(f"k{row.round or 0}", "x", "", ""), now=now, lines=lines, quiet=quiet)
        # it is somewhere: on its way with a time within a day and outside of quiet hours, or at an end that a person sees
        if row.sent_at is None and row.gave_up_at is None:
            assert row.due_at - now < dt.timedelta(days=1) and (quiet is None or row.due_at not in quiet)
            assert trying.state_of(row) in ("waiting", "again")
        else:
            assert trying.state_of(row) in ("sent", "arrived", "bounced", "given_up")
    assert len({key for key, _ in sent}) == len(sent)
    assert quiet is None or not any(at in quiet for _, at in sent)


# ── the pages ──


def test_officer_sees_how_each_letter_fared_and_sends_one_again(committed_db, console_app, gateway):
    with committed_db.as_worker(), db.transaction() as session:
        row = _given_up(session, gateway)
        row_id, admission_id = row.id, row.admission_id
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER)
    elsewhere = officer(console_app, committed_db, Role.FIRST_REVIEWER, department="water")

    page = reviewer.get(f"/file-letters/{admission_id}")
    said = page.get_data(as_text=True)
    assert page.status_code == 200 and "没有送到，转人工" in said and "站内" in said and f"rowid={row_id}" in said
    assert elsewhere.get(f"/file-letters/{admission_id}").status_code == 404
    listed = reviewer.get("/screens/deliveries/?state=given_up&channel=sms&event=withdrawn").get_data(as_text=True)
    assert "没有送到，转人工" in listed
    assert "没有送到，转人工</span>" not in reviewer.get("/screens/deliveries/?state=sent").get_data(as_text=True).split("<tbody", 1)[-1]

    ask = f"/screens/deliveries/act/resend?rowid={row_id}"
    asked = reviewer.get(ask)
    form = {"csrf_token": token(asked), "rowid": str(row_id), "sure": "yes", "reason": "号码已更正"}
    done = reviewer.post("/screens/deliveries/act/resend", data=form, follow_redirects=True)
    assert "已交后台重发 1 件" in done.get_data(as_text=True)
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
        with db.transaction() as session, become(System("test")):
            assert session.get_one(Delivery, row_id).state == "sent"
