"""Officers declare what they must keep out of, and two functions answer who may not touch which file.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Two spellings of one employer's name come to the same key: widths, brackets, spaces and marks, and the legal form at its end.
# Cut where no name goes on, for the index. Immutable, so that the key is a generated column and cannot be forgotten by anybody who writes a row.
EMPLOYER_KEY = r"""
CREATE FUNCTION ruku_employer_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(left(regexp_replace(
    regexp_replace(lower(normalize(coalesce(name, ''), NFKC)), '[\s\u200b\ufeff()\[\]{}<>【】〔〕「」《》·•.,。、_:;''"“”‘’/\\&*－—–-]+', '', 'g'),
    '((集团)?(股份)?(有限)?(责任)?公司|集团)$', ''), 200), '')
$$;
"""

SEEN = """
  SELECT a.id, a.application_id, a.applicant_id FROM unnest(admissions) AS asked(id) JOIN admission a ON a.id = asked.id
  WHERE ruku_system() OR a.office_id = ANY(ruku_offices('files')) OR a.office_id = ANY(ruku_offices('notices'))
     OR EXISTS (SELECT 1 FROM notice_item i WHERE i.admission_id = a.id AND i.office_id = ANY(ruku_offices('notices')))
"""

# Whoever hands out work must know that somebody keeps out of a file, and not why: the kind is told to the person, to supervision
# and to the house itself. Of files the caller does not see, nothing is told.
RECUSED = f"""
CREATE FUNCTION ruku_recused(admissions integer[]) RETURNS TABLE (admission_id integer, staff_id integer, kind text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH seen AS MATERIALIZED ({SEEN}),
  file AS MATERIALIZED (
    SELECT s.id, p.id_number_hash, f.employer_key, f.employer_uscc
    FROM seen s JOIN application f ON f.id = s.application_id JOIN applicant p ON p.id = s.applicant_id
  ),
  found AS (
    SELECT file.id, c.staff_id, 'own' AS kind FROM file JOIN staff_account c ON c.id_number_hash = file.id_number_hash
    UNION ALL
    SELECT file.id, r.staff_id, r.kind FROM file JOIN recusal r ON r.id_number_hash = file.id_number_hash WHERE r.withdrawn_at IS NULL
    UNION ALL
    SELECT file.id, r.staff_id, r.kind FROM file JOIN recusal r ON r.employer_key = file.employer_key
    WHERE r.withdrawn_at IS NULL AND (r.until IS NULL OR r.until > ruku_now())
    UNION ALL
    SELECT file.id, r.staff_id, r.kind FROM file JOIN recusal r ON r.uscc = file.employer_uscc
    WHERE r.withdrawn_at IS NULL AND (r.until IS NULL OR r.until > ruku_now())
    UNION ALL
    SELECT s.id, r.staff_id, r.kind FROM seen s JOIN recusal r ON r.admission_id = s.id
  )
  SELECT DISTINCT found.id, found.staff_id,
    CASE WHEN ruku_system() OR cardinality(ruku_offices('recusals')) > 0 OR found.staff_id = ruku_staff() THEN found.kind ELSE 'recused' END
  FROM found
$$;
"""

# Who had a hand in a file, read past the classes of rows a role sees: a reviewer reads no notices, and may not review whom they put on one.
HANDS = f"""
CREATE FUNCTION ruku_hands(admissions integer[]) RETURNS TABLE (admission_id integer, staff_id integer, part text, step text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH seen AS MATERIALIZED ({SEEN})
  SELECT e.admission_id, substr(e.who, 7)::int, CASE e.action WHEN 'refuse' THEN 'refused' WHEN 'assign' THEN 'assigned' ELSE 'decided' END,
    e.from_step::text
  FROM seen s JOIN step_entry e ON e.admission_id = s.id
  WHERE e.who LIKE 'staff:%' AND (e.from_step IN ('first_review', 'second_review', 'reconsideration') OR e.action IN ('refuse', 'assign'))
  UNION
  SELECT i.admission_id, substr(n.opened_by, 7)::int, 'noticed', NULL
  FROM seen s JOIN notice_item i ON i.admission_id = s.id JOIN notice n ON n.id = i.notice_id WHERE n.opened_by LIKE 'staff:%'
  UNION
  SELECT o.admission_id, substr(o.ruled_by, 7)::int, 'ruled', NULL
  FROM seen s JOIN objection o ON o.admission_id = s.id WHERE o.ruled_by LIKE 'staff:%'
$$;
"""

FUNCTIONS = {"ruku_recused(integer[])": RECUSED, "ruku_hands(integer[])": HANDS}

SUBMITTED_AGAIN = "SELECT ruku_witness_again('application', '{id}', '{}', 'submitted_at')"

SYSTEM, OWN = "(SELECT ruku_system())", "staff_id = (SELECT ruku_staff())"
READ = f"{SYSTEM} OR office_id = ANY((SELECT ruku_offices('recusals'))::int[]) OR {OWN}"
WRITE = f"{SYSTEM} OR {OWN}"  # supervision reads, and changes nothing


def upgrade() -> None:
    op.execute(EMPLOYER_KEY)
    op.add_column(
        "application",
        sa.Column("employer_key", sa.String(), sa.Computed("ruku_employer_key(answers ->> 'employer')", persisted=True), nullable=True, comment="单位名称归一"),
    )
    op.add_column(
        "application",
        sa.Column("employer_uscc", sa.String(), sa.Computed("answers ->> 'employer_uscc'", persisted=True), nullable=True, comment="单位统一社会信用代码"),
    )
    op.add_column("staff_account", sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True, comment="回避申报时间"))
    op.add_column("rule_draft", sa.Column("planned_by", sa.String(length=80), nullable=True, comment="拟定生效安排的人"))
    op.create_table(
        "recusal",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="回避种类"),
        sa.Column("relation", sa.String(length=20), nullable=True, comment="关系"),
        sa.Column("person_name", sa.String(), nullable=True, comment="亲属姓名"),
        sa.Column("id_number", sa.String(), nullable=True, comment="身份证号"),
        sa.Column("id_number_hash", sa.String(length=64), nullable=True, comment="身份证指纹"),
        sa.Column("employer", sa.String(length=120), nullable=True, comment="原单位"),
        sa.Column("employer_key", sa.String(), sa.Computed("ruku_employer_key(employer)", persisted=True), nullable=True, comment="单位名称归一"),
        sa.Column("uscc", sa.String(length=18), nullable=True, comment="统一社会信用代码"),
        sa.Column("left_on", sa.Date(), nullable=True, comment="离开日期"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="回避截止"),
        sa.Column("admission_id", sa.Integer(), nullable=True, comment="办件"),
        sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="理由"),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False, comment="申报时间"),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True, comment="撤销时间"),
        sa.Column("withdrawn_by", sa.String(length=80), nullable=True, comment="撤销人"),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True, comment="撤销理由"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.CheckConstraint("kind IN ('relative', 'former_employer', 'file')", name=op.f("ck_recusal_kind_is_known")),
        sa.CheckConstraint(
            "CASE kind WHEN 'relative' THEN id_number_hash IS NOT NULL AND employer IS NULL AND uscc IS NULL AND admission_id IS NULL"
            " WHEN 'former_employer' THEN employer IS NOT NULL AND id_number_hash IS NULL AND admission_id IS NULL"
            " ELSE admission_id IS NOT NULL AND id_number_hash IS NULL AND employer IS NULL AND uscc IS NULL AND withdrawn_at IS NULL END",
            name=op.f("ck_recusal_says_what_its_kind_needs"),
        ),
        sa.ForeignKeyConstraint(["admission_id"], ["admission.id"], name=op.f("fk_recusal_admission_id")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_recusal_office_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_recusal_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusal")),
        comment="回避申报",
    )
    op.create_index(op.f("ix_recusal_office_id"), "recusal", ["office_id"])
    op.create_index(op.f("ix_recusal_staff_id"), "recusal", ["staff_id"])
    standing = sa.text("withdrawn_at IS NULL")
    op.create_index("ix_recusal_person", "recusal", ["id_number_hash", "staff_id"], unique=True, postgresql_where=standing)
    op.create_index("ix_recusal_employer", "recusal", ["employer_key", "staff_id"], unique=True, postgresql_where=standing)
    op.create_index("ix_recusal_uscc", "recusal", ["uscc"], postgresql_where=standing)
    op.create_index("ix_recusal_file", "recusal", ["admission_id", "staff_id"], unique=True)
    op.create_index("ix_application_employer_key", "application", ["employer_key"])
    for name, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO ruku_app")
    op.execute("ALTER TABLE recusal ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE recusal FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON recusal TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON recusal FOR SELECT TO ruku_app USING ({READ})")
    op.execute(f"CREATE POLICY scope_insert ON recusal FOR INSERT TO ruku_app WITH CHECK ({WRITE})")
    op.execute(f"CREATE POLICY scope_update ON recusal FOR UPDATE TO ruku_app USING ({WRITE})")
    # what was declared stands as it was; it can only be withdrawn
    op.execute("GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawn_reason) ON recusal TO ruku_app")
    op.execute("GRANT UPDATE ON recusal TO ruku_worker")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0013', true)")
    op.execute("SELECT ruku_witnessed('recusal', '{id}', '{}', '')")
    op.execute(SUBMITTED_AGAIN)  # they have another column now


def downgrade() -> None:
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("recusal")
    op.drop_index("ix_application_employer_key", "application")
    op.drop_column("rule_draft", "planned_by")
    op.drop_column("staff_account", "declared_at")
    op.drop_column("application", "employer_uscc")
    op.drop_column("application", "employer_key")
    op.execute("DROP FUNCTION ruku_employer_key(text)")
    op.execute("DROP FUNCTION ruku_witness_recusal()")
    op.execute("SELECT set_config('ruku.who', 'migration 0013', true)")
    op.execute(SUBMITTED_AGAIN)
