"""Every page of the desk, by enumeration: it opens, costs little, names nobody; every job has words; what is wrong is said."""

from __future__ import annotations

import datetime as dt
import re
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from console import clock, db, measuring, words
from console.accounts.sessions import real_now
from console.applications.models import Applicant, Application
from console.jobs import REGISTRY, Brake, Heartbeat, JobRun
from console.notifications.models import Delivery, Letter
from console.ops import state, tables, wording
from console.ops.wording import JOBS, PROCESSES
from console.outbox import OutboxMessage
from console.roles import Role
from console.setbacks import Setback
from rules.pipeline import Step
from tests.factories import make_admission, make_applicant
from tests.officers import officer
from tests.walled import guarded

MOST_STATEMENTS = 16


@pytest.fixture
def operator(console_app, committed_db):
    return officer(console_app, committed_db, Role.OPERATOR, department="centre")


def pages(app):
    return sorted(rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.partition("_")[0].partition(".")[0] == "ops" and "GET" in rule.methods and not rule.arguments)


@pytest.fixture
def full_house(committed_db):
    """Something of everything that the desk shows, and people in the tables behind it; what must not be seen."""
    with committed_db.as_worker("seed"), db.transaction() as session:
        now, hour = clock.now(session), dt.timedelta(hours=1)
        for kind in PROCESSES:
            session.add(Heartbeat(name=f"{kind} 1", kind=kind, at=real_now()))
        session.add(Brake(rule="retention", department_id=None, reason="核对名单", pulled_by="staff:1", pulled_at=now))
        for n in range(60):
            session.add(OutboxMessage(topic="notice.opened", ids=list(range(n + 1)), created_at=now - hour, due_at=now - hour, attempts=8, gave_up_at=now if n % 2 else None, last_error=f"E: {n}"))
            session.add(JobRun(job=sorted(REGISTRY)[n % len(REGISTRY)], subject_count=n, started_at=now - hour, finished_at=now if n % 3 else None, error="E: x" if n % 5 == 0 and n % 3 else None, result="7", process="worker 1"))
            session.add(Setback(job="applications.lapse", subject_id=1000 + n, attempts=8, first_at=now, due_at=now, last_error="E", gave_up_at=now if n % 2 else None))
        person = make_applicant(session, name="赵明远")
        admission = make_admission(session, step=Step.CORRECTION, due_at=now - hour, applicant=person)
        part = {"admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id}
        letter = Letter(key="t:1", event="submitted", title="受理回执（赵明远）", body="赵明远", written_at=now, **part)
        session.add(letter)
        session.flush()
        for n in range(3):
            session.add(Delivery(letter_id=letter.id, channel="sms", idempotency_key=f"t:{n}", due_at=now, attempts=n * 4, gave_up_at=now if n == 2 else None, last_error="代码 503", **part))
        session.flush()
        hidden = [person.name, person.phone, person.id_number, person.email, admission.number, letter.title]
    with committed_db.as_worker():
        measuring.measure()
    return [value for value in hidden if value]


# ── by enumeration ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_page_opens_empty_and_full_in_both_languages_and_names_nobody(console_app, operator, committed_db, full_house):
    found = pages(console_app)
    assert {"/ops/", "/ops/waiting/", "/ops/jobs/", "/ops/schedule/", "/ops/tables/", "/ops/delivery/", "/ops/outbox/", "/ops/mailbox/"} <= set(found)
    told = {}
    for language in ("zh", "en"):
        operator.get(f"/lang/{language}")
        for path in found:
            answer = operator.get(path)
            assert answer.status_code == (302 if path.endswith("/details/") else 200), path
            told[path, language] = answer.get_data(as_text=True)
    assert [(place, value) for place, page in told.items() for value in full_house if value in page] == []
    english = {path: re.sub(r"<(script|style|nav|aside)\b.*?</\1>", "", page, flags=re.DOTALL) for (path, language), page in told.items() if language == "en"}
    said = {path: set(re.findall(r"<h[12][^>]*>([^<]*[一-龥][^<]*)", page)) for path, page in english.items()}
    assert {path: found for path, found in said.items() if found} == {}


def test_every_page_costs_the_same_few_statements_whatever_there_is(console_app, operator, committed_db, full_house):
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, many):
        seen.append(statement)

    event.listen(committed_db.web, "before_cursor_execute", note)
    costs = {}
    for path in pages(console_app):
        seen.clear()
        operator.get(path)
        costs[path] = len(seen)
    event.remove(committed_db.web, "before_cursor_execute", note)
    assert {path: cost for path, cost in costs.items() if cost > MOST_STATEMENTS} == {}


def test_no_page_of_the_desk_reads_a_table_behind_the_wall(console_app, operator, committed_db, full_house):
    """Whatever a role may read elsewhere: here nobody's rows are even asked for, but through the function that names nobody."""
    walled = {cls.__tablename__ for cls in guarded()} - {"staff_account", "staff_grant", "saved_view"}
    asked: dict[str, set[str]] = {}
    path = ""

    def note(connection, cursor, statement, parameters, context, many):
        named = walled & set(re.findall(r"(?:FROM|JOIN|UPDATE|INTO)\s+\"?(\w+)", statement))
        if named:
            asked.setdefault(path, set()).update(named)

    event.listen(committed_db.web, "before_cursor_execute", note)
    for path in pages(console_app):
        operator.get(path)
    event.remove(committed_db.web, "before_cursor_execute", note)
    assert asked == {}


def test_no_table_shows_a_column_that_could_name_somebody():
    """Columns are listed one by one; those that hold a person's words, or an officer's name, are not among them."""
    shown = {(table.model_class.__tablename__, name) for table in tables.TABLES for name in (*table.column_list, *table.column_details_list)}
    assert {name for _table, name in shown if re.search(r"name|phone|mail|number|address|answers|body|title|secret|hash|token", name)} <= {"name"}  # of a process, of a measurement
    assert {table.model_class for table in tables.TABLES} & {Applicant, Application, Letter, Delivery} == set()


def test_every_job_and_process_has_words():
    assert sorted(set(REGISTRY) - set(JOBS) - {name for name in REGISTRY if name.startswith(("test.", "t."))}) == []
    english = {message.id for message in words.catalogue("en")}
    assert [text for pair in (*JOBS.values(), *PROCESSES.values()) for text in pair if text not in english] == []


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────


def lights(page):
    """Name → kind of every light on the overview."""
    block = re.search(r'<ul class="lights".*?</ul>', page, re.DOTALL)[0]
    return {re.sub(r"<[^>]+>", "", name): kind for name, kind in re.findall(r'class="light-name">(.*?)</p><span class="status status-(\w+)', block, re.DOTALL)}


def test_a_house_without_processes_says_what_to_start(operator):
    page = operator.get("/ops/").get_data(as_text=True)

    assert {name: lights(page)[name] for name in ("数据库", "Redis", "作业进程", "中继", "定时")} == {"数据库": "done", "Redis": "done", "作业进程": "no", "中继": "no", "定时": "no"}
    assert "请启动 worker" in page and "请启动 relay" in page and "请启动 cron" in page
    assert "还没有量过" in page and "这些数是旧的" in page


def test_a_well_house_is_well_and_what_fails_is_pointed_at(operator, full_house):
    page = operator.get("/ops/").get_data(as_text=True)

    assert {name: lights(page)[name] for name in ("作业进程", "中继", "定时", "短信")} == {"作业进程": "done", "中继": "done", "定时": "done", "短信": "wait"}
    assert "这些数是旧的" not in page
    assert re.search(r'逾期自动失效<span class="sub code">applications.lapse</span></td>.*?status-no status-strong">1 小时', page, re.DOTALL)
    assert "/ops/outbox/?state=given_up" not in page or "30" in page


def test_without_redis_the_desk_still_answers(operator, console_app, monkeypatch):
    monkeypatch.setitem(console_app.config, "REDIS_URL", "redis://127.0.0.1:1/0")
    page = operator.get("/ops/").get_data(as_text=True)
    assert lights(page)["Redis"] == "no" and "一件不丢" in page


def test_readiness_is_not_slow_when_redis_is_silent_and_names_no_address(console, console_app, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setitem(console_app.config, "REDIS_URL", f"redis://:secret@127.0.0.1:{port}/0")
        began = time.monotonic()
        answer = console.get("/readyz")
        took = time.monotonic() - began
    assert answer.status_code == 503 and answer.get_json()["checks"]["redis"]["ok"] is False
    assert took < 4
    assert not re.search(r"secret|127\.0\.0\.1|\d{4,5}", answer.get_data(as_text=True).replace("503", ""))


def test_the_outbox_is_narrowed_by_state_and_keeps_it_while_one_pages(operator, committed_db, full_house):
    page = operator.get("/ops/outbox/?state=given_up").get_data(as_text=True)
    assert len(re.findall("<tr><td", page)) == 30
    assert 'aria-current="true">转人工' in page
    all_of_it = operator.get("/ops/outbox/?state=nothing").get_data(as_text=True)
    assert len(re.findall("<tr><td", all_of_it)) == 50 and "page=1" in all_of_it
    assert "state=retrying" in operator.get("/ops/outbox/?state=retrying&sort=0").get_data(as_text=True)
    assert "0、1、2、3、4、5、6、7、8、9、10、11 等 " in all_of_it


def test_the_schedule_says_what_comes_next_and_what_stands_still(operator, committed_db, full_house):
    page = operator.get("/ops/schedule/").get_data(as_text=True)
    rows = {code: row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) for code in re.findall(r'<span class="sub code">([^<]+)', row)}
    assert "刹车中" in rows["retention.run"] and 'class="is-held"' in rows["retention.run"]
    assert "现在到期 1 件" in rows["applications.lapse"] and "刹车中" not in rows["applications.lapse"]
    assert "今天的还没有安排" in page and "公布审计链首" in page


@given(st.floats(0, 10**8))
def test_a_span_is_two_units_at_most(seconds):
    assert re.fullmatch(r"\d+ 秒|\d+ 分钟|\d+ 分 \d+ 秒|\d+ 小时|\d+ 小时 \d+ 分|\d+ 天|\d+ 天 \d+ 小时", wording.span(seconds))


def test_spans_in_words():
    assert [wording.span(n) for n in (0, 59, 60, 72, 3600, 3725, 86400, 100_000)] == ["0 秒", "59 秒", "1 分钟", "1 分 12 秒", "1 小时", "1 小时 2 分", "1 天", "1 天 3 小时"]
    assert [wording.took(n) for n in (None, 0, 0.034, 5, 72)] == ["—", "0 秒", "0.03 秒", "5 秒", "1 分 12 秒"]


def test_a_lag_is_strong_by_how_late_it_is():
    lag = [state.Lag("", "", 1, late, 0, 0, "").kind for late in (None, dt.timedelta(seconds=5), state.LATE, state.VERY_LATE)]
    assert lag == [state.OK, state.OK, state.WARN, state.BAD]
