"""Checks before publication: what is wrong with a bundle that can be read, and what somebody should look at.

Reading finds what is not written as it must be (`rules.bundle`); here the whole is looked at: conditions nobody can meet, dates
without a value, clauses that are not in force, words without English, cases that fail. Every remark has a code of
`codes.CODES` and a line in docs/checks.md. Errors stop publication; warnings must be seen. Nothing is guessed: what cannot
be decided in bounded work is not reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from rules.bundle import Bundle
from rules.checks import cases, clauses, conditions, exams, fields, parameters, words
from rules.checks.clauses import Paragraphs
from rules.checks.codes import CODES
from rules.checks.remarks import Notes, Remark, in_order, of_problems

__all__ = ["CODES", "Remark", "check_bundle", "of_problems"]


def check_bundle(bundle: Bundle, *, on: date, today: date | None = None, base: Bundle | None = None, others: Iterable[Bundle] = (),
                 regulations: Paragraphs | None = None) -> tuple[Remark, ...]:
    """Everything to say about a bundle that shall hold from a day on, errors first.

    `today` is the day of asking, where that is an earlier one: what starts until then starts in the past. `base` is the release
    it started from: with it, values that were added into the past or edited are found. `others` are the
    bundles in force beside it: with them, a specialty claimed twice is found. `regulations` are the paragraphs on file,
    `(regulation, article) → (in force from, until)`. A bundle that cannot be read has Problems instead: `of_problems()`.
    """
    notes = Notes(bundle)
    parameters.check(notes, on=on, today=today or on, base=base)
    clauses.check(notes, on=on, others=tuple(others), regulations=regulations)
    fields.check(notes)
    words.check(notes)
    exams.check(notes)
    cases.check(notes)
    conditions.check(notes, on=on)
    return in_order(notes.remarks)
