"""What is measured of the house lies in a table of its own; messages know which request wrote them.

Revision ID: 0036
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None

# Letters that were not delivered, for the operator: which table, why, since when; neither the letter nor whose it is
UNDELIVERED = """
CREATE FUNCTION ruku_undelivered()
RETURNS TABLE (kind text, id integer, channel text, office text, office_en text, due_at timestamptz, attempts integer,
               gave_up_at timestamptz, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT 'letters', d.id, d.channel, o.name, o.name_en, d.due_at, d.attempts, d.gave_up_at, d.last_error
  FROM delivery d JOIN admission a ON a.id = d.admission_id JOIN office o ON o.id = a.office_id
  WHERE d.sent_at IS NULL AND d.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
  UNION ALL
  SELECT 'registers', l.id, l.channel, o.name, o.name_en, l.due_at, l.attempts, l.gave_up_at, l.last_error
  FROM register_letter l JOIN office o ON o.id = l.office_id
  WHERE l.sent_at IS NULL AND l.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
$$;
"""
# as it was since migration 0026
BEFORE = UNDELIVERED.replace("ruku_undelivered", "ruku_failed_deliveries").replace("kind text, ", "").replace("'letters', ", "").replace("'registers', ", "")


def _allow(function: str) -> None:
    op.execute(f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function}() TO ruku_app")


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "vital",
        sa.Column("name", sa.String(length=20), nullable=False, comment="指标"),
        sa.Column("label", sa.String(length=120), nullable=False, comment="对象"),
        sa.Column("count", sa.Integer(), nullable=False, comment="数量"),
        sa.Column("since", at, nullable=True, comment="最早一件"),
        sa.Column("at", at, nullable=False, comment="测得时间"),
        sa.PrimaryKeyConstraint("name", "label", name=op.f("pk_vital")),
        comment="运行指标",
    )
    op.execute("GRANT SELECT ON vital TO ruku_app")
    op.execute("GRANT INSERT, UPDATE, DELETE ON vital TO ruku_worker")
    op.add_column("outbox", sa.Column("request_id", sa.String(length=36), nullable=True, comment="请求编号"))
    op.create_index("ix_outbox_gave_up", "outbox", ["gave_up_at", "id"], postgresql_where=sa.text("gave_up_at IS NOT NULL AND done_at IS NULL"))
    op.create_index("ix_job_run_started_at", "job_run", ["started_at"])
    op.execute("GRANT UPDATE (attempts, done_at) ON outbox TO ruku_app")  # a retry from the ops desk begins anew; what is put away is done
    op.execute(UNDELIVERED)
    _allow("ruku_undelivered")
    op.execute("DROP FUNCTION ruku_failed_deliveries()")


def downgrade() -> None:
    op.execute(BEFORE)
    _allow("ruku_failed_deliveries")
    op.execute("DROP FUNCTION ruku_undelivered()")
    op.execute("REVOKE UPDATE (attempts, done_at) ON outbox FROM ruku_app")
    op.drop_index("ix_job_run_started_at", "job_run")
    op.drop_index("ix_outbox_gave_up", "outbox")
    op.drop_column("outbox", "request_id")
    op.drop_table("vital")
