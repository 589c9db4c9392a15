"""Two people at one row: who comes second is told, nothing is overwritten in silence, nothing typed is lost."""

from __future__ import annotations

import re
import threading
from contextlib import suppress

import pytest
from sqlalchemy import select

from console import db
from console.accounts.models import StaffGrant
from console.audit import AuditEntry
from console.roles import Role
from tests.console.crud import trial
from tests.officers import fields_of, make_account, officer, post


@pytest.fixture
def other(app, admin, committed_db):
    """Somebody else with the same rights."""
    return officer(app, committed_db, Role.PLATFORM_ADMIN, department=None, name="白 音")


@pytest.fixture
def row(admin, committed_db):
    make_account(committed_db, Role.OPERATOR, department="water")
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(StaffGrant.id).where(StaffGrant.role == "operator")).one()


def _now(committed_db, row):
    with committed_db.as_worker(), db.transaction() as session:
        found = session.get(StaffGrant, row)
        return (found.reason, found.department_id) if found else None


def _acts(committed_db, row):
    with committed_db.as_worker(), db.transaction() as session:
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"staff_grant:{row}").order_by(AuditEntry.id)))


def test_who_saves_second_sees_both_versions_and_decides(admin, other, committed_db, row):
    address = f"/screens/t-grants/{row}/edit"
    opened = fields_of(admin.get(address))
    post(other, address, reason="别人的理由", department="5")

    answer = admin.post(address, data={**opened, "reason": "我的理由", "department": "5"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert _now(committed_db, row) == ("别人的理由", 5)
    assert re.search(r"白\s?音 于 .* 改过这一条", page)
    assert re.search(r"<td[^>]*>别人的理由</td><td[^>]*><b>我的理由</b></td>", page)
    assert "我的理由</textarea>" in page

    answer = admin.post(address, data={**fields_of(answer), "reason": "我的理由", "department": "5"})

    assert answer.status_code == 303
    assert _now(committed_db, row) == ("我的理由", 5)
    assert _acts(committed_db, row) == ["t-grants.changed", "t-grants.changed"]


def test_what_only_the_other_one_changed_is_theirs_in_my_form(admin, other, committed_db, row):
    address = f"/screens/t-grants/{row}/edit"
    opened = fields_of(admin.get(address))
    post(other, address, reason="测试", department="2")

    answer = admin.post(address, data={**opened, "reason": "我的理由", "department": "5"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'name="department" value="2"' in page and "我的理由</textarea>" in page
    assert "没有改，用现在的" in page


def test_a_third_one_is_asked_again(admin, other, committed_db, row):
    address = f"/screens/t-grants/{row}/edit"
    opened = fields_of(admin.get(address))
    post(other, address, reason="第一次", department="5")
    met = fields_of(admin.post(address, data={**opened, "reason": "我的", "department": "5"}))
    post(other, address, reason="第二次", department="5")

    assert admin.post(address, data={**met, "reason": "我的", "department": "5"}).status_code == 409
    assert _now(committed_db, row) == ("第二次", 5)


@pytest.mark.parametrize("seen", [None, "", "x", "reason=0000000000;department=0000000000", "=" * 9_000])
def test_without_its_mark_nothing_is_saved_at_once(admin, committed_db, row, seen):
    address = f"/screens/t-grants/{row}/edit"
    fields = fields_of(admin.get(address)) | {"seen": seen}

    answer = admin.post(address, data={k: v for k, v in fields.items() if v is not None} | {"reason": "我的", "department": "5"})

    assert answer.status_code == 409
    assert _now(committed_db, row) == ("测试", 5)


def test_a_mark_tells_nothing(admin, committed_db, row):
    seen = fields_of(admin.get(f"/screens/t-grants/{row}/edit"))["seen"]

    assert re.fullmatch(r"department=[0-9a-f]{10};reason=[0-9a-f]{10}", seen[0])


def test_of_two_at_the_same_instant_one_saves(app, admin, other, committed_db, row, monkeypatch):
    """Both have compared when the first writes, unless the second waits for the row: then this ends by the barrier's patience."""
    address = f"/screens/t-grants/{row}/edit"
    both = threading.Barrier(2)

    def meet(view, item):
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)

    monkeypatch.setattr(trial.Extras, "pre_update", meet)
    forms = {client: fields_of(client.get(address)) | {"department": "5", "reason": name} for client, name in ((admin, "甲"), (other, "乙"))}
    statuses = {}

    def save(client):
        statuses[client] = client.post(address, data=forms[client]).status_code

    threads = [threading.Thread(target=save, args=(client,)) for client in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(statuses.values()) == [303, 409]
    winner = next(client for client, status in statuses.items() if status == 303)
    assert _now(committed_db, row) == (forms[winner]["reason"], 5)
    assert _acts(committed_db, row) == ["t-grants.changed"]


def test_a_row_that_changed_meanwhile_is_not_deleted(admin, other, committed_db, row):
    address = f"/screens/t-grants/{row}/delete"
    opened = fields_of(admin.get(address))
    post(other, f"/screens/t-grants/{row}/edit", reason="还要用", department="5")

    answer = admin.post(address, data=opened)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "没有删除" in page and "还要用" in page and re.search(r"白\s?音", page)
    assert _now(committed_db, row) == ("还要用", 5)


def test_rows_that_changed_since_they_were_picked_are_asked_about_again(admin, other, committed_db, row):
    address = f"/screens/t-grants/act/mark?rowid={row}"
    opened = fields_of(admin.get(address)) | {"rowid": str(row), "sure": "yes", "why": "新理由"}
    post(other, f"/screens/t-grants/{row}/edit", reason="别人改了", department="5")

    answer = admin.post(address, data=opened)

    assert answer.status_code == 409
    assert "变过的是：授权 别人改了" in answer.get_data(as_text=True)
    assert _now(committed_db, row) == ("别人改了", 5)
    assert admin.post(address, data=opened | fields_of(answer)).status_code == 303
    assert _now(committed_db, row) == ("新理由", 5)


def test_more_rows_than_can_be_done_at_once_are_refused_in_words(admin, committed_db, row):
    keys = "&".join(f"rowid={number}" for number in range(1, 202))

    answer = admin.get(f"/screens/t-grants/act/mark?{keys}")

    assert (answer.status_code, answer.location) == (303, "/screens/t-grants/")
    assert "一次最多办 200 件，您选了 201 件，什么都没有办。" in admin.get(answer.location).get_data(as_text=True)
