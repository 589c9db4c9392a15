"""A draft remembers which release's form its applicant has seen.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "application",
        sa.Column("form_releases", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False, comment="填报所据版本"),
    )


def downgrade() -> None:
    op.drop_column("application", "form_releases")
