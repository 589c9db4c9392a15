"""Draws of registers, committed to and proved; and the holder of a receipt also reads what the declaration gives as the answer.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Of the row behind a code only the columns of `intake.answers`; the declaration cannot name a secret or a file there
ANSWERS = """
CREATE FUNCTION ruku_register_answers(asked text, code_hash text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found jsonb; names text[];
BEGIN
  SELECT array_agg(part) INTO names FROM register_definition d, jsonb_array_elements_text(d.document -> 'intake' -> 'answers') one,
    unnest(ARRAY[one, one || '_id', one || '_code']) part WHERE d.table_name = asked;
  IF names IS NULL OR length(code_hash) <> 64 THEN RETURN NULL; END IF;
  EXECUTE format('SELECT to_jsonb(r) FROM %I r WHERE r.receipt = $1', asked) INTO found USING code_hash;
  RETURN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(found) WHERE key = ANY(names));
END $$;
"""


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "register_draw",
        sa.Column("register", sa.String(length=63), nullable=False, comment="数据表"),
        sa.Column("period", sa.String(length=10), nullable=False, comment="期次"),
        sa.Column("rate", sa.String(length=20), nullable=False, comment="比例"),
        sa.Column("pool", postgresql.ARRAY(sa.Integer()), nullable=False, comment="抽取范围"),
        sa.Column("commitment", sa.String(length=64), nullable=False, comment="承诺值"),
        sa.Column("committed_at", at, nullable=False, comment="承诺时间"),
        sa.Column("nonce", sa.String(length=64), nullable=True, comment="随机数"),
        sa.Column("beacon", sa.String(length=64), nullable=True, comment="公开值"),
        sa.Column("beacon_at", at, nullable=True, comment="公开值时间"),
        sa.Column("drawn", postgresql.ARRAY(sa.Integer()), nullable=True, comment="抽中"),
        sa.Column("drawn_at", at, nullable=True, comment="抽取时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_draw")),
        sa.UniqueConstraint("register", "period", name=op.f("uq_register_draw_register_period")),
        comment="登记表抽取",
    )
    # what a draw was committed to cannot be written again
    op.execute("GRANT SELECT, INSERT ON register_draw TO ruku_app")
    op.execute("GRANT UPDATE (nonce, beacon, beacon_at, drawn, drawn_at) ON register_draw TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE register_draw_id_seq TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0024', true)")
    op.execute("SELECT ruku_witnessed('register_draw', '{id}', '{}', '')")
    op.execute(ANSWERS)
    op.execute("REVOKE ALL ON FUNCTION ruku_register_answers(text, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_register_answers(text, text) TO ruku_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_register_answers(text, text)")
    op.drop_table("register_draw")
    op.execute("DROP FUNCTION ruku_witness_register_draw()")
