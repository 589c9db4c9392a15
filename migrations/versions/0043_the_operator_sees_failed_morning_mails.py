"""Morning mails that were not delivered are shown to the operator, come back, and are sent again, as letters are.

Revision ID: 0043
Revises: 0042
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
COLUMNS = (
    sa.Column("confirmed_at", AT, nullable=True, comment="送达时间"),
    sa.Column("bounced_at", AT, nullable=True, comment="退回时间"),
    sa.Column("round", sa.Integer(), nullable=True, comment="重发次数"),
)
# of a morning mail no office is said, it is one officer's: their number, as the audit names them
UNDELIVERED = """
CREATE OR REPLACE FUNCTION ruku_undelivered()
RETURNS TABLE (kind text, id integer, channel text, office text, office_en text, due_at timestamptz, attempts integer,
               gave_up_at timestamptz, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT 'letters', d.id, d.channel, o.name, o.name_en, d.due_at, d.attempts, coalesce(d.bounced_at, d.gave_up_at), d.last_error
  FROM delivery d JOIN admission a ON a.id = d.admission_id JOIN office o ON o.id = a.office_id
  WHERE (d.sent_at IS NULL OR d.bounced_at IS NOT NULL) AND d.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
  UNION ALL
  SELECT 'registers', l.id, l.channel, o.name, o.name_en, l.due_at, l.attempts, coalesce(l.bounced_at, l.gave_up_at), l.last_error
  FROM register_letter l JOIN office o ON o.id = l.office_id
  WHERE (l.sent_at IS NULL OR l.bounced_at IS NOT NULL) AND l.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system()){digests}
$$;
"""
DIGESTS = """
  UNION ALL
  SELECT 'digests', m.id, 'mail', 'staff:' || m.staff_id, 'staff:' || m.staff_id, m.due_at, m.attempts, coalesce(m.bounced_at, m.gave_up_at), m.last_error
  FROM staff_digest m
  WHERE (m.sent_at IS NULL OR m.bounced_at IS NOT NULL) AND m.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())"""


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("staff_digest", column)
    op.create_index("ix_staff_digest_bounced", "staff_digest", ["bounced_at", "id"])
    op.execute("GRANT UPDATE (confirmed_at, bounced_at, round) ON staff_digest TO ruku_app")
    op.execute(UNDELIVERED.format(digests=DIGESTS))


def downgrade() -> None:
    op.execute(UNDELIVERED.format(digests=""))
    op.drop_index("ix_staff_digest_bounced", "staff_digest")
    for column in COLUMNS:
        op.drop_column("staff_digest", column.name)
