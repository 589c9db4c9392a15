"""Expired notices for the sweep: people who have passed everything, with answers as the form leaves them, whose window ended at one instant."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from console import clock, db, process, secrecy
from console.applications import answers
from console.departments import queries as departments
from console.scope import System, become
from seed.demo.filling import id_number
from tests.factories import SPECIALTIES, department
from tests.servers import House

OPENED = dt.date(2026, 11, 18)
DUE = dt.date(2026, 11, 26)  # seven working days later, 00:00
ON_ONE_NOTICE = 500
DEPARTMENTS = ("transport", "water", "housing", "natural_resources", "finance")

_PEOPLE = """
SET session_replication_role = replica;
INSERT INTO applicant (id, name, phone, phone_hash, email, id_number, id_number_hash, password_hash, created_at, consent_version, consented_at)
  SELECT i, '专家' || i, %(phone)s, 'bench-' || i, %(email)s, %(id_number)s, 'bench-' || i, '-', now(), '2026-01', now() FROM generate_series(1, %(rows)s::int) i;
INSERT INTO application (id, number, applicant_id, answers, chosen, division_code, begun_at, saved_at, submitted_at, applied_on)
  SELECT i, 'BENCH-' || i, i, %(answers)s::jsonb -> (i %% 5), '[]', '150105', now(), now(), now(), %(applied)s FROM generate_series(1, %(rows)s::int) i;
INSERT INTO admission (id, number, application_id, applicant_id, department_id, division_code, release_id, office_id, step, since, opened_at, verdict)
  SELECT i, 'BENCH-' || i, i, i, t.department, '150105', t.release, t.office, 'publicity', now(), now(), 'pass'
  FROM generate_series(1, %(rows)s::int) i JOIN unnest(%(departments)s::int[], %(releases)s::int[], %(offices)s::int[]) WITH ORDINALITY t(department, release, office, n) ON t.n = i %% 5 + 1;
INSERT INTO application_specialty (application_id, applicant_id, standard, code, admission_id)
  SELECT i, i, t.standard, t.code, i FROM generate_series(1, %(rows)s::int) i JOIN unnest(%(standards)s::text[], %(codes)s::text[]) WITH ORDINALITY t(standard, code, n) ON t.n = i %% 5 + 1;
INSERT INTO notice (id, office_id, number, department_id, title, opened_by, opened_by_name, opened_at, first_day, last_day, days, due_at, content, content_hash, published_at, is_probed)
  SELECT n, t.office, 'GS-BENCH-' || n, t.department, '公示', 'staff:1', '白玉兰', now(), %(first)s, %(last)s, 7, %(due)s, '{}', '-', now(), FALSE
  FROM generate_series(1, (%(rows)s::int - 1) / %(each)s::int + 5) n JOIN unnest(%(departments)s::int[], %(offices)s::int[]) WITH ORDINALITY t(department, office, n5) ON t.n5 = n %% 5 + 1;
INSERT INTO notice_item (notice_id, admission_id, applicant_id, office_id, position, name, employer, specialties)
  SELECT 1 + (a.id - 1) / (5 * %(each)s::int) * 5 + (a.id + 4) %% 5, a.id, a.id, a.office_id, 1 + (a.id - 1) / 5 %% %(each)s::int, '专家' || a.id, '草原公路工程监理有限公司', '[]'
  FROM admission a;
DELETE FROM notice n WHERE NOT EXISTS (SELECT FROM notice_item i WHERE i.notice_id = n.id);
SELECT setval(pg_get_serial_sequence(t, 'id'), 1 + %(rows)s::int) FROM unnest(ARRAY['applicant', 'application', 'admission', 'notice']) t;
"""


def answers_of(code: str, born: dt.date) -> dict[str, Any]:
    """What somebody of this department's profession fills in: enough for the criteria asked again at admission to find nothing."""
    paper = [{"hash": "0" * 64, "name": "证书.pdf", "size": 123456, "type": "application/pdf"}]
    shared = {
        "name": "高娃", "employer": "草原公路工程监理有限公司", "employer_uscc": "91150105MA0N000000", "post": "总监理工程师", "school": "内蒙古大学",
        "major": "道路桥梁与渡河工程", "email": "expert@example.cn", "education_level": "bachelor", "title_level": "associate_senior", "title_name": "高级工程师",
        "title_date": "2012-12-30", "work_division": "150105", "citizen_capacity": True, "healthy": True, "electronic_evaluation": True, "civil_servant": False,
        "employment_status": "employed", "unit_agrees": True, "criminal_punishment": False, "dismissed_from_office": False, "barred_from_evaluation": False,
        "serious_discredit": False, "works_for_supervisor": False, "works_for_centre": False, "id_papers": paper, "title_paper": paper, "education_paper": paper,
        "work_periods": [{"organisation": "公路勘察设计院", "position": "工程师", "work_field": code, "months": {"start": f"{1998 + 7 * n}-03", "end": f"{2004 + 7 * n}-12"}, "work_paper": paper} for n in range(4)],
        "id_number": id_number("150105", born, 7),
    }  # fmt: skip
    return shared | {code: {"admin_penalty": False, "registrations": [], "highway_projects": [{"highway_name": "国道改扩建工程", "highway_kind": "highway", "highway_role": "lead", "highway_finished": "2019-10-01"}] * 2}}


def due_at() -> dt.datetime:
    """The instant at which all windows end."""
    return clock.at_midnight(DUE)


def fill(house: House, name: str, rows: int, *, after: dt.timedelta = dt.timedelta(0)) -> None:
    """A fresh database of that many people on notices of 500, all of whose windows end at 00:00 of `DUE`; its clock stands so long after."""
    house.clone(name)
    process.begin("worker", house.settings(name), check=False)
    born = dt.date(1975, 3, 2)
    with become(System("bench")), db.transaction() as session:
        clock.set_to(session, clock.at_midnight(OPENED))
        found = [department(session, code) for code in DEPARTMENTS]
        values = _values(session, found, born) | {"rows": rows, "each": ON_ONE_NOTICE}
    with psycopg.connect(house.url("postgres", name), autocommit=True) as connection:
        psycopg.ClientCursor(connection).execute(_PEOPLE, values)
        connection.execute("UPDATE clock_offset SET shift = %s::timestamptz - now()", (due_at() + after,))
        connection.execute("VACUUM ANALYZE")


def _values(session: Session, found: list[Any], born: dt.date) -> dict[str, Any]:
    releases = [departments.release_in_force(session, one.id, OPENED) for one in found]
    forms = [departments.bundle_of(session, release.id) for release in releases if release is not None]
    filled = [answers.seal(bundle.centre.form, answers_of(one.code, born)) for one, bundle in zip(found, forms, strict=True) if bundle.centre is not None]
    return {
        "phone": secrecy.encrypt("13900001234"), "email": secrecy.encrypt("expert@example.cn"), "id_number": secrecy.encrypt(id_number("150105", born, 7)),
        "answers": json.dumps(filled, ensure_ascii=False), "applied": OPENED - dt.timedelta(days=60),
        "departments": [one.id for one in found], "releases": [release.id for release in releases if release is not None],
        "offices": [departments.office_for(session, one.id, "150105", 1).id for one in found],
        "standards": [SPECIALTIES[code][0] for code in DEPARTMENTS], "codes": [SPECIALTIES[code][1] for code in DEPARTMENTS],
        "first": OPENED + dt.timedelta(days=1), "last": DUE - dt.timedelta(days=1), "due": due_at(),
    }  # fmt: skip
