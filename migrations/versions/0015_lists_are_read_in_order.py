"""The lists of files, applications and letters are read in their order: the page's rows first, and what the policies ask only of those.

Without these indexes PostgreSQL sorts all rows an officer may see, and before that asks each of their applicants' policies.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# name → table, order
INDEXES = {
    "ix_admission_latest": ("admission", ("opened_at DESC NULLS LAST", "id DESC")),
    "ix_admission_latest_moved": ("admission", ("since DESC NULLS LAST", "id DESC")),
    "ix_admission_urgent": ("admission", ("due_at", "id")),
    "ix_application_latest": ("application", ("submitted_at DESC NULLS LAST", "id DESC")),
    "ix_letter_latest": ("letter", ("written_at DESC NULLS LAST", "id DESC")),
}


def upgrade() -> None:
    for name, (table, order) in INDEXES.items():
        op.create_index(name, table, [sa.text(part) for part in order])


def downgrade() -> None:
    for name, (table, _) in reversed(INDEXES.items()):
        op.drop_index(name, table_name=table)
