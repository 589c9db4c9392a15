"""Entries of joint restriction keep the identity number they are a hash of, encrypted, so that the hash can be made again.

Entries from before have none: `python -m console keys rehash` names them, and they are entered again from their source.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("restriction", sa.Column("id_number", sa.String(), nullable=True, comment="身份证号"))


def downgrade() -> None:
    op.drop_column("restriction", "id_number")
