"""Exports and imports: rows that are their asker's alone, and the table where a file's rows wait for a yes, which only the worker reads.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OWN = "(SELECT ruku_system()) OR staff_id = (SELECT ruku_staff())"
STATES = "state IN ('waiting', 'running', 'checked', 'ordered', 'writing', 'done', 'cancelled', 'failed')"


def _at(name: str, comment: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def _count(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=True, comment=comment)


def _place(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=64), nullable=True, comment=comment)


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("screen", sa.String(length=60), nullable=False, comment="名单"),
        sa.Column("language", sa.String(length=5), nullable=False, comment="语言"),
        sa.Column("state", sa.String(length=20), nullable=False, comment="状态"),
        sa.Column("grants", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False, comment="所据授权"),
        sa.Column("error", sa.Text(), nullable=True, comment="失败原因"),
        _place("place", "存放处"),
        _at("asked_at", "提出时间", nullable=False),
        _at("finished_at", "结束"),
        _at("cancel_asked_at", "要求停止"),
        _at("erased_at", "清除时间"),
    ]


def upgrade() -> None:
    op.create_table(
        "data_export",
        *_common(),
        sa.Column("query", postgresql.JSONB(), nullable=False, comment="条件与次序"),
        sa.Column("columns", postgresql.ARRAY(sa.String()), nullable=False, comment="列"),
        sa.Column("format", sa.String(length=10), nullable=False, comment="格式"),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False, comment="行数"),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="字节数"),
        _place("content_hash", "内容指纹"),
        _at("started_at", "开始"),
        _at("expires_at", "下载期限"),
        sa.CheckConstraint(STATES, name=op.f("ck_data_export_state_is_known")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_data_export_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export")),
        comment="导出",
    )
    op.create_table(
        "data_import",
        *_common(),
        sa.Column("file_name", sa.String(length=120), nullable=False, comment="文件名"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="字节数"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("progress", sa.BigInteger(), server_default="0", nullable=False, comment="已办"),
        sa.Column("columns", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="列"),
        sa.Column("notes", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="说明"),
        _count("fresh", "新增行数"),
        _count("changed", "变更行数"),
        _count("same", "相同行数"),
        _count("wrong", "有误行数"),
        sa.Column("problems", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False, comment="问题"),
        _place("problems_place", "全部问题存放处"),
        sa.Column("leave_wrong", sa.Boolean(), server_default="false", nullable=False, comment="略过有误的行"),
        _at("checked_at", "核对时间"),
        _at("confirmed_at", "确认时间"),
        _at("expires_at", "保留期限", nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_data_import_state_is_known")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_data_import_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_import")),
        comment="导入",
    )
    op.create_table(
        "data_import_row",
        sa.Column("import_id", sa.Integer(), nullable=False, comment="导入"),
        sa.Column("line", sa.Integer(), nullable=False, comment="行号"),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="类别"),
        sa.Column("target", sa.Text(), nullable=True, comment="对应的行"),
        sa.Column("seen", sa.Text(), nullable=True, comment="核对时的样子"),
        sa.Column("cells", postgresql.ARRAY(sa.Text()), nullable=False, comment="各列的值"),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_data_import_row")),
        comment="导入暂存行",
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_data_import_row_kind", "data_import_row", ["import_id", "kind", "line"])
    for table in ("data_export", "data_import"):
        op.create_index(op.f(f"ix_{table}_staff_id"), table, ["staff_id"])
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT TO ruku_app USING ({OWN})")
        op.execute(f"CREATE POLICY scope_insert ON {table} FOR INSERT TO ruku_app WITH CHECK ({OWN})")
        op.execute(f"CREATE POLICY scope_update ON {table} FOR UPDATE TO ruku_app USING ({OWN})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO ruku_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON data_import_row TO ruku_worker")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")


def downgrade() -> None:
    for table in ("data_import_row", "data_import", "data_export"):
        op.drop_table(table)
