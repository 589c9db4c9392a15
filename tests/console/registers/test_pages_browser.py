"""The registers' pages in the console, in a real browser: nothing serious by axe, nothing wider than a phone, empty, full of long names and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from console.registers import loading
from console.roles import Role
from tests import browsing
from tests.console.portal.test_registers import AGENCY, COMPLAINT, DOCUMENT, _uscc, enter
from tests.officers import PASSWORD, make_account
from tests.rules.test_registers import REGISTER

NEW = REGISTER.replace("reg: R1", "reg: NM-72-2021")
LONG = "内蒙古自治区锡林郭勒盟苏尼特右旗赛汉塔拉镇草原公共资源交易招标代理与工程造价咨询有限责任公司"
EMPTY = ("centre-inspections/", "centre-inspections/add", "centre-tasks/", "centre-tasks/add", "centre-documents/?q=没有的")
FULL = (
    "centre-agencies/", "centre-agencies/?column=" + "&column=".join(["name", "uscc", "legal_person", "contact", "website", "since", "controls", "office", "entered_at"]),
    "centre-agencies/{agency}", "centre-agencies/{agency}/edit", "centre-agencies/{agency}/history", "centre-agencies/import",
    "centre-agencies/change?rowid={agency}", *(f"centre-agencies/change?rowid={{agency}}&change-field={one}" for one in ("division", "business", "internal_control")),
    "centre-complaints/", "centre-complaints/{complaint}", "centre-complaints/{complaint}/edit", "centre-complaints/{complaint}/history",
    "centre-complaints/act/move_refuse?rowid={complaint}", "centre-documents/", "centre-documents/{document}", "centre-agencies/999999", "../exports/", "../imports/",
    "../api/v1/docs", "../account/tokens/",
)  # fmt: skip


@pytest.fixture
def made(committed_db: Any, clock: Any) -> dict[str, int]:
    with committed_db.as_worker():
        ids = {
            "agency": enter("agencies", AGENCY, name=LONG, staff=[{"person": f"包艳丽{at}", "certificate": "none", "joined": "2020-01-01"} for at in range(12)]),
            "complaint": enter("complaints", COMPLAINT, topic=LONG), "document": enter("documents", DOCUMENT, title=LONG),
        }  # fmt: skip
        for at in range(30):
            enter("agencies", AGENCY, name=f"{LONG[:40]}{at:02d}", uscc=_uscc(at), credit_grade="unrated", credit_history=[])
    return ids


@pytest.fixture
def page(committed_db: Any, browser: Any, live_server: str) -> Any:
    _, username = make_account(committed_db, Role.COORDINATOR, department="centre")
    made = browser.new_page()
    made.set_default_timeout(60_000)
    browsing.sign_in(made, username, PASSWORD)
    return made


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_pages_are_sound_on_a_phone_and_on_a_desk(made: dict[str, int], page: Any, live_server: str, language: str, theme: str) -> None:
    page.context.add_cookies([{"name": f"ruku_{name}", "value": value, "url": live_server} for name, value in (("lang", language), ("theme", theme))])
    faults: list[Any] = []
    for path in (*EMPTY, *FULL):
        answer = page.goto("/console/screens/" + path.format(**made))
        assert answer.status == (404 if "999999" in path else 200), path
        faults += _faults(page, path)
    page.goto("/console/screens/centre-complaints/add")
    browsing.press(page, ".form-foot button[value=save]")
    assert page.locator(".error-summary li").count() > 3
    faults += _faults(page, "a form with mistakes")
    assert faults == []


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_pages_about_declarations_are_sound(committed_db: Any, browser: Any, live_server: str, language: str, theme: str) -> None:
    browser.add_cookies([{"name": f"ruku_{name}", "value": value, "url": live_server} for name, value in (("lang", language), ("theme", theme))])
    page = browser.new_page()
    page.set_default_timeout(60_000)
    browsing.sign_in(page, make_account(committed_db, Role.RULE_EDITOR, department="centre")[1], PASSWORD)
    faults: list[Any] = []
    for path in ("", "centre-agencies", "check"):
        page.goto(f"/console/register-plans/{path}")
        faults += _faults(page, path)
    for text in (NEW, NEW.replace("kind: email", "kind: letter"), NEW.replace("id: penalties", "id: agencies")):
        page.fill("#text", text)
        browsing.press(page, "main form .btn-primary")
        faults += _faults(page, text[:20])
    assert faults == []


def _faults(page: Any, path: str) -> list[Any]:
    found: list[Any] = [(path, *one) for one in browsing.serious(page)]
    twice = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at)")
    found += [(path, "id twice", twice)] if twice else []
    found += [(path, "the head of the catalogue")] if "Project-Id-Version" in page.content() else []  # what gettext answers to no words at all
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 844})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [(path, width, "wider by", over)] if over > 0 else []
    small = page.evaluate("""[...document.querySelectorAll('main button, main a, main summary, main select, main input:not([type=hidden]):not([type=checkbox]):not([type=radio])')]
        .filter(e => e.checkVisibility() && !e.closest('.sr-only, thead, p, li, dd, td:not(:has(.row-actions)), nav.crumb') && e.getBoundingClientRect().height < 43.5)
        .map(e => [e.outerHTML.slice(0, 120), e.getBoundingClientRect().height])""")
    ticks = page.evaluate("""[...document.querySelectorAll('main tbody input[type=checkbox]')].map(e => (e.closest('label') || e).getBoundingClientRect())
        .filter(box => box.height < 43.5 || box.width < 43.5).map(box => [box.width, box.height])""")
    return found + [(path, "small under a finger", *one) for one in (*small[:3], *ticks[:3])]


def test_many_rows_are_changed_by_keyboard_on_a_phone(made: dict[str, int], page: Any) -> None:
    """Two rows ticked, a field, a mistake told beside it, the value, and what became of them; sound at every step."""
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto("/console/screens/centre-agencies/")
    boxes = page.locator("tbody .pick")
    for at in range(2):
        boxes.nth(at).click()
    assert page.inner_text("[data-selected-count]") == "2"
    page.focus(".selection-bar button[formaction$='/change']")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.select_option("#change-field", "legal_person")
    browsing.press(page, ".form-foot .btn-primary")
    assert "敖登 2" in " ".join(page.inner_text("main table").split())
    faults = _faults(page, "the new value")

    page.fill("[name=legal_person]", "")
    browsing.press(page, ".form-foot .btn-primary")
    assert page.locator(".error-summary li").count() == 2 and page.evaluate("document.activeElement.className") == "error-summary"
    faults += _faults(page, "mistakes")
    page.fill("[name=legal_person]", "巴特尔")
    page.fill("[name=change-reason]", "法定代表人统一变更")
    page.focus("[name=change-reason]")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert page.url.endswith("/centre-agencies/") and "改了 2 条。" in page.inner_text("main")
    assert faults == []


def test_the_head_of_a_long_list_stays_in_sight(made: dict[str, int], page: Any) -> None:
    page.set_viewport_size({"width": 1440, "height": 700})
    page.goto("/console/screens/centre-agencies/")
    page.evaluate("scrollTo(0, 600)")
    page.wait_for_function("scrollY > 400")
    head, topline = page.evaluate("[...document.querySelectorAll('.table-list thead th:nth-child(2), .topline')].map(e => e.getBoundingClientRect())")[::-1]
    assert abs(head["top"] - topline["bottom"]) < 2

    page.set_viewport_size({"width": 1000, "height": 700})
    page.goto("/console/screens/" + FULL[1])
    frame = page.locator(".table-wrap.is-wide")
    frame.evaluate("frame => frame.scrollTo(300, 300)")
    box, head, name = (page.locator(one).first.bounding_box() for one in (".table-wrap", ".table-list thead .name-cell", ".table-list tbody .name-cell"))
    assert abs(head["y"] - box["y"]) < 2 and box["x"] < name["x"] < box["x"] + 60


def test_what_happened_to_a_row_is_told_in_the_reader_s_language(made: dict[str, int], page: Any, live_server: str) -> None:
    page.context.add_cookies([{"name": "ruku_lang", "value": "en", "url": live_server}])
    page.goto(f"/console/screens/centre-agencies/{made['agency']}/history")
    told = page.inner_text("main")
    assert all(words in told for words in ("12 entries", "1 entry", "Saihan District", "Construction tendering")), told
    assert not any(words in told for words in ("150105", "12 条", "赛罕", "工程建设"))


def test_a_file_s_columns_say_what_the_form_says(made: dict[str, int], page: Any) -> None:
    page.goto("/console/screens/centre-documents/import")
    rows = dict(page.locator("table tbody tr").evaluate_all("rows => rows.map(row => [row.cells[0].childNodes[0].textContent, row.cells[1].textContent])"))
    declared = loading.register("centre-documents").declared
    must = {one.label.zh for one in declared.fields.values() if one.is_required}
    assert {name for name, mark in rows.items() if mark == "是"} == must & set(rows)
    assert declared.fields["number"].help.zh in page.inner_text("main")


def test_two_officers_at_one_row_both_versions_stand_side_by_side_and_nothing_is_lost(made: dict[str, int], page: Any) -> None:
    """Also when the slower one has pressed a button in between, which shows the form again and saves nothing."""
    edit = f"/console/screens/centre-agencies/{made['agency']}/edit"
    page.goto(edit)
    other = page.context.new_page()
    other.goto(edit)
    other.fill("[name=legal_person]", "吴晓东")
    other.fill("[name=since]", "2016-01-01")
    browsing.press(other, ".form-foot button[value=save]")
    page.fill("[name=legal_person]", "李丽")
    browsing.press(page, "button[value='add:penalties'], button[value^='add:']")

    with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        browsing.press(page, ".form-foot button[value=save]")
    assert answer.value.status == 409
    told = page.locator("table").first.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    both = [row for row in told if row[0] in ("法定代表人", "开始执业日期")]
    assert both == [["法定代表人", "吴晓东", "李丽"], ["开始执业日期", "2016-01-01", "没有改，用现在的"]]
    assert (page.input_value("[name=legal_person]"), page.input_value("[name=since]")) == ("李丽", "2016-01-01")
    assert _faults(page, "two at one row") == []
