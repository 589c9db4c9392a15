"""The shipped bundles: found by being there, sound in themselves and with one another and with the base data."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rules.bundle import Bundle, read_folder, run_cases
from rules.cases import CaseResult
from rules.exams import draw_paper
from rules.letters import EVENTS
from seed import tables
from seed.base import DATA
from seed.rows import read_files

PLUGINS = Path(__file__).parents[2] / "plugins"
CODES = sorted(path.parent.name for path in PLUGINS.glob("*/bundle.yaml"))
DEPARTMENTS = [code for code in CODES if code != "centre"]
_CHINESE = re.compile(r"[一-鿿]")


@cache
def centre() -> Bundle:
    return read_folder(PLUGINS / "centre")


@cache
def bundle(code: str) -> Bundle:
    return centre() if code == "centre" else read_folder(PLUGINS / code, centre=centre())


@cache
def results(code: str) -> dict[str, CaseResult]:
    return {result.id: result for result in run_cases(bundle(code))}


@cache
def base() -> dict[str, list[dict[str, Any]]]:
    return {name: [row.values for row in rows] for name, rows in read_files(DATA, tables.FILES).items()}


def _all_cases() -> list[Any]:
    return [pytest.param(code, case, id=f"{code}-{case}") for code in DEPARTMENTS for case in results(code)]


def test_five_departments_and_the_centre_are_there():
    assert CODES == ["centre", "finance", "housing", "natural_resources", "transport", "water"]
    assert {row["code"]: row["is_centre"] for row in base()["departments.csv"]} == {
        code: code == "centre" for code in CODES
    }


@pytest.mark.parametrize("code", CODES)
def test_bundle_loads_without_a_problem_and_survives_storage(code):
    found = bundle(code)
    stored = Bundle.from_data(found.to_data(), centre=None if code == "centre" else centre())
    assert (found.code, stored.hash) == (code, found.hash)


@pytest.mark.parametrize(("code", "case"), _all_cases())
def test_case_comes_out_as_expected(code, case):
    assert results(code)[case].differences == ()


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_criterion_has_a_case_met_not_met_and_unknown(code):
    outcomes: dict[str, set[str]] = {criterion.id: set() for criterion in bundle(code).criteria.criteria}
    for result in results(code).values():
        for finding in result.verdict.findings:
            outcomes[finding.id].add(finding.outcome)
    assert outcomes == {criterion: {"met", "not_met", "unknown"} for criterion in outcomes}
    assert len(results(code)) >= 12


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_message_shows_the_values_seen_in_both_languages(code):
    for result in results(code).values():
        for finding in result.verdict.findings:
            if finding.message is not None:
                assert finding.message.zh and finding.message.en
                assert not re.search(r"[{}]", finding.message.zh + finding.message.en)


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_admission_rechecks_age_and_records(code):
    rechecked = {criterion.id for criterion in bundle(code).criteria.criteria if criterion.as_of == "decided"}
    assert {"age", "not_blacklisted"} <= rechecked


def test_every_specialty_prefix_exists_in_its_standard_and_has_one_owner():
    known = {(row["standard"], row["code"]) for file in tables.SPECIALTIES for row in base()[file.name]}
    owners = defaultdict(list)
    for code in DEPARTMENTS:
        for claim in bundle(code).manifest.specialties:
            for prefix in claim.prefixes:
                assert (claim.standard, prefix) in known, f"{code}: {claim.standard} has no {prefix}"
                owners[claim.standard, prefix].append(code)
    assert {key: codes for key, codes in owners.items() if len(codes) > 1} == {}
    assert len(owners) == 11 + 8 + 6 + 7 + 3


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_exam_fills_to_a_hundred_marks_with_both_banks(code):
    exam = bundle(code).exam
    papers = [draw_paper(bundle(code).exam_questions, exam.blueprint, seed=f"{code}:{n}") for n in range(20)]
    assert {paper.total for paper in papers} == {exam.total} == {100}
    for paper in papers:
        ids = [item.question for item in paper.items]
        assert len(ids) == len(set(ids))
    assert (
        len({tuple(sorted(item.question for item in paper.items)) for paper in papers}) > 1
    )  # a resit is another paper


def test_the_whole_question_bank_is_there_with_its_law():
    rows = [question for code in CODES for question in bundle(code).to_data()["questions.csv"]]
    assert len(rows) == 75
    assert [row["qid"] for row in rows if not (row["article"] and row["explanation"] and row["law_version"])] == []


def test_every_question_is_there_in_english_and_names_no_option_by_its_letter():
    for code in CODES:
        for question in bundle(code).questions:
            shown = question.english
            assert shown is not None, question.id
            texts = [shown.stem, shown.topic, shown.article, shown.explanation, *(text for _, text in shown.options)]
            assert all(texts) and not any(_CHINESE.search(text) for text in texts), question.id
            assert len({text for _, text in shown.options}) == len(shown.options), question.id
            assert not re.search(r"(?<![A-Za-z])[A-F](?![A-Za-z])", question.explanation), question.id
            assert not re.search(r"\b[B-F]\b", shown.explanation), question.id  # A is a word


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_training_has_units_in_both_languages(code):
    units = bundle(code).training
    assert 2 <= len(units) <= 4
    assert [unit.id for unit in units if not (unit.body.zh and unit.body.en)] == []
    for unit in units:
        assert unit.title.en and not _CHINESE.search(unit.title.en)
        headings = [sum(line.startswith("## ") for line in text.splitlines()) for text in (unit.body.zh, unit.body.en)]
        assert headings[0] == headings[1], unit.id  # nothing was added in one language only


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_department_can_write_every_letter(code):
    missing = [name for name in EVENTS if name != "sign_in_code" and bundle(code).letter(name) is None]
    assert missing == []
    assert centre().letter("sign_in_code") is not None


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_criterion_says_what_the_applicant_can_do_and_what_to_supply(code):
    silent = [one.id for one in bundle(code).criteria.criteria if one.remedy is None or one.ask is None]
    assert silent == []


@pytest.mark.parametrize("code", CODES)
def test_every_paper_asked_for_backs_an_answer(code):
    asked: set[str] = set()
    backing: set[str] = set()
    for question in bundle(code).form.questions():
        for one in (question, *question.parts):
            backing |= set(one.field.evidence)
            if one.field.kind == "file":
                asked.add(one.id)
    assert asked - backing == set()


@pytest.mark.parametrize("code", CODES)
def test_every_text_is_complete_in_chinese_and_english(code):
    texts = _texts(bundle(code).to_data())
    assert len(texts) > 50
    assert [path for path, text in texts if not (text["zh"] and text.get("en"))] == []
    assert [path for path, text in texts if _CHINESE.search(text["en"]) or not _CHINESE.search(text["zh"])] == []


@pytest.mark.parametrize("code", CODES)
def test_every_clause_cited_is_in_the_base_data(code):
    articles = {(row["regulation_id"], row["article"]) for row in base()["regulation_paragraphs.csv"]}
    cited = {(clause["reg"], clause["article"]) for clause in _clauses(bundle(code).to_data())}
    assert cited - articles == set()


@pytest.mark.parametrize("code", CODES)
def test_regulations_agree_with_the_base_data(code):
    known = {row["id"]: row for row in base()["regulations.csv"]}
    for regulation in bundle(code).manifest.regulations:
        row = known[regulation.id]
        assert (regulation.title.zh, regulation.title.en, regulation.number) == (
            row["title"],
            row["title_en"],
            row["number"],
        )


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_assumptions_are_marked(code):
    """What rests only on texts nobody could read, or on a default of ours, says so."""
    unread = {row["id"] for row in base()["regulations.csv"] if not row["verified"]}
    document = bundle(code).criteria
    resting = [(one.id, one.basis, one.verified) for one in document.criteria]
    resting += [(name, dated.basis, dated.verified) for name, one in document.parameters.items() for dated in one.values]
    resting.append(("exam", bundle(code).exam.basis[-1:], bundle(code).exam.verified))
    assert [name for name, basis, verified in resting if {clause.reg for clause in basis} <= unread and verified] == []


@pytest.mark.parametrize(
    ("code", "first"),
    [("finance", "region"), ("natural_resources", "region"), ("housing", "league"), ("transport", "league"), ("water", "county")],
)
def test_pipeline_settings_are_those_decided(code, first):
    settings = bundle(code).manifest.pipeline
    assert (settings.review.levels.first, settings.review.levels.second) == (first, "region")
    assert (settings.review.days.value, settings.review.warn_after.value, settings.notice_days.value) == (7, 5, 5)
    assert (settings.correct_within.value, settings.exam_within.value, settings.reconsider_within.value) == (15, 60, 10)
    assert (settings.term_years.value, settings.reapply_after.value.months) == (3, 6)


def _texts(data: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        if "zh" in data:
            return [(path, data)]
        return [found for key, value in data.items() for found in _texts(value, f"{path}.{key}".lstrip("."))]
    if isinstance(data, list):
        return [found for at, value in enumerate(data) for found in _texts(value, f"{path}[{at}]")]
    return []


def _clauses(data: Any) -> list[dict[str, str]]:
    if isinstance(data, dict):
        if data.keys() == {"reg", "article"}:
            return [data]
        return [found for value in data.values() for found in _clauses(value)]
    if isinstance(data, list):
        return [found for value in data for found in _clauses(value)]
    return []
