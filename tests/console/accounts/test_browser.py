"""An account's life in a real browser: made by a link, given a second step, signed in with it, closed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyotp

from console.roles import Role
from tests.browsing import press, sign_in
from tests.officers import PASSWORD, make_account

NEW = "a quiet morning in spring"


def _no_sideways(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, page.url


def test_an_account_from_its_link_to_its_end(committed_db: Any, browser: Any, live_server: str) -> None:
    _, admin_name = make_account(committed_db, Role.DEPARTMENT_ADMIN, division="150105")
    wrong: list[str] = []
    admin, theirs = browser.new_page(), browser.browser.new_context(base_url=live_server, locale="zh-CN")
    person = theirs.new_page()
    for page in (admin, person):
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)

    sign_in(admin, admin_name, PASSWORD)
    admin.goto("/console/people/new")
    _no_sideways(admin)
    for name, value in (("family", "欧阳"), ("given", "娜"), ("username", "ouyang.na"), ("title", "科员")):
        admin.fill(f"#{name}", value)
    press(admin, "text=建账号，得到链接")
    link = admin.input_value("#link")
    _no_sideways(admin)

    person.goto(link)
    person.fill("#password", NEW)
    person.fill("#again", NEW)
    press(person, "text=设置密码并登录")
    person.goto("/console/account/two-step/")
    press(person, "button:text('开始设置')")
    made = pyotp.TOTP(person.inner_text("#secret").replace(" ", ""))
    assert person.locator(".qr-box svg").bounding_box()["width"] > 150  # large enough to scan
    person.fill("#code", made.now())
    press(person, "text=确认启用")
    assert person.locator("#codes li").count() == 10
    press(person, "text=退出")

    sign_in(person, "ouyang.na", NEW)
    person.fill("#code", made.at(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)))
    press(person, "main form button")
    person.goto("/console/account/")
    assert person.locator("text=这台设备").count() == 1

    press(admin, "text=好了，看这个账号")
    press(admin, "text=办理离岗…")
    _no_sideways(admin)
    admin.fill("#reason", "调离本单位")
    press(admin, "main form button")
    admin.wait_for_selector("text=已离岗")
    person.goto("/console/account/")
    assert "/login/" in person.url
    assert [said for said in wrong if "403" not in said] == []  # the home of somebody without any grant says so with a 403
    theirs.close()
