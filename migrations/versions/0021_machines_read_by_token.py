"""Access tokens: what an officer gives a machine of the department to read its lists and push its rows with.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SYSTEM, DOORKEEPER, OWN = "(SELECT ruku_system())", "(SELECT ruku_doorkeeper())", "staff_id = (SELECT ruku_staff())"
THEIRS = """EXISTS (SELECT 1 FROM staff_account s
  WHERE s.staff_id = access_token.staff_id AND s.office_id = ANY((SELECT ruku_offices('people'))::int[]))"""
POLICIES = (
    f"scope_read ON access_token FOR SELECT TO ruku_app USING ({SYSTEM} OR {DOORKEEPER} OR {OWN} OR {THEIRS})",
    f"scope_insert ON access_token FOR INSERT TO ruku_app WITH CHECK ({SYSTEM} OR {OWN})",  # nobody makes one for somebody else
    f"scope_update ON access_token FOR UPDATE TO ruku_app USING ({SYSTEM} OR {DOORKEEPER} OR {OWN} OR {THEIRS})",
)

# Before anybody is the principal, the door asks whose token this is; it has to have the fingerprint, and learns of no other.
BEARER = """
CREATE FUNCTION ruku_token_bearer(fingerprint text) RETURNS SETOF access_token
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.* FROM access_token t JOIN staff_account s ON s.staff_id = t.staff_id AND s.left_at IS NULL
  WHERE t.token_hash = fingerprint AND t.ended_at IS NULL AND ruku_who() = ''
$$;
"""

# `ruku_erase` as it stands, with one more class of data
LINKS = "ELSIF kind = 'runs' THEN"
TOKENS = "ELSIF kind = 'tokens' THEN\n    DELETE FROM access_token WHERE id = ANY(ids) AND coalesce(ended_at, expires_at) < before;\n  "


def _erase(change: Any) -> None:
    written = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('ruku_erase(text, bigint[], timestamptz)'::regprocedure)").scalar_one()
    op.get_bind().exec_driver_sql(change(written).replace("%", "%%"))


def upgrade() -> None:
    op.create_table(
        "access_token",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("title", sa.String(length=60), nullable=False, comment="用途"),
        sa.Column("token_hash", sa.String(length=64), nullable=False, comment="令牌指纹"),
        sa.Column("writes", sa.Boolean(), nullable=False, comment="可以写入"),
        sa.Column("screens", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="限定的表"),
        sa.Column("second_step", sa.Boolean(), nullable=False, comment="建立时经过两步验证"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="建立时间"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="到期时间"),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="最近使用"),
        sa.Column("used_from", sa.String(length=60), server_default="", nullable=False, comment="来自"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="结束时间"),
        sa.Column("ended_why", sa.String(length=30), nullable=True, comment="结束原因"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.CheckConstraint("expires_at <= created_at + interval '90 days'", name=op.f("ck_access_token_ninety_days")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_access_token_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
        comment="访问令牌",
    )
    op.create_index(op.f("ix_access_token_staff_id"), "access_token", ["staff_id"])
    op.execute("ALTER TABLE access_token ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE access_token FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON access_token TO CURRENT_USER USING (true) WITH CHECK (true)")
    for policy in POLICIES:
        op.execute(f"CREATE POLICY {policy}")
    op.execute("GRANT SELECT, INSERT ON access_token TO ruku_app")
    op.execute("GRANT UPDATE (used_at, used_from, ended_at, ended_why) ON access_token TO ruku_app")  # what one may do is not widened later
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    op.execute(BEARER)
    op.execute("REVOKE ALL ON FUNCTION ruku_token_bearer(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_token_bearer(text) TO ruku_app")
    op.execute("SELECT ruku_witnessed('access_token', '{id}', '{used_at,used_from}', '')")
    _erase(lambda written: written.replace(LINKS, TOKENS + LINKS, 1))


def downgrade() -> None:
    _erase(lambda written: re.sub(re.escape(TOKENS), "", written))
    op.execute("DROP FUNCTION ruku_token_bearer(text)")
    op.execute("DROP FUNCTION ruku_witness_access_token() CASCADE")  # and its triggers
    op.drop_table("access_token")
