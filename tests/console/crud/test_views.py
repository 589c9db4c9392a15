"""What every generated page does, on a console app with two screens of this test's own."""

from __future__ import annotations

import base64
import html
import re

import pytest
from markupsafe import escape
from sqlalchemy import Index, select

from console import db
from console.accounts.models import StaffGrant
from console.audit import AuditEntry
from console.crud.screen import Screen
from console.departments.models import Office
from console.roles import Role
from tests.console.crud.trial import DONE
from tests.officers import fields_of, make_account, officer, post, sign_in


def _grants(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return session.scalars(select(StaffGrant).order_by(StaffGrant.id)).all()


def _actions(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("t-")).order_by(AuditEntry.id)))


def _make(committed_db, number):
    for _ in range(number):
        make_account(committed_db, Role.OPERATOR, department="water")


def _fill(client, **form):
    return {
        "staff_id": "1", "role": "operator", "department": "2", "division": "150100", "valid_from": "2026-01-01T00:00",
        "reason": "因公", "granted_by": "test", "granted_at": "2026-01-01T00:00",
    } | form  # fmt: skip


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_costs_the_same_with_one_and_with_five_rows(admin, committed_db, statements):
    counts = []
    for extra in (0, 4):
        _make(committed_db, extra)
        statements.clear()
        assert admin.get("/screens/t-grants/").status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 4, statements


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["t-grants", "t-offices"])
def test_a_list_writes_what_each_cell_says(app, admin, committed_db, name, language):
    view = app.extensions["screens"][name]
    names = (*view.screen.columns, *view.screen.optional)
    asked = app.test_request_context(headers={"Cookie": f"ruku_lang={language}"})
    with committed_db.as_worker(), asked, db.transaction() as session:
        rows = session.scalars(view.statement(names)).unique().all()
        readers = [view.reader(name) for name in names]

        assert rows
        assert [[read(row) for read in readers] for row in rows] == [[escape(view.cell(row, name)) for name in names] for row in rows]


def test_detail_and_edit_stay_small(admin, committed_db, statements):
    key = _grants(committed_db)[0].id
    found = {}
    for page in ("", "/edit", "/delete"):
        statements.clear()
        assert admin.get(f"/screens/t-grants/{key}{page}").status_code == 200
        found[page] = len(statements)

    assert found[""] <= 4
    assert found["/edit"] <= 6
    assert found["/delete"] <= 4


def test_labels_are_the_official_terms_of_the_schema(admin):
    page = admin.get("/screens/t-offices/").get_data(as_text=True)

    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page) == ["机构名称", "主管部门", "行政区划"]


def test_the_count_stops_at_a_thousand(admin, app, monkeypatch):
    monkeypatch.setattr("console.crud.paging.COUNT_LIMIT", 10)

    assert "符合的有 1,000 件以上" in admin.get("/screens/t-offices/").get_data(as_text=True)


def test_pages_follow_each_other_and_end(admin, committed_db):
    _make(committed_db, 6)  # with the admin's own: seven
    first = admin.get("/screens/t-grants/").get_data(as_text=True)
    further = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = admin.get(further).get_data(as_text=True)
    back = html.unescape(re.search(r'rel="prev" href="([^"]+)"', second)[1])

    ids = [re.findall(r'/screens/t-grants/(\d+)"', page) for page in (first, second)]
    assert [sorted(set(map(int, part)), reverse=True) for part in ids] == [
        [g.id for g in reversed(_grants(committed_db))][:5],
        [g.id for g in reversed(_grants(committed_db))][5:],
    ]
    assert 'rel="prev"' not in first and 'rel="next"' not in second
    assert re.findall(r'/screens/t-grants/(\d+)"', admin.get(back).get_data(as_text=True)) == ids[0]


@pytest.mark.parametrize("place", ["x", "W10", "WzFd", "bnVsbA", "W251bGwsIjEiXQ", "WyJ4Il0" * 400, "%00", "W251bGwsOTk5OTk5OTk5OTk5OTk5OTk5OV0"])
def test_a_place_that_no_page_gave_is_said_and_the_first_page_shown(admin, committed_db, place):
    _make(committed_db, 6)
    for way in ("after", "before"):
        answer = admin.get(f"/screens/t-grants/?{way}={place}")
        assert answer.status_code == (400 if place == "%00" else 200)
        assert place == "%00" or "不是这个列表给出的" in answer.get_data(as_text=True)


def test_a_place_without_a_value_where_there_is_always_one_is_no_place(admin, committed_db):
    _make(committed_db, 2)
    nowhere = base64.urlsafe_b64encode(b"[null,1]").decode().rstrip("=")
    for way in ("after", "before"):
        assert "不是这个列表给出的" in admin.get(f"/screens/t-grants/?order=role&{way}={nowhere}").get_data(as_text=True)
        assert "不是这个列表给出的" not in admin.get(f"/screens/t-grants/?order=valid_to&{way}={nowhere}").get_data(as_text=True)  # it may be empty


def test_nonsense_in_the_address_is_a_plain_page(admin):
    for junk in ("page=999999999", "page=-1", "page=x", "page=%EF%BC%91", "psize=1000000", "order=password", "order=--id"):
        page = admin.get(f"/screens/t-offices/?{junk}")
        assert page.status_code == 200, junk
        assert len(page.data) < 60_000, junk


FILTERED = {
    "role=operator": 2, "role=supervisor": 0, "q=测": 3, "q=%25": 0, "department=5": 2, "department=x": 3,
    "valid_from-from=2020-01-01": 3, "valid_from-to=2020-01-01": 0, "valid_from-from=nonsense": 3, "reason=不是筛选": 3,
}  # fmt: skip


def test_filters_narrow_and_only_the_declared_ones(admin, committed_db):
    _make(committed_db, 2)

    found = {query: admin.get(f"/screens/t-grants/?{query}").get_data(as_text=True).count('name="rowid"') for query in FILTERED}

    assert found == FILTERED


def test_a_chip_says_its_value_and_takes_itself_away(admin, committed_db):
    page = admin.get("/screens/t-grants/?role=operator&q=测").get_data(as_text=True)

    chip = re.search(r'<a class="chip chip-on" href="([^"]+)">([^<]+)<b>([^<]+)</b>', page)
    assert chip.groups() == ("/screens/t-grants/?q=%E6%B5%8B", "角色 ", "运维员")


def test_what_is_not_there_is_not_found(admin):
    for key in ("999999", "0", "x", "-1", "1~2", "99999999999999999999", "１"):
        assert [admin.get(f"/screens/t-grants/{key}{page}").status_code for page in ("", "/edit", "/delete")] == [404] * 3, key


def test_what_people_typed_is_escaped(admin, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        session.scalars(select(StaffGrant)).first().reason = "<img src=x onerror=alert(1)>"
    key = _grants(committed_db)[0].id

    for page in ("", str(key), f"{key}/edit", f"act/mark?rowid={key}"):
        text = admin.get(f"/screens/t-grants/{page}").get_data(as_text=True)
        assert "<img" not in text and "&lt;img" in text


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_added_once_shown_and_audited(admin, committed_db):
    answer = post(admin, "/screens/t-grants/add", **_fill(admin))

    row = _grants(committed_db)[-1]
    assert (answer.status_code, answer.location) == (303, f"/screens/t-grants/{row.id}")
    assert (row.role, row.department_id, row.division_code, row.reason) == ("operator", 2, "150100", "因公")
    assert _actions(committed_db) == ["t-grants.added"]
    assert "已新增“授权 因公”。" in admin.get(answer.location).get_data(as_text=True)


def test_only_declared_fields_are_written(admin, committed_db):
    post(admin, "/screens/t-grants/add", **_fill(admin, valid_to="2027-01-01T00:00", ended_by="me", id="77"))
    row = _grants(committed_db)[-1]
    assert (row.valid_to, row.ended_by, row.id != 77) == (None, None, True)

    post(admin, f"/screens/t-grants/{row.id}/edit", reason="改过", department="2", role="supervisor", staff_id="2")
    row = _grants(committed_db)[-1]
    assert (row.reason, row.role, row.staff_id) == ("改过", "operator", 1)


def test_a_bad_form_lists_every_problem_keeps_what_was_typed_and_writes_nothing(admin, committed_db):
    answer = post(
        admin, "/screens/t-grants/add", **_fill(admin, staff_id="x", role="king", reason="", department="99", granted_by="张三")
    )

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert re.search(r'<div class="error-summary"[^>]*><h2>有 4 处需要修改</h2>', page)
    assert page.count('class="error"') == 4
    assert 'value="张三"' in page
    assert len(_grants(committed_db)) == 1
    assert _actions(committed_db) == []


@pytest.mark.parametrize("path", ["add", "{key}/edit"])
def test_an_error_of_ours_is_shown_and_nothing_is_written(admin, committed_db, path):
    before = _grants(committed_db)[0]

    answer = post(admin, f"/screens/t-grants/{path.format(key=before.id)}", **_fill(admin, reason="refuse", department=""))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "测试：refuse 不能保存。" in page
    assert "refuse</textarea>" in page
    assert [(g.id, g.reason) for g in _grants(committed_db)] == [(before.id, before.reason)]
    assert _actions(committed_db) == []


def test_a_refusal_of_the_database_is_a_sentence(admin, committed_db):
    answer = post(admin, "/screens/t-grants/add", **_fill(admin, staff_id="999999"))

    assert "没有保存：与已有内容重复，或者还有别的内容引用着它。" in answer.get_data(as_text=True)
    assert len(_grants(committed_db)) == 1


def test_what_is_taken_is_said_at_its_field_with_what_has_it(admin, committed_db):
    with committed_db.owner.begin() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX uq_staff_grant_reason ON staff_grant (reason)")
    index = Index("uq_staff_grant_reason", StaffGrant.reason, unique=True)  # and the mapped table knows it
    try:
        answer = post(admin, "/screens/t-grants/add", **_fill(admin, reason="测试"))
    finally:
        StaffGrant.metadata.tables["staff_grant"].indexes.discard(index)

    page = answer.get_data(as_text=True)
    assert re.search(r'<p class="error" id="reason-error">.*?<span>理由已被“授权 测试”使用。请换一个，或者去改那一条。', page)
    assert "有 1 处需要修改" in page and "测试</textarea>" in page
    assert len(_grants(committed_db)) == 1


def test_an_instant_is_shown_and_kept_by_the_clock_on_the_wall(admin, committed_db):
    post(admin, "/screens/t-grants/add", **_fill(admin, valid_from="2026-01-01T08:30"))

    assert _grants(committed_db)[-1].valid_from.isoformat().startswith("2026-01-01T00:30")


def test_deleting_asks_first_and_the_database_may_refuse(admin, committed_db):
    key = _grants(committed_db)[0].id
    assert "不能恢复" in admin.get(f"/screens/t-grants/{key}/delete").get_data(as_text=True)
    assert len(_grants(committed_db)) == 1

    answer = post(admin, f"/screens/t-grants/{key}/delete")  # the web's login may not delete grants

    assert answer.status_code == 200
    assert len(_grants(committed_db)) == 1


def test_every_write_needs_the_form_token(admin, committed_db):
    key = _grants(committed_db)[0].id

    for path in ("add", f"{key}/edit", f"{key}/delete", f"act/mark?rowid={key}"):
        answer = admin.post(f"/screens/t-grants/{path}", data=_fill(admin, sure="yes", rowid=str(key), why="x"))
        assert answer.status_code == 400, path
    assert _grants(committed_db)[0].reason == "测试"


def test_no_get_writes(admin, committed_db):
    key = _grants(committed_db)[0].id

    for path in ("add?reason=x", f"{key}/edit?reason=x", f"{key}/delete?sure=yes", f"act/mark?rowid={key}&sure=yes&why=x"):
        admin.get(f"/screens/t-grants/{path}")

    assert [g.reason for g in _grants(committed_db)] == ["测试"]
    assert _actions(committed_db) == []


# ── actions, relations, permissions ──────────────────────────────────────────────────────────────────────────


def test_an_action_asks_says_what_follows_and_runs_once(admin, committed_db):
    _make(committed_db, 1)
    keys = [g.id for g in _grants(committed_db)]
    DONE.clear()
    address = f"/screens/t-grants/act/mark?rowid={keys[0]}&rowid={keys[1]}&rowid=999"
    page = admin.get(address).get_data(as_text=True)
    assert "会改理由。" in page and "选中的有 1 件不在您的办理范围内" in page

    answer = admin.post(
        "/screens/t-grants/act/mark",
        data={**fields_of(admin.get(address)), "rowid": [*map(str, keys), "999"], "sure": "yes", "why": "新理由"},
    )

    assert answer.status_code == 303
    assert [tuple(keys)] == DONE
    assert [g.reason for g in _grants(committed_db)] == ["新理由", "新理由"]


def test_an_unknown_action_is_not_found(admin):
    assert admin.get("/screens/t-grants/act/nothing?rowid=1").status_code == 404


def test_a_relation_is_found_by_name_and_only_declared_ones(admin):
    found = admin.get("/screens/t-grants/options/department?q=水利").get_json()
    assert found == {"options": [{"id": "5", "text": "内蒙古自治区水利厅"}]}
    assert len(admin.get("/screens/t-grants/options/division").get_json()["options"]) == 20
    assert admin.get("/screens/t-grants/options/staff").status_code == 404
    assert admin.get("/screens/t-offices/options/department").status_code == 404


def test_a_relation_typed_without_script_is_looked_up(admin, committed_db):
    post(admin, "/screens/t-grants/add", **_fill(admin, department="", **{"department-words": "水利厅"}))
    assert _grants(committed_db)[-1].department_id == 5


def test_an_address_presets_nothing_a_form_leaves_out(admin, committed_db):
    """Flask-AppBuilder's own forms store what `?_flt_0_…` names, whatever the choices are."""
    preset = "/screens/t-grants/add?_flt_0_department=2&department=2&_flt_0_granted_by=nobody"
    assert 'name="department" value=""' in admin.get(preset).get_data(as_text=True)

    post(admin, preset, **_fill(admin, department=""))

    row = _grants(committed_db)[-1]
    assert (row.department_id, row.granted_by) == (None, "test")


def test_without_the_permission_every_page_is_closed(app, committed_db):
    client = officer(app, committed_db, Role.SUPERVISOR, department=None)
    pages = ("", "1", "add", "1/edit", "1/delete", "act/mark?rowid=1", "options/department")

    assert {client.get(f"/screens/t-grants/{page}").status_code for page in pages} == {403}
    assert client.get("/screens/t-offices/").status_code == 403


def test_a_read_only_screen_has_no_write_routes_and_no_stock_ones_exist(admin):
    for path in ("add", "1/edit", "1/delete", "act/mark", "action/mark/1", "action_post", "download/x", "_info"):
        assert admin.get(f"/screens/t-offices/{path}").status_code == 404, path
        assert admin.post(f"/screens/t-offices/{path}", data={}).status_code in (400, 404, 405), path


def test_the_other_language_changes_the_labels(app, committed_db):
    client = officer(app, committed_db, Role.PLATFORM_ADMIN, department=None)
    answer = client.get("/lang/en?next=/screens/t-offices/")
    assert (answer.status_code, answer.location) == (303, "/screens/t-offices/")

    page = client.get("/screens/t-offices/").get_data(as_text=True)

    assert '<html lang="en"' in page and "Office" in page
    assert client.get("/lang/xx").status_code == 404


def test_a_declaration_that_cannot_work_is_refused_at_once():
    with pytest.raises(ValueError, match="read only"):
        Screen("x", Office, title="x", menu=None, columns=("name",), edit=("name",), read_only=True)
    with pytest.raises(ValueError, match="no role"):
        Screen("x", Office, title="x", menu=None, columns=("name",), edit=("name",))
    with pytest.raises(ValueError, match="no columns"):
        Screen("x", Office, title="x", menu=None, columns=())


def test_signing_in_to_this_app_uses_the_same_page(app, committed_db):
    _, username = make_account(committed_db, Role.PLATFORM_ADMIN, department=None)
    assert sign_in(app.test_client(), username).status_code == 303
