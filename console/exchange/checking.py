"""The dry run: every row of a file read, compared with what is there, and put aside; nothing of the screen's table is touched.

Two thousand rows at a time: what they refer to, whether they are there already and whether something else stands in their way is asked in one
statement each, through the sender's scope. Rows that can be written go into the staging table, the others into a file with what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ARRAY, Column, UniqueConstraint, any_, func, inspect, literal, literal_column, select, tuple_
from sqlalchemy.orm import Session

from console.crud.screen import FileRow, Screen
from console.errors import N_
from console.exchange import staging
from console.exchange.incoming import Heading, Incoming, Wrong, folded, heading, incoming, resolve
from console.exchange.sheets import CsvSheet
from console.exchange.upload import Line, NoRows, Refused, Source
from console.exchange.voice import speaking
from console.scope import Principal

BATCH = 2_000
SHOWN = 200  # problems on the page
_OF_LINE = N_("行号"), N_("问题")  # the file of wrong rows begins with these; an import passes them over


class NoColumn(Refused):
    message = N_("第一行没有认出任何一列。列名要和名单上的一样，例如：%(names)s。")


class ColumnTwice(Refused):
    message = N_("列名“%(name)s”出现了两次，分不清用哪一列。请删掉一列再上传。")


class KeyMissing(Refused):
    message = N_("缺少“%(name)s”这一列：要靠它认出已有的内容。")


@dataclass
class Row:
    """A row while it is looked at."""

    line: Line
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str, str]] = field(default_factory=list)  # column's heading, what was seen, what to do
    target: str | None = None
    seen: str | None = None
    is_same: bool = False


@dataclass
class Outcome:
    """What a dry run found."""

    columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fresh: int = 0
    changed: int = 0
    same: int = 0
    wrong: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.fresh + self.changed + self.same + self.wrong


def names_of(screen: Screen) -> dict[str, str]:
    """Every word a column may be called by, folded: its heading in both languages and its own name."""
    names: dict[str, str] = {}
    for language in ("zh", "en"):
        with speaking(language):
            for column in incoming(screen):
                names.setdefault(folded(column.heading), column.name)
                names.setdefault(folded(column.name), column.name)
    return names


def run(
    session: Session, screen: Screen, source: Source, *, import_id: int, names: dict[str, str], wrong: Path, actor: Principal, outcome: Outcome
) -> Iterator[int]:
    """Look at every row, stage those that can be written, list the others in the file `wrong`; yields how many were looked at.

    Raises Refused for a file that cannot be taken as a whole.
    """
    lines = source.lines()
    first = next(lines, None)
    if first is None:
        raise NoRows()
    head = heading(first.cells, names)
    _check_heading(screen, head)
    check = _Check(session, screen, head, actor)
    outcome.columns = [column.name for column in check.columns]
    outcome.notes += [_(sentence, **facts) for sentence, facts in source.notes]
    unread = [name for name in head.ignored if name not in {_(word) for word in _OF_LINE}]
    if unread:
        outcome.notes.append(_("这些列没有用到：%(names)s。", names=_("、").join(unread[:12])))
    staging.clear(session, import_id)
    listed = CsvSheet(wrong, [*(_(word) for word in _OF_LINE), *first.cells], ())
    try:
        while batch := [Row(line) for line in islice(lines, BATCH)]:
            check.look(batch)
            for row in batch:
                if row.problems:
                    _list(row, listed, outcome)
            good = [row for row in batch if not row.problems]
            staging.stage(session, import_id, [(row.line.number, _kind(row, outcome), row.target, row.seen, check.cells(row)) for row in good])
            yield outcome.rows
    finally:
        listed.close()
    if not outcome.rows:
        raise NoRows()


def _check_heading(screen: Screen, head: Heading) -> None:
    if head.twice:
        raise ColumnTwice(name=head.twice[0])
    if not head.at:
        raise NoColumn(names=_("、").join(column.heading for column in incoming(screen)[:8]))
    for column in incoming(screen):
        if column.name in screen.key and column.name not in head.at:
            raise KeyMissing(name=column.heading)


def _kind(row: Row, outcome: Outcome) -> str:
    kind = "new" if row.target is None else "same" if row.is_same else "changed"
    if kind == "new":
        outcome.fresh += 1
    elif kind == "same":
        outcome.same += 1
    else:
        outcome.changed += 1
    return kind


def _list(row: Row, listed: CsvSheet, outcome: Outcome) -> None:
    outcome.wrong += 1
    said = [f"{column}{_('：')}{say}" if column else say for column, _seen, say in row.problems]
    listed.write([row.line.number, " ".join(said), *row.line.cells])
    for column, seen, say in row.problems:
        if len(outcome.problems) < SHOWN:
            outcome.problems.append({"line": row.line.number, "column": column, "seen": seen[:80], "say": say})


class _Check:
    """What is known while a file is looked at: its columns, its references, the keys that have been met."""

    def __init__(self, session: Session, screen: Screen, head: Heading, actor: Principal) -> None:
        self.session, self.screen, self.head, self.actor = session, screen, head, actor
        declared = incoming(screen)
        self.columns = [column for column in declared if column.name in head.at]
        self.missing = [column for column in declared if column.is_required and column.name not in head.at]
        self.by_name = {column.name: column for column in self.columns}
        mapper = inspect(screen.model)
        self.key = mapper.primary_key
        self.attributes = {c.name: mapper.get_property_by_column(c.column).class_attribute for c in self.columns}
        self.uniques = [names for names in _uniques(declared) if set(names) <= set(self.by_name)]
        if screen.key:  # first, because what a row stands for decides whether something else stands in its way
            self.uniques = [screen.key, *(names for names in self.uniques if set(names) != set(screen.key))]
        self.met: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {names: {} for names in self.uniques}

    def look(self, rows: list[Row]) -> None:
        for column in self.columns:
            if column.model is not None:
                resolve(self.session, column, (self._text(row, column) for row in rows))
        for row in rows:
            self._read(row)
        self._compare(rows)
        for row in rows:
            if row.target is None and not row.problems:
                row.problems += [(column.heading, "", _("这是新的一条，而文件里没有这一列。")) for column in self.missing]
        if self.screen.check_rows is not None:
            self._ask_room({row.line.number: row for row in rows if not row.problems})

    def cells(self, row: Row) -> list[str | None]:
        return [column.staged(row.values[column.name]) for column in self.columns]

    def _text(self, row: Row, column: Incoming) -> str:
        at = self.head.at[column.name]
        return row.line.cells[at].strip(" \t\r\n\u3000\ufeff\u00a0") if at < len(row.line.cells) else ""

    def _read(self, row: Row) -> None:
        for column in self.columns:
            text = self._text(row, column)
            try:
                value = column.value(text)
                if column.model is not None and text:
                    value = column.known[text]
                    if isinstance(value, Wrong):
                        raise value
                row.values[column.name] = value
            except Wrong as wrong:
                row.problems.append((column.heading, text, str(wrong)))

    def _compare(self, rows: list[Row]) -> None:
        """Who is there already, by the key; and who stands in the way, by every other thing there may be only one of."""
        for names in self.uniques:
            is_key = names == self.screen.key
            wanted: dict[tuple[Any, ...], Row] = {}
            for row in rows:
                values = tuple(row.values.get(name) for name in names)
                if any(value is None for value in values):
                    continue
                if (before := self.met[names].setdefault(values, row.line.number)) != row.line.number:
                    row.problems.append((self._headings(names), self._seen(row, names), _("和第 %(line)s 行重复，请只留一行。", line=before)))
                else:
                    wanted[values] = row
            for found in self._there(names, list(wanted)):
                values, key, seen = found[: len(names)], str(found[-2]), found[-1]
                row = wanted[tuple(values)]
                if is_key:
                    row.target, row.seen = key, seen
                    row.is_same = all(row.values.get(c.name) == value for c, value in zip(self.columns, found[len(names) : -2], strict=True))
                elif row.target != key:
                    row.problems.append((self._headings(names), self._seen(row, names), _("已经有一条是这样的，不能重复。")))

    def _there(self, names: tuple[str, ...], wanted: list[tuple[Any, ...]]) -> list[Any]:
        if not wanted:
            return []
        attributes = [self.attributes[name] for name in names]
        # one array a column: thousands of parameters take longer to send than the answer to find
        arrays = [literal([values[at] for values in wanted], ARRAY(self.by_name[name].column.type)) for at, name in enumerate(names)]
        if len(names) == 1:
            fits = attributes[0] == any_(arrays[0])
        else:
            asked = func.unnest(*arrays).table_valued(*names, name="asked").render_derived()
            fits = tuple_(*attributes).in_(select(*asked.c))
        # what a row is at this moment: any change of it, by whoever, gives it another number
        seen: Any = literal_column(f"{self.key[0].table.name}.xmin::text")
        return list(self.session.execute(select(*attributes, *self.attributes.values(), staging.key_text(self.screen.model), seen).where(fits)))

    def _headings(self, names: tuple[str, ...]) -> str:
        return _("、").join(self.by_name[name].heading for name in names)

    def _seen(self, row: Row, names: tuple[str, ...]) -> str:
        return " ".join(self._text(row, self.by_name[name]) for name in names)

    def _ask_room(self, rows: dict[int, Row]) -> None:
        assert self.screen.check_rows is not None
        given = [FileRow(number, row.values, row.target) for number, row in rows.items()]
        for problem in self.screen.check_rows(self.session, given, actor=self.actor):
            column = self.by_name.get(problem.column)
            rows[problem.line].problems.append((column.heading if column else "", problem.seen, problem.say))


def _uniques(declared: list[Incoming]) -> list[tuple[str, ...]]:
    """What there may be only one of, among the columns a file can bring."""
    by_column = {column.column: column.name for column in declared}
    table: Any = declared[0].column.table
    sets: list[list[Column[Any]]] = [list(table.primary_key)]
    sets += [list(constraint.columns) for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    sets += [[column] for column in table.columns if column.unique]
    sets += [list(index.columns) for index in table.indexes if index.unique and index.dialect_options["postgresql"].get("where") is None]
    found = [tuple(by_column[column] for column in columns) for columns in sets if columns and all(column in by_column for column in columns)]
    return list(dict.fromkeys(found))
