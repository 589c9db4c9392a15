from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.exams import BlueprintRow, CannotFill, ExamQuestion, Paper, draw_paper, grade, questions_of, read_questions

BANK = [ExamQuestion(f"Q{at:03}", "shared" if at % 3 == 0 else "roads", ("single", "multiple", "judge")[at % 3], f"第 {at} 题",
                     (("A", "甲"), ("B", "乙")) if at % 3 == 2 else (("A", "甲"), ("B", "乙"), ("C", "丙"), ("D", "丁")),
                     frozenset("AB") if at % 3 == 1 else frozenset("A"), 1 + at % 2, f"t{at % 4}", "第一条", "") for at in range(40)]
STABLE = ["Q012", "Q000", "Q010", "Q016", "Q013", "Q034", "Q004", "Q019", "Q028", "Q001", "Q031", "Q022", "Q002", "Q008", "Q029", "Q035", "Q023", "Q038", "Q014", "Q005"]
STABLE_OPTIONS = "BCDA"
BLUEPRINT = [BlueprintRow(bank="own", count=10, marks=3), BlueprintRow(bank="own", kind="judge", count=8, marks=5), BlueprintRow(bank="shared", topic="t0", count=2, marks=15)]


def test_the_same_seed_is_the_same_paper_whatever_the_order_of_the_bank():
    shuffled = random.Random(1).sample(BANK, len(BANK))
    assert draw_paper(BANK, BLUEPRINT, seed="s") == draw_paper(shuffled, BLUEPRINT, seed="s") != draw_paper(BANK, BLUEPRINT, seed="t")


def test_a_paper_is_stable_for_ever():
    paper = draw_paper(BANK, BLUEPRINT, seed="2026")
    assert [item.question for item in paper.items] == STABLE
    assert "".join(letter for letter, _ in paper.items[0].options) == STABLE_OPTIONS
    assert Paper.from_data(paper.to_data()) == paper and paper.total == 100


@given(st.text(max_size=20))
def test_every_paper_follows_the_blueprint(seed):
    paper = draw_paper(BANK, BLUEPRINT, seed=seed)
    kinds = [item.kind for item in paper.items]
    assert len({item.question for item in paper.items}) == 20 and paper.total == 100
    assert sorted(kinds, key=["single", "multiple", "judge"].index) == kinds
    assert sorted(item.marks for item in paper.items) == [3] * 10 + [5] * 8 + [15] * 2
    assert all(item.kind == "judge" for item in paper.items if item.marks == 5)
    assert all(dict(item.options) == dict(next(one for one in BANK if one.id == item.question).options) for item in paper.items)


def test_rows_that_share_questions_are_filled_when_there_is_any_way():
    blueprint = [BlueprintRow(bank="own", count=13, marks=1), BlueprintRow(bank="own", kind="judge", count=13, marks=1)]
    assert len(draw_paper(BANK, blueprint, seed="x").items) == 26


def test_what_the_bank_cannot_fill_is_said():
    with pytest.raises(CannotFill) as error:
        draw_paper(BANK, [BlueprintRow(bank="own", kind="judge", count=14, marks=1)], seed="x")
    assert (error.value.row, error.value.wanted, error.value.found) == (0, 14, 13)


def test_marks_are_given_for_exactly_right_answers():
    paper = draw_paper(BANK, BLUEPRINT, seed="s")
    right = {question.id: "".join(question.answer) for question in BANK}
    assert (grade(paper, BANK, right, pass_mark=60).marks, grade(paper, BANK, {}, pass_mark=60).marks) == (100, 0)
    multiple = next(item for item in paper.items if item.kind == "multiple")
    for given_answer, marks in ((["B", "A"], multiple.marks), ("A", 0), ("ABC", 0), ({"x": 1}, 0), ("AZ", 0), (None, 0)):
        graded = grade(paper, BANK, {multiple.question: given_answer}, pass_mark=1)
        assert (graded.marks, graded.passed) == (marks, marks > 0)


def test_every_broken_cell_of_the_bank_is_named_by_line_and_column():
    head = "bank,qid,type,stem,option_a,option_b,option_c,option_d,option_e,option_f,answer,score,difficulty,topic,article,explanation"
    rows = [head, "roads,1,single,题,甲,乙,,,,,A,1,1,t,第一条,", "roads,1,multiple,题,甲,乙,,,,,A,1,9,t,第一条,", "other,2,judge,,甲,,丙,,,,C,1,1,t,,", "a,b"]
    problems: list = []
    read_questions("questions.csv", "\n".join(rows), bank="roads", problems=problems)
    assert [(one.line, one.key) for one in problems] == [(3, "qid"), (3, "difficulty"), (3, "answer"), (4, "stem"), (4, "article"), (4, "bank"), (4, "option_a"), (5, "")]


def test_missing_and_unknown_columns_are_named():
    problems: list = []
    assert read_questions("questions.csv", "bank,qid,typ\n", bank="x", problems=problems) == []
    assert "type" in problems[0].zh and {one.key for one in problems} >= {"typ", "type", "stem"}


def test_a_withdrawn_question_is_not_drawn():
    bank = [*BANK[:1], ExamQuestion("OLD", "roads", "single", "旧", (("A", "甲"), ("B", "乙")), frozenset("A"), 1, "t", "第一条", "", "", "2026-01-01")]
    with pytest.raises(CannotFill):
        draw_paper(bank, [BlueprintRow(bank="own", count=1, marks=1)], seed="x")


HEAD = "bank,qid,type,stem,option_a,option_b,option_c,option_d,option_e,option_f,answer,score,difficulty,topic,article,explanation"
ENGLISH = "stem_en,option_a_en,option_b_en,option_c_en,explanation_en,topic_en,article_en"


def test_a_question_is_shown_in_english_where_somebody_wrote_it_and_in_chinese_elsewhere():
    problems: list = []
    rows = read_questions("questions.csv", "\n".join([f"{HEAD},{ENGLISH}", "roads,1,single,题,甲,乙,,,,,A,1,1,路,第一条,因为,Question,one,two,,because,Roads,art. 1",
                                                      "roads,2,judge,第二题,对,错,,,,,B,1,1,路,第二条,因为,,,,,,,"]), bank="roads", problems=problems)
    first, second = questions_of(rows)

    assert problems == []
    shown = first.wording("en")
    assert (shown.lang, shown.stem, shown.options, shown.topic, shown.article, shown.explanation) == (
        "en", "Question", (("A", "one"), ("B", "two")), "Roads", "art. 1", "because")
    assert (first.wording("zh").stem, second.wording("en").lang, second.wording("en").stem) == ("题", "zh", "第二题")
    assert first.answer == frozenset("A") and "stem_en" not in rows[1]


def test_half_a_translation_is_named_by_line_and_column():
    problems: list = []
    read_questions("questions.csv", "\n".join([f"{HEAD},{ENGLISH}", "roads,1,single,题,甲,乙,,,,,A,1,1,路,第一条,因为,Question,one,,three,,Roads,art. 1"]),
                   bank="roads", problems=problems)
    assert [(one.line, one.key) for one in problems] == [(2, "option_b_en"), (2, "explanation_en"), (2, "option_c_en")]


def test_a_bank_without_english_columns_is_stored_as_before():
    line = "roads,1,single,题,甲,乙,,,,,A,1,1,路,第一条,"
    assert read_questions("questions.csv", f"{HEAD}\n{line}", bank="roads", problems=[]) == read_questions(
        "questions.csv", f"{HEAD},{ENGLISH}\n{line},,,,,,,", bank="roads", problems=[]) == [
        {"bank": "roads", "qid": "1", "type": "single", "stem": "题", "option_a": "甲", "option_b": "乙", "answer": "A", "score": "1",
         "difficulty": "1", "topic": "路", "article": "第一条"}]
