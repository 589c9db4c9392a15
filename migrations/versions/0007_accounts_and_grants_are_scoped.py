"""Accounts of staff with an office of their own, links that open once, grants behind the wall, and their re-certification.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FUNCTIONS = """
CREATE FUNCTION ruku_staff() RETURNS int LANGUAGE sql STABLE AS
  $$ SELECT CASE WHEN ruku_who() LIKE 'staff:%' THEN substr(ruku_who(), 7)::int END $$;
-- The grants of one person that are valid now, with the offices each covers. The door asks it before anyone is the principal.
CREATE FUNCTION ruku_grants_of(staff integer) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(json_agg(json_build_object(
      'id', g.id, 'role', g.role, 'department_id', g.department_id, 'department', p.name, 'department_en', p.name_en,
      'division_code', g.division_code, 'division', d.name, 'division_en', d.name_en, 'level', d.level,
      'offices', (SELECT coalesce(json_agg(o.id), '[]') FROM office o
                  WHERE (g.department_id IS NULL OR o.department_id = g.department_id)
                    AND starts_with(o.division_code, left(d.code, d.level * 2)))
  ) ORDER BY g.id), '[]')
  FROM staff_grant g JOIN division d ON d.code = g.division_code LEFT JOIN department p ON p.id = g.department_id
  WHERE g.staff_id = staff AND g.ended_at IS NULL AND g.valid_from <= ruku_now() AND (g.valid_to IS NULL OR g.valid_to > ruku_now())
    AND (ruku_who() IN ('', 'system:sign_in') OR ruku_system() OR staff = ruku_staff())
$$;
"""

SYSTEM, DOORKEEPER, OWN = "(SELECT ruku_system())", "(SELECT ruku_doorkeeper())", "staff_id = (SELECT ruku_staff())"
PEOPLE = "(SELECT ruku_offices('people'))::int[]"
REACHES = """FROM office o JOIN division d ON d.code = staff_grant.division_code
  WHERE (staff_grant.department_id IS NULL OR o.department_id = staff_grant.department_id)
    AND starts_with(o.division_code, left(d.code, d.level * 2))"""
TOUCHES = f"EXISTS (SELECT 1 {REACHES} AND o.id = ANY({PEOPLE}))"
# nobody writes a grant that reaches further than they read themselves
INSIDE = f"(cardinality({PEOPLE}) > 0 AND NOT EXISTS (SELECT 1 {REACHES} AND NOT o.id = ANY({PEOPLE})))"

# table → who reads, who inserts, who updates; nobody deletes
POLICIES = {
    "staff_account": (
        f"{SYSTEM} OR {DOORKEEPER} OR office_id = ANY({PEOPLE}) OR {OWN}",
        f"{SYSTEM} OR office_id = ANY({PEOPLE})",
        f"{SYSTEM} OR {DOORKEEPER} OR office_id = ANY({PEOPLE}) OR {OWN}",
    ),
    "staff_grant": (f"{SYSTEM} OR {OWN} OR {TOUCHES}", f"{SYSTEM} OR {INSIDE}", f"{SYSTEM} OR {INSIDE}"),
}

# accounts that are there already work where their first grant is; else at the centre
ACCOUNTS = """
INSERT INTO staff_account (staff_id, office_id, created_by, created_at)
SELECT u.id, coalesce(
    (SELECT o.id FROM staff_grant g
       JOIN office o ON o.division_code = g.division_code AND (g.department_id IS NULL OR o.department_id = g.department_id)
       JOIN department p ON p.id = o.department_id
     WHERE g.staff_id = u.id ORDER BY g.ended_at IS NOT NULL, g.id, p.is_centre DESC, o.id LIMIT 1),
    (SELECT o.id FROM office o JOIN department p ON p.id = o.department_id JOIN division d ON d.code = o.division_code
     WHERE p.is_centre AND d.level = 1)
  ), 'system:migrate', coalesce(u.created_on AT TIME ZONE 'UTC', now())
FROM ab_user u
"""


def upgrade() -> None:
    op.create_table(
        "staff_account",
        sa.Column("staff_id", sa.Integer(), autoincrement=False, nullable=False, comment="工作人员"),
        sa.Column("title", sa.String(length=60), server_default="", nullable=False, comment="职务"),
        sa.Column("phone", sa.String(), nullable=True, comment="手机"),
        sa.Column("mail", sa.String(), nullable=True, comment="邮箱"),
        sa.Column("id_number", sa.String(), nullable=True, comment="身份证号"),
        sa.Column("id_number_hash", sa.String(length=64), nullable=True, comment="身份证指纹"),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True, comment="密码修改时间"),
        sa.Column("totp_secret", sa.String(), nullable=True, comment="动态口令密钥"),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True, comment="动态口令启用时间"),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True, comment="已用时间步"),
        sa.Column("recovery_codes", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="备用码指纹"),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True, comment="统一身份标识"),
        sa.Column("created_by", sa.String(length=80), nullable=False, comment="建立人"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="建立时间"),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True, comment="离岗时间"),
        sa.Column("left_by", sa.String(length=80), nullable=True, comment="离岗办理人"),
        sa.Column("left_reason", sa.Text(), nullable=True, comment="离岗原因"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_staff_account_office_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_staff_account_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_account")),
        sa.UniqueConstraint("id_number_hash", name=op.f("uq_staff_account_id_number_hash")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_staff_account_oidc_subject")),
        comment="工作人员账号",
    )
    op.create_index(op.f("ix_staff_account_office_id"), "staff_account", ["office_id"])
    op.create_table(
        "sign_in_link",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="令牌指纹"),
        sa.Column("purpose", sa.String(length=20), nullable=False, comment="用途"),
        sa.Column("created_by", sa.String(length=80), nullable=False, comment="建立人"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="建立时间"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="到期时间"),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="使用时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_sign_in_link_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_link_token_hash")),
        comment="一次性登录链接",
    )
    op.create_index(op.f("ix_sign_in_link_staff_id"), "sign_in_link", ["staff_id"])
    op.add_column("staff_grant", sa.Column("under_grant_id", sa.Integer(), nullable=True, comment="依据授权"))
    op.add_column("staff_grant", sa.Column("certified_at", sa.DateTime(timezone=True), nullable=True, comment="复核时间"))
    op.add_column("staff_grant", sa.Column("certified_by", sa.String(length=80), nullable=True, comment="复核人"))
    op.create_foreign_key(op.f("fk_staff_grant_under_grant_id"), "staff_grant", "staff_grant", ["under_grant_id"], ["id"])
    op.execute(FUNCTIONS)
    op.execute("REVOKE ALL ON FUNCTION ruku_grants_of(integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_grants_of(integer) TO ruku_app")
    op.execute(ACCOUNTS)
    op.execute("GRANT SELECT, INSERT, UPDATE ON staff_account, sign_in_link TO ruku_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    for table, (read, insert, change) in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT TO ruku_app USING ({read})")
        op.execute(f"CREATE POLICY scope_insert ON {table} FOR INSERT TO ruku_app WITH CHECK ({insert})")
        op.execute(f"CREATE POLICY scope_update ON {table} FOR UPDATE TO ruku_app USING ({change})")


def downgrade() -> None:
    for name in ("owner_all", "scope_read", "scope_insert", "scope_update"):
        op.execute(f"DROP POLICY {name} ON staff_grant")
    op.execute("ALTER TABLE staff_grant NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE staff_grant DISABLE ROW LEVEL SECURITY")
    op.drop_table("sign_in_link")
    op.drop_table("staff_account")
    for column in ("certified_by", "certified_at", "under_grant_id"):
        op.drop_column("staff_grant", column)
    op.execute("DROP FUNCTION ruku_grants_of(integer)")
    op.execute("DROP FUNCTION ruku_staff()")
