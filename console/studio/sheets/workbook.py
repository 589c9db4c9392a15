"""A bundle's parameters, decision tables, questions and letters as one workbook, and the workbook back as changes row by row.

The workbook says which state of the documents it was made from. Read back, it is compared with that state, and only what a person changed
there is carried over to the documents as they are now; a row that somebody else changed meanwhile is a conflict and stays as it is.
An untouched workbook changes nothing, whatever program saved it.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import math
from collections.abc import Mapping
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from console.studio.sheets.cells import CellFault, Shown, shown
from console.studio.sheets.layout import Column, Sheet, sheets_of
from console.studio.sheets.merge import CellProblem, Merge, Place, Reading
from console.workbook_guard import MAX_COLUMNS, MAX_ROWS, look_through
from rules.documents import Problem, Problems, meant

GUIDE = "说明"
_ORIGIN = "来源标识"
_GREY = PatternFill("solid", fgColor="E4E4E4")
_HEAD = PatternFill("solid", fgColor="DCE6F1")


# -- out --------------------------------------------------------------------------------------------------------------


def write_workbook(data: Mapping[str, Any], *, origin: str, title: str) -> bytes:
    """The workbook of these documents. `origin` names their state for `origin_of()`; `title` is for people."""
    book = Workbook()
    _guide(book.active, data, origin, title)
    for sheet in sheets_of(data):
        _write_sheet(book.create_sheet(sheet.zh), sheet, data)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _guide(page: Any, data: Mapping[str, Any], origin: str, title: str) -> None:
    page.title = GUIDE
    lines = [
        (title, ""),
        (_ORIGIN, origin),
        ("", ""),
        ("每张表一行是一条内容；前两行是中文、英文表头，请不要改。", "A row is one entry; the first two rows are headings, leave them."),
        ("灰色的列用来认出是哪一条，请不要改；新增一行就写一个新的。", "Grey columns tell rows apart; do not change them. A new row gets a new one."),
        ("参数的新值请新增一行，写明自哪一天起；已经生效的值不要改。", "Add a row for a new value of a parameter, with its first day; leave values that were in force."),
        ("删去一行就是删去这条内容；删去整张表则什么都不改。", "Deleting a row deletes the entry; deleting a whole sheet changes nothing."),
        ("日期可以用日期格式，也可以写成 2026-01-31；依据写“文件代号 | 条款”，一行一条。", "Dates as dates or as 2026-01-31; a basis as 'regulation | article', one to a line."),
        ("不能有公式、合并的单元格、隐藏的表和宏。", "No formulas, merged cells, hidden sheets or macros."),
        ("上传后先看到逐行的变动，确认了才写入草稿。", "After uploading, every changed row is shown first; nothing is saved before you accept."),
        ("", ""),
        *((sheet.zh, f"{sheet.en} – {(type(sheet).__doc__ or '').splitlines()[0]}") for sheet in sheets_of(data)),
    ]
    for at, (zh, en) in enumerate(lines, start=1):
        _put(page.cell(at, 1), zh)
        _put(page.cell(at, 2), en)
    page.cell(1, 1).font = Font(bold=True, size=14)
    page.cell(2, 1).fill = page.cell(2, 2).fill = _GREY
    page.column_dimensions["A"].width, page.column_dimensions["B"].width = 76, 76


def _write_sheet(page: Any, sheet: Sheet, data: Mapping[str, Any]) -> None:
    for at, column in enumerate(sheet.columns, start=1):
        head, english = page.cell(1, at), page.cell(2, at)
        _put(head, column.zh)
        _put(english, column.en)
        head.font, head.fill = Font(bold=True), _HEAD
        english.font, english.fill = Font(italic=True, color="666666"), _HEAD
        head.alignment = english.alignment = Alignment(wrap_text=True, vertical="top")
        head.comment = Comment(column.en, "Ruku")
        page.column_dimensions[get_column_letter(at)].width = column.width
        if column.choices:
            letter = get_column_letter(at)
            allowed = DataValidation("list", formula1='"' + ",".join(column.choices) + '"', allow_blank=True) if len(",".join(column.choices)) < 250 else None
            if allowed is not None:
                page.add_data_validation(allowed)
                allowed.add(f"{letter}3:{letter}{MAX_ROWS}")
    page.freeze_panes = page.cell(3, len(sheet.keys) + 1)
    for number, row in enumerate(sheet.rows(data).values(), start=3):
        for at, column in enumerate(sheet.columns, start=1):
            cell = page.cell(number, at)
            _put(cell, shown(column.kind, row.get(column.key)))
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if column.key in sheet.keys or column.kind == "seen":
                cell.fill = _GREY


def _put(cell: Any, value: Shown) -> None:
    """Set a cell so that a text stays a text, also one that begins like a formula."""
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
        cell.number_format = "@"
    else:
        cell.value = value
        if isinstance(value, dt.date):
            cell.number_format = "yyyy-mm-dd"


# -- back -------------------------------------------------------------------------------------------------------------

def origin_of(content: bytes) -> str:
    """The `origin` that the workbook was written with. Problems when it is no workbook of ours, or not fit to be opened."""
    book = _open(content)
    if GUIDE in book.sheetnames:
        for cells in book[GUIDE].iter_rows(max_row=60, max_col=2, values_only=True):
            if len(cells) > 1 and cells[0] == _ORIGIN and isinstance(cells[1], str):
                return cells[1][:200]
    raise Problems([CellProblem(GUIDE, 1, "", "“说明”表里没有来源标识，不是由本系统导出的工作簿。请重新下载后再改。",
                                "The sheet 说明 names no origin: the workbook does not come from here. Download it again.")])


def read_workbook(content: bytes, *, base: Mapping[str, Any], current: Mapping[str, Any]) -> Reading:
    """The changes of a workbook that was made from `base`, laid over `current`. Problems names every cell that cannot be read."""
    book = _open(content)
    sheets = sheets_of(base)
    problems: list[Problem] = []
    for name in book.sheetnames:
        page = book[name]
        if getattr(page, "sheet_state", "visible") != "visible":
            problems.append(CellProblem(name, 1, "", "是隐藏的表，请取消隐藏或删去。", "This sheet is hidden; show or delete it."))
        elif name != GUIDE and name not in {sheet.zh for sheet in sheets}:
            zh, en = meant(name, [sheet.zh for sheet in sheets])
            problems.append(CellProblem(name, 1, "", f"没有这样的表。{zh}", f"There is no such sheet. {en}"))
    reading = Reading(copy.deepcopy({**current}))
    for sheet in sheets:
        if sheet.zh in book.sheetnames:
            try:
                found = _cells(book[sheet.zh], sheet, problems)
            except Exception as error:  # openpyxl raises whatever it stumbles over
                problems.append(CellProblem(sheet.zh, 1, "", f"这张表读不了（{type(error).__name__}）。", f"This sheet cannot be read ({type(error).__name__})."))
                continue
            if found is not None:
                Merge(sheet, base, current, reading, problems).run(found)
    if problems:
        raise Problems(problems)
    return reading


def _open(content: bytes) -> Any:
    look_through(content)
    try:
        return load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    except Exception:  # the same: a file may be broken in any way
        raise Problems([CellProblem("xlsx", 1, "", "这个工作簿读不了。请在表格软件中另存为 .xlsx 后再上传。",
                                    "This workbook cannot be read; save it as .xlsx in the spreadsheet program and upload again.")]) from None


def _cells(page: Any, sheet: Sheet, problems: list[Problem]) -> list[Place] | None:
    """The filled rows below the headings; None when the headings are not those of the sheet."""
    rows = page.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS)
    columns = {column.zh: column for column in sheet.columns}
    heads: dict[int, Column] = {}
    before = len(problems)
    for cell in next(rows, ()):
        name = str(cell.value).strip() if cell.value is not None else ""
        if not name:
            continue
        if name not in columns or columns[name] in heads.values():
            zh, en = meant(name, columns)
            problems.append(CellProblem(sheet.zh, 1, _name(cell), f"不认识或重复的列“{name[:40]}”。{zh}", f"Unknown or repeated column '{name[:40]}'. {en}"))
        else:
            heads[cell.column] = columns[name]
    for column in sheet.columns:
        if column not in heads.values() and column.kind != "seen":
            problems.append(CellProblem(sheet.zh, 1, "1", f"缺少列“{column.zh}”。", f"The column '{column.en}' ({column.zh}) is missing."))
    if len(problems) > before:
        return None
    found: list[Place] = []
    for number, cells in enumerate(rows, start=2):
        row: dict[str, tuple[str, Shown]] = {}
        for cell in cells:
            if cell.value is None:
                continue
            if cell.column not in heads:
                problems.append(CellProblem(sheet.zh, number, _name(cell), "这一格在表头之外，请删去。", "This cell is outside the headings; delete it."))
                continue
            try:
                value = _plain(cell)
            except CellFault as fault:
                problems.append(CellProblem(sheet.zh, number, _name(cell), fault.zh, fault.en))
                value = None
            if value not in (None, ""):
                row[heads[cell.column].key] = (_name(cell), value)
        english = number == 2 and all(value == next(column.en for column in sheet.columns if column.key == key) for key, (_, value) in row.items())
        if row and not english and set(row) - {column.key for column in sheet.columns if column.kind == "seen"}:
            found.append((number, row))
    return found


def _name(cell: Any) -> str:
    return f"{get_column_letter(cell.column)}{cell.row}"


def _plain(cell: Any) -> Shown:
    """What a cell holds, when it is something a person typed. CellFault for formulas, errors and the like."""
    value = cell.value
    if cell.data_type == "f" or not isinstance(value, str | bool | int | float | dt.date):
        if isinstance(value, dt.time | dt.timedelta):
            raise CellFault("这里不能是时刻，请写日期或文字。", "A time of day cannot stand here; write a date or a text.")
        raise CellFault("这里是公式，请改成它的结果（复制后“选择性粘贴 – 值”）。", "This is a formula; replace it by its result (copy, paste special, values).")
    if cell.data_type == "e":
        raise CellFault(f"这里是错误值 {str(value)[:20]}，请改正。", f"This is the error {str(value)[:20]}; correct it.")
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise CellFault("日期不能带时刻，请只写日期。", "A date cannot have a time of day here; write the date only.")
        return value.date()
    if isinstance(value, float) and not math.isfinite(value):
        raise CellFault("这里不是可用的数。", "This is not a usable number.")
    if isinstance(value, int | float) and not isinstance(value, bool) and "%" in (cell.number_format or ""):
        raise CellFault("请不要用百分比格式，把数写成看到的样子并设为文本。", "Do not use the percent format; write the figure as text.")
    if isinstance(value, str) and len(value) > 32_767:
        raise CellFault(f"内容共 {len(value)} 个字符，一格最多 32767 个。", f"{len(value)} characters; a cell holds at most 32767.")
    return value
