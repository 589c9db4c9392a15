"""The pages of absences over a real database, and the walk of one in a browser: entered, begun by the clock, taken over."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from sqlalchemy import select

from console import clock as clocks
from console import db, relay
from console.applications.models import Admission
from console.reviews.models import Absence
from console.roles import Role
from tests import browsing
from tests.factories import make_admission
from tests.officers import PASSWORD, begin_session, make_account, token


def _text(answer: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True))))


@pytest.fixture
def people(console_app: Any, committed_db: Any) -> dict[str, Any]:
    """name → (account, client)"""
    found = {}
    for name, role, called in (("first", Role.FIRST_REVIEWER, "苏 日娜"), ("other", Role.FIRST_REVIEWER, "那 日苏"), ("coordinator", Role.COORDINATOR, "乌 云")):
        staff_id, _username = make_account(committed_db, role, name=called)
        found[name] = (staff_id, begin_session(console_app, staff_id))
    return found


def _rows(committed_db: Any) -> list[Absence]:
    with committed_db.as_worker(), db.transaction() as session:
        return list(session.scalars(select(Absence).order_by(Absence.id)))


def _today(committed_db: Any) -> str:
    with committed_db.as_worker(), db.transaction() as session:
        return clocks.today(session).isoformat()


def _post(client: Any, path: str, **form: Any) -> Any:
    return client.post(path, data={"csrf_token": token(client.get("/absences/new")), **form})


def test_an_absence_is_entered_seen_agreed_to_and_ended(people: Any, committed_db: Any) -> None:
    (first_id, first), (other_id, other), (_id, coordinator) = people["first"], people["other"], people["coordinator"]
    today = _today(committed_db)
    assert "没有人缺勤" in _text(first.get("/absences/"))

    done = _post(first, "/absences/new", from_on=today, to_on=today, reason="年休假", delegate=str(other_id))

    assert (done.status_code, done.location) == (303, "/absences/")
    assert "代办人可以接手您手上的件" in (said := _text(first.get("/absences/"))) and "我的缺勤" in said and "缺勤中" in said and "那日苏" in said
    assert "由我代办的" in (said := _text(other.get("/absences/"))) and "苏日娜" in said and "结束缺勤" not in said
    absence = _rows(committed_db)[0]
    assert "同意代办" in _text(coordinator.get("/absences/")) and "同意代办" not in _text(first.get("/absences/"))
    assert _post(coordinator, f"/absences/{absence.id}/agree").status_code == 303
    assert _post(first, f"/absences/{absence.id}/end").status_code == 303
    assert "提前结束" in _text(first.get("/absences/"))
    assert _post(first, f"/absences/{absence.id}/end").status_code == 303 and "这段缺勤已经结束了。" in _text(first.get("/absences/"))
    assert [(row.staff_id, row.agreed_by is not None, row.ended_by) for row in _rows(committed_db)] == [(first_id, True, f"staff:{first_id}")]


def test_what_is_wrong_stands_at_its_field_and_everything_typed_is_kept(people: Any, committed_db: Any) -> None:
    _id, first = people["first"]

    answer = _post(first, "/absences/new", from_on="2020-01-01", to_on="2019-01-01", reason="", delegate="999999", staff="")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "有 4 处需要修改" in page
    assert all(f'id="{name}-error"' in page for name in ("from_on", "to_on", "reason", "delegate")) and 'value="2020-01-01"' in page
    assert _rows(committed_db) == []
    for junk in ({"from_on": "x"}, {"from_on": "2026-02-30", "to_on": "9" * 400}, {"delegate": "-1"}, {"delegate": "1" * 30}):
        assert _post(first, "/absences/new", **junk).status_code == 422, junk


def test_nobody_enters_for_whom_they_do_not_hand_out_work(people: Any, committed_db: Any) -> None:
    (first_id, first), (_id, other), (_coordinator, coordinator) = people.values()
    today = _today(committed_db)
    form = {"from_on": today, "to_on": today, "reason": "年休假", "staff": str(first_id)}

    assert _post(other, "/absences/new", **form).status_code == 404
    assert other.get(f"/absences/new?staff={first_id}").status_code == 404 and coordinator.get("/absences/new?staff=999999").status_code == 404
    assert first.post("/absences/new", data=form).status_code == 400
    assert first.get(f"/absences/new?from_on={today}&to_on={today}&reason=年休假").status_code == 200
    assert _rows(committed_db) == []
    assert _post(coordinator, "/absences/new", **form).status_code == 303
    absence = _rows(committed_db)[0]
    assert [_post(other, f"/absences/{absence.id}/{what}").status_code for what in ("end", "agree")] == [404, 404]
    assert _post(coordinator, "/absences/999999/end").status_code == 404 and other.get(f"/absences/{absence.id}/end").status_code in (404, 405)


def test_lists_say_who_is_away_and_handing_out_passes_them_over(people: Any, committed_db: Any) -> None:
    (first_id, _first), (other_id, other), (_id, coordinator) = people.values()
    today = _today(committed_db)
    with committed_db.as_worker(), db.transaction() as session:
        held, waiting = make_admission(session, level=1, holder_id=first_id, due_in=30).id, make_admission(session, level=1).id
    _post(coordinator, "/absences/new", from_on=today, to_on=today, reason="出差", delegate=str(other_id), staff=str(first_id))

    assert "苏日娜 缺勤，由那日苏代办" in _text(coordinator.get("/files/?view=office"))
    page = coordinator.get("/files/?view=unassigned")
    assert "缺勤，不能分派：苏日娜" in _text(page) and f'<option value="{first_id}"' not in page.get_data(as_text=True)
    form = {"csrf_token": token(page), "rowid": [str(waiting)], "view": "unassigned"}
    coordinator.post("/files/distribute", data=form | {"to": str(first_id)})
    assert "缺勤，不能分派。请另选一人" in _text(coordinator.get("/files/"))
    coordinator.post("/files/distribute", data=form | {"to": "evenly"})
    assert "那日苏 1。缺勤的没有分派：苏日娜。" in _text(coordinator.get("/files/"))

    assert "代办 1" in (said := _text(other.get("/files/?view=standing_in"))) and "苏日娜 缺勤" in said
    assert "有人缺勤，1 件由您代办" in _text(other.get("/today/"))
    shown = other.get(f"/files/{held}")
    assert "由我代办" in _text(shown) and "承办人缺勤，由您代办" in _text(shown)
    assert other.post(f"/files/{held}/take", data={"csrf_token": token(shown)}).status_code == 303
    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(Admission, held).holder_id == other_id
    assert "没有要代办的件" in _text(other.get("/files/?view=standing_in"))


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
def test_the_walk_of_an_absence_in_a_browser(committed_db: Any, browser: Any, live_server: str, language: str, theme: str) -> None:
    """On a phone: a coordinator enters it for a reviewer, the clock begins it, the delegate finds the file among their own."""
    browser.add_cookies([{"name": f"ruku_{name}", "value": value, "url": live_server} for name, value in (("lang", language), ("theme", theme))])
    first_id, _name = make_account(committed_db, Role.FIRST_REVIEWER, name="苏 日娜")
    other_id, other = make_account(committed_db, Role.FIRST_REVIEWER, name="那 日苏")
    _id, coordinator = make_account(committed_db, Role.COORDINATOR, name="乌 云")
    with committed_db.as_worker(), db.transaction() as session:
        falling = make_admission(session, level=1, holder_id=first_id, due_in=2)
        number, falling_id = falling.number, falling.id
    faults: list[Any] = []
    page = browser.new_page()
    page.set_viewport_size({"width": 360, "height": 780})
    browsing.sign_in(page, coordinator, PASSWORD)

    def look(place: str) -> None:
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults.extend([(place, *one) for one in browsing.serious(page)] + ([(place, "wider by", over)] if over > 0 else []))

    page.goto("/console/absences/")
    look("nobody away")
    browsing.press(page, ".page-head .btn-primary")
    page.select_option("#staff", str(first_id))
    browsing.press(page, "form[method=get] .btn")
    browsing.press(page, ".form-foot .btn-primary")
    assert page.locator(".error-summary li").count() == 3
    look("what is missing")
    today = _today(committed_db)
    page.fill("#from_on", today)
    page.fill("#to_on", (dt.date.fromisoformat(today) + dt.timedelta(days=10)).isoformat())
    page.fill("#reason", "年休假")
    page.select_option("#delegate", str(other_id))
    browsing.press(page, ".form-foot .btn-primary")
    assert page.locator("tbody tr").count() == 1
    look("the list")

    with committed_db.as_worker():
        relay.settle(committed_db.settings)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(Admission, falling_id).holder_id == other_id
    later = browser.browser.new_context(base_url=live_server).new_page()
    browsing.sign_in(later, other, PASSWORD)
    later.goto("/console/files/?view=mine")
    assert number in later.inner_text("main")
    later.context.close()
    assert faults == []
