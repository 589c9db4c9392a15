"""Two who give one value that may be there once, at the same time: whoever is later is told at the field, at every door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console import db
from console.accounts import access_tokens
from console.accounts.queries import grants_of
from console.crud import known
from console.errors import InvalidAnswers
from console.exchange import imports, jobs
from console.exchange.models import DataImport
from console.registers import loading, services
from console.roles import Role
from console.scope import Staff, System, become
from tests.console.portal.conftest import Citizen
from tests.console.portal.test_registers import AGENCY, COMPLAINT, FORM, enter
from tests.console.registers.commanding import command
from tests.console.registers.meeting import meanwhile, one_after_the_other
from tests.journeys.test_adding_a_register import copied  # noqa: F401
from tests.officers import begin_session, make_account, token

DOCUMENT = {"title": "某办法", "number": "一号", "issuer": "某厅", "keeper": "centre", "level": "law", "issued_on": "2020-05-01", "in_force_from": "2020-06-01", "disclosure": "public"}
TAKEN = "统一社会信用代码已由另一条记录使用，请核对。"


def _entering(register: str, values: Any) -> Any:
    return lambda session: services.enter(session, loading.register(f"centre-{register}"), values, actor=System("test"))


def _count(database: Any, register: str) -> int:
    with database.as_worker(), db.transaction() as session:
        return session.query(loading.register(f"centre-{register}").rows).count()


@pytest.fixture
def person(committed_db: Any) -> int:
    return make_account(committed_db, Role.COORDINATOR, department="centre")[0]


def test_of_two_that_enter_one_value_the_second_is_told_at_the_field(committed_db: Any) -> None:
    house = System("test")
    with committed_db.as_worker():
        _done, told = one_after_the_other((house, house), _entering("agencies", AGENCY), _entering("agencies", {**AGENCY, "name": "另一家"}))
    assert isinstance(told, InvalidAnswers) and told.problems == {"uscc": TAKEN}
    assert _count(committed_db, "agencies") == 1


def test_of_two_that_change_rows_to_one_value_the_second_is_told_at_the_first_of_its_fields(committed_db: Any) -> None:
    one, house = loading.register("centre-documents"), System("test")
    with committed_db.as_worker():
        numbers = [enter("documents", DOCUMENT, number=number) for number in ("甲", "乙")]

        def change(number: int) -> Any:
            return lambda session: services.change(session, one, session.get(one.rows, number), {"number": "丙"}, actor=house, version=None)

        _done, told = one_after_the_other((house, house), change(numbers[0]), change(numbers[1]))
    assert isinstance(told, InvalidAnswers) and told.problems == {"number": "文号、文件名称已由另一条记录使用，请核对。"}


def test_the_form_tells_it_at_the_field_and_keeps_what_was_typed(committed_db: Any, console_app: Any, person: int) -> None:
    desk = begin_session(console_app, person)
    page = desk.get("/screens/centre-agencies/add")
    typed = {name: value for name, value in AGENCY.items() if not isinstance(value, list)} | {"name": "后来的一家", "business": ["construction"], "credit_grade": "unrated", "csrf_token": token(page), "do": "save"}

    with committed_db.as_worker():
        _done, answer = meanwhile(System("test"), _entering("agencies", AGENCY), lambda: desk.post("/screens/centre-agencies/add", data=typed))

    page = answer.get_data(as_text=True)
    assert (answer.status_code, page.count(TAKEN) >= 1, "后来的一家" in page) == (422, True, True), page
    assert _count(committed_db, "agencies") == 1


def test_a_program_is_told_at_the_field(committed_db: Any, console_app: Any, person: int) -> None:
    with committed_db.as_worker("test"), db.transaction() as session:
        _row, words = access_tokens.make(session, person, title="名录", writes=True, days=1, screens=(), allowed=(), second_step=True)
    client = console_app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {words}", "Accept-Language": "zh"}

    with committed_db.as_worker():
        _done, answer = meanwhile(System("test"), _entering("agencies", AGENCY), lambda: client.post("/api/v1/centre-agencies", headers=headers, json=dict(AGENCY)))

    assert (answer.status_code, answer.json.get("errors")) == (422, [{"field": "uscc", "message": TAKEN}]), answer.get_data(as_text=True)
    assert _count(committed_db, "agencies") == 1


def test_an_import_is_told_with_the_line_and_writes_nothing(committed_db: Any, person: int, tmp_path: Path) -> None:
    screen = known.find("centre-documents")
    (tmp_path / "file").write_text(
        "文件名称,文号,制定机关,负责清理的部门,效力级别,发布日期,施行日期,公开属性\n"
        "先写的,零号,某厅,交通运输厅,法律,2020-05-01,2020-06-01,主动公开\n某办法,一号,某厅,交通运输厅,法律,2020-05-01,2020-06-01,主动公开\n", encoding="utf-8")  # fmt: skip
    with committed_db.as_worker(), db.transaction() as session:
        who = Staff(person, "", grants_of(session, person))
    with become(who), db.transaction() as session:
        number = imports.bring(session, screen, tmp_path / "file", "documents.csv", actor=who, language="zh").id
    with committed_db.as_worker("exchange.check"):
        jobs.check([number])
    with become(who), db.transaction() as session:
        order = session.get_one(DataImport, number)
        assert (order.fresh, order.wrong, order.error) == (2, 0, None), order.problems
        imports.confirm(session, order, screen, actor=who, content_hash=order.content_hash, leave_wrong=False)

    with committed_db.as_worker("exchange.enter"):
        def late() -> None:
            with become(System("exchange.enter")):
                jobs.enter([number])

        meanwhile(System("test"), _entering("documents", DOCUMENT), late)

    with become(who), db.transaction() as session:
        assert session.get_one(DataImport, number).error == "第 3 行：文号、文件名称已由另一条记录使用，请核对。 文件中的内容都没有写入，请核对后再导入。"
    assert _count(committed_db, "documents") == 1


def test_the_public_is_told_at_the_field_whether_or_not_at_the_same_time(
    committed_db: Any, copied: Path, portal: Any, capsys: Any  # noqa: F811
) -> None:
    path = copied / "plugins" / "centre" / "registers" / "complaints.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nunique: [[topic]]\n", encoding="utf-8")
    assert command(["apply", "complaints"], committed_db) == 0, capsys.readouterr()
    visitor = Citizen(portal)
    visitor.get(FORM)
    complaint = {name: value for name, value in COMPLAINT.items() if name != "consent"}

    with committed_db.as_worker():
        _done, page = meanwhile(System("test"), _entering("complaints", complaint), lambda: visitor.submit("answers", dict(COMPLAINT), do="send", status=422))
    again = visitor.submit("answers", dict(COMPLAINT), do="send", status=422)

    for answer in (page, again):
        assert len(answer.problems) == 1 and "事由已由另一条记录使用，请核对。" in answer.problems[0] and COMPLAINT["content"] in answer.html
    assert _count(committed_db, "complaints") == 1


