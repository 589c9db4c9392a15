"""One deadline, read everywhere it is told: the desk, the applicant's page, the board, the notice, letters and messages, in both languages.

It runs over a New Year that is not decreed, so each place also says that it can only become later.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import select

from console import db, relay
from console.applications import pipeline, queries
from console.applications.models import Applicant as ApplicantRow
from console.departments.calendars import Reckoning
from console.notifications.models import Letter, Message
from console.publicity import queries as publicity
from console.publicity.services import open_notice
from console.reviews import reminders
from console.roles import Role
from console.scope import System
from rules.deadline_words import deadline_words
from rules.pipeline import Action, Step
from tests.factories import department, make_admission, make_staff
from tests.officers import officer

TODAY = dt.date(2026, 12, 28)
REVIEW, NOTICE, CORRECTION = (dt.date(2027, 1, 7), 7), (dt.date(2027, 1, 5), 5), (dt.date(2027, 1, 19), 15)


def plain(answer: Any) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.get_data(as_text=True)))


def settle(database: Any) -> None:
    with database.as_worker():
        relay.settle(database.settings)


def said(deadline: tuple[dt.date, int], lang: str = "zh", *, year: bool = False) -> str:
    return deadline_words(*deadline, lang=lang, provisional=True, year=year)


@pytest.fixture
def over_the_new_year(clock: Any) -> None:
    clock.set(TODAY)


def test_the_sentence_says_that_it_can_only_become_later():
    assert said(REVIEW) == "7 个工作日，至 1 月 7 日（周四），暂定，只会延后"
    assert said(REVIEW, "en") == "7 working days, until Thursday 7 January, provisional: it can only become later"


def test_a_deadline_is_told_the_same_everywhere(over_the_new_year, committed_db, console_app, citizen):
    with committed_db.as_worker(), db.transaction() as session:
        person = session.get_one(ApplicantRow, citizen.person.id)
        admission = make_admission(session, applicant=person, step=Step.SCREENING, due_in=None)
        pipeline.advance(session, [admission], Action.PASS_STEP, actor=System("test"))
        shown = make_admission(session, step=Step.PUBLICITY, due_in=None)
        notice = open_notice(session, publicity.coordinating_office(session, department(session, "transport")), [shown], actor=System("test"))
        admission_id, number = admission.id, notice.number
    settle(committed_db)
    desk, coordinator = officer(console_app, committed_db, Role.FIRST_REVIEWER), officer(console_app, committed_db, Role.COORDINATOR)
    public = citizen.client

    for lang in ("zh", "en"):
        for client in (desk, coordinator, public):
            client.set_cookie("ruku_lang", lang)
        assert said(REVIEW, lang) in plain(desk.get(f"/files/{admission_id}"))
        assert said(REVIEW, lang) in plain(public.get("/file", follow_redirects=True))
        assert said(NOTICE, lang) in plain(public.get("/notices"))
        assert said(NOTICE, lang) in plain(public.get("/"))
        page = plain(public.get(f"/notices/{number}"))
        assert said(NOTICE, lang) in page and said(NOTICE, lang, year=True) in page
        assert said(NOTICE, lang) in plain(coordinator.get(f"/notices/{number}"))

    with committed_db.as_worker(), db.transaction() as session:
        receipt = session.scalars(select(Letter).where(Letter.event == "submitted")).one()
        assert f"审核期限：{said(REVIEW, year=True)}。" in receipt.body
        assert f"Time for the review: {said(REVIEW, 'en', year=True)}." in receipt.body_en
        pushed = session.scalars(select(Message).where(Message.event == "entered_first_review")).one()
        assert pushed.text.endswith(f"，办理期限：{said(REVIEW)}。")


def test_a_warning_and_a_letter_of_correction_say_it_too(over_the_new_year, committed_db, console_app, citizen, clock):
    with committed_db.as_worker(), db.transaction() as session:
        person = session.get_one(ApplicantRow, citizen.person.id)
        warned = make_admission(session, applicant=person, step=Step.SCREENING, due_in=None)
        pipeline.advance(session, [warned], Action.PASS_STEP, actor=System("test"))
        returned = make_admission(session, application=warned.application, department_code="water", step=Step.FIRST_REVIEW, due_in=7)
        reviewer, warned_id, returned_id = make_staff(session, Role.FIRST_REVIEWER, department_code="water"), warned.id, returned.id
    with committed_db.committing(committed_db.web, reviewer), db.transaction() as session:
        pipeline.advance(
            session, [queries.own_admission(session, returned_id)], Action.RETURN_FOR_CORRECTION, actor=reviewer,
            items=[{"path": "employer", "title": "单位", "reason": "请写全称"}],
        )  # fmt: skip
    settle(committed_db)

    with committed_db.as_worker(), db.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.event == "returned")).one()
        assert f"补正期限：{said(CORRECTION, year=True)}。" in letter.body and f"Time to correct: {said(CORRECTION, 'en', year=True)}." in letter.body_en
        term = queries.term_of(Reckoning(session), queries.own_admission(session, warned_id))
        assert (term.last, term.days, term.provisional) == (*REVIEW, True)
    assert said(CORRECTION) in plain(citizen.client.get("/file", follow_redirects=True))
    clock.set(dt.date(2027, 1, 6))
    with committed_db.as_worker(), db.transaction() as session:
        reminders.warn(session, [warned_id])
        text = session.scalars(select(Message.text).where(Message.event == "review_due_soon")).one()
        assert text.endswith(f"的审核快到期了：{said(REVIEW)}。")
