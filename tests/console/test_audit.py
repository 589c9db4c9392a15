"""Whatever is changed past the application is found; what the application did is not."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from sqlalchemy.exc import ProgrammingError

from console import audit, audit_verifier, db, process
from console.accounts.grants import MAY_GIVE
from console.roles import Act, Role
from console.scope import NOBODY, require
from rules.pipeline import MOVES, Step
from tests.conftest import House, _open, _use
from tests.console.audited import seal_all, walk
from tests.factories import make_admission, make_staff

SEED = 20261126
CHANGES = 100
VERIFIER = Path(audit_verifier.__file__)
PRINCIPALS = ("", "staff:1", "system:relay", "system:seed")


@pytest.fixture(scope="module")
def population(house: House, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A clone of this module's own, walked, sealed and anchored; each test leaves it as it was."""
    name = f"ruku_audit_{getattr(request.config, 'workerinput', {}).get('workerid', 'gw0')}"
    house.clone(name)
    own = _open(house, name)
    with Redis.from_url(own.settings.redis_url) as client:
        client.flushdb()
    with own.committing(own.web, NOBODY):
        walked = walk(own)
        assert walked.ends() == {person.serial: dict(person.expected) for person in walked.people}
    seal_all(own)
    with own.as_worker("anchor"), db.transaction() as session:
        audit.anchor(session)
    seal_all(own)
    yield own
    own.dispose()
    house.drop(name)


@pytest.fixture
def superuser(house: House, population: Any) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(house.url("postgres", population.name)) as connection:
        yield connection
        connection.rollback()


def anchors_of(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    rows = connection.execute("SELECT DISTINCT ON (stream) stream, seq, hash, sm3 FROM audit_link ORDER BY stream, seq DESC")
    return [{"stream": stream, "seq": seq, "at": "that day", "sha256": sha256, "sm3": sm3} for stream, seq, sha256, sm3 in rows]


# ── what is right is not complained about ────────────────────────────────────────────────────────────────────


def test_what_the_application_did_has_no_faults(population, superuser):
    report = audit_verifier.verify(superuser, anchors=anchors_of(superuser))

    assert report.faults == []
    assert (report.entries > 700, report.rows > 1_500, report.anchors > 4) == (True, True, True)


def test_verifier_stands_alone(population, tmp_path, superuser):
    copy = tmp_path / "audit_verifier.py"
    copy.write_text(VERIFIER.read_text())
    (tmp_path / "anchors.json").write_text(json.dumps({"anchors": anchors_of(superuser)}))
    asked = [sys.executable, "-I", str(copy), population.settings.database_worker_url, "--anchors", str(tmp_path / "anchors.json"), "--json"]
    found = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert (found.returncode, json.loads(found.stdout)["faults"]) == (0, [])
    blind = subprocess.run([*asked[:3], population.settings.database_url], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (blind.returncode, "audit_key" in blind.stderr) == (2, True)
    assert len(copy.read_text().splitlines()) < 200
    assert not {line for line in copy.read_text().splitlines() if line.startswith(("from console", "import console", "from rules"))}


def test_the_command_says_the_same_and_hands_out_what_an_auditor_needs(population, monkeypatch, capsys):
    from console import __main__ as command  # late: it is the command line

    for name, value in population_environment(population).items():
        monkeypatch.setenv(name, value)
    engine = db._engine
    try:
        assert command.main(["audit", "verify", "--wait", "0"]) == 0
        assert command.main(["audit", "anchors"]) == 0
        assert command.main(["audit", "export"]) == 0
    finally:
        db.engine().dispose()
        _use(engine)
    said = capsys.readouterr().out
    anchors, entries = said[said.index("{") :].split("\n}\n", 1)
    anchors = json.loads(anchors + "}")["anchors"]
    lines = [json.loads(line) for line in entries.splitlines()]
    heads = {(line["stream"], line["seq"]): (line["sha256"], line["sm3"]) for line in lines}

    assert said.splitlines()[0].endswith("anchors looked at: 0 faults.")
    assert {heads[one["stream"], one["seq"]] == (one["sha256"], one["sm3"]) for one in anchors} == {True}
    last: dict[str, tuple[str, str]] = {}
    for line in lines:  # from the exported file alone
        sha256, sm3 = last.get(line["stream"], ("", ""))
        assert line["sha256"] == audit.link_hash(sha256, line["seq"], hashlib.sha256(line["body"].encode()).hexdigest())
        assert line["sm3"] == audit.link_sm3(sm3, line["seq"], line["entry"], line["xid"], line["body"])
        last[line["stream"]] = line["sha256"], line["sm3"]


def population_environment(population: Any) -> dict[str, str]:
    settings = population.settings
    return {
        "RUKU_MODE": "test", "DATABASE_URL": settings.database_url, "DATABASE_WORKER_URL": settings.database_worker_url,
        "REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir), "SECRET_KEY": settings.secret_key,
        "PORTAL_SECRET_KEY": settings.portal_secret_key, "HASH_KEY": base64.b64encode(settings.hash_key).decode(),
        "DATA_KEYS": ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in settings.data_keys.items()),
    }  # fmt: skip


# ── what an entry says ───────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_names_the_grant_that_covered_the_act_and_no_personal_value(session, as_):
    officer = make_staff(session, Role.FIRST_REVIEWER)
    officer = make_staff(session, Role.SECOND_REVIEWER, staff=officer)
    admission = make_admission(session)
    with as_(officer):
        require(officer, Act.SECOND_REVIEW, admission)
        changes = {"phone": [audit.fingerprint("13904710001"), audit.fingerprint("13904710002")]}
        facts = audit.entry(session, "test.done", "test:1", changes=changes).facts
        named = audit.entry(session, "test.done", "test:1", grant=7).facts["grant"]
    said = audit.entry(session, "test.done", "test:1").facts  # nobody's act is another's

    assert (facts["grant"], facts["grants"], named) == (officer.grants[1].id, [g.id for g in officer.grants], 7)
    assert "grant" not in said
    before, after = facts["changes"]["phone"]
    assert (before != after, before, "1390471" in json.dumps(facts)) == (True, audit.fingerprint("13904710001"), False)


WRITE = "INSERT INTO audit_entry (stream, at, who, action, subject, body, leaf) VALUES ('t', now(), 'w', 'a', 's', '{}', '') RETURNING id"


def test_entries_are_linked_in_the_order_they_were_written_whichever_transaction_began_first(committed_db):
    """The second writer of a row may have begun before the first: were it linked first, its witness would be taken for the older one."""

    def sealed() -> list[int]:
        with committed_db.as_worker("seal"), db.transaction() as session:
            audit.seal(session)
        with committed_db.owner.connect() as connection:
            return list(connection.exec_driver_sql("SELECT entry_id FROM audit_link WHERE stream = 't' ORDER BY seq").scalars())

    with committed_db.worker.connect() as early, committed_db.worker.connect() as between, committed_db.worker.connect() as late:
        for connection in (early, between, late):
            connection.exec_driver_sql("SELECT pg_current_xact_id()")
        first = late.exec_driver_sql(WRITE).scalar_one()
        late.commit()
        second = early.exec_driver_sql(WRITE).scalar_one()
        early.commit()
        meanwhile = sealed()
        between.commit()
    seal_all(committed_db)

    assert (meanwhile, sealed()) == ([], [first, second])


def test_sealing_goes_on_in_another_cluster(committed_db):
    seal_all(committed_db)
    with committed_db.owner.begin() as connection:  # as a backup of a cluster that had counted further brings it
        connection.exec_driver_sql("UPDATE audit_horizon SET below = 2::bigint ^ 40")
        restored = connection.exec_driver_sql(WRITE.replace("(stream", "(xid, stream").replace("('t'", "(2::bigint ^ 40 - 5, 't'")).scalar_one()
    with committed_db.as_worker(), db.transaction() as session:
        audit.record(session, "test.done", "test:1")
    seal_all(committed_db)  # until nothing is left

    with committed_db.owner.connect() as connection:
        assert connection.exec_driver_sql("SELECT seq FROM audit_link WHERE entry_id = %s", (restored,)).scalars().all() == [1]
        assert connection.exec_driver_sql("SELECT below < 2::bigint ^ 40 FROM audit_horizon").scalar_one()


def test_an_entry_that_speaks_of_rows_in_another_shape_stops_nothing(session):
    """Found by a restore: a number under that name ended the verifier, and hung it on its own connection."""
    audit.record(session, "test.counted", "test:1", rows=3)
    assert not [fault for fault in audit.verify(session) if "past the application" in fault]


def test_owners_before_a_restore_are_known(session):
    assert audit.earlier_owners(session) == []
    audit.record(session, audit.RESTORED, "backup:x", owner="they_before")
    session.flush()
    assert audit.earlier_owners(session) == ["they_before"]


def test_a_python_without_sm3_is_refused_with_a_sentence(settings, monkeypatch):
    monkeypatch.setattr(hashlib, "algorithms_available", {"sha256"})

    with pytest.raises(process.NotReady, match="has no SM3"):
        process.begin("web", settings, check=False)
    with pytest.raises(SystemExit):
        audit_verifier.main(["postgresql://nowhere"])


def test_heads_are_published_once_in_their_time(session, clock):
    audit.record(session, "test.done", "test:1")
    session.commit()
    day = dt.timedelta(hours=24)
    first = audit.anchor_when_due(session, every=day)
    clock.advance(hours=23)
    early = audit.anchor_when_due(session, every=day)
    clock.advance(hours=2)
    session.connection().exec_driver_sql(audit._LINK, (["system"], [900], [900_000], ["a" * 64], ["b" * 64]))
    later = audit.anchor_when_due(session, every=day)

    assert (early, later) == (0, 1)
    assert first == len({one["stream"] for one in audit.published(session)} - {"system"}) or first > 0
    assert audit.published(session)[-1] | {"at": ""} == {"stream": "system", "seq": 900, "at": "", "sha256": "a" * 64, "sm3": "b" * 64}


def test_the_web_may_add_to_the_audit_and_read_it_and_no_more(web_engine):
    for statement in (
        "UPDATE audit_entry SET body = '{}'", "DELETE FROM audit_entry", "UPDATE audit_link SET sm3 = ''", "DELETE FROM audit_link",
        "INSERT INTO audit_link VALUES ('s', 1, 1, '', '')", "UPDATE audit_anchor SET sm3 = ''", "INSERT INTO audit_anchor VALUES ('s', 1, now(), '', '')",
        "SELECT key FROM audit_key", "UPDATE audit_horizon SET below = 0", "ALTER TABLE admission DISABLE TRIGGER witness_update",
        "SELECT ruku_write_witness('admission', 'update', '{1}', '{x}')", "SET session_replication_role = replica",
    ):  # fmt: skip
        with web_engine.connect() as connection, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            connection.exec_driver_sql(statement)


# ── the verifier's own copies of our tables say what ours say ────────────────────────────────────────────────

# what may change without a witness, and why
UNWITNESSED = {
    "ab_api_key": "nobody has one", "ab_group": "not used", "ab_group_role": "not used", "ab_user_group": "not used", "ab_user_role": "stays empty",
    "ab_register_user": "not used", "ab_permission": "made from the code", "ab_permission_view": "made from the code",
    "ab_permission_view_role": "made from the code", "ab_role": "made from the code", "ab_view_menu": "made from the code",
    "searched_table": "written by migrations", "alembic_version": "migrations", "alembic_version_registers": "migrations", "audit_entry": "in the chains", "audit_link": "the chains", "audit_key": "the key of the witnesses",
    "audit_horizon": "only the sealer's place", "clock_offset": "demo and test only", "code_list": "reference", "division": "reference",
    "specialty": "reference", "calendar_draft": "becomes a calendar_version, which is witnessed", "daily_run": "carries", "heartbeat": "carries", "job_run": "carries", "outbox": "carries", "setback": "carries",
    "staff_message": "reminders", "web_session": "comes and goes", "sign_in_code": "comes and goes", "sign_in_link": "comes and goes",
    "retention_outlook": "counted anew", "replay": "asks, decides nothing", "replay_outcome": "asks, decides nothing",
    "data_export": "asks, decides nothing", "data_import": "asks; what it changed has witnesses of its own", "data_import_row": "comes and goes",
    "saved_view": "a way of looking",
    "vital": "measured, decides nothing",
    "notice_probe": "append-only; a row every five minutes, whose sums are in the chains when they decide (notice.proved, notice_extension)",
    "notice_probe_day": "append-only; sums of the above, written by a function of the database and in the chains (notice.probes_summed)",
    "staff_digest": "reminders", "account_notice": "reminders", "bounce_box": "comes and goes",
}  # fmt: skip


def test_every_table_has_witnesses_or_a_reason(superuser):
    rows = superuser.execute(
        "SELECT relname, count(t.oid) FROM pg_class c LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname LIKE 'witness_%' AND t.tgenabled = 'O'"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1"
    ).fetchall()

    registers = {name for (name,) in superuser.execute("SELECT table_name FROM register_definition")}
    assert {name for name, triggers in rows if triggers == 3} == set(audit_verifier.WITNESSED) | registers
    assert {name for name, triggers in rows if triggers == 0} == {*UNWITNESSED}


def test_verifier_knows_the_law_of_movement_and_who_gives_roles():
    law = {f"{step} {action} {move.to} {' '.join(sorted(move.doers))}" for (step, action), move in MOVES.items()}
    copied = {" ".join([*line.split()[:3], *sorted(line.split()[3:])]) for line in audit_verifier.MOVES}
    given = {role: {giver for giver, roles in MAY_GIVE.items() if role in roles} for roles in MAY_GIVE.values() for role in roles}

    assert copied == law
    assert {role: set(givers.strip("{}").split(",")) for role, givers in audit_verifier.GIVERS.items()} == given
    assert {*audit_verifier.ROUTE} < {*Step}


# ── meaning: what nobody was entitled to is found, however well its traces are made ──────────────────────────

_OF = "(SELECT min(admission_id) FROM roster_specialty)"
NONSENSE = {
    "a file elsewhere than its trail ends": ("UPDATE admission SET step = 'exam' WHERE step = 'roster'", "lies at 'exam', but its trail ends at 'roster'"),
    "a move nobody told of": ("DELETE FROM audit_entry WHERE action = 'admission.refuse'", "its trail and its audit entries tell different moves"),
    "a move the law does not know": ("UPDATE step_entry SET to_step = 'roster' WHERE from_step = 'exam' AND action = 'pass_step'", "'pass_step' to 'roster' was not"),
    "a move by the applicant that is an officer's": ("UPDATE step_entry SET who = 'applicant:1' WHERE from_step = 'second_review'", "was not applicant:1's to do then"),
    "a review after the grant had ended": ("UPDATE staff_grant SET ended_at = '2026-03-02' WHERE role = 'second_reviewer'", "'pass_step' to 'training' was not staff:"),
    "a grant for another department": ("UPDATE staff_grant SET department_id = 1 + department_id %% 6 WHERE role = 'first_reviewer'", "was not staff:"),
    "one person at both reviews": (
        "UPDATE step_entry s SET who = f.who FROM step_entry f WHERE f.admission_id = s.admission_id AND f.from_step = 'first_review' AND s.from_step = 'second_review'",
        "decided on both sides of a separated duty",
    ),
    "a review that moved nothing": (f"DELETE FROM step_entry WHERE from_step = 'second_review' AND admission_id = {_OF}", "without each other"),
    "a move without its review": (f"DELETE FROM review WHERE level = 'second_review' AND admission_id = {_OF}", "without each other"),
    "an exam not passed": (f"UPDATE attempt SET passed = false WHERE admission_id = {_OF}", "its route has an exam, and none was passed"),
    "a notice that had not ended": ("UPDATE notice SET due_at = due_at + interval '60 days'", "no notice had ended with nothing open"),
    "an objection that stood": ("UPDATE notice_item SET admission_id = 1 WHERE outcome = 'admitted'", "no notice had ended with nothing open"),
    "an expert without an admission": (f"DELETE FROM roster_event WHERE (facts ->> 'admission_id')::int = {_OF}", "came to the roster, and nothing of it is there"),
    "a standing nobody gave": ("UPDATE roster_specialty SET standing = 'suspended'", "is 'suspended', but its events say otherwise"),
    "a grant given to oneself": ("UPDATE staff_grant SET granted_by = 'staff:' || staff_id", "'s to give"),
    "a grant by somebody who holds nothing": ("UPDATE staff_grant SET granted_by = 'staff:999'", "was not staff:999's to give"),
    "rules published without a grant": ("UPDATE release_event SET actor = 'staff:2' WHERE state = 'published'", "was published by staff:2, who had a hand in it"),
    "rules that are not what was published": ("UPDATE release SET content = content || ' '", "is not what its hash says"),
    "an entry kept from the chains": (
        "INSERT INTO audit_entry (xid, stream, at, who, action, subject, body, leaf) VALUES (2::bigint ^ 40, 's', now(), 'w', 'a', 's', '{}', '')",
        "it is in no chain",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NONSENSE)
def test_what_nobody_was_entitled_to_is_found(what, superuser):
    statement, sentence = NONSENSE[what]
    superuser.execute("SET LOCAL session_replication_role = replica")
    changed = superuser.execute(statement.replace("%%", "%"))
    faults = audit_verifier.verify(superuser).faults

    assert changed.rowcount > 0
    assert [fault for fault in faults if sentence in fault], faults


def test_a_grant_given_under_a_covering_one_is_in_order(population, superuser):
    """The giver's own grant must cover department, division and role at that moment: take any of them away and it is found."""
    admin = superuser.execute(
        "SELECT id, staff_id, department_id FROM staff_grant WHERE role = 'department_admin' AND division_code = '150000' ORDER BY id LIMIT 1"
    ).fetchone()
    given = superuser.execute(
        "UPDATE staff_grant SET granted_by = 'staff:' || %(staff)s, under_grant_id = %(id)s WHERE department_id = %(department)s AND role = 'first_reviewer'"
        " AND granted_at >= (SELECT granted_at FROM staff_grant WHERE id = %(id)s) RETURNING id",
        {"id": admin[0], "staff": admin[1], "department": admin[2]},
    ).fetchall()
    superuser.execute("SET LOCAL session_replication_role = replica")
    superuser.execute(
        "UPDATE audit_entry e SET who = 'staff:' || %s FROM staff_grant g WHERE e.subject = 'grant:' || g.id AND g.id = ANY(%s)",
        [admin[1], [number for (number,) in given]],
    )

    def not_theirs() -> int:
        return len([fault for fault in audit_verifier.verify(superuser).faults if "'s to give" in fault])

    in_order = not_theirs()
    found = []
    for change in ("division_code = '150100'", "role = 'supervisor'", "department_id = %s", "ended_at = granted_at"):
        with superuser.transaction(force_rollback=True):
            other = [admin[2] % 6 + 1] if "%s" in change else []
            superuser.execute(f"UPDATE staff_grant SET {change} WHERE id = %s", [*other, admin[0]])
            found.append(not_theirs() > 0)

    assert (len(given) > 0, in_order, found) == (True, 0, [True] * 4)


# ── what is changed is found ─────────────────────────────────────────────────────────────────────────────────


class Tamperer:
    """One change at a time, as somebody with the superuser's password would make it; False when the database would not have it."""

    def __init__(self, connection: psycopg.Connection[Any], seed: int) -> None:
        self.db, self.random = connection, random.Random(seed)
        self.columns: dict[str, list[tuple[str, str]]] = {}
        tables = [*audit_verifier.WITNESSED, "audit_entry", "audit_link"]
        for table, column, kind in connection.execute(
            "SELECT relname, attname, format_type(atttypid, NULL) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
            " WHERE relname = ANY(%s) AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum", [tables],
        ):  # fmt: skip
            if column not in audit_verifier.WITNESSED.get(table, ([], [], []))[1]:
                self.columns.setdefault(table, []).append((column, kind))
        counts = {table: connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone() for table in tables}
        self.tables = [table for table in tables if counts[table][0]]  # type: ignore[index]

    def change(self) -> str:
        """What was done, in words; '' when it could not be."""
        kind = self.random.choice(("column", "column", "column", "delete", "insert", "swap", "relink", "rehash", "tail"))
        mode = "replica" if kind in ("swap", "relink", "rehash", "tail") else self.random.choice(("replica", "replica", "origin"))
        who = self.random.choice(PRINCIPALS)
        try:
            self.db.execute("SELECT set_config('session_replication_role', %s, true), set_config('ruku.who', %s, true)", [mode, who])
            said = getattr(self, f"_{kind}")()
        except psycopg.Error as error:
            if not isinstance(error, psycopg.errors.IntegrityError | psycopg.errors.InsufficientPrivilege | psycopg.errors.DataError | psycopg.errors.GeneratedAlways):
                raise
            return ""
        return f"{kind} ({mode}, '{who}'): {said}" if said else ""

    def _row(self, table: str) -> tuple[str, ...]:
        must = audit_verifier.WITNESSED.get(table, ([], [], []))[2]
        where = sql.SQL("WHERE {} IS NOT NULL").format(sql.Identifier(must[0])) if must else sql.SQL("")
        places = self.db.execute(sql.SQL("SELECT ctid::text FROM {} {} ORDER BY ctid").format(sql.Identifier(table), where)).fetchall()
        return self.random.choice(places)

    def _column(self) -> str:
        table = self.random.choice(self.tables)
        column, kind = self.random.choice(self.columns[table])
        other = {
            "integer": "coalesce({0}, 0) + 1", "bigint": "coalesce({0}, 0) + 1", "smallint": "coalesce({0}, 0) + 1",
            "boolean": "NOT coalesce({0}, false)", "date": "coalesce({0}, '2026-01-01') + 1", "jsonb": "coalesce({0}, '[]') || '[\"x\"]'",
            "timestamp with time zone": "coalesce({0}, '2026-01-01') + interval '1 hour'",
            "timestamp without time zone": "coalesce({0}, '2026-01-01') + interval '1 hour'",
            "character varying[]": "array_append({0}, 'x')", "bytea": "{0} || '\\x00'",
        }.get(kind, "left(coalesce({0}, ''), 5) || 'x'")  # fmt: skip
        value = "NULL" if self.random.random() < 0.2 else other.format(f'"{column}"')
        row = self._row(table)
        # JSON's null and no value at all are one to whoever reads the column, and to its digest
        other_than = f""" AND "{column}" <> 'null'::jsonb""" if (kind, value) == ("jsonb", "NULL") else ""
        done = self.db.execute(f'UPDATE {table} SET "{column}" = {value} WHERE ctid = %s::tid AND "{column}" IS DISTINCT FROM {value}{other_than}', row)
        return f"{table}.{column} = {value}" if done.rowcount else ""

    def _delete(self) -> str:
        table = self.random.choice(self.tables)
        return f"{table}" if self.db.execute(f"DELETE FROM {table} WHERE ctid = %s::tid", self._row(table)).rowcount else ""

    def _insert(self) -> str:
        table = self.random.choice([table for table in self.tables if table != "audit_entry"])  # the relay links it, as any other
        changed = {column: 900_000 for column, kind in self.columns[table] if column in ("id", "seq", "version", "staff_id", "attempt_id", "entry_id")}
        changed |= {column: "x9" for column, kind in self.columns[table] if column in ("number", "code", "key", "idempotency_key", "content_hash", "username", "email")}
        copied = f"jsonb_populate_record(NULL::{table}, to_jsonb(r) || %s::jsonb)"
        done = self.db.execute(f"INSERT INTO {table} SELECT ({copied}).* FROM {table} r WHERE ctid = %s::tid", [json.dumps(changed), *self._row(table)])
        return table if done.rowcount else ""

    def _two(self) -> list[int]:
        return self.random.sample([number for (number,) in self.db.execute("SELECT id FROM audit_entry ORDER BY id")], 2)

    def _swap(self) -> str:
        one, other = self._two()
        self.db.execute(
            "UPDATE audit_entry a SET body = b.body, leaf = b.leaf, at = b.at, who = b.who, action = b.action, subject = b.subject"
            " FROM audit_entry b WHERE (a.id, b.id) IN ((%(x)s, %(y)s), (%(y)s, %(x)s))", {"x": one, "y": other},
        )  # fmt: skip
        return f"entries {one} and {other} change places"

    def _relink(self) -> str:
        one, other = self._two()
        self.db.execute("UPDATE audit_link SET entry_id = -1 WHERE entry_id = %s", [one])
        self.db.execute("UPDATE audit_link SET entry_id = %s WHERE entry_id = %s", [one, other])
        self.db.execute("UPDATE audit_link SET entry_id = %s WHERE entry_id = -1", [other])
        return f"links of {one} and {other} change places"

    def _rehash(self) -> str:
        one = self._two()[0]
        self.db.execute(
            "UPDATE audit_entry SET body = body || ' ', leaf = encode(sha256(convert_to(body || ' ', 'UTF8')), 'hex') WHERE id = %s", [one]
        )
        return f"entry {one}, its leaf computed again"

    def _tail(self) -> str:
        stream, length = self.random.choice(self.db.execute("SELECT stream, count(*) FROM audit_link GROUP BY 1 ORDER BY 1").fetchall())
        cut = length - self.random.randint(1, min(5, length))
        self.db.execute("DELETE FROM audit_entry e USING audit_link l WHERE l.entry_id = e.id AND l.stream = %s AND l.seq > %s", [stream, cut])
        self.db.execute("DELETE FROM audit_link WHERE stream = %s AND seq > %s", [stream, cut])
        return f"{stream} ends at {cut}"


def tamper(connection: psycopg.Connection[Any], *, seed: int, changes: int) -> None:
    print(f"seed {seed}")
    anchors, tamperer = anchors_of(connection), Tamperer(connection, seed)
    connection.commit()
    kinds, missed = Counter[str](), []
    while kinds.total() < changes:
        if said := tamperer.change():
            kinds[said.split()[0]] += 1
            if not audit_verifier.verify(connection, anchors=anchors).faults:
                missed.append(said)
        connection.rollback()

    assert missed == []
    assert len(kinds) == 7, kinds
    assert audit_verifier.verify(connection, anchors=anchors).faults == []


def test_a_hundred_changes_are_a_hundred_found(superuser):
    tamper(superuser, seed=SEED, changes=CHANGES)


@pytest.mark.matrix
def test_thousands_of_changes_are_all_found(superuser):
    tamper(superuser, seed=random.randrange(2**32), changes=5_000)


def test_a_superuser_who_says_they_are_the_base_data_is_found(superuser):
    superuser.execute("SET LOCAL ruku.who = 'system:seed'")
    superuser.execute("ALTER TABLE calendar_day DISABLE TRIGGER append_only")
    superuser.execute("DELETE FROM calendar_day WHERE id = (SELECT min(id) FROM calendar_day)")

    faults = audit_verifier.verify(superuser, anchors=anchors_of(superuser)).faults

    superuser.rollback()
    assert any("delete of calendar_day" in fault and "past the application" in fault for fault in faults)
