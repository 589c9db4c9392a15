"""What automatic admission hands over: the certificate, on a phone and on paper, and what anyone may check, name the notice it rests on and who answers for it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

from sqlalchemy import select

from console import db
from console.applications.models import Applicant
from console.notifications.models import Letter
from console.publicity import jobs
from console.roster.models import RosterEntry, RosterSpecialty
from console.secrecy import keyed_hash
from tests.console.portal.conftest import PASSWORD, register, sound
from tests.console.publicity.people import make_person, open_for
from tests.factories import id_number

SHOTS = os.environ.get("SHOTS", "")


def test_the_certificate_names_the_notice_and_who_answers_for_it(page: Any, committed_db: Any, clock: Any) -> None:
    clock.set(dt.date(2026, 11, 18))
    person = register(phone="13800138000")
    with committed_db.as_worker(), db.transaction() as session:
        row = session.get_one(Applicant, person.id)
        row.id_number, row.id_number_hash = id_number(7), keyed_hash(id_number(7), "id_number")
        people = [make_person(session, row.name, department_code=code, applicant=row) for code in ("transport", "water")]
        notices = [open_for(session, [one]) for one in people]
        numbers, prints, due_at = [n.number for n in notices], [n.content_hash for n in notices], notices[0].due_at
        ids = [notice.id for notice in notices]
    clock.set(due_at)
    with committed_db.as_worker():
        jobs.close_due(ids)
        with db.transaction() as session:
            held = session.scalars(select(RosterSpecialty).order_by(RosterSpecialty.id)).all()
            assert [(one.notice_number, one.notice_hash, one.responsible) for one in held] == [(number, print_, "白玉兰") for number, print_ in zip(numbers, prints, strict=True)]
            code = session.scalars(select(RosterEntry.code)).one()
            letters = session.scalars(select(Letter).where(Letter.event == "admitted").order_by(Letter.id)).all()
            assert [f"依据：公示 {number}，责任人 白玉兰" in letter.body for number, letter in zip(numbers, letters, strict=True)] == [True, True]
            assert [f"Rests on notice {number}; responsible: 白玉兰" in letter.body_en for number, letter in zip(numbers, letters, strict=True)] == [True, True]

    page.goto("/sign-in")
    page.fill("#phone", "13800138000")
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.click("main .btn-primary")
    for language in ("zh", "en"):
        page.goto(f"/lang/{language}")
        for path, name in (("/certificate", "certificate"), (f"/verify/{code}", "verify")):
            page.goto(path)
            text = page.inner_text("main")
            assert all(number in text for number in numbers) and "白玉兰" in text
            sound(page, widths=(360, 1440), lights=("dark", "light"))
            if SHOTS:
                for width in (360, 1440):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{language}.png", full_page=True)
    page.goto("/certificate")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / "certificate-print.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollHeight") <= 1123  # one sheet
    assert not page.is_visible(".crumb")
    page.emulate_media(media="screen")
    page.click(f"text={numbers[0]}")
    page.wait_for_url("**/notices/**")
    assert numbers[0] in page.inner_text("main")
