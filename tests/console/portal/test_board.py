"""The board, an objection and its receipt, the check of a certificate; the self-check."""

from __future__ import annotations

import hashlib
import re

import pytest

from console import db
from console.publicity import queries, services
from console.roles import Role
from rules.pipeline import Step
from tests.factories import department, make_admission, make_applicant, make_staff

PEOPLE = ("敖登", "包艳丽")


@pytest.fixture
def notice(committed_db) -> str:
    with committed_db.as_worker(), db.transaction() as session:
        for name in PEOPLE:
            make_admission(session, step=Step.PUBLICITY, applicant=make_applicant(session, name=name), answers={"name": name, "employer": "某设计院"})
        officer = make_staff(session, Role.COORDINATOR)
        office = queries.coordinating_office(session, department(session, "transport")).id
    with committed_db.committing(committed_db.web, officer), db.transaction() as session:
        found = department(session, "transport")
        people = [candidate.admission for candidate in queries.waiting(session, found)]
        opened = services.open_notice(session, queries.coordinating_office(session, found), people, actor=officer)
        assert opened.office_id == office
        return opened.number


def test_anyone_reads_a_notice_and_can_prove_its_text(visitor, notice):
    page = visitor.get("/notices")
    assert notice in page.text and "2 人" in page.text
    page = visitor.get(f"/notices/{notice}")
    for name in PEOPLE:
        assert name in page.text

    original = visitor.client.get(f"/notices/{notice}/original").data

    shown = re.sub(r"\s", "", page.text)
    assert hashlib.sha256(original).hexdigest() in shown and hashlib.new("sm3", original).hexdigest() in shown
    assert "与冻结时一致" in page.text and "5 个工作日，至" in page.text
    assert notice in visitor.get("/").html


@pytest.mark.parametrize("who", ["visitor", "citizen"])
def test_an_objection_holds_one_person_and_gives_a_code(who, request, notice):
    person = request.getfixturevalue(who)
    person.get(f"/notices/{notice}")
    person.get(next(href for href in re.findall(r'href="([^"]+person=\d+)"', person.page.html)))
    bad = person.submit("", {"objector": "", "contact": "1", "ground": "假的"}, status=422)
    assert bad.problems == ["请写明异议人的姓名或者单位名称，2 到 120 个字。", "请留下能联系到您的电话或者邮箱。", "请写明异议的事实和理由，10 到 4000 个字。"]
    assert "假的" in bad.html
    assert person.submit("", {"person": "", "objector": "", "contact": "1", "ground": "假的"}, status=422).problems == ["请选是对谁提出异议。", *bad.problems]
    person.get(next(href for href in re.findall(r'href="([^"]+person=\d+)"', person.get(f"/notices/{notice}").html)))

    page = person.submit("", {"objector": "某某公司", "contact": "13900000000", "ground": "业绩合同的编号与公示的不一致，请核查。"})

    code = re.search(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}", page.text)
    assert code
    assert person.get(f"/notices/{notice}").text.count("有异议，处理中") == 1
    state = person.get(f"/objections?code={code[0]}")
    assert "正在处理" in state.text and "某某公司" not in state.text


def test_an_unknown_code_is_said_so(visitor):
    page = visitor.get("/objections?code=AAAA-BBBB-CCCC-DDDD", status=404)

    assert "没有查到“AAAA-BBBB-CCCC-DDDD”" in page.text


def test_an_unknown_certificate_is_said_so_and_guessing_ends(visitor):
    for _try in range(5):
        assert "查无此证" in visitor.get("/verify/NOTACODE", status=404).text
    visitor.get("/verify/NOTACODE", status=429)


def test_the_self_check_knows_three_answers_and_stores_nothing(visitor):
    page = visitor.get("/eligibility?department=transport")
    assert "身份证号" not in page.text and "出生日期" in page.text

    page = visitor.submit("/eligibility", {"birth_date": "1940-01-01", "citizen_capacity": "true"})

    assert "truth-yes" in page.html and "truth-no" in page.html and "truth-unknown" in page.html
    assert "条不满足" in page.text
    assert "birth_date" not in visitor.path
    assert 'value="1940-01-01"' in page.html


def test_the_self_check_says_what_it_cannot_read(visitor):
    visitor.get("/eligibility?department=water")

    page = visitor.submit("/eligibility", {"birth_date": "昨天"})

    assert any("不是日期" in problem for problem in page.problems) and 'value="昨天"' in page.html
