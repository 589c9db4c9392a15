"""People change the phone and the mailbox they are reached at by a code, hear when short messages do not arrive, and may have no quiet hours.

Revision ID: 0039
Revises: 0041
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0041"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
# all nullable: a row without them keeps the digest of its last witness
COLUMNS = {
    "applicant": (
        sa.Column("quiet_off", sa.Boolean(), nullable=True, comment="不要免打扰"),
        sa.Column("phone_changed_at", AT, nullable=True, comment="手机修改时间"),
        sa.Column("phone_failed_at", AT, nullable=True, comment="手机不通时间"),
    ),
    "sign_in_code": (sa.Column("applicant_id", sa.Integer(), nullable=True, comment="申报人"),),
}
SYSTEM, OWN = "(SELECT ruku_system())", "applicant_id = (SELECT ruku_applicant())"


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(op.f("ix_sign_in_code_applicant_id"), "sign_in_code", ["applicant_id"])
    op.create_index("ix_applicant_phone_failed", "applicant", ["phone_failed_at"], postgresql_where=sa.text("phone_failed_at IS NOT NULL"))
    op.create_index("ix_applicant_email_failed", "applicant", ["email_failed_at"], postgresql_where=sa.text("email_failed_at IS NOT NULL"))
    op.create_table(
        "account_notice",
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("event", sa.String(length=30), nullable=False, comment="事由"),
        sa.Column("written_at", AT, nullable=False, comment="成文时间"),
        sa.Column("channel", sa.String(length=10), nullable=False, comment="渠道"),
        sa.Column("address", sa.String(), nullable=True, comment="发往"),
        sa.Column("due_at", AT, nullable=True, comment="应发时间"),
        sa.Column("claimed_until", AT, nullable=True, comment="领取至"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="尝试次数"),
        sa.Column("sent_at", AT, nullable=True, comment="送出时间"),
        sa.Column("gave_up_at", AT, nullable=True, comment="转人工时间"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_account_notice_applicant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_notice")),
        comment="账户通知",
    )
    op.create_index(op.f("ix_account_notice_applicant_id"), "account_notice", ["applicant_id"])
    op.create_index("ix_account_notice_waiting", "account_notice", ["due_at"], postgresql_where=sa.text("sent_at IS NULL AND gave_up_at IS NULL"))
    op.execute("ALTER TABLE account_notice ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE account_notice FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON account_notice TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON account_notice FOR SELECT TO ruku_app USING ({SYSTEM} OR {OWN})")
    op.execute(f"CREATE POLICY scope_insert ON account_notice FOR INSERT TO ruku_app WITH CHECK ({SYSTEM} OR {OWN})")
    op.execute(f"CREATE POLICY scope_update ON account_notice FOR UPDATE TO ruku_app USING ({SYSTEM})")
    op.execute("GRANT SELECT, INSERT ON account_notice TO ruku_app")
    op.execute("GRANT UPDATE (address, due_at, claimed_until, attempts, sent_at, gave_up_at, last_error) ON account_notice TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE account_notice_id_seq TO ruku_app")


def downgrade() -> None:
    op.drop_table("account_notice")
    op.drop_index("ix_applicant_email_failed", "applicant")
    op.drop_index("ix_applicant_phone_failed", "applicant")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
