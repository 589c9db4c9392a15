"""Looks at the page of a notice that is long closed are kept as sums by day; the rows of every five minutes go.

Revision ID: 0042
Revises: 0039
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0039"
branch_labels = None
depends_on = None

# a row goes only when its day is summed, whoever deletes it
KEEP = """
CREATE FUNCTION ruku_keep_probe() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM notice_probe_day d WHERE d.notice_id = OLD.notice_id AND d.day = (OLD.slot AT TIME ZONE 'Asia/Shanghai')::date) THEN
    RAISE EXCEPTION 'notice_probe is append-only until its day is summed up' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END $$
"""
SUM_UP = """
CREATE FUNCTION ruku_sum_up_probes(until timestamptz, most int) RETURNS SETOF int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found int[];
BEGIN
  SELECT array_agg(id) INTO found FROM (
    SELECT n.id FROM notice n WHERE n.closed_at < until AND EXISTS (SELECT FROM notice_probe p WHERE p.notice_id = n.id) ORDER BY n.id LIMIT most FOR UPDATE SKIP LOCKED
  ) AS closed;
  INSERT INTO notice_probe_day (notice_id, day, probes, seen, slowest_ms)
    SELECT notice_id, (slot AT TIME ZONE 'Asia/Shanghai')::date, count(*), count(*) FILTER (WHERE ok), max(latency_ms) FILTER (WHERE ok)
    FROM notice_probe WHERE notice_id = ANY(found) GROUP BY 1, 2;
  DELETE FROM notice_probe WHERE notice_id = ANY(found);
  RETURN QUERY SELECT unnest(found);
END $$
"""


def upgrade() -> None:
    op.create_table(
        "notice_probe_day",
        sa.Column("notice_id", sa.Integer(), nullable=False, comment="公示"),
        sa.Column("day", sa.Date(), nullable=False, comment="日期"),
        sa.Column("probes", sa.Integer(), nullable=False, comment="探测次数"),
        sa.Column("seen", sa.Integer(), nullable=False, comment="看到次数"),
        sa.Column("slowest_ms", sa.Integer(), nullable=True, comment="最慢毫秒"),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_probe_day_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "day", name=op.f("pk_notice_probe_day")),
        comment="公示网页探测日计",
    )
    op.execute("GRANT SELECT ON notice_probe_day TO ruku_app")
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON notice_probe_day FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
    op.execute("CREATE TRIGGER append_only_all BEFORE TRUNCATE ON notice_probe_day FOR EACH STATEMENT EXECUTE FUNCTION ruku_refuse()")
    op.execute(KEEP)
    op.execute("DROP TRIGGER append_only ON notice_probe")
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE ON notice_probe FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
    op.execute("CREATE TRIGGER summed_first BEFORE DELETE ON notice_probe FOR EACH ROW EXECUTE FUNCTION ruku_keep_probe()")
    op.execute(SUM_UP)
    op.execute("REVOKE ALL ON FUNCTION ruku_keep_probe(), ruku_sum_up_probes(timestamptz, int) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_sum_up_probes(timestamptz, int) TO ruku_worker")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_sum_up_probes(timestamptz, int)")
    op.execute("DROP TRIGGER summed_first ON notice_probe")
    op.execute("DROP TRIGGER append_only ON notice_probe")
    op.execute("DROP FUNCTION ruku_keep_probe()")
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON notice_probe FOR EACH ROW EXECUTE FUNCTION ruku_refuse()")
    op.drop_table("notice_probe_day")
