"""Who could not be settled when a notice ended is a setback as every other row that a sweep could not do: one mechanism, one list, one way to try again.

Revision ID: 0041
Revises: 0038
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0038"
branch_labels = None
depends_on = None

OF_PERSON = "s.job = 'publicity.settle' AND s.subject_id = i.id"
# as 0033 made it, but for what says that somebody could not be settled
DUE = """
CREATE OR REPLACE FUNCTION ruku_automatic_due(until timestamptz) RETURNS TABLE (rule text, department_id int, due bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT found.rule, found.department_id, sum(found.many)::bigint FROM (
    SELECT 'admission' AS rule, n.department_id, 1 AS many FROM notice_item i JOIN notice n ON n.id = i.notice_id
      WHERE n.due_at <= until AND n.closed_at IS NULL AND i.settled_at IS NULL
        {held}
        AND NOT EXISTS (SELECT FROM objection o WHERE o.notice_item_id = i.id AND o.ruled_at IS NULL)
    UNION ALL
    SELECT 'admission.failed', n.department_id, 1 FROM notice_item i JOIN notice n ON n.id = i.notice_id WHERE i.settled_at IS NULL
        {failed}
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


def _due(held: str, failed: str) -> str:
    return DUE.replace("{held}", held).replace("{failed}", failed)


def upgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0041', true)")
    op.execute(
        """INSERT INTO setback (job, subject_id, attempts, first_at, due_at, last_error, gave_up_at)
        SELECT 'publicity.settle', id, coalesce(tries, 1), failed_at, failed_at + interval '10 minutes', coalesce(failure, ''), CASE WHEN tries >= 5 THEN failed_at END
        FROM notice_item WHERE failed_at IS NOT NULL AND settled_at IS NULL"""
    )
    op.execute("UPDATE notice_item SET failed_at = NULL, failure = NULL, tries = NULL WHERE failed_at IS NOT NULL")  # leaves a witness of what stays
    op.execute(
        _due(
            f"AND NOT EXISTS (SELECT FROM setback s WHERE {OF_PERSON} AND (s.gave_up_at IS NOT NULL OR s.due_at > until))",
            f"AND EXISTS (SELECT FROM setback s WHERE {OF_PERSON})",
        )
    )
    op.drop_index("ix_notice_item_failed", table_name="notice_item")
    for column in ("tries", "failure", "failed_at"):
        op.drop_column("notice_item", column)


def downgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0041', true)")
    op.add_column("notice_item", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True, comment="没办成的时间"))
    op.add_column("notice_item", sa.Column("failure", sa.Text(), nullable=True, comment="没办成的原因"))
    op.add_column("notice_item", sa.Column("tries", sa.Integer(), nullable=True, comment="没办成的次数"))
    op.create_index("ix_notice_item_failed", "notice_item", ["failed_at"], unique=False, postgresql_where=sa.text("failed_at IS NOT NULL"))
    op.execute(
        f"""UPDATE notice_item i SET failed_at = s.first_at, failure = s.last_error, tries = CASE WHEN s.gave_up_at IS NULL THEN least(s.attempts, 4) ELSE greatest(s.attempts, 5) END
        FROM setback s WHERE {OF_PERSON} AND i.settled_at IS NULL"""
    )
    op.execute("DELETE FROM setback WHERE job = 'publicity.settle'")
    op.execute(_due("AND coalesce(i.tries, 0) < 5", "AND i.failed_at IS NOT NULL"))
