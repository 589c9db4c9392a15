"""The rows of `bench.lists`: the same million for the peers, in a schema of theirs, and for us, in a register."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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


def product(house: House, rows: int) -> Ours:
    raise NotImplementedError
