"""A paragraph of a regulation may have several versions over time; who recorded each, and when.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "regulation_paragraph"


def upgrade() -> None:
    op.drop_constraint("pk_regulation_paragraph", TABLE, type_="primary")
    op.execute(f"ALTER TABLE {TABLE} ADD COLUMN id SERIAL CONSTRAINT pk_regulation_paragraph PRIMARY KEY")
    op.execute(f"COMMENT ON COLUMN {TABLE}.id IS '编号'")
    op.add_column(TABLE, sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="版本"))
    op.add_column(TABLE, sa.Column("title", sa.String(length=80), server_default="", nullable=False, comment="标题"))
    op.add_column(
        TABLE,
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False, comment="登记时间"),
    )
    op.add_column(
        TABLE, sa.Column("recorded_by", sa.String(length=80), server_default="system:seed", nullable=False, comment="登记人")
    )
    op.create_unique_constraint("uq_regulation_paragraph_regulation_id_article_version", TABLE, ["regulation_id", "article", "version"])
    # added to, never changed: a paragraph that changes is another version
    op.execute(f"GRANT INSERT ON {TABLE} TO ruku_app")
    op.execute(f"GRANT USAGE ON SEQUENCE {TABLE}_id_seq TO ruku_app")


def downgrade() -> None:
    op.execute(f"REVOKE INSERT ON {TABLE} FROM ruku_app")
    op.execute(f"DELETE FROM {TABLE} WHERE version > 1")
    op.drop_constraint("uq_regulation_paragraph_regulation_id_article_version", TABLE, type_="unique")
    for column in ("recorded_by", "recorded_at", "title", "version", "id"):
        op.drop_column(TABLE, column)
    op.create_primary_key("pk_regulation_paragraph", TABLE, ["regulation_id", "article"])
