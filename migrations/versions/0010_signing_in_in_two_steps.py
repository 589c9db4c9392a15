"""What signing in in two steps, the list of one's own sessions and leaving as one act keep; two questions an administrator may ask.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = (
    ("staff_account", sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True, comment="最近登录")),
    ("staff_account", sa.Column("totp_reset_at", sa.DateTime(timezone=True), nullable=True, comment="两步验证被重置时间")),
    ("staff_account", sa.Column("handed_to_id", sa.Integer(), nullable=True, comment="在办件移交给")),
    ("web_session", sa.Column("place", sa.String(length=60), server_default="", nullable=False, comment="来自")),
)

# The first two answer only to whoever reads people at the office where the person works, and to System. The first counts grants elsewhere
# too: an administrator who does not see them must not act as if there were none. The second gives numbers, never files.
ASKS = """ruku_system() OR EXISTS (
      SELECT 1 FROM staff_account s WHERE s.staff_id = asked AND s.office_id = ANY(ruku_offices('people')))"""
FUNCTIONS = (
    f"""
CREATE FUNCTION ruku_holdings(asked integer) RETURNS TABLE (role varchar, department_id integer, division_code varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT g.role, g.department_id, g.division_code FROM staff_grant g
  WHERE g.staff_id = asked AND g.ended_at IS NULL AND (g.valid_to IS NULL OR g.valid_to > ruku_now()) AND ({ASKS})
$$
""",
    f"""
CREATE FUNCTION ruku_in_hand(asked integer) RETURNS TABLE (office_id integer, step varchar, files bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT o.id, a.step, count(*) FROM admission a LEFT JOIN office o ON o.id = a.office_id AND o.id = ANY(ruku_offices('people'))
  WHERE a.holder_id = asked AND ({ASKS}) GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2
$$
""",
    """
CREATE FUNCTION ruku_subject_taken(subject text, but integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM staff_account WHERE oidc_subject = subject AND staff_id <> but) AND (ruku_who() LIKE 'staff:%' OR ruku_system())
$$
""",
)
NAMES = ("ruku_holdings(integer)", "ruku_in_hand(integer)", "ruku_subject_taken(text, integer)")


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, column)
    for function in FUNCTIONS:
        op.execute(function)
    for name in NAMES:
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO ruku_app")


def downgrade() -> None:
    for name in NAMES:
        op.execute(f"DROP FUNCTION {name}")
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column.name)
