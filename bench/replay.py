"""A draft's criteria asked of all past files: compiled to SQL, the engine row by row, and SQL written by hand, in one run.

The files are synthetic findings of one transport release with 7 % of their facts missing, read through the Session by a
coordinator under row-level security. The engine is timed on a slice and reckoned up; the rest is measured on all rows.
"""

from __future__ import annotations

import datetime as dt
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Select, func, select, text

from bench.house import interleaved, timed
from console import db, process
from console.applications.models import Finding
from console.departments import queries as departments
from console.roles import Role
from console.scope import Staff, System, become
from console.studio.replay.sql import NotTranslated, translate
from rules.criteria import Criteria, CriteriaDocument, build, evaluate
from rules.documents import Problem, read_yaml
from rules.fact_types import FactType
from rules.tree import Logical, Node
from tests.factories import department, make_staff
from tests.servers import House

ROWS = 100_000
PART = 100_000  # files in one statement
SLICE = 10_000
SAMPLE = 20_000
ROUNDS = 3
ON = dt.date(2026, 11, 20)

# every fact a file of this department has; one in fourteen of them is missing, inside entries too
FACTS = """
jsonb_strip_nulls(jsonb_build_object(
  'name', '某某某', 'employer', '草原公路工程监理有限公司', 'employer_uscc', '91150105MA0N000000', 'post', '总监理工程师', 'school', '内蒙古大学',
  'major', '道路桥梁与渡河工程', 'email', 'expert' || i || '@example.cn', 'education_level', 'bachelor', 'title_name', '高级工程师', 'title_date', '2012-12-30',
  'work_division', '150105', 'id_papers', papers, 'title_paper', papers, 'education_paper', papers, 'employment_paper', papers, 'unit_paper', papers)
|| jsonb_build_object(
  'applied_on', '2026-11-20', 'decided_on', '2026-11-20', 'specialties', '[{"standard": "316-2018", "code": "A050302"}]'::jsonb,
  'birth_date', (date '2026-11-20' - (age || ' years')::interval - interval '40 days')::date::text, 'sex', 'male',
  'age', case when dice[1] > 0.07 then age end, 'age_applied', age,
  'citizen_capacity', case when dice[2] > 0.07 then dice[2] > 0.08 end, 'healthy', case when dice[3] > 0.07 then dice[3] > 0.09 end,
  'title_level', case when dice[4] > 0.07 then case when dice[4] > 0.5 then 'associate_senior' when dice[4] > 0.2 then 'full_senior' else 'middle' end end,
  'qualification_level', case when dice[5] > 0.07 then case when dice[5] > 0.8 then 'grade_one' else 'none' end end,
  'admin_penalty', case when dice[6] > 0.07 then dice[6] < 0.09 end, 'employment_status', case when dice[7] > 0.07 then case when dice[7] > 0.2 then 'employed' else 'retired' end end,
  'electronic_evaluation', case when dice[20] > 0.07 then dice[20] > 0.12 end,
  'unit_agrees', case when dice[8] > 0.07 then dice[8] > 0.1 end, 'criminal_punishment', case when dice[9] > 0.07 then dice[9] < 0.075 end,
  'dismissed_from_office', case when dice[10] > 0.07 then dice[10] < 0.075 end, 'barred_from_evaluation', case when dice[11] > 0.07 then dice[11] < 0.08 end,
  'serious_discredit', case when dice[12] > 0.07 then dice[12] < 0.08 end, 'blacklisted', case when dice[13] > 0.07 then dice[13] < 0.08 end,
  'works_for_supervisor', case when dice[14] > 0.07 then dice[14] < 0.08 end)
|| jsonb_build_object(
  'works_for_centre', case when dice[15] > 0.07 then dice[15] < 0.08 end, 'civil_servant', case when dice[16] > 0.07 then dice[16] < 0.12 end,
  'penalties', case when dice[17] > 0.97 then jsonb_build_array(jsonb_build_object('kind', '行政处罚', 'decided_on', (date '2020-01-01' + i % 2500)::text, 'department', '交通运输局'))
                    when dice[17] > 0.07 then '[]'::jsonb end,
  'work_periods', case when dice[18] > 0.07 then (
     select jsonb_agg(jsonb_build_object('organisation', '公路勘察设计院', 'position', '工程师', 'work_paper', papers,
       'months', case when (i * 7 + k * 13) % 100 >= 7 then jsonb_build_object('start', (1994 + 4 * k + i % 5)::text || '-' || lpad((1 + (i + k) % 12)::text, 2, '0'),
                 'end', case when k = kinds then 'now' else (1999 + 4 * k + i % 7)::text || '-' || lpad((1 + (i * 3 + k) % 12)::text, 2, '0') end) end,
       'work_field', case when (i * 3 + k * 29) % 100 >= 7 then case when (i + k) % 4 = 0 then 'construction' else 'transport' end end)) from generate_series(1, kinds) k) end,
  'highway_projects', case when dice[19] > 0.07 then (
     select jsonb_agg(jsonb_build_object('highway_name', '国道改扩建工程', 'highway_kind', 'highway', 'highway_finished', '2019-10-01', 'highway_paper', papers,
       'highway_role', case when (i * 11 + k * 17) % 100 >= 7 then case when (i + k) % 5 = 0 then 'member' else 'lead' end end)) from generate_series(1, 1 + kinds) k) end))
"""
FILL = f"""
SET session_replication_role = replica;
SELECT setseed(0.5);
INSERT INTO applicant (id, name, phone, phone_hash, password_hash, created_at, consent_version, consented_at)
  SELECT i, '某某某', '\\x00', 'bench-' || i, '-', now(), '2026-01', now() FROM generate_series(%(first)s::int, %(last)s::int) i;
INSERT INTO admission (id, number, application_id, applicant_id, department_id, division_code, release_id, office_id, step, since, opened_at)
  SELECT i, 'BENCH-' || i, i, i, %(department)s, o.division_code, %(release)s, o.id, 'first_review', now(), now()
  FROM generate_series(%(first)s::int, %(last)s::int) i
  JOIN (SELECT id, division_code, row_number() OVER (ORDER BY id) - 1 AS at, count(*) OVER () AS all_of_them FROM office WHERE department_id = %(department)s AND level <= 2) o
    ON o.at = i %% o.all_of_them;
INSERT INTO finding (admission_id, applicant_id, office_id, release_id, moment, evaluated_on, at, decision, facts, derivation_version, trace)
  SELECT a.id, a.applicant_id, a.office_id, a.release_id, 'submitted', date '2026-11-20', now(), 'pass', {FACTS.replace("%", "%%")}, 1, '{{}}'
  FROM admission a,
    LATERAL (SELECT a.id AS i, 30 + a.id %% 41 AS age, 1 + a.id %% 4 AS kinds, ARRAY(SELECT random() FROM generate_series(1, 20 + 0 * a.id)) AS dice,
             jsonb_build_array(jsonb_build_object('hash', md5(a.id::text) || md5(a.number), 'name', '证书扫描件.pdf', 'size', 123456, 'type', 'application/pdf')) AS papers) x
  WHERE a.id BETWEEN %(first)s AND %(last)s;
"""

# the same criteria by the hand of somebody who knows the document and trusts the writer of the facts: three values, a reason per leaf
BY_HAND = """
SELECT id, CASE
    WHEN NOT (citizen AND age_ok AND healthy AND (title_a OR title_b) AND years_ok AND no_penalty AND no_record AND projects_ok AND unpunished AND kept_office
              AND not_barred AND not_discredited AND not_blacklisted AND NOT (for_supervisor OR for_centre)) THEN 'reject'
    WHEN NOT electronic OR NOT (retired OR unit_agrees) OR no_penalty IS NULL OR no_record IS NULL OR not_barred IS NULL OR not_discredited IS NULL OR not_blacklisted IS NULL THEN 'refer'
    WHEN (citizen AND age_ok AND healthy AND electronic AND (title_a OR title_b) AND years_ok AND projects_ok AND (retired OR unit_agrees) AND unpunished AND kept_office
          AND NOT (for_supervisor OR for_centre)) IS NULL OR unpaid IS NULL THEN 'return'
    ELSE 'pass' END AS decision,
  CASE WHEN NOT unpaid THEN '{paid_by_rule}' ELSE '{}' END::text[] AS flags,
  ARRAY[citizen, age_ok, healthy, electronic, title_a, title_b, years_ok, no_penalty, no_record, projects_ok, retired, unit_agrees, unpunished, kept_office,
        not_barred, not_discredited, not_blacklisted, for_supervisor, for_centre, unpaid] AS reasons
FROM (
  SELECT id, (f ->> 'citizen_capacity')::boolean AS citizen, (f ->> 'age')::int <= 65 AS age_ok, (f ->> 'healthy')::boolean AS healthy, (f ->> 'electronic_evaluation')::boolean AS electronic,
    f ->> 'title_level' IN ('full_senior', 'associate_senior') AS title_a, f ->> 'qualification_level' IN ('ungraded', 'grade_one') AS title_b,
    CASE WHEN f ? 'work_periods' THEN CASE WHEN months >= 96 THEN true WHEN NOT gap AND months_at_most < 96 THEN false END END AS years_ok,
    NOT (f ->> 'admin_penalty')::boolean AS no_penalty, CASE WHEN f ? 'penalties' THEN records = 0 END AS no_record,
    CASE WHEN f ? 'highway_projects' THEN CASE WHEN led >= 2 THEN true WHEN led_at_most < 2 THEN false END END AS projects_ok,
    f ->> 'employment_status' <> 'employed' AS retired, (f ->> 'unit_agrees')::boolean AS unit_agrees,
    NOT (f ->> 'criminal_punishment')::boolean AS unpunished, NOT (f ->> 'dismissed_from_office')::boolean AS kept_office,
    NOT (f ->> 'barred_from_evaluation')::boolean AS not_barred, NOT (f ->> 'serious_discredit')::boolean AS not_discredited,
    NOT (f ->> 'blacklisted')::boolean AS not_blacklisted, (f ->> 'works_for_supervisor')::boolean AS for_supervisor,
    (f ->> 'works_for_centre')::boolean AS for_centre, NOT (f ->> 'civil_servant')::boolean AS unpaid
  FROM (SELECT id, (extract(year FROM evaluated_on) * 12 + extract(month FROM evaluated_on) - 1)::int AS here, facts || '{}' AS f FROM finding WHERE moment = 'submitted' AND id BETWEEN :first AND :last OFFSET 0) files
  CROSS JOIN LATERAL (
    SELECT coalesce((SELECT sum(upper(m) - lower(m)) FROM unnest(sure) m), 0) AS months,
      CASE WHEN maybe IS NULL THEN coalesce((SELECT sum(upper(m) - lower(m)) FROM unnest(sure) m), 0)
           ELSE (SELECT sum(upper(m) - lower(m)) FROM unnest(coalesce(sure, '{}') + maybe) m) END AS months_at_most, gap
    FROM (
      SELECT range_agg(span) FILTER (WHERE field = 'transport') AS sure, range_agg(span) FILTER (WHERE field IS NULL) AS maybe, coalesce(bool_or(span IS NULL), false) AS gap
      FROM (
        SELECT field, CASE WHEN start + until IS NOT NULL THEN int4range(start, greatest(least(until, here) + 1, start)) END AS span
        FROM (SELECT e ->> 'work_field' AS field,
                substr(e #>> '{months,start}', 1, 4)::int * 12 + substr(e #>> '{months,start}', 6)::int - 1 AS start,
                CASE WHEN e #>> '{months,end}' = 'now' THEN here
                     ELSE substr(e #>> '{months,end}', 1, 4)::int * 12 + substr(e #>> '{months,end}', 6)::int - 1 END AS until
              FROM jsonb_array_elements(f -> 'work_periods') e) entries
        WHERE field = 'transport' OR field IS NULL) spans) joined) worked
  CROSS JOIN LATERAL (
    SELECT count(*) AS records FROM jsonb_array_elements(f -> 'penalties') e
    WHERE e ->> 'kind' = '行政处罚' AND (e ->> 'decided_on')::date > ((f ->> 'applied_on')::date - interval '3 years')::date) recorded
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE e ->> 'highway_role' IN ('lead', 'key')) AS led,
      count(*) FILTER (WHERE e ->> 'highway_role' IN ('lead', 'key') OR NOT e ? 'highway_role') AS led_at_most
    FROM jsonb_array_elements(f -> 'highway_projects') e) built
) leaves
"""
COUNTED = "SELECT decision, count(*), count(reasons), count(flags) FROM ({}) asked GROUP BY decision"


def measure(house: House, rows: int = ROWS) -> Iterator[str]:
    """Goals: at least 6 × the engine row by row, at least 0.5 of hand-written SQL, no difference, memory that does not grow with the rows."""
    name = "ruku_replay"
    house.clone(name)
    settings = house.settings(name)
    process.begin("worker", settings, check=False)
    viewer, criteria, left_out = _arrange()
    process.begin("web", settings, check=False)
    _fill(house, name, rows, viewer)
    with become(viewer):
        memory = []
        for wanted in (rows // 10, rows):
            _counted(criteria, wanted)
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        seconds, by_hand = interleaved(lambda: timed(lambda: _counted(criteria, rows)), lambda: timed(lambda: _hand(rows)), rounds=ROUNDS)
        engine = timed(lambda: _by_engine(criteria, SLICE)) / SLICE * rows
        different = _different(criteria, min(SAMPLE, rows))
    yield f"{rows:,} files, a decision and {len(translate(criteria, parameters_on=ON).leaves)} reasons each: {seconds:.1f} s in statements of up to {PART:,}, {seconds / rows * 1e6:.1f} µs a file"
    yield f"the engine row by row (timed on {SLICE:,} files and reckoned up): {engine:.1f} s, {engine / seconds:.1f} × as long (goal 6)"
    yield f"SQL written by hand for the same criteria: {by_hand:.1f} s; the compiled one reaches {by_hand / seconds:.2f} of its speed (goal 0.5)"
    yield f"files of {min(SAMPLE, rows):,} with 7 % of the facts missing that come out otherwise than in the engine: {different[0]} (hand-written: {different[1]})"
    yield f"shipped bundles that fall back to the engine: {left_out} of 5"
    yield f"peak memory of this process after {rows // 10:,} and after {rows:,} files: {memory[0]} and {memory[1]} MiB"
    db.Session.remove()
    db.engine().dispose()
    house.drop(name)


def _arrange() -> tuple[Staff, Criteria, int]:
    with become(System("bench")), db.transaction() as session:
        viewer = make_staff(session, Role.COORDINATOR)
        release = departments.release_in_force(session, department(session, "transport").id, ON)
        assert release is not None
        shipped = departments.bundle_of(session, release.id).criteria
        assert shipped is not None
        bundles, _, _ = departments.bundles_in_force(session, ON)
    return viewer, _criteria(shipped.facts), sum(_falls_back(bundle.criteria) for bundle in bundles.values() if bundle.criteria)


def _falls_back(criteria: Criteria) -> bool:
    try:
        translate(criteria, parameters_on=ON)
    except NotTranslated:
        return True
    return False


def _criteria(facts: Mapping[str, FactType]) -> Criteria:
    """The transport department's of 26 November 2026, of which the SQL below is the hand-written form."""
    path = Path(__file__).parent / "replay_criteria.yaml"
    problems: list[Problem] = []
    document = read_yaml(path.name, path.read_bytes())
    criteria = build(CriteriaDocument.model_validate(document.data), document, facts, problems)
    assert not problems, problems[0]
    return criteria


def _fill(house: House, name: str, rows: int, viewer: Staff) -> None:
    """In SQL, as the server's administrator: what a million applicants would have left behind."""
    with psycopg.connect(house.url("postgres", name), autocommit=True) as connection:
        found = connection.execute("SELECT r.id, r.department_id FROM release r JOIN department d ON d.id = r.department_id WHERE d.code = 'transport'").fetchone()
        assert found is not None
        for first in range(1, rows + 1, 50_000):
            given = {"first": first, "last": min(first + 49_999, rows), "release": found[0], "department": found[1]}
            psycopg.ClientCursor(connection).execute(FILL, given)
        connection.execute("VACUUM ANALYZE finding")
        connection.execute("VACUUM ANALYZE admission")


def _parts(rows: int) -> Iterator[tuple[int, int]]:
    """The web's login lets no statement run for long, so that a million files are asked in parts."""
    yield from ((first, min(first + PART - 1, rows)) for first in range(1, rows + 1, PART))


def _files(last: int, first: int = 1) -> Select[Any]:
    wanted = (Finding.moment == "submitted", Finding.id.between(first, last))
    return select(Finding.id, Finding.facts, Finding.evaluated_on.label("on")).where(*wanted)


def _counted(criteria: Criteria, rows: int) -> None:
    """Everything is worked out for every file; only the totals travel."""
    translation, found = translate(criteria, parameters_on=ON), 0
    with db.transaction() as session:
        for first, last in _parts(rows):
            asked = translation.over(_files(last, first)).subquery().c
            totals = select(asked.decision, func.count(), func.count(asked.reasons), func.count(asked.flags)).group_by(asked.decision)
            found += sum(total[1] for total in session.execute(totals))
    assert found == rows
    db.Session.remove()


def _hand(rows: int) -> None:
    found = 0
    with db.transaction() as session:
        for first, last in _parts(rows):
            found += sum(total[1] for total in session.execute(text(COUNTED.format(BY_HAND)), {"first": first, "last": last}))
    assert found == rows
    db.Session.remove()


def _by_engine(criteria: Criteria, rows: int) -> None:
    """The facts come to the engine in batches, as a job would fetch them."""
    with db.transaction() as session:
        for row in session.execute(_files(rows).execution_options(yield_per=1_000)):
            evaluate(criteria, row.facts, on=row.on, moment="submitted", parameters_on=ON)
    db.Session.remove()


def _different(criteria: Criteria, rows: int) -> tuple[int, int]:
    with db.transaction() as session:
        compiled = {row.id: (row.decision, row.flags, row.reasons) for row in session.execute(translate(criteria, parameters_on=ON).over(_files(rows)))}
        by_hand = {row.id: (row.decision, row.flags, row.reasons) for row in session.execute(text(BY_HAND), {"first": 1, "last": rows})}
        found = [0, 0]
        for row in session.execute(_files(rows).execution_options(yield_per=1_000)):
            verdict = evaluate(criteria, row.facts, on=row.on, moment="submitted", parameters_on=ON)
            reasons = [truth for one in verdict.findings for truth in _leaves(one.criterion.node, one.trace)]
            said = (verdict.decision, list(verdict.flags), reasons)
            found[0] += said != compiled[row.id]
            found[1] += said != by_hand[row.id]
    db.Session.remove()
    return found[0], found[1]


def _leaves(node: Node, trace: list[Any]) -> Iterator[bool | None]:
    if isinstance(node, Logical):
        for below in node.nodes:
            yield from _leaves(below, trace)
    else:
        yield trace[node.index][0]
