"""What waits for a person: gathered by its cause, tried again safely, put away with a reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from console import assembly, clock, db, jobs, relay
from console.audit import AuditEntry
from console.notifications.models import Delivery, Letter
from console.ops import waiting
from console.outbox import OutboxMessage
from console.registers.models import RegisterLetter
from console.roles import Role
from console.setbacks import Setback
from tests.factories import make_admission, make_applicant
from tests.officers import officer, token

REASON = "网关已恢复"


@pytest.fixture
def operator(console_app, committed_db):
    return officer(console_app, committed_db, Role.OPERATOR, department="centre")


@pytest.fixture
def ran(monkeypatch):
    """A job of this test's own, and what it was called with."""
    calls: list[list[int]] = []
    made = jobs.job("test.again")(lambda ids: calls.append(ids))
    monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.again", [made])
    yield calls
    jobs.REGISTRY.pop("test.again")


def messages(committed_db, *errors):
    """Given-up messages, one for each error; their ids."""
    with committed_db.as_worker(), db.transaction() as session:
        now = clock.now(session)
        rows = [OutboxMessage(topic="test.again", ids=[n], created_at=now, due_at=now, attempts=8, gave_up_at=now, last_error=error) for n, error in enumerate(errors, 1)]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def keys(page):
    return re.findall(r'name="group" value="(\w+)"', page)


def do(client, act="again", *, nth=0, rows=(), reason=REASON, **form):
    page = client.get("/ops/waiting/")
    return client.post(
        "/ops/waiting/do",
        data={"csrf_token": token(page), "group": keys(page.get_data(as_text=True))[nth], "act": act, "reason": reason, "rowid": [str(row) for row in rows], **form},
        follow_redirects=True,
    ).get_data(as_text=True)


def audited(committed_db, action):
    with committed_db.as_worker(), db.transaction() as session:
        return [(entry.subject, entry.facts["reason"]) for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))]


def rows_of(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return {row.id: (row.attempts, row.gave_up_at is not None, row.done_at is not None) for row in session.scalars(select(OutboxMessage))}


# ── gathered ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_fault_of_many_rows_is_one_group(operator, committed_db, ran):
    messages(committed_db, *(f"test.again: 1 failed ({n}: ValueError: row {n} is odd)" for n in (3, 5, 7)), "test.again: 1 failed (9: TimeoutError: )", None)

    page = operator.get("/ops/waiting/").get_data(as_text=True)

    assert len(keys(page)) == 3
    assert "ValueError: row … is odd" in page and "没有写下原因" in page
    assert page.count('name="rowid"') == 5


@pytest.mark.parametrize(
    "error, cause",
    [
        ("a.b: 2 failed (7: ValueError: x 7; 9: ValueError: x 9)", "ValueError: x …"), ("短信网关拒收，代码 403", "短信网关拒收，代码 403"),
        ("StepMovedOn: 申报 RK2026-004195 已由他人处理", "StepMovedOn: 申报 RK…-… 已由他人处理"), (None, ""), (" \n", ""), ("t: no such job", "t: no such job"),
    ],
)  # fmt: skip
def test_a_cause_is_the_error_without_its_rows(error, cause):
    assert waiting.cause_of(error) == cause


@given(st.text(), st.integers(0, 10**12), st.integers(0, 10**12))
def test_rows_that_differ_by_number_have_one_cause(said, one, other):
    framed = [f"j.x: 1 failed ({key}: E: {said})" for key in (one, other)]
    assert len({waiting.cause_of(error) for error in framed}) == 1
    assert len(waiting.cause_of(said)) <= 200 and "\n" not in waiting.cause_of(said)


def test_an_empty_list_is_good_news(operator):
    assert "没有事等人办" in operator.get("/ops/waiting/").get_data(as_text=True)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_is_done_again_itself_and_once(operator, committed_db, redis, ran):
    first, second = messages(committed_db, "网关拒收", "网关拒收")
    page = operator.get("/ops/waiting/")
    form = {"csrf_token": token(page), "group": keys(page.get_data(as_text=True))[0], "act": "again", "reason": REASON, "rowid": [str(first)]}

    answers = [operator.post("/ops/waiting/do", data=form).status_code for _press in range(2)]

    assert answers == [303, 303]
    assert rows_of(committed_db) == {first: (0, False, False), second: (8, True, False)}
    assert audited(committed_db, "outbox.asked_again") == [(f"outbox:{first}", REASON)]
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
    assert ran == [[1]]
    assert rows_of(committed_db)[first] == (0, False, True)


def test_all_of_one_cause_are_done_again_and_no_other(operator, committed_db, redis, ran):
    *same, other = messages(committed_db, *["网关拒收"] * (waiting.SHOWN + 5), "别的原因")

    said = do(operator, nth=0, all="1")

    assert f"{len(same)} 件已放回去重做" in said or "1 件已放回去重做" in said
    left = [key for key, (_attempts, given_up, _done) in rows_of(committed_db).items() if given_up]
    assert left in ([other], same)


def test_without_a_reason_or_a_row_nothing_happens(operator, committed_db, ran):
    (key,) = messages(committed_db, "网关拒收")

    assert "请写明理由" in do(operator, rows=[key], reason=" ")
    assert "一件也没有选" in do(operator, rows=[])
    assert "一件也没有选" in do(operator, rows=[key + 1, -1])
    assert rows_of(committed_db) == {key: (8, True, False)}


def test_what_is_no_longer_needed_is_put_away(operator, committed_db, redis, ran):
    (key,) = messages(committed_db, "NoResultFound")

    assert "1 件已归档" in do(operator, "put_away", rows=[key], reason="人已不在")

    assert rows_of(committed_db) == {key: (8, True, True)}
    assert audited(committed_db, "outbox.put_away") == [(f"outbox:{key}", "人已不在")]
    assert "没有事等人办" in operator.get("/ops/waiting/").get_data(as_text=True)
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
    assert ran == []


def test_a_group_that_is_gone_is_said_so(operator, committed_db, ran):
    page = operator.get("/ops/")
    form = {"csrf_token": token(page), "group": "0" * 16, "act": "again", "reason": REASON, "all": "1"}
    assert "这一组已经没有了" in operator.post("/ops/waiting/do", data=form, follow_redirects=True).get_data(as_text=True)


# ── letters and rows ─────────────────────────────────────────────────────────────────────────────────────────


def test_letters_of_both_kinds_are_delivered_again(operator, committed_db, redis):
    with committed_db.as_worker("seed"), db.transaction() as session:
        now = clock.now(session)
        admission = make_admission(session, applicant=make_applicant(session, name="赵明远"))
        part = {"admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id}
        letter = Letter(key="t:1", event="submitted", title="受理回执（赵明远）", body="赵明远", written_at=now, **part)
        session.add(letter)
        session.flush()
        gone = {"channel": "sms", "due_at": now, "attempts": 8, "gave_up_at": now, "last_error": "短信网关拒收，代码 403"}
        session.add(Delivery(letter_id=letter.id, idempotency_key="t:1", **gone, **part))
        about = {"entry_id": 0, "register": "register_centre_complaints", "row_id": 1, "event": "accept", "title": "t", "body": "b", "written_at": now, "office_id": admission.office_id}
        session.add(RegisterLetter(key="r:1", address="contact_phone", **about, **gone))
        number = admission.number
    page = operator.get("/ops/waiting/").get_data(as_text=True)
    assert len(keys(page)) == 2 and "办件函件，短信" in page and "登记表函件，短信" in page and "代码 403" in page
    assert [secret in page for secret in ("赵明远", number, "受理回执")] == [False] * 3

    for nth in (0, 1):
        assert "1 件已放回去重做" in do(operator, nth=nth, all="1")
    with committed_db.as_worker():
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            [sent], [again] = ([(row.sent_at is not None, row.attempts) for row in session.scalars(select(model))] for model in (Delivery, RegisterLetter))

    assert sent == (True, 1)  # it went out at the first try
    assert again[1] == 1  # it was tried again; there is no row to read an address from, so it is given up again
    assert {subject.partition(":")[0] for subject, _reason in audited(committed_db, "delivery.retry_asked")} == {"delivery", "register_letter"}


def test_a_row_that_a_sweep_could_not_do_is_asked_for_again(operator, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        now = clock.now(session)
        for key, gave_up in ((5, now), (6, now), (7, None)):
            session.add(Setback(job="applications.lapse", subject_id=key, attempts=8, first_at=now, due_at=now, last_error=f"ValueError: {key}", gave_up_at=gave_up))
    assert "逾期自动失效" in operator.get("/ops/waiting/").get_data(as_text=True)

    do(operator, rows=[5])

    with committed_db.as_worker(), db.transaction() as session:
        assert sorted(session.scalars(select(Setback.subject_id))) == [6, 7]
    assert audited(committed_db, "setback.asked_again") == [("setback:5", REASON)]
