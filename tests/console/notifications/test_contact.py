"""Another phone or mailbox counts when its owner has shown the code; who is told, what stays in use, what guesses cost; and phones that do not ring."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import select

from console import clock as console_clock
from console.applications.models import Applicant
from console.applications.registration import CODE_TRIES, CodeDead, CodeWrong, PhoneTaken
from console.audit import AuditEntry
from console.errors import InvalidAnswers, NotAllowed, TooMany
from console.notifications import account_notices, contact, jobs, preferences
from console.notifications.facts import Occasion
from console.notifications.kinds import CHANNELS, KINDS, muting
from console.notifications.letters import write
from console.notifications.models import AccountNotice, Delivery
from console.passwords import WrongPassword, hash_password
from console.post import channels
from console.post.reports import Report
from console.scope import Applicant as Citizen
from console.scope import Public, become
from rules.quiet_hours import QuietHours
from tests.factories import make_admission, make_applicant

PASSWORD = "草原上的风-2026"
OLD, NEW = "13800138000", "13911112222"
ALL = {muting(kind, channel) for kind in KINDS for channel in CHANNELS}


@pytest.fixture
def folders(settings, tmp_path):
    channels.configure(replace(settings, quiet_hours=None, mail_url=f"folder:{tmp_path / 'mail'}", sms_url=f"folder:{tmp_path / 'sms'}"))
    yield tmp_path
    channels.configure(settings)


@pytest.fixture
def person(session):
    return make_applicant(session, phone=OLD, password_hash=hash_password(PASSWORD), email="old-geheim@example.cn")


def asked(session, person, kind: str, address: str, **more) -> str:
    """The code that would be sent."""
    sent: list[tuple[str, str]] = []
    me = Citizen(person.id)
    with become(me):
        contact.ask(session, kind, address, password=PASSWORD, send=lambda *message: sent.append(message), actor=me, **more)
    return sent[0][1]


def confirmed(session, person, kind: str, address: str, code: str) -> Applicant:
    me = Citizen(person.id)
    with become(me):
        contact.confirm(session, kind, address, code, actor=me)
    session.expire_all()
    return session.get_one(Applicant, person.id)


def notices(session, person) -> list[tuple[str, str]]:
    return sorted((row.event, row.channel) for row in session.scalars(select(AccountNotice).where(AccountNotice.applicant_id == person.id)))


def _sent(session, folder) -> list[str]:
    jobs.deliver_account_notices(list(session.scalars(select(AccountNotice.id).where(AccountNotice.due_at.is_not(None)))))
    session.expire_all()
    return [path.read_text() for path in sorted(folder.iterdir())] if folder.exists() else []


@pytest.mark.parametrize(("kind", "typed", "new"), [("phone", "139 1111-2222", NEW), ("email", " new@example.cn ", "new@example.cn")])
def test_the_old_one_stays_in_use_until_the_code_is_shown_and_is_told(session, folders, person, kind, typed, new):
    code = asked(session, person, kind, typed)
    session.expire_all()
    assert getattr(session.get_one(Applicant, person.id), kind) in (OLD, "old-geheim@example.cn")

    changed = confirmed(session, person, kind, new, code)

    assert getattr(changed, kind) == new and getattr(changed, f"{kind}_changed_at") is not None
    told = {"phone": [("phone_changed", "mail"), ("phone_changed", "sms")], "email": [("email_changed", "mail")]}[kind]
    assert notices(session, person) == told
    messages = _sent(session, folders / ("sms" if kind == "phone" else "mail"))
    assert len(messages) == 1 and (OLD if kind == "phone" else "old-geheim@example.cn") in messages[0] and new not in messages[0]
    rows = session.scalars(select(AccountNotice)).all()
    assert all(row.address is None and row.sent_at for row in rows)  # an address the account has no more is not kept
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == f"applicant.changed_{kind}")).one()
    assert new not in entry.body and OLD not in entry.body and "geheim" not in entry.body
    with pytest.raises(CodeDead):  # a used code is dead
        confirmed(session, person, kind, new, code)


def test_wrong_codes_say_how_many_tries_are_left_and_then_the_code_is_dead(session, person):
    code = asked(session, person, "email", "new@example.cn")
    wrong = "000000" if code != "000000" else "111111"
    left = []
    for _try in range(CODE_TRIES - 1):
        with pytest.raises(CodeWrong) as error:
            confirmed(session, person, "email", "new@example.cn", wrong)
        left.append(error.value.facts["left"])
    assert left == [4, 3, 2, 1]
    for attempt in (wrong, code):
        with pytest.raises(CodeDead):
            confirmed(session, person, "email", "new@example.cn", attempt)
    assert session.get_one(Applicant, person.id).email == "old-geheim@example.cn"


def test_a_code_is_for_one_person_one_address_ten_minutes_and_until_the_next(session, person, clock):
    other = make_applicant(session, email=None)
    code = asked(session, person, "email", "new@example.cn")
    with pytest.raises(CodeDead):
        confirmed(session, other, "email", "new@example.cn", code)
    with pytest.raises(CodeDead):
        confirmed(session, person, "email", "else@example.cn", code)
    newer = asked(session, person, "email", "new@example.cn")
    if newer != code:
        with pytest.raises(CodeWrong):
            confirmed(session, person, "email", "new@example.cn", code)
    clock.advance(minutes=10)
    with pytest.raises(CodeDead):
        confirmed(session, person, "email", "new@example.cn", newer)


def test_five_codes_an_hour_by_one_person_or_to_one_address(session, person, clock):
    for number in range(5):
        asked(session, person, "email", f"new{number}@example.cn")
    with pytest.raises(TooMany):
        asked(session, person, "email", "another@example.cn")
    others = [make_applicant(session, password_hash=hash_password(PASSWORD)) for _ in range(6)]
    for other in others[:5]:
        asked(session, other, "phone", NEW)
    with pytest.raises(TooMany):
        asked(session, others[5], "phone", NEW)
    clock.advance(minutes=61)
    asked(session, others[5], "phone", NEW)


def test_a_phone_belongs_to_one_account_which_only_its_holder_learns(session, person):
    make_applicant(session, phone=NEW)
    code = asked(session, person, "phone", NEW)  # says nothing
    with pytest.raises(PhoneTaken):
        confirmed(session, person, "phone", NEW, code)
    session.expire_all()
    assert session.get_one(Applicant, person.id).phone == OLD and notices(session, person) == []


def test_a_phone_asks_for_the_password_once_and_nobody_changes_another_persons(session, person):
    me = Citizen(person.id)
    with become(me):
        with pytest.raises(WrongPassword):
            contact.ask(session, "phone", NEW, password="geraten-geraten", send=pytest.fail, actor=me)
        with pytest.raises(WrongPassword):  # nothing was sent there before
            contact.ask(session, "phone", NEW, proved=True, send=pytest.fail, actor=me)
    asked(session, person, "phone", NEW)
    with become(me):
        contact.ask(session, "phone", NEW, proved=True, send=lambda *_: None, actor=me)
    with pytest.raises(NotAllowed):
        contact.ask(session, "email", "x@example.cn", send=pytest.fail, actor=Public())


@pytest.mark.parametrize(("kind", "typed"), [("email", ""), ("email", "x"), ("email", "a@b.cn, c@d.cn"), ("email", "x@y.cn\nBcc: z@z.cn"), ("email", "old-geheim@example.cn"), ("phone", "12345"), ("phone", OLD), ("phone", "")])
def test_what_is_no_address_or_the_same_is_said_before_anything_is_sent(session, person, kind, typed):
    me = Citizen(person.id)
    with become(me), pytest.raises(InvalidAnswers):
        contact.ask(session, kind, typed, password=PASSWORD, send=pytest.fail, actor=me)


def test_mail_can_be_dropped_while_the_phone_works(session, folders, person):
    me = Citizen(person.id)
    person.phone_failed_at = console_clock.now(session)
    session.flush()
    with become(me), pytest.raises(InvalidAnswers):
        contact.drop_email(session, actor=me)
    session.get_one(Applicant, person.id).phone_failed_at = None
    session.flush()
    with become(me):
        contact.drop_email(session, actor=me)
    assert session.get_one(Applicant, person.id).email is None and notices(session, person) == [("email_dropped", "mail")]


# ── a phone that does not ring ──


def _letter(session, person, event: str = "withdrawn") -> dict[str, int]:
    admission = make_admission(session, applicant=person)
    write(session, [Occasion(event, admission, f"{event}:{admission.id}:1", admission.office_id)])
    return {row.channel: row.id for row in session.scalars(select(Delivery).where(Delivery.admission_id == admission.id))}


def _report(session, delivery_id: int, status: tuple[int, int, int]) -> Applicant:
    jobs.take_reports([Report(delivery_id, 0, status).packed()])
    session.expire_all()
    return session.get_one(Applicant, session.get_one(Delivery, delivery_id).applicant_id)


def test_a_number_that_does_not_exist_is_marked_told_and_spared_until_it_is_changed(session, folders, person):
    first, waiting = _letter(session, person), _letter(session, person)
    jobs.deliver([first["sms"]])

    marked = _report(session, first["sms"], (5, 1, 1))

    assert marked.phone_failed_at is not None and notices(session, person) == [("phone_failed", "mail")]
    assert "old-geheim@example.cn" in _sent(session, folders / "mail")[0]
    jobs.deliver([waiting["sms"]])  # written before: it does not go
    assert session.get_one(Delivery, waiting["sms"]).state == "given_up" and len(list((folders / "sms").iterdir())) == 1
    person = session.get_one(Applicant, person.id)
    assert set(_letter(session, person)) == {"mail"}

    confirmed(session, person, "phone", NEW, asked(session, person, "phone", NEW))
    person = session.get_one(Applicant, person.id)
    assert person.phone_failed_at is None and set(_letter(session, person)) == {"mail", "sms"}
    assert ("phone_changed", "sms") not in notices(session, person)  # nothing rings there
    _report(session, first["sms"], (5, 1, 1))
    assert session.get_one(Applicant, person.id).phone_failed_at is None


def test_a_later_word_that_it_arrived_takes_the_mark_away_and_others_do_not_set_it(session, folders, person):
    one, two, three = (_letter(session, person)["sms"] for _ in range(3))
    jobs.deliver([one, two, three])
    assert _report(session, three, (5, 0, 0)).phone_failed_at is None  # switched off today
    assert _report(session, one, (5, 1, 1)).phone_failed_at is not None
    assert _report(session, two, (2, 0, 0)).phone_failed_at is None


def test_who_can_be_reached_nowhere_has_the_letter_and_the_mark_on_the_page_alone(session, folders):
    person = make_applicant(session, email=None)
    ids = _letter(session, person, "refused")
    jobs.deliver([ids["sms"]])
    _report(session, ids["sms"], (5, 1, 1))
    assert notices(session, person) == [("phone_failed", "inapp")] and _letter(session, person, "refused") == {}
    me = Citizen(person.id)
    with become(me):
        assert [told.event for told in account_notices.latest(session, person)] == ["phone_failed"]
        preferences.choose(session, wanted=set(), quiet_from="", quiet_until="", actor=me)  # nothing to insist on


def test_quiet_hours_can_be_switched_off(session, settings, person, clock):
    channels.configure(replace(settings, quiet_hours=QuietHours.read("22:00-07:00")))
    try:
        late = dt.datetime(2026, 3, 2, 23, 10, tzinfo=console_clock.ZONE)
        clock.set(late)
        me = Citizen(person.id)
        with become(me):
            preferences.choose(session, wanted=ALL, quiet_from="25:00", quiet_until="", quiet_off=True, actor=me)  # hours say nothing then
        due = session.get_one(Delivery, _letter(session, person)["sms"]).due_at
        assert due == late
        with become(me):
            preferences.choose(session, wanted=ALL, quiet_from="", quiet_until="", actor=me)
        assert session.get_one(Delivery, _letter(session, person)["sms"]).due_at > late
    finally:
        channels.configure(settings)
    facts = [entry.facts["changes"]["quiet"] for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "applicant.chose_channels").order_by(AuditEntry.id))]
    assert facts == [["22:00-07:00", "None"], ["None", "22:00-07:00"]]
