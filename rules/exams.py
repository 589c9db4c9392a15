"""Exam papers: drawn by blueprint from a seed, the same for ever; graded at once.

The order of questions and options comes from HMAC-SHA256(seed, id), so the same seed gives the same paper on any machine and
in any year, whatever order the bank is read in. Time, tries and who may sit are the exam room's business.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictInt, model_validator

from rules.documents import Document, Fault, Path, Problem, meant
from rules.parts import Basis, Count, Flag, Lang, Line, Part, Positive, Words, iso_date

QuestionKind = Literal["single", "multiple", "judge"]
LETTERS = "ABCDEF"
COLUMNS = ("bank", "qid", "type", "stem", *(f"option_{letter.lower()}" for letter in LETTERS), "answer", "score", "difficulty",
           "topic", "article", "explanation")
#: The English of a question: all of what its Chinese has, or nothing of it.
ENGLISH_COLUMNS = ("stem_en", *(f"option_{letter.lower()}_en" for letter in LETTERS), "explanation_en", "topic_en", "article_en")
OPTIONAL_COLUMNS = ("law_version", "withdrawn", *ENGLISH_COLUMNS)
SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reader sees of a question, in one language; options stand under their letters of the bank."""

    lang: Lang
    stem: str
    options: tuple[tuple[str, str], ...]
    topic: str
    article: str
    explanation: str


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """One question of a bank; options are keyed by their letter, the answer is the set of right letters."""

    id: str
    bank: str
    kind: QuestionKind
    stem: str
    options: tuple[tuple[str, str], ...]
    answer: frozenset[str]
    difficulty: int
    topic: str
    article: str
    explanation: str
    law_version: str = ""
    withdrawn: str = ""
    english: Wording | None = None

    def wording(self, lang: str) -> Wording:
        """The question in that language; in Chinese when nobody wrote its English."""
        if lang == "en" and self.english is not None:
            return self.english
        return Wording("zh", self.stem, self.options, self.topic, self.article, self.explanation)


class BlueprintRow(Part):
    """So many questions of this sort, each worth so many marks."""

    bank: Literal["own", "shared"]
    kind: QuestionKind | None = None
    topic: Line | None = None
    difficulty: Annotated[StrictInt, Field(ge=1, le=3)] | None = None
    count: Annotated[StrictInt, Field(ge=1, le=300)]
    marks: Annotated[StrictInt, Field(ge=1, le=100)]

    def takes(self, question: ExamQuestion) -> bool:
        return ((question.bank == SHARED) == (self.bank == "shared") and self.kind in (None, question.kind)
                and self.topic in (None, question.topic) and self.difficulty in (None, question.difficulty) and not question.withdrawn)


class Exam(Part):
    """exam.yaml."""

    title: Words
    minutes: Annotated[StrictInt, Field(ge=1, le=600)]
    pass_mark: Positive
    tries: Annotated[StrictInt, Field(ge=1, le=20)] = 3
    wait_days: Count = 0
    basis: Basis = ()
    verified: Flag = True
    blueprint: Annotated[tuple[BlueprintRow, ...], Field(min_length=1, max_length=100)]

    @property
    def total(self) -> int:
        return sum(row.count * row.marks for row in self.blueprint)

    @model_validator(mode="after")
    def _can_be_passed(self) -> Self:
        if sum(row.count for row in self.blueprint) > 300:
            raise Fault("一份试卷最多 300 题。", "A paper has at most 300 questions.", ("blueprint",))
        if self.pass_mark > self.total:
            raise Fault(f"合格线 {self.pass_mark} 高于总分 {self.total}，无人能够合格。", f"The pass mark {self.pass_mark} is above the total of {self.total}; nobody could pass.", ("pass_mark",))
        return self


@dataclass(frozen=True, slots=True)
class PaperItem:
    """A question as this paper shows it: `options` in shown order, each still under its letter of the bank."""

    question: str
    kind: QuestionKind
    stem: str
    options: tuple[tuple[str, str], ...]
    marks: int


@dataclass(frozen=True, slots=True)
class Paper:
    items: tuple[PaperItem, ...]

    @property
    def total(self) -> int:
        return sum(item.marks for item in self.items)

    def to_data(self) -> dict[str, Any]:
        """The paper as JSON, complete: a later change of the bank does not change a paper."""
        return {"items": [{"question": item.question, "kind": item.kind, "stem": item.stem, "options": [list(one) for one in item.options],
                           "marks": item.marks} for item in self.items]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        return cls(tuple(PaperItem(one["question"], one["kind"], one["stem"], tuple((letter, text) for letter, text in one["options"]), one["marks"])
                         for one in data["items"]))


@dataclass(frozen=True, slots=True)
class GradedItem:
    question: str
    given: str
    answer: str
    marks: int
    of: int
    article: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Grade:
    marks: int
    of: int
    passed: bool
    items: tuple[GradedItem, ...]

    def to_data(self) -> dict[str, Any]:
        return {"marks": self.marks, "of": self.of, "passed": self.passed, "items": [
            {"question": one.question, "given": one.given, "answer": one.answer, "marks": one.marks, "of": one.of, "article": one.article,
             "explanation": one.explanation} for one in self.items]}


class CannotFill(ValueError):
    """The bank has too few questions; `row` is the number of the blueprint's row, from 0."""

    def __init__(self, row: int, wanted: int, found: int):
        super().__init__(f"blueprint row {row + 1} wants {wanted} questions, the bank has {found} for it")
        self.row, self.wanted, self.found = row, wanted, found


def draw_paper(questions: Iterable[ExamQuestion], blueprint: Sequence[BlueprintRow], *, seed: str) -> Paper:
    """Draw a paper. Raises CannotFill when the bank cannot fill the blueprint; finds a way whenever there is one."""
    key = seed.encode()
    ranked = sorted(questions, key=lambda question: _rank(key, "question", question.id))
    slots = [(row, number) for row, wanted in enumerate(blueprint) for number in range(wanted.count)]
    holder: dict[str, int] = {}                            # question id -> slot; a maximum matching by augmenting paths
    takes = [[question.id for question in ranked if row.takes(question)] for row in blueprint]

    def place(slot: int, tried: set[str]) -> bool:
        for wanted in takes[slots[slot][0]]:
            if wanted not in tried:
                tried.add(wanted)
                if wanted not in holder or place(holder[wanted], tried):
                    holder[wanted] = slot
                    return True
        return False

    for slot, (row, _) in enumerate(slots):
        if not place(slot, set()):
            raise CannotFill(row, blueprint[row].count, sum(1 for held in holder.values() if slots[held][0] == row))
    marks = {question: blueprint[slots[slot][0]].marks for question, slot in holder.items()}
    order = {"single": 0, "multiple": 1, "judge": 2}
    chosen = sorted((question for question in ranked if question.id in marks), key=lambda question: order[question.kind])
    return Paper(tuple(PaperItem(question.id, question.kind, question.stem, _shuffled(key, question), marks[question.id]) for question in chosen))


def grade(paper: Paper, questions: Iterable[ExamQuestion], answers: Mapping[str, Any], *, pass_mark: int) -> Grade:
    """Mark the answers (question id → letters of the bank, as text or list). All or nothing per question."""
    bank = {question.id: question for question in questions}
    items: list[GradedItem] = []
    for item in paper.items:
        question = bank[item.question]
        given = letters(answers.get(item.question))
        right = given == question.answer
        items.append(GradedItem(item.question, "".join(sorted(given)), "".join(sorted(question.answer)), item.marks if right else 0, item.marks,
                                question.article, question.explanation))
    total = sum(one.marks for one in items)
    return Grade(total, paper.total, total >= pass_mark, tuple(items))


def letters(given: Any) -> frozenset[str]:
    """The letters of an answer; anything that is not an answer is an empty one."""
    parts = given if isinstance(given, (list, tuple, set, frozenset)) else [given]
    text = "".join(one for one in parts if isinstance(one, str))[:20].upper()
    return frozenset(text) if all(char in LETTERS for char in text) else frozenset()


def _rank(key: bytes, purpose: str, name: str) -> bytes:
    return hmac.new(key, f"{purpose}:{name}".encode(), hashlib.sha256).digest()


def _shuffled(key: bytes, question: ExamQuestion) -> tuple[tuple[str, str], ...]:
    if question.kind == "judge":
        return question.options
    return tuple(sorted(question.options, key=lambda option: _rank(key, f"option:{question.id}", option[0])))


def check_filled(exam: Exam, source: Document, questions: Sequence[ExamQuestion], problems: list[Problem]) -> None:
    """A blueprint that the bank cannot fill is a problem of its row."""
    try:
        draw_paper(questions, exam.blueprint, seed="can it be filled")
    except CannotFill as error:
        problems.append(source.problem(("blueprint", error.row), f"题库不足：此行需要 {error.wanted} 题，只能抽到 {error.found} 题。请增加试题或减少 count。",
                                       f"The bank cannot fill this row: it wants {error.wanted} questions and gets {error.found}. Add questions or lower count.", "C501"))


# -- questions.csv ----------------------------------------------------------------------------------------------------

def read_questions(name: str, text: str, *, bank: str, problems: list[Problem], lines: dict[Path, int] | None = None) -> list[dict[str, str]]:
    """The rows as plain data, in file order; every broken row and cell is a problem with its line and column. `lines` is filled."""
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[dict[str, str]] = []
    try:
        head = next(reader, [])
        for column in head:
            if column not in COLUMNS + OPTIONAL_COLUMNS:
                zh, en = meant(column, COLUMNS + OPTIONAL_COLUMNS)
                problems.append(Problem(name, 1, column, f"不认识的列“{column}”。{zh}", f"Unknown column '{column}'. {en}"))
        for column in COLUMNS:
            if column not in head:
                problems.append(Problem(name, 1, column, f"缺少列“{column}”。", f"The column '{column}' is missing."))
        if set(COLUMNS) - set(head):
            return []
        ids: set[str] = set()
        for cells in reader:
            line = reader.line_num
            if not any(cells):
                continue
            if len(cells) != len(head):
                problems.append(Problem(name, line, "", f"此行有 {len(cells)} 格，应为 {len(head)} 格。", f"This row has {len(cells)} cells; {len(head)} are needed."))
                continue
            row = {column: cell.strip() for column, cell in zip(head, cells, strict=True) if cell.strip()}
            for column, zh, en in _faults(row, bank, ids):
                problems.append(Problem(name, line, column, zh, en))
            ids.add(row.get("qid", ""))
            if lines is not None:
                lines[(len(rows),)] = line
            rows.append(row)
    except csv.Error as error:
        problems.append(Problem(name, reader.line_num, "", f"不是合法的 CSV（{error}）。", f"Not valid CSV ({error})."))
    return rows


def _faults(row: Mapping[str, str], bank: str, ids: set[str]) -> list[tuple[str, str, str]]:
    faults: list[tuple[str, str, str]] = []
    for column in ("qid", "stem", "answer", "topic", "article"):
        if column not in row:
            faults.append((column, f"“{column}”不能为空。", f"'{column}' must not be empty."))
    if row.get("qid") in ids:
        faults.append(("qid", f"题号“{row['qid']}”重复出现。", f"The question id '{row['qid']}' appears twice."))
    if row.get("bank") != bank:
        faults.append(("bank", f"此题库的 bank 应为“{bank}”，现为“{row.get('bank', '')}”。", f"The bank of this file is '{bank}'; found '{row.get('bank', '')}'."))
    kind = row.get("type", "")
    if kind not in ("single", "multiple", "judge"):
        faults.append(("type", f"题型“{kind}”应为 single、multiple 或 judge。", f"The type '{kind}' must be single, multiple or judge."))
    if row.get("difficulty") not in ("1", "2", "3"):
        faults.append(("difficulty", "难度应为 1、2 或 3。", "The difficulty must be 1, 2 or 3."))
    present = [letter for letter in LETTERS if f"option_{letter.lower()}" in row]
    if len(present) < 2 or present != list(LETTERS[: len(present)]):
        faults.append(("option_a", "选项应从 A 起连续填写，至少两项。", "Options must run from A without gaps, at least two."))
    answer = set(row.get("answer", ""))
    if not answer <= set(present):
        faults.append(("answer", f"答案“{row.get('answer')}”不在选项之中。", f"The answer '{row.get('answer')}' is not among the options."))
    elif kind in ("single", "judge") and len(row.get("answer", "")) != 1:
        faults.append(("answer", f"{kind} 题只能有一个答案。", f"A {kind} question has one answer."))
    elif kind == "multiple" and len(answer) < 2:
        faults.append(("answer", "多选题至少有两个答案。", "A multiple question has at least two answers."))
    if "withdrawn" in row:
        try:
            iso_date(row["withdrawn"])
        except ValueError:
            faults.append(("withdrawn", "withdrawn 应为日期，例如 2026-01-31。", "withdrawn must be a date such as 2026-01-31."))
    return faults + _english_faults(row)


def _english_faults(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    given = [column for column in ENGLISH_COLUMNS if column in row]
    needed = [column for column in ENGLISH_COLUMNS if column.removesuffix("_en") in row]
    faults = [(column, f"此题写了英文，就要写全：“{column}”不能为空。", f"A question in English is in English as a whole: '{column}' must not be empty.")
              for column in needed if given and column not in row]
    return faults + [(column, f"没有“{column.removesuffix('_en')}”，却有它的英文。", f"This is the English of '{column.removesuffix('_en')}', which is empty.")
                     for column in given if column not in needed]


def questions_of(rows: Iterable[Mapping[str, str]]) -> tuple[ExamQuestion, ...]:
    """Checked rows as questions."""
    return tuple(
        ExamQuestion(row["qid"], row["bank"], row["type"],  # type: ignore[arg-type]
                     row["stem"], _options(row), frozenset(row["answer"]), int(row["difficulty"]), row["topic"], row["article"],
                     row.get("explanation", ""), row.get("law_version", ""), row.get("withdrawn", ""), _english(row))
        for row in rows)


def _options(row: Mapping[str, str], suffix: str = "") -> tuple[tuple[str, str], ...]:
    return tuple((letter, row[f"option_{letter.lower()}{suffix}"]) for letter in LETTERS if f"option_{letter.lower()}" in row)


def _english(row: Mapping[str, str]) -> Wording | None:
    if "stem_en" not in row:
        return None
    return Wording("en", row["stem_en"], _options(row, "_en"), row["topic_en"], row["article_en"], row.get("explanation_en", ""))
