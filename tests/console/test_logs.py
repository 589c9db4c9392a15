"""The log: what every line carries, what is slow, and what a request is called."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from console import assembly, db, jobs, logs, outbox, relay
from console.apps import create_portal
from console.doors import request_log
from console.jobs import JobRun
from console.roles import Role
from console.scope import Applicant, Public, Staff, System, become
from tests.factories import make_applicant
from tests.officers import officer


class Lines(logging.Handler):
    """What would be written, as objects."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.JsonLines())
        self.found: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))

    def said(self, message: str) -> list[dict[str, object]]:
        return [line for line in self.found if line["message"] == message]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_one_line_under_the_number_its_answer_names(console_app, committed_db, lines):
    client = officer(console_app, committed_db, Role.OPERATOR, department="centre")
    lines.found.clear()

    answer = client.get("/ops/outbox/?search=13800000001")

    [line] = lines.said("request")
    assert line["request"] == answer.headers["X-Request-Id"]
    assert {name: line[name] for name in ("door", "method", "route", "status")} == {"door": "console", "method": "GET", "route": "/ops/outbox/", "status": 200}
    assert str(line["who"]).startswith("staff:") and "13800000001" not in json.dumps(lines.found)


def test_citizens_are_a_kind_and_never_a_number(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        person = make_applicant(session).id
    said = []
    for principal in (Applicant(person, "赵明远", "10.0.0.7"), Public("10.0.0.7"), System("test"), Staff(7, "苏日娜", ())):
        with become(principal):
            said.append(request_log.who())
    assert said == ["applicant", "public", "system", "staff:7"]


@pytest.mark.parametrize("status, path", [(404, "/nothing"), (405, "/healthz")])
def test_an_error_page_shows_the_number_to_quote(portal_app, committed_db, status, path):
    answer = portal_app.test_client().post(path) if status == 405 else portal_app.test_client().get(path)

    assert answer.status_code == status
    assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)


def test_a_proxys_number_is_taken_only_from_a_proxy_of_ours(portal_app, committed_db):
    given = {"X-Request-Id": "0b2f9c1e-8d0a-4f43-9a57-c1d2e3f4a5b6"}
    assert portal_app.test_client().get("/healthz", headers=given).headers["X-Request-Id"] != given["X-Request-Id"]
    behind = create_portal(dataclasses.replace(committed_db.settings, trusted_proxies=1)).test_client()
    assert behind.get("/healthz", headers=given).headers["X-Request-Id"] == given["X-Request-Id"]
    for forged in ("150102199001011234", "13800000001", "a b", "x" * 200, "<script>", "高娃", ""):
        assert behind.get("/healthz", headers={"X-Request-Id": forged.encode().decode("latin-1")}).headers["X-Request-Id"] != forged


@given(st.text())
def test_whatever_a_request_calls_itself_its_number_is_plain(said):
    found = logs.request_id(said)
    assert found.isascii() and 16 <= len(found) <= 36 and set(found) <= set("0123456789abcdef-")


def test_what_takes_long_is_said_without_its_values(committed_db, lines, portal_app):
    logs.watch(committed_db.web, slow_ms=1)
    with logs.about(request="r1"), logs.counting() as cost, db.transaction() as session:
        session.execute(text("SELECT pg_sleep(0.01), :name"), {"name": "赵明远"})

    line = lines.said("slow statement")[-1]
    assert (line["level"], line["request"], line["logger"]) == ("WARNING", "r1", "ruku.statement")
    assert "pg_sleep" in str(line["statement"]) and "赵明远" not in json.dumps(lines.found, ensure_ascii=False)
    assert cost.statements == 2 and cost.seconds > 0.01  # the transaction tells who asks, then ours


def test_a_slow_request_is_a_warning_with_what_its_statements_took(committed_db, lines):
    create_portal(dataclasses.replace(committed_db.settings, slow_request_ms=1)).test_client().get("/")

    [line] = lines.said("slow request")
    assert line["level"] == "WARNING" and line["route"] == "/"


def test_nothing_of_one_request_is_left_for_the_next(console_app, committed_db):
    console_app.test_client().get("/healthz")

    assert (logs.known("request"), logs.known("door")) == (None, None)


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def counting_job(monkeypatch):
    def run(ids: list[int]) -> int:
        logging.getLogger("ruku.test").info("inside")
        if 13 in ids:
            raise ValueError("no thirteenth")
        return len(ids)

    made = jobs.job("test.counted")(run)
    monkeypatch.setitem(assembly.SUBSCRIPTIONS, "test.counted", [made])
    yield made
    jobs.REGISTRY.pop("test.counted")


def test_every_line_of_a_job_names_job_run_and_message(committed_db, redis, counting_job, lines):
    with committed_db.as_worker():
        with db.transaction() as session:
            outbox.publish(session, "test.counted", [1, 2, 3])
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            [(run, message, result)] = session.execute(text("SELECT id, outbox_id, result FROM job_run WHERE job = 'test.counted'")).all()

    [inside], [end] = lines.said("inside"), lines.said("job")
    assert {name: inside[name] for name in ("job", "run", "outbox")} == {"job": "test.counted", "run": run, "outbox": message}
    assert {name: end[name] for name in ("run", "subjects", "done")} == {"run": run, "subjects": 3, "done": True}
    assert lines.said("asked")[0]["messages"] == 1
    assert result == "3"


def test_a_job_is_found_under_the_request_that_caused_it(committed_db, redis, counting_job, lines):
    with committed_db.as_worker():
        with logs.about(request="0123456789abcdef"), db.transaction() as session:
            outbox.publish(session, "test.counted", [1])
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            outbox.publish(session, "test.counted", [2])
        relay.settle(committed_db.settings)

    assert [line.get("request") for line in lines.said("inside")] == ["0123456789abcdef", None]


def test_the_result_of_a_batch_that_had_to_be_split_is_what_its_parts_came_to(committed_db, redis, counting_job):
    with committed_db.as_worker():
        with db.transaction() as session:
            outbox.publish(session, "test.counted", [1, 2, 13, 4])
        relay.settle(committed_db.settings)
        with db.transaction() as session:
            [run] = session.query(JobRun).filter_by(job="test.counted").all()
    assert run.result == "3" and run.error is not None and "no thirteenth" in run.error


def test_the_web_servers_own_words_are_lines_of_the_log_too(monkeypatch):
    root, served = logging.getLogger(), logging.getLogger("gunicorn.error")
    before = root.handlers[:], root.level
    served.addHandler(handler := logging.StreamHandler())
    served.propagate = False
    try:
        logs.set_up("INFO")
        assert served.handlers == [] and served.propagate
    finally:
        served.removeHandler(handler)
        root.handlers[:], root.level = before[0], before[1]
