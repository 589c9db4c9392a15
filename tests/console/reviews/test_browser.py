"""The desk in a real browser: the dialog asks, the decision goes through, and the phone's page does not scroll sideways."""

from __future__ import annotations

from typing import Any

from console.db import transaction
from console.roles import Role
from tests.browsing import press, sign_in
from tests.console.reviews.making import full_file
from tests.officers import PASSWORD, make_account


def test_return_through_the_dialog_on_a_phone(committed_db: Any, browser: Any) -> None:
    _, username = make_account(committed_db, Role.FIRST_REVIEWER)
    with committed_db.as_worker(), transaction() as session:
        admission_id = full_file(session, level=1).id
    page = browser.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    sign_in(page, username, PASSWORD)
    page.goto(f"/console/files/{admission_id}")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    page.fill("#note", "证书看不清")
    page.click("text=退回补正…")
    page.check("[id='item-title_paper']")
    page.fill("[id='item-reason-title_paper']", "请补清晰的扫描件")
    press(page, "text=退回所选各项")

    page.wait_for_selector("text=现处于“待申报人补正”环节")
    assert (overflow, wrong) == (0, [])
