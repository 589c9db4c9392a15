"""The one sentence for a deadline, and that nobody makes another."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from rules.deadline_words import day_words, days_words, deadline_words

ROOT = Path(__file__).parents[2]
WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"days": 7}, "7 个工作日，至 11 月 25 日（周三）"),
        ({"days": 7, "lang": "en"}, "7 working days, until Wednesday 25 November"),
        ({"days": 1, "lang": "en"}, "1 working day, until Wednesday 25 November"),
        ({"days": 7, "year": True}, "7 个工作日，至 2026 年 11 月 25 日（周三）"),
        ({"days": 7, "year": True, "lang": "en"}, "7 working days, until Wednesday 25 November 2026"),
        ({"days": 7, "provisional": True}, "7 个工作日，至 11 月 25 日（周三），暂定，只会延后"),
        ({"days": 7, "provisional": True, "lang": "en"}, "7 working days, until Wednesday 25 November, provisional: it can only become later"),
        ({}, "至 11 月 25 日（周三）"),
        ({"lang": "en"}, "until Wednesday 25 November"),
    ],
)
def test_the_sentence(how, expected):
    assert deadline_words(WEDNESDAY, **how) == expected


def test_its_parts():
    assert day_words(WEDNESDAY, weekday=False, year=True) == "2026 年 11 月 25 日"
    assert day_words(WEDNESDAY, weekday=False, year=True, lang="en") == "25 November 2026"
    assert (days_words(3), days_words(3, lang="en")) == ("3 个工作日", "3 working days")


# what would be a second way of saying until when: a number of working days with a day, or a day a text says something is due on
OTHERWISE = re.compile(r"个工作日[，,、]?\s*(?:自|至|到)|working days, (?:until|by)|days\} 个工作日|%m 月 %d 日|至 %\(day\)s，暂定")
MAY = {Path("rules/deadline_words.py")}


def test_no_page_letter_or_message_says_it_another_way():
    sources = [path for folder in ("console", "rules", "plugins") for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".html", ".yaml", ".txt")]
    assert len(sources) > 300
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in sources
        if path.relative_to(ROOT) not in MAY
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OTHERWISE.search(line) and '"""' not in line
    ]
    assert found == []
