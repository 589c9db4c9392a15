"""Which sheets a workbook has, what a row of each stands for, and how a changed row is put back into the documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.studio.sheets.cells import MET, NO, NOT_MET, YES, Kind
from rules.documents import Path, canonical
from rules.documents_writing import one_line
from rules.exams import COLUMNS, LETTERS, OPTIONAL_COLUMNS
from rules.letters import EVENTS

Row = dict[str, Any]  # column → value as the document has it
Key = tuple[str, ...]
Data = dict[str, Any]
WHOLE = "whole"  # in a row: everything that goes when the row goes, where that is more than its cells


@dataclass(frozen=True)
class Column:
    """A column: what it is called in the documents and on the sheet, and what may stand in it."""

    key: str
    zh: str
    en: str
    width: int = 14
    kind: Kind = "text"
    choices: tuple[str, ...] = ()


class Sheet(ABC):
    """One sheet over the documents' data. `keys` are the columns that tell rows apart; `ordered` sheets have a number there."""

    zh: str
    en: str
    document: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    ordered = False

    @abstractmethod
    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        """The rows as they are, in their order."""

    @abstractmethod
    def change(self, data: Data, key: Key, cells: Row) -> None:
        """Set some cells of a row; None empties one."""

    @abstractmethod
    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        """Put a new row behind another (at the end, when that one is not there)."""

    @abstractmethod
    def remove(self, data: Data, key: Key) -> None: ...


def sheets_of(data: Mapping[str, Any]) -> list[Sheet]:
    """The sheets of a bundle with these documents."""
    found: list[Sheet] = []
    if "criteria.yaml" in data:
        found += [Parameters(), Values(), *_tables(data)]
    if "questions.csv" in data:
        found.append(Questions())
    return [*found, Letters()]


# -- texts in two languages -------------------------------------------------------------------------------------------


def _words(raw: Any, lang: str) -> str | None:
    if isinstance(raw, str):
        return raw if lang == "zh" else None
    return raw.get(lang) if isinstance(raw, dict) else None


def _set_words(into: dict[str, Any], name: str, lang: str, text: str | None) -> None:
    before = into.get(name)
    words = dict(before) if isinstance(before, dict) else {} if before is None else {"zh": before}
    if text is None:
        words.pop(lang, None)
    else:
        words[lang] = text
    if not words:
        into.pop(name, None)
    else:
        into[name] = words["zh"] if isinstance(before, str) and set(words) == {"zh"} else words


def _behind(entries: dict[str, Any], name: str, value: Any, after: str | None) -> None:
    """Put an entry into a mapping behind another, in place."""
    rest = list(entries.items())
    at = next((at for at, (known, _) in enumerate(rest) if known == after), len(rest) - 1) + 1
    entries.clear()
    entries.update([*rest[:at], (name, value), *rest[at:]])


# -- parameters -------------------------------------------------------------------------------------------------------


class Parameters(Sheet):
    """A parameter: what it is called, and its unit."""

    zh, en, document, keys = "参数", "Parameters", "criteria.yaml", ("id",)
    columns = (
        Column("id", "参数代号", "Id", 24),
        Column("title.zh", "名称", "Title (zh)", 28),
        Column("title.en", "名称（英文）", "Title (en)", 34),
        Column("unit.zh", "单位", "Unit (zh)", 8),
        Column("unit.en", "单位（英文）", "Unit (en)", 12),
    )

    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        return {
            (name,): {"id": name, WHOLE: canonical(one), **{column.key: _words(one.get(part), lang) for column, part, lang in self._parts()}}
            for name, one in data["criteria.yaml"].get("parameters", {}).items()
        }

    def _parts(self) -> Iterator[tuple[Column, str, str]]:
        for column in self.columns[1:]:
            part, _, lang = column.key.partition(".")
            yield column, part, lang

    def change(self, data: Data, key: Key, cells: Row) -> None:
        one = data["criteria.yaml"]["parameters"][key[0]]
        for column, part, lang in self._parts():
            if column.key in cells:
                _set_words(one, part, lang, cells[column.key])

    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        _behind(data["criteria.yaml"].setdefault("parameters", {}), key[0], {"values": []}, after[0] if after else None)
        self.change(data, key, {name: value for name, value in cells.items() if value is not None})

    def remove(self, data: Data, key: Key) -> None:
        del data["criteria.yaml"]["parameters"][key[0]]


class Values(Sheet):
    """What a parameter is from a day on: amended by adding a row, not by changing one that was in force."""

    zh, en, document, keys = "参数值", "Parameter values", "criteria.yaml", ("id", "from")
    columns = (
        Column("id", "参数代号", "Id", 24),
        Column("from", "自", "From", 12, "date"),
        Column("until", "至（可不填）", "Until (optional)", 14, "date"),
        Column("value", "值", "Value", 14, "value"),
        Column("basis", "依据（文件代号 | 条款）", "Basis (regulation | article)", 36, "basis"),
        Column("verified", "已核实", "Verified", 9, "flag", (YES, NO)),
        Column("title", "名称（只供查看）", "Title (for reading only)", 28, "seen"),
    )

    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        return {
            (name, str(value.get("from"))): {"id": name, "title": _words(one.get("title"), "zh"), **value}
            for name, one in data["criteria.yaml"].get("parameters", {}).items()
            for value in one.get("values", [])
        }

    def _find(self, data: Mapping[str, Any], key: Key) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in data["criteria.yaml"]["parameters"][key[0]]["values"] if str(one.get("from")) == key[1])
        return found

    def change(self, data: Data, key: Key, cells: Row) -> None:
        _set_cells(self._find(data, key), {name: value for name, value in cells.items() if name not in ("id", "title")})

    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        values = data["criteria.yaml"]["parameters"][key[0]]["values"]
        new = {"from": key[1], **{name: cells[name] for name in ("until", "value", "basis") if cells.get(name) is not None}}
        if cells.get("verified") is False:
            new["verified"] = False
        values.insert(next((at for at, one in enumerate(values) if str(one.get("from")) > key[1]), len(values)), new)

    def remove(self, data: Data, key: Key) -> None:
        data["criteria.yaml"]["parameters"][key[0]]["values"].remove(self._find(data, key))


def _set_cells(row: dict[str, Any], cells: Row) -> None:
    for name, value in cells.items():
        if value is None:
            row.pop(name, None)
        else:
            row[name] = value


# -- decision tables --------------------------------------------------------------------------------------------------


class Table(Sheet):
    """A decision table: a row of conditions and what follows from it, asked from the top."""

    document, keys, ordered = "criteria.yaml", ("number",), True

    def __init__(self, number: int, criterion: str, path: Path, columns: list[Any]):
        self.zh, self.en = f"决策表{number} {criterion}"[:31], f"Decision table {number}"
        self.criterion, self.path = criterion, path
        headings = [f"{at}. {_heading(one)}" for at, one in enumerate(columns, start=1)]
        self.columns = (
            Column("number", "行号（新增的不填）", "Row (leave new ones empty)", 10),
            *(Column(str(at), one, one, 24, "value") for at, one in enumerate(headings)),
            Column("then", "结论", "Outcome", 10, "outcome", (MET, NOT_MET)),
        )

    def find(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The table where it was, None when there is none any more."""
        at: Any = next((one for one in data["criteria.yaml"].get("criteria", []) if one.get("id") == self.criterion), None)
        for part in self.path:
            try:
                at = at[part]
            except (KeyError, IndexError, TypeError):
                return None
        return at if isinstance(at, dict) else None

    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        table = self.find(data)
        return {
            (str(number),): {"number": str(number), **{str(at): value for at, value in enumerate(row["when"])}, "then": row["then"]}
            for number, row in enumerate(table["rows"] if table else [], start=1)
        }

    def put(self, data: Data, rows: list[Row]) -> None:
        """Replace all rows."""
        table = self.find(data)
        assert table is not None
        table["rows"] = [{"when": [row.get(str(at)) for at in range(len(self.columns) - 2)], "then": row["then"]} for row in rows]

    def change(self, data: Data, key: Key, cells: Row) -> None:
        raise NotImplementedError("a table is put as a whole")

    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        raise NotImplementedError("a table is put as a whole")

    def remove(self, data: Data, key: Key) -> None:
        raise NotImplementedError("a table is put as a whole")


def _heading(column: Any) -> str:
    if isinstance(column, dict) and set(column) == {"fact", "is"}:
        return f"{column['fact']} {column['is']}"
    return one_line(column)[:200]


def _tables(data: Mapping[str, Any]) -> Iterator[Table]:
    number = 0
    for criterion in data["criteria.yaml"].get("criteria", []):
        for path, table in _within(criterion.get("rule"), ("rule",)):
            number += 1
            yield Table(number, str(criterion["id"]), path, table["columns"])


def _within(node: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for part, one in inside:
        if part == "table" and isinstance(one, dict) and isinstance(one.get("rows"), list) and isinstance(one.get("columns"), list):
            yield (*path, "table"), one
        else:
            yield from _within(one, (*path, part))


# -- questions --------------------------------------------------------------------------------------------------------

_QUESTION_WORDS = {
    "bank": ("题库（只供查看）", "Bank (for reading only)", 12),
    "qid": ("题号", "Question id", 14),
    "type": ("题型", "Type", 10),
    "stem": ("题干", "Question", 60),
    "answer": ("答案", "Answer", 8),
    "score": ("分值", "Score", 7),
    "difficulty": ("难度", "Difficulty", 7),
    "topic": ("主题", "Topic", 14),
    "article": ("依据条款", "Article", 28),
    "explanation": ("解析", "Explanation", 40),
    "law_version": ("法规版本", "Version of the law", 16),
    "withdrawn": ("停用日期", "Withdrawn on", 12),
    **{f"option_{letter.lower()}": (f"选项{letter}", f"Option {letter}", 24) for letter in LETTERS},
}
_QUESTION_CHOICES = {"type": ("single", "multiple", "judge"), "difficulty": ("1", "2", "3")}


def _question_words(name: str) -> tuple[str, str, int]:
    if name.endswith("_en"):
        zh, en, width = _question_words(name.removesuffix("_en"))
        return f"{zh}（英文）", f"{en} (en)", width
    return _QUESTION_WORDS.get(name, (name, name, 16))


class Questions(Sheet):
    """A question of the bank."""

    zh, en, document, keys = "试题", "Questions", "questions.csv", ("qid",)
    columns = tuple(
        Column(name, *_question_words(name), "seen" if name == "bank" else "text", _QUESTION_CHOICES.get(name, ()))
        for name in ("qid", "bank", *(one for one in (*COLUMNS, *OPTIONAL_COLUMNS) if one not in ("qid", "bank")))
    )

    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        return {(str(row.get("qid")),): dict(row) for row in data["questions.csv"]}

    def _find(self, data: Mapping[str, Any], key: Key) -> dict[str, str]:
        return next(row for row in data["questions.csv"] if row.get("qid") == key[0])

    def change(self, data: Data, key: Key, cells: Row) -> None:
        _set_cells(self._find(data, key), cells)

    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        rows = data["questions.csv"]
        manifest = data["bundle.yaml"]
        bank = "shared" if manifest.get("kind") == "centre" else str(manifest.get("code"))
        at = next((at for at, row in enumerate(rows) if after and row.get("qid") == after[0]), len(rows) - 1) + 1
        rows.insert(at, {"bank": bank, "qid": key[0], **{name: value for name, value in cells.items() if value is not None and name not in ("bank", "qid")}})

    def remove(self, data: Data, key: Key) -> None:
        data["questions.csv"].remove(self._find(data, key))


# -- letters ----------------------------------------------------------------------------------------------------------


class Letters(Sheet):
    """The text of one event; a department writes only those it wants other than the centre's."""

    zh, en, document, keys = "信函", "Letters", "letters.yaml", ("event",)
    columns = (
        Column("event", "事件", "Event", 24, "text", tuple(EVENTS)),
        Column("subject.zh", "标题", "Subject (zh)", 36),
        Column("body.zh", "正文", "Body (zh)", 70, "long"),
        Column("sms.zh", "短信", "Text message (zh)", 36),
        Column("subject.en", "标题（英文）", "Subject (en)", 36),
        Column("body.en", "正文（英文）", "Body (en)", 70, "long"),
        Column("sms.en", "短信（英文）", "Text message (en)", 36),
    )

    def rows(self, data: Mapping[str, Any]) -> dict[Key, Row]:
        return {
            (event,): {"event": event, **{column.key: _words(letter.get(part), lang) for column, part, lang in self._parts()}}
            for event, letter in data.get("letters.yaml", {}).get("letters", {}).items()
        }

    def _parts(self) -> Iterator[tuple[Column, str, str]]:
        for column in self.columns[1:]:
            part, _, lang = column.key.partition(".")
            yield column, part, lang

    def change(self, data: Data, key: Key, cells: Row) -> None:
        letter = data["letters.yaml"]["letters"][key[0]]
        for column, part, lang in self._parts():
            if column.key in cells:
                _set_words(letter, part, lang, cells[column.key])

    def add(self, data: Data, key: Key, cells: Row, after: Key | None) -> None:
        letters = data.setdefault("letters.yaml", {"letters": {}}).setdefault("letters", {})
        _behind(letters, key[0], {}, after[0] if after else None)
        self.change(data, key, {name: value for name, value in cells.items() if value is not None})

    def remove(self, data: Data, key: Key) -> None:
        del data["letters.yaml"]["letters"][key[0]]
        if not data["letters.yaml"]["letters"]:
            del data["letters.yaml"]
