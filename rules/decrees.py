"""What a calendar says about single days: read from a decree's CSV, checked as a whole, and compared with what is said already.

A day is a holiday, a holiday in lieu, or a working day made up for one; for the whole country, or for one division and everything
below it. `ordinary` takes back what an earlier version said: the day is again what its weekday makes it.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rules.documents import Problem
from rules.working_days import FIXED_HOLIDAYS

HOLIDAY, IN_LIEU, MAKEUP, ORDINARY = "holiday", "holiday_in_lieu", "makeup_workday", "ordinary"
KINDS = (HOLIDAY, IN_LIEU, MAKEUP, ORDINARY)
COUNTRY = ""  # the division of what holds everywhere
COLUMNS = ("day", "is_workday", "kind", "name")
MOST_LINES, LONGEST_NAME, LARGEST = 3_000, 60, 512 * 1024
YEARS_AHEAD = 2  # a decree is for the next year; further away it is a slip of the pen
# 全国年节及纪念日放假办法: every decreed year has all of these
FESTIVALS = {"元旦": "New Year", "春节": "Spring Festival", "清明": "Qingming", "劳动": "Labour Day", "端午": "Dragon Boat Festival", "中秋": "Mid-Autumn Festival", "国庆": "National Day"}
SINCE_2008, SINCE_2025 = 2008, 2025  # before 2008 清明, 端午 and 中秋 were ordinary days; before 2025 the 2nd of May was
LONG_NATIONAL_DAY = 8  # days off: 中秋 falls into it and is called by its name (2012, 2017, 2020)
TURN_OF_THE_YEAR = 15  # the New Year's bridge may take days of the December before
_DAY = timedelta(days=1)
Key = tuple[date, str]


@dataclass(frozen=True, slots=True, order=True)
class DaySaid:
    """One day that differs from its weekday, or `ordinary`; `division` is a code, or COUNTRY."""

    day: date
    division: str
    kind: str
    name: str

    @property
    def key(self) -> Key:
        return self.day, self.division

    @property
    def is_workday(self) -> bool:
        """Whether people work on that day; an ordinary day is what its weekday makes it."""
        return self.kind == MAKEUP if self.kind != ORDINARY else self.day.weekday() < 5


@dataclass(frozen=True, slots=True)
class Line:
    """A day as it was written, with its place."""

    number: int
    said: DaySaid


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def text_of(content: bytes, *, file: str = "calendar.csv") -> tuple[str, list[Problem]]:
    """A file's text, UTF-8 or else GB18030, or why there is none to read."""
    if len(content) > LARGEST:
        return "", [Problem(file, 1, "", f"文件太大：最多 {LARGEST // 1024} KB。", f"The file is too large: at most {LARGEST // 1024} KB.")]
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, []
    return "", [Problem(file, 1, "", "这不是 CSV 文本文件。表格软件里请另存为 CSV 再选。", "This is no CSV text file. In a spreadsheet program save it as CSV first.")]


def read_csv(text: str, *, file: str = "calendar.csv") -> tuple[list[Line], list[Problem]]:
    """The days of a file with the columns of `seed/data/workdays.csv` (and `division`, which may be left out), and everything wrong with it."""
    if not text.strip("\ufeff \r\n"):
        return [], [Problem(file, 1, "", "没有内容。请选一个 CSV 文件，或者把内容粘贴进来。", "There is nothing. Choose a CSV file or paste its text.")]
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    lines: list[Line] = []
    problems: list[Problem] = []
    names = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in names]
    unknown = [name for name in names if name not in (*COLUMNS, "division")]
    if missing or unknown:
        wanted = ",".join(COLUMNS)
        zh = f"第一行应当是 {wanted}，可以再加一列 division（区划代码）。" + (f"缺 {'、'.join(missing)}。" if missing else "") + (f"不认识 {'、'.join(unknown)}。" if unknown else "")
        en = f"The first line must be {wanted}, and may have a column division (a code)." + (f" Missing: {', '.join(missing)}." if missing else "") + (f" Unknown: {', '.join(unknown)}." if unknown else "")
        return [], [Problem(file, 1, "", zh, en)]
    reader.fieldnames = names
    try:
        for row in reader:
            if len(lines) + len(problems) >= MOST_LINES:
                problems.append(Problem(file, reader.line_num, "", f"最多 {MOST_LINES} 行。", f"At most {MOST_LINES} lines."))
                break
            if any((value or "").strip() for value in row.values() if not isinstance(value, list)):
                read_line(row, reader.line_num, file, lines, problems)
    except csv.Error as error:
        problems.append(Problem(file, reader.line_num, "", f"这一行读不出来：{error}", f"This line cannot be read: {error}"))
    if not lines and not problems:
        problems.append(Problem(file, 2, "", "文件里没有一天。", "The file has no day."))
    return lines, problems


def read_line(row: Mapping[Any, object], number: int, file: str, lines: list[Line], problems: list[Problem]) -> None:
    """One line into `lines`, or what is wrong with it into `problems`. The day is written 2027-01-01."""

    def wrong(key: str, zh: str, en: str) -> None:
        problems.append(Problem(file, number, key, zh, en))

    if None in row or any(not isinstance(value, str) for value in row.values() if value is not None):
        return wrong("", "这一行的列比第一行多。", "This line has more columns than the first.")
    cells = {name: str(value or "").strip() for name, value in row.items() if name is not None}
    before = len(problems)
    day = _date(cells["day"])
    if day is None:
        wrong("day", f"“{cells['day'][:20]}”不是一天，请写成 2027-01-31 的样子。", f"'{cells['day'][:20]}' is not a day; write 2027-01-31.")
    kind = cells["kind"]
    if kind not in KINDS:
        wrong("kind", f"“{kind[:20]}”不是日子的种类，可以写 {'、'.join(KINDS)}。", f"'{kind[:20]}' is not a kind of day; there are {', '.join(KINDS)}.")
    elif kind != ORDINARY and cells["is_workday"] not in ("", "1" if kind == MAKEUP else "0"):
        wrong("is_workday", f"is_workday 与 {kind} 对不上：上班写 1，放假写 0。", f"is_workday does not fit {kind}: 1 is a working day, 0 a day off.")
    if kind in KINDS and kind != ORDINARY and not cells["name"]:
        wrong("name", "请写名称，例如“元旦”。", "Give it a name, such as 元旦.")
    elif len(cells["name"]) > LONGEST_NAME:
        wrong("name", f"名称最多 {LONGEST_NAME} 个字。", f"A name has at most {LONGEST_NAME} characters.")
    if day is not None and len(problems) == before:
        lines.append(Line(number, DaySaid(day, cells.get("division", COUNTRY), kind, cells["name"])))
    return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        return None


# ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────


def check(
    lines: Iterable[Line], said: Mapping[Key, DaySaid], decreed: Collection[int], *, today: date, divisions: Collection[str], file: str = "calendar.csv"
) -> list[Problem]:
    """Everything that keeps these days from becoming a version of the calendar that now says `said`; lines that say the same again are no problem.

    A day twice, a past year, a year too far away, an unknown division, a working day made up on a working day, a holiday on a plain
    weekend, and a year that is not decreed and would be loaded by half.
    """
    lines = list(lines)
    problems: list[Problem] = []
    seen: dict[Key, int] = {}
    new = dict(said)
    for line in lines:
        one = line.said
        if one.key in seen:
            problems.append(Problem(file, line.number, "day", f"{one.day} 写了两次（第 {seen[one.key]} 行已有）。", f"{one.day} is there twice (first in line {seen[one.key]})."))
            continue
        seen[one.key] = line.number
        new[one.key] = one
    for line in lines:
        if said.get(line.said.key) != line.said and seen.get(line.said.key) == line.number:
            problems.extend(_check_day(line, said, new, today=today, divisions=divisions, file=file))
    for year in sorted(changed_years(lines, said) - set(decreed)):
        problems.extend(check_year(year, new.values(), file))
    return problems


def _check_day(line: Line, said: Mapping[Key, DaySaid], new: Mapping[Key, DaySaid], *, today: date, divisions: Collection[str], file: str) -> Iterable[Problem]:
    one, day = line.said, line.said.day

    def wrong(key: str, zh: str, en: str) -> Problem:
        return Problem(file, line.number, key, zh, en)

    if day.year < today.year:
        yield wrong("day", f"{day} 在已经过去的年份里：那时的期限已按它算过，不再改。", f"{day} lies in a past year: deadlines were counted by it, it is not changed any more.")
    elif day.year > today.year + YEARS_AHEAD:
        yield wrong("day", f"{day} 太远了：最多写到 {today.year + YEARS_AHEAD} 年。", f"{day} is too far away: at most {today.year + YEARS_AHEAD}.")
    if one.division not in (COUNTRY, *divisions):
        yield wrong("division", f"没有代码为“{one.division[:20]}”的行政区划。", f"There is no division with the code '{one.division[:20]}'.")
    if one.kind == ORDINARY and one.key not in said:
        yield wrong("kind", f"{day} 本来就没有安排，没有什么可取消。", f"Nothing is said about {day}: there is nothing to take back.")
    elif one.kind == MAKEUP and day.weekday() < 5 and not _is_off_elsewhere(one, new):
        yield wrong("kind", f"{day} 是平常上班的日子，不用写调休上班。", f"{day} is a working day anyway.")
    elif one.kind in (HOLIDAY, IN_LIEU) and day.weekday() >= 5 and not _is_in_a_run(one, new):
        yield wrong("kind", f"{day} 是普通周末，本来就休息，不用写。", f"{day} is a plain weekend, off anyway.")


def _is_off_elsewhere(one: DaySaid, new: Mapping[Key, DaySaid]) -> bool:
    """Whether the division would else have that day off: a make-up day of a division may take back a wider holiday."""
    return bool(one.division) and any(wider in new and not new[wider].is_workday for wider in ((one.day, code) for code in wider_divisions(one.division)))


def _is_in_a_run(one: DaySaid, new: Mapping[Key, DaySaid]) -> bool:
    """Whether a weekend day lies in a festival: days off in a row that are written, one of them a weekday or a festival's own fixed day."""
    def off(day: date) -> DaySaid | None:
        found = new.get((day, one.division))
        return found if found is not None and found.kind in (HOLIDAY, IN_LIEU) else None

    for step in (-_DAY, _DAY):
        day = one.day
        while off(day) is not None:
            if day.weekday() < 5 or (day.month, day.day) in FIXED_HOLIDAYS:
                return True
            day += step
    return any(word in one.name for word in FESTIVALS)  # a lunar festival that falls on the weekend


def check_year(year: int, days: Iterable[DaySaid], file: str) -> Iterable[Problem]:
    """What a year lacks that every decree says, for the whole country."""
    days = [one for one in days if one.kind != ORDINARY and one.day.year == year and one.division == COUNTRY]
    off = [one for one in days if one.kind != MAKEUP]
    lacking = [name for name in FESTIVALS if not any(name in one.name for one in off)] if year >= SINCE_2008 else []
    if sum("国庆" in one.name for one in off) >= LONG_NATIONAL_DAY:
        lacking = [name for name in lacking if name != "中秋"]
    if lacking:
        yield Problem(
            file, 1, "", f"{year} 年只载入了一半：没有{'、'.join(lacking)}的放假日。请把这一年的安排一次载入。",
            f"{year} would be loaded by half: no day off for {', '.join(FESTIVALS[name] for name in lacking)}. Load the whole year at once.",
        )  # fmt: skip
    fixed = sorted(FIXED_HOLIDAYS - ({(5, 2)} if year < SINCE_2025 else set()))
    missing = [date(year, *day) for day in fixed if not any((one.day.month, one.day.day) == day for one in off)]
    if missing and not lacking:
        said = "、".join(map(str, missing))
        yield Problem(file, 1, "", f"{year} 年的法定节日没有写全：{said} 应当放假。", f"Statutory days are missing in {year}: {', '.join(map(str, missing))} must be off.")


def changed_years(lines: Iterable[Line], said: Mapping[Key, DaySaid]) -> set[int]:
    """The years of which these lines say something new for the whole country. The last days of a December alone belong to the next year's decree."""
    by_year: dict[int, list[DaySaid]] = defaultdict(list)
    for line in lines:
        if said.get(line.said.key) != line.said and line.said.division == COUNTRY:
            by_year[line.said.day.year].append(line.said)
    return {year for year, days in by_year.items() if not (year + 1 in by_year and all(one.day > date(year, 12, 31 - TURN_OF_THE_YEAR) for one in days))}


def wider_divisions(code: str) -> list[str]:
    """The country and the divisions above, the widest first: 150102 → '', 150000, 150100."""
    above = [code[:2] + "0000", code[:4] + "00"]
    return [COUNTRY, *(one for one in dict.fromkeys(above) if one != code)]


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────


def differences(lines: Iterable[Line], said: Mapping[Key, DaySaid], *, whole_years: bool) -> list[DaySaid]:
    """What a new version has to say so that it says these lines. With `whole_years` the country's days of a year that changes and that the
    lines leave out are taken back: the lines are that year's decree."""
    lines = list(lines)
    wanted = {line.said.key: line.said for line in lines}
    found = [one for key, one in wanted.items() if said.get(key) != one]
    if whole_years:
        years = changed_years(lines, said)
        found += [DaySaid(one.day, COUNTRY, ORDINARY, "") for key, one in said.items() if one.division == COUNTRY and one.day.year in years and key not in wanted]
    return sorted(found)


def applied(said: Mapping[Key, DaySaid], changes: Iterable[DaySaid]) -> dict[Key, DaySaid]:
    """What is said after these changes; ordinary days are said no more."""
    new = dict(said)
    for one in changes:
        if one.kind == ORDINARY:
            new.pop(one.key, None)
        else:
            new[one.key] = one
    return new


def years_of(text: str) -> frozenset[int]:
    """“2004-2026,2028” as years."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def years_text(years: Iterable[int]) -> str:
    """Years as “2004-2026,2028”."""
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
