"""A restore is refused with a sentence or done whole; whatever happens on the way, the database is as it was."""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from console import db, prepare, schema
from console.accounts import grants
from console.accounts.models import AccessToken, SignInLink, StaffGrant, WebSession
from console.backup import making, restoring
from console.roles import Role
from console.scope import current
from tests.console.audited import seal_all
from tests.console.backup.house import content, passphrase, run
from tests.factories import make_applicant


def key(name: str = "k9") -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def other(ours: Any) -> Iterator[str]:
    """An empty database beside."""
    name = f"{ours.name}_b"
    ours.house.empty(name)
    yield name
    ours.house.drop(name)


def tables(ours: Any, name: str) -> int:
    with psycopg.connect(ours.house.url("postgres", name)) as connection:
        return int(connection.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").fetchone()[0])  # type: ignore[index]


def with_a_person(ours: Any) -> None:
    with ours.database.as_worker(), db.transaction() as session:
        make_applicant(session)


def test_a_database_that_is_not_empty_is_refused(ours: Any) -> None:
    ours("backup", "--to", ours.safe)
    before = content(ours.house.url("postgres", ours.name))
    assert ours("restore", ours.safe) == 1
    assert "is not empty" in ours.said() and content(ours.house.url("postgres", ours.name)) == before


def test_replacing_backs_up_what_is_there_and_can_be_taken_back(ours: Any) -> None:
    ours("backup", "--to", ours.safe)
    first = sorted(one.name for one in ours.safe.iterdir() if one.name[0] == "2")
    ours.sql("INSERT INTO outbox (topic, ids, created_at, due_at) VALUES ('x', '{1}', now(), now())")
    assert ours("restore", ours.safe / first[0], "--replace") == 0, ours.said()
    assert "backed up first" in ours.said() and ours.sql("SELECT count(*) FROM outbox WHERE topic = 'x'") == [(0,)]
    second = sorted(one.name for one in ours.safe.iterdir() if one.name[0] == "2")
    assert ours("restore", ours.safe / second[-1], "--replace", "--without-backup") == 0, ours.said()
    assert ours.sql("SELECT count(*) FROM outbox WHERE topic = 'x'") == [(1,)]
    assert sorted(one.name for one in ours.safe.iterdir() if one.name[0] == "2") == second
    assert ours.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'ruku_before_restore'") == [(0,)]


def what_opens_doors(ours: Any) -> tuple[int, int]:
    """A session, a link, a token and a grant; whose, and its number."""
    with ours.database.as_worker("bootstrap"), db.transaction() as session:
        prepare.bootstrap("first", name="苏和", password="a long sentence of mine")
        staff = session.scalars(select(StaffGrant.staff_id)).one()
        now = dt.datetime.now(dt.UTC)
        later = now + dt.timedelta(days=1)
        session.add(WebSession(token_hash="a", door="console", data={"x": 1}, created_at=now, seen_at=now, expires_at=later))
        session.add(SignInLink(staff_id=staff, token_hash="l", purpose="reset", created_by="x", created_at=now, expires_at=later))
        session.add(AccessToken(staff_id=staff, title="t", token_hash="t", writes=False, second_step=True, created_at=now, expires_at=later))
        session.flush()
        grant = grants.give_grant(session, staff, role=Role.SUPERVISOR, department_id=None, division_code="150000", reason="到岗履职", actor=current()).id
    seal_all(ours.database)
    return staff, grant


def opens(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return [
            connection.execute(question).fetchall()
            for question in (
                "SELECT ended_at IS NOT NULL, data FROM web_session",
                "SELECT expires_at <= now() FROM sign_in_link",
                "SELECT ended_at IS NOT NULL, ended_why FROM access_token",
                "SELECT count(*) FROM audit_entry WHERE action = 'token.ended'",
            )
        ]


def test_nothing_opens_a_door_after_a_restore_and_every_grant_is_asked_again(ours: Any, other: str) -> None:
    what_opens_doors(ours)
    ours("backup", "--to", ours.safe)
    assert ours("restore", ours.safe, "--into", other) == 0, ours.said()
    said = ours.said()
    assert opens(ours.house.url("postgres", other)) == [[(True, {})], [(True,)], [(True, "restored")], [(1,)]]
    with psycopg.connect(ours.house.url("postgres", other)) as connection:
        assert connection.execute("SELECT role, certified_by FROM staff_grant WHERE ended_at IS NULL ORDER BY role").fetchall() == [("platform_admin", None), ("supervisor", "system:restore")]
    assert "1 grants are due for re-certification" in said and "Platform administrators now: first." in said


def test_what_had_been_withdrawn_after_the_backup_is_named_where_that_can_be_read(ours: Any) -> None:
    staff, grant = what_opens_doors(ours)
    ours("backup", "--to", ours.safe)
    ours.sql(f"UPDATE staff_grant SET ended_at = ruku_now(), ended_by = 'x' WHERE id = {grant}")
    ours.sql(f"UPDATE staff_account SET left_at = ruku_now() WHERE staff_id = {staff}")
    assert ours("restore", ours.safe, "--replace", "--without-backup") == 0, ours.said()
    said = ours.said()
    assert f"grant {grant} (supervisor in " in said and f"(staff {staff}) had left after the backup" in said
    assert ours.sql("SELECT id FROM staff_grant WHERE certified_by = 'system:restore'") == [(grant,)]
    assert ours("doctor") in (0, 1) and "1 come from the backup restored on" in ours.said()


def test_processes_that_are_at_work_are_named(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    with psycopg.connect(ours.house.url("ruku_jobs", other)):
        assert ours("restore", ours.safe, "--into", other) == 1
    assert "1 connections of web, worker, relay or cron" in ours.said()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"HASH_KEY": key("")[1:]}, "HASH_KEY is another key than when the backup was made"),
        ({"FINGERPRINT_KEY": key("")[1:]}, "FINGERPRINT_KEY is another key"),
        ({"DATA_KEYS": key("k1")}, "DATA_KEYS, key k1 is another key"),
        ({"DATA_KEYS": key("n1")}, "Values of this backup lie under k1, which DATA_KEYS does not name"),
    ],
)
def test_keys_that_do_not_fit_are_named_and_nothing_is_changed(ours: Any, other: str, changed: dict[str, str], sentence: str) -> None:
    with_a_person(ours)
    ours("backup", "--to", ours.safe)
    assert ours("restore", ours.safe, "--into", other, **changed) == 1
    assert sentence in ours.said()
    assert tables(ours, other) == 0


def test_keys_are_proved_by_what_lies_there_and_not_by_the_manifest_alone(ours: Any, other: str) -> None:
    """A backup whose manifest knows of no key is still held against its values."""
    import dataclasses

    from console.backup import manifest

    with_a_person(ours)
    ours("backup", "--to", ours.safe)
    folder = next(one for one in ours.safe.iterdir() if one.name[0] == "2")
    told = dataclasses.replace(manifest.read(folder), key_checks={})
    (folder / "manifest.json").write_text(told.text())
    assert ours("restore", folder, "--into", other, DATA_KEYS=key("k1")) == 1
    assert "does not open: DATA_KEYS has another key under that name" in ours.said()
    assert ours("restore", folder, "--into", other, HASH_KEY=key("")[1:]) == 1
    assert "HASH_KEY is not the one under which people are found" in ours.said()
    assert tables(ours, other) == 0


def test_rotated_keys_restore_an_older_backup(ours: Any, other: str) -> None:
    with_a_person(ours)
    ours("backup", "--to", ours.safe)
    assert ours("restore", ours.safe, "--into", other, DATA_KEYS=f"{key('n1')},{ours.environment['DATA_KEYS']}") == 0, ours.said()


def test_a_simulated_clock_never_becomes_production(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    production = {"RUKU_MODE": "production", "HTTPS": "on", "PORTAL_HOST": "pool.example.cn", "MAIL_URL": "smtps://mail.example.cn", "SMS_URL": "https://sms.example.cn", "DATA_DIR": "/var/lib/ruku"}
    assert ours("restore", ours.safe, "--into", other, **production) == 1
    assert "simulated clock" in ours.said() and tables(ours, other) == 0


def test_a_newer_backup_asks_for_the_newer_version(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    folder = next(one for one in ours.safe.iterdir() if one.name[0] == "2")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"revision": "', '"revision": "9'))
    assert ours("restore", folder, "--into", other) == 1
    assert "it was made by a newer one. Install that version" in ours.said() and tables(ours, other) == 0


def test_an_older_backup_is_brought_forward(ours: Any, other: str) -> None:
    schema.downgrade(ours.house.url("ruku_owner", ours.name), "0027")
    schema.upgrade_registers(ours.house.url("ruku_owner", ours.name))
    making_ = ours("backup", "--to", ours.safe)
    assert making_ == 0, ours.said()
    assert ours("restore", ours.safe, "--into", other) == 0, ours.said()
    assert f"Structure: revision {schema.head()}." in ours.said()


def test_a_backup_that_was_spoilt_is_refused_before_anything_is_touched(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    folder = next(one for one in ours.safe.iterdir() if one.name[0] == "2")
    with (folder / "database.dump").open("r+b") as dump:
        dump.seek(-5_000, os.SEEK_END)
        dump.write(b"\0" * 100)
    assert ours("restore", ours.safe, "--into", other) == 1
    assert "is not whole: database.dump: its content was changed or cut off" in ours.said() and tables(ours, other) == 0


@pytest.mark.parametrize("where", ["_load", "_compare", "_prove_keys"])
def test_a_restore_that_fails_on_the_way_leaves_the_database_as_it_was(ours: Any, where: str) -> None:
    ours("backup", "--to", ours.safe)
    before = content(ours.house.url("postgres", ours.name))
    real = getattr(restoring, where)

    def fails(*given: Any) -> None:
        real(*given)
        raise KeyboardInterrupt

    ours.monkeypatch.setattr(restoring, where, fails)
    assert ours("restore", ours.safe, "--replace", "--without-backup") == 130
    assert content(ours.house.url("postgres", ours.name)) == before


def test_a_restore_that_was_killed_is_undone_by_the_next(ours: Any) -> None:
    """kill -9 between loading and comparing: what was there stands aside, and half of the backup lies in its place."""
    ours("backup", "--to", ours.safe)
    before = content(ours.house.url("postgres", ours.name))
    ours.sql("ALTER SCHEMA public RENAME TO ruku_before_restore; CREATE SCHEMA public; CREATE TABLE public.half (id int)", login="ruku_owner")
    assert ours("restore", ours.safe) == 1
    assert "is undone: what was there before it is back" in ours.said()
    assert content(ours.house.url("postgres", ours.name)) == before


def test_rows_that_are_not_there_are_counted(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    folder = next(one for one in ours.safe.iterdir() if one.name[0] == "2")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"division": 1', '"division": 9', 1))
    assert ours("restore", ours.safe, "--into", other) == 1
    assert "division: " in ours.said() and tables(ours, other) == 0


def test_an_audit_that_was_cut_off_before_is_found(ours: Any, other: str) -> None:
    """The database said it was whole to its last head; the backup knows a later one."""
    import json

    ours("backup", "--to", ours.safe)
    folder = next(one for one in ours.safe.iterdir() if one.name[0] == "2")
    told = json.loads((folder / "manifest.json").read_text())
    told["facts"]["heads"] = [{"stream": "system", "seq": 999, "at": "then", "sha256": "a" * 64, "sm3": "b" * 64}]
    (folder / "manifest.json").write_text(json.dumps(told))
    assert ours("restore", ours.safe, "--into", other) == 1
    assert "audit chain system does not end as it did" in ours.said() and tables(ours, other) == 0


def test_a_missing_database_is_told_with_the_way_to_make_it(ours: Any) -> None:
    ours("backup", "--to", ours.safe)
    assert ours("restore", ours.safe, "--into", "not_there") == 1
    assert 'CREATE DATABASE "not_there" OWNER "ruku_owner"' in ours.said()


def test_papers_that_the_backup_lost_are_named_and_the_rest_comes_back(ours: Any, other: str) -> None:
    lost, stays = ours.papers[0], ours.paper(2)
    ours("backup", "--to", ours.safe)
    next((ours.safe / "files").rglob(lost)).unlink()
    for path in list(ours.files().rglob("*")):
        if path.is_file():
            path.unlink()
    assert ours("restore", ours.safe, "--into", other) == 1
    assert f"files/{lost}: missing" in ours.said()
    assert [path.name for path in ours.files().rglob("*") if path.is_file()] == [stays]


def test_a_damaged_paper_in_the_store_is_replaced(ours: Any, other: str) -> None:
    ours("backup", "--to", ours.safe)
    there = next(ours.files().rglob(ours.papers[0]))
    good = there.read_bytes()
    there.write_bytes(b"%PDF half")
    assert ours("restore", ours.safe, "--into", other) == 0, ours.said()
    assert there.read_bytes() == good


def test_migrations_of_registers_that_this_machine_lacks_come_back(ours: Any, other: str, tmp_path: Path) -> None:
    from tests.console.registers.commanding import copies

    ours("backup", "--to", ours.safe)
    with copies(tmp_path / "c") as folder:
        lost = folder / "migrations" / "versions" / "centre_tasks_02.py"
        lost.unlink()
        assert ours("restore", ours.safe, "--into", other) == 0, ours.said()
        assert lost.exists() and "centre_tasks_02.py was missing on this machine and is back" in ours.said()


# ── keys, apart ──────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_come_out_as_they_went_in(ours: Any, tmp_path: Path) -> None:
    box, opening = tmp_path / "safe" / "keys.json", passphrase(tmp_path)
    assert ours("backup", "keys", "--to", box, "--passphrase-file", opening) == 0
    assert box.stat().st_mode & 0o777 == 0o600
    assert [value for name, value in ours.environment.items() if "KEY" in name and value in box.read_text()] == []
    assert ours("restore", "keys", box, "--passphrase-file", opening) == 0
    lines = dict(line.split("=", 1) for line in ours.said().splitlines())
    assert lines == {name: value for name, value in ours.environment.items() if "KEY" in name} | {"FINGERPRINT_KEY": ours.environment["HASH_KEY"]}


def test_keys_do_not_go_where_the_backups_are_nor_the_other_way_round(ours: Any, tmp_path: Path) -> None:
    opening = passphrase(tmp_path)
    ours("backup", "--to", ours.safe)
    for place in (ours.safe / "keys.json", ours.safe / "files" / "keys.json"):
        assert (ours("backup", "keys", "--to", place, "--passphrase-file", opening), "is the folder of the backups" in ours.said()) == (1, True)
    assert ours("backup", "keys", "--to", tmp_path / "keys.json", "--passphrase-file", opening) == 0
    (tmp_path / "keys.json").rename(ours.safe / "keys.json")
    assert (ours("backup", "--to", ours.safe), "holds the keys" in ours.said()) == (1, True)


def test_a_box_that_does_not_open_says_why(ours: Any, tmp_path: Path) -> None:
    box, opening, wrong = tmp_path / "keys.json", passphrase(tmp_path), tmp_path / "wrong"
    wrong.write_text("moon rope cellar violin 92")
    ours("backup", "keys", "--to", box, "--passphrase-file", opening)
    assert (ours("restore", "keys", box, "--passphrase-file", wrong), "does not open" in ours.said()) == (1, True)
    box.write_text(box.read_text().replace('"p": 1', '"p": 99'))
    assert (ours("restore", "keys", box, "--passphrase-file", opening), "no file of keys" in ours.said()) == (1, True)
    wrong.write_text("aaaaaaaaaaaaaaaaaaaaaaaaa")
    assert (ours("backup", "keys", "--to", box, "--passphrase-file", wrong), "too easy to guess" in ours.said()) == (1, True)
    assert (ours("backup", "keys", "--to", tmp_path, "--passphrase-file", opening), "is a folder" in ours.said()) == (1, True)
    assert (ours("restore", "keys", box, "--passphrase-file", tmp_path / "nowhere"), "cannot be read" in ours.said()) == (1, True)


def test_the_program_knows_its_version() -> None:
    assert making.program() == "0.1.0"
    assert run.__name__ == "run"
