"""How long each class of data is kept, what holds it back, what went; and the one function that may erase.

The function is the owner's, so that it reaches rows nobody may delete or change; it works for the worker's login acting as
`system:retention` and for nobody else. Decisions, moves and who made them stay; what was said about a person goes.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ERASE = """
-- the rows nobody changes, but for this: their content may be taken out by the function below, everything else stays as it is
CREATE FUNCTION ruku_refuse_or_erase() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_user <> session_user AND ruku_who() = 'system:retention'
     AND to_jsonb(NEW) - ARRAY['facts', 'trace', 'reason', 'items'] = to_jsonb(OLD) - ARRAY['facts', 'trace', 'reason', 'items'] THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

-- answers the hashes of files whose last mention may have gone with it
CREATE FUNCTION ruku_erase(kind text, ids bigint[], before timestamptz) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE hashes text[]; files int[]; people int[];
BEGIN
  IF NOT (ruku_system() AND ruku_who() = 'system:retention') THEN
    RAISE EXCEPTION 'only retention erases' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF kind = 'drafts' THEN
    files := ARRAY(SELECT id FROM application WHERE id = ANY(ids) AND submitted_at IS NULL AND saved_at < before FOR UPDATE SKIP LOCKED);
    WITH gone AS (DELETE FROM attachment WHERE application_id = ANY(files) RETURNING hash) SELECT array_agg(DISTINCT hash) INTO hashes FROM gone;
    DELETE FROM application_release WHERE application_id = ANY(files);
    DELETE FROM application WHERE id = ANY(files);
  ELSIF kind = 'accounts' THEN
    people := ARRAY(SELECT id FROM applicant a WHERE id = ANY(ids) AND NOT EXISTS (SELECT 1 FROM application f WHERE f.applicant_id = a.id)
                    FOR UPDATE SKIP LOCKED);
    DELETE FROM web_session WHERE door = 'portal' AND person_id = ANY(people);
    DELETE FROM applicant WHERE id = ANY(people);
  ELSIF kind = 'files' THEN
    files := ARRAY(SELECT id FROM application WHERE id = ANY(ids) AND erased_at IS NULL FOR UPDATE SKIP LOCKED);
    WITH gone AS (DELETE FROM attachment WHERE application_id = ANY(files) RETURNING hash) SELECT array_agg(DISTINCT hash) INTO hashes FROM gone;
    UPDATE finding SET facts = '{}', trace = trace || '{"findings": [], "missing": []}'
      WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    UPDATE step_entry SET
      reason = CASE WHEN to_step = 'refused' THEN '（已按留存期限清除）' END,
      items = CASE WHEN to_step = 'refused' THEN
        (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('criterion', i -> 'criterion', 'ground', i -> 'ground', 'title', i -> 'title',
                                                                        'title_en', i -> 'title_en', 'basis', i -> 'basis'))), '[]')
         FROM jsonb_array_elements(items) i) ELSE '[]' END
      WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    UPDATE review SET note = '', reason = '', checklist = '{}', items = '[]', rulings = '[]'
      WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    UPDATE letter SET body = '', body_en = '', sms = '' WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    DELETE FROM delivery WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    UPDATE objection SET objector = '', contact = '' WHERE admission_id IN (SELECT id FROM admission WHERE application_id = ANY(files));
    UPDATE application SET answers = '{}', form_releases = '{}', erased_at = ruku_now(), version = version + 1 WHERE id = ANY(files);
    -- the person too, when nothing of theirs is left: no hash finds them, and they may begin anew
    people := ARRAY(SELECT DISTINCT f.applicant_id FROM application f WHERE f.id = ANY(files)
                    AND NOT EXISTS (SELECT 1 FROM application g WHERE g.applicant_id = f.applicant_id AND g.erased_at IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM roster_entry r WHERE r.applicant_id = f.applicant_id));
    DELETE FROM web_session WHERE door = 'portal' AND person_id = ANY(people);
    UPDATE applicant SET name = '已清除', id_number = NULL, id_number_hash = NULL, phone = '', phone_hash = 'erased:' || id, email = NULL,
      password_hash = 'erased' WHERE id = ANY(people);
  ELSIF kind = 'letters' THEN
    DELETE FROM delivery WHERE letter_id = ANY(ids) AND (sent_at IS NOT NULL OR gave_up_at IS NOT NULL);
    UPDATE letter SET body = '', body_en = '', sms = '' WHERE id = ANY(ids) AND written_at < before;
  ELSIF kind = 'objectors' THEN
    UPDATE objection SET objector = '', contact = '' WHERE id = ANY(ids) AND ruled_at < before;
  ELSIF kind = 'sessions' THEN
    DELETE FROM web_session WHERE coalesce(person_id, 0) = ANY(ids) AND coalesce(ended_at, expires_at) < before;
  ELSIF kind = 'codes' THEN
    DELETE FROM sign_in_code WHERE id = ANY(ids) AND expires_at < before;
  ELSIF kind = 'links' THEN
    DELETE FROM sign_in_link WHERE id = ANY(ids) AND expires_at < before;
  ELSIF kind = 'runs' THEN
    DELETE FROM job_run WHERE id = ANY(ids) AND finished_at < before;
  ELSIF kind = 'replays' THEN
    DELETE FROM replay_outcome WHERE replay_id = ANY(ids);
  ELSE
    RAISE EXCEPTION 'nothing is erased by the name of %', kind;
  END IF;
  RETURN coalesce(hashes, '{}');
END $$;
"""

# whose file a number is, for a hold; answered to the administrators of the platform only, who read no files
WHOSE = """
CREATE FUNCTION ruku_applicant_of(asked text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.applicant_id FROM application f WHERE f.number = asked
  AND (ruku_system() OR EXISTS (SELECT 1 FROM staff_grant g WHERE g.staff_id = ruku_staff() AND g.role = 'platform_admin' AND g.ended_at IS NULL
                                AND g.valid_from <= ruku_now() AND (g.valid_to IS NULL OR g.valid_to > ruku_now())))
$$;
"""


def _at(name: str, comment: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, comment=comment)


def upgrade() -> None:
    op.add_column("application", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True, comment="清除时间"))
    op.create_table(
        "retention_rule",
        sa.Column("kind", sa.String(length=20), nullable=False, comment="数据类别"),
        sa.Column("days", sa.Integer(), nullable=False, comment="留存天数"),
        sa.Column("basis", sa.Text(), nullable=False, comment="依据"),
        sa.Column("verified", sa.Boolean(), server_default="false", nullable=False, comment="已核实"),
        sa.CheckConstraint("days >= 1", name=op.f("ck_retention_rule_at_least_a_day")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_rule")),
        comment="留存规则",
    )
    op.create_table(
        "legal_hold",
        sa.Column("kind", sa.String(length=20), nullable=True, comment="数据类别"),
        sa.Column("department_id", sa.Integer(), nullable=True, comment="主管部门"),
        sa.Column("file_number", sa.String(length=30), nullable=True, comment="申报编号"),
        sa.Column("applicant_id", sa.Integer(), nullable=True, comment="申报人"),
        sa.Column("reason", sa.Text(), nullable=False, comment="理由"),
        sa.Column("basis", sa.Text(), nullable=False, comment="依据"),
        sa.Column("placed_by", sa.String(length=80), nullable=False, comment="封存人"),
        _at("placed_at", "封存时间"),
        sa.Column("released_by", sa.String(length=80), nullable=True, comment="解封人"),
        _at("released_at", "解封时间", nullable=True),
        sa.Column("released_why", sa.Text(), nullable=True, comment="解封理由"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_legal_hold_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        comment="封存",
    )
    op.create_table(
        "retention_run",
        sa.Column("kind", sa.String(length=20), nullable=False, comment="数据类别"),
        _at("at", "时间"),
        sa.Column("days", sa.Integer(), nullable=False, comment="留存天数"),
        sa.Column("basis", sa.Text(), nullable=False, comment="依据"),
        sa.Column("erased", sa.Integer(), nullable=False, comment="清除数"),
        sa.Column("files", sa.Integer(), server_default="0", nullable=False, comment="删除文件数"),
        sa.Column("held", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False, comment="封存留下"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
        comment="清除记录",
    )
    op.create_table(
        "retention_outlook",
        sa.Column("kind", sa.String(length=20), nullable=False, comment="数据类别"),
        _at("at", "时间"),
        sa.Column("due", sa.Integer(), nullable=False, comment="到期数"),
        _at("oldest", "最早的一件", nullable=True),
        sa.Column("held", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False, comment="封存留下"),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_outlook")),
        comment="清除预告",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON retention_rule, legal_hold TO ruku_app")
    op.execute("GRANT SELECT ON retention_run, retention_outlook TO ruku_app")
    op.execute("GRANT INSERT ON retention_run TO ruku_worker")
    op.execute("GRANT INSERT, UPDATE ON retention_outlook TO ruku_worker")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruku_app")
    op.execute(ERASE)
    op.execute(WHOSE)
    op.execute("REVOKE ALL ON FUNCTION ruku_erase(text, bigint[], timestamptz) FROM PUBLIC")
    op.execute("REVOKE ALL ON FUNCTION ruku_applicant_of(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_applicant_of(text) TO ruku_app")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_erase(text, bigint[], timestamptz) TO ruku_worker")
    for table, key in (("retention_rule", "kind"), ("legal_hold", "id"), ("retention_run", "id")):
        op.execute(f"SELECT ruku_witnessed('{table}', '{{{key}}}', '{{}}', '')")
    for table in ("step_entry", "finding"):
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse_or_erase()"
        )


def downgrade() -> None:
    for table in ("step_entry", "finding"):
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
    op.execute("DROP FUNCTION ruku_erase(text, bigint[], timestamptz), ruku_refuse_or_erase(), ruku_applicant_of(text)")
    for table in ("retention_rule", "legal_hold", "retention_run"):
        op.execute(f"DROP FUNCTION ruku_witness_{table}() CASCADE")  # and its triggers
    for table in ("retention_outlook", "retention_run", "legal_hold", "retention_rule"):
        op.drop_table(table)
    op.drop_column("application", "erased_at")
