"""A phone, a real browser: register, fill in, upload, submit, follow; axe finds nothing serious; nothing leaves the site."""

from __future__ import annotations

from typing import Any

import pytest

from console import db
from console.applications.models import Applicant
from rules.pipeline import Step
from tests.browsing import press
from tests.console.portal.conftest import PASSWORD, SPECIAL, answer_for, one_page_pdf, register, sound
from tests.factories import make_admission


class _Plain:
    """A rules field as the browser knows it, for `answer_for`."""

    def __init__(self, name: str, kind: str) -> None:
        self.id, self.kind, self.must_be, self.options = name, kind, None, []


def fill(page: Any) -> None:
    """Answer every question that is shown, until no new one appears; each saves itself."""
    done: set[str] = set()
    while fresh := [p for p in page.eval_on_selector_all("[data-path]:not([hidden])", "all => all.map(e => e.dataset.path)") if p not in done]:
        for path in fresh:
            done.add(path)
            frame = page.locator(f'[data-path="{path}"]')
            kind = next(c for c in frame.get_attribute("class").split() if c.startswith("question-"))[9:]
            name = path.rpartition(".")[2]
            if kind == "group" or not frame.is_visible():
                continue
            value = SPECIAL.get(name)
            if kind == "file":
                frame.locator("input[type=file]").set_input_files({"name": "证明.pdf", "mimeType": "application/pdf", "buffer": one_page_pdf()})
                frame.locator(".upload .name").first.wait_for()
            elif kind == "period":
                frame.locator("input").nth(0).fill("2008-03")
                frame.locator("input[type=checkbox]").check()
            elif kind == "yes_no":
                frame.locator(f"input[value={answer_for(_Plain(name, 'boolean'))}]").check()
            elif kind == "pledge":
                frame.locator("input").check()
            elif kind in ("radio", "checkboxes"):
                (frame.locator(f"input[value='{value}']") if value else frame.locator("input").first).check()
            elif kind in ("select", "division"):
                frame.locator("select").select_option(value) if value else frame.locator("select").select_option(index=1)
            else:
                control = frame.locator("input.form-control, textarea").first
                control.fill(str(value or {"date": "2024-06-30", "integer": "3", "decimal": "12.5"}.get(kind, "草原公路工程监理有限公司")))
                control.dispatch_event("change")
        page.locator("[data-saved].is-busy").first.wait_for(state="detached")


def test_from_a_phone_to_the_first_review(page, code_sent):
    page.goto("/")
    sound(page)
    press(page, ".hero .btn-primary")
    press(page, ".beside a")
    page.fill("#phone", "138 0013 8000")
    press(page, "main .btn-primary")
    page.fill("#code", code_sent())
    page.fill("#name", "高娃")
    page.fill("#password", PASSWORD)
    page.check("#consent")
    sound(page)
    press(page, "main .btn-primary")
    press(page, "main .btn-primary")
    page.fill("#q", "A0503")
    press(page, "button[value=search]:visible >> nth=-1")
    press(page, "button[value='add:316-2018/A050302']")
    page.select_option("#division", "150105")
    sound(page)
    press(page, "button[value=next]")

    page.fill("[name=id_number]", "150105197503020010")
    page.locator("[name=id_number]").dispatch_event("change")
    page.locator("[data-path=id_number] .error").wait_for()  # said before any button is pressed
    sections = 0
    while not page.url.endswith("/review"):
        fill(page)
        sound(page)
        press(page, "button[value=next]")
        assert page.locator(".error-summary").count() == 0, page.inner_text(".error-summary")
        sections += 1
    assert sections > 8
    sound(page)
    press(page, "main form .btn-primary")

    assert "/receipt" in page.url and "RK" in page.inner_text("h1")
    sound(page)
    press(page, "main .btn-primary")
    assert "我的申报" in page.inner_text("h1")
    sound(page)


def sign_in(page: Any) -> Any:
    person = register(phone="13800138000")
    page.goto("/sign-in")
    page.fill("#phone", "13800138000")
    page.fill("#password", PASSWORD)
    press(page, "main .btn-primary")
    return person


def test_an_exam_goes_on_when_the_line_drops(page, browser, committed_db):
    person = sign_in(page)
    with committed_db.as_worker(), db.transaction() as session:
        admission = make_admission(session, step=Step.EXAM, applicant=session.get_one(Applicant, person.id), due_in=30).id
    page.goto(f"/exams/{admission}")
    sound(page)
    press(page, "main form .btn-primary")
    sound(page)
    cards = page.locator("[data-question]")
    cards.nth(0).locator("label.option").first.click()
    page.locator("[data-saved]", has_text="已存").wait_for()

    browser.set_offline(True)
    cards.nth(1).locator("label.option").first.click()
    page.locator("[data-link]").wait_for(state="visible")
    browser.set_offline(False)
    page.locator("[data-link]").wait_for(state="hidden")
    page.complaints.clear()  # that the line dropped

    page.reload()
    assert page.locator("input:checked").count() == 2
    assert page.inner_text("[data-answered]") == "2"
    page.click("button[value=finish]")
    press(page, "dialog .btn-primary")
    assert "/result" in page.url
    sound(page)


PLACES = ("/", "/eligibility", "/eligibility?department=housing", "/privacy", "/accessibility", "/audit", "/notices", "/objections",
          "/verify", "/verify/NOTACODE", "/sign-in", "/register", "/reset", "/nowhere")  # fmt: skip
LIGHTS = ("dark", "light")
OWN_PLACES = ("/account", "/training", "/certificate", "/file")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_sound_in_both_languages_and_both_lights(language, page):
    page.goto(f"/lang/{language}")
    for path in PLACES:
        page.goto(path)
        sound(page, widths=(360, 768, 1440), lights=LIGHTS)
    sign_in(page)
    for path in OWN_PLACES:
        page.goto(path)
        sound(page, widths=(360, 1440), lights=LIGHTS)


def test_everything_can_be_done_with_the_keyboard(page):
    sign_in(page)
    page.goto("/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")

    assert page.evaluate("location.hash") == "#main"


def test_a_problem_takes_the_focus_and_leads_to_its_field(page):
    page.goto("/register")
    page.fill("#phone", "123")
    press(page, "main .btn-primary")

    assert page.evaluate("document.activeElement.className") == "error-summary"
    page.click(".error-summary a")
    assert page.evaluate("location.hash") == "#phone"
