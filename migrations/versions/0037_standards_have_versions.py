"""Standards of specialties are loaded in versions: a code that has gone ends on a day and stays; who loaded what is on file.

Revision ID: 0037
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0033"
branch_labels = None
depends_on = None

# administrators of the platform, who read no files; the worker's System for the command
_MAY = """(ruku_system() OR EXISTS (SELECT 1 FROM staff_grant g WHERE g.staff_id = ruku_staff() AND g.role = 'platform_admin' AND g.ended_at IS NULL
    AND g.valid_from <= ruku_now() AND (g.valid_to IS NULL OR g.valid_to > ruku_now())))"""

# how many drafts, files at work and people in the roster name a code: counts, never whose
CITED = f"""
CREATE FUNCTION ruku_specialties_cited(of_standard text, of_codes text[]) RETURNS TABLE(code text, drafts bigint, files bigint, experts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH d AS (SELECT c ->> 'code' AS code, count(*) AS n FROM application a, LATERAL jsonb_array_elements(a.chosen) c
      WHERE a.submitted_at IS NULL AND a.erased_at IS NULL AND c ->> 'standard' = of_standard AND c ->> 'code' = ANY(of_codes) GROUP BY 1),
    f AS (SELECT s.code, count(*) AS n FROM application_specialty s JOIN admission m ON m.id = s.admission_id
      WHERE s.standard = of_standard AND s.code = ANY(of_codes) AND m.step NOT IN ('roster', 'refused', 'failed', 'lapsed', 'withdrawn') GROUP BY 1),
    r AS (SELECT s.code, count(*) AS n FROM roster_specialty s WHERE s.standard = of_standard AND s.code = ANY(of_codes) GROUP BY 1)
  SELECT o.code, coalesce(d.n, 0), coalesce(f.n, 0), coalesce(r.n, 0) FROM (SELECT DISTINCT unnest(of_codes) AS code) o
    LEFT JOIN d USING (code) LEFT JOIN f USING (code) LEFT JOIN r USING (code)
  WHERE coalesce(d.n, f.n, r.n) IS NOT NULL AND {_MAY}
$$;
"""

# the only way to write the frame that every file hangs in: whole, in a version, by who may
LOAD = f"""
CREATE FUNCTION ruku_load_specialties(of_standard text, after integer, entries jsonb, gone text[], on_day date, said jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE last integer;
BEGIN
  IF NOT {_MAY} THEN
    RAISE EXCEPTION 'specialties are loaded by administrators of the platform' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ruku_load_specialties ' || of_standard));
  SELECT coalesce(max(number), 0) INTO last FROM specialty_version WHERE standard = of_standard;
  IF last <> after THEN
    RETURN NULL;  -- somebody has loaded another meanwhile
  END IF;
  INSERT INTO specialty (standard, code, parent_code, name, level, is_leaf)
    SELECT of_standard, e.code, e.parent, e.name, e.level, e.selectable
    FROM jsonb_to_recordset(entries) AS e(code text, parent text, name text, level int, selectable boolean)
  ON CONFLICT (standard, code) DO UPDATE SET parent_code = excluded.parent_code, name = excluded.name, level = excluded.level, is_leaf = excluded.is_leaf, until = NULL;
  UPDATE specialty s SET until = on_day WHERE s.standard = of_standard AND s.code = ANY(gone) AND s.until IS NULL;
  INSERT INTO specialty_version (standard, number, loaded_at, loaded_by, in_force_from, source, reason, content_hash, codes, added, renamed, moved, ended)
    VALUES (of_standard, last + 1, ruku_now(), ruku_who(), on_day, said ->> 'source', said ->> 'reason', said ->> 'hash', jsonb_array_length(entries),
      (said ->> 'added')::int, (said ->> 'renamed')::int, (said ->> 'moved')::int, cardinality(gone));
  RETURN last + 1;
END $$;
"""


def upgrade() -> None:
    op.add_column("specialty", sa.Column("until", sa.Date(), nullable=True, comment="停用日期"))
    op.create_table(
        "specialty_version",
        sa.Column("standard", sa.String(length=20), nullable=False, comment="分类标准"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="版本"),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False, comment="载入时间"),
        sa.Column("loaded_by", sa.String(length=80), nullable=False, comment="载入人"),
        sa.Column("in_force_from", sa.Date(), nullable=False, comment="施行日期"),
        sa.Column("source", sa.String(length=200), nullable=False, comment="来源"),
        sa.Column("reason", sa.Text(), nullable=False, comment="理由"),
        sa.Column("content_hash", sa.String(length=64), nullable=False, comment="内容指纹"),
        sa.Column("codes", sa.Integer(), nullable=False, comment="代码数"),
        sa.Column("added", sa.Integer(), nullable=False, comment="新增"),
        sa.Column("renamed", sa.Integer(), nullable=False, comment="改名"),
        sa.Column("moved", sa.Integer(), nullable=False, comment="调整"),
        sa.Column("ended", sa.Integer(), nullable=False, comment="停用"),
        sa.PrimaryKeyConstraint("standard", "number", name=op.f("pk_specialty_version")),
        comment="专业分类版本",
    )
    op.execute("GRANT SELECT ON specialty_version TO ruku_app")
    op.execute(CITED)
    op.execute(LOAD)
    for signature in ("ruku_specialties_cited(text, text[])", "ruku_load_specialties(text, integer, jsonb, text[], date, jsonb)"):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO ruku_app")
    op.execute("SELECT ruku_witnessed('specialty_version', '{standard,number}', '{}', '')")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_load_specialties(text, integer, jsonb, text[], date, jsonb)")
    op.execute("DROP FUNCTION ruku_specialties_cited(text, text[])")
    op.execute("DROP FUNCTION ruku_witness_specialty_version() CASCADE")
    op.drop_table("specialty_version")
    op.drop_column("specialty", "until")
