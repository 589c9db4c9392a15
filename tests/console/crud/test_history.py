"""The past of a row, for whoever may see the row: from the audit, in words, at the same price whatever the audit has grown to."""

from __future__ import annotations

import re

from sqlalchemy import event, select, text

from console import audit, db
from console.accounts.models import StaffGrant
from console.accounts.row_history import of
from console.roles import Role
from tests.officers import make_account, officer, post


def _row(committed_db):
    make_account(committed_db, Role.OPERATOR, department="water")
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(StaffGrant.id).where(StaffGrant.role == "operator")).one()


def _page(client, row, **query):
    return client.get(f"/screens/t-grants/{row}/history", query_string=query).get_data(as_text=True)


def test_the_past_says_who_when_what_and_why_by_whatever_name_the_audit_knows_the_row(admin, committed_db):
    row = _row(committed_db)
    post(admin, f"/screens/t-grants/{row}/edit", reason="换人", department="2")

    page = _page(admin, row)

    changed, given = re.findall(r"<li class=\"(?:now|done)\">.*?</li>", page, re.DOTALL)
    assert "<b>修改</b>" in changed and "平台管理员" in changed
    assert re.search(r"<dt>理由</dt><dd><del>测试</del> → <ins>换人</ins>", changed), changed
    assert "<dt>主管部门</dt><dd><del>内蒙古自治区水利厅</del> → <ins>内蒙古自治区自然资源厅</ins>" in changed
    assert "<b>授权</b>" in given and "系统：seed" in given and "理由：测试" in given


def test_values_that_say_who_somebody_is_are_told_as_changed(admin, committed_db):
    row = _row(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        audit.record(session, "staff.changed", f"staff_grant:{row}", changes={"phone": [audit.fingerprint("1"), audit.fingerprint("2")]})

    page = _page(admin, row)

    assert "改了，内容保密" in page and "keyed:" not in page


def test_an_older_name_and_markup_in_an_entry_are_shown_as_they_are(admin, committed_db):
    row = _row(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        audit.record(session, "t-grants.unheard", f"staff_grant:{row}", changes={"gone_column": ["<b>x", {"a": [1]}]}, reason="<i>")

    page = _page(admin, row)

    assert "gone_column" in page and "&lt;b&gt;x" in page and "<i>" not in page


def test_a_long_past_is_read_page_by_page_and_ends(admin, committed_db):
    row = _row(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        for number in range(44):
            audit.record(session, "t-grants.changed", f"staff_grant:{row}", reason=f"第 {number} 次")
    seen, address = [], f"/screens/t-grants/{row}/history"
    while address:
        page = admin.get(address).get_data(as_text=True)
        seen += re.findall(r"理由：(第 \d+ 次|测试)", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found and found[1]

    assert seen == [f"第 {number} 次" for number in range(43, -1, -1)] + ["测试"]


def test_nonsense_asks_for_nothing_and_a_row_that_is_not_there_has_no_past(admin, committed_db):
    row = _row(committed_db)

    for before in ("x", "-1", "9" * 30, "１", "0"):
        assert admin.get(f"/screens/t-grants/{row}/history?before={before}").status_code == 200, before
    assert admin.get("/screens/t-grants/999999/history").status_code == 404


def test_who_may_not_see_the_row_does_not_see_its_past(console_app, committed_db):
    make_account(committed_db, Role.OPERATOR, department="water")
    with committed_db.as_worker(), db.transaction() as session:
        row = session.scalars(select(StaffGrant.id).where(StaffGrant.role == "operator")).one()
    elsewhere = officer(console_app, committed_db, Role.SUPERVISOR, department="transport")
    everywhere = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    assert elsewhere.get(f"/screens/grants/{row}/history").status_code == 404
    assert everywhere.get(f"/screens/grants/{row}/history").status_code == 200


def test_it_is_found_by_its_index_and_costs_five_statements(admin, committed_db, statements):
    row = _row(committed_db)
    statements.clear()
    admin.get(f"/screens/t-grants/{row}/history")
    assert len(statements) <= 5, statements

    asked = []
    with committed_db.as_worker(), db.transaction() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda c, cursor, sql, values, *rest: asked.append((sql, values)))
        of(session, [f"staff_grant:{row}", f"grant:{row}"], before=10)
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.connection().exec_driver_sql("EXPLAIN " + asked[0][0], asked[0][1]).scalars())
    assert "ix_audit_entry_subject" in plan and "Filter: ((subject" not in plan, plan
