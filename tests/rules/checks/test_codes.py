"""Every code: in the table, in the docs, and said about a bundle that deserves it, with place and advice."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from rules.bundle import read_documents
from rules.checks import CODES, Remark, check_bundle, of_problems
from rules.documents import Problems
from tests.rules.conftest import CENTRE, DEPARTMENT, as_bytes

DOCS = Path(__file__).parents[3] / "docs" / "checks.md"
ON = date(2026, 11, 26)
RULE = "rule: {fact: civil_servant, is: eq, value: false}"
AGE = "rule: {fact: birth_date, is: after, value: {years_before: {fact: decided_on}, years: {param: age_limit}}}"
LIMIT = "{from: 2026-01-01, value: 70, basis: {reg: R1, article: 第二条}, verified: false}"
UNIQUE = """rule:
      table:
        hit: unique
        columns: [{fact: title_level, is: in}, {fact: civil_servant, is: eq}]
        rows:
          - {when: [[senior], true], then: true}
          - {when: [[senior, middle], null], then: true}
        otherwise: false"""
HIDDEN = UNIQUE.replace("hit: unique", "hit: first").replace("[[senior], true]", "[[senior, none], null]").replace("[[senior, middle], null]", "[[senior], true]")
EXAM = """\
title: {zh: 考试, en: Exam}
minutes: 30
pass_mark: 5
blueprint: [{bank: own, count: COUNT, marks: 5}]
"""
BANK = """\
bank,qid,type,stem,option_a,option_b,option_c,option_d,option_e,option_f,answer,score,difficulty,topic,article,explanation
roads,Q1,judge,对吗,对,错,,,,,A,1,1,法,第一条,
"""
UNIT = "---\nid: law\ntitle: {zh: 要点, en: Essentials}\nminutes: 20\n---\n正文\n"


def exam(count: int) -> list[tuple[str, str, str]]:
    return [("bundle.yaml", "exam: false", "exam: true\n  exam_within: 60"), ("exam.yaml", "", EXAM.replace("COUNT", str(count))), ("questions.csv", "", BANK)]


#: code → what is changed in the small department, and where the remark stands
EXAMPLES: dict[str, tuple[list[tuple[str, str, str]], str, str]] = {
    "C001": ([("bundle.yaml", "days: 7", "dyas: 7")], "bundle.yaml", "pipeline.review.dyas"),
    "C101": ([("criteria.yaml", RULE, "rule: {all: [{fact: age, is: le, value: 40}, {fact: age, is: ge, value: 60}]}")], "criteria.yaml", "criteria.2.rule"),
    "C102": ([("criteria.yaml", "rule: {not: {fact: blacklisted, is: eq, value: true}}", "rule: {fact: age, is: ge, value: 75}")], "criteria.yaml", "criteria.3.rule"),
    "C103": ([("criteria.yaml", RULE, "rule: {fact: title_level, is: in, value: [senior, middle, none]}")], "criteria.yaml", "criteria.2.rule"),
    "C104": ([("criteria.yaml", RULE, "rule: {any: [{fact: age, is: le, value: 60}, {all: [{fact: age, is: ge, value: 70}, {fact: age, is: lt, value: 65}]}]}")],
             "criteria.yaml", "criteria.2.rule.any.1"),
    "C105": ([("criteria.yaml", RULE, "rule: {all: [{fact: age, is: le, value: 60}, {fact: age, is: le, value: 65}]}")], "criteria.yaml", "criteria.2.rule.all.1"),
    "C106": ([("application.yaml", "label: 名称}", "label: 名称, show_when: {all: [{fact: title_level, is: eq, value: senior}, {fact: title_level, is: eq, value: none}]}}")],
             "application.yaml", "sections.0.fields.0.fields.0.show_when"),
    "C107": ([("criteria.yaml", RULE, HIDDEN)], "criteria.yaml", "criteria.2.rule.table.rows.1"),
    "C108": ([("criteria.yaml", RULE, UNIQUE)], "criteria.yaml", "criteria.2.rule.table.rows.1"),
    "C201": ([("criteria.yaml", "{from: 2020-01-01, value: 65", "{from: 2020-01-01, until: 2024-12-31, value: 65")], "criteria.yaml", "parameters.age_limit.values.1"),
    "C202": ([("criteria.yaml", "{from: 2020-01-01, value: 65", "{from: 2020-01-01, until: 2026-03-31, value: 65")], "criteria.yaml", "parameters.age_limit.values.1"),
    "C203": ([("criteria.yaml", "{from: 2026-01-01, value: 70", "{from: 2026-01-01, until: 2030-12-31, value: 70")], "criteria.yaml", "parameters.age_limit.values.1"),
    "C204": ([("criteria.yaml", LIMIT, f"{LIMIT}\n      - {{from: 2026-11-01, value: 68, basis: {{reg: R1, article: 第二条}}}}")], "criteria.yaml", "parameters.age_limit.values.2"),
    "C205": ([("criteria.yaml", "{from: 2026-01-01, value: 70", "{from: 2026-01-01, value: 63")], "criteria.yaml", "parameters.age_limit.values.1"),
    "C301": ([("review.yaml", "evidence: [title_paper, projects]", "evidence: [title_paper]")], "application.yaml", "sections.0.fields.0.id"),
    "C302": ([("criteria.yaml", "years: {param: age_limit}", "years: 70"), ("criteria.yaml", "{age_limit}", "70")], "criteria.yaml", "parameters.age_limit"),
    "C303": ([("criteria.yaml", "basis: {reg: R1, article: 第五条}", "basis: []")], "criteria.yaml", "criteria.3.basis"),
    "C304": ([("criteria.yaml", "basis: {reg: R1, article: 第五条}", "basis: {reg: R2, article: 第五条}")], "criteria.yaml", "criteria.3.basis.reg"),
    "C305": ([("bundle.yaml", "{id: R1, ", "{id: R1, until: 2025-12-31, ")], "criteria.yaml", "criteria.3.basis"),
    "C306": ([("bundle.yaml", "regulations:", "regulations:\n  - {id: R9, title: {zh: 旧法, en: Old law}}")], "bundle.yaml", "regulations.0.id"),
    "C307": ([], "bundle.yaml", "pipeline.notice_days.verified"),
    "C308": ([], "bundle.yaml", "specialties.0"),
    "C309": ([], "criteria.yaml", "criteria.3.basis"),
    "C310": ([("criteria.yaml", "value: 8, basis: {reg: R1, article: 第三条}", "value: 8, basis: []")], "criteria.yaml", "parameters.years_needed.values.0.basis"),
    "C401": ([], "criteria.yaml", "criteria.1.title"),
    "C402": ([("letters.yaml", "", "letters: {refused: {subject: 通知, body: '{reasons} {number.__class__}'}}")], "letters.yaml", "letters.refused.body.zh"),
    "C403": ([("letters.yaml", "", "letters: {refused: {subject: 通知, body: 您好}}")], "letters.yaml", "letters.refused.body.zh"),
    "C405": ([("training/01-law.md", "", UNIT)], "training/01-law.md", ""),
    "C501": (exam(2), "exam.yaml", "blueprint.0"),
    "C502": (exam(1), "questions.csv", "0.explanation"),
    "C503": (exam(1), "questions.csv", "0.stem_en"),
    "C601": ([("cases.yaml", "decision: pass, flags: []", "decision: reject, flags: []")], "cases.yaml", "cases.0"),
    "C602": ([], "criteria.yaml", "criteria.0.id"),
    "C603": ([], "criteria.yaml", "criteria.0.rule"),
}


def said(centre, changes, *, full: bool = True) -> tuple[Remark, ...]:
    """What is said about the small department with these changes, beside its own first state and a rival."""
    files = dict(DEPARTMENT)
    for file, before, after in changes:
        assert before in files.get(file, before), f"{before!r} is not in {file}"
        files[file] = files.get(file, before).replace(before, after) if before else after
    base = read_documents(as_bytes(DEPARTMENT), centre=centre)
    rival = read_documents(as_bytes({**DEPARTMENT, "bundle.yaml": DEPARTMENT["bundle.yaml"].replace("code: roads", "code: rails").replace("A04, A0403", "A0403")}), centre=centre)
    try:
        bundle = read_documents(as_bytes(files), centre=centre)
    except Problems as problems:
        return of_problems(problems)
    return check_bundle(bundle, on=ON, base=base, others=[rival] if full else [], regulations={("R1", f"第{n}条"): (None, None) for n in "一二三四六九"} if full else None)


@pytest.mark.parametrize("code", [code for code in CODES if code != "C404"])
def test_a_bundle_that_deserves_it_is_told_so_at_the_place_with_advice(centre, code):
    changes, file, key = EXAMPLES[code]
    found = [one for one in said(centre, changes) if one.code == code and (one.file, one.key) == (file, key)]
    assert len(found) == 1, [one.show() for one in said(centre, changes) if one.code == code]
    assert (found[0].line or 0) >= 1
    assert found[0].severity == CODES[code].severity
    assert re.search(r"请|须|至少|可用的有|是否应为|应为|删去|查|补上|unique", found[0].zh), found[0].zh
    assert found[0].en and not re.search("[一-鿿]", re.sub(r"[“'][^”']*[”']|\([^)]*\)|第.条", "", found[0].en)), found[0].en


def test_a_centre_without_a_letter_is_told_which_event_lacks_one():
    letters = "letters: {refused: {subject: 通知, body: '{reasons}'}}"
    with pytest.raises(Problems) as problems:
        read_documents(as_bytes({**CENTRE, "letters.yaml": letters}))
    assert {(one.code, one.file, one.key) for one in of_problems(problems.value)} == {("C404", "letters.yaml", "letters")}


@pytest.mark.parametrize("code", [code for code, (changes, _, _) in EXAMPLES.items() if changes])
def test_the_small_department_itself_does_not_deserve_it(centre, code):
    _, file, key = EXAMPLES[code]
    assert [one for one in said(centre, [], full=False) if (one.code, one.file, one.key) == (code, file, key)] == []


def test_errors_come_first_then_files_and_lines(centre):
    found = said(centre, EXAMPLES["C101"][0])
    assert [one.is_error for one in found] == sorted((one.is_error for one in found), reverse=True)
    warnings = [(one.file, one.line or 0) for one in found if not one.is_error]
    assert warnings == sorted(warnings)


def test_every_code_has_its_line_in_the_docs_with_its_severity():
    rows = dict(re.findall(r"^\| (C[0-9]{3}) \| (error|warning) \| [^|]+ \| [^|]+ \| [^|]+ \|$", DOCS.read_text(), re.MULTILINE))
    assert rows == {code: one.severity for code, one in CODES.items()}


def test_a_remark_can_be_stored_as_json(centre):
    import json

    found = said(centre, EXAMPLES["C101"][0])
    stored = json.loads(json.dumps([one.to_data() for one in found], ensure_ascii=False))
    assert [one["code"] for one in stored] == [one.code for one in found]
    assert next(one for one in stored if one["code"] == "C101")["example"]["exclude"] == [[
        {"key": "criteria.2.rule.all.0", "words": "周岁（决定之日） 不超过 40", "holds": True, "values": {}},
        {"key": "criteria.2.rule.all.1", "words": "周岁（决定之日） 不少于 60", "holds": True, "values": {}}]]


def test_a_failing_case_says_what_was_expected_found_and_seen(centre):
    (one,) = [one for one in said(centre, [("cases.yaml", "findings: {age: met, years: met}", "findings: {age: met, years: not_met}")]) if one.code == "C601"]
    assert "years: expected not_met, found met" in one.zh and "16 年" in one.zh
    assert (one.example["day"], one.example["expected"]["findings"], one.example["found"]["findings"]["years"]) == ("2026-06-01", {"age": "met", "years": "not_met"}, "met")
