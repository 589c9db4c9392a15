"""The portal's page of how one is told, and what it says when mail comes back."""

from __future__ import annotations

import re
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select, update

from console import clock, db
from console.accounts.models import WebSession
from console.applications.models import Applicant
from console.notifications.facts import Occasion
from console.notifications.letters import write
from console.notifications.models import Delivery
from console.passwords import hash_password
from tests.console.portal.conftest import sound
from tests.factories import make_admission, make_applicant
from tests.officers import token

PASSWORD = "草原上的风-2026"


@pytest.fixture
def citizen(committed_db, portal_app):
    """`citizen(email=…)`: somebody with an account, and their signed-in browser."""

    def sign_in(**values):
        with committed_db.as_worker(), db.transaction() as session:
            person = make_applicant(session, phone="13800138000", password_hash=hash_password(PASSWORD), **values)
            person_id = person.id
        client = portal_app.test_client()
        page = client.get("/sign-in")
        answer = client.post("/sign-in", data={"csrf_token": token(page), "phone": "13800138000", "password": PASSWORD})
        return person_id, client, answer

    return sign_in


def _row(committed_db, person_id: int) -> Applicant:
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(Applicant).where(Applicant.id == person_id)).one()


def _text(answer) -> str:
    return answer.get_data(as_text=True)


def test_choices_are_kept_and_shown_again(committed_db, citizen):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    page = client.get("/account/letters")
    assert "通知怎么收" in _text(client.get("/account")) and _text(page).count(" checked") == 7
    form = {"csrf_token": token(page), "form": "wanted", "wanted": ["act:mail", "act:sms", "progress:mail", "other:mail"], "quiet": "own", "quiet_from": "20:30", "quiet_until": "08:00"}

    kept = client.post("/account/letters", data=form, follow_redirects=True)

    assert "接收方式已存好" in _text(kept) and _text(kept).count(" checked") == 5 and 'value="20:30"' in _text(kept)
    person = _row(committed_db, person_id)
    assert (person.muted, str(person.quiet_from)) == (["other:sms", "progress:sms"], "20:30:00")


def test_with_one_way_only_what_must_be_told_cannot_be_unticked_and_says_why(committed_db, citizen):
    person_id, client, _ = citizen(email=None)
    page = client.get("/account/letters")
    assert 'value="act:sms" checked disabled' in _text(page) and "只有一个联系方式时不能关" in _text(page)
    # a browser sends nothing of a disabled box, and whoever sends nothing at all changes nothing either
    client.post("/account/letters", data={"csrf_token": token(page), "form": "wanted"})
    assert _row(committed_db, person_id).muted == ["other:sms", "progress:sms"]


@pytest.mark.parametrize(
    ("form", "said"),
    [({"wanted": ["progress:mail"]}, "至少留一个渠道"), ({"wanted": ["act:mail", "act:pigeon"]}, "没有这一种函件或渠道"), ({"wanted": ["act:mail"], "quiet": "own", "quiet_from": "25:00", "quiet_until": "07:00"}, "请写成 22:00"),
     ({"wanted": ["act:mail"], "quiet": "own", "quiet_from": "22:00", "quiet_until": "22:00"}, "不能是同一时间")],
)  # fmt: skip
def test_what_is_wrong_is_said_at_the_top_and_at_its_place_and_what_was_typed_stays(committed_db, citizen, form, said):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    page = client.get("/account/letters")
    answer = client.post("/account/letters", data={"csrf_token": token(page), "form": "wanted", **form})
    assert answer.status_code == 422 and _text(answer).count(said) >= 1 and "error-summary" in _text(answer)
    assert _row(committed_db, person_id).muted is None and _row(committed_db, person_id).quiet_from is None
    if "quiet_from" in form:
        assert f'value="{form["quiet_from"]}"' in _text(answer)


def test_no_choice_without_the_form_token_or_without_signing_in(committed_db, citizen, portal_app):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    for path in ("/account/letters", "/account/email", "/account/phone"):
        assert client.post(path, data={"email": "x@example.cn"}).status_code == 400
        stranger = portal_app.test_client()
        form = {"csrf_token": token(stranger.get("/sign-in")), "email": "x@example.cn"}
        assert stranger.post(path, data=form).headers["Location"].startswith("/sign-in")
    assert _row(committed_db, person_id).email == "gaowa@example.cn"


def test_who_cannot_be_reached_by_mail_is_asked_at_the_next_sign_in_and_corrects_it(committed_db, citizen, portal_app):
    person_id, _client, first = citizen(email="alt@example.cn")
    assert first.headers["Location"] == "/file"
    with committed_db.as_worker(), db.transaction() as session:
        session.execute(update(Applicant).where(Applicant.id == person_id).values(email_failed_at=clock.now(session)))
    again = portal_app.test_client()
    page = again.get("/sign-in")
    answer = again.post("/sign-in", data={"csrf_token": token(page), "phone": "13800138000", "password": PASSWORD})
    assert answer.headers["Location"] == "/account/letters"
    page = _text(again.get("/account/letters"))
    assert "发往您邮箱的信被退回了" in page and "您的邮箱收不到信" in page and "alt@example.cn" not in page


def test_another_phone_is_asked_for_confirmed_and_signed_in_with(committed_db, citizen, portal_app, code_sent):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    page = client.get("/account/phone")
    form = {"csrf_token": token(page), "do": "ask", "address": "13911112222"}
    wrong = client.post("/account/phone", data=form | {"password": "geraten-geraten"})
    assert wrong.status_code == 422 and 'value="13911112222"' in _text(wrong)
    page = client.post("/account/phone", data=form | {"password": PASSWORD}, follow_redirects=True)
    assert "验证码发到了 139****2222" in _text(page) and "13911112222" not in _text(page)
    with committed_db.as_worker(), db.transaction() as session:
        assert "13911112222" not in str(session.scalars(select(WebSession.data)).all())

    code = code_sent()
    wrong = client.post("/account/phone", data={"csrf_token": token(page), "do": "confirm", "code": "000000" if code != "000000" else "111111"})
    assert wrong.status_code == 422 and "还可以再试 4 次" in _text(wrong)
    assert _row(committed_db, person_id).phone == "13800138000"
    done = client.post("/account/phone", data={"csrf_token": token(page), "do": "confirm", "code": code}, follow_redirects=True)

    assert "手机号已修改" in _text(done) and "您的账户换了手机号" in _text(done) and "139****2222" in _text(done)
    fresh = portal_app.test_client()
    form = {"csrf_token": token(fresh.get("/sign-in")), "password": PASSWORD}
    assert fresh.post("/sign-in", data=form | {"phone": "13800138000"}).status_code == 401
    assert fresh.post("/sign-in", data=form | {"phone": "13911112222"}).status_code == 303


def test_a_mailbox_is_confirmed_by_the_code_in_it_and_can_be_dropped(committed_db, citizen):
    person_id, client, _ = citizen(email=None)
    page = client.get("/account/email")
    form = {"csrf_token": token(page), "do": "ask"}
    wrong = client.post("/account/email", data=form | {"address": "neu@"})
    assert wrong.status_code == 422 and "邮箱地址不完整" in _text(wrong) and 'value="neu@"' in _text(wrong)
    client.post("/account/email", data=form | {"address": "neu@example.cn"})
    mailbox = Path(committed_db.settings.mail_url.removeprefix("folder:"))
    (mail,) = (text for path in mailbox.glob("*.eml") if "neu@example.cn" in (text := path.read_text()))
    code = re.search(r"\d{6}", message_from_string(mail, policy=default).get_content()).group()
    assert _row(committed_db, person_id).email is None
    client.post("/account/email", data=form | {"do": "confirm", "code": code})
    assert _row(committed_db, person_id).email == "neu@example.cn"
    dropped = client.post("/account/email", data=form | {"do": "drop"}, follow_redirects=True)
    assert "邮箱已删去" in _text(dropped) and _row(committed_db, person_id).email is None


def test_whose_phone_does_not_ring_is_told_on_every_page_that_is_about_it(committed_db, citizen):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    with committed_db.as_worker(), db.transaction() as session:
        person = session.get_one(Applicant, person_id)
        person.phone_failed_at = clock.now(session)
        application_id = make_admission(session, applicant=person).application_id
    for path in ("/account", "/account/letters", "/account/phone", f"/applications/{application_id}"):
        assert "收不到短信" in _text(client.get(path)), path
    page = client.get("/account/letters")
    assert 'value="act:sms" checked disabled' in _text(page) and 'value="act:mail" checked disabled' in _text(page)


def test_a_letter_says_by_which_ways_it_went_and_not_which_machines_heard_of_it(committed_db, citizen):
    person_id, client, _ = citizen(email="gaowa@example.cn")
    with committed_db.as_worker(), db.transaction() as session:
        person = session.get_one(Applicant, person_id)
        admission = make_admission(session, applicant=person)
        write(session, [Occasion("withdrawn", admission, "k:1", admission.office_id)])
        rows = {row.channel: row for row in session.scalars(select(Delivery))}
        rows["mail"].sent_at = rows["mail"].bounced_at = clock.now(session)
        rows["sms"].sent_at, letter_id = clock.now(session), rows["sms"].letter_id
    said = _text(client.get(f"/letters/{letter_id}"))
    assert "怎么通知您的" in said and "被退回" in said and "已送出" in said and "站内" in said and "接口" not in said


@pytest.mark.browser
def test_page_fits_and_axe_finds_nothing_serious(committed_db, live_server, page):
    with committed_db.as_worker(), db.transaction() as session:
        make_applicant(session, phone="13800138000", password_hash=hash_password(PASSWORD), email="gaowa@example.cn", email_failed_at=clock.now(session))
    page.goto("/sign-in")
    page.fill("#phone", "13800138000")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/account/letters")
    sound(page, widths=(360, 1440), lights=("light", "dark"))
