"""Letters of registers: written once for a move and an address, seen by their office, told to whoever holds the code of the receipt.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SYSTEM = "(SELECT ruku_system())"
OWN = "office_id IN (SELECT unnest(ruku_offices('registers')))"
POLICIES = (
    f"scope_read ON register_letter FOR SELECT TO ruku_app USING ({SYSTEM} OR {OWN})",
    f"scope_insert ON register_letter FOR INSERT TO ruku_app WITH CHECK ({SYSTEM})",  # the worker writes, from the trail of moves
    f"scope_update ON register_letter FOR UPDATE TO ruku_app USING ({SYSTEM})",
)

# What was written about the row behind a code, for whoever holds the code: each letter once, whatever ways it went
TOLD = """
CREATE FUNCTION ruku_register_letters(asked text, code_hash text)
RETURNS TABLE (title text, body text, written_at timestamptz, mailed_at timestamptz, texted_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE number int;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM register_definition d WHERE d.table_name = asked AND d.document ? 'intake') OR length(code_hash) <> 64 THEN RETURN; END IF;
  EXECUTE format('SELECT id FROM %I r WHERE r.receipt = $1', asked) INTO number USING code_hash;
  RETURN QUERY SELECT min(l.title)::text, min(l.body), min(l.written_at), max(l.sent_at) FILTER (WHERE l.channel = 'mail'), max(l.sent_at) FILTER (WHERE l.channel = 'sms')
    FROM register_letter l WHERE l.register = asked AND l.row_id = number GROUP BY l.entry_id ORDER BY l.entry_id;
END $$;
"""

_FAILED = """
CREATE OR REPLACE FUNCTION ruku_failed_deliveries()
RETURNS TABLE (id integer, channel text, office text, office_en text, due_at timestamptz, attempts integer,
               gave_up_at timestamptz, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT d.id, d.channel, o.name, o.name_en, d.due_at, d.attempts, d.gave_up_at, d.last_error
  FROM delivery d JOIN admission a ON a.id = d.admission_id JOIN office o ON o.id = a.office_id
  WHERE d.sent_at IS NULL AND d.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system()){more}
$$;
"""
BEFORE = _FAILED.replace("{more}", "")
NOW = _FAILED.replace("{more}", """
  UNION ALL
  SELECT l.id, l.channel, o.name, o.name_en, l.due_at, l.attempts, l.gave_up_at, l.last_error
  FROM register_letter l JOIN office o ON o.id = l.office_id
  WHERE l.sent_at IS NULL AND l.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())""")


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "register_letter",
        sa.Column("key", sa.String(length=120), nullable=False, comment="唯一键"),
        sa.Column("entry_id", sa.BigInteger(), nullable=False, comment="审计记录"),
        sa.Column("register", sa.String(length=63), nullable=False, comment="登记表"),
        sa.Column("row_id", sa.Integer(), nullable=False, comment="记录编号"),
        sa.Column("event", sa.String(length=64), nullable=False, comment="事由"),
        sa.Column("address", sa.String(length=64), nullable=False, comment="收件栏目"),
        sa.Column("channel", sa.String(length=10), nullable=False, comment="渠道"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="标题"),
        sa.Column("body", sa.Text(), nullable=False, comment="正文"),
        sa.Column("sms", sa.Text(), server_default="", nullable=False, comment="短信"),
        sa.Column("written_at", at, nullable=False, comment="成文时间"),
        sa.Column("due_at", at, nullable=True, comment="应发时间"),
        sa.Column("claimed_until", at, nullable=True, comment="领取至"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("sent_at", at, nullable=True, comment="送出时间"),
        sa.Column("gave_up_at", at, nullable=True, comment="转人工时间"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_register_letter_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_letter")),
        sa.UniqueConstraint("key", name=op.f("uq_register_letter_key")),
        comment="登记表函件",
    )
    op.create_index(op.f("ix_register_letter_office_id"), "register_letter", ["office_id"])
    op.create_index(op.f("ix_register_letter_entry_id"), "register_letter", ["entry_id"])
    op.create_index("ix_register_letter_row", "register_letter", ["register", "row_id"])
    op.create_index("ix_register_letter_latest", "register_letter", [sa.text("written_at DESC NULLS LAST"), sa.text("id DESC")])
    op.create_index("ix_register_letter_waiting", "register_letter", ["due_at"], postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"))
    op.execute("ALTER TABLE register_letter ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE register_letter FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON register_letter TO CURRENT_USER USING (true) WITH CHECK (true)")
    for policy in POLICIES:
        op.execute(f"CREATE POLICY {policy}")
    op.execute("GRANT SELECT, INSERT ON register_letter TO ruku_app")
    # what was written is kept as it was written
    op.execute("GRANT UPDATE (due_at, claimed_until, attempts, sent_at, gave_up_at, last_error) ON register_letter TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE register_letter_id_seq TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0026', true)")
    op.execute("SELECT ruku_witnessed('register_letter', '{id}', '{claimed_until,attempts,due_at,last_error}', '')")
    op.execute(TOLD)
    op.execute("REVOKE ALL ON FUNCTION ruku_register_letters(text, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_register_letters(text, text) TO ruku_app")
    op.execute(NOW)


def downgrade() -> None:
    op.execute(BEFORE)
    op.execute("DROP FUNCTION ruku_register_letters(text, text)")
    op.drop_table("register_letter")
    op.execute("DROP FUNCTION ruku_witness_register_letter()")
