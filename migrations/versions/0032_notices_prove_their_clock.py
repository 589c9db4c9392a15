"""Notices are published at a time, prove that their page was there, and are corrected or issued again without rewriting what was published;
objections have somebody who works on them, a day by which, and can be taken back.

Revision ID: 0032
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

SYSTEM, CITIZEN = "(SELECT ruku_system())", "(SELECT ruku_citizen())"
NOTICES = "office_id = ANY((SELECT ruku_offices('notices'))::int[])"
PART = "EXISTS (SELECT 1 FROM admission a WHERE a.id = admission_id)"
ON_THE_BOARD = "notice_id IN (SELECT n.id FROM notice n WHERE n.published_at IS NOT NULL)"
APPEND_ONLY = ("notice_probe", "notice_extension", "notice_correction")

# the answer to whoever kept the code, now also that the objection was taken back and by when an answer is due
STATE = """
CREATE FUNCTION ruku_objection_state(asked text)
RETURNS TABLE (state text, made_at timestamptz, ruled_at timestamptz, ruling text, notice text, rule_by timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN o.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN o.ruled_at IS NULL THEN 'open' WHEN o.upheld THEN 'upheld' ELSE 'dismissed' END,
         o.made_at, o.ruled_at, o.ruling, n.number, o.rule_by
  FROM objection o JOIN notice_item i ON i.id = o.notice_item_id JOIN notice n ON n.id = i.notice_id
  WHERE o.code = asked
$$;
"""
# whoever holds the code may take the objection back while nobody has ruled; what the house's own re-check found has no holder
WITHDRAW = """
CREATE FUNCTION ruku_withdraw_objection(asked text, words text) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE objection SET withdrawn_at = ruku_now(), ruled_at = ruku_now(), upheld = false, ruling = words, ruled_by = 'objector'
  WHERE code = asked AND ruled_at IS NULL AND code NOT LIKE 'RE-%' RETURNING id
$$;
"""
BEFORE = """
CREATE FUNCTION ruku_objection_state(asked text)
RETURNS TABLE (state text, made_at timestamptz, ruled_at timestamptz, ruling text, notice text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN o.ruled_at IS NULL THEN 'open' WHEN o.upheld THEN 'upheld' ELSE 'dismissed' END,
         o.made_at, o.ruled_at, o.ruling, n.number
  FROM objection o JOIN notice_item i ON i.id = o.notice_item_id JOIN notice n ON n.id = i.notice_id
  WHERE o.code = asked
$$;
"""


def upgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0032', true)")
    _columns()
    _tables()
    op.execute(f"ALTER POLICY scope_read ON notice USING ({SYSTEM} OR {NOTICES} OR ({CITIZEN} AND published_at IS NOT NULL))")
    op.execute(f"ALTER POLICY scope_read ON notice_item USING ({SYSTEM} OR {NOTICES} OR ({CITIZEN} AND {ON_THE_BOARD}) OR {PART})")
    op.execute("DROP FUNCTION ruku_objection_state(text)")
    for function, signature in ((STATE, "ruku_objection_state(text)"), (WITHDRAW, "ruku_withdraw_objection(text, text)")):
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO ruku_app")


def _columns() -> None:
    at = sa.DateTime(timezone=True)
    op.add_column("notice", sa.Column("publish_at", at, nullable=True, comment="计划公布时间"))
    op.add_column("notice", sa.Column("published_at", at, nullable=True, comment="公布时间"))
    op.add_column("notice", sa.Column("withdrawn_at", at, nullable=True, comment="撤回时间"))
    op.add_column("notice", sa.Column("withdrawn_by", sa.String(length=80), nullable=True, comment="撤回人"))
    op.add_column("notice", sa.Column("withdrawn_reason", sa.Text(), nullable=True, comment="撤回理由"))
    op.add_column("notice", sa.Column("replaces_id", sa.Integer(), nullable=True, comment="接续的公示"))
    # what runs already was opened before anybody looked whether its page is there: it ends as it was told
    op.add_column("notice", sa.Column("is_probed", sa.Boolean(), server_default="false", nullable=False, comment="探测公开网页"))
    op.add_column("notice", sa.Column("proved_until", at, nullable=True, comment="公开情况核至"))
    op.create_foreign_key(op.f("fk_notice_replaces_id"), "notice", "notice", ["replaces_id"], ["id"])
    op.execute("UPDATE notice SET published_at = opened_at")
    op.create_index("ix_notice_to_publish", "notice", ["publish_at"], postgresql_where=sa.text("published_at IS NULL AND closed_at IS NULL"))
    op.create_index(op.f("ix_notice_replaces_id"), "notice", ["replaces_id"])
    op.add_column("objection", sa.Column("holder_id", sa.Integer(), nullable=True, comment="办理人"))
    op.add_column("objection", sa.Column("held_since", at, nullable=True, comment="接手时间"))
    op.add_column("objection", sa.Column("rule_by", at, nullable=True, comment="答复期限"))
    op.add_column("objection", sa.Column("withdrawn_at", at, nullable=True, comment="撤回时间"))
    op.create_index("ix_objection_holder", "objection", ["holder_id"], postgresql_where=sa.text("ruled_at IS NULL"))


def _tables() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "notice_probe",
        sa.Column("notice_id", sa.Integer(), nullable=False, comment="公示"),
        sa.Column("slot", at, nullable=False, comment="时段"),
        sa.Column("at", at, nullable=False, comment="探测时间"),
        sa.Column("ok", sa.Boolean(), nullable=False, comment="可以看到"),
        sa.Column("status", sa.Integer(), nullable=True, comment="网页状态码"),
        sa.Column("wrong", sa.String(length=20), nullable=True, comment="哪里不对"),
        sa.Column("latency_ms", sa.Integer(), nullable=False, comment="耗时毫秒"),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_probe_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "slot", name=op.f("pk_notice_probe")),
        comment="公示网页探测",
    )
    op.create_table(
        "notice_extension",
        sa.Column("notice_id", sa.Integer(), nullable=False, comment="公示"),
        sa.Column("at", at, nullable=False, comment="时间"),
        sa.Column("days", sa.Integer(), nullable=False, comment="顺延工作日数"),
        sa.Column("from_day", sa.Date(), nullable=False, comment="原末日"),
        sa.Column("to_day", sa.Date(), nullable=False, comment="新末日"),
        sa.Column("due_at", at, nullable=False, comment="新截止时刻"),
        sa.Column("evidence", postgresql.JSONB(), nullable=False, comment="依据"),
        sa.Column("calendar_version", sa.Integer(), nullable=True, comment="日历版本"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_extension_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_extension")),
        comment="公示顺延",
    )
    op.create_index(op.f("ix_notice_extension_notice_id"), "notice_extension", ["notice_id"])
    op.create_table(
        "notice_correction",
        sa.Column("notice_id", sa.Integer(), nullable=False, comment="公示"),
        sa.Column("notice_item_id", sa.Integer(), nullable=False, comment="公示名单"),
        sa.Column("number", sa.String(length=40), nullable=False, comment="更正编号"),
        sa.Column("name", sa.String(length=60), nullable=False, comment="更正后姓名"),
        sa.Column("employer", sa.String(length=120), nullable=False, comment="更正后单位"),
        sa.Column("reason", sa.Text(), nullable=False, comment="更正理由"),
        sa.Column("corrected_by", sa.String(length=80), nullable=False, comment="更正人"),
        sa.Column("corrected_by_name", sa.String(length=80), nullable=False, comment="责任人"),
        sa.Column("corrected_at", at, nullable=False, comment="更正时间"),
        sa.Column("content", sa.Text(), nullable=False, comment="更正内容规范文本"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("admission_id", sa.Integer(), nullable=False, comment="办件"),
        sa.Column("applicant_id", sa.Integer(), nullable=False, comment="申报人"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_correction_notice_id")),
        sa.ForeignKeyConstraint(["notice_item_id"], ["notice_item.id"], name=op.f("fk_notice_correction_notice_item_id")),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_notice_correction_admission_id")),
        sa.ForeignKeyConstraint(["applicant_id"], ["applicant.id"], name=op.f("fk_notice_correction_applicant_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_notice_correction_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_correction")),
        sa.UniqueConstraint("number", name=op.f("uq_notice_correction_number")),
        comment="公示更正",
    )
    for column in ("notice_id", "admission_id", "applicant_id", "office_id"):
        op.create_index(op.f(f"ix_notice_correction_{column}"), "notice_correction", [column])
    op.execute("ALTER TABLE notice_correction ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE notice_correction FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON notice_correction TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON notice_correction FOR SELECT TO ruku_app USING ({SYSTEM} OR {NOTICES} OR {CITIZEN} OR {PART})")
    op.execute(f"CREATE POLICY scope_insert ON notice_correction FOR INSERT TO ruku_app WITH CHECK ({SYSTEM} OR {NOTICES})")
    op.execute("GRANT SELECT, INSERT ON notice_correction TO ruku_app")
    # proof is written by the worker alone, and read by everybody
    op.execute("GRANT SELECT ON notice_probe, notice_extension TO ruku_app")
    op.execute("GRANT INSERT ON notice_probe, notice_extension TO ruku_worker")
    op.execute("GRANT USAGE ON SEQUENCE notice_correction_id_seq TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE notice_extension_id_seq TO ruku_worker")
    for table in APPEND_ONLY:
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
        op.execute(f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ruku_refuse()")
    op.execute("SELECT ruku_witnessed('notice_extension', '{id}', '{}', '')")
    op.execute("SELECT ruku_witnessed('notice_correction', '{id}', '{}', '')")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_withdraw_objection(text, text)")
    op.execute("DROP FUNCTION ruku_objection_state(text)")
    op.execute(BEFORE)
    op.execute(f"ALTER POLICY scope_read ON notice_item USING ({SYSTEM} OR {NOTICES} OR {CITIZEN} OR {PART})")
    op.execute(f"ALTER POLICY scope_read ON notice USING ({SYSTEM} OR {NOTICES} OR {CITIZEN})")
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
    op.execute("DROP FUNCTION ruku_witness_notice_extension()")
    op.execute("DROP FUNCTION ruku_witness_notice_correction()")
    op.drop_index("ix_objection_holder", "objection")
    for column in ("withdrawn_at", "rule_by", "held_since", "holder_id"):
        op.drop_column("objection", column)
    op.drop_index(op.f("ix_notice_replaces_id"), "notice")
    op.drop_index("ix_notice_to_publish", "notice")
    op.drop_constraint(op.f("fk_notice_replaces_id"), "notice")
    for column in ("proved_until", "is_probed", "replaces_id", "withdrawn_reason", "withdrawn_by", "withdrawn_at", "published_at", "publish_at"):
        op.drop_column("notice", column)
    op.execute("SELECT set_config('ruku.who', 'migration 0032', true)")
    op.execute("SELECT ruku_witness_again('notice', '{id}', '{claimed_until}', '')")
    op.execute("SELECT ruku_witness_again('objection', '{id}', '{}', '')")
