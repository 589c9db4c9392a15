"""An index by person, so that a supervisor finds what somebody did without reading the whole audit.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_entry_who", "audit_entry", ["who", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_entry_who", "audit_entry")
