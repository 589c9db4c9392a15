"""What a sweep could not do waits longer each time and then for a person; a run names its process, so that what a killed one left open is closed.

Revision ID: 0034
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_run", sa.Column("process", sa.String(length=80), nullable=True, comment="进程"))
    op.create_index("ix_job_run_open", "job_run", ["process"], postgresql_where=sa.text("finished_at IS NULL"))
    op.create_table(
        "setback",
        sa.Column("job", sa.String(length=80), nullable=False, comment="作业"),
        sa.Column("subject_id", sa.BigInteger(), nullable=False, comment="对象编号"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="尝试次数"),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False, comment="第一次失败"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="再试时间"),
        sa.Column("last_error", sa.Text(), nullable=False, comment="最近一次失败原因"),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True, comment="转人工时间"),
        sa.PrimaryKeyConstraint("job", "subject_id", name=op.f("pk_setback")),
        comment="没办成的对象",
    )
    op.execute("GRANT SELECT, DELETE ON setback TO ruku_app")  # whoever asks again at the ops desk takes the row away
    op.execute("GRANT INSERT, UPDATE ON setback TO ruku_worker")


def downgrade() -> None:
    op.drop_table("setback")
    op.drop_index("ix_job_run_open", "job_run")
    op.drop_column("job_run", "process")
