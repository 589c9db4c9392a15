"""One field of many rows at once, on a screen of this test's own: each row is saved as a single edit saves it, or told why not."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import Index, select

from console import db
from console.accounts.models import StaffGrant
from console.audit import AuditEntry
from console.roles import Role
from tests.console.crud.test_views import _actions, _grants, _make
from tests.officers import fields_of, officer

PAGE = "/screens/t-grants/change"
WHY = "机构改革，统一划转"


def _keys(committed_db):
    return [str(one.id) for one in _grants(committed_db)]


def _address(keys, name="reason"):
    return f"{PAGE}?change-field={name}&" + "&".join(f"rowid={key}" for key in keys)


def _open(client, keys, name="reason"):
    """What the page of these rows sends by itself."""
    return fields_of(client.get(_address(keys, name))) | {"rowid": keys, "change-field": name, "change-reason": WHY}


def _text(answer):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))))


def _put(committed_db, key, reason):
    with committed_db.as_worker(), db.transaction() as session:
        session.get_one(StaffGrant, int(key)).reason = reason


def _reasons(committed_db):
    return [one.reason for one in _grants(committed_db)]


def test_the_list_offers_it_and_the_page_asks_for_one_of_the_fields_of_the_form(admin, committed_db):
    assert 'formaction="/screens/t-grants/change"' in admin.get("/screens/t-grants/").get_data(as_text=True)

    page = admin.get(f"{PAGE}?rowid={_keys(committed_db)[0]}").get_data(as_text=True)

    assert re.findall(r'<option value="([^"]*)"', page) == ["department", "reason"]


def test_the_page_says_how_many_rows_say_what_and_draws_the_field_s_own_widget(admin, committed_db):
    _make(committed_db, 3)
    keys = _keys(committed_db)
    _put(committed_db, keys[0], "另一个")

    said = _text(admin.get(_address(keys)))
    lookup = admin.get(_address(keys, "department")).get_data(as_text=True)

    assert "选中 4 条" in said and "测试 3 另一个 1" in said and "改这 4 条" in said
    assert 'data-url="/screens/t-grants/options/department"' in lookup


def test_the_page_costs_the_same_for_one_and_for_five_rows(admin, committed_db, statements):
    counts = []
    for extra in (0, 4):
        _make(committed_db, extra)
        keys = _keys(committed_db)
        statements.clear()
        assert admin.get(_address(keys, "department")).status_code == 200
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 4, statements


def test_every_row_is_changed_and_audited_by_itself_with_the_reason(admin, committed_db):
    _make(committed_db, 2)
    keys = _keys(committed_db)

    answer = admin.post(PAGE, data=_open(admin, keys, "department") | {"department": "2"})

    assert (answer.status_code, answer.location) == (303, "/screens/t-grants/")
    assert "改了 3 条。" in _text(admin.get(answer.location))
    assert [one.department_id for one in _grants(committed_db)] == [2, 2, 2]
    with committed_db.as_worker(), db.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "t-grants.changed").order_by(AuditEntry.id)).all()
        told = [(one.subject, one.facts["reason"], list(one.facts["changes"])) for one in entries]
    assert told == [(f"staff_grant:{key}", WHY, ["department"]) for key in keys]
    assert WHY in _text(admin.get(f"/screens/t-grants/{keys[0]}/history"))


def test_the_same_form_sent_again_does_nothing(admin, committed_db):
    _make(committed_db, 1)
    keys = _keys(committed_db)
    form = _open(admin, keys) | {"reason": "统一"}

    first, second = admin.post(PAGE, data=form), admin.post(PAGE, data=form)

    assert (first.status_code, second.status_code) == (303, 303)
    said = _text(admin.get("/screens/t-grants/"))
    assert "改了 2 条。" in said and "改了 0 条；2 条本来就是这样，没有动。" in said
    assert _actions(committed_db) == ["t-grants.changed"] * 2


def test_what_a_hook_refuses_is_told_row_by_row_with_a_link_and_the_others_are_changed(admin, committed_db, app, monkeypatch):
    """The screen's own hook, as a single edit meets it: here it refuses one row by what else that row says."""
    _make(committed_db, 2)
    keys = _keys(committed_db)
    _put(committed_db, keys[1], "refuse")

    answer = admin.post(PAGE, data=_open(admin, keys, "department") | {"department": "2"})

    said = _text(answer)
    assert answer.status_code == 200
    assert "改了 2 条；1 条没有改成。" in said and "授权 refuse 测试：refuse 不能保存。" in said
    assert f'href="/screens/t-grants/{keys[1]}"' in answer.get_data(as_text=True)
    assert [one.department_id == 2 for one in _grants(committed_db)] == [True, False, True]
    assert _actions(committed_db) == ["t-grants.changed"] * 2


def test_what_the_database_refuses_leaves_nothing_of_that_row_behind(admin, committed_db):
    _make(committed_db, 1)
    keys = _keys(committed_db)
    _put(committed_db, keys[0], "甲")
    with committed_db.owner.begin() as connection:  # one only may say it together with its day: no form knows that
        connection.exec_driver_sql("UPDATE staff_grant SET valid_from = '2026-01-01'")
        connection.exec_driver_sql("CREATE UNIQUE INDEX uq_staff_grant_reason ON staff_grant (reason, valid_from)")
    index = Index("uq_staff_grant_reason", StaffGrant.reason, StaffGrant.valid_from, unique=True)
    try:
        answer = admin.post(PAGE, data=_open(admin, keys) | {"reason": "乙"})
    finally:
        StaffGrant.metadata.tables["staff_grant"].indexes.discard(index)

    assert "改了 1 条；1 条没有改成。" in _text(answer) and "理由已被别的内容使用" in _text(answer)
    assert sorted(_reasons(committed_db)) == sorted(["乙", "测试"])
    assert _actions(committed_db) == ["t-grants.changed"]


def test_a_row_that_somebody_else_changed_meanwhile_is_left_alone_and_told(admin, app, committed_db):
    _make(committed_db, 1)
    keys = _keys(committed_db)
    form = _open(admin, keys) | {"reason": "统一"}
    other = officer(app, committed_db, Role.PLATFORM_ADMIN, department=None, name="乌 云")
    page = f"/screens/t-grants/{keys[0]}/edit"
    other.post(page, data=fields_of(other.get(page)) | {"reason": "她改的", "department": ""})

    answer = admin.post(PAGE, data=form)

    said = _text(answer)
    assert answer.status_code == 409
    assert "改了 1 条；1 条刚被别人改过，没有动。" in said and "乌云" in said and "现在是“她改的”。" in said
    assert _reasons(committed_db)[:2] == ["她改的", "统一"]
    again = html.unescape(re.search(r'btn-primary" href="([^"]+)"', answer.get_data(as_text=True))[1])
    assert again == f"/screens/t-grants/change?rowid={keys[0]}&change-field=reason"
    assert admin.post(PAGE, data=_open(admin, keys[:1]) | {"reason": "统一"}).status_code == 303
    assert _reasons(committed_db)[:2] == ["统一", "统一"]


def test_without_the_marks_of_the_page_nothing_is_changed(admin, committed_db):
    keys = _keys(committed_db)
    form = {name: value for name, value in _open(admin, keys).items() if name != "seen"}

    answer = admin.post(PAGE, data=form | {"reason": "统一"})

    assert answer.status_code == 409 and _reasons(committed_db) == ["测试"]


def test_forged_rows_and_rows_out_of_sight_are_counted_and_left_out(admin, committed_db):
    keys = _keys(committed_db)
    form = _open(admin, keys) | {"reason": "统一", "rowid": [*keys, "999999", "x", "-1", "１", "999999999999999999", "1;drop"]}

    answer = admin.post(PAGE, data=form)

    assert "改了 1 条；6 条找不到，或者不在您的范围内。" in _text(answer)
    assert _reasons(committed_db) == ["统一"]
    nowhere = admin.get(_address(["999999"]))
    assert nowhere.status_code == 200 and "什么都没有改" in _text(nowhere) and "<form method=\"post\"" not in nowhere.get_data(as_text=True)


def test_ten_thousand_rows_are_too_many_and_none_is_changed(admin, committed_db):
    keys = _keys(committed_db)
    form = _open(admin, keys) | {"reason": "统一", "rowid": [str(number) for number in range(1, 10_001)]}

    answer = admin.post(PAGE, data=form)

    assert answer.status_code == 303
    assert "一次最多办 200 件，您选了 10000 件，什么都没有办。请分几次。" in _text(admin.get(answer.location))
    assert _reasons(committed_db) == ["测试"]


@pytest.mark.parametrize("name", ["role", "granted_by", "staff_id", "id", "nothing", "", "csrf_token", "__class__", "department_id"])
def test_a_field_the_form_does_not_offer_is_refused_and_not_written(admin, committed_db, name):
    keys = _keys(committed_db)
    before = _grants(committed_db)[0]
    form = _open(admin, keys) | {"change-field": name, name or "x": "supervisor"}
    form["csrf_token"] = _open(admin, keys)["csrf_token"]

    answer = admin.post(PAGE, data=form)

    assert answer.status_code == 404 and "不是本表可以批量修改的一项，什么都没有改。" in _text(answer)
    after = _grants(committed_db)[0]
    assert [getattr(after, one.key) for one in StaffGrant.__mapper__.column_attrs] == [getattr(before, one.key) for one in StaffGrant.__mapper__.column_attrs]


def test_columns_sent_along_are_not_written(admin, committed_db):
    admin.post(PAGE, data=_open(admin, _keys(committed_db)) | {"reason": "统一", "role": "supervisor", "department": "2", "granted_by": "我"})

    row = _grants(committed_db)[0]
    assert (row.reason, row.role, row.department_id, row.granted_by != "我") == ("统一", "platform_admin", None, True)


def test_a_value_the_field_refuses_is_told_at_the_field_with_everything_typed_kept(admin, committed_db):
    keys = _keys(committed_db)
    answer = admin.post(PAGE, data=_open(admin, keys) | {"reason": "", "change-reason": "短"})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.search(r'<div class="error-summary"[^>]*><h2>有 2 处需要修改</h2><ul><li><a href="#reason">.*?<a href="#change-reason">请写明理由，至少 4 个字。', page)
    assert 'id="reason-error"' in page and 'id="change-reason-error"' in page and ">短</textarea>" in page
    assert _reasons(committed_db) == ["测试"] and _actions(committed_db) == []

    unknown = admin.post(PAGE, data=_open(admin, keys, "department") | {"department": "99"})
    assert unknown.status_code == 422 and "没有这一项，或者它不在您的范围内。" in _text(unknown)


def test_a_mistake_put_right_does_not_take_somebody_else_s_change_for_read(admin, committed_db):
    keys = _keys(committed_db)
    opened = _open(admin, keys)
    _put(committed_db, keys[0], "别人的")
    again = admin.post(PAGE, data=opened | {"reason": ""})

    answer = admin.post(PAGE, data=opened | fields_of(again) | {"reason": "统一"})

    assert answer.status_code == 409 and _reasons(committed_db) == ["别人的"]


def test_writing_needs_the_form_token_and_no_get_writes(admin, committed_db):
    keys = _keys(committed_db)
    form = _open(admin, keys) | {"reason": "统一"}
    del form["csrf_token"]

    assert admin.post(PAGE, data=form).status_code == 400
    assert admin.get(f"{_address(keys)}&reason=统一&change-reason={WHY}&seen={form['seen'][0]}").status_code == 200
    assert _reasons(committed_db) == ["测试"] and _actions(committed_db) == []


def test_without_rows_one_is_asked_to_pick_some(admin, committed_db):
    answer = admin.get(PAGE)

    assert answer.status_code == 303 and "请先选中要办的行。" in _text(admin.get(answer.location))


def test_a_screen_that_is_only_read_has_no_such_page_and_offers_none(admin):
    assert admin.get("/screens/t-offices/change?rowid=1").status_code == 404
    assert "/change" not in admin.get("/screens/t-offices/").get_data(as_text=True)


def test_who_may_not_edit_may_not_change_many(app, committed_db):
    client = officer(app, committed_db, Role.SUPERVISOR, department=None)

    assert client.get(f"{PAGE}?rowid=1").status_code == 403


def test_what_only_one_row_may_have_is_not_offered(admin, app, committed_db):
    """A value of its own in every row, by a unique constraint or an index of that column alone."""
    view = app.extensions["screens"]["t-grants"]
    index = Index("uq_staff_grant_reason", StaffGrant.reason, unique=True)
    vars(view).pop("_changeable", None)
    try:
        assert [*view.changeable()] == ["department"]
    finally:
        StaffGrant.metadata.tables["staff_grant"].indexes.discard(index)
        vars(view).pop("_changeable", None)
    assert [*view.changeable()] == ["department", "reason"]
