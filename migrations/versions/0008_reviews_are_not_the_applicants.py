"""What a reviewer noted is not for the applicant; functions that look past the wall are for the application's logins alone.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SYSTEM = "(SELECT ruku_system())"
FILES = "office_id = ANY((SELECT ruku_offices('files'))::int[])"
PART = "EXISTS (SELECT 1 FROM admission a WHERE a.id = admission_id)"
STAFF = "(SELECT ruku_who()) LIKE 'staff:%'"

# every login may call a new function until somebody says otherwise
LOOKS_PAST_THE_WALL = (
    "ruku_objection_state(text)",
    "ruku_held_items(integer)",
    "ruku_restricted_since(text, date)",
    "ruku_identity_taken(text)",
    "ruku_failed_deliveries()",
)


def upgrade() -> None:
    op.execute(f"ALTER POLICY scope_read ON review USING ({SYSTEM} OR {FILES} OR ({STAFF} AND {PART}))")
    for function in LOOKS_PAST_THE_WALL:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO ruku_app")


def downgrade() -> None:
    for function in LOOKS_PAST_THE_WALL:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM ruku_app")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")
    op.execute(f"ALTER POLICY scope_read ON review USING ({SYSTEM} OR {FILES} OR {PART})")
