"""The operator's desk: what it shows, what it may stop, and what stays shut."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from sqlalchemy import select, text

from console import clock as console_clock
from console import db
from console.jobs import Brake
from console.notifications.models import Delivery, Letter
from console.outbox import OutboxMessage
from console.roles import Role
from console.scope import Public, become
from tests.factories import make_admission, make_applicant
from tests.officers import officer, token

RULE = "lapse"


@pytest.fixture
def operator(console_app, committed_db):
    return officer(console_app, committed_db, Role.OPERATOR, department="centre")


def _message(committed_db, **values):
    with committed_db.as_worker(), db.transaction() as session:
        now = console_clock.now(session)
        message = OutboxMessage(**{"topic": "t.topic", "ids": [1, 2], "created_at": now, "due_at": now} | values)
        session.add(message)
        session.flush()
        return message.id


def _brakes(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(Brake)).all()


def _post(client, path, **form):
    return client.post(path, data={"csrf_token": token(client.get("/ops/")), **form})


def test_the_desk_says_it_has_no_power_of_review(operator):
    page = operator.get("/ops/").get_data(as_text=True)

    assert "运维台，无审核权" in page
    assert RULE in page and "在运行" in page


def test_a_brake_is_pulled_with_a_reason_shown_and_released(operator, committed_db):
    assert _post(operator, "/ops/brake", rule=RULE, reason="续聘公告未发", department="4").status_code == 303

    (brake,) = _brakes(committed_db)
    assert (brake.rule, brake.department_id, brake.reason, brake.released_at) == (RULE, 4, "续聘公告未发", None)
    page = operator.get("/ops/").get_data(as_text=True)
    assert "刹车中" in page and "续聘公告未发" in page

    assert _post(operator, f"/ops/release/{brake.id}").status_code == 303
    assert _brakes(committed_db)[0].released_at is not None
    assert "这个刹车已经松开了。" in operator.post(
        f"/ops/release/{brake.id}", data={"csrf_token": token(operator.get("/ops/"))}, follow_redirects=True
    ).get_data(as_text=True)


def test_a_brake_without_reason_or_rule_is_not_pulled(operator, committed_db):
    for form in ({"rule": RULE, "reason": ""}, {"rule": "no.such", "reason": "r"}, {}):
        _post(operator, "/ops/brake", **form)

    assert _brakes(committed_db) == []


def test_a_supervisor_reads_and_touches_nothing(console_app, committed_db):
    client = officer(console_app, committed_db, Role.SUPERVISOR, department=None)
    _message(committed_db, gave_up_at=dt.datetime.now(dt.UTC))
    page = client.get("/ops/")
    assert page.status_code == 200 and "踩刹车…" not in page.get_data(as_text=True)
    assert "重做选中的" not in client.get("/ops/waiting/").get_data(as_text=True)
    form = {"csrf_token": token(page), "rule": RULE, "reason": "r"}

    answers = [client.post(path, data=form).status_code for path in ("/ops/brake", "/ops/release/1", "/ops/waiting/do")]

    assert answers == [403, 403, 403]
    assert _brakes(committed_db) == []


def test_tables_are_read_only(operator, committed_db):
    key = _message(committed_db)
    form = {"csrf_token": token(operator.get("/ops/")), "id": str(key)}
    for table in ("outbox", "job-run", "delivery", "brake", "setback", "heartbeat", "daily-run", "vital", "audit-anchor"):
        for route in ("new/", "edit/?id=1", "delete/", "export/csv/", "ajax/update/", "action/"):
            address = f"/ops/{table}/{route}"
            answers = [operator.get(address), operator.post(address, data=form)]
            assert {answer.status_code for answer in answers} <= {302, 404, 405}, address

    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(OutboxMessage.id)).all() == [key]


def test_a_table_page_is_capped_whatever_is_asked_for(operator, committed_db):
    for _ in range(55):
        _message(committed_db)

    page = operator.get("/ops/outbox/?page_size=1000000").get_data(as_text=True)

    assert len(re.findall(r"<tr>", page)) == 1 + 50
    assert 'rel="next"' in page


def test_details_are_in_words_and_escaped(operator, committed_db):
    key = _message(committed_db, last_error="<script>alert(1)</script>")

    page = operator.get(f"/ops/outbox/details/?id={key}").get_data(as_text=True)

    assert "最近一次失败原因" in page and "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert [operator.get(f"/ops/outbox/details/?id={bad}").status_code for bad in ("x", "99999", "")] == [302, 302, 302]


def test_the_mailbox_shows_what_the_folder_driver_wrote_and_nothing_else(operator, console_app):
    box = Path(console_app.config["RUKU"].mail_url.removeprefix("folder:"))
    box.mkdir(parents=True, exist_ok=True)
    mail = "From: a@example.cn\nTo: gaowa@example.cn\nSubject: =?utf-8?b?5oKo55qE55Sz5oql?=\nContent-Type: text/plain; charset=utf-8\n\n请补正两处。\n"
    (box / "0001.eml").write_text(mail)
    (box.parent / "secret.eml").write_text("secret")

    assert "您的申报" in operator.get("/ops/mailbox/").get_data(as_text=True)
    assert "请补正两处。" in operator.get("/ops/mailbox/0001.eml").get_data(as_text=True)
    assert [operator.get(f"/ops/mailbox/{name}").status_code for name in ("../secret.eml", "%2e%2e%2fsecret.eml", "x.eml")] == [404] * 3


def test_a_reviewer_has_no_business_here(console_app, committed_db):
    client = officer(console_app, committed_db, Role.FIRST_REVIEWER)

    for path in ("/ops/", "/ops/outbox/", "/ops/mailbox/", "/ops/brake/details/?id=1", "/ops/static/admin/js/form.js"):
        assert client.get(path).status_code in (403, 404), path


def test_letters_that_failed_are_counted_and_listed_without_anybody_in_them(operator, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        admission = make_admission(session, applicant=make_applicant(session, name="赵明远"))
        now = console_clock.now(session)
        letter = Letter(
            key="t:1", event="submitted", title="受理回执（赵明远）", body="赵明远", written_at=now,
            admission_id=admission.id, applicant_id=admission.applicant_id, office_id=admission.office_id,
        )  # fmt: skip
        session.add(letter)
        session.flush()
        for number, gave_up in ((1, None), (2, now)):
            session.add(
                Delivery(
                    letter_id=letter.id, channel="sms", idempotency_key=f"t:{number}", due_at=now, attempts=3, gave_up_at=gave_up,
                    last_error="短信网关暂时不收，代码 503", admission_id=admission.id, applicant_id=admission.applicant_id,
                    office_id=admission.office_id,
                )
            )
        number = admission.number

    page = operator.get("/ops/delivery/").get_data(as_text=True)

    assert [len(re.findall(words, page)) for words in ("status-wait[^>]*>等着再试", "status-no[^>]*>转人工")] == [1, 1]
    assert page.count("短信网关暂时不收，代码 503") == 2
    assert [secret in page for secret in ("赵明远", number, "受理回执")] == [False, False, False]
    assert "办件函件，短信" in operator.get("/ops/").get_data(as_text=True)


def test_failed_letters_are_told_to_staff_only(operator):
    with become(Public()), db.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM ruku_undelivered()")).scalar() == 0
