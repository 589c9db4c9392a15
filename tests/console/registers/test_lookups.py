"""What a register's rows point at is found by two characters of its name, inside the reader's scope, and by grams where there are many."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from console.roles import Role
from tests.console.portal.test_registers import AGENCY, enter
from tests.officers import make_account, officer


@pytest.fixture
def coordinator(console_app: Any, committed_db: Any) -> Any:
    return officer(console_app, committed_db, Role.COORDINATOR, department="centre")


def found(client: Any, path: str, words: str) -> list[str]:
    answer = client.get(f"/screens/{path}?q={words}")
    assert answer.status_code == 200
    return [one["text"] for one in answer.get_json()["options"]]


def test_an_officer_is_found_by_name_as_it_is_written(coordinator: Any, committed_db: Any) -> None:
    make_account(committed_db, Role.COORDINATOR, name="欧阳 娜仁")
    _id, username = make_account(committed_db, Role.COORDINATOR, name="阿 古拉")
    assert found(coordinator, "centre-tasks/options/lead", "阳娜") == ["欧阳娜仁"]
    assert found(coordinator, "centre-tasks/options/lead", username) == ["阿古拉"]
    assert found(coordinator, "centre-tasks/options/lead", "没有这人") == []


def test_a_row_of_another_register_is_found_by_grams(coordinator: Any, committed_db: Any) -> None:
    with committed_db.as_worker():
        enter("agencies", AGENCY)
    sent: list[str] = []
    event.listen(committed_db.web, "before_cursor_execute", lambda c, cursor, statement, *rest: sent.append(statement))

    assert found(coordinator, "centre-inspections/options/agency", "草原") == ["草原招标代理有限公司"]
    assert any("ruku_found" in statement for statement in sent) and not any("ILIKE" in statement for statement in sent)
    assert found(coordinator, "centre-inspections/options/agency", "91150100") == ["草原招标代理有限公司"]  # by what the register is searched by
    assert found(coordinator, "centre-inspections/options/agency", "%") == []
