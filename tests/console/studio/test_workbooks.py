"""A draft out as a workbook and back: seen row by row first, saved as one revision, never over somebody else's rows."""

from __future__ import annotations

import difflib

import pytest

from console.studio import drafts, travel, workbooks
from console.studio.errors import DraftMovedOn
from console.studio.workbooks import ForeignWorkbook, RowsMovedOn
from rules.documents import Problems
from tests.console.studio.making import change_age, editor, make_draft
from tests.console.studio.sheets.test_workbook import append, at, edited


def lower(book) -> None:
    append(book, "参数值", 参数代号="age_limit", 自="2027-01-01", 值=60, **{"依据（文件代号 | 条款）": "MOT-797-2011 | 全文", "已核实": "否"})


@pytest.fixture
def draft(session):
    return make_draft(session, editor(session))


def test_an_untouched_workbook_changes_nothing(session, draft):
    download = workbooks.workbook_of_draft(session, draft)
    upload = workbooks.look_at(session, draft, download.content)
    assert (download.name, upload.reading.is_empty, upload.files, upload.rewritten) == (f"transport-draft{draft.id}-r1.xlsx", True, {}, ())
    assert workbooks.accept(session, draft, download.content, expected=1, actor=editor(session, "苏日娜")) is None


def test_an_edited_row_is_shown_and_then_saved(session, draft):
    actor = editor(session, "苏日娜")
    content = edited(workbooks.workbook_of_draft(session, draft).content, lower)
    upload = workbooks.look_at(session, draft, content)
    assert [one.key for one in upload.changes] == ["age_limit 2027-01-01"]
    assert ([*upload.files], upload.rewritten, draft.revision) == (["criteria.yaml"], (), 1)

    revision = workbooks.accept(session, draft, content, expected=1, actor=actor)
    before = drafts.newest_published(session, draft.department_id).sources
    assert {name for name, text in revision.sources.items() if text != before.get(name)} == {"criteria.yaml"}
    lines = difflib.ndiff(before["criteria.yaml"].splitlines(), revision.sources["criteria.yaml"].splitlines())
    assert [one for one in lines if one[0] in "+-"] == ["+       - {from: 2027-01-01, value: 60, basis: [{reg: MOT-797-2011, article: 全文}], verified: false}"]
    assert drafts.text_of(session, draft).bundle.criteria.parameters["age_limit"].values[-1].value == 60
    assert workbooks.look_at(session, draft, content).reading.is_empty  # what it wanted is there
    with pytest.raises(DraftMovedOn):
        workbooks.accept(session, draft, edited(content, lambda book: setattr(at(book, "试题", lambda row: row["题号"] == "TRA-002", "难度"), "value", 3)), expected=1, actor=actor)


def test_rows_that_others_changed_meanwhile_are_not_saved_over(session, draft):
    content = edited(workbooks.workbook_of_draft(session, draft).content, lambda book: setattr(at(book, "参数值", lambda row: row["参数代号"] == "age_limit", "值"), "value", 61))
    text = drafts.head(session, draft).sources["criteria.yaml"].replace("value: 65, ", "value: 64, ", 1)
    drafts.revise(session, draft, {"criteria.yaml": text.encode()}, expected=1, actor=editor(session, "苏日娜"))
    with pytest.raises(RowsMovedOn) as caught:
        workbooks.accept(session, draft, content, expected=2, actor=editor(session, "乌兰"))
    assert [[(cell.before, cell.after, cell.now) for cell in row.cells] for row in caught.value.rows] == [[("65", "61", "64")]]
    assert draft.revision == 2


def test_a_workbook_of_the_release_it_started_from_can_be_uploaded(session, draft):
    content = edited(workbooks.workbook_of_release(session, travel.release(session, "transport")).content, lower)
    change_age(session, draft, editor(session, "苏日娜"), start="2028-01-01")
    assert [one.key for one in workbooks.look_at(session, draft, content).changes] == ["age_limit 2027-01-01"]


def test_a_workbook_of_another_department_or_draft_is_refused(session, draft):
    other = make_draft(session, editor(session, "乌兰", "water"), code="water")
    for content in (workbooks.workbook_of_draft(session, other).content, workbooks.workbook_of_release(session, travel.release(session, "water")).content):
        with pytest.raises(ForeignWorkbook):
            workbooks.look_at(session, draft, content)
    with pytest.raises(Problems):
        workbooks.look_at(session, draft, b"PK")


def test_a_draft_that_cannot_be_read_has_no_workbook(session, draft):
    drafts.revise(session, draft, {"criteria.yaml": b"criteria: ["}, expected=1, actor=editor(session, "苏日娜"))
    with pytest.raises(travel.NotReadable):
        workbooks.workbook_of_draft(session, draft)
