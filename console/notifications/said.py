"""Words in both languages, and the few that several letters share."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from rules.deadline_words import deadline_words
from rules.pipeline import Step


class Said(NamedTuple):
    """Words in Chinese and English."""

    zh: str
    en: str

    def show(self, lang: str) -> str:
        return self.en if lang == "en" else self.zh


NEVER = Said("不再安排", "none")
TASKS = {
    Step.CORRECTION: Said("补正申报材料", "correct your application"),
    Step.TRAINING: Said("完成在线培训", "finish the online training"),
    Step.EXAM: Said("参加在线考试", "take the online exam"),
}


#: what a deadline is for, where nobody but the office has to do something
MATTERS = {
    Step.FIRST_REVIEW: Said("审核", "the review"),
    Step.CORRECTION: Said("补正", "the corrections"),
    Step.TRAINING: Said("培训", "the training"),
    Step.EXAM: Said("考试", "the exam"),
    Step.PUBLICITY: Said("公示", "the public notice"),
}


def deadline(last_day: dt.date | None, days: int | None = None, *, provisional: bool = False) -> Said:
    """“7 个工作日，至 2026 年 11 月 25 日（周三）”, as on every page; a letter is kept, so it names the year."""
    if last_day is None:
        return day(None)
    return Said(*(deadline_words(last_day, days, lang=lang, provisional=provisional, year=True) for lang in ("zh", "en")))


def day(value: dt.date | None) -> Said:
    """2026年11月25日 and 25 November 2026; a date that is not set yet is said to be so."""
    if value is None:
        return Said("另行通知的日期", "a date to be announced")
    return Said(f"{value.year}年{value.month}月{value.day}日", f"{value.day} {value:%B} {value.year}")


def same(value: object) -> Said:
    return Said(str(value), str(value))
