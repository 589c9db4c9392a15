"""What everybody reads of the registers, and the form by which everybody enters a row: a complaint and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from console import db
from console.registers import intake, loading, services
from console.registers.published import PAGE
from console.scope import System
from tests.browsing import press
from tests.console.portal.conftest import Citizen, one_page_pdf, sound

AGENCY: Mapping[str, Any] = {
    "name": "草原招标代理有限公司", "uscc": "91150100MA0N0BXY6M", "division": "150105", "legal_person": "敖登", "contact_phone": "13900001234",
    "business": ["construction"], "since": "2015-06-01", "credit_grade": "A",
    "credit_history": [{"rated_on": "2026-03-01", "grade": "A", "rated_by": "自治区公共资源交易中心"}],
    "staff": [{"person": "包艳丽", "certificate": "none", "joined": "2020-01-01"}],
}  # fmt: skip
DOCUMENT: Mapping[str, Any] = {
    "title": "公共资源交易平台服务规则", "number": "内公资〔2020〕1号", "issuer": "自治区公共资源交易中心", "keeper": "centre", "level": "platform",
    "issued_on": "2020-05-01", "in_force_from": "2020-06-01", "disclosure": "public",
}  # fmt: skip
COMPLAINT: Mapping[str, Any] = {
    "nature": "complaint", "trade": "construction", "against": "agency", "topic": "代理机构泄露投标人名称", "division": "150105", "known_on": "2020-01-02",
    "content": "开标前三天，代理机构把投标人名称告诉了另一家。", "complainant": "某某建设公司", "contact_phone": "13900007777", "consent": "yes",
}  # fmt: skip
FORM = "/registers/centre/complaints/new"


def _uscc(number: int) -> str:
    """A code with the right check character (GB 32100)."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91150100MA0N{number:05d}"
    total = sum(letters.index(char) * pow(3, at, 31) for at, char in enumerate(body))
    return body + letters[(31 - total % 31) % 31]


def enter(register: str, values: Mapping[str, Any], *moves: str, **more: Any) -> int:
    with db.transaction() as session:
        one = loading.register(f"centre-{register}")
        row = services.enter(session, one, {**values, **more}, actor=System("test")).row
        for move in moves:
            services.move(session, one, [row], move, actor=System("test"), reason="测试需要")
        return int(row.id)


def test_everybody_finds_an_agency_by_name_or_code_and_sees_nothing_secret(visitor: Citizen, committed_db: Any) -> None:
    with committed_db.as_worker():
        number = enter("agencies", AGENCY)
        for at in range(PAGE + 1):
            enter("agencies", AGENCY, name=f"另一家{at:02d}", uscc=_uscc(at), credit_grade="unrated", credit_history=[])
        enter("agencies", AGENCY, "close", name="注销了的", uscc=_uscc(99))
    page = visitor.get("/registers/centre/agencies")
    assert "共 22 条" in page.text and "注销了的" not in page.text and page.text.count("另一家") == PAGE
    page = visitor.get(page.links["下一页"])
    assert (page.text.count("另一家"), "草原招标" in page.text, "下一页" in page.links) == (1, True, False)

    for query in ("q=草原招标", "q=91150100MA0N0BXY6M", "credit_grade=A", "division=150100&q=草原"):
        assert "共 1 条" in visitor.get(f"/registers/centre/agencies?{query}").text
    assert "没有符合条件的" in visitor.get("/registers/centre/agencies?division=150200").text
    for query in ("credit_grade=' OR 1=1", "after=999999999999999", "after=-1", "division=%", "since=x", "q=%25", "state=closed"):
        assert visitor.client.get(f"/registers/centre/agencies?{query}").status_code in (200, 404)
        assert "注销了的" not in visitor.client.get(f"/registers/centre/agencies?{query}").text

    page = visitor.get(f"/registers/centre/agencies/{number}")
    assert "包艳丽" in page.text and "敖登" in page.text and "自治区公共资源交易中心" in page.text
    assert "13900001234" not in page.html and "139****1234" not in page.html


@pytest.mark.parametrize("path", ["/registers/centre/tasks", "/registers/centre/tasks/1", "/registers/centre/tasks/new", "/registers/centre/nothing",
                                  "/registers/water/agencies", "/registers/centre/agencies/new", "/registers/centre/agencies/2147483648", "/registers/centre/agencies/1"])  # fmt: skip
def test_what_is_not_for_everybody_is_not_found(visitor: Citizen, path: str) -> None:
    visitor.get(path, status=404)


def test_rules_in_force_are_listed_with_their_successor_and_internal_ones_are_not(visitor: Citizen, committed_db: Any) -> None:
    with committed_db.as_worker():
        new = enter("documents", DOCUMENT, "publish")
        with db.transaction() as session:
            one = loading.register("centre-documents")
            old = services.enter(session, one, {**DOCUMENT, "number": "内公资〔2016〕3号", "title": "旧规则", "issued_on": "2016-03-01"}, actor=System("test")).row
            services.move(session, one, [old], "publish", actor=System("test"))
            ended = {"ending": "replaced", "successor": new, "in_force_until": "2020-06-01", "in_force_from": "2016-04-01"}
            services.change(session, one, old, ended, actor=System("test"), version=None)
            services.move(session, one, [old], "repeal", actor=System("test"), reason="由新规则替代")
            old_number = old.id
        hidden = enter("documents", DOCUMENT, "publish", number="内部1号", title="内部文件", disclosure="internal")
        draft = enter("documents", DOCUMENT, number="草稿1号", title="没核对的")
    page = visitor.get("/registers/centre/documents")
    assert "共 2 条" in page.text and "内部文件" not in page.text and "没核对的" not in page.text
    assert "共 1 条" in visitor.get("/registers/centre/documents?issued_on=2016").text
    assert "共 1 条" in visitor.get("/registers/centre/documents?state=in_force&level=platform").text
    page = visitor.get(f"/registers/centre/documents/{old_number}")
    assert page.links["公共资源交易平台服务规则"] == f"/registers/centre/documents/{new}"
    for number in (hidden, draft):
        visitor.get(f"/registers/centre/documents/{number}", status=404)


def test_a_complaint_is_sent_in_transferred_answered_and_followed_by_its_code(visitor: Citizen, committed_db: Any) -> None:
    visitor.get(FORM)
    page = visitor.submit("answers", {"content": "没写够", "nature": "complaint"}, do="send", status=422)
    assert any("我们" in text or "请填写“事由”" in text for text in page.problems) and "请勾选" in page.text and "没写够" in page.html
    page = visitor.submit("answers", dict(COMPLAINT) | {"contact_phone": "110"}, do="send", files={"upload:evidence": (one_page_pdf(), "证据.pdf")}, status=422)
    assert len(page.problems) == 1 and "证据.pdf" in page.text

    page = visitor.submit("answers", {"contact_phone": "13900007777"}, do="send")

    assert visitor.path == "/registers/centre/complaints/sent"
    code = re.search(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}", page.text)
    assert code
    progress = f"/registers/centre/complaints/progress?code={code[0]}"
    assert "已收到，待受理" in visitor.get(progress).text and "办理期限" in visitor.page.text
    with committed_db.as_worker(), db.transaction() as session:
        one = loading.register("centre-complaints")
        row = session.query(one.rows).one()
        assert (row.entered_by, row.office.department.code, row.content, row.evidence[0]["name"]) == ("public", "centre", COMPLAINT["content"], "证据.pdf")
        services.move(session, one, [row], "accept", actor=System("test"))
        services.change(session, one, row, {"competent": "housing"}, actor=System("test"), version=None)
        services.move(session, one, [row], "transfer", actor=System("test"))
        assert row.office.department.code == "housing"
        done = {"outcome": "upheld", "answer": "已责令代理机构改正，并记入信用记录。", "published": "一代理机构泄露投标人名称，已责令改正。"}
        services.change(session, one, row, done, actor=System("test"), version=None)
    assert "已责令" in visitor.get(progress).text  # the answer shows as soon as it is written
    with committed_db.as_worker(), db.transaction() as session:
        row = session.query(one.rows).one()
        services.move(session, one, [row], "answer", actor=System("test"))
        services.move(session, one, [row], "publish", actor=System("test"))
    page = visitor.get("/registers/centre/complaints")
    assert "已责令改正" in page.text and "某某建设公司" not in page.html and "13900007777" not in page.html and "代理机构泄露投标人名称" in page.text
    visitor.get("/registers/centre/complaints/progress?code=ABCD-ABCD-ABCD-ABCD", status=404)


def test_a_complaint_about_government_procurement_is_told_where_to_go_and_not_taken(visitor: Citizen, committed_db: Any) -> None:
    visitor.get(FORM)
    page = visitor.submit("answers", dict(COMPLAINT) | {"trade": "procurement"}, do="send", status=422)
    assert "财政部令第94号" in page.text and "0471-000-0201" in page.text and COMPLAINT["content"] in page.html
    with committed_db.as_worker(), db.transaction() as session:
        assert session.query(loading.register("centre-complaints").rows).count() == 0


def test_one_of_many_agencies_is_found_by_words_and_stays_chosen(visitor: Citizen, committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_OFFERED", 3)
    with committed_db.as_worker():
        for at, name in enumerate(("阿旗代理", "巴林代理", "察右代理", "达茂代理", "额济纳咨询")):
            enter("agencies", AGENCY, name=name, uscc=_uscc(at))
        enter("agencies", AGENCY, "close", name="额尔注销了的", uscc=_uscc(99))
    offered = lambda page: re.findall(r">([^<]+(?:代理|咨询|注销了的))</option>", page.html)  # noqa: E731
    visitor.get(FORM)
    page = visitor.submit("answers", COMPLAINT, do="stay")
    assert len(offered(page)) == 3 and "数目较多" in page.text
    page = visitor.submit("answers", {"find:agency": "额"}, do="find:agency")
    assert offered(page) == ["额济纳咨询"] and "请选一个" in page.text
    number = re.search(r'value="(\d+)">额济纳咨询', page.html)
    assert number
    page = visitor.submit("answers", {"agency": number[1], "find:agency": "没有这家"}, do="find:agency")
    assert "没有找到“没有这家”" in page.text and f'value="{number[1]}" selected>额济纳咨询' in page.html
    visitor.submit("answers", dict(COMPLAINT) | {"agency": number[1]}, do="send")
    with committed_db.as_worker(), db.transaction() as session:
        assert session.query(loading.register("centre-complaints").rows).one().agency_id == int(number[1])


def test_what_is_forged_or_harmful_goes_nowhere(visitor: Citizen, committed_db: Any) -> None:
    visitor.get(FORM)
    page = visitor.submit("answers", dict(COMPLAINT), do="send", files={"upload:evidence": (b"MZ\x90\x00 not a paper", "程序.pdf")}, status=422)
    assert len(page.problems) == 1 and "程序.pdf" in page.problems[0]
    page = visitor.submit("answers", {"kept:evidence": "forged", "topic": "<script>alert(1)</script>"}, do="stay")
    assert "<script>alert(1)" not in page.html and "&lt;script&gt;" in page.html
    forged = {"state": "published", "competent": "water", "outcome": "upheld", "published": "伪造的", "id": "7", "office_id": "1", "accepted_on": "2020-01-01", "receipt": "x"}
    visitor.submit("answers", forged, do="send")
    with committed_db.as_worker(), db.transaction() as session:
        row = session.query(loading.register("centre-complaints").rows).one()
        assert (row.state, row.competent_code, row.outcome, row.published, row.accepted_on, row.office.department.code) == ("received", None, None, None, None, "centre")
    assert "伪造的" not in visitor.get("/registers/centre/complaints").text


def test_a_flood_is_slowed_down_without_a_riddle(visitor: Citizen, committed_db: Any) -> None:
    visitor.get(FORM)
    form = dict(COMPLAINT) | {"csrf_token": dict(visitor.page.form("answers")["data"])["csrf_token"], "do": "send"}
    answers = [visitor.client.post(FORM, data=form).status_code for _ in range(8)]
    assert answers == [303] * 5 + [429] * 3
    with committed_db.as_worker(), db.transaction() as session:
        assert session.query(loading.register("centre-complaints").rows).count() == 5


def test_in_a_browser_the_public_pages_are_sound_and_a_complaint_goes_through(page: Any, live_server: str, committed_db: Any) -> None:
    with committed_db.as_worker():
        enter("agencies", AGENCY)
        enter("documents", DOCUMENT, "publish")
    for path in ("/registers", "/registers/centre/agencies", "/registers/centre/agencies/1", "/registers/centre/documents?q=没有", "/registers/centre/agencies/draws", "/registers/centre/complaints/progress"):
        for lang in ("zh", "en"):
            page.goto(f"{live_server}/lang/{lang}?next={quote(path)}")
            sound(page, widths=(360, 1440), lights=("light", "dark"))
    page.goto(f"{live_server}/lang/zh?next={FORM}")
    sound(page, widths=(360, 1440), lights=("light", "dark"))
    press(page, "button[value=send]")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    sound(page, widths=(360,))
    for name, value in COMPLAINT.items():
        control = page.locator(f"[name={name}]")
        if control.count() > 1 or control.get_attribute("type") == "checkbox":
            page.check(f"[name={name}][value={value}]")
        elif control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(str(value))
        else:
            control.fill(str(value))
    page.set_input_files("[name='upload:evidence']", {"name": "证据.pdf", "mimeType": "application/pdf", "buffer": one_page_pdf()})
    page.fill("[name=contact_phone]", "110")
    press(page, "button[value=send]")  # what was chosen and typed outlives a mistake
    assert page.locator(".upload .name").inner_text() == "证据.pdf" and page.input_value("[name=content]") == COMPLAINT["content"]
    page.fill("[name=contact_phone]", str(COMPLAINT["contact_phone"]))
    press(page, "button[value=send]")
    assert page.locator(".receipt-code").inner_text()
    sound(page, widths=(360, 1440))
