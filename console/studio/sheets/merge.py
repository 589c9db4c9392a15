"""The rows of an edited sheet against the state they came from, carried over to the documents as they are now.

Every sheet is a three-way comparison: what the row was when the workbook was made, what was typed, what the documents say by now. What
only the workbook changed is carried out; what both changed is a conflict and stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from console.studio.sheets.cells import CellFault, Shown, same, shown, taken
from console.studio.sheets.layout import WHOLE, Column, Key, Row, Sheet, Table, Values
from rules.documents import Problem, canonical, meant

Place = tuple[int, dict[str, tuple[str, Shown]]]  # row number, column → (cell, what it shows)


class CellProblem(Problem):
    """Something wrong with a cell: `file` is the sheet, `key` the cell."""

    def __str__(self) -> str:
        return self.show()

    def show(self, lang: str = "zh") -> str:
        place = f"{self.file}!{self.key}" if self.key else self.file
        return f"{place}: {self.en if lang == 'en' else self.zh}"


@dataclass(frozen=True)
class CellChange:
    """One cell of a changed row, as it is shown: what it was, what was typed, and in a conflict what it is by now."""

    zh: str
    en: str
    before: str
    after: str
    now: str | None = None


@dataclass(frozen=True)
class RowChange:
    """One row that is to be added, removed, changed or moved; a conflict is the same, not carried out."""

    sheet_zh: str
    sheet_en: str
    key: str
    kind: str  # added | removed | changed | moved
    cells: tuple[CellChange, ...] = ()

    def show(self, lang: str = "zh") -> str:
        """The change as one sentence."""
        en = lang == "en"
        word = {"added": ("新增", "added"), "removed": ("删去", "removed"), "changed": ("改为", "changed"), "moved": ("换了位置", "moved")}[self.kind][en]
        cells = [
            f"{one.en if en else one.zh} {one.before or '—'} → {one.after or '—'}" if self.kind == "changed" else f"{one.en if en else one.zh} {one.after or one.before}"
            for one in self.cells
        ]
        head = f"{self.sheet_en if en else self.sheet_zh} {self.key} {word}"
        return f"{head}: {'; '.join(cells)}" if en and cells else f"{head}：{'；'.join(cells)}" if cells else head


@dataclass
class Reading:
    """What a workbook comes to: the documents with its changes, the changes, and what could not be carried over."""

    data: dict[str, Any]
    changes: list[RowChange] = field(default_factory=list)
    conflicts: list[RowChange] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.conflicts


class Merge:
    """Carries the changes of one sheet over to the documents as they are now."""

    def __init__(self, sheet: Sheet, base: Mapping[str, Any], current: Mapping[str, Any], reading: Reading, problems: list[Problem]):
        self.sheet, self.reading, self.problems = sheet, reading, problems
        self.base, self.now = sheet.rows(base), sheet.rows(current)
        self.fresh = not isinstance(sheet, Table) or canonical(sheet.find(base)) == canonical(sheet.find(current))

    def run(self, found: list[Place]) -> None:
        rows: list[tuple[Key | None, Row]] = []
        seen: set[Key] = set()
        before: Key | None = None
        faults = len(self.problems)
        for number, cells in found:
            key = self._key(number, cells)
            if key is not None:
                if key in seen:
                    self._say(number, cells.get(self.sheet.keys[0], ("", None))[0], "与上面的一行重复。新增的行请写新的代号或日期。", "It repeats a row above. Give a new row its own id or date.")
                    continue
                seen.add(key)
                edited = self._edited(number, cells, self.base.get(key))
                rows.append((key, {**self.base.get(key, {}), **edited}))
                if not self.sheet.ordered and len(self.problems) == faults:
                    self._take(number, key, edited, before)
                before = key
            else:
                rows.append((None, self._edited(number, cells, None)))  # a new row of a table, or one whose other mistakes are to be told as well
        if len(self.problems) > faults:
            return
        if isinstance(self.sheet, Table):
            self._table(self.sheet, rows)
            return
        for key in [one for one in self.base if one not in seen]:
            self._remove(key)

    def _say(self, number: int, cell: str, zh: str, en: str) -> None:
        self.problems.append(CellProblem(self.sheet.zh, number, cell, zh, en))

    def _key(self, number: int, cells: dict[str, tuple[str, Shown]]) -> Key | None:
        """What tells the row apart; None, with a problem, when that cannot be read, and for a new row of a table."""
        parts: list[str] = []
        for column in (one for one in self.sheet.columns if one.key in self.sheet.keys):
            place, value = cells.get(column.key, ("", None))
            if value is None:
                if not self.sheet.ordered:
                    self._say(number, str(number), f"这一行没有写“{column.zh}”。", f"This row lacks '{column.en}'.")
                return None
            try:
                parts.append(str(taken(column.kind, value)))
            except CellFault as fault:
                self._say(number, place, fault.zh, fault.en)
                return None
        key = tuple(parts)
        if self.sheet.ordered and key not in self.base:
            self._say(number, cells["number"][0], "没有这个行号；新增的行请不要填行号。", "There is no such row; leave the number of a new row empty.")
            return None
        return key

    def _edited(self, number: int, cells: dict[str, tuple[str, Shown]], row: Row | None) -> Row:
        """The cells that show something else than the row they come from (all of a new row)."""
        edited: Row = {}
        for column in self.sheet.columns:
            if column.key in self.sheet.keys or column.kind == "seen":
                continue
            place, value = cells.get(column.key, ("", None))
            was = row.get(column.key) if row is not None else None
            if row is not None and same(value, shown(column.kind, was)):
                continue
            try:
                edited[column.key] = taken(column.kind, value, was)
            except CellFault as fault:
                self._say(number, place, fault.zh, fault.en)
        return edited

    def _take(self, number: int, key: Key, edited: Row, before: Key | None) -> None:
        data = self.reading.data
        if key in self.base:
            if not edited:
                if key[0] in self._gone():
                    self._say(number, f"A{number}", f"参数“{key[0]}”已从“参数”表删去，请把它的值也删去。", f"The parameter '{key[0]}' was removed; remove its values too.")
                return
            change = self._change("changed", key, self.base[key], edited)
            if key not in self.now:
                self.reading.conflicts.append(self._conflict(change, {}))
            elif not self._moved_on(key) or self._equal({**self.now[key], **edited}, self.now[key]):
                if not self._equal({**self.now[key], **edited}, self.now[key]):
                    self.sheet.change(data, key, edited)
                    self.reading.changes.append(change)
            else:
                self.reading.conflicts.append(self._conflict(change, self.now[key]))
            return
        change = self._change("added", key, {}, edited)
        if key in self.now:
            whole = {name: value for name, value in self.now[key].items() if name not in self.sheet.keys}
            if not self._equal(edited, whole):
                self.reading.conflicts.append(self._conflict(change, self.now[key]))
            return
        try:
            self.sheet.add(data, key, edited, before)
        except KeyError:
            zh, en = meant(key[0], data["criteria.yaml"].get("parameters", {}))
            self._say(number, f"A{number}", f"“参数”表里没有“{key[0]}”。{zh}", f"The sheet of parameters has no '{key[0]}'. {en}")
            return
        self.reading.changes.append(change)

    def _gone(self) -> set[str]:
        """Parameters that this workbook removes."""
        if not isinstance(self.sheet, Values):
            return set()
        return {key[0] for key in self.now} - set(self.reading.data["criteria.yaml"].get("parameters", {}))

    def _remove(self, key: Key) -> None:
        if key not in self.now:
            return
        change = self._change("removed", key, self.base[key], {})
        if self._moved_on(key) or self.base[key].get(WHOLE) != self.now[key].get(WHOLE):
            self.reading.conflicts.append(self._conflict(change, self.now[key]))
            return
        if key[0] not in self._gone():
            self.sheet.remove(self.reading.data, key)
        self.reading.changes.append(change)

    def _table(self, sheet: Table, rows: list[tuple[Key | None, Row]]) -> None:
        kept = [key for key, _ in rows if key is not None]
        changes = [self._change("removed", key, row, {}) for key, row in self.base.items() if key not in kept]
        for at, (key, row) in enumerate(rows, start=1):
            if key is None:
                changes.append(self._change("added", (f"+{at}",), {}, row))
            elif not self._equal(row, self.base[key]):
                changes.append(self._change("changed", key, self.base[key], {name: row[name] for name in row if canonical(row[name]) != canonical(self.base[key].get(name))}))
        order = [int(key[0]) for key in kept]
        changes += [self._change("moved", (str(number),), {}, {}) for number, after in zip(order, sorted(order), strict=True) if number != after]
        if changes and not self.fresh:
            self.reading.conflicts += [self._conflict(one, {}) for one in changes]
        elif changes:
            sheet.put(self.reading.data, [row for _, row in rows])
            self.reading.changes += changes

    def _moved_on(self, key: Key) -> bool:
        return not self._equal(self.base[key], self.now[key])

    def _equal(self, one: Row, other: Row) -> bool:
        return all(
            canonical(one.get(column.key)) == canonical(other.get(column.key)) or (column.kind == "flag" and (one.get(column.key) is not False) == (other.get(column.key) is not False))
            for column in self.sheet.columns
            if column.kind != "seen" and column.key not in self.sheet.keys
        )

    def _change(self, kind: str, key: Key, before: Row, edited: Row) -> RowChange:
        cells = tuple(
            CellChange(column.zh, column.en, self._said(column, before), self._said(column, edited))
            for column in self.sheet.columns
            if column.key not in self.sheet.keys and column.kind != "seen" and (column.key in edited if kind != "removed" else before.get(column.key) is not None)
            and (kind == "changed" or self._said(column, edited) or self._said(column, before))
        )
        return RowChange(self.sheet.zh, self.sheet.en, " ".join(key), kind, cells)

    def _said(self, column: Column, row: Row) -> str:
        if column.key not in row:
            return "" if column.kind != "flag" or not row else "是"
        value = shown(column.kind, row[column.key])
        return "" if value is None else value.isoformat() if isinstance(value, dt.date) else str(value)

    def _conflict(self, change: RowChange, now: Row) -> RowChange:
        by_name = {column.zh: column for column in self.sheet.columns}
        cells = tuple(CellChange(one.zh, one.en, one.before, one.after, self._said(by_name[one.zh], now)) for one in change.cells)
        return RowChange(change.sheet_zh, change.sheet_en, change.key, change.kind, cells)
