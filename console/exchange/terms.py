"""How long a file waits for whoever asked for it, and how large one may be; set once per process."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    hours: int = 24  # that a file waits, outgoing or incoming
    max_mb: int = 30  # of a file that comes in

    @property
    def wait(self) -> dt.timedelta:
        return dt.timedelta(hours=self.hours)


_terms = Terms()


def configure(terms: Terms) -> None:
    global _terms
    _terms = terms


def terms() -> Terms:
    return _terms
