"""/metrics: who gets it, what it says, what it costs, and that every metric an alert asks for is there."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from ruamel.yaml import YAML
from sqlalchemy import event

from console import assembly, clock, db, measuring, vitals
from console.accounts.sessions import real_now
from console.doors import traffic
from console.jobs import REGISTRY, Brake, Heartbeat, JobRun
from console.notifications.models import Delivery, Letter
from console.outbox import OutboxMessage
from console.post.registry import channels
from console.registers.models import RegisterLetter
from console.setbacks import Setback
from rules.pipeline import Step
from tests.factories import make_admission, make_applicant

DOCS = Path(__file__).parents[3] / "docs"
TOKEN = "scrape-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def nothing_counted(redis):
    traffic._counted.clear()
    redis.delete(traffic.KEY)


@pytest.fixture
def scraper(console_app, committed_db, redis, monkeypatch):
    monkeypatch.setitem(console_app.config, "METRICS_TOKEN", TOKEN)
    monkeypatch.setitem(console_app.config, "REDIS_URL", committed_db.settings.redis_url)
    return console_app.test_client()


def scrape(client):
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def values(text, name):
    """label values (in the order of the labels' names) → number, of one metric."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples if sample.name == name
    }  # fmt: skip


# ── who gets it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_setting_there_is_no_such_page(console, portal):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert [door.get("/metrics", headers=headers).status_code for door in (console, portal)] == [404, 404]


@pytest.mark.parametrize(
    "said", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", TOKEN, "Bearer 令牌".encode().decode("latin-1")]
)
def test_only_the_token_opens_it(scraper, said):
    answer = scraper.get("/metrics", headers={"Authorization": said} if said is not None else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer") and "ruku_" not in answer.get_data(as_text=True)


def test_it_lies_on_the_console_alone_and_is_never_kept(scraper, portal):
    assert portal.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
    answer = scraper.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.headers["Cache-Control"], answer.headers["Content-Type"]) == ("no-store", "text/plain; version=0.0.4; charset=utf-8")
    assert "Set-Cookie" not in answer.headers


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_metric_has_words_and_no_label_is_without_bounds(scraper, committed_db, full_house):
    text = scrape(scraper)
    families = list(text_string_to_metric_families(text))

    assert [family.name for family in families if not family.name.startswith("ruku_") or not family.documentation] == []
    known = {
        "sweep": {sweep.job.name for sweep in assembly.SWEEPS}, "job": set(REGISTRY), "step": {str(step) for step in Step}, "outcome": {"done", "failed", "running"},
        "kind": {"worker", "relay", "cron", *(carriage.name for carriage in assembly.CARRIAGES)}, "state": {"waiting", "retrying", "given_up"},
        "channel": set(channels()), "door": {"console", "portal"}, "method": {*traffic.METHODS, "other"}, "status": {f"{n}xx" for n in range(1, 6)},
        "rule": {job.automatic for job in REGISTRY.values() if job.automatic}, "queue": {"ruku"}, "folder": {"files", "data"},
        "le": {*map(str, traffic.BUCKETS), "+Inf"}, "endpoint": {*scraper.application.view_functions, "none"},
    }  # fmt: skip
    strange = {(name, value) for family in families for sample in family.samples for name, value in sample.labels.items() if value not in known[name]}
    assert strange == set()


@pytest.fixture
def full_house(committed_db, redis):
    """Something of everything: late, waiting, given up, running, failed, braked."""
    with committed_db.as_worker("seed"), db.transaction() as session:
        now, hour = clock.now(session), dt.timedelta(hours=1)
        session.add_all([Heartbeat(name=f"{kind} 1", kind=kind, at=real_now() - age * dt.timedelta(seconds=1)) for kind, age in (("worker", 2), ("relay", 40), ("cron", 0))])
        session.add(Brake(rule="retention", department_id=4, reason="试", pulled_by="system:test", pulled_at=now))
        session.add_all([
            OutboxMessage(topic="t", ids=[1], created_at=now, due_at=now - hour), OutboxMessage(topic="t", ids=[1], created_at=now, due_at=now + hour),
            OutboxMessage(topic="t", ids=[1], created_at=now, due_at=now + hour, attempts=2),
            OutboxMessage(topic="t", ids=[1], created_at=now, due_at=now, gave_up_at=now), OutboxMessage(topic="t", ids=[1], created_at=now, due_at=now, gave_up_at=now, done_at=now),
            JobRun(job="house.forget", started_at=now, finished_at=now + dt.timedelta(seconds=4)), JobRun(job="house.forget", started_at=now, finished_at=now, error="x"),
            JobRun(job="notifications.remind", started_at=now), JobRun(job="gone.job", started_at=now), JobRun(job="house.forget", started_at=now - 2 * hour, finished_at=now),
        ])  # fmt: skip
        held = make_admission(session, step=Step.CORRECTION, due_at=now - 9 * hour)
        session.add(Setback(job="applications.lapse", subject_id=held.id, attempts=8, first_at=now, due_at=now, last_error="x", gave_up_at=now))
        session.add(Setback(job="publicity.close_due", subject_id=1, attempts=1, first_at=now, due_at=now, last_error="x"))
        admission = make_admission(session, step=Step.CORRECTION, due_at=now - 2 * hour, applicant=make_applicant(session, name="赵明远", phone_failed_at=now))
        part = {"admission_id": admission.id, "applicant_id": admission.applicant_id, "office_id": admission.office_id}
        letter = Letter(key="t:1", event="submitted", title="受理回执（赵明远）", body="赵明远", written_at=now, **part)
        session.add(letter)
        session.flush()
        for number, (attempts, gave_up, sent) in enumerate([(0, None, None), (1, None, None), (8, now, None), (1, None, now)]):
            session.add(Delivery(letter_id=letter.id, channel="sms", idempotency_key=f"t:{number}", due_at=now - hour, attempts=attempts, gave_up_at=gave_up, sent_at=sent, **part))
        about = {"entry_id": 0, "register": "register_centre_complaints", "row_id": 1, "event": "accept", "title": "t", "body": "b", "written_at": now, "office_id": admission.office_id}
        session.add(RegisterLetter(key="r:1", address="contact_email", channel="mail", due_at=now, attempts=8, gave_up_at=now, **about))
    with committed_db.as_worker():
        measuring.measure()


def test_it_counts_what_is_late_waits_and_was_given_up(scraper, full_house):
    text = scrape(scraper)

    assert values(text, "ruku_processes") == {("cron",): 1, ("relay",): 0, ("worker",): 1}
    assert 38 < values(text, "ruku_heartbeat_age_seconds")["relay",] < 120
    assert values(text, "ruku_brakes")["retention",] == 1 and sum(values(text, "ruku_brakes").values()) == 1
    assert values(text, "ruku_outbox_messages") == {("waiting",): 1, ("retrying",): 1, ("given_up",): 1}
    assert 3600 <= values(text, "ruku_outbox_oldest_seconds")[()] < 3700
    assert {key: n for key, n in values(text, "ruku_setbacks").items() if n} == {("given_up", "applications.lapse"): 1, ("retrying", "publicity.close_due"): 1}
    assert values(text, "ruku_due_rows")["applications.lapse",] == 1
    assert 7200 <= values(text, "ruku_due_oldest_seconds")["applications.lapse",] < 7300
    assert values(text, "ruku_deliveries") == {
        ("sms", "letters", "waiting"): 1, ("sms", "letters", "retrying"): 1, ("sms", "letters", "given_up"): 1, ("mail", "registers", "given_up"): 1,
    }  # fmt: skip
    assert values(text, "ruku_admissions")["correction",] == 2
    assert values(text, "ruku_unreachable_people") == {("sms",): 1, ("mail",): 0}
    assert values(text, "ruku_job_runs") == {
        ("house.forget", "done"): 1, ("house.forget", "failed"): 1, ("house.forget", "running"): 0,
        ("notifications.remind", "done"): 0, ("notifications.remind", "failed"): 0, ("notifications.remind", "running"): 1,
    }  # fmt: skip
    assert values(text, "ruku_job_longest_seconds") == {("house.forget",): 4}
    assert values(text, "ruku_audit_unsealed_entries")[()] > 0  # nobody has sealed here
    assert values(text, "ruku_measured_age_seconds")[()] < 60
    assert (values(text, "ruku_database_up"), values(text, "ruku_redis_up")) == ({(): 1}, {(): 1})
    assert set(values(text, "ruku_disk_free_bytes")) >= {("data",)}


def test_nobody_is_in_it(scraper, full_house, committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        person = session.query(Letter).one()
        admission = session.get_one(type(person.admission), person.admission_id)
        hidden = ["赵明远", admission.number, admission.application.applicant.phone, admission.application.applicant.id_number]
    text = scrape(scraper)
    assert [value for value in hidden if value in text] == []
    assert re.findall(r"(?<![0-9.])\d{11,18}(?![0-9.])", re.sub(r"^ruku_disk.*$", "", text, flags=re.MULTILINE)) == []


def test_an_empty_house_says_zero_and_what_was_never_measured_is_absent(scraper):
    text = scrape(scraper)
    assert values(text, "ruku_outbox_messages") == {("waiting",): 0, ("retrying",): 0, ("given_up",): 0}
    assert values(text, "ruku_measured_age_seconds") == {}
    assert set(values(text, "ruku_due_rows").values()) == {0}


def test_what_is_late_grows_while_nobody_measures(scraper, full_house, clock_moves):
    before = values(scrape(scraper), "ruku_due_oldest_seconds")["applications.lapse",]
    clock_moves(hours=3)
    assert values(scrape(scraper), "ruku_due_oldest_seconds")["applications.lapse",] - before >= 3 * 3600


@pytest.fixture
def clock_moves(committed_db):
    def move(**by):
        with committed_db.as_worker(), db.transaction() as session:
            clock.advance(session, dt.timedelta(**by))

    return move


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scrape_costs_eight_statements_whatever_there_is(scraper, full_house, committed_db):
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, many):
        seen.append(statement)

    scrape(scraper)
    event.listen(committed_db.web, "before_cursor_execute", note)
    scrape(scraper)
    event.remove(committed_db.web, "before_cursor_execute", note)
    assert len(seen) <= 8


def test_what_is_measured_replaces_what_was_measured_before(committed_db, full_house):
    with committed_db.as_worker():
        with db.transaction() as session:
            session.query(RegisterLetter).one().gave_up_at = None
            before = vitals.read(session)
        measuring.measure()
        with db.transaction() as session:
            after = vitals.read(session)
    assert set(before) ^ set(after) == {(vitals.GIVEN_UP, "registers/mail"), (vitals.RETRYING, "registers/mail")}
    assert min(one.at for one in after.values()) > max(one.at for one in before.values())


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_requests_of_all_processes_are_counted_by_endpoint(scraper, portal, redis):
    redis.hincrby(traffic.KEY, "requests|portal|portal.home|GET|2xx", 5)  # another process was here
    portal.get("/")
    portal.get("/nothing/13800000001")
    portal.open("/", method="BREW")

    text = scrape(scraper)

    counted = values(text, "ruku_requests_total")
    assert {key: n for key, n in counted.items() if key[0] == "portal"} == {
        ("portal", "portal.home", "GET", "2xx"): 6, ("portal", "none", "GET", "4xx"): 1, ("portal", "none", "other", "4xx"): 1,
    }  # fmt: skip
    assert values(text, "ruku_request_seconds_count")["portal",] == 3
    assert values(text, "ruku_request_seconds_bucket")["portal", "+Inf"] == 3
    assert values(text, "ruku_request_seconds_sum")["portal",] > 0
    assert "13800000001" not in text + repr(redis.hgetall(traffic.KEY))


def test_what_redis_does_not_take_is_kept(portal, committed_db, monkeypatch):
    portal.get("/")
    monkeypatch.setattr(traffic, "_url", "redis://127.0.0.1:1/0")
    assert traffic.hand_over() is False
    monkeypatch.setattr(traffic, "_url", committed_db.settings.redis_url)
    assert traffic.hand_over() is True
    with Redis.from_url(committed_db.settings.redis_url) as client:
        assert traffic.read(client)["requests", "portal", "portal.home", "GET", "2xx"] == 1


def test_the_house_is_told_without_redis(scraper, console_app, monkeypatch):
    monkeypatch.setitem(console_app.config, "REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(traffic, "_url", "redis://127.0.0.1:1/0")
    text = scrape(scraper)
    assert values(text, "ruku_redis_up") == {(): 0} and values(text, "ruku_database_up") == {(): 1}


# ── the files beside it ──────────────────────────────────────────────────────────────────────────────────────


def test_every_metric_an_alert_asks_for_exists_with_its_labels(scraper, portal, full_house):
    portal.get("/")
    there: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(scrape(scraper)):
        for sample in family.samples:
            there.setdefault(sample.name, set()).update(sample.labels)
    rules = [rule for group in YAML(typ="safe").load(DOCS / "alerts.yaml")["groups"] for rule in group["rules"]]
    wrong = []
    for rule in rules:
        asked = re.findall(r"\b(ruku_\w+)(?:\{([^}]*)\})?", rule["expr"])
        wrong += [(rule["alert"], name) for name, _ in asked if name not in there | {"ruku_audit_anchor_age_seconds": set()}]
        wrong += [(rule["alert"], label) for name, given in asked for label in re.findall(r"(\w+)=", given) if label not in there.get(name, set())]
    assert wrong == []
    assert len({rule["alert"] for rule in rules}) == len(rules) and all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


def test_the_page_about_operations_lists_every_metric(scraper, portal, full_house):
    portal.get("/")
    names = {family.name for family in text_string_to_metric_families(scrape(scraper))} | {"ruku_audit_anchor_age_seconds"}
    listed = set(re.findall(r"^\| `(ruku_\w+?)(?:_total)?`", (DOCS / "operations.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == names


def test_every_sweep_is_measured(committed_db, full_house):
    assert {sweep.job.name for sweep in assembly.SWEEPS} <= {label for (name, label) in _measured(committed_db) if name == vitals.SWEEP}


def _measured(committed_db):
    with committed_db.as_worker(), db.transaction() as session:
        return vitals.read(session)
