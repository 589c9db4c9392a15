"""What the settings say about notices; set once per process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """`address`: where a notice's public page is asked for; `gap_minutes`: how long it may be away on a working day before the day does
    not count; `objection_days`: working days in which an objection is answered. The last two are assumptions of ours."""

    address: str = ""
    gap_minutes: int = 120
    objection_days: int = 5


_terms = Terms()


def configure(terms: Terms) -> None:
    global _terms
    _terms = terms


def terms() -> Terms:
    return _terms
