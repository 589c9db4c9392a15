"""Words in both languages, and the few that several letters share."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from rules.pipeline import Step


class Said(NamedTuple):
    """Words in Chinese and English."""

    zh: str
    en: str


NEVER = Said("不再安排", "none")
TASKS = {
    Step.CORRECTION: Said("补正申报材料", "correct your application"),
    Step.TRAINING: Said("完成在线培训", "finish the online training"),
    Step.EXAM: Said("参加在线考试", "take the online exam"),
}


def day(value: dt.date | None) -> Said:
    """2026年11月25日 and 25 November 2026; a date that is not set yet is said to be so."""
    if value is None:
        return Said("另行通知的日期", "a date to be announced")
    return Said(f"{value.year}年{value.month}月{value.day}日", f"{value.day} {value:%B} {value.year}")


def same(value: object) -> Said:
    return Said(str(value), str(value))
