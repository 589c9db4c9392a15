"""Every look has something broken under it here, and the sentence it says is read; a look without that fails this file."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from console import __main__ as command_line
from console import audit, clock, db, prepare, process, words, worker
from console.backup import programs
from console.doctor import examination
from console.doctor.finding import LOOKS, Finding, State
from console.publicity.models import Notice
from console.roles import Role
from tests.console.audited import seal_all
from tests.console.backup.conftest import Ours
from tests.console.backup.house import begun
from tests.console.post.peers import certificate, gateway, mail_server
from tests.console.registers.commanding import copies
from tests.factories import department, make_admission, make_applicant, make_staff

CASES: list[tuple[str, Callable[[Any], Any]]] = []
PRODUCTION = {"RUKU_MODE": "production", "HTTPS": "on", "PORTAL_HOST": "pool.invalid", "MAIL_URL": "smtps://mail.invalid", "SMS_URL": "https://sms.invalid", "DATA_DIR": "/var/lib/ruku"}


def breaks(name: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """What it does to the house; returns settings that change, how bad it is, and what must be said."""

    def add(do: Callable[[Any], Any]) -> Callable[[Any], Any]:
        CASES.append((name, do))
        return do

    return add


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def found(house: Ours, name: str, **more: str) -> list[Finding]:
    house.database.dispose()
    with begun(house.environment | more, house.monkeypatch) as settings:
        return list(examination.look_around(settings, only=[name]))


# ── what is broken, and what is said ─────────────────────────────────────────────────────────────────────────


@breaks("settings")
def production_with_everything_away(house: Ours) -> Any:
    return {}, State.OK, "mode test"  # what is wrong with settings ends the command: see below


@breaks("SM3")
def no_sm3(house: Ours) -> Any:
    house.monkeypatch.setattr(hashlib, "algorithms_available", hashlib.algorithms_available - {"sm3"})
    house.monkeypatch.setattr(process, "begin", lambda *given, **more: None)
    return {}, State.BAD, "This Python's OpenSSL has no SM3"


@breaks("words")
def not_compiled(house: Ours) -> Any:
    house.monkeypatch.setattr(words, "languages", lambda: ["xx"])
    return {}, State.BAD, "not compiled: xx"


@breaks("disk")
def a_full_disk(house: Ours) -> Any:
    house.monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10 * 2**30, 10 * 2**30 - 1000, 1000))  # type: ignore[attr-defined]
    return {}, State.BAD, "0.0 GiB of 10 free"


@breaks("certificate")
def a_certificate_nobody_trusts(house: Ours) -> Any:
    return _tls(house, trusted=False), State.BAD, "self-signed certificate"


@breaks("certificate")
def a_certificate_that_ends(house: Ours) -> Any:
    return _tls(house, trusted=True), State.BAD, "0 days left"


@breaks("certificate")
def a_door_that_does_not_answer(house: Ours) -> Any:
    return {"HTTPS": "on", "PORTAL_HOST": f"localhost:{_closed_port()}"}, State.WARNING, "does not answer from here"


@breaks("pg_dump")
def no_programs(house: Ours) -> Any:
    house.monkeypatch.setattr(programs, "installed", list)
    return {}, State.WARNING, "not installed here"


@breaks("database")
def a_database_that_is_away(house: Ours) -> Any:
    return {"DATABASE_URL": f"postgresql://ruku_web@127.0.0.1:{_closed_port()}/x"}, State.BAD, "DATABASE_URL: "


@breaks("version")
def another_encoding(house: Ours) -> Any:
    name = f"{house.name}_latin"
    with house.house.administrator() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name} OWNER ruku_owner ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    house.undo.append(lambda: house.house.drop(name))
    return {"DATABASE_WORKER_URL": house.house.url("ruku_jobs", name)}, State.BAD, "LATIN1"


@breaks("roles")
def a_web_that_is_in_the_workers_group(house: Ours) -> Any:
    with house.house.administrator() as connection:
        connection.execute("CREATE ROLE doctor_web LOGIN")
    house.undo.append(lambda: house.sql("DROP ROLE doctor_web"))
    return {"DATABASE_URL": house.house.url("doctor_web", house.name)}, State.BAD, "login 'doctor_web' is not in the group 'ruku_app'"


@breaks("restore")
def a_restore_that_was_killed(house: Ours) -> Any:
    house.sql("ALTER SCHEMA public RENAME TO ruku_before_restore; CREATE SCHEMA public")
    return {}, State.BAD, "one was interrupted"


@breaks("tables")
def an_older_structure(house: Ours) -> Any:
    house.sql("UPDATE alembic_version SET version_num = '0027'")
    return {}, State.BAD, "revision 0027"


@breaks("tables")
def a_newer_structure(house: Ours) -> Any:
    house.sql("UPDATE alembic_version SET version_num = '9999'")
    return {}, State.BAD, "which this version"


@breaks("registers")
def a_migration_whose_file_is_not_here(house: Ours) -> Any:
    (_copied(house) / "versions" / "centre_tasks_02.py").unlink()
    return {}, State.WARNING, "1 migrations ran elsewhere"


@breaks("registers")
def a_file_others_build_upon(house: Ours) -> Any:
    (_copied(house) / "versions" / "centre_agencies_02.py").unlink()
    return {}, State.BAD, "centre_agencies_02 is not here, and others build upon it"


@breaks("registers")
def a_migration_that_has_not_been_run(house: Ours) -> Any:
    (_copied(house) / "versions" / "housing_new_01.py").write_text("revision = 'housing_new_01'\ndown_revision = None\nTABLE = 'register_housing_new'\n")
    return {}, State.BAD, "not run: housing_new_01"


@breaks("declarations")
def a_declaration_that_is_not_applied(house: Ours) -> Any:
    path = _copied(house).parent / "plugins" / "centre" / "registers" / "tasks.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("fields:\n", "fields:\n  - {id: remark_more, kind: text, label: {zh: 补充, en: More}, max_length: 50, required: false}\n", 1), encoding="utf-8")
    return {}, State.WARNING, "not as declared: register_centre_tasks"


@breaks("declarations")
def a_declaration_that_cannot_be_read(house: Ours) -> Any:
    (_copied(house).parent / "plugins" / "centre" / "registers" / "tasks.yaml").write_text("fields: 3\n")
    return {}, State.WARNING, "cannot be read: "


@breaks("clock")
def a_simulated_clock_in_production(house: Ours) -> Any:
    return PRODUCTION, State.BAD, "(simulated)"


@breaks("clock")
def a_machine_whose_clock_is_wrong(house: Ours) -> Any:
    now = time.time
    house.monkeypatch.setattr(time, "time", lambda: now() + 300)
    return {}, State.BAD, "this machine and PostgreSQL are 300"


@breaks("redis")
def redis_is_away(house: Ours) -> Any:
    return {"REDIS_URL": f"redis://127.0.0.1:{_closed_port()}/0"}, State.BAD, "does not answer"


@breaks("redis")
def a_redis_that_forgets(house: Ours) -> Any:
    client = Redis.from_url(house.environment["REDIS_URL"])
    client.config_set("maxmemory-policy", "allkeys-lru")
    house.undo.append(lambda: client.config_set("maxmemory-policy", "noeviction"))
    return {}, State.BAD, "allkeys-lru"


@breaks("connected")
def a_worker_of_an_older_version(house: Ours) -> Any:
    line = psycopg.connect(house.house.url("ruku_jobs", house.name), application_name="ruku worker 0001")
    house.undo.append(line.close)
    return {}, State.BAD, "worker of 0001 (1)"


@breaks("processes")
def nobody_works(house: Ours) -> Any:
    return {}, State.BAD, "no heartbeat for half a minute"


@breaks("outbox")
def messages_that_nobody_carries(house: Ours) -> Any:
    house.sql("INSERT INTO outbox (topic, ids, created_at, due_at) VALUES ('x', '{1}', ruku_now() - interval '1 hour', ruku_now() - interval '1 hour')")
    return {}, State.BAD, "1 messages are late"


@breaks("given up")
def a_message_that_waits_for_a_person(house: Ours) -> Any:
    house.sql("INSERT INTO outbox (topic, ids, created_at, due_at, gave_up_at) VALUES ('poison', '{1}', now(), now(), now())")
    house.sql("INSERT INTO setback (job, subject_id, attempts, first_at, due_at, last_error, gave_up_at) VALUES ('publicity.close', 1, 8, now(), now(), 'x', now())")
    return {}, State.WARNING, "message poison (1), row of publicity.close (1)"


@breaks("due rows")
def a_notice_that_nobody_closes(house: Ours) -> Any:
    with house.database.as_worker(), db.transaction() as session:
        admission, now = make_admission(session), clock.now(session) - dt.timedelta(days=9)
        session.add(
            Notice(number="GS-1", department_id=department(session, "transport").id, office_id=admission.office_id, title="x", opened_by="staff:1", opened_by_name="x", opened_at=now,
                   first_day=now.date(), last_day=now.date(), days=1, due_at=now, content="{}", content_hash="x")
        )  # fmt: skip
    return {}, State.BAD, "(1)"


@breaks("brake")
def a_brake_that_is_pulled(house: Ours) -> Any:
    house.sql("INSERT INTO brake (rule, reason, pulled_by, pulled_at) VALUES ('publicity.close', '核对', 'staff:1', now())")
    return {}, State.WARNING, "publicity.close (all"


@breaks("mail")
def a_mail_server_that_is_away(house: Ours) -> Any:
    return {"MAIL_URL": f"smtp://127.0.0.1:{_closed_port()}"}, State.BAD, "127.0.0.1 does not answer"


@breaks("short messages")
def a_gateway_that_is_away(house: Ours) -> Any:
    return {"SMS_URL": f"http://127.0.0.1:{_closed_port()}/send"}, State.BAD, "127.0.0.1 does not answer"


@breaks("short messages")
def a_folder_nobody_may_write(house: Ours) -> Any:
    (house.safe.parent / "file").write_text("")
    return {"SMS_URL": f"folder:{house.safe.parent / 'file' / 'sms'}"}, State.BAD, "into the folder"


@breaks("probe")
def a_site_that_is_not_seen_from_here(house: Ours) -> Any:
    return {"PROBE_URL": f"http://127.0.0.1:{_closed_port()}"}, State.WARNING, "cannot be reached from here: "


@breaks("probe")
def a_site_that_is_another(house: Ours) -> Any:
    other = gateway()
    house.undo.append(lambda: other.__exit__(None, None, None))
    return {"PROBE_URL": other.__enter__().url.removesuffix("/send")}, State.WARNING, "instead of the list of notices"


@breaks("grants")
def grants_of_a_backup(house: Ours) -> Any:
    with house.database.as_worker(), db.transaction() as session:
        make_staff(session, Role.SUPERVISOR)
    house.sql("UPDATE staff_grant SET certified_by = 'system:restore', certified_at = ruku_now() WHERE ended_at IS NULL")
    return {}, State.WARNING, "nobody has certified them since"


@breaks("authority")
def an_authority_that_is_away(house: Ours) -> Any:
    return {"OIDC_ISSUER": f"http://127.0.0.1:{_closed_port()}", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"}, State.BAD, "127.0.0.1 does not answer"


@breaks("store")
def a_store_nobody_may_write(house: Ours) -> Any:
    (house.safe.parent / "file").write_text("")
    return {"FILES_URL": str(house.safe.parent / "file")}, State.BAD, "cannot be written"


@breaks("papers")
def papers_that_are_gone_or_damaged(house: Ours) -> Any:
    damaged, gone = house.papers[0], house.paper(2)
    next(house.files().rglob(damaged)).write_bytes(b"x")
    next(house.files().rglob(gone)).unlink()
    return {}, State.BAD, f"{gone[:12]}… is not in the store; {damaged[:12]}… was changed or damaged"


@breaks("keys")
def a_key_that_is_not_there(house: Ours) -> Any:
    return {"DATA_KEYS": f"n1:{key()}"}, State.BAD, "values lie under k1, which DATA_KEYS does not name"


@breaks("keys")
def another_key_of_that_name(house: Ours) -> Any:
    return {"DATA_KEYS": f"k1:{key()}"}, State.BAD, "applicant.phone, applicant.email do not open"


@breaks("keys")
def another_hash_key(house: Ours) -> Any:
    return {"HASH_KEY": key(), "FINGERPRINT_KEY": house.environment["HASH_KEY"]}, State.BAD, "HASH_KEY is not the one that applicant was made with"


@breaks("keys")
def values_under_an_older_key(house: Ours) -> Any:
    return {"DATA_KEYS": f"n1:{key()},{house.environment['DATA_KEYS']}"}, State.WARNING, "values lie under older keys"


@breaks("audit")
def somebody_changed_the_past(house: Ours) -> Any:
    house.sql("ALTER TABLE audit_entry DISABLE TRIGGER USER; UPDATE audit_entry SET who = 'staff:1' WHERE id = (SELECT min(id) FROM audit_entry)")
    return {}, State.BAD, "faults, first: "


@breaks("audit")
def nobody_chains(house: Ours) -> Any:
    with house.database.as_worker(), db.transaction() as session:
        audit.record(session, "test.done", "test:1")
    house.monkeypatch.setattr(audit.audit_verifier.time, "sleep", lambda seconds: None)
    return {}, State.BAD, "are in no chain yet"


@breaks("rules")
def nothing_in_force(house: Ours) -> Any:
    house.sql("ALTER TABLE release_event DISABLE TRIGGER USER; DELETE FROM release_event")
    return {}, State.BAD, "the centre has no release in force"


@breaks("rules")
def a_centre_without_rules(house: Ours) -> Any:
    house.sql("ALTER TABLE release_event DISABLE TRIGGER USER; DELETE FROM release_event USING release, department d WHERE release.id = release_id AND d.id = department_id AND d.is_centre")
    return {}, State.BAD, "a release in force cannot be read: "


@breaks("calendar")
def a_year_without_a_decree(house: Ours) -> Any:
    house.sql("UPDATE clock_offset SET shift = shift + interval '1 year'")
    return {}, State.BAD, "every deadline of this year is provisional"


@breaks("calendar")
def a_next_year_without_a_decree(house: Ours) -> Any:
    house.sql("UPDATE clock_offset SET shift = timestamptz '2026-12-20 09:00+08' - now()")
    return {}, State.WARNING, "2026 is decreed, 2027 is not"


@breaks("administrators")
def nobody_who_gives_grants(house: Ours) -> Any:
    return {}, State.BAD, "nobody can give grants"


@breaks("backup")
def no_backup_ever(house: Ours) -> Any:
    return {}, State.WARNING, "never made"


@breaks("backup")
def an_old_backup_that_lacks_files(house: Ours) -> Any:
    with house.database.as_worker(), db.transaction() as session:
        audit.record(session, audit.MADE, "backup:20200101T000000Z", missing=2, damaged=1)
    return {}, State.WARNING, "it lacks 3 files"


# ── the tests ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_look_is_broken_here() -> None:
    assert {name for name, _ in CASES} == LOOKS.keys()


@pytest.mark.parametrize(("name", "breaking"), CASES, ids=[do.__name__ for _, do in CASES])
def test_what_is_broken_is_said(ours: Ours, name: str, breaking: Callable[[Any], Any]) -> None:
    with ours.database.as_worker(), db.transaction() as session:
        make_applicant(session)
    try:
        changed, state, said = breaking(ours)
        answers = found(ours, name, **changed)
    finally:
        for undo in reversed(ours.undo):
            undo()
    hit = [one for one in answers if said in one.seen or said in one.cure]
    assert [one.state for one in hit][:1] == [state], answers
    assert state is State.OK or hit[0].cure.endswith((".", ")")), hit


@pytest.mark.parametrize("name", ["mail", "short messages"])
def test_whoever_answers_is_well_and_gets_nothing(ours: Ours, name: str) -> None:
    with mail_server() as post, gateway() as sms:
        answers = found(ours, name, MAIL_URL=post.url, SMS_URL=sms.url)
    assert [one.state for one in answers] == [State.OK]
    assert (post.keys, post.bodies, sms.keys, sms.bodies) == ([], [], [], [])


def test_a_database_that_is_away_is_said_once_and_the_rest_is_looked_at(ours: Ours) -> None:
    away = f"postgresql://ruku_jobs@127.0.0.1:{_closed_port()}/x"
    with begun(ours.environment | {"DATABASE_URL": away, "DATABASE_WORKER_URL": away.replace("jobs", "web"), "DATABASE_OWNER_URL": ""}, ours.monkeypatch) as settings:
        answers = list(examination.look_around(settings))
    bad = {one.name for one in answers if one.state is State.BAD}
    unseen = {one.name for one in answers if one.state is State.UNSEEN}
    assert bad == {"database"}
    assert unseen == {name for name, look in LOOKS.items() if "database" in look.needs}
    assert {one.name for one in answers if one.state is State.OK} >= {"settings", "SM3", "Redis", "store", "mail", "short messages"}


def test_a_look_that_fails_hides_no_other(ours: Ours) -> None:
    def fails(settings: Any) -> Any:
        raise ValueError("odd")

    ours.monkeypatch.setitem(LOOKS, "SM3", dataclasses.replace(LOOKS["SM3"], find=fails))
    with begun(ours.environment, ours.monkeypatch) as settings:
        answers = list(examination.look_around(settings, only=["settings", "SM3", "words"]))
    assert [(one.name, one.state) for one in answers] == [("settings", State.OK), ("SM3", State.BAD), ("words", State.OK)]
    assert "could not be examined: odd" in answers[1].seen


def test_the_command_says_it_in_sentences_and_in_json(ours: Ours) -> None:
    assert ours("doctor") == 1  # nobody works in a test
    said = ours.said()
    assert "BAD  worker" in said and "→ Start `python -m console worker`" in said and " looked at, " in said.splitlines()[-1]
    assert ours("doctor", "--json") == 1
    told = json.loads(ours.said())
    assert told["well"] is False
    assert {one["state"] for one in told["findings"]} <= {"ok", "warning", "bad", "not looked at"}
    assert next(one for one in told["findings"] if one["name"] == "worker")["cure"].startswith("Start")


def test_settings_that_cannot_be_read_are_all_named(ours: Ours) -> None:
    ours.monkeypatch.setenv("DATABASE_URL", "mysql://x")
    ours.monkeypatch.setenv("PORT", "0")
    ours.monkeypatch.setenv("RUKU_MODE", "test")
    assert command_line.main(["doctor"]) == 2
    said = ours.said()
    assert "DATABASE_URL must begin with" in said and "PORT is '0'" in said


def test_all_is_well_where_all_is_well(ours: Ours, live_server: str) -> None:
    """What a test's house can have is well: processes beat, the backup is fresh, the decree is there."""
    ours.sql("UPDATE clock_offset SET shift = timestamptz '2026-03-02 09:00+08' - now()")
    with ours.database.as_worker():
        prepare.bootstrap("first", name="苏和", password="a long sentence of mine")
    assert ours("backup", "--to", ours.safe) == 0
    seal_all(ours.database)
    with begun(ours.environment | {"PROBE_URL": live_server}, ours.monkeypatch) as settings, worker.Beating("worker"), worker.Beating("relay"), worker.Beating("cron"):
        answers = list(examination.look_around(settings))
    assert [str(one) for one in answers if one.state is not State.OK] == []
    assert len(answers) > 25


# ── the means ────────────────────────────────────────────────────────────────────────────────────────────────


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _copied(house: Ours) -> Path:
    copied = copies(house.safe.parent / "copied")
    folder = copied.__enter__()
    house.undo.append(lambda: copied.__exit__(None, None, None))
    return folder / "migrations"


def _tls(house: Ours, *, trusted: bool) -> dict[str, str]:
    context, authority = certificate(house.safe.parent)
    line = gateway(context)
    peer = line.__enter__()
    house.undo.append(lambda: line.__exit__(None, None, None))
    if trusted:
        house.monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return {"HTTPS": "on", "PORTAL_HOST": peer.url.split("/")[2]}

