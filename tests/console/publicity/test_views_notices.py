"""The coordinator's way through a notice for a time, a correction, issuing again, and an objection in somebody's hands."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from console import clock as console_clock
from console import db
from console.applications.models import Admission
from console.publicity import jobs
from console.publicity.models import Notice, NoticeCorrection, Objection
from console.roles import Role
from tests import browsing
from tests.console.publicity.people import make_person, object_to, open_for
from tests.officers import officer, post

OPENED = dt.date(2026, 11, 18)
REASON = "录入时写错了一个字，按申报表更正。"


@pytest.fixture
def coordinator(committed_db, clock, console_app):
    clock.set(OPENED)
    return officer(console_app, committed_db, Role.COORDINATOR, name="白 玉兰")


@pytest.fixture
def number(committed_db, coordinator):
    with committed_db.as_worker(), db.transaction() as session:
        return open_for(session, [make_person(session, "高蛙"), make_person(session, "敖登")]).number


def shown(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_a_notice_for_a_time_is_opened_seen_and_published(committed_db, clock, coordinator, portal):
    with committed_db.as_worker(), db.transaction() as session:
        person = str(make_person(session, "高娃").id)
    past = post(coordinator, "/notices/open", department="transport", rowid=[person], when="later", publish_at="2026-11-17T09:00")
    assert past.status_code == 409 and all(words in past.get_data(as_text=True) for words in ("公布时间要晚于现在", 'value="2026-11-17T09:00"', 'href="#publish_at"'))
    nobody = post(coordinator, "/notices/open", department="transport", title="第一批", rowid=[])
    assert nobody.status_code == 409 and 'href="#people"' in nobody.get_data(as_text=True) and 'value="第一批"' in nobody.get_data(as_text=True)
    assert f'value="{person}" checked' in shown(coordinator, "/notices/open") and f'value="{person}" checked' not in nobody.get_data(as_text=True)
    assert "公布时间要晚于现在" in post(coordinator, "/notices/open", department="transport", rowid=[person], when="later", publish_at="后天").get_data(as_text=True)

    made = post(coordinator, "/notices/open", department="transport", rowid=[person], when="later", publish_at="2026-11-20T09:00")

    where = made.headers["Location"]
    number = where.rsplit("/", 1)[1]
    page = shown(coordinator, where)
    assert "名单已经冻结，还没有公布" in page and "2026-11-20 09:00" in page and "与冻结时一致" in page
    assert "等着公布的" in shown(coordinator, "/notices/")
    assert portal.get(f"/notices/{number}").status_code == 404
    clock.set(dt.datetime(2026, 11, 20, 9, 1, tzinfo=console_clock.ZONE))
    with committed_db.as_worker(), db.transaction() as session:
        notice_id = session.scalars(select(Notice.id)).one()
    with committed_db.as_worker():
        assert (jobs.publish_due([notice_id]), jobs.publish_due([notice_id])) == ("公布 1", "公布 0")
    assert portal.get(f"/notices/{number}").status_code == 200
    assert "还没有公布" not in shown(coordinator, where)


def test_a_notice_that_was_never_public_does_not_say_it_ran(committed_db, coordinator):
    with committed_db.as_worker(), db.transaction() as session:
        person = str(make_person(session, "高娃").id)
    where = post(coordinator, "/notices/open", department="transport", rowid=[person], when="later", publish_at="2026-11-20T09:00").headers["Location"]
    assert "计划公布时间" in shown(coordinator, where) and "期满之后" in shown(coordinator, where)
    empty = post(coordinator, f"{where}/withdraw", was_public="no", decision="withdraw", reason="")
    assert empty.status_code == 422 and "理由会公开" not in empty.get_data(as_text=True)

    assert post(coordinator, f"{where}/withdraw", was_public="no", decision="withdraw", reason=REASON).status_code == 303

    page = shown(coordinator, where)
    assert "从来没有公布过" in page and not any(words in page for words in ("公示期自", "2026-11-20 09:00", "期满之后"))
    assert "从来没有公布过" in shown(coordinator, "/notices/")
    coordinator.set_cookie("ruku_lang", "en")
    assert "<title>Withdraw this notice" in shown(coordinator, f"{where}/withdraw") and all(words in shown(coordinator, where) for words in ("1 person · responsible", "As it was frozen"))


def test_a_slip_is_corrected_and_shown_beside_the_original(committed_db, coordinator, number, portal):
    path = f"/notices/{number}/people/1/correct"
    assert path in shown(coordinator, f"/notices/{number}") and "公示期从下一个工作日从头算" in shown(coordinator, path)
    wrong = post(coordinator, path, name="高娃", employer="别的公司", reason=REASON, decision="correct")
    assert wrong.status_code == 422 and "公众认不出是谁" in wrong.get_data(as_text=True)
    assert post(coordinator, path, name="高娃", employer="草原公路工程监理有限公司", reason=REASON).status_code == 422
    bare = post(coordinator, path, name="", employer="长" * 121, reason="错", decision="correct").get_data(as_text=True)
    assert all(f'href="#{field}"' in bare for field in ("name", "employer", "reason"))

    done = post(coordinator, path, name="高娃", employer="草原公路工程监理有限公司", reason=REASON, decision="correct")

    assert done.status_code == 303
    page = portal.get(f"/notices/{number}").get_data(as_text=True)
    assert "已更正" in page and "高蛙" in page and "高娃" in page and REASON in page and "与冻结时一致" in page
    with committed_db.as_worker(), db.transaction() as session:
        made = session.scalars(select(NoticeCorrection)).one()
        number_of, content = made.number, made.content
    assert portal.get(f"/notices/{number}/corrections/{number_of}").get_data(as_text=True) == content
    assert portal.get(f"/notices/{number}/corrections/none").status_code == 404
    assert shown(coordinator, f"/notices/{number}/people/9/correct", 404)


def test_a_person_and_a_notice_are_issued_again(committed_db, coordinator, number, portal):
    done = post(coordinator, f"/notices/{number}/people/1/correct", name="高娃", employer="草原监理公司", reason=REASON, decision="reissue")
    new = done.headers["Location"].rsplit("/", 1)[1]
    assert new != number and "高娃" in portal.get(f"/notices/{new}").get_data(as_text=True)
    assert "另行公示" in portal.get(f"/notices/{number}").get_data(as_text=True)
    short = post(coordinator, f"/notices/{number}/withdraw", reason="错", decision="withdraw", was_public="yes")
    assert short.status_code == 422 and "请写明理由" in short.get_data(as_text=True)
    stale = post(coordinator, f"/notices/{number}/withdraw", reason=REASON, decision="withdraw", was_public="no")
    assert "已经公布、撤回或者办结" in stale.get_data(as_text=True)

    again = post(coordinator, f"/notices/{number}/withdraw", reason=REASON, decision="reissue", was_public="yes")

    assert again.status_code == 303
    page = portal.get(f"/notices/{number}").get_data(as_text=True)
    assert "本公示已于" in page and REASON in page and "敖登" in page
    assert "没有可撤回的" in shown(coordinator, f"/notices/{number}/withdraw")
    assert "没有可更正的" in shown(coordinator, f"/notices/{number}/people/2/correct")


def test_an_objection_is_taken_and_ruled_on_by_whoever_has_it(committed_db, clock, coordinator, number, console_app):
    with committed_db.as_worker(), db.transaction() as session:
        notice = session.scalars(select(Notice)).one()
        objection = object_to(session, notice, session.get_one(Admission, notice.items[0].admission_id)).id
    other = officer(console_app, committed_db, Role.COORDINATOR, name="乌云")
    path = f"/objections/{objection}"
    assert path in shown(coordinator, "/objections/?view=unassigned")
    assert post(coordinator, f"{path}/assign", to="me").status_code == 303
    assert path in shown(coordinator, "/objections/?view=mine") and path not in shown(other, "/objections/?view=mine")
    page = shown(other, path)
    assert "由白玉兰办理" in page and "作出处理" not in page
    assert post(other, path, decision="dismiss", ruling="经核实，情况不属实。").status_code == 409
    assert post(other, f"{path}/assign", to="999999").status_code == 303
    assert "不能交给" in shown(other, path)

    done = post(coordinator, path, decision="reissue", ruling="经核对申报表，姓名印错了。", name="高娃", employer="草原公路工程监理有限公司")

    assert done.status_code == 303
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(Objection.upheld)).one() is True
        assert len(session.scalars(select(Notice)).all()) == 2


def test_the_clock_of_a_public_notice_ticks_and_is_told_to_everybody(committed_db, clock, number, browser, live_server):
    page = browser.new_page()
    page.goto(f"{live_server}/notices/{number}")
    left = page.locator("[data-left]")
    page.wait_for_function("document.querySelector('[data-left]').textContent.includes('小时')")
    assert left.inner_text().startswith("还剩 7 天")  # five working days and a weekend between, from midnight on
    assert page.locator(".window-days .ahead").count() == 5
    # a button that the page sends disabled stays so when the page is shown
    assert page.evaluate("() => { const sent = document.createElement('button'); sent.disabled = true; document.body.append(sent);"
                         " dispatchEvent(new PageTransitionEvent('pageshow')); sent.remove(); return sent.disabled; }")  # fmt: skip
    for light in ("light", "dark"):
        page.emulate_media(color_scheme=light)
        assert browsing.serious(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    bare = browser.browser.new_context(java_script_enabled=False, locale="zh-CN").new_page()
    bare.goto(f"{live_server}/notices/{number}")
    assert bare.locator("[data-left]").inner_text() == "还剩 5 个工作日"
    assert bare.locator("#notice-clock time").inner_text() == "11 月 25 日（周三） 24:00"
    bare.context.close()
