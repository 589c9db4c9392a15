"""Running work is stopped from the desk by whoever may stop it on its own page, with a reason; of all else the page says how it ends."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from console import clock, db
from console.audit import AuditEntry
from console.exchange.models import DataExport, DataImport
from console.jobs import JobRun
from console.outbox import OutboxMessage
from console.roles import Role
from tests.officers import begin_session, make_account, token


@pytest.fixture
def me(committed_db) -> int:
    return make_account(committed_db, Role.OPERATOR, department="centre")[0]


@pytest.fixture
def operator(console_app, me):
    return begin_session(console_app, me)


@pytest.fixture
def running(committed_db):
    """`running(job, row)`: one run of a job, by the message that names the row; the run's number and the row's."""

    def begin(job, row=None, **values):
        with committed_db.as_worker(), db.transaction() as session:
            now = clock.now(session)
            if row is not None:
                row.asked_at = row.expires_at = now
                session.add(row)
                session.flush()
            message = OutboxMessage(topic="t.topic", ids=[row.id] if row is not None else [7], created_at=now, due_at=now)
            session.add(message)
            session.flush()
            run = JobRun(job=job, subject_count=1, outbox_id=message.id, process="worker 1", started_at=now, **values)
            session.add(run)
            session.flush()
            return run.id, row.id if row is not None else None

    return begin


def an_export(staff_id: int) -> DataExport:
    return DataExport(staff_id=staff_id, screen="messages", query={}, columns=["text"], format="csv", language="zh", state="running")


def an_import(staff_id: int) -> DataImport:
    return DataImport(staff_id=staff_id, screen="messages", language="zh", state="writing", file_name="a.csv", size=1, content_hash="0" * 64)


def _stop(client, run_id, **form):
    return client.post("/ops/jobs/stop", data={"csrf_token": token(client.get("/ops/jobs/")), "run": str(run_id), **form}, follow_redirects=True)


def test_ones_own_work_is_stopped_with_a_reason_as_its_own_page_does(operator, me, committed_db, running):
    run_id, export_id = running("exchange.export", an_export(me))
    assert f'name="run" value="{run_id}"' in operator.get("/ops/jobs/").get_data(as_text=True)

    assert "请写明为什么停" in _stop(operator, run_id, reason=" ").get_data(as_text=True)
    assert "已要求停止" in _stop(operator, run_id, reason="导错了名单").get_data(as_text=True)

    with committed_db.as_worker(), db.transaction() as session:
        assert session.get_one(DataExport, export_id).cancel_asked_at is not None
        kept = session.scalars(select(AuditEntry).where(AuditEntry.action.in_(["export.cancelled", "job.stopped"]))).all()
        assert {entry.action: entry.facts.get("reason") for entry in kept} == {"export.cancelled": None, "job.stopped": "导错了名单"}


@pytest.mark.parametrize(("job", "row", "says"), [("exchange.export", an_export, "由导出的人"), ("exchange.enter", an_import, "由上传的人"), ("notifications.deliver", None, "自己会结束"), ("applications.lapse", None, "用刹车")])
def test_what_is_another_persons_or_ends_by_itself_has_no_button_and_the_page_says_so(operator, committed_db, running, job, row, says):
    run_id, row_id = running(job, row(make_account(committed_db, Role.SUPERVISOR)[0]) if row else None)
    page = operator.get("/ops/jobs/").get_data(as_text=True)
    assert says in page and 'name="run"' not in page

    answer = _stop(operator, run_id, reason="试")

    assert answer.status_code == 404 if row else "请用刹车" in answer.get_data(as_text=True)
    if row:
        with committed_db.as_worker(), db.transaction() as session:
            assert session.get_one(type(row(0)), row_id).cancel_asked_at is None


def test_what_has_ended_meanwhile_is_said_and_what_is_no_run_is_not_found(operator, me, committed_db, running):
    with committed_db.as_worker(), db.transaction() as session:
        now = clock.now(session)
    run_id, _ = running("exchange.export", an_export(me), finished_at=now)
    assert "已经结束" in _stop(operator, run_id, reason="试").get_data(as_text=True)
    for wrong in ("0", "x", "9" * 30, "²"):
        assert _stop(operator, wrong, reason="试").status_code == 404
