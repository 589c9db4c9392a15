"""The rows of a list into a file, by a cursor of the server: in the list's order, of one moment, a batch in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from console import clock
from console.crud.screen import Screen
from console.doors.dates import instant
from console.exchange import fields, sheets
from console.exchange.fields import sensitive
from console.scope import current

__all__ = ["sensitive", "write"]


def write(
    session: Session, screen: Screen, path: Path, *, query: dict[str, str], names: tuple[str, ...], kind: str, batch: int
) -> Iterator[int]:
    """Write what the session's principal sees of this list; yields how many rows are written after each batch, and the whole at the end."""
    view = fields.reader(screen)
    columns = fields.fields(view, names)
    reads = [column.read for column in columns]
    sheet = sheets.open_sheet(
        kind, path, title=_(screen.title), headings=[column.heading for column in columns], about=_about(session, view, query), about_title=_("说明")
    )  # fmt: skip
    count = 0
    rows = session.scalars(fields.statement(view, names, query).execution_options(yield_per=batch))
    try:
        for part in rows.partitions():
            for row in part:
                sheet.write([read(row) for read in reads])
            count += len(part)
            yield count
    finally:
        rows.close()
        sheet.close()
    yield count


def _about(session: Session, view: fields.ScreenView, query: dict[str, str]) -> list[str]:
    """What this file is, for whoever finds it a year later."""
    conditions = fields.in_words(view, query)
    return [
        _("名单：%(title)s", title=_(view.screen.title)),
        _("条件：%(conditions)s", conditions=_("；").join(conditions) if conditions else _("没有，导出时能看到的全部")),
        _("导出时间：%(when)s", when=instant(clock.now(session))),
        _("导出人：%(who)s。内容以系统中的为准，保密的内容只有掩码。", who=getattr(current(), "name", "")),
    ]
