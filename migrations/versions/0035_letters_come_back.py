"""Letters come back and go out again: how people want to be told, what came back, where machines are told, and a mail in the morning for officers.

Revision ID: 0035
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0032"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
# all nullable: a row without them keeps the digest of its last witness
COLUMNS = {
    "applicant": (
        sa.Column("muted", postgresql.ARRAY(sa.String()), nullable=True, comment="不接收的函件"),
        sa.Column("quiet_from", sa.Time(), nullable=True, comment="免打扰开始"),
        sa.Column("quiet_until", sa.Time(), nullable=True, comment="免打扰结束"),
        sa.Column("email_changed_at", AT, nullable=True, comment="邮箱修改时间"),
        sa.Column("email_failed_at", AT, nullable=True, comment="邮箱退信时间"),
    ),
    "delivery": (
        sa.Column("confirmed_at", AT, nullable=True, comment="送达时间"),
        sa.Column("bounced_at", AT, nullable=True, comment="退回时间"),
        sa.Column("round", sa.Integer(), nullable=True, comment="重发次数"),
        sa.Column("webhook_id", sa.Integer(), nullable=True, comment="接口"),
    ),
    "register_letter": (
        sa.Column("confirmed_at", AT, nullable=True, comment="送达时间"),
        sa.Column("bounced_at", AT, nullable=True, comment="退回时间"),
        sa.Column("round", sa.Integer(), nullable=True, comment="重发次数"),
    ),
    "staff_account": (sa.Column("morning_mail", sa.Boolean(), nullable=True, comment="早报邮件"),),
}
SYSTEM = "(SELECT ruku_system())"
# what came back is given up too, to whoever looks at the desk
UNDELIVERED = """
CREATE OR REPLACE FUNCTION ruku_undelivered()
RETURNS TABLE (kind text, id integer, channel text, office text, office_en text, due_at timestamptz, attempts integer,
               gave_up_at timestamptz, last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT 'letters', d.id, d.channel, o.name, o.name_en, d.due_at, d.attempts, {d}, d.last_error
  FROM delivery d JOIN admission a ON a.id = d.admission_id JOIN office o ON o.id = a.office_id
  WHERE {d_failed} AND d.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
  UNION ALL
  SELECT 'registers', l.id, l.channel, o.name, o.name_en, l.due_at, l.attempts, {l}, l.last_error
  FROM register_letter l JOIN office o ON o.id = l.office_id
  WHERE {l_failed} AND l.attempts > 0 AND (ruku_who() LIKE 'staff:%' OR ruku_system())
$$;
"""
BEFORE = UNDELIVERED.format(d="d.gave_up_at", l="l.gave_up_at", d_failed="d.sent_at IS NULL", l_failed="l.sent_at IS NULL")
NOW = UNDELIVERED.format(
    d="coalesce(d.bounced_at, d.gave_up_at)", l="coalesce(l.bounced_at, l.gave_up_at)",
    d_failed="(d.sent_at IS NULL OR d.bounced_at IS NOT NULL)", l_failed="(l.sent_at IS NULL OR l.bounced_at IS NOT NULL)",
)  # fmt: skip


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("department_id", sa.Integer(), nullable=True, comment="主管部门"),
        sa.Column("title", sa.String(length=60), nullable=False, comment="给谁用"),
        sa.Column("url", sa.String(length=500), nullable=False, comment="地址"),
        sa.Column("secret", sa.String(), nullable=False, comment="签名密钥"),
        sa.Column("created_by", sa.String(length=80), nullable=False, comment="建立人"),
        sa.Column("created_at", AT, nullable=False, comment="建立时间"),
        sa.Column("stopped_by", sa.String(length=80), nullable=True, comment="停用人"),
        sa.Column("stopped_at", AT, nullable=True, comment="停用时间"),
        sa.Column("stopped_why", sa.Text(), nullable=True, comment="停用理由"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_webhook_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        comment="事件推送",
    )
    op.create_index(op.f("ix_webhook_department_id"), "webhook", ["department_id"])
    op.create_foreign_key(op.f("fk_delivery_webhook_id"), "delivery", "webhook", ["webhook_id"], ["id"])
    op.create_index(op.f("ix_delivery_webhook_id"), "delivery", ["webhook_id"])
    for table in ("delivery", "register_letter"):
        op.create_index(f"ix_{table}_bounced", table, ["bounced_at", "id"])
    op.create_index("ix_delivery_confirmed", "delivery", ["confirmed_at", "id"])
    op.create_index("ix_delivery_sent", "delivery", ["sent_at", "id"])
    op.create_table(
        "staff_digest",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.Column("title", sa.String(length=200), nullable=False, comment="标题"),
        sa.Column("body", sa.Text(), nullable=False, comment="正文"),
        sa.Column("due_at", AT, nullable=False, comment="应发时间"),
        sa.Column("claimed_until", AT, nullable=True, comment="领取至"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("sent_at", AT, nullable=True, comment="送出时间"),
        sa.Column("gave_up_at", AT, nullable=True, comment="转人工时间"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_digest")),
        sa.UniqueConstraint("staff_id", "day", name=op.f("uq_staff_digest_staff_id_day")),
        comment="早报",
    )
    op.create_index("ix_staff_digest_waiting", "staff_digest", ["due_at"], postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"))
    op.create_table(
        "bounce_box",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("due_at", AT, nullable=False, comment="下次读取"),
        sa.Column("claimed_until", AT, nullable=True, comment="领取至"),
        sa.Column("read_at", AT, nullable=True, comment="最近读取"),
        sa.Column("known", sa.Integer(), server_default="0", nullable=False, comment="退信"),
        sa.Column("unknown", sa.Integer(), server_default="0", nullable=False, comment="认不出的邮件"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce_box")),
        comment="退信箱",
    )
    op.execute("INSERT INTO bounce_box (due_at) VALUES (ruku_now())")
    op.execute("GRANT SELECT ON bounce_box TO ruku_app")
    op.execute("GRANT UPDATE ON bounce_box TO ruku_worker")
    # an address of a machine, its secret encrypted; services ask who may name one, and what is named is stopped, never changed
    op.execute("GRANT SELECT, INSERT ON webhook TO ruku_app")
    op.execute("GRANT UPDATE (stopped_by, stopped_at, stopped_why) ON webhook TO ruku_app")
    op.execute("ALTER TABLE staff_digest ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE staff_digest FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON staff_digest TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON staff_digest FOR SELECT TO ruku_app USING ({SYSTEM} OR staff_id = (SELECT ruku_staff()))")
    op.execute(f"CREATE POLICY scope_insert ON staff_digest FOR INSERT TO ruku_app WITH CHECK ({SYSTEM})")
    op.execute(f"CREATE POLICY scope_update ON staff_digest FOR UPDATE TO ruku_app USING ({SYSTEM})")
    op.execute("GRANT SELECT, INSERT ON staff_digest TO ruku_app")
    op.execute("GRANT UPDATE (due_at, claimed_until, attempts, sent_at, gave_up_at, last_error) ON staff_digest TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE webhook_id_seq, staff_digest_id_seq TO ruku_app")
    op.execute("GRANT UPDATE (confirmed_at, bounced_at, round) ON register_letter TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0035', true)")
    op.execute("SELECT ruku_witnessed('webhook', '{id}', '{}', '')")
    op.execute(NOW)


def downgrade() -> None:
    op.execute(BEFORE)
    op.execute("DELETE FROM delivery WHERE webhook_id IS NOT NULL")
    for table in ("staff_digest", "bounce_box"):
        op.drop_table(table)
    op.drop_index("ix_delivery_sent", "delivery")
    op.drop_index("ix_delivery_confirmed", "delivery")
    for table in ("delivery", "register_letter"):
        op.drop_index(f"ix_{table}_bounced", table)
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
    op.drop_table("webhook")
    op.execute("DROP FUNCTION ruku_witness_webhook()")
