"""A file in and a list out in a real browser, with the relay and the worker that carry them."""

from __future__ import annotations

from typing import Any

import pytest

from console import apps as assembled
from console import relay
from tests.browsing import serious
from tests.console.exchange.test_import import OFFICE, lines


@pytest.fixture(scope="module")
def apps(database: Any, venue_app: Any) -> Any:
    return assembled.create_portal(database.settings), venue_app


def test_a_file_is_brought_confirmed_and_exported_again(committed_db: Any, admin: Any, browser: Any, live_server: str) -> None:
    cookies = [{"name": cookie.key, "value": cookie.value, "url": f"{live_server}/"} for cookie in admin._cookies.values()]
    browser.add_cookies(cookies)
    page = browser.new_page()
    page.goto("/console/screens/t-venues/import")
    wrong = lines(9, _2="没有这个局,0002,考场,二,2026-02-30,,,,\n", _4=f"{OFFICE},0001,考场4,4,,,,,\n")
    page.set_input_files("#file", {"name": "考场.csv", "mimeType": "text/csv", "buffer": wrong.encode("gb18030")})
    page.get_by_role("button", name="上传并核对").click()
    _work(committed_db)
    page.get_by_text("等您确认", exact=True).wait_for()  # the page looks again by itself
    assert "和第 2 行重复" in page.content()
    assert serious(page) == []
    page.get_by_role("button", name="略过 2 行").click()
    page.get_by_role("button", name="略过有误的行，导入").click()
    page.get_by_text("等待写入", exact=True).wait_for()
    _work(committed_db)
    page.get_by_text("已导入", exact=True).wait_for()

    page.goto("/console/screens/t-venues/")
    page.locator("summary", has_text="导出").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="导出 CSV").click()
    _work(committed_db)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载").click()
    content = download.value.path().read_text(encoding="utf-8-sig")
    assert content.count(OFFICE) == 7
    assert serious(page) == []


def _work(database: Any) -> None:
    with database.as_worker():
        relay.settle(database.settings)
