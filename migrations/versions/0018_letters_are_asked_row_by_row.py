"""The policy of letters looks an office up in a hash, and asks for the file behind a letter row by row, as that of applications does.

PostgreSQL read all files into a hash, twice for a page, to show twenty-five letters. The meaning is the same.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SYSTEM, OWN = "(SELECT ruku_system())", "applicant_id = (SELECT ruku_applicant())"
SEEN = "EXISTS (SELECT 1 FROM admission a WHERE a.id = letter.admission_id{})"

BEFORE = f"{SYSTEM} OR office_id = ANY((SELECT ruku_offices('files'))::int[]) OR {OWN} OR {SEEN.format('')}"
NOW = f"{SYSTEM} OR office_id IN (SELECT unnest(ruku_offices('files'))) OR {OWN} OR {SEEN.format(' OFFSET 0')}"


def upgrade() -> None:
    op.execute(f"ALTER POLICY scope_read ON letter USING ({NOW})")


def downgrade() -> None:
    op.execute(f"ALTER POLICY scope_read ON letter USING ({BEFORE})")
