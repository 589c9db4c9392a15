"""An index for every filter and order that a big list offers, each in the direction a list is read; and reviews are searched by grams.

The indexes that 0015 and 0026 made with rows without a value last fitted no list that orders a column without empty values.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MADE = {
    "ix_admission_opened": ("admission", ("opened_at", "id")),
    "ix_admission_step": ("admission", ("step", "opened_at", "id")),
    "ix_application_submitted": ("application", ("submitted_at", "id")),
    "ix_application_applied": ("application", ("applied_on", "id")),
    "ix_review_decided": ("review", ("decided_at", "id")),
    "ix_review_level": ("review", ("level", "decided_at", "id")),
    "ix_review_decision": ("review", ("decision", "decided_at", "id")),
    "ix_attempt_started": ("attempt", ("started_at", "id")),
    "ix_attempt_passed": ("attempt", ("passed", "started_at", "id")),
    "ix_roster_entry_entered": ("roster_entry", ("entered_at", "id")),
    "ix_roster_specialty_ends": ("roster_specialty", ("term_to", "id")),
    "ix_roster_specialty_department": ("roster_specialty", ("department_id", "term_to", "id")),
    "ix_roster_specialty_standing": ("roster_specialty", ("standing", "term_to", "id")),
    "ix_letter_written": ("letter", ("written_at", "id")),
    "ix_letter_event": ("letter", ("event", "written_at", "id")),
    "ix_delivery_due": ("delivery", ("due_at", "id")),
    "ix_delivery_channel": ("delivery", ("channel", "due_at", "id")),
    "ix_delivery_gave_up": ("delivery", ("gave_up_at", "id")),
    "ix_register_letter_written": ("register_letter", ("written_at", "id")),
    "ix_register_letter_channel": ("register_letter", ("channel", "written_at", "id")),
    "ix_register_letter_gave_up": ("register_letter", ("gave_up_at", "id")),
    "ix_staff_message_written": ("staff_message", ("written_at", "id")),
    "ix_staff_grant_granted": ("staff_grant", ("granted_at", "id")),
    "ix_staff_grant_ends": ("staff_grant", ("valid_to", "id")),
    "ix_staff_grant_role": ("staff_grant", ("role", "granted_at", "id")),
    "ix_staff_grant_department": ("staff_grant", ("department_id", "granted_at", "id")),
    "ix_staff_grant_division": ("staff_grant", ("division_code", "granted_at", "id")),
    "ix_recusal_declared": ("recusal", ("declared_at", "id")),
    "ix_recusal_kind": ("recusal", ("kind", "declared_at", "id")),
    "ix_recusal_withdrawn": ("recusal", ("withdrawn_at", "id")),
}
ENDED = {
    "ix_admission_latest": ("admission", ("opened_at DESC NULLS LAST", "id DESC")),
    "ix_application_latest": ("application", ("submitted_at DESC NULLS LAST", "id DESC")),
    "ix_register_letter_latest": ("register_letter", ("written_at DESC NULLS LAST", "id DESC")),
    "ix_letter_latest": ("letter", ("written_at DESC NULLS LAST", "id DESC")),
}


def upgrade() -> None:
    for name, (table, columns) in MADE.items():
        op.create_index(name, table, list(columns))
    for name, (table, _columns) in ENDED.items():
        op.drop_index(name, table_name=table)
    op.execute("SELECT ruku_searchable('review', '{reviewer_name}')")


def downgrade() -> None:
    op.execute("DROP INDEX gx_review")
    op.execute("DELETE FROM searched_table WHERE table_name = 'review'")
    for name, (table, columns) in ENDED.items():
        op.create_index(name, table, [sa.text(column) for column in columns])
    for name, (table, _columns) in MADE.items():
        op.drop_index(name, table_name=table)
