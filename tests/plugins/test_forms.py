"""One form filled in with care passes for every department, and what it says makes the criteria hold."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rules import facts, forms
from rules.bundle import read_folder
from rules.criteria import evaluate

PLUGINS = Path(__file__).parents[2] / "plugins"
TODAY = date(2026, 11, 20)
CENTRE = read_folder(PLUGINS / "centre")
BUNDLES = {
    code: read_folder(PLUGINS / code, centre=CENTRE)
    for code in ("finance", "natural_resources", "housing", "transport", "water")
}
SPECIALTIES = {
    "finance": {"standard": "mof-2022", "code": "A02010000"},
    "natural_resources": {"standard": "316-2018", "code": "A0103"},
    "housing": {"standard": "316-2018", "code": "A060101"},
    "transport": {"standard": "316-2018", "code": "A050302"},
    "water": {"standard": "316-2018", "code": "A080804"},
}


def _paper(name: str) -> list[dict[str, Any]]:
    return [{"hash": "0" * 63 + "1", "name": name, "size": 12345, "type": "application/pdf"}]


def _period(start: str, end: str, field: str) -> dict[str, Any]:
    return {
        "months": {"start": start, "end": end},
        "organisation": "青城工程咨询有限公司",
        "position": "高级工程师",
        "work_field": field,
    }


ANSWERS: dict[str, Any] = {
    "name": "赵明远",
    "id_number": "150105197508030035",
    "id_papers": _paper("身份证.pdf"),
    "phone": "13904710000",
    "citizen_capacity": True,
    "healthy": True,
    "electronic_evaluation": True,
    "work_division": "150105",
    "employment_status": "employed",
    "employer": "青城工程咨询有限公司",
    "employer_uscc": "91350100M000100Y43",
    "employment_paper": _paper("社保.pdf"),
    "civil_servant": False,
    "works_for_supervisor": False,
    "works_for_centre": False,
    "education_level": "bachelor",
    "school": "内蒙古工业大学",
    "major": "土木工程",
    "education_paper": _paper("学位证.pdf"),
    "title_level": "associate_senior",
    "title_name": "高级工程师",
    "title_date": "2012-12-01",
    "title_paper": _paper("职称证.pdf"),
    "qualification_level": "none",
    "work_periods": [
        _period("1997-07", "2005-12", "construction"),
        _period("2006-01", "2013-12", "transport"),
        _period("2014-01", "2021-12", "water"),
        _period("2015-01", "now", "land"),
    ],
    "projects": [],
    "avoided_employers": [{"avoided_name": "某工程有限公司", "avoided_reason": "employed"}],
    "has_relatives": True,
    "relatives": [{"relation": "spouse", "relative_employer": "某设计院"}],
    "criminal_punishment": False,
    "dismissed_from_office": False,
    "barred_from_evaluation": False,
    "serious_discredit": False,
    "pledge_true": True,
    "pledge_duty": True,
    "consent_data": True,
    "consent_publicity": True,
    "finance": {
        "cv": _paper("简历.pdf"),
        "strengths": "信息化设备的技术评审。",
        "bad_behaviour": False,
        "bribery_or_fraud": False,
        "procurement_supervisor": False,
        "recusal_complete": True,
    },
    "natural_resources": {"review_kind": "general"},
    "housing": {"registrations": []},
    "transport": {
        "highway_projects": [
            {
                "highway_name": name,
                "highway_kind": "highway",
                "highway_role": "lead",
                "highway_finished": "2020-09-30",
                "highway_paper": _paper("合同.pdf"),
            }
            for name in ("四子王旗至武川县二级公路改建", "喇嘛湾桥维修加固")
        ],
        "unit_agrees": True,
        "unit_paper": _paper("单位意见.pdf"),
        "admin_penalty": False,
    },
    "water": {
        "water_projects": [
            {
                "water_name": name,
                "water_size": "medium",
                "water_role": "key",
                "water_finished": "2020-09-30",
                "water_paper": _paper("验收书.pdf"),
            }
            for name in ("灌区续建配套", "水库除险加固")
        ]
    },
}
WHOLE = forms.merge(CENTRE.form, {code: bundle.form for code, bundle in BUNDLES.items()})


def _problems(answers: dict[str, Any]) -> list[str]:
    return [str(problem.path) for problem in forms.check(WHOLE, answers, today=TODAY)[1]]


@pytest.mark.parametrize("code", BUNDLES)
def test_careful_answers_pass_the_form_and_meet_every_criterion(code):
    form = forms.merge(CENTRE.form, {code: BUNDLES[code].form})

    clean, problems = forms.check(form, ANSWERS, today=TODAY)

    assert problems == []
    verdict = evaluate(
        BUNDLES[code].criteria,
        facts.derive(
            clean,
            department=code,
            applied_on=TODAY,
            specialties=[SPECIALTIES[code]],
            registers={"blacklisted": False, "penalties": []},
        ),
        on=TODAY,
        moment="submitted",
    )
    assert {finding.id: finding.outcome for finding in verdict.findings if finding.outcome != "met"} == {}
    assert (verdict.decision, verdict.flags) == ("pass", ())


def test_one_form_serves_all_five_departments():
    assert _problems(ANSWERS) == []


def test_what_may_be_left_open_is_not_asked_for():
    open_answers = copy.deepcopy(ANSWERS)
    for name in ("barred_from_evaluation", "serious_discredit"):
        del open_answers[name]
    del open_answers["finance"]["bad_behaviour"], open_answers["finance"]["bribery_or_fraud"], open_answers["transport"]["admin_penalty"]

    assert _problems(open_answers) == []


def test_a_retired_person_is_not_asked_for_the_employers_code_or_opinion():
    retired = copy.deepcopy(ANSWERS) | {"employment_status": "retired"}
    del retired["employer_uscc"], retired["transport"]["unit_agrees"], retired["transport"]["unit_paper"]

    assert _problems(retired) == []


def test_without_a_title_nothing_about_it_is_asked_and_the_qualification_is():
    untitled = copy.deepcopy(ANSWERS) | {"title_level": "none", "qualification_level": "grade_one"}
    for name in ("title_name", "title_date", "title_paper"):
        del untitled[name]

    assert _problems(untitled) == ["qualification_name", "qualification_paper"]


def test_the_pledge_must_be_made_and_relatives_named():
    careless = copy.deepcopy(ANSWERS) | {"pledge_true": False, "consent_data": None, "relatives": []}

    assert sorted(_problems(careless)) == ["consent_data", "pledge_true", "relatives"]


def test_a_fund_technical_expert_is_asked_for_geology_and_fitness():
    technical = copy.deepcopy(ANSWERS)
    technical["natural_resources"] = {"review_kind": "fund_technical"}

    assert _problems(technical) == ["natural_resources.fit_for_field", "natural_resources.geology_projects"]


def test_every_question_has_a_label_and_every_file_says_what_it_takes():
    for question in WHOLE.questions():
        for one in (question, *question.parts):
            assert one.field.label.zh and one.field.label.en, one.key
            if type(one.field).__name__ == "FileField":
                assert one.field.accept and one.field.max_count, one.key
