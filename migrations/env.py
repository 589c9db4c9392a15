"""How Alembic meets our database: one connection handed over by `console.schema`, our metadata and Flask-AppBuilder's."""

from __future__ import annotations

from alembic import context

from migrations.targets import TARGETS, ours

# all that are missing in one transaction: one that fails leaves the database as it was before the first
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TARGETS,
    compare_type=True,
    include_object=ours,
)
with context.begin_transaction():
    context.run_migrations()
