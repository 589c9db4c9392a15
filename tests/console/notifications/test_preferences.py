"""People choose how they are told; what must be told finds a way; nothing rings at night, and nothing is lost by waiting."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from console import clock as console_clock
from console.applications.models import Applicant
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed
from console.notifications import contact, jobs, preferences, services
from console.notifications.facts import Occasion
from console.notifications.kinds import CHANNELS, KINDS, Reach, kind_of, muting
from console.notifications.letters import write
from console.notifications.models import Delivery, Letter
from console.post import channels
from console.roles import Role
from console.scope import Applicant as Citizen
from console.scope import Public, System, become
from rules.letters import EVENTS
from rules.quiet_hours import QuietHours
from tests.factories import make_admission, make_applicant, make_staff

ALL = {muting(kind, channel) for kind in KINDS for channel in CHANNELS}
NIGHT = QuietHours.read("22:00-07:00")


@pytest.fixture
def folders(settings, tmp_path):
    """This process's channels are folders, with the quiet hours of the house."""
    channels.configure(replace(settings, quiet_hours=NIGHT, mail_url=f"folder:{tmp_path / 'mail'}", sms_url=f"folder:{tmp_path / 'sms'}"))
    yield tmp_path
    channels.configure(settings)


def _told(session, applicant, event: str) -> dict[str, dt.datetime]:
    """Channel → when it is due, of a fresh letter."""
    admission = make_admission(session, applicant=applicant)
    write(session, [Occasion(event, admission, f"{event}:{admission.id}:1", admission.office_id)])
    return {row.channel: row.due_at for row in session.scalars(select(Delivery).where(Delivery.admission_id == admission.id))}


def test_every_event_is_of_one_kind():
    listed = [event for kind in KINDS for event in kind.events]
    assert sorted(listed) == sorted(set(EVENTS) - {"sign_in_code"})
    assert kind_of("something new").must


@given(st.sampled_from(sorted(EVENTS)), st.booleans(), st.booleans(), st.sets(st.sampled_from(sorted(ALL))))
def test_what_must_be_told_always_has_a_way_and_what_is_off_none(event, has_email, failed, muted):
    reach = Reach(has_email, failed, muted)
    told, kind = reach.channels(event), kind_of(event)
    assert set(told) <= set(reach.addresses)
    assert told or not kind.must
    wanted = [channel for channel in reach.addresses if muting(kind, channel) not in muted]
    assert list(told) == (wanted or (list(reach.addresses) if kind.must else []))


def test_choice_holds_from_the_next_letter_on_and_the_letter_itself_is_always_written(session, folders, clock):
    clock.set(dt.datetime(2026, 3, 2, 10, 0, tzinfo=console_clock.ZONE))
    applicant = make_applicant(session, email="gaowa@example.cn")
    assert set(_told(session, applicant, "withdrawn")) == {"mail", "sms"}
    me = Citizen(applicant.id)
    with become(me):
        preferences.choose(session, wanted=ALL - {"other:sms", "other:mail", "progress:mail"}, quiet_from="", quiet_until="", actor=me)

    assert _told(session, applicant, "withdrawn") == {}
    assert set(_told(session, applicant, "submitted")) == {"sms"}
    assert set(_told(session, applicant, "corrected")) == {"sms"}
    assert len(session.scalars(select(Letter.id).where(Letter.applicant_id == applicant.id)).all()) == 4
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "applicant.chose_channels")).one()
    assert entry.facts["changes"]["muted"] == [[], ["other:mail", "other:sms", "progress:mail"]]


@pytest.mark.parametrize("email", [None, "gaowa@example.cn"])
def test_decisions_cannot_be_switched_off_everywhere(session, folders, email):
    applicant = make_applicant(session, email=email)
    me = Citizen(applicant.id)
    with become(me), pytest.raises(InvalidAnswers) as error:
        preferences.choose(session, wanted=ALL - {"act:sms", "act:mail"}, quiet_from="", quiet_until="", actor=me)
    assert list(error.value.problems) == ["act"]
    with become(me):
        if email:
            preferences.choose(session, wanted=ALL - {"act:sms"}, quiet_from="", quiet_until="", actor=me)
        else:  # a mail address that is not there is no way
            with pytest.raises(InvalidAnswers):
                preferences.choose(session, wanted=ALL - {"act:sms"}, quiet_from="", quiet_until="", actor=me)


@pytest.mark.parametrize(
    ("begins", "ends", "wrong"),
    [("22", "07:00", {"quiet_from"}), ("22:00", "", {"quiet_until"}), ("", "07:00", {"quiet_from"}), ("24:00", "07:60", {"quiet_from", "quiet_until"}),
     ("22:00", "22:00", {"quiet_until"}), ("２２:00", "07:00", {"quiet_from"}), ("22:00\n", "07:00", {"quiet_from"}), ("-1:00", "07:00", {"quiet_from"})],
)  # fmt: skip
def test_hours_that_are_none_are_told_at_their_field_and_nothing_is_written(session, folders, begins, ends, wrong):
    applicant = make_applicant(session)
    me = Citizen(applicant.id)
    with become(me), pytest.raises(InvalidAnswers) as error:
        preferences.choose(session, wanted=ALL, quiet_from=begins, quiet_until=ends, actor=me)
    assert set(error.value.problems) == wrong
    assert session.scalars(select(Applicant.quiet_from).where(Applicant.id == applicant.id)).one() is None


def test_a_kind_that_is_none_and_another_persons_choice_are_refused(session, folders):
    applicant = make_applicant(session)
    me = Citizen(applicant.id)
    with become(me), pytest.raises(InvalidAnswers):
        preferences.choose(session, wanted={*ALL, "act:pigeon"}, quiet_from="", quiet_until="", actor=me)
    for other in (make_staff(session, Role.COORDINATOR), Public(), System("test")):
        with pytest.raises(NotAllowed):
            preferences.choose(session, wanted=ALL, quiet_from="", quiet_until="", actor=other)


def test_a_channel_without_an_address_keeps_what_was_chosen_for_it(session, folders):
    applicant = make_applicant(session, email="gaowa@example.cn")
    me = Citizen(applicant.id)
    with become(me):
        preferences.choose(session, wanted=ALL - {"progress:mail"}, quiet_from="", quiet_until="", actor=me)
        contact.drop_email(session, actor=me)
        preferences.choose(session, wanted={"act:sms", "progress:sms"}, quiet_from="", quiet_until="", actor=me)  # mail was disabled on the page
    assert session.get_one(Applicant, applicant.id).muted == ["other:sms", "progress:mail"]


# ── quiet hours ──


@pytest.mark.parametrize(("own", "due"), [(("", ""), "07:00"), (("20:00", "09:30"), "09:30"), (("01:00", "02:00"), "23:10")])
def test_short_message_waits_for_the_end_of_the_night_and_mail_does_not(session, folders, clock, own, due):
    applicant = make_applicant(session, email="gaowa@example.cn")
    me = Citizen(applicant.id)
    with become(me):
        preferences.choose(session, wanted=ALL, quiet_from=own[0], quiet_until=own[1], actor=me)
    late = dt.datetime(2026, 3, 2, 23, 10, tzinfo=console_clock.ZONE)
    clock.set(late)

    told = _told(session, applicant, "withdrawn")

    assert told["mail"].astimezone(console_clock.ZONE).strftime("%H:%M") == "23:10"
    assert told["sms"].astimezone(console_clock.ZONE).strftime("%H:%M") == due
    assert dt.timedelta(0) <= told["sms"] - late < dt.timedelta(days=1)


def test_whatever_brings_a_message_out_at_night_it_waits_without_counting_a_try(session, folders, clock):
    clock.set(dt.datetime(2026, 3, 2, 20, 0, tzinfo=console_clock.ZONE))
    applicant = make_applicant(session)
    _told(session, applicant, "withdrawn")
    sms_id = session.scalars(select(Delivery.id).where(Delivery.channel == "sms")).one()
    clock.set(dt.datetime(2026, 3, 2, 23, 0, tzinfo=console_clock.ZONE))  # the worker was down until now

    assert jobs.deliver([sms_id]) == 1
    row = session.get_one(Delivery, sms_id)
    assert (row.attempts, row.sent_at, row.claimed_until, (folders / "sms").exists()) == (0, None, None, False)
    clock.set(row.due_at)
    assert jobs.deliver([sms_id]) == 1

    assert session.get_one(Delivery, sms_id).sent_at is not None and len(list((folders / "sms").iterdir())) == 1


def test_a_code_comes_at_any_hour(session, folders, clock):
    clock.set(dt.datetime(2026, 3, 2, 23, 0, tzinfo=console_clock.ZONE))
    with become(System("sign_in")):
        services.send_code("13988887777", "407193")
    assert "407193" in next((folders / "sms").iterdir()).read_text()


# ── officers ──


def test_morning_mail_is_ones_own_choice_and_needs_an_address(session, settings):
    officer = make_staff(session, Role.FIRST_REVIEWER)
    with become(officer):
        with pytest.raises(InvalidAnswers):
            preferences.choose_morning_mail(session, True, actor=officer)
        assert preferences.choose_morning_mail(session, False, actor=officer).morning_mail is None
    with pytest.raises(NotAllowed):
        preferences.choose_morning_mail(session, True, actor=Citizen(1))
