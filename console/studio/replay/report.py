"""The outcomes of a replay as XLSX, for one viewer: the names they may see, no others. Apart from `queries`, because openpyxl is slow to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.departments.models import Division
from console.errors import N_
from console.studio.models import Replay, ReplayOutcome
from console.studio.replay.queries import DECISION_WORDS, KIND_WORDS, PLACE_WORDS, Asked, outcomes
from console.studio.replay.totals import place
from console.studio.sheets.cells import text_of

MOST_ROWS = 1_000_000  # of one sheet; a workbook takes 1,048,576
_HEAD = (
    N_("办件编号"), N_("姓名"), N_("工作所在地"), N_("现在环节"), N_("变动"), N_("原结论"), N_("重算结论"), N_("变动条件"), N_("原因"), N_("当时没有问的"),
)  # fmt: skip
_WIDTHS = (24, 12, 18, 12, 18, 12, 12, 30, 80, 30)


def export(session: Session, replay: Replay, into: IO[bytes], *, say: Callable[[str], str], lang: str = "zh", asked: Asked = Asked()) -> int:
    """Write the outcomes the viewer may see as XLSX, row by row, and answer how many; `say` puts a sentence into the viewer's language.

    Every cell is text: a name or a value that begins like a formula is not one.
    """
    book = Workbook(write_only=True)
    places = dict(session.execute(select(Division.code, Division.name_en if lang == "en" else Division.name)).all())
    sheet: Any = None
    count = 0
    for row in session.scalars(outcomes(replay, asked).execution_options(yield_per=1_000)):
        if count % MOST_ROWS == 0:
            sheet = _sheet(book, say)
        sheet.append([_cell(sheet, value) for value in _row(row, places, say, lang)])
        session.expunge(row)
        count += 1
    if sheet is None:
        _sheet(book, say)
    book.save(into)
    return count


def _sheet(book: Workbook, say: Callable[[str], str]) -> Any:
    sheet: Any = book.create_sheet()
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJ", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([_cell(sheet, say(word)) for word in _HEAD])
    return sheet


def _row(row: ReplayOutcome, places: Mapping[str, str], say: Callable[[str], str], lang: str) -> list[str]:
    titles = "；".join(flip["title"].get(lang) or flip["title"]["zh"] for flip in row.flips)
    why = "\n".join(flip["why"].get(lang) or flip["why"]["zh"] for flip in row.flips)
    return [
        row.number, row.name, places.get(row.division_code, row.division_code), say(PLACE_WORDS[place(row.step)]), say(KIND_WORDS[row.kind]),
        say(DECISION_WORDS[row.before]), say(DECISION_WORDS[row.after or "not_asked"]), titles, why, "、".join(row.missing),
    ]  # fmt: skip


def _cell(sheet: Any, value: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text_of(value))
    cell.data_type = "s"  # openpyxl takes what begins with = for a formula
    return cell
