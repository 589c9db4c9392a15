"""Officers enter the days they are away and who stands in; two functions answer who is away, and who may stand in.

Revision ID: 0030
Revises: 0037
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0037"
branch_labels = None
depends_on = None

# Whoever hands out work must know who is away and until when, also of people whose account they do not administer; why, they are not told.
AWAY = """
CREATE FUNCTION ruku_away(staff integer[], first_day date, last_day date)
RETURNS TABLE (staff_id integer, from_on date, to_on date, delegate_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.staff_id, a.from_on, a.to_on, a.delegate_id FROM absence a
  WHERE a.staff_id = ANY(staff) AND a.ended_at IS NULL AND a.from_on <= last_day AND a.to_on >= first_day
    AND (ruku_system() OR (ruku_staff() IS NOT NULL AND cardinality(ruku_offices('files')) > 0))
  ORDER BY a.from_on
$$;
"""

# Who reviews what this officer reviews: the same role, over an office both grants reach. Told to the officer and to whoever administers them.
STAND_INS = """
CREATE FUNCTION ruku_stand_ins(staff integer) RETURNS TABLE (staff_id integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH held AS (
    SELECT g.staff_id, g.role, g.department_id, d.code, d.level FROM staff_grant g JOIN division d ON d.code = g.division_code
    WHERE g.role IN ('first_reviewer', 'second_reviewer', 'coordinator') AND g.valid_from <= ruku_now() AND g.ended_at IS NULL
      AND (g.valid_to IS NULL OR g.valid_to > ruku_now())
  ),
  mine AS MATERIALIZED (
    SELECT DISTINCT h.role, o.department_id, o.division_code FROM held h
    JOIN office o ON (h.department_id IS NULL OR o.department_id = h.department_id) AND starts_with(o.division_code, left(h.code, h.level * 2))
    WHERE h.staff_id = staff AND (ruku_system() OR staff = ruku_staff()
      OR EXISTS (SELECT FROM staff_account c WHERE c.staff_id = staff AND c.office_id = ANY(ruku_offices('people'))))
  )
  SELECT DISTINCT h.staff_id FROM mine m JOIN held h ON h.role = m.role AND (h.department_id IS NULL OR h.department_id = m.department_id)
    AND starts_with(m.division_code, left(h.code, h.level * 2))
  JOIN ab_user u ON u.id = h.staff_id AND u.active
  WHERE h.staff_id <> staff
$$;
"""
FUNCTIONS = {"ruku_away(integer[], date, date)": AWAY, "ruku_stand_ins(integer)": STAND_INS}

# `ruku_erase` as it stands, with one more class of data
BEFORE = "ELSIF kind = 'runs' THEN"
ABSENCES = "ELSIF kind = 'absences' THEN\n    DELETE FROM absence WHERE id = ANY(ids) AND to_on < (before AT TIME ZONE 'Asia/Shanghai')::date;\n  "

WRITE = "(SELECT ruku_system()) OR office_id = ANY((SELECT ruku_offices('people'))::int[]) OR staff_id = (SELECT ruku_staff())"
READ = f"{WRITE} OR delegate_id = (SELECT ruku_staff())"


def _erase(change: Callable[[str], str]) -> None:
    written = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('ruku_erase(text, bigint[], timestamptz)'::regprocedure)").scalar_one()
    op.get_bind().exec_driver_sql(change(written).replace("%", "%%"))


def upgrade() -> None:
    at = sa.DateTime(timezone=True)
    op.create_table(
        "absence",
        sa.Column("staff_id", sa.Integer(), nullable=False, comment="工作人员"),
        sa.Column("from_on", sa.Date(), nullable=False, comment="缺勤起"),
        sa.Column("to_on", sa.Date(), nullable=False, comment="缺勤止"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="缺勤事由"),
        sa.Column("delegate_id", sa.Integer(), nullable=True, comment="代办人"),
        sa.Column("agreed_by", sa.String(length=80), nullable=True, comment="同意代办的人"),
        sa.Column("entered_by", sa.String(length=80), nullable=False, comment="填报人"),
        sa.Column("entered_at", at, nullable=False, comment="填报时间"),
        sa.Column("begins_at", at, nullable=False, comment="开始时间"),
        sa.Column("begun_at", at, nullable=True, comment="安排时间"),
        sa.Column("ended_at", at, nullable=True, comment="提前结束时间"),
        sa.Column("ended_by", sa.String(length=80), nullable=True, comment="提前结束的人"),
        sa.Column("claimed_until", at, nullable=True, comment="领取至"),
        sa.Column("id", sa.Integer(), nullable=False, comment="编号"),
        sa.Column("office_id", sa.Integer(), nullable=False, comment="办理机构"),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_absence_ends_after_it_begins")),
        sa.CheckConstraint("delegate_id <> staff_id", name=op.f("ck_absence_delegate_is_another")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_absence_office_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["ab_user.id"], name=op.f("fk_absence_staff_id")),
        sa.ForeignKeyConstraint(["delegate_id"], ["ab_user.id"], name=op.f("fk_absence_delegate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
        comment="缺勤",
    )
    op.create_index(op.f("ix_absence_office_id"), "absence", ["office_id"])
    op.create_index("ix_absence_staff", "absence", ["staff_id", "to_on"])
    op.create_index("ix_absence_delegate", "absence", ["delegate_id", "to_on"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_absence_begins", "absence", ["begins_at"], postgresql_where=sa.text("begun_at IS NULL AND ended_at IS NULL"))
    op.execute("ALTER TABLE absence ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE absence FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON absence TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY scope_read ON absence FOR SELECT TO ruku_app USING ({READ})")
    op.execute(f"CREATE POLICY scope_insert ON absence FOR INSERT TO ruku_app WITH CHECK ({WRITE})")
    op.execute(f"CREATE POLICY scope_update ON absence FOR UPDATE TO ruku_app USING ({WRITE})")
    # what was entered stands; it can be agreed to, arranged and ended
    op.execute("GRANT SELECT, INSERT, UPDATE (agreed_by, begun_at, ended_at, ended_by) ON absence TO ruku_app")
    op.execute("GRANT UPDATE ON absence TO ruku_worker")
    op.execute("GRANT USAGE ON SEQUENCE absence_id_seq TO ruku_app")
    for name, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO ruku_app")
    op.execute("SELECT set_config('ruku.who', 'migration 0030', true)")
    op.execute("SELECT ruku_witnessed('absence', '{id}', '{claimed_until}', '')")
    _erase(lambda written: written.replace(BEFORE, ABSENCES + BEFORE))


def downgrade() -> None:
    _erase(lambda written: written.replace(ABSENCES, ""))
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    op.drop_table("absence")
    op.execute("DROP FUNCTION ruku_witness_absence()")
