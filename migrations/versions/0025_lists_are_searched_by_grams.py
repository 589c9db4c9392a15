"""Two characters of a name find a row among a million: grams in an index, asked through one function that answers with numbers.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Every two neighbouring characters of a text, folded; of a shorter one the text itself. Line ends keep one column's end from the next one's start.
GRAMS = """
CREATE FUNCTION ruku_grams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT substr(n, i, 2)), '{}') FROM (SELECT lower(normalize(coalesce(t, ''), NFKC)) AS n) x,
  LATERAL generate_series(1, greatest(length(n) - 1, least(length(n), 1))) i
$$;
"""

# for a migration that makes a table with many rows to be searched; its `id` is a whole number
SEARCHABLE = """
CREATE FUNCTION ruku_searchable(tab text, cols text[]) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE joined text := (SELECT string_agg(format('coalesce(%I, '''')', c), ' || chr(10) || ' ORDER BY n) FROM unnest(cols) WITH ORDINALITY x(c, n));
BEGIN
  EXECUTE format('DROP INDEX IF EXISTS %I', 'gx_' || tab);
  EXECUTE format('CREATE INDEX %I ON %I USING gin (ruku_grams(%s)) WITH (fastupdate = off)', 'gx_' || tab, tab, joined);
  INSERT INTO searched_table (table_name, columns, joined) VALUES (tab, cols, joined)
  ON CONFLICT (table_name) DO UPDATE SET columns = excluded.columns, joined = excluded.joined;
END $$;
"""

# LIKE and @> are not leakproof: behind a policy their index is of no use. This looks past the policies, in declared columns of declared tables, and
# gives keys of rows, which the statement that asked joins to what its reader may see. Nothing (NULL) when there are more than `most`.
FOUND = r"""
CREATE FUNCTION ruku_found(tab text, words text, most int) RETURNS int[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE known searched_table; found int[]; pattern text;
BEGIN
  SELECT * INTO known FROM searched_table s WHERE s.table_name = tab;
  IF known IS NULL OR length(words) NOT BETWEEN 2 AND 100 THEN RETURN NULL; END IF;
  pattern := '%' || replace(replace(replace(lower(normalize(words, NFKC)), '\', '\\'), '%', '\%'), '_', '\_') || '%';
  EXECUTE format('SELECT array_agg(id) FROM (SELECT r.id FROM %I r WHERE ruku_grams(%s) @> ruku_grams($1) AND lower(normalize(%s, NFKC)) LIKE $2 LIMIT $3 + 1) x',
    tab, known.joined, known.joined) INTO found USING words, pattern, least(most, 10000);
  RETURN CASE WHEN cardinality(found) > least(most, 10000) THEN NULL ELSE coalesce(found, '{}') END;
END $$;
"""

#: what lists with many rows look in
SEARCHED = {
    "admission": "number", "application": "number", "roster_entry": "name,number,employer", "letter": "title",
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "searched_table",
        sa.Column("table_name", sa.String(length=63), nullable=False, comment="数据表"),
        sa.Column("columns", postgresql.ARRAY(sa.String()), nullable=False, comment="查找的列"),
        sa.Column("joined", sa.Text(), nullable=False, comment="索引的内容"),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_searched_table")),
        comment="按字查找的表",
    )
    op.execute(GRAMS)
    op.execute(SEARCHABLE)
    op.execute("REVOKE ALL ON FUNCTION ruku_searchable(text, text[]) FROM PUBLIC")
    op.execute(FOUND)
    op.execute("REVOKE ALL ON FUNCTION ruku_found(text, text, int) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_found(text, text, int) TO ruku_app")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_grams(text) TO ruku_app")
    op.execute("GRANT SELECT ON searched_table TO ruku_app")
    for table, columns in SEARCHED.items():
        op.execute(f"SELECT ruku_searchable('{table}', '{{{columns}}}')")


def downgrade() -> None:
    for table in SEARCHED:
        op.execute(f"DROP INDEX gx_{table}")
    op.execute("DROP FUNCTION ruku_found(text, text, int)")
    op.execute("DROP FUNCTION ruku_searchable(text, text[])")
    op.execute("DROP FUNCTION ruku_grams(text)")
    op.drop_table("searched_table")
