"""The holder of a receipt also reads the fields that the declaration gives as the answer.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Of the row behind a code only the columns of `intake.answers`; the declaration cannot name a secret or a file there
ANSWERS = """
CREATE FUNCTION ruku_register_answers(asked text, code_hash text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE found jsonb; names text[];
BEGIN
  SELECT array_agg(part) INTO names FROM register_definition d, jsonb_array_elements_text(d.document -> 'intake' -> 'answers') one,
    unnest(ARRAY[one, one || '_id', one || '_code']) part WHERE d.table_name = asked;
  IF names IS NULL OR length(code_hash) <> 64 THEN RETURN NULL; END IF;
  EXECUTE format('SELECT to_jsonb(r) FROM %I r WHERE r.receipt = $1', asked) INTO found USING code_hash;
  RETURN (SELECT jsonb_object_agg(key, value) FROM jsonb_each(found) WHERE key = ANY(names));
END $$;
"""


def upgrade() -> None:
    op.execute(ANSWERS)
    op.execute("REVOKE ALL ON FUNCTION ruku_register_answers(text, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ruku_register_answers(text, text) TO ruku_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION ruku_register_answers(text, text)")
