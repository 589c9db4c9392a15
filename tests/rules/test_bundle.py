from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rules.bundle import Bundle, read_folder, run_cases
from rules.documents import Problems
from rules.exams import draw_paper
from rules.letters import EVENTS, placeholders, render
from rules.pipeline import Step
from rules.specialties import Claim, conflicts, owner_of
from tests.rules.conftest import DEPARTMENT

PLUGINS = Path(__file__).parents[2] / "plugins"
DEPARTMENTS = sorted(folder.name for folder in PLUGINS.iterdir() if folder.is_dir() and folder.name != "centre") if PLUGINS.exists() else []


def said(changed, *changes, drop=None) -> list[tuple[str, int, str]]:
    with pytest.raises(Problems) as error:
        changed(*changes, drop=drop)
    assert all(one.zh and one.en for one in error.value.problems)
    return [(one.file, one.line, one.zh) for one in error.value.problems]


@pytest.mark.parametrize(("file", "before", "after", "says"), [
    ("bundle.yaml", "kind: department", "knid: department", "是否应为“kind”"),
    ("bundle.yaml", "notice_days", "notice_day", "是否应为“notice_days”"),
    ("bundle.yaml", "days: 7", "dyas: 7", "是否应为“days”"),
    ("bundle.yaml", "first: league", "first: city", "league"),
    ("bundle.yaml", "correct_within: 15", "correct_within: fifteen", "应为整数"),
    ("bundle.yaml", "correct_within: 15", "correct_within: true", "应为整数"),
    ("bundle.yaml", "2026-01-01", "2026-02-30", "不是日期"),
    ("bundle.yaml", "phone: 0471-2", "phone: 4712", "应为文字"),
    ("bundle.yaml", "warn_after: 5", "warn_after: 7", "小于 days"),
    ("bundle.yaml", "exam: false", "exam: true", "exam_within"),
    ("bundle.yaml", "reg: R1", "reg: R2", "R1"),
    ("bundle.yaml", "code: roads", "code: roads\ncode: x", "重复"),
    ("criteria.yaml", "{param: age_limit}", "{param: age_limt}", "是否应为“age_limit”"),
    ("criteria.yaml", "fact: birth_date", "fact: birthdate", "是否应为“birth_date”"),
    ("criteria.yaml", "effect: flag", "effect: falg", "flag"),
    ("criteria.yaml", "when_unknown: refer", "when_unkown: refer", "是否应为“when_unknown”"),
    ("criteria.yaml", "{birth_date}", "{birthdate}", "birth_date"),
    ("criteria.yaml", "id: unpaid", "id: age", "重复"),
    ("criteria.yaml", "{from: 2026-01-01, value: 70", "{from: 2019-01-01, value: 70", "重叠"),
    ("criteria.yaml", "from: 2020-01-01, value: 8", "from: 2026-06-01, value: 8", "没有值"),
    ("criteria.yaml", "basis: {reg: R1, article: 第五条}", "basis: []", "至少 1 项"),
    ("review.yaml", "evidence: [title_paper", "evidence: [titel_paper", "title_paper"),
    ("review.yaml", "title: 材料虚假, basis: {reg: R1, article: 第六条}", "title: 材料虚假", "basis"),
    ("cases.yaml", "person: zhang", "person: zang", "zhang"),
    ("cases.yaml", "age: met", "aeg: met", "age"),
    ("cases.yaml", "birth_date: 1970-01-01", "birth_date: 1970", "种类"),
])
def test_a_wrong_word_is_named_with_its_line_and_the_nearest_known_one(changed, file, before, after, says):
    found = said(changed, (file, before, after))
    text = DEPARTMENT[file].replace(before, after)
    assert [(name, at) for name, at, zh in found if says in zh] == [(file, text[: text.rindex(after) + len(after)].count("\n") + 1)], found


def test_the_problems_of_all_documents_are_reported_together(changed):
    found = said(changed, ("bundle.yaml", "days: 7", "dyas: 7"), ("criteria.yaml", "fact: birth_date", "fact: bith_date"), ("review.yaml", "to_refuse", "to_refus"),
                 ("cases.yaml", "person: zhang", "persn: zhang"), ("application.yaml", "label: 名称", "label: 名称, max_lenght: 9"))
    assert {name for name, _, _ in found} == {"bundle.yaml", "review.yaml", "cases.yaml", "application.yaml"}
    assert {name for name, _, _ in said(changed, ("bundle.yaml", "days: 7", "dyas: 7"), ("criteria.yaml", "fact: birth_date", "fact: bith_date"))} == {"bundle.yaml", "criteria.yaml"}


def test_a_document_that_is_required_is_missed(changed):
    assert said(changed, drop="cases.yaml") == [("cases.yaml", 1, "缺少 cases.yaml（案例）。")]
    assert [name for name, _, _ in said(changed, ("bundle.yaml", "exam: false", "exam: true\n  exam_within: 60"))] == ["exam.yaml", "questions.csv"]


def test_a_gap_and_a_mixture_in_a_parameter_are_named(changed):
    gap = said(changed, ("criteria.yaml", "{from: 2020-01-01, value: 65", "{from: 2020-01-01, until: 2024-12-31, value: 65"))
    assert gap == [("criteria.yaml", 7, "参数“age_limit”在 2025-01-01 至 2025-12-31 之间没有值，请补上。")]
    assert [(line, "种类" in zh) for _, line, zh in said(changed, ("criteria.yaml", "value: 65", "value: x"))] == [(5, True)]


def test_a_file_that_does_not_belong_is_refused(changed):
    assert said(changed, ("criterion.yaml", "", "x")) == [("criterion.yaml", 1, "规则包里没有这种文件。是否应为“criteria.yaml”？")]


def test_a_bundle_survives_storing_byte_for_byte(roads, centre):
    stored = json.loads(json.dumps(roads.to_data()))
    again = Bundle.from_data(stored, centre=centre)
    assert (again.hash, again.to_data(), again.manifest, again.criteria.criteria[0].title) == (roads.hash, roads.to_data(), roads.manifest, roads.criteria.criteria[0].title)
    assert Bundle.from_data(stored, centre=centre) is again is Bundle.from_data(stored, centre=centre, known_hash=roads.hash)


def test_a_changed_word_is_another_hash(roads, changed):
    assert changed(("criteria.yaml", "value: 70", "value: 68")).hash != roads.hash


def test_settings_know_their_clause_and_whether_it_is_verified(roads):
    settings = roads.manifest.pipeline
    assert (settings.notice_days.value, settings.notice_days.verified, settings.notice_days.basis[0].article) == (5, False, "第九条")
    assert (settings.review.days.value, settings.review.days.verified, settings.review.levels.second, settings.exam.value) == (7, True, "region", False)


def test_a_single_review_is_a_setting(changed):
    assert changed(("bundle.yaml", ", second: region", "")).manifest.pipeline.review.levels.second is None


LEVELS = "levels: {first: league, second: region}"


@pytest.mark.parametrize(("levels", "second"), [
    ("{first: league, second: region}", {"region": "region", "league": "region", "county": "region"}),
    ("{first: county}", {"region": None, "league": None, "county": None}),
    ("{first: county, second: region, second_above: league}", {"region": "region", "league": None, "county": None}),
    ("{first: county, second: region, second_above: county}", {"region": "region", "league": "region", "county": None}),
    ("{first: league, second: region, second_above: league}", {"region": "region", "league": None, "county": None}),
])
def test_a_second_review_follows_where_the_document_says(changed, levels, second):
    settings = changed(("bundle.yaml", LEVELS, f"levels: {levels}")).manifest.pipeline
    assert {office: settings.review.levels.second_after(office) for office in second} == second
    assert {office: Step.SECOND_REVIEW in settings.route(office).steps for office in second} == {
        office: level is not None for office, level in second.items()}


@pytest.mark.parametrize(("levels", "says"), [
    ("{first: county, second_above: league}", "须有 second"),
    ("{first: county, second: region, second_above: region}", "复审不会发生"),
    ("{first: region, second: region, second_above: league}", "复审总会发生"),
    ("{first: league, second: region, second_above: county}", "复审总会发生"),
    ("{first: county, second: region, second_over: league}", "second_above"),
])
def test_a_second_review_that_never_or_always_follows_is_refused(changed, levels, says):
    [(file, line, zh)] = said(changed, ("bundle.yaml", LEVELS, f"levels: {levels}"))
    assert (file, line, says in zh) == ("bundle.yaml", 9, True), zh


def test_a_case_that_comes_out_differently_says_how(changed):
    bundle = changed(("cases.yaml", "decision: pass, flags: []", "decision: reject, flags: [unpaid]"))
    assert [(one.passed, one.differences) for one in run_cases(bundle)] == [
        (False, ("decision: expected reject, found pass", "flags: expected ['unpaid'], found []"))]


def test_letters_name_only_what_they_know_and_interpret_nothing_else(centre):
    letter = centre.letter("refused").model_copy(update={"body": {"zh": ""}})
    rendered = render(centre.letter("refused"), {"reasons": "{applicant_name} {0.__class__} 第一条"})
    assert rendered.body == "{applicant_name} {0.__class__} 第一条" and letter is not None
    assert placeholders("{a} {{b}} {c.d} {") == {"a", "c.d", "{"}


@pytest.mark.parametrize(("body", "says"), [
    ("letters: {refused: {subject: 通知, body: 您未获通过}}", "{reasons}"), ("letters: {refused: {subject: 通知, body: '{reasons} {reason}'}}", "是否应为“reasons”"),
    ("letters: {refused: {subject: 通知, body: '{reasons} {number.__class__}'}}", "不是此信函可用的占位名"), ("letters: {refuse: {subject: 通知, body: 您好}}", "是否应为“refused”"),
    ("letters: {sign_in_code: {subject: 码, body: '{code}'}}", "仅交易中心"), ("letters: {withdrawn: {subject: 通知, body: '您好 {'}}", "占位名"),
])
def test_a_letter_that_says_too_little_or_too_much_is_refused(changed, body, says):
    assert [zh for _, _, zh in said(changed, ("letters.yaml", "", body)) if says in zh]


def test_the_longest_prefix_of_that_standard_decides():
    claims = {"a": [Claim(standard="s", prefixes=("A04",))], "b": [Claim(standard="s", prefixes=("A0403", "B")), Claim(standard="t", prefixes=("A",))]}
    assert [owner_of(claims, *one) for one in [("s", "A0401"), ("s", "A040301"), ("t", "A0401"), ("s", "C01"), ("u", "A04")]] == ["a", "b", "b", None, None]
    assert list(conflicts(claims | {"c": [Claim(standard="s", prefixes=("B",))]})) == [("s", "B", ["b", "c"])]


@pytest.fixture(scope="module")
def shipped_centre() -> Bundle:
    return read_folder(PLUGINS / "centre")


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_shipped_bundle_reads_and_its_cases_come_out(code, shipped_centre):
    bundle = read_folder(PLUGINS / code, centre=shipped_centre)
    assert [(one.id, one.differences) for one in run_cases(bundle) if not one.passed] == []
    assert all(bundle.letter(event) for event in EVENTS)
    if bundle.exam:
        assert draw_paper(bundle.exam_questions, bundle.exam.blueprint, seed="x").total == bundle.exam.total
    assert Bundle.from_data(bundle.to_data(), centre=shipped_centre).hash == bundle.hash


@pytest.mark.parametrize("code", DEPARTMENTS)
def test_every_shipped_criterion_has_a_case_met_and_one_not_met(code, shipped_centre):
    bundle = read_folder(PLUGINS / code, centre=shipped_centre)
    outcomes = {(finding.id, finding.outcome) for result in run_cases(bundle) for finding in result.verdict.findings}
    lacking = [(one.id, outcome) for one in bundle.criteria.criteria for outcome in ("met", "not_met") if (one.id, outcome) not in outcomes]
    assert lacking == []


def test_a_folder_that_is_not_there_is_said():
    with pytest.raises(Problems, match="不存在"):
        read_folder(PLUGINS / "nowhere")


def test_facts_are_derived_from_answers_of_ones_own_department_only():
    from rules.facts import derive

    facts = derive({"name": "张三", "id_number": "11010519491231002X", "work": [], "first": {"start": "2010-01", "end": "now"}, "roads": {"x": 1}, "water": {"y": 2}},
                   department="roads", applied_on=date(2026, 12, 30), decided_on=date(2026, 12, 31), specialties=[("316-2018", "A0403")],
                   registers={"blacklisted": None, "penalties": [], "other": 1})
    assert facts == {"name": "张三", "id_number": "11010519491231002X", "work": [], "first": {"start": "2010-01", "end": "now"}, "x": 1,
                     "birth_date": "1949-12-31", "sex": "female", "applied_on": "2026-12-30", "decided_on": "2026-12-31", "age": 77, "age_applied": 76,
                     "specialties": [{"standard": "316-2018", "code": "A0403"}], "penalties": []}
