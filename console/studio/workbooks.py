"""A draft as a workbook, and an edited workbook back into a draft: first shown row by row, then saved as one revision."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from console.departments.models import Release
from console.errors import N_, Conflict, ConsoleError
from console.scope import Principal
from console.studio import drafts
from console.studio.models import DraftRevision, RuleDraft
from console.studio.sheets.merge import Reading, RowChange
from console.studio.travel import Download, readable_data
from rules.bundle_files import texts_of

_DRAFT = re.compile(r"draft (\d{1,9}), revision (\d{1,9})")
_RELEASE = re.compile(r"release (\d{1,9})")


class ForeignWorkbook(ConsoleError):
    """The workbook was made from another department's rules, or from a state that is not known here."""

    message = N_("这个工作簿不是从本部门的这份草稿或它起草所据的发布版导出的（来源：%(origin)s）。请重新下载后再改。")
    status = 422


class RowsMovedOn(Conflict):
    """Rows that the workbook changes were changed in the draft meanwhile; `rows` are those, with all three states."""

    message = N_("有 %(count)s 行在您下载之后被别人改过，没有保存。请看清楚后重新下载再改。")

    def __init__(self, rows: list[RowChange]) -> None:
        super().__init__(count=len(rows))
        self.rows = rows


@dataclass(frozen=True)
class Upload:
    """What an uploaded workbook would change. `files` is what would be saved; documents in `rewritten` lose comments."""

    reading: Reading
    files: Mapping[str, bytes | None]
    rewritten: tuple[str, ...]

    @property
    def changes(self) -> list[RowChange]:
        return self.reading.changes

    @property
    def conflicts(self) -> list[RowChange]:
        return self.reading.conflicts


def _sheets() -> Any:
    from console.studio.sheets import workbook  # slow: openpyxl, which few requests need

    return workbook


def workbook_of_draft(session: Session, draft: RuleDraft) -> Download:
    """The workbook of what a draft says now. travel.NotReadable while its documents have problems."""
    head = drafts.head(session, draft)
    content = _sheets().write_workbook(readable_data(head), origin=f"draft {draft.id}, revision {head.number}", title=f"{draft.department.name}：{draft.title}")
    return Download(f"{draft.department.code}-draft{draft.id}-r{head.number}.xlsx", content)


def workbook_of_release(session: Session, release: Release) -> Download:
    """The workbook of a release; edited, it can be uploaded into a draft that started from it."""
    content = _sheets().write_workbook(json.loads(release.content), origin=f"release {release.id}", title=f"{release.department.name} v{release.version}")
    return Download(f"{release.department.code}-v{release.version}.xlsx", content)


def look_at(session: Session, draft: RuleDraft, content: bytes) -> Upload:
    """What the workbook would change in the draft as it is now; nothing is saved.

    Raises rules' Problems with every cell that cannot be read, ForeignWorkbook, travel.NotReadable.
    """
    head = drafts.head(session, draft)
    current = readable_data(head)
    reading = _sheets().read_workbook(content, base=_base(session, draft, _sheets().origin_of(content)), current=current)
    texts = texts_of(reading.data, head.sources)
    touched = sorted(name for name in {*texts, *current_files(head)} if texts.get(name) != head.sources.get(name))
    files = {name: texts[name].encode("utf-8") if name in texts else None for name in touched}
    poorer = tuple(name for name in touched if name in texts and _comments(head.sources.get(name, "")) - _comments(texts[name]))
    return Upload(reading, files, poorer)


def accept(session: Session, draft: RuleDraft, content: bytes, *, expected: int, note: str = "", actor: Principal) -> DraftRevision | None:
    """Save what `look_at()` showed as the draft's next revision; None when there was nothing to change.

    Raises RowsMovedOn while there are conflicts, and what `look_at()` and `drafts.revise()` raise.
    """
    upload = look_at(session, draft, content)
    if upload.conflicts:
        raise RowsMovedOn(upload.conflicts)
    if not upload.files:
        return None
    return drafts.revise(session, draft, upload.files, expected=expected, note=note or f"XLSX：{len(upload.changes)} 行", actor=actor)


def import_workbook(session: Session, content: bytes, *, save: bool, note: str = "", actor: Principal) -> tuple[Upload, RuleDraft | None]:
    """A workbook without a page around it: one made from a draft goes into that draft, one made from a release into a new draft of it.

    With `save` off nothing is written, the upload only says what would be. ForeignWorkbook, RowsMovedOn, and what the others raise.
    """
    origin = _sheets().origin_of(content)
    if match := _DRAFT.fullmatch(origin):
        draft = session.get(RuleDraft, int(match[1]))
        if draft is None:
            raise ForeignWorkbook(origin=origin[:60])
        upload = look_at(session, draft, content)
        if save:
            accept(session, draft, content, expected=draft.revision, note=note, actor=actor)
        return upload, draft if save else None
    release = session.get(Release, int(match[1])) if (match := _RELEASE.fullmatch(origin)) else None
    if release is None:
        raise ForeignWorkbook(origin=origin[:60])
    data = json.loads(release.content)
    reading = _sheets().read_workbook(content, base=data, current=data)
    before = drafts.sources_of(release)
    texts = texts_of(reading.data, before)
    upload = Upload(reading, {name: text.encode("utf-8") for name, text in texts.items()}, ())
    if not save or reading.is_empty:
        return upload, None
    files = {name: text.encode("utf-8") for name, text in texts.items()}
    return upload, drafts.import_files(session, release.department, files, title="导入：XLSX", note=note, base=release, actor=actor)


def _comments(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.lstrip().startswith("#")}


def current_files(head: DraftRevision) -> set[str]:
    """The files of a revision that a workbook can change."""
    return {"criteria.yaml", "questions.csv", "letters.yaml"} & set(head.sources)


def _base(session: Session, draft: RuleDraft, origin: str) -> dict[str, Any]:
    """The documents that a workbook was made from."""
    if match := _DRAFT.fullmatch(origin):
        if int(match[1]) == draft.id:
            revision = session.scalar(
                select(DraftRevision)
                .where(DraftRevision.draft_id == draft.id, DraftRevision.number == int(match[2]))
                .options(undefer(DraftRevision.content))
            )
            if revision is not None:
                return readable_data(revision)
    elif (match := _RELEASE.fullmatch(origin)) and int(match[1]) == draft.base_id:
        release = session.get_one(Release, draft.base_id)
        data: dict[str, Any] = json.loads(release.content)
        return data
    raise ForeignWorkbook(origin=origin[:60])
