"""The exam: a blueprint the bank can fill, questions that say why an answer is right."""

from __future__ import annotations

from rules.checks.remarks import Notes
from rules.exams import CannotFill, draw_paper


def check(notes: Notes) -> None:
    bundle = notes.bundle
    if bundle.exam is not None:
        try:
            draw_paper(bundle.exam_questions, bundle.exam.blueprint, seed="can it be filled")
        except CannotFill as short:
            row = bundle.exam.blueprint[short.row]
            gone = sum(1 for question in bundle.exam_questions if question.withdrawn)
            notes.add("C501", "exam.yaml", ("blueprint", short.row), f"题库不足：此行需要 {short.wanted} 题，只能抽到 {short.found} 题（另有 {gone} 题已停用）。请增加试题或减少 count。",
                      f"The bank cannot fill this row: it wants {short.wanted} questions and gets {short.found} ({gone} are withdrawn). Add questions or lower count.",
                      {"row": short.row + 1, "wanted": short.wanted, "found": short.found, "withdrawn": gone, "bank": row.bank})
    for at, question in enumerate(bundle.questions):
        if not question.explanation:
            notes.add("C502", "questions.csv", (at, "explanation"), f"试题 {question.id} 没有解析，请写明为什么这样答。", f"Question {question.id} has no explanation; say why the answer is right.")
        if getattr(question, "english", question) is None:
            notes.add("C503", "questions.csv", (at, "stem_en"), f"试题 {question.id} 没有英文，请补上英文各列。", f"Question {question.id} has no English; fill in its English columns.")
