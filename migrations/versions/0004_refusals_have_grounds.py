"""A refusal without a ground, its clause and its reason is refused by the database as well.

Moves written before stay as they are (NOT VALID): what was decided is never rewritten.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REFUSAL_HAS_GROUNDS = """to_step <> 'refused' OR (
  jsonb_array_length(items) > 0
  AND NOT jsonb_path_exists(items, '$[*] ? (!exists(@.title ? (@ != "")) || !exists(@.basis[*] ? (@.reg != "" && @.article != "")))')
  AND (coalesce(btrim(reason), '') <> '' OR NOT jsonb_path_exists(items, '$[*] ? (!exists(@.reason ? (@ != "")))'))
)"""


def upgrade() -> None:
    op.execute(f"ALTER TABLE step_entry ADD CONSTRAINT ck_step_entry_refusal_has_grounds CHECK ({REFUSAL_HAS_GROUNDS}) NOT VALID")


def downgrade() -> None:
    op.execute("ALTER TABLE step_entry DROP CONSTRAINT ck_step_entry_refusal_has_grounds")
