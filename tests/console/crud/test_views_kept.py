"""A list as one likes to look at it: its columns, and views to come back to."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select, text

from console import db
from console.accounts.models import SavedView
from console.roles import Role
from console.scope import Staff, become
from tests.officers import make_account, officer, token

LIST = "/screens/t-grants/"


def _heads(client, query=""):
    return re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', client.get(LIST + query).get_data(as_text=True))


def _tabs(client, query="?view=all"):
    """The tabs of the list: words, address, whether it is open."""
    page = client.get(LIST + query).get_data(as_text=True)
    bar = re.search(r'<div class="views-bar"><nav.*?</nav>', page, re.DOTALL)
    found = re.findall(r'<a href="([^"]+)"( aria-current="page")?>([^<]+)', bar[0]) if bar else []
    return [(words.strip(), html.unescape(url), bool(here)) for url, here, words in found]


def _keep(client, title, query, **more):
    page = client.get(LIST + "?view=all")
    return client.post(LIST + "views", data={"csrf_token": token(page), "title": title, "query": query, **more})


def _views(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return [(v.title, v.query, v.is_default, v.department_id is not None) for v in session.scalars(select(SavedView).order_by(SavedView.id))]


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_columns_are_chosen_from_the_declared_ones_in_the_order_asked_for(admin):
    everything = _heads(admin)

    assert len(everything) == 6
    assert _heads(admin, "?columns=reason,role") == [everything[4], everything[1]]
    assert _heads(admin, "?columns=role,granted_by")[0] == everything[1] and len(_heads(admin, "?columns=role,granted_by")) == 2


@pytest.mark.parametrize("forged", ["password", "staff_id", "staff.password", "__class__", "valid_from", "reason;drop", "<b>", "role.x", "," * 900])
def test_a_column_that_is_not_offered_is_left_out_in_words(admin, forged):
    page = admin.get(LIST, query_string={"columns": f"{forged},role"}).get_data(as_text=True)

    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page) == ["角色"]
    if forged.strip(","):
        assert f"这个名单没有“{html.escape(forged)[:60]}”，没有用上" in page
    assert "<b>”" not in page


def test_the_panel_makes_one_parameter_and_keeps_the_conditions(admin):
    answer = admin.get(LIST + "?role=operator&column=reason&column=role")

    assert (answer.status_code, answer.location) == (302, LIST + "?role=operator&columns=reason%2Crole")
    chip = re.search(r'class="chip chip-on" href="([^"]+)"', admin.get(answer.location).get_data(as_text=True))
    assert html.unescape(chip[1]) == LIST + "?columns=reason,role"


def test_all_columns_are_no_choice(admin):
    assert admin.get(LIST + "?column=id&column=role&column=department&column=division&column=reason&column=valid_to").location == LIST


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_view_is_kept_opened_renamed_and_dropped(admin, committed_db):
    answer = _keep(admin, " 运维  授权 ", "page=3&order=-id&role=operator&columns=reason,role&password=x")

    assert (answer.status_code, answer.location) == (303, LIST + "?role=operator&order=-id&columns=reason%2Crole")
    assert _tabs(admin) == [("全部", LIST, True), ("运维 授权", answer.location, False)]
    assert _tabs(admin, answer.location.removeprefix(LIST))[1] == ("运维 授权", answer.location, True)

    page = admin.get(answer.location)
    view = re.search(r'name="view" value="(\d+)"', page.get_data(as_text=True))[1]
    for act, expected in (("rename", [("新名字", False)]), ("share", [("新名字", True)]), ("unshare", [("新名字", False)]), ("drop", [])):
        answer = admin.post(LIST + "views", data={"csrf_token": token(page), "act": act, "view": view, "title": "新名字"})
        assert answer.status_code == 303, act
        assert [(title, shared) for title, _query, _default, shared in _views(committed_db)] == expected


def test_the_list_opens_with_the_default_view_and_all_is_a_step_away(admin, committed_db):
    _keep(admin, "旧的", "role=supervisor", default="yes")
    answer = _keep(admin, "新的", "role=operator", default="yes")

    assert [(title, default) for title, _query, default, _shared in _views(committed_db)] == [("旧的", False), ("新的", True)]
    assert admin.get(LIST).location == LIST + "?role=operator" == answer.location
    page = admin.get(answer.location).get_data(as_text=True)
    assert re.search(r'class="chip chip-on" href="([^"]+)"', page)[1] == LIST + "?view=all"  # without its only chip: not the default again
    assert admin.get(LIST + "?view=all").status_code == 200
    assert _tabs(admin)[0] == ("全部", LIST + "?view=all", True)


def test_the_same_name_is_the_view_as_the_list_is_now(admin, committed_db):
    _keep(admin, "甲", "role=operator")
    _keep(admin, "甲", "role=supervisor")

    assert [(title, query) for title, query, *_ in _views(committed_db)] == [("甲", "role=supervisor")]


@pytest.mark.parametrize(("title", "query", "said"), [
    ("", "role=operator", "请给视图起个名字"), (" \u3000 ", "role=operator", "请给视图起个名字"), ("名" * 41, "", "最多 40 个字"),
    ("长", "q=" + "的" * 999, "条件太长"),
])  # fmt: skip
def test_what_cannot_be_kept_is_said(admin, committed_db, title, query, said):
    answer = _keep(admin, title, query)

    assert answer.status_code == 303
    assert said in admin.get(LIST + "?view=all").get_data(as_text=True)
    assert _views(committed_db) == []


def test_twenty_are_enough(admin, committed_db):
    for number in range(21):
        _keep(admin, f"视图 {number}", "role=operator")

    assert len(_views(committed_db)) == 20
    assert "一个名单最多存 20 个视图" in admin.get(LIST + "?view=all").get_data(as_text=True)


def test_nobody_touches_anothers_view(app, admin, committed_db):
    _keep(admin, "我的", "role=operator")
    other = officer(app, committed_db, Role.PLATFORM_ADMIN, department=None)
    with committed_db.as_worker(), db.transaction() as session:
        view = session.scalars(select(SavedView.id)).one()
    before, page = _views(committed_db), other.get(LIST)

    for act in ("rename", "default", "share", "drop"):
        answer = other.post(LIST + "views", data={"csrf_token": token(page), "act": act, "view": str(view), "title": "抢来的"})
        assert answer.status_code == 404, act
    for number in ("x", "-1", "9" * 30, "１", ""):
        assert other.post(LIST + "views", data={"csrf_token": token(page), "act": "drop", "view": number}).status_code == 404
    assert _views(committed_db) == before
    assert _tabs(other) == []


def test_a_shared_view_is_there_for_ones_department_to_open_and_not_to_change(console_app, committed_db):
    giver, near, far = (officer(console_app, committed_db, Role.SUPERVISOR, department=code, name=name) for code, name in (("transport", "白 音"), ("transport", "苏 日娜"), ("water", "王 五")))
    page = giver.get("/screens/offices/?view=all")
    giver.post("/screens/offices/views", data={"csrf_token": token(page), "title": "本处常看", "query": "level=2", "share": "yes"})

    shown = [client.get("/screens/offices/?level=2").get_data(as_text=True) for client in (giver, near, far)]

    assert ["本处常看" in page for page in shown] == [True, True, False]
    assert "白音" in shown[1] and 'value="drop"' in shown[0] and 'value="drop"' not in shown[1]


def test_a_view_of_conditions_that_are_gone_opens_and_says_so(admin, committed_db):
    _keep(admin, "旧", "role=operator")
    with committed_db.as_worker(), db.transaction() as session:
        session.scalars(select(SavedView)).one().query = "role=operator&colour=red&columns=reason%2Cshade"

    url = _tabs(admin)[1][1]
    page = admin.get(url).get_data(as_text=True)

    assert "这个名单没有“colour、shade”，没有用上；其余照旧。" in page
    assert page.count('name="rowid"') == 0 and "没有符合条件的内容" in page


def test_views_cost_no_statement_of_their_own(admin, committed_db, statements):
    counts = []
    for number in range(3):
        admin.get(LIST)  # takes the sentence of what was kept
        statements.clear()
        assert admin.get(LIST + "?role=platform_admin").status_code == 200
        counts.append(len(statements))
        _keep(admin, f"视图 {number}", "role=operator")

    assert counts == [3, 3, 3]


def test_the_function_behind_it_answers_for_oneself_alone(committed_db):
    me, other = (make_account(committed_db, Role.SUPERVISOR)[0] for _ in range(2))
    with committed_db.as_worker(), db.transaction() as session:
        session.add_all(SavedView(staff_id=who, screen="x", title="t", query="q") for who in (me, other))
    asked = text("SELECT ruku_views_of(:who, 'x')")

    with become(Staff(me, "苏日娜")), db.transaction() as session:
        assert [[view["own"] for view in session.scalar(asked, {"who": who})] for who in (me, other)] == [[True], []]


def test_keeping_needs_the_form_token_and_the_right_to_the_list(admin, app, committed_db):
    assert admin.post(LIST + "views", data={"title": "x", "query": ""}).status_code == 400
    closed = officer(app, committed_db, Role.SUPERVISOR, department=None)
    page = closed.get("/password/")
    assert closed.post(LIST + "views", data={"csrf_token": token(page), "title": "x", "query": ""}).status_code == 403
    assert _views(committed_db) == []
