"""Training and the exam by posting forms; what the script asks; the result."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from console import db
from console.applications.models import Applicant
from console.departments.queries import bundle_of
from console.exams.models import Attempt
from rules.pipeline import Step
from tests.factories import make_admission


@pytest.fixture
def at(citizen, committed_db):
    def make(step: Step) -> int:
        with committed_db.as_worker(), db.transaction() as session:
            person = session.get_one(Applicant, citizen.person.id)
            return make_admission(session, step=step, applicant=person, due_in=30).id

    return make


def test_units_are_read_one_after_another_and_the_exam_follows(citizen, at, committed_db):
    admission = at(Step.TRAINING)
    page = citizen.get("/training")
    assert "没学" in page.text and "学完培训后开考" in page.text
    citizen.get(next(href for href in page.links.values() if href.startswith(f"/training/{admission}/")))
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM course_progress")) == 0  # opening a page writes nothing
    while citizen.path.startswith(f"/training/{admission}/"):
        citizen.submit("")

    assert "各单元都学完了。" in citizen.page.text and "去考试" in citizen.page.text


def test_a_unit_that_is_none_is_not_found(citizen, at):
    citizen.get(f"/training/{at(Step.TRAINING)}/nowhere", status=404)


def test_an_exam_can_be_sat_without_any_script(citizen, at):
    admission = at(Step.EXAM)
    page = citizen.get(f"/exams/{admission}")
    assert "考试规则" in page.text
    page = citizen.submit("")
    names = [name.removeprefix("asked:") for name, _v in page.form("paper")["data"] if name.startswith("asked:")]
    page = citizen.submit("paper", {f"choice:{names[0]}": "A"}, do="save")
    assert (f"choice:{names[0]}", "A") in page.form("paper")["data"]

    page = citizen.submit("paper", do="finish")

    assert citizen.path.endswith("/result")
    assert "逐题讲解" in page.text and "一致，试卷是抽出来的" in page.text and "没有答" in page.text


def test_an_english_reader_reads_questions_and_reasons_in_english(citizen, at, committed_db):
    admission = at(Step.EXAM)
    citizen.client.get("/lang/en")
    citizen.get(f"/exams/{admission}")
    page = citizen.submit("")
    with committed_db.as_worker(), db.transaction() as session:
        attempt = session.scalars(select(Attempt)).one()
        bank = {q.id: q for q in bundle_of(session, attempt.paper.release_id).exam_questions}
        asked = attempt.paper.questions
    for question in asked:
        shown = bank[question["id"]].wording("en")
        assert shown.stem in page.text and all(text in page.text for _, text in shown.options)
        assert question["stem"] not in page.text  # the paper keeps the Chinese it was drawn with

    first = asked[0]
    right = "".join(sorted(first["letters"][first["order"].index(letter)] for letter in bank[first["id"]].answer))
    assert len(right) == 1  # single questions come first
    page = citizen.submit("paper", {f"choice:{first['id']}": right}, do="finish")

    assert bank[first["id"]].english.explanation in page.text and bank[first["id"]].english.article in page.text
    with committed_db.as_worker(), db.transaction() as session:
        attempt = session.scalars(select(Attempt)).one()
        assert (attempt.marks, attempt.graded[0]["right"]) == (first["marks"], True)  # graded as in Chinese


def test_each_answer_saves_itself_and_tells_the_time_left(citizen, at):
    admission = at(Step.EXAM)
    citizen.get(f"/exams/{admission}")
    page = citizen.submit("")
    question = next(name for name, _v in page.form("paper")["data"] if name.startswith("asked:")).removeprefix("asked:")

    good = citizen.post("/attempts/1/answers", {"question": question, f"choice:{question}": "A"})
    bad = citizen.post("/attempts/1/answers", {"question": question, f"choice:{question}": "Z"})
    strange = citizen.post("/attempts/1/answers", {"question": "NO-1", "choice:NO-1": "A"})

    assert good.json["answered"] == 1 and 0 < good.json["left"] <= 60 * 60
    assert (bad.status_code, strange.status_code) == (422, 422)
    assert citizen.client.get("/attempts/1/clock").json["over"] is False
    citizen.get(f"/exams/{admission}")
    assert citizen.path == "/attempts/1"  # resumed


def test_an_exam_is_not_open_before_its_step(citizen, at):
    admission = at(Step.FIRST_REVIEW)
    page = citizen.get(f"/exams/{admission}")
    assert "不在考试环节" in page.text
    citizen.get("/account")

    assert citizen.post(f"/exams/{admission}", {}).status_code == 409
