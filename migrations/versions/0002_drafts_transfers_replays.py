"""Drafts of rules with their revisions, transfers of specialties, replays and who would flip; a release keeps its files as written.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SYSTEM = "(SELECT ruku_system())"
STAFF = "(SELECT ruku_who()) LIKE 'staff:%'"
OFFICERS = f"{SYSTEM} OR {STAFF}"
REPLAYS = f"{SYSTEM} OR ({STAFF} AND office_id = ANY((SELECT ruku_offices('replays'))::int[]))"

# table → who reads, who inserts, who updates, who deletes (None: nobody but the owner)
POLICIES: dict[str, tuple[str, str | None, str | None, str | None]] = {
    "rule_draft": (OFFICERS, OFFICERS, OFFICERS, None),
    "draft_revision": (OFFICERS, OFFICERS, None, None),
    "replay": (OFFICERS, OFFICERS, OFFICERS, None),
    "replay_outcome": (REPLAYS, SYSTEM, None, SYSTEM),  # a replay that is run again begins anew
}
APPEND_ONLY = ("draft_revision", "specialty_transfer")


def _guard(table: str) -> None:
    read, insert, change, delete = POLICIES[table]
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON {table} FOR SELECT TO ruku_app USING ({read})")
    op.execute(f"GRANT SELECT ON {table} TO ruku_app")
    if insert:
        op.execute(f"CREATE POLICY scope_insert ON {table} FOR INSERT TO ruku_app WITH CHECK ({insert})")
        op.execute(f"GRANT INSERT ON {table} TO ruku_app")
    if change:
        op.execute(f"CREATE POLICY scope_update ON {table} FOR UPDATE TO ruku_app USING ({change})")
        op.execute(f"GRANT UPDATE ON {table} TO ruku_app")
    if delete:
        op.execute(f"CREATE POLICY scope_delete ON {table} FOR DELETE TO ruku_app USING ({delete})")
        op.execute(f"GRANT DELETE ON {table} TO ruku_worker")


def upgrade() -> None:
    op.add_column("release", sa.Column("sources", postgresql.JSONB(), nullable=True, comment="文件原文"))
    op.add_column("release", sa.Column("transition", postgresql.JSONB(), nullable=True, comment="过渡安排"))
    op.create_table(
        "specialty_transfer",
        sa.Column("standard", sa.String(length=20), nullable=False, comment="分类标准"),
        sa.Column("prefix", sa.String(length=12), nullable=False, comment="专业代码前缀"),
        sa.Column("from_id", sa.Integer(), nullable=False, comment="移出部门"),
        sa.Column("to_id", sa.Integer(), nullable=False, comment="移入部门"),
        sa.Column("basis", sa.Text(), nullable=False, comment="依据"),
        sa.Column("reason", sa.Text(), nullable=False, comment="理由"),
        sa.Column("recorded_by", sa.String(length=80), nullable=False, comment="登记人"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="登记时间"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_specialty_transfer_changes_hands")),
        sa.ForeignKeyConstraint(["from_id"], ["department.id"], name=op.f("fk_specialty_transfer_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["department.id"], name=op.f("fk_specialty_transfer_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specialty_transfer")),
        comment="专业移交",
    )
    op.create_index("ix_specialty_transfer_prefix", "specialty_transfer", ["standard", "prefix"])
    op.create_table(
        "rule_draft",
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("base_id", sa.Integer(), nullable=True, comment="起草所据版本"),
        sa.Column("title", sa.String(length=120), nullable=False, comment="标题"),
        sa.Column("state", sa.String(length=20), nullable=False, comment="状态"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="修订号"),
        sa.Column("effective_on", sa.Date(), nullable=True, comment="拟生效日期"),
        sa.Column("transition", postgresql.JSONB(), nullable=True, comment="过渡安排"),
        sa.Column("opened_by", sa.String(length=80), nullable=False, comment="起草人"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="起草时间"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="办结时间"),
        sa.Column("release_id", sa.Integer(), nullable=True, comment="规则发布版"),
        sa.Column("lock", sa.Integer(), server_default="1", nullable=False, comment="并发版本"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.CheckConstraint(
            "state IN ('open', 'ready', 'published', 'discarded')", name=op.f("ck_rule_draft_state_is_known")
        ),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_rule_draft_department_id")),
        sa.ForeignKeyConstraint(["base_id"], ["release.id"], name=op.f("fk_rule_draft_base_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_rule_draft_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_draft")),
        comment="规则草稿",
    )
    op.create_index("ix_rule_draft_waiting", "rule_draft", ["department_id", "state"])
    op.create_table(
        "draft_revision",
        sa.Column("draft_id", sa.Integer(), nullable=False, comment="规则草稿"),
        sa.Column("number", sa.Integer(), nullable=False, comment="修订号"),
        sa.Column("sources", postgresql.JSONB(), nullable=False, comment="文件原文"),
        sa.Column("content", sa.Text(), nullable=True, comment="规范文本"),
        sa.Column("content_hash", sa.String(length=64), nullable=True, comment="内容指纹"),
        sa.Column("by", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="时间"),
        sa.Column("note", sa.Text(), server_default="", nullable=False, comment="说明"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["draft_id"], ["rule_draft.id"], name=op.f("fk_draft_revision_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_revision")),
        sa.UniqueConstraint("draft_id", "number", name=op.f("uq_draft_revision_draft_id_number")),
        comment="草稿修订",
    )
    op.create_index(op.f("ix_draft_revision_content_hash"), "draft_revision", ["content_hash"])
    op.create_table(
        "replay",
        sa.Column("department_id", sa.Integer(), nullable=False, comment="主管部门"),
        sa.Column("draft_id", sa.Integer(), nullable=False, comment="规则草稿"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="修订号"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("as_if", sa.Date(), nullable=False, comment="按何日的参数"),
        sa.Column("asked_by", sa.String(length=80), nullable=False, comment="何人"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="提出时间"),
        sa.Column("state", sa.String(length=20), nullable=False, comment="状态"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="开始"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="结束"),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False, comment="已办"),
        sa.Column("total", sa.Integer(), nullable=True, comment="总数"),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True, comment="要求停止"),
        sa.Column("error", sa.Text(), nullable=True, comment="失败原因"),
        sa.Column("summary", postgresql.JSONB(), nullable=True, comment="结果汇总"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_replay_department_id")),
        sa.ForeignKeyConstraint(["draft_id"], ["rule_draft.id"], name=op.f("fk_replay_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replay")),
        comment="往卷重算",
    )
    op.create_index(op.f("ix_replay_department_id"), "replay", ["department_id"])
    op.create_index(op.f("ix_replay_draft_id"), "replay", ["draft_id"])
    op.create_table(
        "replay_outcome",
        sa.Column("replay_id", sa.Integer(), nullable=False, comment="往卷重算"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("number", sa.String(length=30), nullable=False, comment="办件编号"),
        sa.Column("name", sa.String(length=60), nullable=False, comment="姓名"),
        sa.Column("division_code", sa.String(length=6), nullable=False, comment="工作所在地"),
        sa.Column("step", sa.String(length=20), nullable=False, comment="现在环节"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="变动"),
        sa.Column("before", sa.String(length=20), nullable=False, comment="原结论"),
        sa.Column("after", sa.String(length=20), nullable=True, comment="重算结论"),
        sa.Column("flips", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False, comment="变动条件"),
        sa.Column("missing", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False, comment="当时没有问的"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_replay_outcome_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_replay_outcome_applicant_id")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_replay_outcome_division_code")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_replay_outcome_office_id")),
        sa.ForeignKeyConstraint(["replay_id"], ["replay.id"], name=op.f("fk_replay_outcome_replay_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replay_outcome")),
        sa.UniqueConstraint("replay_id", "admission_id", name=op.f("uq_replay_outcome_replay_id_admission_id")),
        comment="重算结果",
    )
    op.create_index(op.f("ix_replay_outcome_admission_id"), "replay_outcome", ["admission_id"])
    op.create_index(op.f("ix_replay_outcome_applicant_id"), "replay_outcome", ["applicant_id"])
    op.create_index(op.f("ix_replay_outcome_office_id"), "replay_outcome", ["office_id"])
    op.create_index("ix_replay_outcome_page", "replay_outcome", ["replay_id", "kind", "id"])
    for table in POLICIES:
        _guard(table)
    op.execute("GRANT SELECT, INSERT ON specialty_transfer TO ruku_app")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ruku_refuse()"
        )


def downgrade() -> None:
    for table in ("replay_outcome", "replay", "draft_revision", "rule_draft", "specialty_transfer"):
        op.drop_table(table)
    op.drop_column("release", "transition")
    op.drop_column("release", "sources")
