"""What was decided under a release, for whoever may roll it back: they change rules and read no files.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DECISIONS = """
CREATE FUNCTION ruku_decisions_under(asked integer)
RETURNS TABLE (number text, name text, division_code text, step text, verdict text, opened_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.number, p.name, a.division_code, a.step, a.verdict, a.opened_at
  FROM admission a JOIN applicant p ON p.id = a.applicant_id
  WHERE EXISTS (SELECT 1 FROM finding f WHERE f.admission_id = a.id AND f.release_id = asked)
    AND (ruku_system() OR (ruku_who() LIKE 'staff:%' AND a.office_id = ANY(ruku_offices('replays'))))
$$;
"""


def upgrade() -> None:
    op.execute(DECISIONS)
    op.execute("REVOKE ALL ON FUNCTION ruku_decisions_under(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_decisions_under(integer) TO ruku_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_decisions_under(integer)")
