"""One command to the next version, and back: a database of an earlier revision, a migration that fails, doors that are closed meanwhile."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from sqlalchemy import event

from console import db, maintenance, prepare, process, schema, upgrade_command, worker
from console.backup import restoring
from seed.rows import Problem, SeedProblems
from tests.console.backup.house import content
from tests.factories import make_applicant

EARLIER = "0027"
OURS = Path(schema.FOLDER)
PEOPLE = "SELECT id, name, id_number, id_number_hash, phone, phone_hash, consent_version FROM applicant ORDER BY id"  # columns of both versions
#: what an upgrade that failed leaves behind on purpose: that a backup was made
TOLD = ("audit_entry", "audit_link", "audit_horizon")


@pytest.fixture
def earlier(ours: Any) -> Any:
    """The house as an earlier version left it, with people in it."""
    with ours.database.as_worker(), db.transaction() as session:
        make_applicant(session)
        make_applicant(session)
    schema.downgrade(ours.house.url("ruku_owner", ours.name), EARLIER)
    schema.upgrade_registers(ours.house.url("ruku_owner", ours.name))
    return ours


@pytest.fixture
def quick(monkeypatch: Any) -> None:
    monkeypatch.setattr(maintenance, "LOOK_EVERY", 0.01)


@pytest.fixture
def client(ours: Any) -> Iterator[Redis]:
    with Redis.from_url(ours.environment["REDIS_URL"]) as made:
        yield made
        made.delete(maintenance.SIGN)


def revision(ours: Any) -> str:
    return str(ours.sql("SELECT version_num FROM alembic_version")[0][0])


def with_migrations(ours: Any, tmp_path: Path, **bodies: str) -> None:
    """This version brings these migrations beside its own."""
    folder = tmp_path / "migrations"
    shutil.copytree(OURS, folder, ignore=shutil.ignore_patterns("__pycache__", "registers"))
    after = schema.head()
    for name, body in bodies.items():
        number = name.removeprefix("m")
        (folder / "versions" / f"{number}_new.py").write_text(
            f'"""new {number}"""\nfrom alembic import op\nrevision, down_revision, branch_labels, depends_on = {number!r}, {after!r}, None, None\n\n\ndef upgrade():\n    {body}\n\n\ndef downgrade():\n    pass\n'
        )
        after = number
    ours.monkeypatch.setattr(schema, "FOLDER", folder)


@pytest.mark.usefixtures("quick")
def test_an_earlier_database_comes_to_this_version(earlier: Any, client: Redis) -> None:
    people = earlier.sql(PEOPLE)
    assert people
    assert earlier("upgrade", "--to", earlier.safe) == 1  # nobody administers a test's house: doctor says so, and how to go back
    said = earlier.said()
    assert f"The database was at revision {EARLIER} and is at {schema.head()}." in said
    assert re.search(r"^  0028 \S", said, re.MULTILINE) and "To go back: python -m console upgrade rollback" in said
    assert re.findall(r"^BAD  (\w+)", said, re.MULTILINE) == ["administrators"], said
    assert (revision(earlier), earlier.sql(PEOPLE)) == (schema.head(), people)
    assert earlier.sql("SELECT who FROM audit_entry WHERE action = 'upgrade.done'") == [("system:upgrade",)]
    assert earlier("audit", "verify") == 0, earlier.said()
    assert client.get(maintenance.SIGN) == f'{{"revision": "{process.REVISION}", "done": true}}'.encode()


@pytest.mark.usefixtures("quick")
def test_nothing_to_migrate_closes_no_door(ours: Any, client: Redis) -> None:
    with ours.database.as_worker():
        prepare.bootstrap("first", name="苏和", password="a long sentence of mine")
    hung = []
    ours.monkeypatch.setattr(maintenance, "hang_up", lambda *given: hung.append(given))
    assert ours("upgrade", "--to", ours.safe) == 0, ours.said()
    assert "The structure is of this version" in ours.said() and hung == [] and client.get(maintenance.SIGN) is None


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('the third step')",
        "op.execute('ALTER TABLE applicant ADD CONSTRAINT too_many UNIQUE (consent_version)')",
        "op.execute('SELECT 1 / 0')",
    ],
)
def test_a_migration_that_fails_leaves_the_database_as_it_was(earlier: Any, client: Redis, tmp_path: Path, body: str) -> None:
    before = content(earlier.house.url("postgres", earlier.name), without=TOLD)
    with_migrations(earlier, tmp_path, m9001="op.execute('CREATE TABLE first_step (id int)')", m9002="op.execute('DELETE FROM code_list')", m9003=body)
    assert earlier("upgrade", "--to", earlier.safe) == 1
    said = earlier.said()

    assert f"Everything is as it was before, at revision {EARLIER}; the backup is" in said and "Traceback" not in said
    assert content(earlier.house.url("postgres", earlier.name), without=TOLD) == before
    assert (revision(earlier), client.get(maintenance.SIGN)) == (EARLIER, None)
    assert "is put back" not in said  # nothing was finished that would have to be


@pytest.mark.usefixtures("quick")
def test_what_fails_after_the_migrations_is_undone_by_the_backup(earlier: Any, client: Redis) -> None:
    before = content(earlier.house.url("postgres", earlier.name), without=(*TOLD, "web_session", "heartbeat", "sign_in_code"))

    def broken(*given: Any) -> Any:
        raise SeedProblems([Problem("divisions.csv", 3, "code", "不能为空。")])

    earlier.monkeypatch.setattr(prepare, "seed", broken)
    assert earlier("upgrade", "--to", earlier.safe) == 1
    said = earlier.said()
    assert "divisions.csv:3:code" in said and "the backup is put back" in said and "Everything is as it was before" in said
    assert content(earlier.house.url("postgres", earlier.name), without=(*TOLD, "web_session", "heartbeat", "sign_in_code")) == before
    assert (revision(earlier), client.get(maintenance.SIGN)) == (EARLIER, None)


@pytest.mark.usefixtures("quick")
def test_when_the_backup_cannot_be_put_back_either_the_command_is_said(earlier: Any, client: Redis) -> None:
    def broken(*given: Any, **more: Any) -> Any:
        raise RuntimeError("no")

    earlier.monkeypatch.setattr(prepare, "seed", broken)
    earlier.monkeypatch.setattr(restoring, "restore", broken)
    assert earlier("upgrade", "--to", earlier.safe) == 1
    assert re.search(r"Stop web, worker, relay and cron, then run: python -m console restore \S+ --replace --without-backup --as-it-was", earlier.said())


@pytest.mark.usefixtures("quick")
def test_what_is_bad_before_is_cured_before(earlier: Any) -> None:
    earlier.monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10 * 2**30, 10 * 2**30 - 1000, 1000))  # type: ignore[attr-defined]
    assert earlier("upgrade", "--to", earlier.safe) == 1
    said = earlier.said()
    assert "0.0 GiB of 10 free" in said and "Nothing was changed. Cure that first." in said
    assert (revision(earlier), earlier.safe.exists()) == (EARLIER, False)


def test_a_transaction_that_stays_open_is_not_pulled_away(earlier: Any, client: Redis, monkeypatch: Any) -> None:
    monkeypatch.setattr(maintenance, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(upgrade_command, "PATIENCE", 0)
    with psycopg.connect(earlier.house.url("ruku_web", earlier.name)) as busy:
        busy.execute("SELECT count(*) FROM division")
        assert earlier("upgrade", "--to", earlier.safe) == 1
    assert "1 transactions are still open" in earlier.said()
    assert (revision(earlier), client.get(maintenance.SIGN)) == (EARLIER, None)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [("UPDATE alembic_version SET version_num = '9999'", "a newer one was here"), ("DELETE FROM alembic_version", "is empty: `python -m console migrate --seed`")],
)
def test_a_database_that_is_not_an_earlier_one_is_left_alone(ours: Any, statement: str, sentence: str) -> None:
    ours.sql(statement)
    assert (ours("upgrade", "--to", ours.safe), sentence in ours.said()) == (1, True)
    assert (ours("upgrade"), "Where does the backup go" in ours.said()) == (1, True)


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("quick")
def test_going_back_lists_what_is_lost_and_asks(earlier: Any, client: Redis) -> None:
    earlier("upgrade", "--to", earlier.safe)
    earlier.sql("INSERT INTO outbox (topic, ids, created_at, due_at) VALUES ('x', '{1}', now(), now())")
    (folder,) = [one for one in earlier.safe.iterdir() if one.name[0] == "2"]
    answers = iter(["no", folder.name])
    earlier.monkeypatch.setattr(upgrade_command, "_typed", lambda question: next(answers))
    assert earlier("upgrade", "rollback", earlier.safe) == 1
    said = earlier.said()
    assert re.search(r"^ +1  outbox$", said, re.MULTILINE) and re.search(r"^ +1  upgrade\.done$", said, re.MULTILINE) and "Nothing was changed." in said
    assert revision(earlier) == schema.head()

    assert earlier("upgrade", "rollback", folder) == 0, earlier.said()
    assert f"Now start the version that made it (0.1.0, revision {EARLIER})" in earlier.said()
    assert (revision(earlier), earlier.sql("SELECT count(*) FROM outbox WHERE topic = 'x'"), client.get(maintenance.SIGN)) == (EARLIER, [(0,)], None)
    assert len([one for one in earlier.safe.iterdir() if one.name[0] == "2"]) == 2  # what was left behind is kept


def test_going_back_without_a_place_says_so(ours: Any, tmp_path: Path) -> None:
    assert (ours("upgrade", "rollback"), "To which backup?" in ours.said()) == (1, True)
    assert (ours("upgrade", "rollback", tmp_path), "There is no backup in" in ours.said()) == (1, True)


# ── the doors ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sign(redis: Redis, monkeypatch: Any) -> Redis:
    monkeypatch.setattr(maintenance, "LOOK_EVERY", 0.0)
    return redis


def test_doors_say_calmly_that_it_takes_minutes_and_ask_the_database_nothing(committed_db: Any, portal: Any, console: Any, sign: Redis) -> None:
    maintenance.hang_up(sign, "9999")
    statements: list[str] = []
    listening = (committed_db.web, "before_cursor_execute", lambda conn, cursor, statement, *more: statements.append(statement))
    event.listen(*listening)
    try:
        for door, path in ((portal, "/"), (portal, "/notices"), (console, "/"), (console, "/screens/admissions/")):
            for language, words in (("zh-CN", "系统正在更新"), ("en", "The system is being updated")):
                answer = door.get(path, headers={"Accept-Language": language, "Cookie": "ruku_session=x; ruku_theme=dark"})
                assert (answer.status_code, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "60", "no-store")
                assert words in answer.text and "Content-Security-Policy" in answer.headers and "{" not in re.sub(r"<script.*?</script>", "", answer.text, flags=re.DOTALL)
        posted = portal.post("/sign-in", data={"phone": "13900000000"})
    finally:
        event.remove(*listening)
    assert (posted.status_code, len(statements)) == (503, 0)
    program = console.get("/api/v1/", headers={"Accept": "application/json"})
    assert (program.status_code, program.headers["Retry-After"]) == (503, "60")
    assert portal.get("/static/css/portal.css").status_code == 200
    assert portal.get("/healthz").status_code == 200
    assert portal.get("/readyz").status_code == 503


def test_afterwards_this_version_goes_on_and_an_older_one_stands_still(portal: Any, sign: Redis) -> None:
    maintenance.let_in(sign, process.REVISION)
    assert portal.get("/").status_code == 200
    maintenance.let_in(sign, "9999")
    assert portal.get("/").status_code == 503
    maintenance.take_down(sign)
    assert portal.get("/").status_code == 200


def test_a_sign_nobody_can_read_closes_nothing(portal: Any, sign: Redis) -> None:
    for nonsense in (b"x", b"[]", b"{}", b"3"):
        sign.set(maintenance.SIGN, nonsense)
        assert portal.get("/").status_code == 200
    away = maintenance.Watch("redis://127.0.0.1:1/0", "1")
    assert away.stands_still() is False


def test_a_sign_ends_by_itself(sign: Redis) -> None:
    maintenance.hang_up(sign, "1")
    assert 0 < sign.ttl(maintenance.SIGN) <= 3_600  # type: ignore[operator]


def test_the_worker_begins_no_job_meanwhile(settings: Any, sign: Redis) -> None:
    maintenance.hang_up(sign, "9999")
    made = worker._worker(sign, maintenance.Watch(settings.redis_url, process.REVISION))
    waiting = threading.Thread(target=made.check_for_suspension, args=(False,))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    maintenance.take_down(sign)
    waiting.join(10)
    assert not waiting.is_alive()


def test_the_program_knows_its_newest_migration_without_loading_any() -> None:
    assert schema.head() == process.REVISION


def test_every_migration_can_be_undone_with_the_others() -> None:
    """All of them run in one transaction: what cannot be in one (CREATE INDEX CONCURRENTLY, ALTER TYPE … ADD VALUE) has to be thought of first."""
    odd = re.compile(r"CONCURRENTLY|autocommit_block|ADD VALUE|VACUUM|\bCOMMIT\b")
    assert [path.name for path in (OURS / "versions").glob("*.py") if odd.search(path.read_text(encoding="utf-8"))] == []
