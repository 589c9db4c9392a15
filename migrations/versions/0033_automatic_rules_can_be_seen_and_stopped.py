"""Officers learn how much each automatic rule would do; who could not be settled is listed for a person; a standing names the notice it rests on.

Revision ID: 0033
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

# What each rule would act on by then, by department; a test compares it with the rules' own questions, asked as System. Only numbers, and only for officers:
# who may stop a rule need not be somebody who reads files.
DUE = """
CREATE FUNCTION ruku_automatic_due(until timestamptz) RETURNS TABLE (rule text, department_id int, due bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT found.rule, found.department_id, sum(found.many)::bigint FROM (
    SELECT 'admission' AS rule, n.department_id, 1 AS many FROM notice_item i JOIN notice n ON n.id = i.notice_id
      WHERE n.due_at <= until AND n.closed_at IS NULL AND i.settled_at IS NULL AND coalesce(i.tries, 0) < 5
        AND NOT EXISTS (SELECT FROM objection o WHERE o.notice_item_id = i.id AND o.ruled_at IS NULL)
    UNION ALL
    SELECT 'admission.failed', n.department_id, 1 FROM notice_item i JOIN notice n ON n.id = i.notice_id WHERE i.failed_at IS NOT NULL AND i.settled_at IS NULL
    UNION ALL
    SELECT 'lapse', a.department_id, 1 FROM admission a WHERE a.due_at <= until AND a.step IN ('correction', 'training', 'exam')
        AND NOT EXISTS (SELECT FROM attempt t WHERE t.admission_id = a.id AND t.finished_at IS NULL)
    UNION ALL
    SELECT 'exam_time', a.department_id, 1 FROM attempt t JOIN admission a ON a.id = t.admission_id WHERE t.finished_at IS NULL AND t.ends_at <= until
    UNION ALL
    SELECT 'screening', a.department_id, 1 FROM admission a WHERE a.verdict = 'reject' AND a.step IN ('first_review', 'second_review')
    UNION ALL
    SELECT 'rescreen', a.department_id, 1 FROM outbox m JOIN admission a ON a.id = ANY(m.ids)
      WHERE m.topic = 'admission.rules_changed' AND m.done_at IS NULL AND m.due_at <= until
    UNION ALL
    SELECT 'training', a.department_id, 1 FROM outbox m JOIN admission a ON a.id = ANY(m.ids)
      WHERE m.topic IN ('admission.entered_training', 'training.completed') AND m.done_at IS NULL AND m.due_at <= until
    UNION ALL
    SELECT 'retention', NULL, o.due FROM retention_outlook o
    UNION ALL
    SELECT 'registers', NULL, 1 FROM register_draw d WHERE d.drawn_at IS NULL
  ) found
  WHERE ruku_who() LIKE 'staff:%' OR ruku_system()
  GROUP BY 1, 2 HAVING sum(found.many) > 0
$$;
"""


def upgrade() -> None:
    op.add_column("notice_item", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True, comment="没办成的时间"))
    op.add_column("notice_item", sa.Column("failure", sa.Text(), nullable=True, comment="没办成的原因"))
    op.add_column("notice_item", sa.Column("tries", sa.Integer(), nullable=True, comment="没办成的次数"))
    op.create_index("ix_notice_item_failed", "notice_item", ["failed_at"], unique=False, postgresql_where=sa.text("failed_at IS NOT NULL"))
    # the receipt of an admission: which public notice it rests on, and what that said
    op.add_column("roster_specialty", sa.Column("notice_number", sa.String(length=30), nullable=True, comment="公示编号"))
    op.add_column("roster_specialty", sa.Column("notice_hash", sa.String(length=64), nullable=True, comment="公示内容指纹"))
    op.execute(DUE)
    op.execute("REVOKE ALL ON FUNCTION ruku_automatic_due(timestamptz) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_automatic_due(timestamptz) TO ruku_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_automatic_due(timestamptz)")
    op.execute("SELECT set_config('ruku.who', 'migration 0033', true)")
    op.drop_column("roster_specialty", "notice_hash")
    op.drop_column("roster_specialty", "notice_number")
    op.drop_index("ix_notice_item_failed", table_name="notice_item")
    op.drop_column("notice_item", "tries")
    op.drop_column("notice_item", "failure")
    op.drop_column("notice_item", "failed_at")
    op.execute("SELECT ruku_witness_again('notice_item', '{id}', '{}', '')")
    op.execute("SELECT ruku_witness_again('roster_specialty', '{id}', '{}', '')")
