"""A backup is whole or not there, cheap the second time, without keys, and says what it lacks."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from console import db, files
from console.audit import AuditEntry
from console.backup import content, making, manifest, programs
from console.backup.manifest import BackupProblem, Home, Part
from console.backup.programs import Programs


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "files").rglob("*") if path.is_file())


def test_the_second_backup_copies_only_what_is_new(ours: Any, backups: Callable[[], list[Path]]) -> None:
    assert ours("backup", "--to", ours.safe) == 0
    first = ours.said()
    lay = {path: path.stat().st_mtime_ns for path in (ours.safe / "files").rglob("*") if path.is_file()}
    ours.paper(2)
    assert ours("backup", "--to", ours.safe) == 0

    assert ("1 files (1 new)" in first, "2 files (1 new)" in ours.said()) == (True, True)
    assert {path: path.stat().st_mtime_ns for path in lay} == lay
    assert kept(ours.safe) == sorted(ours.papers)
    assert len(backups()) == 2


def test_nobody_else_may_read_it_and_no_key_is_in_it(ours: Any, tmp_path: Path) -> None:
    assert ours("backup", "--to", ours.safe) == 0
    secrets = [value for name, text in ours.environment.items() if "KEY" in name for value in (text, text.partition(":")[2]) if len(value) > 20]
    raw = [base64.b64decode(text.partition(":")[2] or text) for name, text in ours.environment.items() if name in ("DATA_KEYS", "HASH_KEY")]
    for path in ours.safe.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            held = path.read_bytes()
            assert [one for one in [*(s.encode() for s in secrets), *raw] if one in held] == [], path
    assert ours.safe.stat().st_mode & 0o077 == 0


def test_it_stands_in_the_audit_with_the_digest_of_its_manifest(ours: Any, backups: Callable[[], list[Path]]) -> None:
    ours("backup", "--to", ours.safe)
    (folder,) = backups()
    with ours.database.as_worker(), db.transaction() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == "backup.made")).one()
    assert (found.subject, found.facts["manifest"], found.who) == (f"backup:{folder.name}", manifest.read(folder).sha256, "system:backup")


def test_a_backup_that_fails_leaves_nothing_and_touches_no_other(ours: Any, backups: Callable[[], list[Path]], monkeypatch: Any) -> None:
    assert ours("backup", "--to", ours.safe) == 0
    before = backups()

    def full(*given: Any) -> Any:
        raise OSError(28, "No space left on device")

    ours.monkeypatch.setattr(content, "write_list", full)
    assert ours("backup", "--to", ours.safe) == 1
    said = ours.said()

    assert "No space left on device" in said and "older backups are as they were" in said
    assert backups() == before
    assert [one.name for one in ours.safe.iterdir() if one.name.startswith(".partial")] == []


def test_what_a_killed_backup_left_is_never_taken_for_one(ours: Any, backups: Callable[[], list[Path]]) -> None:
    ours("backup", "--to", ours.safe)
    left = ours.safe / ".partial-1"
    left.mkdir()
    (left / "database.dump").write_bytes(b"half")
    assert len(backups()) == 1
    ours("backup", "--to", ours.safe)
    assert (len(backups()), left.exists()) == (2, False)


def test_two_at_once_are_refused(ours: Any) -> None:
    ours("backup", "--to", ours.safe)
    import fcntl

    with (ours.safe / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ours("backup", "--to", ours.safe) == 1
    assert "Another backup into" in ours.said()


def test_only_so_many_stay_and_their_contents_with_them(ours: Any, backups: Callable[[], list[Path]]) -> None:
    gone = ours.papers[0]
    ours("backup", "--to", ours.safe)
    ours.sql(f"ALTER TABLE attachment DISABLE TRIGGER USER; DELETE FROM attachment WHERE hash = '{gone}'; ALTER TABLE attachment ENABLE TRIGGER USER")
    content_of = next(path for path in ours.files().rglob(gone))
    content_of.unlink()
    stays = ours.paper(3)
    assert ours("backup", "--to", ours.safe, "--keep", 1) == 0

    assert len(backups()) == 1
    assert kept(ours.safe) == [stays]
    assert ours("backup", "verify", ours.safe) == 0


def test_what_rows_name_and_the_store_lacks_is_said(ours: Any) -> None:
    lost = ours.paper(2)
    next(path for path in ours.files().rglob(lost)).unlink()
    damaged = next(path for path in ours.files().rglob(ours.papers[0]))
    damaged.write_bytes(b"%PDF-1.4 something else")
    assert ours("backup", "--to", ours.safe) == 1
    said = ours.said()
    assert f"file {lost} is named by a row and is not in the store" in said
    assert f"file {damaged.name} in the store is not what its name says" in said
    assert ours("backup", "verify", ours.safe) == 1
    assert f"files/{lost}: was missing already when the backup was made" in ours.said()


def test_what_retention_erases_meanwhile_is_not_missing(ours: Any, monkeypatch: Any) -> None:
    real = files.held

    def late() -> Any:  # between dump and copying
        gone = ours.papers[0]
        ours.sql(f"ALTER TABLE attachment DISABLE TRIGGER USER; DELETE FROM attachment WHERE hash = '{gone}'; ALTER TABLE attachment ENABLE TRIGGER USER")
        files.forget(gone)
        return real()

    ours.monkeypatch.setattr(files, "held", late)
    assert ours("backup", "--to", ours.safe) == 0


def test_a_backup_is_of_one_moment_while_others_write(ours: Any, backups: Callable[[], list[Path]]) -> None:
    over, url = threading.Event(), ours.house.url("postgres", ours.name)

    def write() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not over.is_set():
                connection.execute("INSERT INTO outbox (topic, ids, created_at, due_at) VALUES ('x', '{1}', now(), now())")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert ours("backup", "--to", ours.safe) == 0
    finally:
        over.set()
        writer.join()
    told = manifest.read(backups()[0])
    new = f"{ours.name}_r"
    ours.house.empty(new)
    try:
        assert ours("restore", ours.safe, "--into", new) == 0, ours.said()
        with psycopg.connect(ours.house.url("postgres", new)) as connection:
            counted = connection.execute("SELECT count(*), max(id) FROM outbox").fetchone()
    finally:
        ours.house.drop(new)
    assert counted == (told.facts.rows["outbox"], told.facts.marks["outbox"])
    assert counted != (0, 0)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "database.dump").write_bytes(b"x"), "database.dump: its content was changed or cut off"),
        (lambda folder: (folder / "database.dump").unlink(), "database.dump: missing"),
        (lambda folder: (folder / "files.txt").unlink(), "files.txt: missing"),
        (lambda folder: next(p for p in (folder.parent / "files").rglob("*") if p.is_file()).write_bytes(b"x"), "its content was changed"),
        (lambda folder: next(p for p in (folder.parent / "files").rglob("*") if p.is_file()).unlink(), ": missing"),
        (lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:500]), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace('"format": 1', '"format": 9')), "format 9"),
    ],
)
def test_whatever_is_wrong_with_it_is_found(ours: Any, backups: Callable[[], list[Path]], spoil: Any, sentence: str) -> None:
    ours("backup", "--to", ours.safe)
    spoil(backups()[0])
    assert ours("backup", "verify", ours.safe) == 1
    assert sentence in ours.said()


def test_places_that_will_not_do(ours: Any, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("x")
    assert (ours("backup", "--to", full), "holds other things" in ours.said()) == (1, True)
    assert (ours("backup", "--to", ours.files() / "b"), "backed up into itself" in ours.said()) == (1, True)
    assert (ours("backup"), "Where to?" in ours.said()) == (1, True)
    assert (ours("backup", "verify", tmp_path), "There is no backup in" in ours.said()) == (1, True)
    assert (ours("backup", "--to", ours.safe, DATABASE_OWNER_URL=""), "DATABASE_OWNER_URL is missing" in ours.said()) == (1, True)
    (tmp_path / "file").write_text("")
    assert (ours("backup", "--to", tmp_path / "file"), "cannot be used" in ours.said()) == (1, True)


def test_an_owner_who_does_not_see_every_row_makes_no_backup(ours: Any) -> None:
    ours.sql("DROP POLICY owner_all ON admission")
    assert ours("backup", "--to", ours.safe) == 1
    assert "does not see every row of admission" in ours.said()
    assert ours.sql("SELECT count(*) FROM audit_entry WHERE action = 'backup.made'") == [(0,)]


def test_the_programs_are_of_the_servers_version_or_newer(tmp_path: Path) -> None:
    there = [Programs(tmp_path / "a", "15.4"), Programs(tmp_path / "b", "18.1"), Programs(tmp_path / "c", "17.2")]
    assert [programs.fitting(server, there).version for server in ("15.1", "16.0", "17.9", "18.4")] == ["15.4", "17.2", "17.2", "18.1"]
    with pytest.raises(BackupProblem, match=r"no pg_dump of version 19 or newer.*postgresql-client-19"):
        programs.fitting("19.0", there)
    with pytest.raises(BackupProblem, match="found: none"):
        programs.fitting("15.0", [])
    assert programs.installed()


def test_a_password_travels_in_no_argument(tmp_path: Path) -> None:
    spy = tmp_path / "pg_dump"
    spy.write_text("#!/bin/sh\necho \"$@\"; echo \"$PGPASSWORD $PGUSER $PGHOST $PGDATABASE\"\n")
    spy.chmod(0o755)
    said = programs.call(spy, ["--format=custom"], "postgresql://owner:s%40cret@db.example/ruku?sslmode=require").splitlines()
    assert said == ["--format=custom", "s@cret owner db.example ruku"]
    spy.write_text("#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1\n")
    with pytest.raises(BackupProblem, match=r"pg_dump failed: .*version mismatch"):
        programs.call(spy, [], "postgresql://owner@db/ruku")


def test_names_never_meet(tmp_path: Path) -> None:
    import datetime as dt

    now = dt.datetime(2026, 11, 26, 15, 30, 12, tzinfo=dt.UTC)
    home = Home(tmp_path)
    (tmp_path / "20261126T153012Z").mkdir()
    assert home.fresh_name(now) == "20261126T153012Z-2"


def test_a_list_of_contents_reads_as_it_was_written(tmp_path: Path) -> None:
    listed = {"a" * 64: Part("b" * 64, 3), "c" * 64: Part("c" * 64, 0)}
    content.write_list(tmp_path / "files.txt", listed)
    assert content.read_list(tmp_path) == listed
    (tmp_path / "files.txt").write_text("a b\n")
    with pytest.raises(BackupProblem, match="not whole"):
        content.read_list(tmp_path)


def test_a_manifest_reads_as_it_was_written(ours: Any, backups: Callable[[], list[Path]]) -> None:
    ours("backup", "--to", ours.safe)
    told = manifest.read(backups()[0])
    assert told.text() == (backups()[0] / "manifest.json").read_text()
    assert json.loads(told.text())["facts"]["simulated"] is True
    assert (told.facts.revision, making.program()) == (ours.sql("SELECT version_num FROM alembic_version")[0][0], told.program)
    assert os.stat(backups()[0] / "manifest.json").st_mode & 0o777 == 0o600
