"""A paper as it is stored: what was shown, in the order it was shown, and nothing that gives an answer away.

Options are lettered anew for each paper, and an answer is kept in those letters; which letter of the bank stands behind each
(`order`) and which ones are right (the release) meet only while grading. So “the third one is C” is of no use to the next person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from console.exams.errors import NotAChoice
from rules.bundle import Bundle
from rules.exams import LETTERS, ExamQuestion, Paper, PaperItem, Wording, draw_paper
from rules.exams import grade as grade_paper

Stored = list[dict[str, Any]]


def draw(bundle: Bundle, seed: str) -> Stored:
    """The paper that this seed gives with this release: the same for ever."""
    if bundle.exam is None:
        raise LookupError(f"{bundle.code} has no exam")
    bank = _bank(bundle)
    return [
        {
            "id": item.question,
            "kind": item.kind,
            "stem": item.stem,
            "topic": bank[item.question].topic,
            "marks": item.marks,
            "letters": LETTERS[: len(item.options)],
            "order": "".join(letter for letter, _ in item.options),
            "options": [text for _, text in item.options],
        }
        for item in draw_paper(bank.values(), bundle.exam.blueprint, seed=seed).items
    ]


def grade(bundle: Bundle, questions: Stored, answers: Mapping[str, str]) -> list[dict[str, Any]]:
    """One line per question: what was chosen (as shown), right or not, and the marks."""
    bank = _bank(bundle)
    paper = Paper(
        tuple(
            PaperItem(q["id"], q["kind"], q["stem"], tuple(zip(q["order"], q["options"], strict=True)), q["marks"])
            for q in questions
        )
    )
    given = {q["id"]: _in_bank_letters(q, answers.get(q["id"], "")) for q in questions}
    graded = grade_paper(paper, [bank[q["id"]] for q in questions], given, pass_mark=0)
    return [
        {"id": line.question, "choice": answers.get(line.question, ""), "right": line.marks == line.of, "marks": line.marks}
        for line in graded.items
    ]


def wordings(bundle: Bundle, questions: Stored, lang: str) -> dict[str, Wording]:
    """Question → what a reader of that language sees, options in the order of this paper.

    Chinese is what the paper itself stores; the English beside it is that of the same release, so neither ever changes.
    """
    bank = _bank(bundle)
    return {q["id"]: _as_shown(q, bank[q["id"]].wording(lang)) for q in questions}


def _as_shown(question: Mapping[str, Any], wording: Wording) -> Wording:
    if wording.lang == "zh":
        options = tuple(zip(question["letters"], question["options"], strict=True))
        return replace(wording, stem=question["stem"], topic=question["topic"], options=options)
    texts = dict(wording.options)
    options = tuple((shown, texts[behind]) for shown, behind in zip(question["letters"], question["order"], strict=True))
    return replace(wording, options=options)


def tidy(choice: str | Sequence[str]) -> str:
    """Letters in order, each once; full-width and lower-case ones are meant as letters. Raises NotAChoice for anything else."""
    text = unicodedata.normalize("NFKC", choice if isinstance(choice, str) else "".join(choice)).upper().strip()
    if len(text) > 12 or not set(text) <= set(LETTERS):
        raise NotAChoice()
    return "".join(sorted(set(text)))


def _in_bank_letters(question: Mapping[str, Any], shown: str) -> str:
    return "".join(sorted(question["order"][question["letters"].index(letter)] for letter in shown))


def _bank(bundle: Bundle) -> dict[str, ExamQuestion]:
    return {question.id: question for question in bundle.exam_questions}
