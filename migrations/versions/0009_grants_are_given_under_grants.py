"""Grants are given under a grant of the giver's, and counts of work for those who read no files.

The wall asks of every new grant what the service asks: that the giver holds the grant named, that it is in force, that the role may
be given under it, that nothing reaches or lasts further, and that nobody gives to themselves. What a grant says cannot be changed:
a change is an end and a new grant.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REVIEW = "('first_review', 'second_review', 'reconsideration')"
CLOSED = "('roster', 'refused', 'failed', 'lapsed', 'withdrawn')"
IN_FORCE = "{g}.ended_at IS NULL AND {g}.valid_from <= ruku_now() AND ({g}.valid_to IS NULL OR {g}.valid_to > ruku_now())"
DEFINER = "SECURITY DEFINER SET search_path = public, pg_temp"
# offices asked about (null: all) of which the asker reads the people
REACH = """SELECT o.id FROM office o WHERE (wanted IS NULL OR o.id = ANY(wanted))
             AND (ruku_system() OR o.id = ANY(ruku_offices('people')))"""

FUNCTIONS = {
    # may the asker give this role there, until then, under this grant of their own?
    "ruku_gives_under(integer, integer, text, integer, text, timestamptz)": f"""
CREATE FUNCTION ruku_gives_under(under integer, staff integer, given text, department integer, division text, until timestamptz)
RETURNS boolean LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT EXISTS (
    SELECT 1 FROM staff_grant u JOIN division d ON d.code = u.division_code
    WHERE u.id = under AND u.staff_id = ruku_staff() AND u.staff_id <> staff AND {IN_FORCE.format(g="u")}
      AND (u.department_id IS NULL OR u.department_id = department)
      AND starts_with(division, left(d.code, d.level * 2))
      AND (u.valid_to IS NULL OR until <= u.valid_to)
      AND CASE u.role
        WHEN 'platform_admin' THEN given IN ('department_admin', 'operator', 'supervisor')
        WHEN 'department_admin' THEN given IN ('first_reviewer', 'second_reviewer', 'coordinator', 'rule_editor', 'rule_publisher')
          OR given = 'department_admin' AND division <> u.division_code
        ELSE false END)
$$""",
    # whoever ends or re-certifies grants administers
    "ruku_administers()": f"""
CREATE FUNCTION ruku_administers() RETURNS boolean LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT EXISTS (SELECT 1 FROM staff_grant u WHERE u.staff_id = ruku_staff() AND {IN_FORCE.format(g="u")}
                 AND u.role IN ('platform_admin', 'department_admin'))
$$""",
    # when the grant under which this one was given ended, if it has
    "ruku_under_ended(integer)": f"""
CREATE FUNCTION ruku_under_ended(given integer) RETURNS timestamptz LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT least(u.ended_at, u.valid_to) FROM staff_grant g JOIN staff_grant u ON u.id = g.under_grant_id
  WHERE g.id = given AND least(u.ended_at, u.valid_to) <= ruku_now()
$$""",
    # the roles one person holds or will hold, wherever: for those who read people, to keep duties apart
    "ruku_roles_held(integer, integer)": f"""
CREATE FUNCTION ruku_roles_held(staff integer, besides integer) RETURNS text[] LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT coalesce(array_agg(DISTINCT g.role), '{{}}') FROM staff_grant g
  WHERE g.staff_id = staff AND g.id IS DISTINCT FROM besides AND g.ended_at IS NULL AND (g.valid_to IS NULL OR g.valid_to > ruku_now())
    AND (ruku_system() OR staff = ruku_staff() OR cardinality(ruku_offices('people')) > 0)
$$""",
    # work in numbers, office by office: never a row, never a name
    "ruku_work_at(integer[])": f"""
CREATE FUNCTION ruku_work_at(wanted integer[])
RETURNS TABLE (office_id integer, kind text, step text, total bigint, unassigned bigint, overdue bigint)
LANGUAGE sql STABLE {DEFINER} AS $$
  WITH reach AS ({REACH})
  SELECT a.office_id, 'files', a.step::text, count(*), count(*) FILTER (WHERE a.holder_id IS NULL AND a.step IN {REVIEW}),
         count(*) FILTER (WHERE a.due_at <= ruku_now() AND a.step IN {REVIEW})
  FROM admission a JOIN reach r ON r.id = a.office_id WHERE a.step NOT IN {CLOSED} GROUP BY a.office_id, a.step
  UNION ALL
  SELECT n.office_id, 'notices', '', count(*), 0, 0 FROM notice n JOIN reach r ON r.id = n.office_id
  WHERE n.closed_at IS NULL GROUP BY n.office_id
  UNION ALL
  SELECT b.office_id, 'objections', '', count(*), 0, 0 FROM objection b JOIN reach r ON r.id = b.office_id
  WHERE b.ruled_at IS NULL GROUP BY b.office_id
  UNION ALL
  SELECT s.office_id, 'roster', '', count(*), 0, 0 FROM roster_specialty s JOIN reach r ON r.id = s.office_id GROUP BY s.office_id
$$""",
    # how many files of these offices each officer has in hand
    "ruku_in_hand(integer[])": f"""
CREATE FUNCTION ruku_in_hand(wanted integer[])
RETURNS TABLE (staff_id integer, office_id integer, step text, total bigint, overdue bigint)
LANGUAGE sql STABLE {DEFINER} AS $$
  WITH reach AS ({REACH})
  SELECT a.holder_id, a.office_id, a.step::text, count(*), count(*) FILTER (WHERE a.due_at <= ruku_now())
  FROM admission a JOIN reach r ON r.id = a.office_id
  WHERE a.holder_id IS NOT NULL AND a.step IN {REVIEW} GROUP BY a.holder_id, a.office_id, a.step
$$""",
    # how many open files this officer has decided at one review step, which another person must then do at the other
    "ruku_decided_by(integer, integer[])": f"""
CREATE FUNCTION ruku_decided_by(staff integer, wanted integer[]) RETURNS TABLE (step text, total bigint)
LANGUAGE sql STABLE {DEFINER} AS $$
  WITH reach AS ({REACH})
  SELECT e.from_step::text, count(DISTINCT a.id) FROM admission a JOIN reach r ON r.id = a.office_id
  JOIN step_entry e ON e.admission_id = a.id AND e.who = 'staff:' || staff AND e.from_step IN {REVIEW}
  WHERE a.step IN ('first_review', 'second_review', 'correction', 'reconsideration') GROUP BY e.from_step
$$""",
    # where a file lies, and nothing of what is in it
    "ruku_file_place(text)": f"""
CREATE FUNCTION ruku_file_place(asked text)
RETURNS TABLE (admission_id integer, number text, office_id integer, department_id integer, division_code text, step text)
LANGUAGE sql STABLE {DEFINER} AS $$
  SELECT a.id, a.number::text, a.office_id, o.department_id, o.division_code::text, a.step::text
  FROM admission a JOIN office o ON o.id = a.office_id JOIN application p ON p.id = a.application_id
  WHERE asked IN (a.number, p.number) AND (ruku_system() OR a.office_id = ANY(ruku_offices('people'))) ORDER BY a.id LIMIT 12
$$""",
}

SYSTEM = "(SELECT ruku_system())"
PEOPLE = "(SELECT ruku_offices('people'))::int[]"
INSIDE = f"""(cardinality({PEOPLE}) > 0 AND NOT EXISTS (SELECT 1 FROM office o JOIN division d ON d.code = staff_grant.division_code
  WHERE (staff_grant.department_id IS NULL OR o.department_id = staff_grant.department_id)
    AND starts_with(o.division_code, left(d.code, d.level * 2)) AND NOT o.id = ANY({PEOPLE})))"""
GIVEN = "ruku_gives_under(under_grant_id, staff_id, role, department_id, division_code, valid_to)"
ANOTHERS = "staff_id IS DISTINCT FROM (SELECT ruku_staff()) AND (SELECT ruku_administers())"


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO ruku_app")
    op.execute(f"ALTER POLICY scope_insert ON staff_grant WITH CHECK ({SYSTEM} OR ({INSIDE} AND {GIVEN}))")
    op.execute(f"ALTER POLICY scope_update ON staff_grant USING ({SYSTEM} OR ({INSIDE} AND {ANOTHERS}))")
    op.execute("REVOKE UPDATE ON staff_grant FROM ruku_app")
    op.execute("GRANT UPDATE (valid_to, ended_at, ended_by, certified_at, certified_by) ON staff_grant TO ruku_app")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (valid_to, ended_at, ended_by, certified_at, certified_by) ON staff_grant FROM ruku_app")
    op.execute("GRANT UPDATE ON staff_grant TO ruku_app")
    op.execute(f"ALTER POLICY scope_update ON staff_grant USING ({SYSTEM} OR {INSIDE})")
    op.execute(f"ALTER POLICY scope_insert ON staff_grant WITH CHECK ({SYSTEM} OR {INSIDE})")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
