"""How Alembic meets the tables of registers: by a line and a version table of their own, so that neither line waits for the other's files."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from migrations.registers import VERSIONS

context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
context.get_bind().execute(text(f"GRANT SELECT ON {VERSIONS} TO ruku_app"))
