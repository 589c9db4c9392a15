"""How a deadline reads, wherever it stands: “7 个工作日，至 11 月 25 日（周三）”, “7 working days, until Wednesday 25 November”.

One sentence for the desk, the portal, the board, letters and messages. What is kept for years names the year (`year=True`).
"""

from __future__ import annotations

from datetime import date

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def day_words(day: date, *, lang: str = "zh", weekday: bool = True, year: bool = False) -> str:
    """“11 月 25 日（周三）”, “Wednesday 25 November”."""
    if lang == "en":
        words = f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")
        return f"{_WEEKDAYS[day.weekday()]} {words}" if weekday else words
    words = f"{day.month} 月 {day.day} 日"
    words = f"{day.year} 年 {words}" if year else words
    return f"{words}（周{_WEEKDAYS_ZH[day.weekday()]}）" if weekday else words


def days_words(days: int, *, lang: str = "zh") -> str:
    """“7 个工作日”, “7 working days”."""
    if lang == "en":
        return "1 working day" if days == 1 else f"{days} working days"
    return f"{days} 个工作日"


def deadline_words(last_day: date, days: int | None = None, *, lang: str = "zh", provisional: bool = False, year: bool = False) -> str:
    """The sentence. `days` is how many working days were given; without it only the last day is said. A provisional deadline says
    that it can only become later."""
    until = f"until {day_words(last_day, lang=lang, year=year)}" if lang == "en" else f"至 {day_words(last_day, lang=lang, year=year)}"
    if days:
        until = f"{days_words(days, lang=lang)}, {until}" if lang == "en" else f"{days_words(days, lang=lang)}，{until}"
    if provisional:
        until += ", provisional: it can only become later" if lang == "en" else "，暂定，只会延后"
    return until
