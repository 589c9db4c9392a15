"""The rows of `bench.lists`: the same million for the peers, in a schema of theirs, and for us, in a register."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from ruamel.yaml import YAML

from console import apps, db, process, schema
from console.accounts import permissions
from console.departments import queries as departments
from console.registers import loading, migrating, planning
from console.registers.shapes import table_name
from console.registers.tables import declare
from console.roles import Role
from console.scope import System, become
from tests.factories import make_staff
from tests.officers import begin_session
from tests.servers import House

TERM = "乘僽"
DEEP = 20_000

#: tables and rows as an admin of somebody else's would have them, with the index a careful owner adds for the filter and its order
PEER_ROWS = """
CREATE TABLE region (id serial PRIMARY KEY, name varchar(80) NOT NULL);
CREATE TABLE specialty (id serial PRIMARY KEY, name varchar(80) NOT NULL);
CREATE TABLE unit (id serial PRIMARY KEY, name varchar(120) NOT NULL);
INSERT INTO region (name) SELECT '地区' || i FROM generate_series(1, 120) i;
INSERT INTO specialty (name) SELECT '专业' || i FROM generate_series(1, 400) i;
INSERT INTO unit (name) SELECT '单位' || i FROM generate_series(1, 5000) i;
CREATE TABLE application (
  id serial PRIMARY KEY, code varchar(20) NOT NULL, name varchar(40) NOT NULL, id_no varchar(20) NOT NULL, status varchar(16) NOT NULL, score int NOT NULL,
  region_id int NOT NULL REFERENCES region, specialty_id int NOT NULL REFERENCES specialty, unit_id int NOT NULL REFERENCES unit,
  created_at timestamp NOT NULL, note text NOT NULL);
INSERT INTO application (code, name, id_no, status, score, region_id, specialty_id, unit_id, created_at, note)
SELECT 'A' || lpad(i::text, 8, '0'),
  chr(19968 + ((h & 1023) % 150)::int) || chr(20200 + ((h >> 10 & 65535) % 900)::int) || chr(21200 + ((h >> 26 & 63) * 11)::int),
  '43' || lpad((i * 7919::bigint % 10000000000)::text, 16, '0'),
  (ARRAY['draft', 'review', 'exam', 'public', 'roster'])[1 + i % 5], i * 31 % 101, 1 + i * 17 % 120, 1 + i * 23 % 400, 1 + i * 37 % 5000,
  timestamp '2026-01-01' + i * interval '13 seconds', 'note ' || i
FROM (SELECT i, hashint8(i)::bigint & 2147483647 h FROM generate_series(1, {rows}::bigint) i) x;
CREATE INDEX ON application (region_id);
CREATE INDEX ON application (specialty_id);
CREATE INDEX ON application (unit_id);
CREATE INDEX ON application (status, id);
"""


@dataclass(frozen=True)
class Ours:
    """Where our pages are, who is signed in, the environment of the server, and how its database goes away."""

    paths: Mapping[str, str]
    cookie: str
    environment: Mapping[str, str]
    end: Callable[[], Any]


#: the same million, in offices of all levels; triggers are off, as in a restore
OUR_ROWS = """
SET session_replication_role = replica;
INSERT INTO register_transport_benched_topics (office_id, state, state_since, version, entered_by, entered_at, changed_by, changed_at, name)
  SELECT %(office)s, 'entered', now(), 1, 'bench', now(), 'bench', now(), '专业' || i FROM generate_series(1, 400) i;
INSERT INTO register_transport_benched_units (office_id, state, state_since, version, entered_by, entered_at, changed_by, changed_at, name)
  SELECT %(office)s, 'entered', now(), 1, 'bench', now(), 'bench', now(), '单位' || i FROM generate_series(1, 5000) i;
INSERT INTO register_transport_benched_files (office_id, state, state_since, version, entered_by, entered_at, changed_by, changed_at,
  code, name, number, status, score, region_code, topic_id, unit_id, note)
SELECT o.id, 'entered', x.at, 1, 'bench', x.at, 'bench', x.at, 'A' || lpad(i::text, 8, '0'),
  chr(19968 + ((h & 1023) %% 150)::int) || chr(20200 + ((h >> 10 & 65535) %% 900)::int) || chr(21200 + ((h >> 26 & 63) * 11)::int),
  '43' || lpad((i * 7919::bigint %% 10000000000)::text, 16, '0'),
  (ARRAY['draft', 'review', 'exam', 'public', 'roster'])[1 + i %% 5], i * 31 %% 101, d.code, 1 + i * 23 %% 400, 1 + i * 37 %% 5000, 'note ' || i
FROM (SELECT i, hashint8(i)::bigint & 2147483647 h, timestamptz '2026-01-01' + i * interval '13 seconds' AS at FROM generate_series(1, %(rows)s::bigint) i) x
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS nth FROM office WHERE department_id = %(department)s) o
  ON o.nth = i * 7919 %% (SELECT count(*) FROM office WHERE department_id = %(department)s)
JOIN (SELECT code, row_number() OVER (ORDER BY code) - 1 AS nth FROM division WHERE level = 3) d ON d.nth = i * 17 %% (SELECT count(*) FROM division WHERE level = 3);
"""


def product(house: House, rows: int) -> Ours:
    """Our rows behind their wall, and a coordinator of the whole department signed in."""
    name = "ruku_lists"
    house.clone(name)
    settings = house.settings(name)
    process.begin("owner", settings, check=False)
    _make_registers(house, name)
    loading.refresh()
    with become(System("bench")), db.transaction() as session:
        permissions.sync(session, apps.role_table())
    process.begin("worker", settings, check=False)
    with become(System("bench")), db.transaction() as session:
        staff = make_staff(session, Role.COORDINATOR)
        department = departments.department_by_code(session, "transport")
        office = departments.office_for(session, department.id, "150000", 1)
        facts = {"rows": rows, "department": department.id, "office": office.id}
    with psycopg.connect(house.url("postgres", name), autocommit=True) as connection:
        connection.execute("DROP INDEX gx_register_transport_benched_files")  # made after the rows, as one does with a load
        psycopg.ClientCursor(connection).execute(OUR_ROWS, facts)
        connection.execute("SELECT ruku_searchable('register_transport_benched_files', '{name}')")
        connection.execute("VACUUM ANALYZE")
        middle = connection.execute("SELECT entered_at, id FROM register_transport_benched_files ORDER BY entered_at DESC, id DESC OFFSET %s LIMIT 1", [rows // 2]).fetchone()
    process.begin("web", settings, check=False)
    client = begin_session(apps.create_console(settings), staff.id)
    cookie = "; ".join(f"{one.key}={one.value}" for one in client._cookies.values())
    db.Session.remove()
    db.engine().dispose()
    at = base64.urlsafe_b64encode(json.dumps([middle[0].isoformat(), middle[1]], separators=(",", ":")).encode()).decode().rstrip("=")
    base = "/console/screens/transport-benched-files/"
    paths = {
        "list": base, "search": f"{base}?q={quote(TERM)}", "filter": f"{base}?status=review", "deep": f"{base}?after={at}", "detail": f"{base}{rows // 2}",
        "edit": f"{base}{rows // 2}/edit",
    }  # fmt: skip
    return Ours(paths, cookie, {**house.environment(name), "WEB_CONCURRENCY": "2"}, lambda: house.drop(name))


def _make_registers(house: House, name: str) -> None:
    """The tables, by the migrations that their declarations would be given; run from memory, so that no file is left."""
    stored = YAML(typ="safe").load((Path(__file__).parent / "lists_registers.yaml").read_text())
    names = {("transport", one["id"]): table_name("transport", one["id"]) for one in stored}
    owner = house.settings(name).database_owner_url
    with schema.connected(owner) as connection:
        for document in stored:
            declared = declare("transport", document, tables=loading.tables_for("transport", names))
            written = migrating.write(planning.plan(None, declared, connection), after=None, depends=[])
            module: dict[str, Any] = {"__name__": "benched"}
            with Operations.context(MigrationContext.configure(connection)):
                exec(compile(written.text, written.path.name, "exec"), module)
                module["upgrade"]()
        connection.commit()
