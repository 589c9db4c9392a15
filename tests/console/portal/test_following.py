"""After sending: the receipt, where each file lies, correcting only what was returned, withdrawing, asking again."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from console import db
from console.applications import pipeline, queries
from console.applications.models import Admission, Applicant
from console.roles import Role
from console.scope import become
from rules.pipeline import Action, Step
from tests.console.portal.conftest import fill_in, one_page_pdf
from tests.factories import make_admission, make_staff


@pytest.fixture
def sent(citizen, draft) -> int:
    """The admission of an application that was filled in and submitted by its page."""
    fill_in(draft, citizen.person)
    citizen.get(f"/applications/{draft}/review")
    assert citizen.page.problems == []
    citizen.submit("/submit")
    with become(citizen.person), db.transaction() as session:
        return session.scalars(select(Admission.id)).one()


def step_of(committed_db, admission_id: int) -> str:
    with committed_db.as_worker(), db.transaction() as session:
        return str(session.scalar(text("SELECT step FROM admission WHERE id = :id"), {"id": admission_id}))


def decide(committed_db, admission_id: int, action: Action, items: list[dict]) -> None:
    """What a first reviewer of that office does in the console."""
    with committed_db.as_worker(), db.transaction() as session:
        officer = make_staff(session, Role.FIRST_REVIEWER)
    with committed_db.committing(committed_db.web, officer), db.transaction() as session:
        pipeline.advance(session, [queries.own_admission(session, admission_id)], action, actor=officer, items=items)


def test_a_submitted_application_has_a_receipt_and_says_where_it_is(citizen, sent, committed_db):
    assert citizen.path == "/applications/1/receipt"
    assert "RK" in citizen.page.text and "提交内容的指纹" in citizen.page.text

    page = citizen.get("/file")

    for words in ("初审", "7 个工作日，至", "剩", "呼和浩特市交通运输局", "0471-000-4002", "由审核人对照条件和材料审核", "自动入库", "受理回执"):
        assert words in page.text
    assert 'class="days"' in page.html
    assert "草原公路工程监理有限公司" in citizen.get("/applications/1/answers").text


def test_what_was_submitted_cannot_be_changed(citizen, sent):
    citizen.get("/applications/1/sections/identity")
    assert citizen.path == "/applications/1"
    citizen.get("/account")

    assert citizen.post("/applications/1/fields", {"path": "name", "name": "别人"}).status_code == 409
    assert citizen.post("/applications/1/submit", {}).status_code == 409


def test_a_file_refused_at_once_lies_at_its_own_departments_office(citizen, draft, committed_db):
    fill_in(draft, citizen.person, entries=2)
    with become(citizen.person), db.transaction() as session:
        from console.applications import services

        services.save_field(session, queries.own_application(session, draft), "works_for_supervisor", "true", actor=citizen.person)
    citizen.get(f"/applications/{draft}/review")
    citizen.submit("/submit")

    page = citizen.get("/file")

    assert "不予通过的理由" in page.text and "依据" in page.text and "交通运输局" in page.text
    with committed_db.as_worker(), db.transaction() as session:
        department = session.scalar(text(
            "SELECT d.code FROM admission a JOIN office o ON o.id = a.office_id JOIN department d ON d.id = o.department_id"
        ))  # fmt: skip
    assert department == "transport"


def test_only_what_was_returned_is_open_and_the_file_goes_on_once_corrected(citizen, sent, committed_db):
    items = [{"path": "employer", "reason": "与公章不一致，请写全称。"}, {"path": "title_paper", "reason": "照片反光，请重拍。"}]
    decide(committed_db, sent, Action.RETURN_FOR_CORRECTION, items)
    page = citizen.get("/file")
    assert "请在" in page.text and "改好 2 项" in page.text and "与公章不一致，请写全称。" in page.text

    page = citizen.get(f"/admissions/{sent}/correction")
    names = {name for name, _value in page.form("answers")["data"]}
    assert "employer" in names and "name" not in names and "id_number" not in names
    assert citizen.post("/applications/1/fields", {"path": "name", "name": "别人"}).status_code == 409
    empty = citizen.submit("answers", {"employer": ""}, do="resubmit", status=422)
    assert any("工作单位" in problem for problem in empty.problems)
    citizen.submit("answers", {"employer": "内蒙古某公路设计院"}, files={"upload:title_paper": (one_page_pdf(), "新证.pdf")}, do="stay")
    assert "新证.pdf" in citizen.page.text
    citizen.submit("answers", do="resubmit")

    assert step_of(committed_db, sent) == Step.FIRST_REVIEW
    assert "补正后重新提交" in citizen.get("/file").text
    assert "内蒙古某公路设计院" in citizen.get("/applications/1/answers").text


def test_a_file_can_be_withdrawn_and_says_what_follows(citizen, sent, committed_db):
    page = citizen.get(f"/admissions/{sent}/withdraw")
    assert "不能恢复" in page.text
    assert step_of(committed_db, sent) == Step.FIRST_REVIEW

    citizen.submit("", {"reason": "换了工作"})

    assert step_of(committed_db, sent) == Step.WITHDRAWN
    assert "已撤回" in citizen.page.text


def test_a_refusal_shows_its_articles_and_may_be_reconsidered_once(citizen, sent, committed_db):
    ground = {"title": "职称不符合条件", "title_en": "Title", "reason": "证书与登记不一致", "reason_en": "x", "basis": [{"reg": "TBL-2017", "article": "第三十七条"}]}
    decide(committed_db, sent, Action.REFUSE, [ground])
    page = citizen.get("/file")
    assert "证书与登记不一致" in page.text and "第三十七条" in page.text and "起可以再次申报" in page.text

    citizen.get(f"/admissions/{sent}/reconsideration")
    empty = citizen.submit("", {"reason": " "}, status=422)
    assert empty.problems == ["请写明申请复核的理由。"]
    citizen.submit("", {"reason": "证书编号已更正，见附件。"})

    assert step_of(committed_db, sent) == Step.RECONSIDERATION
    citizen.get(f"/admissions/{sent}/reconsideration")
    assert citizen.path == "/applications/1"


def test_a_letter_is_read_by_opening_it_with_a_script(citizen, sent, committed_db):
    page = citizen.get("/file")
    letter = next(href for href in page.links.values() if href.startswith("/letters/"))

    citizen.get(letter)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM letter WHERE read_at IS NOT NULL")) == 0
    citizen.get(letter)
    token = citizen.page.html.split('name="csrf_token" value="')[1].split('"')[0]
    answer = citizen.client.post(f"{letter}/read", headers={"X-CSRFToken": token, "X-Requested-With": "fetch"})

    assert answer.status_code == 204
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM letter WHERE read_at IS NOT NULL")) == 1


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_speaks_at_every_step(step, language, citizen, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        person = session.get_one(Applicant, citizen.person.id)
        number = make_admission(session, step=step, applicant=person).application_id
    citizen.client.set_cookie("ruku_lang", language)

    page = citizen.get(f"/applications/{number}")

    assert ("Department of Transport" if language == "en" else "交通运输厅") in page.text
    assert "0471-" in page.text
