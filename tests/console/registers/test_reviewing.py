"""登记表声明: what the page says of files and tables, for whom, and of a declaration that is pasted."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console import db
from console.registers import services
from console.registers.loading import register
from console.roles import Role
from console.scope import System
from tests.console.portal.test_registers import AGENCY, enter
from tests.console.registers.commanding import command, copies
from tests.officers import officer, token
from tests.rules.test_registers import REGISTER

HOME, CHECK = "/register-plans/", "/register-plans/check"
NEW = REGISTER.replace("reg: R1", "reg: NM-72-2021")


@pytest.fixture
def folder(committed_db: Any, tmp_path: Path) -> Iterator[Path]:
    with copies(tmp_path) as found:
        yield found / "plugins" / "centre" / "registers"


@pytest.fixture
def editor(console_app: Any, committed_db: Any) -> Any:
    return officer(console_app, committed_db, Role.RULE_EDITOR, department="centre")


def read(page: Any) -> str:
    """The words of a page, without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.get_data(as_text=True)))


def paste(client: Any, text: str, department: str = "centre") -> Any:
    return client.post(CHECK, data={"csrf_token": token(client.get(CHECK)), "department": department, "text": text})


def test_the_page_says_of_each_register_what_applying_would_do_and_writes_nothing(committed_db: Any, folder: Path, editor: Any) -> None:
    words = (folder / "tasks.yaml").read_text()
    (folder / "tasks.yaml").write_text(words.replace("  - {id: result,", "  - {id: costs, kind: decimal, label: {zh: 费用, en: Costs}, required: false}\n  - {id: result,"))
    (folder / "documents.yaml").write_text((folder / "documents.yaml").read_text().replace("scope: platform", "scop: platform"))
    (folder / "penalties.yaml").write_text(NEW)
    (folder / "agencies.yaml").unlink()  # inspections points at it
    migrations = sorted((folder.parents[2] / "migrations" / "versions").iterdir())

    page = read(editor.get(HOME))

    assert all(words in page for words in ("有改动，待应用", "声明有错", "新的，待应用", "文件不在了，表还在"))
    tasks = read(editor.get(f"{HOME}centre-tasks"))
    assert "新增字段“费用”" in tasks and "op.add_column('register_centre_tasks'" in tasks and "registers apply tasks" in tasks
    documents = read(editor.get(f"{HOME}centre-documents"))
    assert "scope" in documents and "是否应为" in documents
    assert "没有名为“agencies”的登记表" in read(editor.get(f"{HOME}centre-inspections"))
    assert "CREATE" not in page and "making.wall(TABLE, scope='department'" in read(editor.get(f"{HOME}centre-penalties"))
    assert editor.get(f"{HOME}centre-nothing").status_code == 404
    assert sorted((folder.parents[2] / "migrations" / "versions").iterdir()) == migrations
    assert register("centre-tasks").declared.fields.get("costs") is None


def test_rows_in_the_way_are_shown_with_values_to_those_alone_who_may_look(committed_db: Any, console_app: Any, folder: Path, editor: Any) -> None:
    with committed_db.as_worker():
        number = enter("agencies", AGENCY, website="https://example.cn/canary")
    words = (folder / "agencies.yaml").read_text()
    (folder / "agencies.yaml").write_text(words.replace("label: {zh: 网址, en: Website}, max_length: 150", "label: {zh: 网址, en: Website}, max_length: 9"))
    admin = officer(console_app, committed_db, Role.DEPARTMENT_ADMIN, department="centre")
    operator = officer(console_app, committed_db, Role.OPERATOR, department=None)
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER, department="centre")

    seen, hidden, nothing = (client.get(f"{HOME}centre-agencies") for client in (admin, editor, operator))

    assert "有记录更长" in read(seen) and "example.cn/canary" in read(seen) and f"{number}" in read(seen)
    assert "有记录更长" in read(hidden) and "example.cn" not in read(hidden)
    assert "example.cn" not in read(nothing) and "只算您看得到的记录" in read(nothing)
    assert reviewer.get(HOME).status_code in (302, 403) and reviewer.get(f"{HOME}centre-agencies").status_code in (302, 403)


def test_what_is_hidden_is_named_with_the_command_that_drops_it(committed_db: Any, folder: Path, editor: Any) -> None:
    words = (folder / "tasks.yaml").read_text()
    (folder / "tasks.yaml").write_text("".join(line for line in words.splitlines(keepends=True) if not line.startswith("  - {id: papers,")))
    assert "不再显示" in read(editor.get(f"{HOME}centre-tasks"))
    assert command(["apply", "tasks"], committed_db) == 0
    assert "python -m console registers purge tasks papers" in read(editor.get(f"{HOME}centre-tasks"))


def test_a_sound_declaration_shows_its_table_screens_and_migration(committed_db: Any, editor: Any) -> None:
    page = paste(editor, NEW)
    words = read(page)
    assert page.status_code == 200
    assert all(part in words for part in ("这份声明没有错", "会新建“处罚登记”", "register_centre_penalties", "身份证号", "加密", "op.create_table(", "公开", "每季度抽 10.0%"))
    assert "它与正在用的" in read(paste(editor, (Path(__file__).parents[3] / "plugins/centre/registers/tasks.yaml").read_text()))


DEEP = "id: deep\ntitle: " + "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ""),
        ("[]", ""),
        ("a: 1\na: 2", "重复出现"),
        ("id: [", "不是合法的 YAML"),
        ("a: &x [1]\nb: *x", "不允许使用锚点"),
        ("a: !!python/object:os.system x", "不允许使用标签"),
        (DEEP, ""),
        ("x: " + "y" * 70_000, "超过 60000 字节"),
        (NEW.replace("kind: email", "kind: letter"), "第 "),
        (NEW.replace("list: [person", "list: [persn"), "没有名为“persn”的字段"),
        (NEW.replace("reg: NM-72-2021", "reg: NOWHERE"), "NOWHERE"),
        ("id: p\ntitle: 人\nfields:\n  - {id: n, kind: text, label: <script>alert(1)</script>}\nlist: [m]\n", "没有名为“m”的字段"),
        ((Path(__file__).parents[3] / "plugins/transport/criteria.yaml").read_text()[:50_000], "第 "),
        ("\x00", ""),
        ("\ud800", ""),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_said_with_its_line_and_soon(committed_db: Any, editor: Any, text: str, says: str) -> None:
    begun = time.process_time()
    page = paste(editor, text.encode("utf-8", "replace").decode())

    assert page.status_code == 422
    words = read(page)
    assert "处需要修改" in words and "第 " in words and says in words
    assert "<script>alert" not in page.get_data(as_text=True)
    assert time.process_time() - begun < 10


def test_a_pasted_option_is_a_literal_and_no_statement(committed_db: Any, editor: Any) -> None:
    """What a declaration calls things goes into questions about rows."""
    with committed_db.as_worker(), db.transaction() as session:
        services.enter(session, register("centre-agencies"), AGENCY, actor=System("test"))
    words = (Path(__file__).parents[3] / "plugins/centre/registers/agencies.yaml").read_text()
    hostile = words.replace("{value: D, label: {zh: D 级, en: D}}", '{value: "x\' OR :b; DROP TABLE office --", label: {zh: 怪, en: Odd}}')
    assert hostile != words
    assert "去掉了选项 D" not in read(paste(editor, hostile)), "no row has D"
    assert paste(editor, words.replace("{value: A, label: {zh: A 级, en: A}}", '{value: "%s :b", label: {zh: 怪, en: Odd}}')).status_code == 200
