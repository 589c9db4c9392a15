"""The policy of files looks an office up in a hash instead of going along the list of offices; that of applications asks row by row.

A supervisor's list holds 600 offices, and going along it took four microseconds a row; every policy that looks through files paid it for every file. The
list of applications then went through all files to show twenty-five rows: asked by the index, only theirs are looked at. The meaning is the same.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SYSTEM, OWN = "(SELECT ruku_system())", "applicant_id = (SELECT ruku_applicant())"
SEEN = "EXISTS (SELECT 1 FROM admission a WHERE a.application_id = application.id{})"

# table → its policy of reading, before and after; OFFSET 0 keeps PostgreSQL from reading all files into a hash
READ = {
    "admission": (
        f"{SYSTEM} OR office_id = ANY((SELECT ruku_offices('files'))::int[]) OR {OWN}",
        f"{SYSTEM} OR office_id IN (SELECT unnest(ruku_offices('files'))) OR {OWN}",
    ),
    "application": (f"{SYSTEM} OR {OWN} OR {SEEN.format('')}", f"{SYSTEM} OR {OWN} OR {SEEN.format(' OFFSET 0')}"),
}


def upgrade() -> None:
    for table, (_, now) in READ.items():
        op.execute(f"ALTER POLICY scope_read ON {table} USING ({now})")


def downgrade() -> None:
    for table, (before, _) in READ.items():
        op.execute(f"ALTER POLICY scope_read ON {table} USING ({before})")
