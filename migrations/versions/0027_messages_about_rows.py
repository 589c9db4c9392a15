"""Messages to officers about rows of registers: who reads registers at an office reads them, and they lead to the row.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

SYSTEM = "(SELECT ruku_system())"
FILES = "office_id = ANY((SELECT ruku_offices('files'))::int[])"
OF_FILES = "register IS NULL AND office_id IN (SELECT unnest(ruku_offices('files')))"
OF_REGISTERS = "register IS NOT NULL AND office_id IN (SELECT unnest(ruku_offices('registers')))"


def upgrade() -> None:
    op.add_column("staff_message", sa.Column("register", sa.String(length=110), nullable=True, comment="登记表"))
    op.add_column("staff_message", sa.Column("row_id", sa.Integer(), nullable=True, comment="记录编号"))
    op.execute(f"ALTER POLICY scope_read ON staff_message USING ({SYSTEM} OR ({OF_FILES}) OR ({OF_REGISTERS}))")


def downgrade() -> None:
    op.execute("DELETE FROM staff_message WHERE register IS NOT NULL")
    op.execute(f"ALTER POLICY scope_read ON staff_message USING ({SYSTEM} OR {FILES})")
    op.drop_column("staff_message", "row_id")
    op.drop_column("staff_message", "register")
