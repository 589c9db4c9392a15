"""Registering, signing in and out, setting a new password, and what the account page does."""

from __future__ import annotations

import re

from sqlalchemy import text

from console import db
from tests.console.portal.conftest import PASSWORD, Citizen, register


def begin(visitor: Citizen, phone: str = "138 0013 8000") -> None:
    visitor.get("/register")
    visitor.submit("/codes", {"phone": phone})


def details(code: str, **changes: object) -> dict[str, object]:
    return {"code": code, "name": "高娃", "password": PASSWORD, "email": "", "consent": "y"} | changes


def test_a_phone_a_code_and_consent_make_an_account(visitor, code_sent, committed_db):
    begin(visitor)

    page = visitor.submit("", details(code_sent()))

    assert visitor.path == "/file" and "还没有申报" in page.text
    with committed_db.as_worker(), db.transaction() as session:
        row = session.execute(text("SELECT name, phone, consent_version, password_hash FROM applicant")).one()
    assert (row.name, row.consent_version) == ("高娃", "2026-11")
    assert "13800138000" not in row.phone and row.password_hash.startswith("$argon2")


def test_everything_wrong_is_said_at_once_and_kept(visitor, code_sent):
    begin(visitor)

    page = visitor.submit("", details(code_sent(), name="高", password="short", email="not an address"), status=422)

    assert page.problems == [
        "姓名：请填写身份证上的姓名。", "设置密码：密码至少 10 个字符。几个词连起来就好记。", "邮箱（选填）：邮箱地址不完整，请核对；没有可以不填。",
    ]  # fmt: skip
    assert 'value="not an address"' in page.html and "short" not in page.html  # a password is never sent back


def test_consent_has_to_be_given(visitor, code_sent):
    begin(visitor)

    page = visitor.submit("", details(code_sent(), consent=[]), status=422)

    assert page.problems == ["我已阅读并同意个人信息处理说明：请阅读并同意个人信息处理说明，才能注册。"]


def test_a_wrong_code_is_refused_and_guesses_end(visitor, code_sent):
    begin(visitor)
    right = code_sent()
    wrong = "000000" if right != "000000" else "111111"
    said = [visitor.submit("", details(wrong), status=422).problems for _try in range(5)]
    dead = "短信验证码：验证码已经作废：用过了、过期了，或者错了太多次。请重新获取。"
    assert said == [[f"短信验证码：验证码不对，还可以再试 {left} 次。"] for left in (4, 3, 2, 1)] + [[dead]]

    assert "尝试次数过多" in visitor.submit("", details(right), status=429).text


def test_a_phone_is_registered_once_and_only_its_holder_learns_that(visitor, code_sent):
    register(phone="13800138000")
    begin(visitor)
    assert visitor.path == "/register"  # as for any other number

    page = visitor.submit("", details(code_sent()), status=422)

    assert page.problems == ["短信验证码：这个手机号已经注册过了。请直接登录；忘了密码可以用验证码重设。"]


def test_a_number_that_is_none_is_said_beside_the_field(visitor):
    visitor.get("/register")

    page = visitor.submit("/codes", {"phone": "12345"}, status=422)

    assert page.problems == ["手机号：手机号应是 1 开头的 11 位数字，请核对。"]
    assert 'value="12345"' in page.html


def test_signing_in_leads_back_to_the_page_asked_for(visitor):
    register(phone="13800138000")
    visitor.get("/training")
    assert visitor.path == "/sign-in?next=/training"

    visitor.submit("", {"phone": "13800138000", "password": PASSWORD})

    assert visitor.path == "/training"


def test_signing_in_never_leads_elsewhere(visitor):
    register(phone="13800138000")
    visitor.get("/sign-in?next=https://evil.example/")

    visitor.submit("", {"phone": "13800138000", "password": PASSWORD})

    assert visitor.path.startswith("/file")


def test_a_wrong_password_and_an_unknown_phone_read_alike(visitor):
    register(phone="13800138000")
    visitor.get("/sign-in")

    known = visitor.submit("", {"phone": "13800138000", "password": "wrong"}, status=401).problems
    unknown = visitor.submit("", {"phone": "13800138999", "password": "wrong"}, status=401).problems

    assert known == unknown == ["手机号：手机号或密码不对。连续输错 5 次会锁定 15 分钟。"]


def test_guessing_a_password_ends_after_five_tries(visitor):
    register(phone="13800138000")
    visitor.get("/sign-in")
    for _try in range(5):
        visitor.submit("", {"phone": "13800138000", "password": "wrong"}, status=401)

    assert "尝试次数过多" in visitor.submit("", {"phone": "13800138000", "password": PASSWORD}, status=429).text


def test_signing_out_kills_a_copied_cookie(citizen, portal_app):
    cookie = citizen.client.get_cookie("ruku_portal").value
    citizen.get("/account")

    citizen.submit("/sign-out")

    assert citizen.path == "/" and "登录" in citizen.page.text
    thief = portal_app.test_client()
    thief.set_cookie("ruku_portal", cookie)
    assert thief.get("/account").status_code == 302


def test_a_new_password_by_code_ends_every_session(citizen, portal_app, code_sent):
    fresh = Citizen(portal_app.test_client())
    fresh.get("/reset")
    fresh.submit("/codes", {"phone": citizen.phone})

    fresh.submit("", {"code": code_sent(), "password": "另一个 足够长的 密码"})

    assert fresh.path == "/file"
    assert citizen.client.get("/account").status_code == 302


def test_asking_for_a_new_password_does_not_tell_whether_a_phone_is_known(visitor, committed_db):
    visitor.get("/reset")

    page = visitor.submit("/codes", {"phone": "13811112222"})

    assert "验证码已发到 138****2222" in page.text and visitor.path == "/reset"
    page = visitor.submit("", {"code": "123456", "password": PASSWORD}, status=422)
    assert page.problems == ["短信验证码：验证码不对，还可以再试 4 次。"]


def test_the_account_lists_devices_and_ends_them(citizen, portal_app):
    phone = Citizen(portal_app.test_client())
    phone.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone) Safari/604"
    phone.get("/sign-in")
    phone.submit("", {"phone": citizen.phone, "password": PASSWORD})
    page = citizen.get("/account")
    assert "iPhone · Safari" in page.text and "就是这里" in page.text

    number = re.search(r'name="session" value="([0-9a-f]{16})"', page.html)
    assert number
    citizen.submit("/account/sessions/end", {"session": number[1]})

    assert phone.client.get("/account").status_code == 302
    assert "iPhone" not in citizen.get("/account").text


def test_changing_the_password_asks_for_the_old_one_and_ends_the_other_sessions(citizen, portal_app):
    other = Citizen(portal_app.test_client())
    other.get("/sign-in")
    other.submit("", {"phone": citizen.phone, "password": PASSWORD})
    citizen.get("/account")

    wrong = citizen.submit("/account/password", {"old": "wrong", "password": "另一个 足够长的 密码"}, status=422)
    assert wrong.problems == ["现在的密码：现在的密码不对，密码没有修改。"]
    weak = citizen.submit("/account/password", {"old": PASSWORD, "password": "1234567890"}, status=422)
    assert weak.problems == ["新密码：这个密码太容易猜到，请换一个。"]
    citizen.submit("/account/password", {"old": PASSWORD, "password": "另一个 足够长的 密码"})

    assert citizen.path == "/account" and "密码已修改" in citizen.page.text
    assert other.client.get("/account").status_code == 302


def test_letters_are_written_in_the_language_chosen(citizen, committed_db):
    citizen.get("/account")

    citizen.submit("/account/language", {"language": "en"})

    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT language FROM applicant")) == "en"
