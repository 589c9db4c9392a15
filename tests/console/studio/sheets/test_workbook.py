"""A workbook out and back: untouched it changes nothing, edited it changes what was edited, and what was changed meanwhile is told."""

from __future__ import annotations

import copy
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from console.studio.sheets.layout import sheets_of
from console.studio.sheets.merge import Reading
from console.studio.sheets.workbook import origin_of, read_workbook, write_workbook
from rules.bundle import read_documents, read_folder
from rules.bundle_files import files_of, texts_of
from rules.documents import Problems, canonical

PLUGINS = Path(__file__).parents[4] / "plugins"
CODES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "bundle.yaml").is_file())
CENTRE = read_folder(PLUGINS / "centre")
BUNDLES = {code: CENTRE if code == "centre" else read_folder(PLUGINS / code, centre=CENTRE) for code in CODES}
TRANSPORT = BUNDLES["transport"].to_data()
AGE = {"from": "2011-12-01", "value": 65, "basis": {"reg": "MOT-797-2011", "article": "全文"}, "verified": False}


def book_of(data: dict[str, Any]) -> bytes:
    return write_workbook(data, origin="draft 12, revision 3", title="交通运输厅")


def edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The workbook as another program saves it after an edit."""
    book = load_workbook(io.BytesIO(content))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def at(book: Any, sheet: str, row: Callable[[dict[str, Any]], bool], column: str) -> Any:
    """The cell of the first row for which `row` holds."""
    page = book[sheet]
    heads = {cell.value: cell.column for cell in page[1]}
    for number in range(3, page.max_row + 1):
        if row({name: page.cell(number, place).value for name, place in heads.items()}):
            return page.cell(number, heads[column])
    raise LookupError(column)


def append(book: Any, sheet: str, **cells: Any) -> None:
    page = book[sheet]
    number = page.max_row + 1
    for cell in page[1]:
        if cell.value in cells:
            page.cell(number, cell.column).value = cells[cell.value]


def after(change: Callable[[Any], None], *, base: dict[str, Any] = TRANSPORT, current: dict[str, Any] | None = None) -> Reading:
    return read_workbook(edited(book_of(base), change), base=base, current=base if current is None else current)


def said(change: Callable[[Any], None], base: dict[str, Any] = TRANSPORT) -> list[str]:
    with pytest.raises(Problems) as caught:
        after(change, base=base)
    assert all(one.zh and one.en for one in caught.value.problems)
    return [one.show("en") for one in caught.value.problems]


# -- untouched --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_an_untouched_workbook_changes_nothing_and_keeps_every_source(code):
    data = BUNDLES[code].to_data()
    for content in (book_of(data), edited(book_of(data), lambda book: None)):
        reading = read_workbook(content, base=data, current=data)
        assert (reading.is_empty, canonical(reading.data)) == (True, canonical(data))
        assert origin_of(content) == "draft 12, revision 3"
    assert texts_of(reading.data, BUNDLES[code].sources) == dict(BUNDLES[code].sources)


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20) | st.sampled_from(["=1+1", "0123", "1.0", "TRUE", "2026-01-01", "#N/A", "{x}", "[a]", '"', "a\nb\n", " a", "\r\n", "\x00"])
scalars = st.booleans() | st.integers(-(10**17), 10**17) | st.integers(-99999, 99999).map(lambda n: n / 1000) | texts


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_stands_in_a_document_an_untouched_workbook_changes_nothing(data):
    documents = copy.deepcopy(TRANSPORT)
    documents["criteria.yaml"]["parameters"]["age_limit"]["values"] = [{**AGE, "value": data.draw(scalars | st.lists(scalars, max_size=3))}]
    documents["criteria.yaml"]["parameters"]["age_limit"]["title"] = data.draw(texts | st.fixed_dictionaries({"zh": texts}, optional={"en": texts}))
    documents["questions.csv"] = documents["questions.csv"][:1]
    documents["questions.csv"][0] |= {"stem": data.draw(texts), "score": data.draw(texts)}
    documents["letters.yaml"]["letters"]["returned"]["body"] = data.draw(texts | st.fixed_dictionaries({"zh": texts}, optional={"en": texts}))
    reading = read_workbook(edited(book_of(documents), lambda book: None), base=documents, current=documents)
    assert (reading.is_empty, canonical(reading.data)) == (True, canonical(documents))


# -- edits ------------------------------------------------------------------------------------------------------------


def test_a_new_value_of_a_parameter_is_one_added_row():
    reading = after(lambda book: append(book, "参数值", 参数代号="age_limit", 自=dt.date(2027, 1, 1), 值=68.0, **{"依据（文件代号 | 条款）": "MOT-797-2011 ｜ 全文", "已核实": "否"}))
    assert [one.show("en") for one in reading.changes] == ["Parameter values age_limit 2027-01-01 added: Value 68; Basis (regulation | article) MOT-797-2011 | 全文; Verified 否"]
    assert reading.data["criteria.yaml"]["parameters"]["age_limit"]["values"] == [AGE, {**AGE, "from": "2027-01-01", "value": 68, "basis": [AGE["basis"]]}]
    assert {name for name, text in texts_of(reading.data, BUNDLES["transport"].sources).items() if text != BUNDLES["transport"].sources[name]} == {"criteria.yaml"}
    assert read_documents(files_of(reading.data, BUNDLES["transport"].sources), centre=CENTRE).to_data() == reading.data


def test_changed_cells_are_told_with_what_they_were():
    def change(book):
        at(book, "参数值", lambda row: row["参数代号"] == "age_limit", "值").value = 60
        at(book, "参数", lambda row: row["参数代号"] == "age_limit", "名称（英文）").value = None
        question = lambda row: row["题号"] == "TRA-002"  # noqa: E731
        at(book, "试题", question, "答案").value = "A"
        at(book, "试题", question, "难度").value = 3
        at(book, "信函", lambda row: row["事件"] == "returned", "标题").value = "请补正 {number}"

    reading = after(change)
    assert [one.show() for one in reading.changes] == [
        "参数 age_limit 改为：名称（英文） Age limit → —", "参数值 age_limit 2011-12-01 改为：值 65 → 60", "试题 TRA-002 改为：答案 D → A；难度 1 → 3",
        "信函 returned 改为：标题 补正通知书（申报 {number}） → 请补正 {number}"]
    question = next(row for row in reading.data["questions.csv"] if row["qid"] == "TRA-002")
    assert (question["answer"], question["difficulty"]) == ("A", "3")
    assert reading.data["criteria.yaml"]["parameters"]["age_limit"]["title"] == {"zh": "年龄上限"}
    body = reading.data["letters.yaml"]["letters"]["returned"]["body"]
    assert body == TRANSPORT["letters.yaml"]["letters"]["returned"]["body"] and body["zh"].endswith("\n")


def test_rows_are_added_and_removed():
    def change(book):
        page = book["试题"]
        page.delete_rows(at(book, "试题", lambda row: row["题号"] == "TRA-003", "题号").row)
        append(book, "试题", 题号="TRA-900", 题型="judge", 题干="=1+1 等于 2？", 选项A="对", 选项B="错", 答案="A", 分值=2, 难度=1, 主题="算术", 依据条款="第一条")
        page.cell(page.max_row, 4).data_type = "s"
        append(book, "信函", 事件="withdrawn", 标题="撤回", 正文="您好\n再见")
        book["参数"].delete_rows(at(book, "参数", lambda row: row["参数代号"] == "clean_years", "参数代号").row)
        book["参数值"].delete_rows(at(book, "参数值", lambda row: row["参数代号"] == "clean_years", "参数代号").row)

    reading = after(change)
    assert [(one.sheet_en, one.key, one.kind) for one in reading.changes] == [
        ("Parameters", "clean_years", "removed"), ("Parameter values", "clean_years 2011-12-01", "removed"), ("Questions", "TRA-900", "added"),
        ("Questions", "TRA-003", "removed"), ("Letters", "withdrawn", "added")]
    assert "clean_years" not in reading.data["criteria.yaml"]["parameters"]
    assert reading.data["questions.csv"][-1] == {"bank": "transport", "qid": "TRA-900", "type": "judge", "stem": "=1+1 等于 2？", "option_a": "对", "option_b": "错", "answer": "A", "score": "2",
                                                 "difficulty": "1", "topic": "算术", "article": "第一条"}
    assert reading.data["letters.yaml"]["letters"]["withdrawn"] == {"subject": {"zh": "撤回"}, "body": {"zh": "您好\n再见"}}


def test_a_department_without_letters_gets_its_first_and_loses_its_last():
    base = {name: one for name, one in TRANSPORT.items() if name != "letters.yaml"}
    assert after(lambda book: append(book, "信函", 事件="withdrawn", 标题="撤回", 正文="您好"), base=base).data["letters.yaml"] == {
        "letters": {"withdrawn": {"subject": {"zh": "撤回"}, "body": {"zh": "您好"}}}}
    assert "letters.yaml" not in after(lambda book: book["信函"].delete_rows(3)).data


def test_a_sheet_that_is_not_there_and_an_order_of_rows_change_nothing():
    def change(book):
        del book["试题"]
        page = book["参数值"]
        rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=3)]
        for number, row in enumerate(reversed(rows), start=3):
            for column, value in enumerate(row, start=1):
                page.cell(number, column).value = value

    assert after(change).is_empty


@pytest.mark.parametrize(("typed", "value"), [
    (68, 68), (68.0, 68), (67.5, 67.5), ("68", "68"), (True, True), (dt.date(2027, 1, 1), "2027-01-01"), ("[60, 65]", [60, 65]), ('"x"', "x"), (0.1 + 0.2, 0.3), (10**14, 10**14),
])
def test_a_value_is_what_was_typed(typed, value):
    def change(book):
        at(book, "参数值", lambda row: row["参数代号"] == "age_limit", "值").value = typed

    found = after(change).data["criteria.yaml"]["parameters"]["age_limit"]["values"][0]["value"]
    assert (found, type(found)) == (value, type(value))


# -- decision tables --------------------------------------------------------------------------------------------------

TABLE = {"columns": [{"fact": "title_level", "is": "in"}, {"years_union": "work_periods", "of": "months", "is": "ge"}], "hit": "first", "otherwise": False, "rows": [
    {"when": [["full_senior"], 5], "then": True}, {"when": [None, {"param": "years_needed"}], "then": True}, {"when": [["none"], 20], "then": False}]}
WITH_TABLE = copy.deepcopy(TRANSPORT)
TITLE = next(at for at, one in enumerate(TRANSPORT["criteria.yaml"]["criteria"]) if one["id"] == "title")
WITH_TABLE["criteria.yaml"]["criteria"][TITLE]["rule"] = {"any": [{"fact": "healthy", "is": "eq", "value": True}, {"table": TABLE}]}
NAME = "决策表1 title"


def rows_of(data: dict[str, Any]) -> list[Any]:
    return [(row["when"], row["then"]) for row in data["criteria.yaml"]["criteria"][TITLE]["rule"]["any"][1]["table"]["rows"]]


def test_rows_of_a_decision_table_are_changed_added_removed_and_moved():
    def change(book):
        page = book[NAME]
        assert [cell.value for cell in page[1]] == ["行号（新增的不填）", "1. title_level in", "2. {years_union: work_periods, of: months, is: ge}", "结论"]
        page.cell(3, 3).value = 6
        page.delete_rows(5)
        append(book, NAME, **{"1. title_level in": "[associate_senior]", "结论": "不满足"})

    reading = after(change, base=WITH_TABLE)
    assert rows_of(reading.data) == [([["full_senior"], 6], True), ([None, {"param": "years_needed"}], True), ([["associate_senior"], None], False)]
    assert [(one.key, one.kind) for one in reading.changes] == [("3", "removed"), ("1", "changed"), ("+3", "added")]

    def swap(book):
        page = book[NAME]
        upper, lower = ([cell.value for cell in page[number]] for number in (3, 4))
        for column, (one, other) in enumerate(zip(upper, lower, strict=True), start=1):
            page.cell(3, column).value, page.cell(4, column).value = other, one

    moved = after(swap, base=WITH_TABLE)
    assert [row for row, _ in rows_of(moved.data)] == [[None, {"param": "years_needed"}], [["full_senior"], 5], [["none"], 20]]
    assert {one.kind for one in moved.changes} == {"moved"}


def test_a_table_that_was_changed_meanwhile_is_left_as_it_is():
    current = copy.deepcopy(WITH_TABLE)
    current["criteria.yaml"]["criteria"][TITLE]["rule"]["any"][1]["table"]["rows"].pop()

    def change(book):
        book[NAME].cell(3, 3).value = 6

    reading = after(change, base=WITH_TABLE, current=current)
    assert (reading.changes, [one.key for one in reading.conflicts], reading.data) == ([], ["1"], current)
    assert after(lambda book: None, base=WITH_TABLE, current=current).is_empty


# -- meanwhile --------------------------------------------------------------------------------------------------------


def meanwhile(**values: Any) -> dict[str, Any]:
    current = copy.deepcopy(TRANSPORT)
    current["criteria.yaml"]["parameters"]["age_limit"]["values"][0] |= values
    return current


def lower(book: Any) -> None:
    at(book, "参数值", lambda row: row["参数代号"] == "age_limit", "值").value = 60


def test_what_others_changed_in_other_rows_stays():
    current = meanwhile()
    current["criteria.yaml"]["parameters"]["years_needed"]["values"][0]["value"] = 9
    current["criteria.yaml"]["criteria"].pop()
    reading = after(lower, current=current)
    assert [one.key for one in reading.changes] == ["age_limit 2011-12-01"] and not reading.conflicts
    assert reading.data["criteria.yaml"]["parameters"]["years_needed"]["values"][0]["value"] == 9
    assert reading.data["criteria.yaml"]["criteria"] == current["criteria.yaml"]["criteria"]


def test_a_row_that_was_changed_meanwhile_is_a_conflict_and_stays():
    current = meanwhile(value=70)
    reading = after(lower, current=current)
    assert (reading.changes, reading.data) == ([], current)
    assert [(one.key, [(cell.before, cell.after, cell.now) for cell in one.cells]) for one in reading.conflicts] == [("age_limit 2011-12-01", [("65", "60", "70")])]
    assert after(lower, current=meanwhile(value=60)).is_empty  # both typed the same


def test_rows_removed_or_added_on_both_sides_are_conflicts_when_they_differ():
    gone = copy.deepcopy(TRANSPORT)
    del gone["criteria.yaml"]["parameters"]["age_limit"]
    assert [one.kind for one in after(lower, current=gone).conflicts] == ["changed"]

    def remove(book):
        for sheet in ("参数", "参数值"):
            book[sheet].delete_rows(at(book, sheet, lambda row: row["参数代号"] == "age_limit", "参数代号").row)

    assert after(remove, current=gone).is_empty
    kept = after(remove, current=meanwhile(value=70))
    assert ([one.kind for one in kept.conflicts], kept.data) == (["removed", "removed"], meanwhile(value=70))

    added = copy.deepcopy(TRANSPORT)
    added["letters.yaml"]["letters"]["withdrawn"] = {"subject": {"zh": "撤回"}, "body": {"zh": "您好"}}
    add = lambda words: lambda book: append(book, "信函", 事件="withdrawn", 标题="撤回", 正文=words)  # noqa: E731
    assert after(add("您好"), current=added).is_empty
    assert [one.kind for one in after(add("再见"), current=added).conflicts] == ["added"]


# -- mistakes ---------------------------------------------------------------------------------------------------------


def test_every_mistake_is_named_by_sheet_and_cell_at_once():
    last: list[int] = []

    def change(book):
        values = book["参数值"]
        last.append(values.max_row + 2)
        values["D3"].value = "=1+1"
        values["B4"].value = "2027-02-30"
        values["E4"].value = "MOT-797-2011 全文"
        values["F4"].value = "也许"
        values["D5"].value = "[1"
        values["D6"].value = dt.datetime(2026, 1, 1, 9, 30)  # noqa: DTZ001 - a sheet knows no zones
        values["K3"].value = "草稿"
        append(book, "参数值", 参数代号="age_limt", 自="2027-01-01", 值=1)
        append(book, "参数值", 自="2027-01-01", 值=1)
        book["试题"]["C3"].value = "#N/A"
        book["试题"]["A4"].value = book["试题"]["A3"].value
        book["信函"]["B1"].value = "题目"
        book["参数"]["B3"].number_format = "0%"
        book["参数"]["B3"].value = 0.5
        book["说明"].sheet_state = "hidden"
        book.create_sheet("参数 备份")
        book.active = 1

    values = sum(len(one["values"]) for one in TRANSPORT["criteria.yaml"]["parameters"].values())
    found = said(change)
    for place, says in [("参数值!D3", "formula"), ("参数值!B4", "not a date"), ("参数值!E4", "regulation | article"), ("参数值!F4", "must be 是 or 否"), ("参数值!D5", "cannot be read"),
                        ("参数值!D6", "time of day"), ("参数值!K3", "outside the headings"), (f"参数值!{values + 4}", "lacks 'Id'"), ("试题!C3", "error"), ("试题!A4", "repeats a row"),
                        ("信函!B1", "Unknown or repeated column"), ("信函!1", "'Subject (zh)' (标题) is missing"), ("参数!B3", "percent"), ("说明:", "hidden"), ("参数 备份:", "no such sheet")]:
        assert [one for one in found if one.startswith(place) and says in one], (place, found)
    assert [one for one in said(lambda book: append(book, "参数值", 参数代号="age_limt", 自="2027-01-01", 值=1)) if "Did you mean 'age_limit'?" in one]


def test_a_workbook_of_somebody_else_names_no_origin():
    with pytest.raises(Problems, match="来源标识"):
        origin_of(edited(book_of(TRANSPORT), lambda book: book.remove(book["说明"])))


@pytest.mark.parametrize("code", CODES)
def test_every_column_has_its_own_name_and_every_row_its_own_key(code):
    for sheet in sheets_of(BUNDLES[code].to_data()):
        assert len({column.zh for column in sheet.columns}) == len({column.key for column in sheet.columns}) == len(sheet.columns)
        assert 0 < len(sheet.zh) <= 31 and {*sheet.keys} <= {column.key for column in sheet.columns}
