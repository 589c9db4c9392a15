"""Letters of registers: what a move says is written once and carried, whatever is declared later and whoever dies meanwhile; no address lies about."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from console import db, relay
from console.outbox import OutboxMessage
from console.post import channels
from console.post.registry import Lines
from console.registers import intake, jobs, letters, loading, services
from console.registers.models import RegisterLetter
from console.roles import Role
from console.scope import NOBODY, Public, System
from tests.console.portal.conftest import Citizen
from tests.console.portal.test_registers import AGENCY, COMPLAINT, enter
from tests.factories import make_staff

SENT_IN = {name: value for name, value in COMPLAINT.items() if name != "consent"} | {"contact_phone": "13755550001", "contact_email": "geheim-1@example.cn"}


@pytest.fixture
def post(committed_db: Any, tmp_path: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """What has arrived: subject → text of the mails, and “→ phone” → text of the short messages, in this order of kinds."""
    channels.configure(replace(committed_db.settings, mail_url=f"folder:{tmp_path / 'mail'}", sms_url=f"folder:{tmp_path / 'sms'}"))

    def arrived() -> dict[str, str]:
        mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in (tmp_path / "mail").glob("*.eml")]
        found = {f"{mail['to']} {mail['subject']}": mail.get_content() for mail in mails}
        for path in (tmp_path / "sms").glob("*.txt"):
            words, _, to = path.read_text().partition("\n\n→ ")
            found[f"{to.strip()} {words[:9]}"] = words
        return found

    yield arrived
    channels.configure(committed_db.settings)


def _settle(committed_db: Any) -> None:
    with committed_db.as_worker():
        relay.settle(committed_db.settings)


def _sent_in(committed_db: Any, **more: Any) -> tuple[int, str]:
    """A complaint as the public sends it in: its number and its code."""
    with committed_db.committing(committed_db.web, Public()), db.transaction() as session:
        code = intake.receive(session, loading.register("centre-complaints"), {**SENT_IN, **more}, consented=True, actor=Public())
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(loading.register("centre-complaints").rows.id)).one(), code


def _move(number: int, name: str, reason: str = "", actor: Any = None, **values: Any) -> None:
    one = loading.register("centre-complaints")
    with db.transaction() as session:
        row = session.scalars(select(one.rows).where(one.rows.id == number)).unique().one()
        actor = actor or System("test")
        if values:
            services.change(session, one, row, values, actor=actor, version=None)
        services.move(session, one, [row], name, actor=actor, reason=reason)


def _written(session: Any) -> list[tuple[str, str]]:
    return [(one.event, one.channel) for one in session.scalars(select(RegisterLetter).order_by(RegisterLetter.id))]


def test_what_is_sent_in_and_every_move_of_it_is_told_by_mail_and_short_message(committed_db: Any, post: Any) -> None:
    number, _code = _sent_in(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        officer = make_staff(session, Role.COORDINATOR, department_code="centre")
    with committed_db.committing(committed_db.web, officer):
        _move(number, "accept", actor=officer)
        _move(number, "transfer", actor=officer, competent="housing")
    _settle(committed_db)
    with committed_db.as_worker():
        _move(number, "answer", outcome="upheld", answer="已责令代理机构改正。")
    _settle(committed_db)

    found = post()
    to = "geheim-1@example.cn"
    assert {key for key in found if key.startswith(to)} == {f"{to} 您反映的事项{what}" for what in ("已收到", "已受理", "已转办", "有了答复")}
    assert len(found) == 8 and all(SENT_IN["topic"] not in words for key, words in found.items() if key.startswith("1375555")), "a short message says no more than it must"
    answer = found[f"{to} 您反映的事项有了答复"]
    assert "处理结果：属实，已处理。" in answer and "已责令代理机构改正。" in answer and SENT_IN["topic"] in answer
    transferred = found[f"{to} 您反映的事项已转办"]
    assert re.search(r"已转内蒙古自治区住房和城乡建设厅办理，\d{4}年\d+月\d+日 前答复您", transferred), transferred
    assert not any(place in words for words in found.values() for place in ("{", "}", "None"))
    with committed_db.as_worker(), db.transaction() as session:
        assert all(one.sent_at for one in session.scalars(select(RegisterLetter)))
        assert not session.scalars(select(OutboxMessage).where(OutboxMessage.done_at.is_(None))).all()


def test_the_receipt_tells_what_was_written_also_to_who_left_no_address(committed_db: Any, portal: Any, post: Any) -> None:
    tip = {"nature": "tip", "contact_phone": "", "contact_email": "", "complainant": "", "known_on": ""}
    number, code = _sent_in(committed_db, **tip)
    with committed_db.as_worker():
        _move(number, "refuse", reason="不属于本平台受理的范围。")
    _settle(committed_db)

    visitor = Citizen(portal)
    page = visitor.get(f"/registers/centre/complaints/progress?code={code}")

    assert "您反映的事项不予受理" in page.text and "不属于本平台受理的范围。" in page.text and page.text.count("没有发出，请在这里看") == 2
    assert post() == {}
    with committed_db.as_worker(), db.transaction() as session:
        assert _written(session) == [("intake", ""), ("refuse", "")]
    other = enter_another(committed_db)
    assert "不属于本平台" not in visitor.get(f"/registers/centre/complaints/progress?code={other}").text


def enter_another(committed_db: Any) -> str:
    with committed_db.committing(committed_db.web, Public()), db.transaction() as session:
        return intake.receive(session, loading.register("centre-complaints"), SENT_IN, consented=True, actor=Public())


def test_a_move_is_known_by_its_entry_whatever_is_declared_before_the_letter_is_written(committed_db: Any, post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later declaration has the moves in another order and none of one letter: what is written is about the move that was made."""
    monkeypatch.setattr(loading, "_loaded", loading.registers())  # the next test finds what it knows
    number, _code = _sent_in(committed_db)
    with committed_db.as_worker():
        _move(number, "refuse", reason="不属于受理范围。")
    with committed_db.owner.begin() as connection:
        connection.execute(text("SELECT set_config('ruku.who', 'test', true)"))
        connection.execute(text(
            "UPDATE register_definition SET content_hash = repeat('0', 64), document = jsonb_set(document, '{states,moves}',"
            " (SELECT jsonb_agg(m ORDER BY m ->> 'id' DESC) FROM jsonb_array_elements(document -> 'states' -> 'moves') m)) #- '{letters,intake}'"
            " WHERE table_name = 'register_centre_complaints'"
        ))  # fmt: skip
    _settle(committed_db)

    with committed_db.as_worker(), db.transaction() as session:
        assert _written(session) == [("refuse", "mail"), ("refuse", "sms")]
        assert "不属于受理范围。" in session.scalars(select(RegisterLetter.body)).first()


def test_a_letter_is_written_and_carried_once_also_after_a_crash(committed_db: Any, post: Any) -> None:
    number, _code = _sent_in(committed_db, contact_email="")
    with committed_db.as_worker():
        with db.transaction() as session:
            [message] = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "register.letters_wanted")).all()
            entry_ids = list(message.ids)
        jobs.write_letters(entry_ids)
        jobs.write_letters(entry_ids)  # the worker died before the message was marked as done
        with db.transaction() as session:
            [letter_id] = session.scalars(select(RegisterLetter.id)).all()
        with db.transaction() as session, Lines() as lines:
            first = letters.deliver(session, letter_id, lines=lines)
            with db.factory.begin() as other:  # another worker, while the first one speaks to the gateway
                other.connection()
                second = letters.deliver(other, letter_id, lines=lines)
    assert (first, second) == (True, False)
    _settle(committed_db)
    assert [key.partition(" ")[0] for key in post()] == ["13755550001"]
    with committed_db.as_worker(), db.transaction() as session:
        [letter] = session.scalars(select(RegisterLetter)).all()
        assert (letter.attempts, letter.event, letter.row_id) == (1, "intake", number)


def test_no_address_lies_anywhere_but_in_the_row(committed_db: Any, post: Any, redis: Any, caplog: pytest.LogCaptureFixture) -> None:
    channels.configure(replace(committed_db.settings, mail_url="smtp://127.0.0.1:1", sms_url="http://127.0.0.1:1/"))
    _sent_in(committed_db)
    _settle(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        failed = session.scalars(select(RegisterLetter)).all()
        assert [(one.attempts, one.sent_at, bool(one.last_error)) for one in failed] == [(1, None, True)] * 2
        tables = session.scalars(text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'")).all()
        readable = [name for name in tables if session.scalar(text("SELECT has_table_privilege(:t, 'SELECT')"), {"t": name})]
        assert {"outbox", "job_run", "audit_entry", "register_letter", "register_centre_complaints"} <= set(readable)
        written = " ".join(session.scalar(text(f'SELECT coalesce(string_agg(t::text, \' \'), \'\') FROM "{name}" t')) for name in readable)
    kept = written + caplog.text + str([redis.dump(key) for key in redis.keys("*")])
    assert SENT_IN["topic"] in written and not any(secret in kept for secret in ("geheim-1", "13755550001"))


def test_an_address_that_is_no_more_is_given_up_for_a_person(committed_db: Any, post: Any) -> None:
    _sent_in(committed_db, contact_email="")
    with committed_db.as_worker():
        with db.transaction() as session:
            jobs.write_letters([entry for message in session.scalars(select(OutboxMessage)) for entry in message.ids])
            one = loading.register("centre-complaints")
            session.scalars(select(one.rows)).unique().one().contact_phone = None
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            [letter] = session.scalars(select(RegisterLetter)).all()
            assert letter.gave_up_at is not None and "没有收件地址" in (letter.last_error or "")
            staff = make_staff(session, Role.OPERATOR, department_code="centre")
    with committed_db.committing(committed_db.web, staff), db.transaction() as session:
        [row] = session.execute(text("SELECT channel, office, attempts FROM ruku_undelivered()")).all()
        assert (row.channel, row.attempts) == ("sms", 1)
    assert post() == {}


def test_a_letter_of_an_agency_goes_to_its_phone(committed_db: Any, post: Any) -> None:
    with committed_db.as_worker():
        enter("agencies", AGENCY, "suspend")
    _settle(committed_db)
    [(to, words)] = post().items()
    assert to.startswith("13900001234 ") and words.startswith("草原招标代理有限公司：已暂停在交易平台的代理业务")


def test_letters_are_seen_by_their_office_and_written_by_the_worker_alone(committed_db: Any, post: Any) -> None:
    _sent_in(committed_db)
    _settle(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        own = make_staff(session, Role.COORDINATOR, department_code="centre")
        other = make_staff(session, Role.COORDINATOR, department_code="water")
        stamp = {"office_id": session.scalars(select(RegisterLetter.office_id)).first()}
    for who, seen in ((own, 2), (other, 0), (Public(), 0), (NOBODY, 0)):
        with committed_db.committing(committed_db.web, who), db.transaction() as session:
            assert len(session.scalars(select(RegisterLetter)).all()) == seen, who
    with pytest.raises(Exception, match="row-level security"), committed_db.committing(committed_db.web, own), db.transaction() as session:
        session.add(RegisterLetter(key="forged", entry_id=1, register="x", row_id=1, event="x", address="x", channel="mail", title="x", body="x", written_at=db.dt.datetime.now(db.dt.UTC), **stamp))
        session.flush()
