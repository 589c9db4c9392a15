"""The calendar has versions: each says only what it says otherwise, nothing of it is ever changed; deadlines are counted again, only later.

Revision ID: 0031
Revises: 0036
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0036"
branch_labels = None
depends_on = None

# Nobody else moves a deadline of a file that is already running, and it never moves earlier: whoever asks
RECOUNT = """
CREATE FUNCTION ruku_recount(moves jsonb) RETURNS SETOF integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH m AS (
    SELECT * FROM jsonb_to_recordset(moves) AS x(
      id int, since timestamptz, told timestamptz, due_at timestamptz, warn_at timestamptz, is_provisional boolean, calendar_version int)
  )
  UPDATE admission a SET
    due_at = m.due_at, is_provisional = m.is_provisional, calendar_version = m.calendar_version,
    warn_at = CASE WHEN a.warn_at IS NOT NULL THEN greatest(a.warn_at, m.warn_at) END
  FROM m
  WHERE a.id = m.id AND a.since = m.since AND a.due_at = m.told AND m.due_at >= a.due_at AND ruku_system()
  RETURNING a.id
$$;
"""
APPEND_ONLY = ("calendar_version", "calendar_day")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0031', true)")
    op.alter_column("calendar_version", "years", type_=sa.String(200))
    op.add_column("calendar_version", sa.Column("recorded_by", sa.String(80), server_default="system:seed", nullable=False, comment="登记人"))
    op.add_column("calendar_version", sa.Column("reason", sa.Text(), server_default="", nullable=False, comment="理由"))
    op.execute("SELECT ruku_witness_again('calendar_version', '{version}', '{}', '')")
    op.create_table(
        "calendar_day",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("version", sa.Integer(), nullable=False, comment="自第几版起"),
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.Column("division_code", sa.String(6), nullable=True, comment="行政区划"),
        sa.Column("kind", sa.String(20), nullable=False, comment="种类"),
        sa.Column("is_workday", sa.Boolean(), nullable=False, comment="上班"),
        sa.Column("name", sa.String(60), server_default="", nullable=False, comment="名称"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sa.ForeignKeyConstraint(["version"], ["calendar_version.version"], name=op.f("fk_calendar_day_version_calendar_version")),
        sa.ForeignKeyConstraint(["division_code"], ["division.code"], name=op.f("fk_calendar_day_division_code_division")),
        sa.CheckConstraint("kind IN ('holiday', 'holiday_in_lieu', 'makeup_workday', 'ordinary')", name=op.f("ck_calendar_day_kind_is_known")),
        sa.CheckConstraint("kind = 'ordinary' OR is_workday = (kind = 'makeup_workday')", name=op.f("ck_calendar_day_kind_says_it")),
        comment="日历日",
    )
    op.create_index("uq_calendar_day_country", "calendar_day", ["version", "day"], unique=True, postgresql_where=sa.text("division_code IS NULL"))
    op.create_index("uq_calendar_day_division", "calendar_day", ["version", "day", "division_code"], unique=True)
    op.create_index("ix_calendar_day_division_code", "calendar_day", ["division_code"])
    # what was loaded so far was all said by the first version
    op.execute(
        "INSERT INTO calendar_day (version, day, kind, is_workday, name)"
        " SELECT (SELECT min(version) FROM calendar_version), day, CASE WHEN is_workday THEN 'makeup_workday' ELSE 'holiday' END, is_workday, name"
        " FROM workday ORDER BY day"
    )
    op.execute("DELETE FROM workday")  # their witnesses say that they are gone
    op.execute("DROP FUNCTION ruku_witness_workday() CASCADE")
    op.drop_table("workday")
    op.execute("SELECT ruku_witnessed('calendar_day', '{id}', '{}', '')")
    op.create_table(
        "calendar_draft",
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("base_version", sa.Integer(), nullable=False, comment="起草所据版本"),
        sa.Column("source", sa.Text(), nullable=False, comment="来源"),
        sa.Column("days", JSONB(), nullable=False, comment="改动的日子"),
        sa.Column("years", sa.String(200), nullable=False, comment="已公布年份"),
        sa.Column("made_by", sa.String(80), nullable=False, comment="起草人"),
        sa.Column("made_at", _AT, nullable=False, comment="起草时间"),
        sa.Column("report", JSONB(), nullable=True, comment="影响"),
        sa.Column("looked_at", _AT, nullable=True, comment="算出时间"),
        sa.Column("version", sa.Integer(), nullable=True, comment="成为版本"),
        sa.Column("dropped_at", _AT, nullable=True, comment="放弃时间"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_draft")),
        sa.ForeignKeyConstraint(["base_version"], ["calendar_version.version"], name=op.f("fk_calendar_draft_base_version_calendar_version")),
        sa.ForeignKeyConstraint(["version"], ["calendar_version.version"], name=op.f("fk_calendar_draft_version_calendar_version")),
        comment="日历草稿",
    )
    for table in APPEND_ONLY:
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
        op.execute(f"CREATE TRIGGER append_only_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ruku_refuse()")
    op.execute("GRANT SELECT, INSERT ON calendar_day, calendar_version, calendar_draft TO ruku_app")
    op.execute("GRANT UPDATE (report, looked_at, version, dropped_at) ON calendar_draft TO ruku_app")
    op.execute("GRANT USAGE ON SEQUENCE calendar_day_id_seq, calendar_draft_id_seq TO ruku_app")
    op.execute(RECOUNT)
    op.execute("REVOKE ALL ON FUNCTION ruku_recount(jsonb) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_recount(jsonb) TO ruku_app")


def downgrade() -> None:
    op.execute("SELECT set_config('ruku.who', 'migration 0031', true)")
    op.execute("DROP FUNCTION ruku_recount(jsonb)")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(f"DROP TRIGGER append_only_all ON {table}")
    op.drop_table("calendar_draft")
    op.create_table(
        "workday",
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.Column("is_workday", sa.Boolean(), nullable=False, comment="上班"),
        sa.Column("name", sa.String(length=60), server_default="", nullable=False, comment="名称"),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_workday")),
        comment="工作日调整",
    )
    op.execute(
        "INSERT INTO workday (day, is_workday, name) SELECT day, is_workday, name FROM ("
        " SELECT DISTINCT ON (day) day, is_workday, name, kind FROM calendar_day WHERE division_code IS NULL ORDER BY day, version DESC) last"
        " WHERE kind <> 'ordinary'"
    )
    op.execute("GRANT SELECT ON workday TO ruku_app")
    op.execute("DELETE FROM calendar_day")
    op.execute("DROP FUNCTION ruku_witness_calendar_day() CASCADE")
    op.drop_table("calendar_day")
    op.execute("SELECT ruku_witnessed('workday', '{day}', '{}', '')")
    op.drop_column("calendar_version", "reason")
    op.drop_column("calendar_version", "recorded_by")
    op.execute("SELECT ruku_witness_again('calendar_version', '{version}', '{}', '')")
    op.execute("UPDATE calendar_version SET years = left(years, 20)")
    op.alter_column("calendar_version", "years", type_=sa.String(20))
