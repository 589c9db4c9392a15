"""One-time links behind the wall: seen by whoever reads people at the office where their owner works, made by nobody for somebody who
holds anything outside what the maker reads, and never for oneself. And two functions of one name get two names.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# grants the asker does not see count too, so it looks with the owner's eyes and answers yes or no
FUNCTION = """
CREATE FUNCTION ruku_holds_only_here(asked integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM staff_account s WHERE s.staff_id = asked AND s.office_id = ANY(ruku_offices('people')))
    AND NOT EXISTS (
      SELECT 1 FROM staff_grant g JOIN division d ON d.code = g.division_code
      JOIN office o ON (g.department_id IS NULL OR o.department_id = g.department_id) AND starts_with(o.division_code, left(d.code, d.level * 2))
      WHERE g.staff_id = asked AND g.ended_at IS NULL AND (g.valid_to IS NULL OR g.valid_to > ruku_now())
        AND NOT o.id = ANY(ruku_offices('people')))
$$
"""
SYSTEM, DOORKEEPER = "(SELECT ruku_system())", "(SELECT ruku_doorkeeper())"
THEIRS = """EXISTS (SELECT 1 FROM staff_account s
  WHERE s.staff_id = sign_in_link.staff_id AND s.office_id = ANY((SELECT ruku_offices('people'))::int[]))"""
POLICIES = (
    f"scope_read ON sign_in_link FOR SELECT TO ruku_app USING ({SYSTEM} OR {DOORKEEPER} OR {THEIRS})",
    "scope_insert ON sign_in_link FOR INSERT TO ruku_app"
    f" WITH CHECK ({SYSTEM} OR (staff_id IS DISTINCT FROM ruku_staff() AND ruku_administers() AND ruku_holds_only_here(staff_id)))",
    f"scope_update ON sign_in_link FOR UPDATE TO ruku_app USING ({SYSTEM} OR {DOORKEEPER} OR {THEIRS})",
)


def upgrade() -> None:
    op.execute("ALTER FUNCTION ruku_in_hand(integer) RENAME TO ruku_held_by")
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION ruku_holds_only_here(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_holds_only_here(integer) TO ruku_app")
    op.execute("ALTER TABLE sign_in_link ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sign_in_link FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON sign_in_link TO CURRENT_USER USING (true) WITH CHECK (true)")
    for policy in POLICIES:
        op.execute(f"CREATE POLICY {policy}")


def downgrade() -> None:
    for name in ("owner_all", "scope_read", "scope_insert", "scope_update"):
        op.execute(f"DROP POLICY {name} ON sign_in_link")
    op.execute("ALTER TABLE sign_in_link NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sign_in_link DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION ruku_holds_only_here(integer)")
    op.execute("ALTER FUNCTION ruku_held_by(integer) RENAME TO ruku_in_hand")
