"""What a register's list says and offers of each row as it lies."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from console.roles import Role
from tests.console.portal.test_registers import COMPLAINT, enter
from tests.officers import begin_session, make_account


@pytest.fixture
def client(console_app: Any, committed_db: Any) -> Any:
    return begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre")[0])


def _rows(page: Any) -> dict[str, str]:
    """The rows of a list by the key their first link leads to."""
    return {found[1]: row for row in re.findall(r"<tr>(.*?)</tr>", page.get_data(as_text=True), re.S) if (found := re.search(r'row-link" href="[^"]*/(\d+)"', row))}


def test_a_row_that_may_not_be_changed_any_more_does_not_offer_it_and_its_form_is_not_opened(client: Any, committed_db: Any) -> None:
    with committed_db.as_worker():
        open_one, closed = enter("complaints", COMPLAINT), enter("complaints", COMPLAINT, "refuse")

    rows = _rows(client.get("/screens/centre-complaints/"))

    assert {key: [f"/{key}/edit" in row, f'/{key}">查看' in row] for key, row in rows.items()} == {str(open_one): [True, True], str(closed): [False, True]}
    assert client.get(f"/screens/centre-complaints/{open_one}/edit").status_code == 200
    answer = client.get(f"/screens/centre-complaints/{closed}/edit")
    assert answer.status_code == 409 and "现处于“不予受理”状态，不能修改" in answer.get_data(as_text=True)
    assert "/edit" not in client.get(f"/screens/centre-complaints/{closed}").get_data(as_text=True)


def test_a_row_past_its_deadline_says_so_in_words_beside_its_state(console_app: Any, committed_db: Any, clock: Any) -> None:
    clock.set(dt.date(2026, 11, 2))
    with committed_db.as_worker():
        late, over = enter("complaints", COMPLAINT), enter("complaints", COMPLAINT, "refuse")
    clock.set(dt.date(2026, 11, 12))
    client = begin_session(console_app, make_account(committed_db, Role.COORDINATOR, department="centre")[0])
    with committed_db.as_worker():
        fresh = enter("complaints", COMPLAINT)

    rows = _rows(client.get("/screens/centre-complaints/"))

    assert {key: "超期" in row for key, row in rows.items()} == {str(late): True, str(over): False, str(fresh): False}
    assert re.search(r'class="status status-go">已收到，待受理</span> <b class="late-mark">超期</b>', rows[str(late)])


def test_what_a_file_must_have_for_a_credit_code_and_an_address_is_said(client: Any) -> None:
    page = client.get("/screens/centre-agencies/import").get_data(as_text=True)

    assert "统一社会信用代码，18 位" in page
    assert re.search(r"统一社会信用代码<span class=\"sub\">18 位.*?怎么填\">([^<]*)<", page, re.S)[1] == "统一社会信用代码，18 位"
