"""Values that must lie nowhere in the open are planted by walking real doors and services; then everything that outlives a request is read.

Legitimately clear, and therefore not canaries: names, employers, free text (grounds of an objection, rulings). The reason given for a look
behind the mask is clear in the audit and nowhere else. The folder of outgoing messages is the outside of the house.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import insert

from console import assembly, clock, db, logs, measuring, relay
from console.applications import answers
from console.applications.checking import storable
from console.applications.models import Applicant, Application
from console.jobs import REGISTRY, job
from console.outbox import publish
from console.publicity import services as publicity
from console.roles import Role
from console.scope import Public
from rules.bundle import read_documents
from tests.console.applications.filing import newcomer, submitted
from tests.console.portal.conftest import Citizen
from tests.console.publicity.people import item_of, make_person, open_for
from tests.officers import officer, sign_in, token

PLUGINS = Path(__file__).parents[2] / "plugins"
CANARY = {
    "e-mail": "canary-9471", "bank account": "6222020200119471", "password": "canary horse 94712", "objector": "举报人金丝雀",
    "contact": "13894719471", "typed phone": "13700094719", "job": "13600094718",
}  # fmt: skip
REASON = "核实金丝雀证书"


def form_with_account() -> Any:
    """The centre's form as it would be with a bank account in it, alone and in a group."""
    files = {path.name: path.read_bytes() for path in (PLUGINS / "centre").iterdir() if path.is_file()}
    source = files["application.yaml"].decode()
    field = '      - {id: bank_account, kind: bank_account, label: {zh: 银行账号, en: Bank account}, required: false}\n'
    marker = "      - {id: email, kind: email"
    assert marker in source
    files["application.yaml"] = source.replace(marker, field + marker, 1).encode()
    return read_documents(files, code="centre").form


def dump(database: Any) -> dict[str, str]:
    """Every table as COPY prints it: what a plain backup would hold."""
    found = {}
    connection = database.owner.raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            for (name,) in cursor.fetchall():
                with cursor.copy(f'COPY (SELECT * FROM "{name}") TO STDOUT') as copy:
                    found[name] = b"".join(bytes(part) for part in copy).decode()
    finally:
        connection.close()
    return found


def kept_in(redis: Redis) -> str:
    """Every key and value, whatever its type: queues, jobs, failed registries, counters of tries."""
    read = {
        b"string": redis.get, b"hash": redis.hgetall, b"list": lambda key: redis.lrange(key, 0, -1), b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True), b"stream": lambda key: redis.xrange(key),
    }  # fmt: skip
    return repr([(key, read[redis.type(key)](key)) for key in redis.scan_iter()])


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Any:
    """What the processes would write, in the format they write it in."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    caplog.set_level(logging.INFO)
    yield stream
    root.removeHandler(handler)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A job that runs into the database's own words about a row, and one that says a number itself."""

    def collide(ids: list[int]) -> None:
        with db.transaction() as session:
            values = {"name": "撞名", "phone": CANARY["job"], "phone_hash": f"{CANARY['job']}-hash", "password_hash": "x", "consent_version": CANARY["job"]}
            now = clock.now(session)
            for _twice in range(2):
                session.execute(insert(Applicant).values(**values, created_at=now, consented_at=now))

    def speak(ids: list[int]) -> None:
        raise ValueError(f"cannot reach {CANARY['job']}")

    made = [job(f"test.canary_{run.__name__}")(run) for run in (collide, speak)]
    for one, topic in zip(made, ("test.canary", "test.spoken"), strict=True):
        monkeypatch.setitem(assembly.SUBSCRIPTIONS, topic, [one])
    yield made
    for one in made:
        REGISTRY.pop(one.name)


def test_what_identifies_people_outlives_no_request_in_the_open(
    committed_db: Any, console_app: Any, portal_app: Any, redis: Redis, log: Any, failing: Any, monkeypatch: pytest.MonkeyPatch, code_of: list[str]
) -> None:
    pages: list[str] = []
    for engine in (committed_db.web, committed_db.worker):
        logs.watch(engine, slow_ms=0.000_1)  # every statement is slow: all of them are written down

    # ── an application with every kind of secret, submitted; its letters go out
    with committed_db.as_worker(), db.transaction() as session:
        person = newcomer(session, 471, changes={"email": f"{CANARY['e-mail']}@example.cn"})
        file_id = submitted(session, person, "transport")["transport"]
        form, typed = form_with_account(), {"bank_account": CANARY["bank account"], "name": "高娃"}
        application = session.query(Application).one()
        application.answers = {**application.answers, **answers.seal(form, typed)}
        assert answers.unseal(application.answers)["bank_account"] == CANARY["bank account"]
        assert storable(typed, form) == {"name": "高娃"}
    numbers = {"identity number": person.number, "first 17 digits": person.number[:17], "phone": person.phone}

    # ── an objection
    with committed_db.as_worker(), db.transaction() as session:
        shown = make_person(session, name="公示人")
        item = item_of(session, open_for(session, [shown]), shown)
        publicity.object_to(session, item, actor=Public(), objector=CANARY["objector"], contact=CANARY["contact"], ground="业绩合同的编号与公示的不一致。")

    # ── wrong forms at both doors, and the right one
    citizen = Citizen(portal_app.test_client())
    citizen.get("/register")
    citizen.submit("/codes", {"phone": CANARY["typed phone"]})
    wrong = {"name": "高", "password": CANARY["password"], "email": f"{CANARY['e-mail']}@", "consent": "y"}
    citizen.submit("", {"code": code_of[-1], **wrong}, status=422)
    citizen.submit("", {"code": code_of[-1], **wrong, "name": "高娃", "email": f"{CANARY['e-mail']}@example.cn"})
    stranger = Citizen(portal_app.test_client())
    stranger.get("/sign-in")
    pages.append(stranger.submit("", {"phone": "13500000000", "password": CANARY["password"]}, status=401).html)
    pages.append(sign_in(console_app.test_client(), "nobody", CANARY["password"]).get_data(as_text=True))

    # ── a reviewer reads, and looks behind the mask
    desk = officer(console_app, committed_db, Role.FIRST_REVIEWER, division="150100")
    reveal = f"/files/{file_id}/reveal/id_number"
    told = desk.post(reveal, data={"csrf_token": token(desk.get(reveal)), "reason": REASON})
    assert person.number in told.get_data(as_text=True)
    pages += [desk.get(address).get_data(as_text=True) for address in (f"/files/{file_id}", f"/files/{file_id}?tab=history", reveal)]

    # ── a broken route
    def broken(**_arguments: Any) -> None:
        with db.transaction() as session:
            session.connection().exec_driver_sql("SELECT %s::int", (CANARY["typed phone"] + "x",))

    monkeypatch.setitem(console_app.view_functions, "Desk.show", broken)
    monkeypatch.setitem(console_app.config, "TESTING", False)
    failed = desk.get(f"/files/{file_id}")
    assert failed.status_code == 500
    pages.append(failed.get_data(as_text=True))

    # ── jobs that fail, through Redis
    with committed_db.as_worker():
        with db.transaction() as session:
            publish(session, "test.canary", [1])
            publish(session, "test.spoken", [1, 2])
        relay.settle(committed_db.settings)
        from console import queueing, worker

        queueing.ask(queueing.queue(redis), [("test.canary_speak", [1, 2])])  # only a message leads to it: refused
        worker.burst(committed_db.settings)

    # ── the operator looks at everything, and the house is measured and scraped
    with committed_db.as_worker():
        measuring.measure()
    monkeypatch.setitem(console_app.config, "METRICS_TOKEN", "t")
    scraped = console_app.test_client().get("/metrics", headers={"Authorization": "Bearer t"}).get_data(as_text=True)
    assert "ruku_admissions" in scraped
    hands = officer(console_app, committed_db, Role.OPERATOR, department="centre")
    rules = [rule for rule in console_app.url_map.iter_rules() if rule.endpoint.startswith("ops") and "GET" in rule.methods and not rule.arguments]
    desks = [hands.get(rule.rule, follow_redirects=True).get_data(as_text=True) for rule in rules]
    assert len(desks) > 6

    places = {f"table {name}": rows for name, rows in dump(committed_db).items()}
    assert all(places[f"table {name}"] for name in ("applicant", "application", "finding", "audit_entry", "letter", "job_run", "outbox", "objection"))
    places |= {"redis": kept_in(redis), "log": log.getvalue(), "pages": "\n".join(pages), "ops pages": "\n".join(desks), "metrics": scraped}
    assert "slow statement" in places["log"] and all(person not in "".join(desks) + scraped for person in ("公示人", "高娃"))
    store = Path(committed_db.settings.files_url)
    places["file names"] = "\n".join(str(path) for path in store.rglob("*"))
    assert "test.canary_speak" in places["table job_run"]
    assert "unhandled error" in places["log"]
    assert "ruku:attempts" in places["redis"] and "canary" not in places["redis"]  # a job that was refused leaves nothing there

    found = [(what, place) for what, canary in (CANARY | numbers).items() for place, content in places.items() if canary in content]
    assert found == []
    assert [place for place, content in places.items() if REASON in content] == ["table audit_entry"]


#: planted in every field of an agency in which somebody may be named, and in what is written down about it
NAMED = {
    "legal_person": "金丝雀法人", "contact_name": "金丝雀联系人", "contact_phone": "13894719472", "internal_control": "由金丝雀内控员负责保管档案。",
    "staff": "金丝雀职员", "credit_history": "金丝雀评委", "sanctions": "金丝雀经办人",
}  # fmt: skip


def test_who_is_named_in_a_register_lies_in_its_table_alone(committed_db: Any, console_app: Any, redis: Redis, log: Any) -> None:
    """Entered, changed, moved with its letter and drawn: the audit keeps that a field changed, and its fingerprint."""
    from console import audit
    from console.registers import loading, services
    from console.scope import System
    from tests.console.portal.test_registers import AGENCY

    told = {
        "legal_person": NAMED["legal_person"], "contact_name": NAMED["contact_name"], "contact_phone": NAMED["contact_phone"], "internal_control": NAMED["internal_control"],
        "staff": [{"person": NAMED["staff"], "certificate": "none", "joined": "2020-01-01"}],
        "credit_history": [{"rated_on": "2026-03-01", "grade": "A", "rated_by": "某中心", "reason": NAMED["credit_history"]}],
        "sanctions": [{"decided_on": "2026-03-01", "decided_by": "某局", "content": NAMED["sanctions"]}],
    }  # fmt: skip
    with committed_db.as_worker():
        one = loading.register("centre-agencies")
        with db.transaction() as session:
            row = services.enter(session, one, {**AGENCY, **told}, actor=System("test")).row
            services.change(session, one, row, {"legal_person": f"{NAMED['legal_person']}二", "credit_grade": "B"}, actor=System("test"), version=None)
            services.move(session, one, [row], "suspend", actor=System("test"), reason="测试需要")
            number = row.id
        relay.settle(committed_db.settings)
    desk = officer(console_app, committed_db, Role.COORDINATOR, division="150000", department="centre")
    past = desk.get(f"/screens/centre-agencies/{number}/history").get_data(as_text=True)

    places = {f"table {name}": rows for name, rows in dump(committed_db).items() if name != "register_centre_agencies" and not name.startswith("searched_")}
    places |= {"redis": kept_in(redis), "log": log.getvalue(), "history": past}
    assert [(field, place) for field, canary in NAMED.items() for place, content in places.items() if canary in content] == []
    with committed_db.as_worker(), db.transaction() as session:
        entered, changed = (
            session.query(audit.AuditEntry).filter_by(action=f"register.{act}", subject=f"register_centre_agencies:{number}").one().facts["changes"] for act in ("entered", "changed")
        )
    assert {name for name, (_before, after) in entered.items() if str(after).startswith(audit.KEYED)} == {"name", "legal_person", "contact_name", "contact_phone", "internal_control"}
    assert [entered[name] for name in ("staff", "credit_history", "sanctions")] == [[None, 1]] * 3
    assert changed["credit_grade"] == ["A", "B"] and all(str(value).startswith(audit.KEYED) for value in changed["legal_person"])


@pytest.fixture
def code_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes sent by text message, newest last."""
    from console.notifications import services as letters

    sent: list[str] = []
    monkeypatch.setattr(letters, "send_code", lambda phone, code: sent.append(code))
    return sent
