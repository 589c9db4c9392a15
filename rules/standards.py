"""A classification standard as a file: every code of one standard, read strictly, and what differs from what is on file.

The file is whole: a code that it does not have has gone. UTF-8 or GB18030, the columns of `seed/data/specialties_*.csv`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

COLUMNS = ("standard", "code", "parent_code", "level", "selectable", "name")
MOST, LONGEST = 20_000, 4_000_000  # rows; bytes
_STANDARD, _CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,19}"), re.compile(r"[A-Z][0-9]{0,11}")


@dataclass(frozen=True, order=True)
class Entry:
    """One code. `parent` None: the top of the tree; `selectable`: may be applied for."""

    code: str
    name: str
    parent: str | None
    level: int
    selectable: bool


@dataclass(frozen=True)
class Standard:
    """A file that was read: which standard, its codes, and the digest of what it says."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def content_hash(self) -> str:
        lines = (f"{one.code}\t{one.parent or ''}\t{one.level}\t{int(one.selectable)}\t{one.name}" for one in sorted(self.entries))
        return hashlib.sha256("\n".join((self.name, *lines)).encode()).hexdigest()


@dataclass(frozen=True, order=True)
class Wrong:
    """One thing wrong with a line; line 0: with the file."""

    line: int
    zh: str
    en: str

    def __str__(self) -> str:
        return f"第 {self.line} 行：{self.zh} / line {self.line}: {self.en}" if self.line else f"{self.zh} / {self.en}"


class StandardProblems(Exception):
    """The file cannot be taken; everything that is wrong with it."""

    def __init__(self, problems: Iterable[Wrong]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


def read(raw: bytes) -> Standard:
    """StandardProblems names every broken line."""
    text = _decoded(raw)
    if not text.endswith("\n"):
        raise StandardProblems([Wrong(0, "文件在一行中间断了，像是没有传完。请重新导出，末行以换行结束。", "the file ends in the middle of a line, as if half of it were missing: export it again")])
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    wrong: list[Wrong] = []
    found: list[tuple[int, str, Entry]] = []
    try:
        head = next(rows, [])
        if tuple(head) != COLUMNS:
            raise StandardProblems([Wrong(1, f"表头应是 {','.join(COLUMNS)}，现在是 {','.join(head)[:200]}。", f"the heads should be {','.join(COLUMNS)}")])
        line = rows.line_num + 1
        for cells in rows:
            if len(found) + len(wrong) > MOST:
                raise StandardProblems([Wrong(0, f"超过 {MOST} 行。", f"more than {MOST} rows")])
            if one := _entry(line, cells, wrong):
                found.append((line, *one))
            line = rows.line_num + 1
    except csv.Error as error:
        wrong.append(Wrong(rows.line_num, "引号不成对，读不下去。", f"quotes do not match ({error})"))
    wrong += _together(found)
    if not found and not wrong:
        wrong.append(Wrong(0, "文件里没有专业。", "there is no code in the file"))
    if wrong:
        raise StandardProblems(wrong)
    return Standard(found[0][1], tuple(sorted(entry for _, _, entry in found)))


def _decoded(raw: bytes) -> str:
    if len(raw) > LONGEST:
        raise StandardProblems([Wrong(0, "文件超过 4 MB，不像一个分类标准。", "the file is larger than 4 MB")])
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise StandardProblems([Wrong(0, "编码既不是 UTF-8 也不是 GB18030，或者不是文本文件。请另存为 CSV（UTF-8）。", "neither UTF-8 nor GB18030, or no text: save it as CSV (UTF-8)")])


def _entry(line: int, cells: list[str], wrong: list[Wrong]) -> tuple[str, Entry] | None:
    if len(cells) != len(COLUMNS):
        wrong.append(Wrong(line, f"应有 {len(COLUMNS)} 列，现有 {len(cells)} 列。", f"{len(cells)} columns instead of {len(COLUMNS)}"))
        return None
    standard, code, parent, level, selectable, name = cells
    bad = len(wrong)
    if not _STANDARD.fullmatch(standard):
        wrong.append(Wrong(line, f"分类标准“{standard[:40]}”只能用小写字母、数字和连字符，最多 20 个。", f"the standard '{standard[:40]}' may have small letters, digits and hyphens, 20 at most"))
    for one, what in ((code, "专业代码"), (parent, "上级代码")):
        if not _CODE.fullmatch(one) and (one or what == "专业代码"):
            wrong.append(Wrong(line, f"{what}“{one[:40]}”应是一个大写字母加数字。", f"'{one[:40]}' is no code: a capital letter and digits"))
    if level not in {"1", "2", "3", "4", "5"}:
        wrong.append(Wrong(line, f"层级“{level[:10]}”应是 1 到 5。", f"the level '{level[:10]}' should be 1 to 5"))
    if selectable not in ("0", "1"):
        wrong.append(Wrong(line, f"可申报“{selectable[:10]}”应是 1（是）或 0（否）。", f"selectable '{selectable[:10]}' should be 1 or 0"))
    if not name.strip() or name != name.strip() or len(name) > 120 or not name.isprintable():
        wrong.append(Wrong(line, "专业名称不能为空，首尾没有空格，最多 120 个字。", "a name has 1 to 120 characters and no spaces around it"))
    if len(wrong) > bad:
        return None
    return standard, Entry(code, name, parent or None, int(level), selectable == "1")


def _together(found: list[tuple[int, str, Entry]]) -> list[Wrong]:
    """What is wrong between lines: two standards, a code twice, a parent that is missing, a circle, a level that does not follow."""
    wrong: list[Wrong] = []
    first: dict[str, tuple[int, Entry]] = {}
    for line, standard, entry in found:
        if standard != found[0][1]:
            wrong.append(Wrong(line, f"一个文件只能有一个分类标准：前面是 {found[0][1]}，这里是 {standard}。", f"one file has one standard: {found[0][1]} before, {standard} here"))
        if entry.code in first:
            wrong.append(Wrong(line, f"代码 {entry.code} 与第 {first[entry.code][0]} 行重复。", f"{entry.code} is on line {first[entry.code][0]} already"))
        first.setdefault(entry.code, (line, entry))
    for code, (line, entry) in first.items():
        above = first.get(entry.parent) if entry.parent else None
        if entry.parent and above is None:
            wrong.append(Wrong(line, f"{code} 的上级 {entry.parent} 不在文件里。", f"the parent {entry.parent} of {code} is not in the file"))
        elif _is_in_a_circle(code, first):
            wrong.append(Wrong(line, f"{code} 的上级一层层往上又回到它自己。", f"the parents of {code} lead back to it"))
        elif entry.level != (above[1].level + 1 if above else 1):
            wrong.append(Wrong(line, f"{code} 的层级应是 {above[1].level + 1 if above else 1}，现在是 {entry.level}。", f"the level of {code} should be {above[1].level + 1 if above else 1}"))
    return wrong


def _is_in_a_circle(code: str, known: Mapping[str, tuple[int, Entry]]) -> bool:
    seen, here = {code}, known[code][1].parent
    while here is not None and here in known:
        if here == code:
            return True
        if here in seen:
            return False  # another's circle, told there
        seen.add(here)
        here = known[here][1].parent
    return False


# ── what differs ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Difference:
    """Between what is on file and a new file. `moved`: another parent, level, or may be applied for where it might not, or the reverse."""

    added: list[Entry] = field(default_factory=list)
    returned: list[Entry] = field(default_factory=list)
    renamed: list[tuple[Entry, Entry]] = field(default_factory=list)
    moved: list[tuple[Entry, Entry]] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.returned or self.renamed or self.moved or self.gone)

    @property
    def unchoosable(self) -> list[str]:
        """Codes that could be applied for and cannot any more: gone, or no longer selectable."""
        return sorted([one.code for one in self.gone if one.selectable] + [new.code for old, new in self.moved if old.selectable and not new.selectable])


def compare(there: Iterable[tuple[Entry, bool]], new: Standard) -> Difference:
    """`there`: what is on file, and whether it has ended already."""
    found, after = Difference(), {one.code: one for one in new.entries}
    known = {entry.code: (entry, ended) for entry, ended in there}
    for code, entry in after.items():
        if code not in known:
            found.added.append(entry)
            continue
        old, ended = known[code]
        if ended:
            found.returned.append(entry)
        if old.name != entry.name:
            found.renamed.append((old, entry))
        if (old.parent, old.level, old.selectable) != (entry.parent, entry.level, entry.selectable):
            found.moved.append((old, entry))
    found.gone.extend(sorted(entry for code, (entry, ended) in known.items() if code not in after and not ended))
    return found
