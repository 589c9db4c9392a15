"""Saved views: a list as somebody likes to look at it, and one narrow function that brings them with the session.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SYSTEM, OWN = "(SELECT ruku_system())", "staff_id = (SELECT ruku_staff())"
HOME = "(SELECT o.department_id FROM staff_account a JOIN office o ON o.id = a.office_id WHERE a.staff_id = {who})"
# before there is a principal, like ruku_grants_of: one person's views of one list, and what their department shares
VIEWS_OF = f"""
CREATE FUNCTION ruku_views_of(staff integer, of_screen text) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(json_agg(json_build_object('id', v.id, 'title', v.title, 'query', v.query, 'own', v.staff_id = staff,
      'is_default', v.is_default AND v.staff_id = staff, 'shared', v.department_id IS NOT NULL, 'by', u.last_name || u.first_name)
      ORDER BY v.staff_id <> staff, v.id), '[]')
  FROM (SELECT * FROM saved_view WHERE screen = of_screen AND (staff_id = staff OR department_id = {HOME.format(who="staff")})
        ORDER BY staff_id <> staff, id LIMIT 40) v JOIN ab_user u ON u.id = v.staff_id
  WHERE ruku_who() IN ('', 'system:sign_in') OR ruku_system() OR staff = ruku_staff()
$$;
"""


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("screen", sa.String(length=60), nullable=False, comment="名单"),
        sa.Column("title", sa.String(length=40), nullable=False, comment="名称"),
        sa.Column("query", sa.String(length=2000), nullable=False, comment="条件、次序和列"),
        sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False, comment="打开名单时用"),
        sa.Column("department_id", sa.Integer(), nullable=True, comment="共享给的部门"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_saved_view_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("staff_id", "screen", "title", name=op.f("uq_saved_view_staff_id_screen_title")),
        comment="保存的视图",
    )
    op.create_index(op.f("ix_saved_view_department_id"), "saved_view", ["department_id"])
    op.execute("ALTER TABLE saved_view ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE saved_view FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON saved_view TO CURRENT_USER USING (true) WITH CHECK (true)")
    read = f"{SYSTEM} OR {OWN} OR department_id = {HOME.format(who='(SELECT ruku_staff())')}"
    op.execute(f"CREATE POLICY scope_read ON saved_view FOR SELECT TO ruku_app USING ({read})")
    op.execute(f"CREATE POLICY scope_insert ON saved_view FOR INSERT TO ruku_app WITH CHECK ({SYSTEM} OR {OWN})")
    for command in ("update", "delete"):
        op.execute(f"CREATE POLICY scope_{command} ON saved_view FOR {command.upper()} TO ruku_app USING ({SYSTEM} OR {OWN})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON saved_view TO ruku_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    op.execute(VIEWS_OF)
    op.execute("REVOKE ALL ON FUNCTION ruku_views_of(integer, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_views_of(integer, text) TO ruku_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_views_of(integer, text)")
    op.drop_table("saved_view")
