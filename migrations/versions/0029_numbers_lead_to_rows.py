"""What the dashboard's numbers narrow lists by has an index: specialties of the roster, and refusals.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_roster_specialty_code", "roster_specialty", ["code", "term_to", "id"])
    op.create_index("ix_step_entry_refused", "step_entry", ["admission_id"], postgresql_where=sa.text("to_step = 'refused'"))


def downgrade() -> None:
    op.drop_index("ix_step_entry_refused", "step_entry")
    op.drop_index("ix_roster_specialty_code", "roster_specialty")
