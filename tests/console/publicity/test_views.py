"""The coordinator's pages, through the real door."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from console import db
from console.jobs import Brake
from console.publicity import jobs
from console.publicity.models import Notice, NoticeItem, Objection
from console.roles import Role
from console.roster.models import RosterEntry
from tests.console.publicity.people import bar, make_person, object_to, open_for
from tests.officers import officer, post, token

OPENED = dt.date(2026, 11, 18)


@pytest.fixture
def coordinator(committed_db, clock, console_app):
    clock.set(OPENED)
    return officer(console_app, committed_db, Role.COORDINATOR, name="白 玉兰")


def arrange(database, *names, department_code="transport"):
    """People who wait for a notice, committed; their admission ids."""
    with database.as_worker(), db.transaction() as session:
        return [make_person(session, name, department_code=department_code).id for name in names]


def shown(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def test_a_coordinator_opens_a_notice_for_those_chosen(committed_db, coordinator):
    _first, second = arrange(committed_db, "高娃", "敖登")
    assert "交通运输厅有 2 人等着公示" in shown(coordinator, "/notices/")
    page = shown(coordinator, "/notices/open")
    assert "5 个工作日" in page

    answer = post(coordinator, "/notices/open", department="transport", rowid=[str(second)], title="")

    assert answer.status_code == 303
    with committed_db.as_worker(), db.transaction() as session:
        notice = session.scalars(select(Notice)).one()
        assert session.scalars(select(NoticeItem.admission_id)).all() == [second]
        assert notice.opened_by_name == "白玉兰"
    page = shown(coordinator, answer.headers["Location"])
    assert "敖登" in page
    assert "高娃" not in page
    assert notice.content_hash in page


def test_opening_for_nobody_says_so_and_writes_nothing(committed_db, coordinator):
    arrange(committed_db, "高娃")
    page = post(coordinator, "/notices/open", department="transport").get_data(as_text=True)
    assert "公示至少要有一个人" in page


def test_a_ruling_is_made_on_the_page(committed_db, clock, coordinator):
    with committed_db.as_worker(), db.transaction() as session:
        people = [make_person(session, "高娃"), make_person(session, "敖登")]
        notice = open_for(session, people)
        objection = object_to(session, notice, people[0]).id
        number = notice.number
    page = shown(coordinator, f"/notices/{number}")
    assert "1 人暂停入库" in page
    path = f"/objections/{objection}"
    assert path in shown(coordinator, "/objections/")
    assert "此人申报的桥梁监理业绩并非本人主持" in shown(coordinator, path)

    empty = post(coordinator, path, decision="uphold", ruling="")
    assert empty.status_code == 422
    assert "请写明处理意见和依据" in empty.get_data(as_text=True)
    undecided = post(coordinator, path, ruling="业绩材料系借用，依据第八条。")
    assert undecided.status_code == 422
    assert "业绩材料系借用" in undecided.get_data(as_text=True)  # what was typed is still there
    groundless = post(coordinator, path, decision="uphold", ruling="业绩材料系借用，依据第八条。")
    assert groundless.status_code == 422
    assert "请选出不予通过的依据" in groundless.get_data(as_text=True)
    done = post(coordinator, path, decision="uphold", ruling="业绩材料系借用，依据第八条。", ground="papers_false")
    assert done.status_code == 303

    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(Objection.upheld)).all() == [True]
        assert session.scalars(select(NoticeItem.outcome).order_by(NoticeItem.id)).all() == ["refused", None]
    assert "不予通过" in shown(coordinator, f"/notices/{number}")


def test_the_brake_stops_a_running_expiry_and_resumes(committed_db, clock, coordinator):
    with committed_db.as_worker(), db.transaction() as session:
        people = [make_person(session, "高娃"), make_person(session, "何文涛")]
        notice = open_for(session, people)
        bar(session, people[1], since=OPENED)
        notice_id, due_at = notice.id, notice.due_at
    page = shown(coordinator, "/brake/admission/")
    assert "在运行" in page
    refused = coordinator.post("/brake/admission/pull", data={"csrf_token": token(coordinator.get("/brake/admission/")), "department": "transport"})
    assert refused.status_code == 422
    data = {"csrf_token": token(coordinator.get("/brake/admission/")), "department": "transport", "reason": "材料须复查，先停一停"}
    assert coordinator.post("/brake/admission/pull", data=data).status_code == 303
    clock.set(due_at)
    coordinator = officer(coordinator.application, committed_db, Role.COORDINATOR)  # the first one's session is a week old
    with committed_db.as_worker():
        jobs.close_due([notice_id])
    page = shown(coordinator, "/brake/admission/")
    assert "刹车中" in page
    assert "会入库" in page
    assert "会不予通过" in page

    with committed_db.as_worker(), db.transaction() as session:
        brake = session.scalars(select(Brake.id)).one()
    data = {"csrf_token": token(coordinator.get("/brake/admission/"))}
    assert coordinator.post(f"/brake/{brake}/release", data=data).status_code == 303
    with committed_db.as_worker():
        jobs.close_due([notice_id])
        jobs.close_due([notice_id])
        with db.transaction() as session:
            assert session.scalars(select(NoticeItem.outcome).order_by(NoticeItem.id)).all() == ["admitted", "refused"]
            entry = session.scalars(select(RosterEntry)).one()
    assert entry.number in shown(coordinator, "/screens/roster/")
    page = shown(coordinator, f"/roster-person/{entry.id}")
    assert "<svg" in page
    assert "2029-11-25" in page
    assert "在聘" in shown(coordinator, "/screens/roster-specialties/")


@pytest.mark.parametrize("path", ["/notices/", "/notices/open", "/objections/", "/brake/", "/brake/admission/", "/screens/roster/"])
def test_a_reviewer_opens_none_of_these(committed_db, console_app, path):
    reviewer = officer(console_app, committed_db, Role.FIRST_REVIEWER)
    assert reviewer.get(path).status_code in (302, 303, 403)


def test_a_supervisor_reads_and_changes_nothing(committed_db, clock, console_app):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        person = make_person(session, "高娃")
        notice = open_for(session, [person])
        objection = object_to(session, notice, person).id
        number = notice.number
    supervisor = officer(console_app, committed_db, Role.SUPERVISOR, department=None)

    assert "高娃" in shown(supervisor, f"/notices/{number}")
    page = supervisor.get(f"/objections/{objection}")
    assert "作出处理" not in page.get_data(as_text=True)
    data = {"csrf_token": token(supervisor.get("/password/")), "decision": "uphold", "ruling": "监督员不能处理异议"}
    assert supervisor.post(f"/objections/{objection}", data=data).status_code in (302, 303, 403)
    with committed_db.as_worker(), db.transaction() as session:
        assert session.scalars(select(Objection.ruled_at)).all() == [None]


def test_another_departments_coordinator_finds_nothing(committed_db, clock, console_app):
    clock.set(OPENED)
    with committed_db.as_worker(), db.transaction() as session:
        person = make_person(session, "高娃")
        notice = open_for(session, [person])
        objection = object_to(session, notice, person).id
        number = notice.number
    water = officer(console_app, committed_db, Role.COORDINATOR, department="water")
    assert water.get(f"/notices/{number}").status_code == 404
    assert water.get(f"/objections/{objection}").status_code == 404
    assert "高娃" not in shown(water, "/notices/")
