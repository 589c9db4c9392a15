"""The page that says why: of a file, a screen's row, for oneself and for somebody else."""

from __future__ import annotations

import re

import pytest

from console import db
from console.accounts import queries
from console.accounts.wording import ACT_WORDS, SUBJECT_WORDS
from console.roles import Act, Role, Subject
from rules.pipeline import Step
from tests.factories import HOHHOT, make_admission
from tests.officers import make_account, officer


def _file(database, **values):
    with database.as_worker(), db.transaction() as session:
        admission = make_admission(session, **values)
        return admission.id, admission.number


def _text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).partition('id="main"')[2]))


def test_every_class_of_rows_and_every_act_has_words():
    assert set(Subject) <= set(SUBJECT_WORDS) and set(Act) == set(ACT_WORDS)


def test_a_reviewer_is_told_which_grant_shows_the_file_and_what_to_do_there(console_app, committed_db):
    file_id, number = _file(committed_db, step=Step.SECOND_REVIEW, level=2)
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER, division=HOHHOT)

    said = _text(reviewer.get(f"/files/{file_id}/why"))

    for sentence in (f"为什么能看到 {number}", "呼和浩特市 申报与办件", "现处于“复审”环节", "角色：初审员", "由 系统 授予。是这一条给的。".replace(" ", ""),
                     "复审：通过、退回补正、不予通过 不能 没有哪一项授权在这里给出这件事。", "还不到（或者已经过了）办这件事的时候"):  # fmt: skip
        assert sentence in said, sentence


def test_a_supervisor_asks_why_somebody_does_not_see_a_file(console_app, committed_db):
    file_id, _number = _file(committed_db)
    stranger, _name = make_account(committed_db, Role.FIRST_REVIEWER, division="150200", name="巴 特尔")
    _id, admin_name = make_account(committed_db, Role.DEPARTMENT_ADMIN, name="那 日苏")
    supervisor = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    by_number = _text(supervisor.get(f"/screens/admissions/{file_id}/why?staff={stranger}"))
    by_name = _text(supervisor.get(f"/files/{file_id}/why?staff={admin_name}"))

    assert "为什么看不到" in by_number and "按巴特尔现在的授权回答" in by_number and "不在 1502 之内，这一条给不出。" in by_number
    assert "这个角色不看“申报与办件”，这一条给不出。" in by_name


def test_who_reads_no_people_asks_about_nobody_else(console_app, committed_db):
    file_id, _number = _file(committed_db)
    other, _name = make_account(committed_db, Role.FIRST_REVIEWER)
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER)
    coordinator = officer(console_app, committed_db, Role.COORDINATOR, division=HOHHOT)
    elsewhere, _name = make_account(committed_db, Role.FIRST_REVIEWER, department="water", division="150200")

    assert reviewer.get(f"/files/{file_id}/why?staff={other}").status_code == 404
    assert coordinator.get(f"/files/{file_id}/why?staff={other}").status_code == 200
    assert coordinator.get(f"/files/{file_id}/why?staff={elsewhere}").status_code == 404  # not a person of these offices
    assert coordinator.get(f"/files/{file_id}/why?staff=nobody-at-all").status_code == 404
    assert reviewer.get("/files/999999/why").status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_reference_data_is_everybodys(console_app, committed_db, language):
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER)
    reviewer.set_cookie("ruku_lang", language)

    said = _text(reviewer.get("/screens/offices/1/why"))

    assert ("这是公共内容" if language == "zh" else "Open to every officer") in said


def test_a_grant_tells_who_could_change_it(console_app, committed_db):
    holder, _name = make_account(committed_db, Role.FIRST_REVIEWER, division=HOHHOT)
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, division=HOHHOT)
    with committed_db.as_worker(), db.transaction() as session:
        grant = queries.grants_of(session, holder)[0]

    said = _text(admin.get(f"/screens/grants/{grant.id}/why"))

    assert "部门管理员" in said and "是这一条给的" in said
