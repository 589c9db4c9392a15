"""Which registers there are; what their tables' policies ask; and what may be learnt with the code of a receipt in hand.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# The offices whose rows of a register somebody sees: their own, those of their departments, or all of them
SEEN = """
CREATE FUNCTION ruku_register_offices(scope text) RETURNS int[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT CASE
    WHEN cardinality(ruku_offices('registers')) = 0 THEN '{}'::int[]
    WHEN scope = 'office' THEN ruku_offices('registers')
    WHEN scope = 'department' THEN (SELECT array_agg(o.id) FROM office o
      WHERE o.department_id IN (SELECT m.department_id FROM office m WHERE m.id = ANY(ruku_offices('registers'))))
    ELSE (SELECT array_agg(o.id) FROM office o) END
$$;
"""

# The code of a receipt opens one row, and of it where it stands and what is answered: nothing else of what it says
RECEIPT = """
CREATE FUNCTION ruku_register_receipt(asked text, code_hash text)
RETURNS TABLE (state text, state_since timestamptz, entered_at timestamptz, due_at timestamptz, office_id int, answers jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM register_definition d WHERE d.table_name = asked AND d.document ? 'intake') OR length(code_hash) <> 64 THEN RETURN; END IF;
  RETURN QUERY EXECUTE format('SELECT r.state::text, r.state_since, r.entered_at, r.due_at, r.office_id,
    (SELECT coalesce(jsonb_object_agg(f.key, f.value), ''{}'') FROM jsonb_each(to_jsonb(r)) f
     WHERE f.key IN (SELECT jsonb_array_elements_text(d.document -> ''intake'' -> ''answers'') FROM register_definition d WHERE d.table_name = $2))
    FROM %I r WHERE r.receipt = $1', asked) USING code_hash, asked;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "register_definition",
        sa.Column("department_code", sa.String(length=40), nullable=False, comment="部门代码"),
        sa.Column("register_id", sa.String(length=64), nullable=False, comment="登记表"),
        sa.Column("table_name", sa.String(length=63), nullable=False, comment="数据表"),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="声明"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("revision", sa.String(length=80), nullable=False, comment="迁移版本"),
        sa.Column("hidden", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="已隐藏的列"),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, comment="应用时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_definition")),
        sa.UniqueConstraint("department_code", "register_id", name=op.f("uq_register_definition_department_code_register_id")),
        sa.UniqueConstraint("table_name", name=op.f("uq_register_definition_table_name")),
        comment="登记表定义",
    )
    # the owner's migrations write it; everybody else reads
    op.execute("GRANT SELECT ON register_definition TO ruku_app")
    op.execute(SEEN)
    op.execute("GRANT EXECUTE ON FUNCTION ruku_register_offices(text) TO ruku_app")
    op.execute(RECEIPT)
    op.execute("REVOKE ALL ON FUNCTION ruku_register_receipt(text, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_register_receipt(text, text) TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0023', true)")
    op.execute("SELECT ruku_witnessed('register_definition', '{id}', '{}', '')")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_register_receipt(text, text)")
    op.execute("DROP FUNCTION ruku_register_offices(text)")
    op.drop_table("register_definition")
    op.execute("DROP FUNCTION ruku_witness_register_definition()")
